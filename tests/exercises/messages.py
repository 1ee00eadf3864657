"""What kind of message a wrong answer gets: a name, a helper's name, a sentence on where, or numbers alone."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from swin_np.exercises.checking import examine
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import FOLLOWED, Result
from tests.exercises.mutations import composite
from tests.exercises.trials import mutants_of
from tests.exercises.wrong_answers import WRONG_ANSWERS

KINDS = ("named", "a helper's", "where", "numbers only")
STEP = re.compile(r"^(worked example|random sizes \d+ of \d+|other numbers in the first sizes|float32|golden value)"
                  r"(, called once more)?: (?!right$)")


def kind(result: Result) -> str:
    """Of what kind the message is."""
    if result.mistake:
        return "named"
    return "a helper's" if result.outcome == FOLLOWED else "where" if sentences(result) else "numbers only"


def sentences(result: Result) -> list[str]:
    """The lines of the report before the numbers of the call that failed."""
    found = []
    for line in map(str.strip, result.report.split("\n")[1:]):
        if STEP.match(line):
            break
        if not line.endswith(": right"):
            found.append(line)
    return found


def wrong_answers(every: int = 1) -> Iterator[tuple[str, str, Result]]:
    """(exercise, what is wrong, result) of every so manieth wrong answer."""
    answers = ((name, what, change) for name, changes in WRONG_ANSWERS.items() for what, change in changes.items())
    for name, what, change in islice(answers, 0, None, every):
        yield name, what, examine(EXERCISES[name], composite(name).changed(change))


def mutants(every: int) -> Iterator[tuple[str, str, Result]]:
    """(exercise, change, result) of every so manieth mutant of each solution itself that is wrong and no crash."""
    for name in EXERCISES:
        for mutant in mutants_of(name, every, helpers=False):
            result = examine(EXERCISES[name], composite(name).with_text(mutant.text))
            if result.outcome in ("wrong", FOLLOWED):
                yield name, f"{mutant.before} -> {mutant.after}", result


def table(found: Iterable[tuple[str, str, Result]]) -> str:
    """How many messages of each exercise are of which kind."""
    counts: dict[str, Counter[str]] = {}
    for name, _, result in found:
        counts.setdefault(name, Counter())[kind(result)] += 1
    counts["all"] = sum(counts.values(), Counter())
    lines = [f"| exercise | answers | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 2) + "|"]
    return "\n".join(lines + [f"| {name} | {count.total()} | {' | '.join(str(count[one]) for one in KINDS)} |"
                              for name, count in counts.items()])
