"""The seeds under which answers are tried, and the random calls of each."""

from functools import cache

from swin_np.exercises.checking import PREDICTION, steps
from swin_np.exercises.exercise import Step
from swin_np.exercises.registry import EXERCISES

SEEDS = range(20)


@cache
def all_steps(name: str, seed: int) -> tuple[Step, ...]:
    """Every call of a check with this seed."""
    return tuple(steps(EXERCISES[name], seed))


def random_steps(name: str, seed: int) -> list[Step]:
    """Those of random sizes; of a question the one that there is."""
    return [step for step in all_steps(name, seed) if step.name.startswith(("random", PREDICTION))]
