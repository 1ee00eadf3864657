"""Where in the result it is wrong: images, rows, windows, heads, channels."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from swin_np.exercises.axes import Axis, place_on, places_on
from swin_np.exercises.comparing import equal
from swin_np.exercises.exercise import Exercise, Step
from swin_np.exercises.plain import Pair
from swin_np.language import phrase

Wrong = tuple[tuple[Axis, ...], np.ndarray]            # the axes, and where a result is wrong
BORDER = "border"                                      # in the place of axes, with how far a window reaches
PARTS: dict[str, Callable[[int], np.ndarray]] = {
    "{name} 0 is right, all others are wrong": lambda n: np.arange(n) > 0,
    "only {name} 0 is wrong": lambda n: np.arange(n) == 0,
    "only the last {name} is wrong": lambda n: np.arange(n) == n - 1,
    "only the last {name} is right": lambda n: np.arange(n) < n - 1,
    "only the first {name} and the last are wrong": lambda n: np.isin(np.arange(n), (0, n - 1)),
    "only the first {name} and the last are right": lambda n: ~np.isin(np.arange(n), (0, n - 1)),
    "only the first half of the {names} is wrong": lambda n: np.arange(n) < n / 2,
    "only the second half of the {names} is wrong": lambda n: np.arange(n) >= n / 2,
    "only the first third of the {names} is wrong": lambda n: np.arange(n) < n / 3,
    "only the last third of the {names} is wrong": lambda n: np.arange(n) >= n - n / 3,
    "only the first third of the {names} is right": lambda n: np.arange(n) >= n / 3,
    "only the last third of the {names} is right": lambda n: np.arange(n) < n - n / 3,
    "every second {name} is wrong, beginning with 1": lambda n: np.arange(n) % 2 == 1,
    "every second {name} is wrong, beginning with 0": lambda n: np.arange(n) % 2 == 0,
    "the first two {names} are right, all others are wrong": lambda n: np.arange(n) > 1}
"""Sentences on the places of one axis, and which of the n are wrong then."""

BORDERS: dict[str, Callable[[int, int], np.ndarray]] = {
    "only the first M // 2 {names} are right": lambda n, r: np.arange(n) >= r,
    "only the last M // 2 {names} are right": lambda n, r: np.arange(n) < n - r,
    "only the first M // 2 {names} are wrong": lambda n, r: np.arange(n) < r,
    "only the last M // 2 {names} are wrong": lambda n, r: np.arange(n) >= n - r,
    "only the first M // 2 + 1 {names} are right": lambda n, r: np.arange(n) > r,
    "only the last M // 2 + 1 {names} are right": lambda n, r: np.arange(n) < n - r - 1,
    "only {names} at least M // 2 from both ends are right": lambda n, r: (np.arange(n) < r) | (np.arange(n) >= n - r),
    "only {names} less than M // 2 from an end are right": lambda n, r: (np.arange(n) >= r) & (np.arange(n) < n - r)}
"""The same where a window of M reaches M // 2 = r places each way."""

GRIDS: dict[str, Callable[[int, int], np.ndarray]] = {
    "it is wrong in the windows of the last row and column only": lambda h, w: edge(h)[:, None] | edge(w),
    "it is wrong in the windows of the last row only": lambda h, w: edge(h)[:, None] & np.full(w, True),
    "it is wrong in the windows of the last column only": lambda h, w: np.full((h, 1), True) & edge(w),
    "it is wrong in the last window only, that of the corner": lambda h, w: edge(h)[:, None] & edge(w),
    "it is wrong in the windows of the last row only, but for the corner": lambda h, w: edge(h)[:, None] & ~edge(w),
    "it is wrong in the windows of the last column only, but for the corner": lambda h, w: ~edge(h)[:, None] & edge(w),
    "it is right in the windows of the last row and column only": lambda h, w: ~(edge(h)[:, None] | edge(w)),
    "it is right in the first window only": lambda h, w: np.arange(h * w).reshape(h, w) > 0}
"""Sentences on the windows of a map, and which of the h x w are wrong then."""

SQUARE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "it is wrong for pairs of a token with itself only": lambda i, j: i == j,
    "it is right for pairs of a token with itself only": lambda i, j: i != j,
    "it is wrong for keys behind the query only": lambda i, j: j > i,
    "it is wrong for keys before the query only": lambda i, j: j < i}
"""Sentences on pairs of query and key, and which are wrong then."""


def edge(n: int) -> np.ndarray:
    """The last of n places."""
    return np.arange(n) == n - 1


