"""For which calls a function is wrong: what their arguments have, and those of the right calls do not have."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from swin_np.exercises.exercise import Exercise, Step
from swin_np.language import phrase

MOST, MOST_OF_ONE = 2, 3                               # properties that are told; where a single call is right
Property = tuple[str, Callable[[Mapping[str, Any]], Any]]

HEIGHTS = {"images": 2}                                # the axis of the rows, by the argument's name; of others 1
MAPS = ("images", "patches")                           # whatever the exercise
ARRAYS = ("x", "images", "patches", "q")               # of which the exercise's axes say what they are


def arrays_with(given: Mapping[str, Any], *axes: str) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays that have these axes, as the exercise's result has; those of no such exercise are no maps."""
    yield from ((name, given[name]) for name in ARRAYS if isinstance(given.get(name), np.ndarray)
                and (name in MAPS or set(axes) & set(given["axes"])))


def sides(given: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of the map or window that the arguments are about."""
    for name in ("map_size", "window"):
        if isinstance(given.get(name), tuple):
            return given[name]
    if isinstance(given.get("h"), int):
        return given["h"], given["w"]
    for name, value in arrays_with(given, "row"):
        if value.ndim == 4:
            axis = HEIGHTS.get(name, 1)
            return value.shape[axis:axis + 2]
    return None


def on_maps(holds: Callable[[int, int], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """The condition on height and width as one on arguments."""
    return lambda given: (size := sides(given)) is not None and holds(*size)


def with_window(holds: Callable[[int, int, int], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """The same with M, where a map is cut into windows."""
    return lambda given: ((size := sides(given)) is not None and isinstance(given.get("window"), int)
                          and holds(*size, given["window"]))


def number(name: str, holds: Callable[[Any], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """A condition on one argument."""
    return lambda given: name in given and holds(given[name])


def batch(given: Mapping[str, Any]) -> int:
    """How many images the arguments hold."""
    for _, value in arrays_with(given, "image", "row"):
        return len(value)
    if isinstance(given.get("mask"), np.ndarray) and "windows" in given:
        return len(given["windows"]) // len(given["mask"])
    if isinstance(given.get("map_size"), tuple) and "windows" in given:
        return given["windows"][..., 0].size // (given["map_size"][0] * given["map_size"][1])
    return 0


PROPERTIES: list[Property] = [
    ("there are more than two stages", number("depths", lambda depths: len(depths) > 2)),
    *[(said, number("depths", lambda depths, n=n: max(depths) > n)) for n, said in (
        (1, "a stage has more than 1 blocks"), (2, "a stage has more than 2 blocks"),
        (3, "a stage has more than 3 blocks"))],
    ("a depth is odd", number("depths", lambda depths: any(depth % 2 for depth in depths))),
    ("the stages have different depths", number("depths", lambda depths: len(set(depths)) > 1)),
    ("the stages have different numbers of heads",
     number("heads", lambda heads: isinstance(heads, tuple) and len(set(heads)) > 1)),
    ("H and W differ", on_maps(lambda h, w: h != w)),
    ("the map is wider than high", on_maps(lambda h, w: h < w)),
    ("the map is higher than wide", on_maps(lambda h, w: h > w)),
    ("there is more than one image", lambda given: batch(given) > 1),
    ("there are more than two images", lambda given: batch(given) > 2),
    ("there is a mask", number("mask", lambda mask: mask is not None)),
    ("there is no mask", number("mask", lambda mask: mask is None)),
    ("the windows are shifted", number("shift", bool)),
    ("the windows are not shifted", number("shift", lambda shift: not shift)),
    ("the shift is not 1", number("shift", lambda shift: shift != 1)),
    ("the shift is not half of M", lambda given: "shift" in given and 2 * given["shift"] != given["window"]),
    ("the shift is more than half of M", lambda given: "shift" in given and 2 * given["shift"] > given["window"]),
    ("the shift is less than half of M", lambda given: "shift" in given and 0 < 2 * given["shift"] < given["window"]),
    ("M is odd", number("window", lambda window: isinstance(window, int) and window % 2)),
    ("M is even", number("window", lambda window: isinstance(window, int) and window % 2 == 0)),
    *[(said, number("window", lambda window, m=m: isinstance(window, int) and window != m))
      for m, said in ((2, "M is not 2"), (3, "M is not 3"), (7, "M is not 7"))],
    *[(said, number("window", lambda window, m=m: isinstance(window, int) and window > m))
      for m, said in ((2, "M is larger than 2"), (3, "M is larger than 3"), (4, "M is larger than 4"))],
    ("the map has a single row of windows", with_window(lambda h, w, m: h == m)),
    ("the map has a single column of windows", with_window(lambda h, w, m: w == m)),
    ("the map has more than one row of windows", with_window(lambda h, w, m: h > m)),
    ("the map has more than one column of windows", with_window(lambda h, w, m: w > m)),
    ("the map has windows in more than one row and column", with_window(lambda h, w, m: h > m and w > m)),
    ("there is more than one head", number("heads", lambda heads: isinstance(heads, int) and heads > 1)),
    ("there are more than two heads", number("heads", lambda heads: isinstance(heads, int) and heads > 2)),
    *[(said, number("kernels", lambda kernels, n=n: len(kernels) > n))
      for n, said in ((2, "there are more than 2 kernels"), (3, "there are more than 3 kernels"))],
    ("there are fewer than 3 kernels", number("kernels", lambda kernels: len(kernels) < 3)),
    ("there are other than 3 colours", number("images", lambda images: images.shape[1] != 3)),
    ("the numbers are of float32", lambda given: any(
        value.dtype == np.float32 for value in given.values() if isinstance(value, np.ndarray))),
    ("there are more than two axes", number("x", lambda x: isinstance(x, np.ndarray) and x.ndim > 2)),
    ("there are numbers above 700", number("x", lambda x: np.abs(x).max() > 700))]
"""What can be said of the arguments of one call."""


def in_common(exercise: Exercise, wrong: Sequence[Step], right: Sequence[Step]) -> list[str]:
    """A sentence on what all wrong calls have and no right call has; or nothing."""
    if not wrong or not right:
        return []
    bad, good = ([{"axes": exercise.axes.split(), **dict(zip(exercise.parameters, step.arguments, strict=True))}
                  for step in calls] for calls in (wrong, right))
    found = [phrase(said) for said in separating(bad, good)][:MOST if len(right) > 1 else MOST_OF_ONE]
    if not found:
        return []
    count, every = len(right), len(right) + len(wrong)
    if count < 2:
        return [phrase("It is right in {count} of {every} calls only ({call}), in which this is not so: {found}."
                       if right[0].is_random else
                       "It is right in {count} of {every} calls only ({call}), in which this is not so: {found}. There "
                       "it may also be right by chance.",
                       count=count, every=every, call=right[0].said, found=phrase("; ").join(found))]
    return [phrase("It is right in {count} of {every} calls; it is wrong whenever {found}.", count=count, every=every,
                   found=phrase(", and whenever ").join(found))]


def separating(bad: Sequence[Mapping[str, Any]], good: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The properties of all bad calls and of no good one."""
    yield from (said for said, holds in PROPERTIES
                if all(holds(given) for given in bad) and not any(holds(given) for given in good))
