"""Run a wrong function with the right helpers in the place of the student's own: is it wrong by itself?"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from swin_np.exercises.calling import Elsewhere, Helpers
from swin_np.exercises.climbing import answered
from swin_np.exercises.exercise import Exercise, Step, copied
from swin_np.exercises.registry import EXERCISES


def wrong_helpers(exercise: Exercise, function: Callable | Elsewhere, climb: Sequence[Step],
                  failing: Step) -> tuple[str, ...]:
    """The helpers but for which the function is right in every step; () where it is wrong with the right ones too.

    climb: all steps of the check; failing: one in which it is wrong.
    """
    helpers = references(exercise)
    if not helpers or not is_right(exercise, function, failing, helpers):
        return ()
    for name in sorted(helpers, key=list(EXERCISES).index, reverse=True):      # those that call others first
        others = {other: helper for other, helper in helpers.items() if other != name}
        if is_right(exercise, function, failing, others):
            helpers = others
    return tuple(helpers) if all(is_right(exercise, function, step, helpers) for step in climb) else ()


def references(exercise: Exercise) -> Helpers:
    """What stands in the place of the helpers; what it gives may be written to."""
    def right(name: str) -> Callable:
        def helper(*arguments: Any, **more: Any) -> Any:
            return copied((EXERCISES[name].reference(*arguments, **more),))[0]
        return helper

    return {name: right(name) for name in exercise.helpers}


def is_right(exercise: Exercise, function: Callable | Elsewhere, step: Step, helpers: Helpers) -> bool:
    """Whether the function answers the call with these helpers."""
    called, found = answered(exercise, function, step, helpers)
    return found is None and not called.blank


def own_helpers(exercise: Exercise, function: Callable | Elsewhere) -> dict[str, Callable]:
    """The student's own functions that the exercise's may call, where they can be seen."""
    inner = None if isinstance(function, Elsewhere) else inspect.unwrap(function)
    names = inner.__globals__ if inspect.isfunction(inner) else {}
    return {name: names[name] for name in exercise.helpers if callable(names.get(name))}
