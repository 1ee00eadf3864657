"""Name the mistake: which of the catalogue, or which plain transformation, gives what the student's function gave."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from swin_np.exercises.calling import Called, call
from swin_np.exercises.comparing import difference, equal
from swin_np.exercises.exercise import Exercise, Step, copied
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, OF_SYSTEMS, planted
from swin_np.mistakes.mistake import Mistake

MISTAKES = {**CATALOGUE, **IN_EXERCISES, **OF_SYSTEMS}
MOST_AXES = 5                                          # whose 120 orders are tried
Evidence = tuple[Step, Called]                         # a call and what came of it
NEARLY = 100                                           # times the tolerance


def named(exercise: Exercise, evidence: Sequence[Evidence]) -> Mistake | None:
    """The first mistake of the exercise that gives the student's result in every call, or None."""
    return next((mistake for mistake in map(MISTAKES.__getitem__, exercise.mistakes)
                 if explains(exercise, mistake, evidence)), None)


def explains(exercise: Exercise, mistake: Mistake, evidence: Sequence[Evidence]) -> bool:
    """Whether the mistake gives what the student's function gave, errors included, and not always what is right."""
    shows = False
    with planted(mistake):
        for step, called in evidence:
            wrong = call(exercise.reference, copied(step.arguments), exercise.seconds)
            if bool(wrong.error) != bool(called.error):
                return False
            if not wrong.error:
                if difference(called.value, wrong.value, step.dtype) is not None:
                    return False
                shows = shows or difference(wrong.value, step.expected, step.dtype) is not None
    return shows


def transformation(got: Any, expected: Any, dtype: np.dtype) -> list[str]:
    """A sentence on how the result becomes the right one by something plain that needs no catalogue; or nothing."""
    if not (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray) and got.dtype.kind in "iuf"
            and expected.dtype.kind in "if" and got.size == expected.size > 1 and np.isfinite(got).all()):
        return []

    def same(x: np.ndarray) -> bool:
        return x.shape == expected.shape and bool(equal(x, expected, dtype).all())

    got = got.astype(expected.dtype)
    if got.shape == expected.shape and bool(equal(got, expected, dtype, NEARLY).all()):
        return ["It is nearly right: is it an approximation, or is a step computed with fewer digits?"]
    orders = permutations(range(got.ndim)) if got.ndim <= MOST_AXES else ()
    for order in orders:
        if same(got.transpose(order)):
            return [f"Your result equals the right one once its axes are put in the order {order}."]
    if got.shape != expected.shape:
        right = same(got.reshape(expected.shape))
        return ["The numbers are right and in the right order, only the shape is another."] if right else []
    for axis in range(got.ndim):
        if same(np.flip(got, axis)):
            return [f"Your result equals the right one with axis {axis} reversed."]
    if same(-got):
        return ["Your result equals the right one with the opposite sign."]
    factor = float(np.vdot(got, expected)) / (float(np.vdot(got, got)) or 1.0)
    if factor and same(got * factor):
        return [f"Your result is {1 / factor:.6g} times the right one."]
    offset = float(np.mean(got - expected))
    if same(got - offset):
        return [f"Your result is off by {offset:.6g}, everywhere by the same number."]
    return []
