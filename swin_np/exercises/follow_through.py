"""Run a wrong function with the right helpers in the place of the student's own: is it wrong by itself?"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from swin_np.exercises.calling import Elsewhere, Helpers
from swin_np.exercises.climbing import answered, own_helper, steps
from swin_np.exercises.exercise import Exercise, Step, arrays, cast, copied
from swin_np.exercises.registry import EXERCISES

PROVEN = True                                          # that a function is right but for the helpers that are named


def wrong_helpers(exercise: Exercise, function: Callable | Elsewhere, climb: Sequence[Step], failing: Step,
                  seed: int) -> tuple[str, ...]:
    """The helpers but for which the function is right in every step; () where it is wrong with the right ones too.

    Each of them is wrong by its own check as well: a right helper may forgive what the function does wrong.
    climb: all steps of the check; failing: one in which the function is wrong.
    """
    helpers: Helpers = {name: partial(right, name) for name in exercise.helpers}
    if not helpers or not is_right(exercise, function, failing, helpers):
        return ()
    for name in sorted(helpers, key=list(EXERCISES).index, reverse=True):      # those that call others first
        others = {other: helper for other, helper in helpers.items() if other != name}
        if is_right(exercise, function, failing, others):
            helpers = others
    proven = all(is_wrong(name, own_helper(function, name), seed) for name in helpers) and all(
        is_right(exercise, function, step, helpers) for step in climb)
    return tuple(helpers) if proven else ()


def right(name: str, *arguments: Any, **more: Any) -> Any:
    """What the exercise's reference gives; arguments of several precisions are all taken in the highest."""
    given = (*arguments, more)
    floats = {x.dtype for x in arrays(given) if x.dtype.kind == "f"}
    *widened, named = cast(given, np.result_type(*floats)) if floats else copied(given)
    return copied((EXERCISES[name].reference(*widened, **named),))[0]


def is_right(exercise: Exercise, function: Callable | Elsewhere, step: Step, helpers: Helpers) -> bool:
    """Whether the function answers the call with these helpers."""
    called, found = answered(exercise, function, step, helpers)
    return found is None and not called.blank


def is_wrong(name: str, helper: Callable | Elsewhere | None, seed: int) -> bool:
    """Whether a helper is wrong in its own exercise's check."""
    return helper is not None and not all(is_right(EXERCISES[name], helper, step, {})
                                          for step in steps(EXERCISES[name], seed))
