"""Name the mistake: which of the catalogue gives what the student's function gave."""

from collections.abc import Sequence

from swin_np.exercises.calling import Called, call
from swin_np.exercises.comparing import difference
from swin_np.exercises.exercise import Exercise, Step, copied
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, OF_SYSTEMS, planted
from swin_np.mistakes.mistake import Mistake

MISTAKES = {**CATALOGUE, **IN_EXERCISES, **OF_SYSTEMS}
Evidence = tuple[Step, Called]                         # a call and what came of it


def named(exercise: Exercise, evidence: Sequence[Evidence]) -> Mistake | None:
    """The first mistake of the exercise that gives the student's result in every call, or None."""
    return next((mistake for mistake in map(MISTAKES.__getitem__, exercise.mistakes)
                 if explains(exercise, (mistake,), evidence)), None)


def explains(exercise: Exercise, mistakes: Sequence[Mistake], evidence: Sequence[Evidence]) -> bool:
    """Whether the mistakes give what the student's function gave, errors included, and not always what is right."""
    shows = False
    with planted(*mistakes):
        for step, called in evidence:
            wrong = call(exercise.reference, copied(step.arguments), exercise.seconds)
            if bool(wrong.error) != bool(called.error):
                return False
            if not wrong.error:
                if difference(called.value, wrong.value, step.dtype) is not None:
                    return False
                shows = shows or difference(wrong.value, step.expected, step.dtype) is not None
    return shows
