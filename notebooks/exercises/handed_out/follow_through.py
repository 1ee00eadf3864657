"""Whether helpers of a wrong function are wrong by their own checks; nothing right can stand in their place here."""

from collections.abc import Callable, Sequence

from swin_np.exercises.calling import Elsewhere
from swin_np.exercises.climbing import answered, own_helper, steps
from swin_np.exercises.exercise import Exercise, Step
from swin_np.exercises.registry import EXERCISES

PROVEN = False                                         # that a function is right but for the helpers that are named


def wrong_helpers(exercise: Exercise, function: Callable | Elsewhere, climb: Sequence[Step], failing: Step,
                  seed: int) -> tuple[str, ...]:
    """The helpers of the student's that give something wrong in their own exercises' checks."""
    return tuple(name for name in exercise.helpers if is_wrong(name, own_helper(function, name), seed))


def is_wrong(name: str, helper: Callable | Elsewhere | None, seed: int) -> bool:
    """Whether a helper gives something wrong; one that cannot be called as its exercise's is not asked."""
    if helper is None:
        return False
    wrong = False
    for step in steps(EXERCISES[name], seed):
        found = answered(EXERCISES[name], helper, step)[1]
        if found is not None and found.step == "call":
            return False
        wrong = wrong or found is not None
    return wrong
