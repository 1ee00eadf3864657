"""Random arguments that have, taken together, all that an exercise says they must contain."""

import inspect
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from swin_np.exercises.exercise import Arguments, Exercise

DRAWS = 4                                              # at least
Condition = Callable[[Sequence[dict[str, Any]]], bool]                  # on all draws of a seed, arguments by name


def by_name(function: Callable) -> Callable[[dict[str, Any]], Any]:
    """The function of all arguments that takes those which its parameters name."""
    names = tuple(inspect.signature(function).parameters)
    return lambda arguments: function(*(arguments[name] for name in names))


def one(holds: Callable[..., Any]) -> Condition:
    """That one draw has it. holds: takes arguments of the exercise, by their names."""
    of = by_name(holds)
    return lambda draws: any(bool(of(arguments)) for arguments in draws)


def alike(same: Callable[..., Hashable], other: Callable[..., Hashable]) -> Condition:
    """That two draws agree in one thing and differ in another: what was kept by the first alone is then wrong.

    same, other: take arguments of the exercise, by their names; where `same` is None, the draw does not count.
    """
    key, value = by_name(same), by_name(other)

    def holds(draws: Sequence[dict[str, Any]]) -> bool:
        first: dict[Hashable, Hashable] = {}
        return any(first.setdefault(key(arguments), value(arguments)) != value(arguments) for arguments in draws
                   if key(arguments) is not None)

    return holds


def differ(what: Callable[..., Hashable]) -> Condition:
    """That two draws differ in it. what: takes arguments of the exercise, by their names."""
    return alike(lambda: "any", what)


def uneven(name: str) -> dict[str, Condition]:
    """What the draws of an exercise with the array of this name contain."""
    return {"every axis of another length":
            lambda draws: any(len(set(arguments[name].shape)) == arguments[name].ndim for arguments in draws)}


def maps(name: str, height: int = 1, what: str = "map") -> dict[str, Condition]:
    """What the draws of an exercise with maps of this name contain. height: the axis of the rows."""
    def some(holds: Callable[[int, int, int], bool]) -> Condition:
        return lambda draws: any(holds(len(arguments[name]), *arguments[name].shape[height:height + 2])
                                 for arguments in draws)

    return {f"a {what} that is wider than high": some(lambda b, h, w: h < w),
            f"a {what} that is higher than wide": some(lambda b, h, w: h > w),
            "several images": some(lambda b, h, w: b > 1), **uneven(name)}


def missing(exercise: Exercise, draws: Sequence[Arguments], among: Iterable[str] | None = None) -> list[str]:
    """What the exercise says that its draws must contain, or some of that, and these do not."""
    named = [dict(zip(exercise.parameters, arguments, strict=True)) for arguments in draws]
    return [what for what in (exercise.covers if among is None else among) if not exercise.covers[what](named)]


def drawn(exercise: Exercise, seed: int, number: int) -> Arguments:
    """The random arguments of this number."""
    return exercise.draw(np.random.default_rng((seed, number)))


def draws(exercise: Exercise, seed: int) -> list[Arguments]:
    """As many draws as it takes until nothing is missing, without those that are not needed."""
    found = [drawn(exercise, seed, number) for number in range(DRAWS)]
    lacking = missing(exercise, found)
    while lacking:                                     # what is there stays there
        found.append(drawn(exercise, seed, len(found)))
        lacking = missing(exercise, found, lacking)
    for size in (16, 4, 1):                            # that are left out at a time
        for start in reversed(range(0, len(found), size)):
            others = found[:start] + found[start + size:]
            if len(others) >= DRAWS and not missing(exercise, others):
                found = others
    return found
