"""The mutation score of the exercises: every small change of a solution, tried on the check's random sizes.

One operator, constant, index, axis, name, argument, call or statement is changed at a time, in the solution and in the
helpers that its notebook gives. "caught": refused under every seed. "equal": the same in effect, for the reason that
tests/exercises/equal_in_effect.txt gives. "missed": some seed lets it pass.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import repeat

from swin_np.commands.terminal import with_progress
from swin_np.exercises.registry import EXERCISES
from tests.exercises.trials import Trial, counted, mutants_of, tried

QUICK, QUICK_SEEDS = 5, 3                              # with --quick, every fifth mutant under three seeds
SEEDS = 20
CHUNK = 100                                            # mutants, for a process at a time

EXAMPLE = """examples:
  python -m benchmarks.mutants --quick
  python -m benchmarks.mutants --only swin_transformer --json
"""


def work(exercise: str, chunk: int, every: int, seeds: int) -> list[Trial]:
    """The trials of one chunk of an exercise's mutants."""
    chosen = list(mutants_of(exercise, every))[chunk * CHUNK:(chunk + 1) * CHUNK]
    return [tried(exercise, mutant, range(seeds)) for mutant in chosen]


def all_trials(names: Iterable[str], every: int, seeds: int, processes: int) -> list[Trial]:
    """Every trial, in the order of the exercises."""
    parts = [(name, chunk) for name in names for chunk in range(-(-sum(1 for _ in mutants_of(name, every)) // CHUNK))]
    with ProcessPoolExecutor(processes) as pool:
        found = pool.map(work, *zip(*parts, strict=True), repeat(every), repeat(seeds))
        return [trial for _, trials in zip(with_progress(parts, "chunks"), found, strict=True) for trial in trials]


def table(trials: list[Trial]) -> str:
    """A line for each exercise, then one for each mutant that was missed."""
    lines = ["| exercise | solution: mutants | caught | equal | missed | helpers: mutants | caught | equal | missed |",
             "|---" * 9 + "|"]
    for name in dict.fromkeys(trial.exercise for trial in trials):
        lines.append(row(name, [trial for trial in trials if trial.exercise == name]))
    missed = [f"* {trial.exercise}, {trial.mutant.function}: `{trial.mutant.before}` -> `{trial.mutant.after}` passes "
              f"under seed {', '.join(map(str, trial.missed))}" for trial in trials if trial.outcome == "missed"]
    return "\n".join([*lines, row("all", trials), *([""] if missed else []), *missed])


def row(name: str, trials: list[Trial]) -> str:
    """The counts of these trials as a line of the table."""
    cells = [name]
    for in_solution in (True, False):
        counts = counted(trials, in_solution)
        cells += map(str, (counts.total(), counts["caught"], counts["equal"], counts["missed"]))
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 1 if a mutant was missed, or 2 after a sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.mutants", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"every fifth mutant only, under {QUICK_SEEDS} seeds")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--only", choices=list(EXERCISES), metavar="EXERCISE", help="this exercise only")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if min(options.seeds, options.processes) < 1:
        print(f"{options.seeds} seeds and {options.processes} processes were given, expected 1 or more",
              file=sys.stderr)
        return 2
    names = [options.only] if options.only else list(EXERCISES)
    every, seeds = (QUICK, min(QUICK_SEEDS, options.seeds)) if options.quick else (1, options.seeds)
    trials = all_trials(names, every, seeds, options.processes)
    print(json.dumps([{**asdict(trial), "outcome": trial.outcome} for trial in trials], indent=2)
          if options.json else table(trials))
    return int(any(trial.outcome == "missed" for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
