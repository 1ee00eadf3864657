"""Where in the result it is wrong: images, rows, windows, heads, channels."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from swin_np.exercises.comparing import equal
from swin_np.exercises.exercise import Exercise, Step
from swin_np.exercises.plain import Pair

Wrong = tuple[tuple[str, ...], np.ndarray]             # names of the axes, and where a result is wrong
PARTS: dict[str, Callable[[int], np.ndarray]] = {
    "{0} 0 is right, all others are wrong": lambda n: np.arange(n) > 0,
    "only {0} 0 is wrong": lambda n: np.arange(n) == 0,
    "only the last {0} is wrong": lambda n: np.arange(n) == n - 1,
    "only the last {0} is right": lambda n: np.arange(n) < n - 1,
    "only the first {0} and the last are wrong": lambda n: np.isin(np.arange(n), (0, n - 1)),
    "only the first {0} and the last are right": lambda n: ~np.isin(np.arange(n), (0, n - 1)),
    "only the first half of the {0}s is wrong": lambda n: np.arange(n) < n / 2,
    "only the second half of the {0}s is wrong": lambda n: np.arange(n) >= n / 2,
    "only the first third of the {0}s is wrong": lambda n: np.arange(n) < n / 3,
    "only the last third of the {0}s is wrong": lambda n: np.arange(n) >= n - n / 3,
    "only the first third of the {0}s is right": lambda n: np.arange(n) >= n / 3,
    "only the last third of the {0}s is right": lambda n: np.arange(n) < n - n / 3,
    "every second {0} is wrong, beginning with 1": lambda n: np.arange(n) % 2 == 1,
    "every second {0} is wrong, beginning with 0": lambda n: np.arange(n) % 2 == 0,
    "the first two {0}s are right, all others are wrong": lambda n: np.arange(n) > 1}
"""Sentences on one axis, and which of its n places are wrong then."""

BORDERS: dict[str, Callable[[int, int], np.ndarray]] = {
    "only the first M // 2 {0}s are right": lambda n, r: np.arange(n) >= r,
    "only the last M // 2 {0}s are right": lambda n, r: np.arange(n) < n - r,
    "only the first M // 2 {0}s are wrong": lambda n, r: np.arange(n) < r,
    "only the last M // 2 {0}s are wrong": lambda n, r: np.arange(n) >= n - r,
    "only the first M // 2 + 1 {0}s are right": lambda n, r: np.arange(n) > r,
    "only the last M // 2 + 1 {0}s are right": lambda n, r: np.arange(n) < n - r - 1,
    "only {0}s at least M // 2 from both ends are right": lambda n, r: (np.arange(n) < r) | (np.arange(n) >= n - r),
    "only {0}s less than M // 2 from an end are right": lambda n, r: (np.arange(n) >= r) & (np.arange(n) < n - r)}
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
            return [f"In every wrong call {said}." if len(pairs) > 1 else f"{said[:1].upper()}{said[1:]}."]
    return []


def views_of(exercise: Exercise, step: Step, wrong: np.ndarray) -> Iterator[Wrong]:
    """The places cut into windows where the arguments say how, then as they are, then by head."""
    given = dict(zip(exercise.parameters, step.arguments, strict=True))
    names = tuple(exercise.axes.split()) or tuple(f"place on axis {axis}" for axis in range(wrong.ndim))
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
        yield (f"row {window // 2}", f"column {window // 2}"), wrong.any((0, 3))
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
    if names and names[0].startswith("row ") and names[0] != "row of windows":
        yield from at_borders(views)
        return
    if not names or any(other != names or len(other) != wrong.ndim for other, wrong in views):
        return
    if names == ("row of windows", "column of windows"):
        yield from (said for said, holds in GRIDS.items()
                    if all_fit([(wrong, holds(*wrong.shape)) for _, wrong in views]))
    if names[-2:] == ("query", "key"):
        yield from (said for said, holds in SQUARE.items() if all_fit([
            (wrong.reshape(-1, *wrong.shape[-2:]).any(0), holds(*np.indices(wrong.shape[-2:]))) for _, wrong in views]))
    for axis, name in enumerate(names):
        lines: list[np.ndarray] = [wrong.any(tuple(other for other in range(wrong.ndim) if other != axis))
                                   for _, wrong in views]
        yield from (said.format(name) for said, holds in PARTS.items()
                    if all_fit([(line, holds(len(line))) for line in lines]))
        same = {tuple(np.flatnonzero(line)) for line in lines}
        if len(lines) == 1 and len(same) == 1 and 0 < len(only := same.pop()) < len(lines[0]) <= 64:
            listed = ", ".join(map(str, only[:8])) + ", ..." * (len(only) > 8)
            yield f"it is wrong in {name} {listed} of 0 to {len(lines[0]) - 1} only"


def at_borders(views: Sequence[Wrong]) -> Iterator[str]:
    """What can be said of rows or columns that are nearer to a border than a window reaches."""
    for axis, name in enumerate(("row", "column")):
        lines = [(wrong.any(1 - axis), int(names[axis].split()[1])) for names, wrong in views]
        yield from (said.format(name) for said, holds in BORDERS.items()
                    if all_fit([(line, holds(len(line), reach)) for line, reach in lines]))


def all_fit(found: Sequence[tuple[Any, Any]]) -> bool:
    """Whether each is wrong where it is expected to be, and somewhere right in one at least of more than one place."""
    return all(np.array_equal(one, other) for one, other in found) and any(not one.all() for one, _ in found)
