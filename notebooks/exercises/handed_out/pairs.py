"""Pairs of mistakes are not recorded: there are too many."""

from collections.abc import Sequence

from swin_np.exercises.exercise import Exercise
from swin_np.exercises.naming import Evidence
from swin_np.mistakes.mistake import Mistake


def named_pair(exercise: Exercise, evidence: Sequence[Evidence]) -> tuple[Mistake, ...]:
    """None."""
    return ()
