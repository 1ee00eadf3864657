"""Two mistakes at once: pairs of the catalogue whose numbers together are the student's, where no single one's are."""

from collections.abc import Sequence
from itertools import combinations

from swin_np.exercises.exercise import Exercise
from swin_np.exercises.naming import MISTAKES, Evidence, explains
from swin_np.mistakes.mistake import Mistake

MOST_SECONDS = 5.0                                     # of an exercise: a whole model is told line by line alone


def named_pair(exercise: Exercise, evidence: Sequence[Evidence]) -> tuple[Mistake, ...]:
    """The first two mistakes of the exercise, in different functions, that give every result; or ()."""
    if exercise.seconds > MOST_SECONDS:
        return ()
    quickest = sorted(evidence, key=lambda one: one[0].name != "worked example")
    pairs = (pair for pair in combinations(map(MISTAKES.__getitem__, exercise.mistakes), 2)
             if pair[0].replaces != pair[1].replaces)
    return next((pair for pair in pairs if explains(exercise, pair, quickest)), ())
