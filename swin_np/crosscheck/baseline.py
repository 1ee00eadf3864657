"""A cross-check against an earlier one of the same port, for continuous integration: is anything worse?"""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from swin_np.checkpoints.formats import strict_json
from swin_np.crosscheck.report import SCHEMA
from swin_np.errors import CheckpointError, InputError

SLACK = 2.0
"""By how many tolerances an error of the whole run may grow and be the same. The error of a port is that of its mistake
plus that of its rounding, which another build sums in another order; each rounding is within one tolerance, so that by
the triangle inequality the error over tolerance of the same mistake moves by two at most: to 1 + 2 / x times x. (Alone,
the tolerance itself moves with the port's numbers.)"""

WIDER = 2.0                                            # times: the arithmetic is another one
RUNS = {"whole": "In the whole run", "alone": "Alone"}
COVERS_ALL = ("unexplained", "weights", "nan", "shape")    # kinds of findings behind which no others are looked for


@dataclass(frozen=True)
class Error:
    """Of a point in one of the two runs: whether it agreed, its error over the tolerance, and that tolerance."""

    agrees: bool
    excess: float
    tolerance: float


@dataclass(frozen=True)
class Cause:
    """A finding: its names (of the mistake and of those not told apart from it), its kind, modules and sentence."""

    names: frozenset[str]
    kind: str
    modules: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Summary:
    """What is compared of a report. arithmetic: of the candidate, in words; theirs: its name of each point; errors: by
    run ("whole", "alone") and point."""

    arithmetic: str
    theirs: dict[str, str]
    errors: dict[str, dict[str, Error]]
    causes: list[Cause]


def summary(report: dict[str, object]) -> Summary:
    """Of the JSON of a report; KeyError, TypeError or ValueError if it is none."""
    errors = {run: {point["name"]: Error(point[run]["verdict"] in ("exact", "rounding"), excess_of(point[run]),
                                         float(point[run]["tolerance"]["typical"]))
                    for point in report["points"] if point[run] is not None} for run in RUNS}
    causes = [Cause(frozenset([found["mistake"], *found["alternatives"]]), found["kind"], tuple(found["modules"]),
                    found["sentence"]) for found in report["findings"]]
    theirs = {point["name"]: str(point["theirs"]) for point in report["points"]}
    arithmetic = f"{report['noise']['arithmetic']}, stored in {report['precision']}"
    return Summary(arithmetic, theirs, errors, causes)


def excess_of(difference: dict[str, object]) -> float:
    """The error over the tolerance, infinite where JSON has none."""
    return math.inf if difference["excess"] is None else float(difference["excess"])


def read_baseline(path: Path) -> Summary:
    """An earlier report in a file; InputError for one that cannot be read, is none, or of another schema."""
    try:
        report = strict_json.parse(path.read_bytes())
    except OSError as error:
        raise InputError(f"the baseline {path} cannot be read ({error.strerror}): check the path") from None
    except CheckpointError:
        report = {}
    if report.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"the baseline {path} has the schema {report['schema']}, expected {SCHEMA}: write it again "
                         "with this version of swin-np crosscheck --json")
    try:
        return summary(report)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"the baseline {path} is no report: give what swin-np crosscheck --json printed") from None


def worse(new: Summary, old: Summary) -> list[str]:
    """A sentence for each thing that is worse than it was; an empty list if nothing is.

    Worse is a finding that was not there, a point that agreed and differs, an error of the whole run above the
    tolerance (of the two the wider) that grew by more than SLACK, a point that is not compared any more, and a coarser
    arithmetic, in which more would agree.
    """
    sentences = [f"New at {', '.join(modules[:3])}: {cause.sentence}" for cause in new.causes
                 if (modules := uncovered(cause, old.causes))]
    for run, words in RUNS.items():
        both = {name: (old.errors[run][name], found) for name, found in new.errors[run].items()
                if name in old.errors[run]}
        differing = {name: pair for name, pair in both.items() if pair[0].agrees and not pair[1].agrees}
        grown = {name: (before, now) for name, (before, now) in both.items() if run == "whole"
                 and not before.agrees and not now.agrees
                 and now.excess * now.tolerance > before.excess * before.tolerance
                 + SLACK * max(now.tolerance, before.tolerance)}
        for found, what in ((differing, "agreed and differ now"), (grown, "differed and differ more now")):
            if found:
                name, (before, now) = next(iter(found.items()))
                sentences.append(f"{words}, points that {what}: {len(found)}, first {name}, from {before.excess:.3g} "
                                 f"to {now.excess:.3g} times the tolerance.")
    compared = {*new.theirs, *new.theirs.values()}     # a tensor may have been matched to two points by its content
    if lost := [name for name, theirs in old.theirs.items() if not {name, theirs} & compared]:
        sentences.append(f"Points that are not compared any more: {len(lost)}, first {lost[0]}.")
    ratios = [found.tolerance / old.errors["whole"][name].tolerance for name, found in new.errors["whole"].items()
              if name in old.errors["whole"]]
    if ratios and median(ratios) > WIDER:
        sentences.append(f"The arithmetic is coarser: {new.arithmetic}, and was {old.arithmetic}, so the tolerances "
                         f"are {median(ratios):.3g} times wider.")
    return sentences


def uncovered(cause: Cause, earlier: list[Cause]) -> list[str]:
    """The modules of a finding at which, or around or inside which, there was no such finding before.

    One that was not explained counts as any: it may only have been named now.
    """
    known = [module for before in earlier if before.names & cause.names or before.kind in COVERS_ALL
             for module in before.modules]
    return [module for module in cause.modules if not any(
        f"{module}.".startswith(f"{other}.") or f"{other}.".startswith(f"{module}.") for other in known)]
