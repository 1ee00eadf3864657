"""Which points to dump next: those that divide what lies between the first wrong point and the one before it."""

from swin_np.crosscheck.chains import Unit
from swin_np.crosscheck.evidence import Evidence
from swin_np.crosscheck.isolate import units
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding

MOST = 3                                               # points to dump


def next_points(reference: Reference, evidence: Evidence, findings: list[Finding]) -> tuple[str, ...]:
    """At most three points before the first finding that leaves open what is wrong; none where nothing is open.

    They are results of units as long as there are some that were not dumped, then of modules, then steps.
    """
    left_open = [finding for finding in findings if finding.kind == "unexplained" or finding.alternatives]
    if not left_open:
        return ()
    modules = set(left_open[0].modules)
    wrong = next((name for name in evidence.failing if reference.module_of(name) in modules), evidence.failing[0])
    between = missing_before(reference, evidence, wrong)
    for level in (results(units(reference.model)), reference.modules, reference.points.keys()):
        if found := [name for name in between if name in level]:
            return divided(found)
    return ()


def missing_before(reference: Reference, evidence: Evidence, wrong: str) -> list[str]:
    """The points that were not dumped between a point and the one before it, in the order of computation."""
    points = [name for name in reference.points if name != "input"]
    place = points.index(wrong)
    known = [number for number in range(place) if points[number] in evidence.given]
    return points[known[-1] + 1 if known else 0:place]


def results(chain: list[Unit]) -> set[str]:
    """What units give, the last of them aside."""
    return {name for unit in chain[:-1] for name in unit.outputs[:1]}


def divided(names: list[str]) -> tuple[str, ...]:
    """At most three of them, in equal distances."""
    if len(names) <= MOST:
        return tuple(names)
    return tuple(names[len(names) * part // (MOST + 1)] for part in range(1, MOST + 1))