def wrong_places(exercise: Exercise, pairs: Sequence[Pair]) -> list[str]:
    """Sentences on where the results of all wrong calls are wrong; or nothing where they are wrong everywhere."""
    arrays = [(step, got) for step, got in pairs if isinstance(got, np.ndarray) and isinstance(
        step.expected, np.ndarray) and got.shape == step.expected.shape and got.dtype.kind in "iuf"]
    if not arrays or len(arrays) < len(pairs):
        return []
    views = [list(views_of(exercise, step, ~equal(got, step.expected, step.dtype))) for step, got in arrays]
    for of_all in zip(*views, strict=False):
        said = next(sentences(of_all), "")
        if said:
            return [phrase("In every wrong call {what}.", what=said) if len(pairs) > 1 else
                    phrase("{sentence}.", sentence=f"{said[:1].upper()}{said[1:]}")]
    return []


def views_of(exercise: Exercise, step: Step, wrong: np.ndarray) -> Iterator[Wrong]:
    """The places cut into windows where the arguments say how, then as they are, then by head."""
    given = dict(zip(exercise.parameters, step.arguments, strict=True))
    names: tuple[Axis, ...] = tuple(exercise.axes.split()) or tuple(range(wrong.ndim))
    window, shift = given.get("window"), given.get("shift", 0)
    if names[1:3] == ("row", "column") and isinstance(window, int):
        yield in_windows(np.roll(wrong, (-shift, -shift), (1, 2)).any((0, 3)), window)
    elif names[0] == "window" and "map_size" in given and isinstance(window, int):
        h, w = (side // window for side in given["map_size"])
        yield ("row of windows", "column of windows"), wrong.reshape(h, w, -1).any(2)
    elif names == ("row", "column") and isinstance(window, int):
        yield in_windows(wrong, window)
    else:
        yield (), wrong
    if names[1:3] == ("row", "column") and isinstance(window, int) and not shift:
        yield (BORDER, window // 2), wrong.any((0, 3))
    else:
        yield (), wrong
    mask, heads = given.get("mask"), given.get("heads")
    if isinstance(mask, np.ndarray) and names[0] == "window" and len(wrong) % len(mask) == 0:
        split = wrong.reshape(-1, len(mask), *wrong.shape[1:])
        yield ("image", "window of an image", *names[1:]), split
    else:
        yield names, wrong
    if isinstance(heads, int) and names[-1] == "channel" and wrong.shape[-1] % heads == 0:
        yield ("head",), wrong.reshape(-1, heads, wrong.shape[-1] // heads).any((0, 2))
    else:
        yield (), wrong


def in_windows(wrong: np.ndarray, window: int) -> Wrong:
    """A map (H, W) as (rows of windows, columns of windows)."""
    h, w = (side // window for side in wrong.shape)
    if wrong.shape != (h * window, w * window):
        return (), wrong
    return ("row of windows", "column of windows"), wrong.reshape(h, window, w, window).any((1, 3))


def sentences(views: Sequence[Wrong]) -> Iterator[str]:
    """What can be said of all of them."""
    names = views[0][0]
    if names[:1] == (BORDER,):
        yield from at_borders(views)
        return
    if not names or any(other != names or len(other) != wrong.ndim for other, wrong in views):
        return
    if names == ("row of windows", "column of windows"):
        yield from (phrase(said) for said, holds in GRIDS.items()
                    if all_fit([(wrong, holds(*wrong.shape)) for _, wrong in views]))
    if names[-2:] == ("query", "key"):
        yield from (phrase(said) for said, holds in SQUARE.items() if all_fit([
            (wrong.reshape(-1, *wrong.shape[-2:]).any(0), holds(*np.indices(wrong.shape[-2:]))) for _, wrong in views]))
    for axis, name in enumerate(names):
        place = place_on(name)
        lines: list[np.ndarray] = [wrong.any(tuple(other for other in range(wrong.ndim) if other != axis))
                                   for _, wrong in views]
        yield from (phrase(said, name=place, names=places_on(name)) for said, holds in PARTS.items()
                    if all_fit([(line, holds(len(line))) for line in lines]))
        same = {tuple(np.flatnonzero(line)) for line in lines}
        if len(lines) == 1 and len(same) == 1 and 0 < len(only := same.pop()) < len(lines[0]) <= 64:
            listed = phrase(", ").join(map(str, only[:8])) + phrase(", ...") * (len(only) > 8)
            yield phrase("it is wrong in {name} {listed} of 0 to {last} only", name=place, listed=listed,
                         last=len(lines[0]) - 1)


def at_borders(views: Sequence[Wrong]) -> Iterator[str]:
    """What can be said of rows or columns that are nearer to a border than a window reaches."""
    for axis, name in enumerate(("row", "column")):
        lines = [(wrong.any(1 - axis), reach) for (_, reach), wrong in views]
        yield from (phrase(said, names=places_on(name)) for said, holds in BORDERS.items()
                    if all_fit([(line, holds(len(line), reach)) for line, reach in lines]))


def all_fit(found: Sequence[tuple[Any, Any]]) -> bool:
    """Whether each is wrong where it is expected to be, and somewhere right in one at least of more than one place."""
    return all(np.array_equal(one, other) for one, other in found) and any(not one.all() for one, _ in found)
