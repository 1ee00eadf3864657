"""Mutants of the solutions under the random sizes of many seeds: caught, equal in effect, or missed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from swin_np.exercises.checking import answered
from swin_np.exercises.registry import EXERCISES
from tests.exercises.mutations import Mutant, composite
from tests.exercises.seeds import SEEDS, random_steps

SECONDS = 2.0                                          # for a call; a mutant may be a loop without end
FILE = Path(__file__).parent / "equal_in_effect.txt"


@dataclass(frozen=True)
class Trial:
    """What became of a mutant. missed: the seeds under which it passes; reason: why it has the same effect, or ''."""

    exercise: str
    mutant: Mutant
    missed: tuple[int, ...]
    reason: str

    @property
    def in_solution(self) -> bool:
        """Whether the solution itself is changed, not a helper of it."""
        return self.exercise == self.mutant.function

    @property
    def outcome(self) -> str:
        """"caught" under every seed, "equal" in effect, or "missed" under some seed."""
        return "caught" if not self.missed else "equal" if self.reason else "missed"


@cache
def equal_in_effect() -> dict[tuple[str, str, str], str]:
    """The reasons in the file, by (exercise, function that is changed, statement after the change).

    A reason stands above its lines; in these "*" stands for every exercise of which the function is a helper.
    """
    reasons, reason = {}, ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            exercise, function, after = line.split(maxsplit=2)
            reasons[exercise, function, after] = reason
        elif line:
            reason = line
    return reasons


def reason_for(exercise: str, mutant: Mutant) -> str:
    """Why the mutant has the same effect in this exercise, or ''."""
    places = (exercise,) if exercise == mutant.function else (exercise, "*")
    return next(filter(None, (equal_in_effect().get((place, mutant.function, mutant.after)) for place in places)), "")


def tried(exercise: str, mutant: Mutant, seeds: Sequence[int] = SEEDS) -> Trial:
    """Ask the mutant what the random sizes of every seed ask."""
    quick, function = replace(EXERCISES[exercise], seconds=SECONDS), composite(exercise).with_text(mutant.text)
    missed = []
    for seed in seeds:
        results = (answered(quick, function, step) for step in random_steps(exercise, seed))
        if not any(called.blank or found for called, found in results):
            missed.append(seed)
    return Trial(exercise, mutant, tuple(missed), reason_for(exercise, mutant))


def mutants_of(exercise: str, every: int = 1, helpers: bool = True) -> Iterator[Mutant]:
    """The mutants of a solution, and of its helpers; every so manieth."""
    for number, mutant in enumerate(composite(exercise).mutants()):
        if number % every == 0 and (helpers or mutant.function == exercise):
            yield mutant


def counted(trials: Sequence[Trial], in_solution: bool) -> Counter[str]:
    """How many mutants had which outcome."""
    return Counter(trial.outcome for trial in trials if trial.in_solution == in_solution)
