"""The referee on foreign ports: fifty mistakes of others, and correct ports in other arithmetic.

Each mistake is dumped at three depths: the outputs of blocks, of modules, and every step. "named": the right module and
the mistake of the catalogue. "described": the right module, and a sentence that makes the line to change clear.
"located": the right module. "elsewhere": nothing wrong is said, but another module is given. "wrong": another cause is
stated. "missed": the candidate is said to agree. "refused": it is not compared.
"""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from swin_np.commands.terminal import progress, with_progress
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding, Report
from swin_np.errors import InputError
from swin_np.functional import Array

if TYPE_CHECKING:
    from oracle.foreign_cause import Cause

QUICK = 5                                              # with --quick, every fifth cause
DEPTHS = ["blocks", "main", "all"]
OUTCOMES = ("named", "described", "located", "elsewhere", "wrong", "missed", "refused", "agree")
MISSING = "the trial needs PyTorch: install it with `pip install torch`"

EXAMPLE = """examples:
  python -m benchmarks.foreign --quick
  python -m benchmarks.foreign --only drop-path --depth main
"""


@dataclass(frozen=True)
class Trial:
    """One run of the referee. outcome: one of OUTCOMES; findings: (module, mistake, sentence) of each."""

    what: str
    depth: str
    outcome: str
    seconds: float
    findings: list[tuple[str, str, str]]


@cache
def reference_for(seed: int, image_size: tuple[int, int]) -> Reference:
    from oracle.foreign_port import tiny_model

    return Reference.of(*tiny_model(seed, image_size))


def judge(report: Report, cause: "Cause") -> str:
    """What an answer is worth. Every finding counts: one that states another cause makes all wrong."""
    if report.verdict == "agree":
        return "missed"
    worth = [judge_finding(finding, cause) for finding in report.findings]
    if not worth or "wrong" in worth:
        return "wrong" if worth else "elsewhere"
    return min(worth, key=OUTCOMES.index)


def judge_finding(finding: Finding, cause: "Cause") -> str:
    """The worth of one finding by itself."""
    modules = ["head" if module == "output" else module for module in finding.modules]
    here = any(around(module, cause.module) or around(cause.module, module) for module in modules)
    if set(cause.mistakes) & {finding.mistake, *finding.alternatives}:
        return "named" if here else "elsewhere"
    text = f"{finding.sentence} {finding.fix}"
    if here and finding.kind != "unexplained" and any(re.search(word, text) for word in cause.words):
        return "described"
    if finding.kind in ("mistake", "input", "weights") and not (
            here and finding.kind == "weights" and cause.in_weights):
        return "wrong"
    return "located" if here else "elsewhere"


def around(outer: str, inner: str) -> bool:
    """Whether one module is, or contains, the other."""
    return inner == outer or inner.startswith(f"{outer}.")


def tried(what: str, depth: str, seed: int, image_size: tuple[int, int], points: dict[str, Array],
          cause: "Cause | None", seconds: float = math.inf) -> Trial:
    """Run the referee on a candidate with this cause, or on a correct one. seconds: for the search."""
    reference, start = reference_for(seed, image_size), time.monotonic()
    try:
        report = crosscheck(reference, Candidate(points), clock=Clock(seconds))
    except InputError as error:
        return Trial(what, depth, "refused", time.monotonic() - start, [("", "", str(error))])
    outcome = judge(report, cause) if cause is not None else "agree" if report.verdict == "agree" else "wrong"
    return Trial(what, depth, outcome, time.monotonic() - start,
                 [(finding.module, finding.mistake, finding.sentence) for finding in report.findings])


def candidates(seed: int, quick: bool, only: str, depths: list[str]) -> Iterator[tuple]:
    """The arguments of `tried` for everything that is to be tried."""
    from oracle.foreign_cause import SIZE
    from oracle.foreign_causes import CAUSES
    from oracle.foreign_port import PATTERNS, Port, tiny_model
    from oracle.reduced_precision import SCHEMES

    kinds = [(name, cause.plant, cause.image_size, cause) for name, cause in CAUSES.items()]
    kinds += [(name, scheme, SIZE, None) for name, scheme in SCHEMES.items()]
    for name, plant, size, cause in kinds[::QUICK if quick else 1]:
        for depth in depths:
            if re.search(only, name):
                model, images = tiny_model(seed, size)
                port = Port(model)
                plant(port)
                yield name, depth, seed, size, port.dump(images, PATTERNS[depth]), cause


def table(trials: list[Trial], depths: list[str]) -> str:
    """The trials as Markdown: a line for each candidate, then how many of each outcome."""
    by_name: dict[str, dict[str, Trial]] = {}
    for trial in trials:
        by_name.setdefault(trial.what, {})[trial.depth] = trial
    lines = [f"| candidate | {' | '.join(depths)} |", "|---" * (1 + len(depths)) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{found[depth].outcome} ({found[depth].seconds:.1f} s)" for depth in depths)
              + " |" for name, found in by_name.items()]
    lines += ["", f"| outcome | {' | '.join(depths)} |", "|---" * (1 + len(depths)) + "|"]
    lines += [f"| {outcome} | " + " | ".join(str(counted(trials, depth, outcome)) for depth in depths) + " |"
              for outcome in OUTCOMES]
    return "\n".join(lines)


def counted(trials: list[Trial], depth: str, outcome: str) -> int:
    return sum(trial.depth == depth and trial.outcome == outcome for trial in trials)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.foreign", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every fifth candidate only")
    parser.add_argument("--seed", type=int, default=11, help="of weights and images (default: 11)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="candidates whose name has this expression")
    parser.add_argument("--depth", choices=[*DEPTHS, "logits"],
                        help="one depth only (default: blocks, main and all)")
    parser.add_argument("--seconds", type=float, default=math.inf, help="for each search (default: no limit)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if not find_spec("torch"):
        print(MISSING, file=sys.stderr)
        return 2
    depths = [options.depth] if options.depth else DEPTHS
    chosen = list(candidates(options.seed, options.quick, options.only, depths))
    trials = []
    for each in with_progress(chosen, "foreign ports"):
        trial = tried(*each, options.seconds)
        trials.append(trial)
        progress(f"{trial.what}, {trial.depth}: {trial.outcome}, {trial.seconds:.1f} s: "
                 + "; ".join(f"{mistake} at {module}" for module, mistake, _ in trial.findings))
    print(json.dumps([asdict(trial) for trial in trials], indent=2) if options.json else table(trials, depths))
    return 0


if __name__ == "__main__":
    sys.exit(main())
