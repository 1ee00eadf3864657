"""The search for the mistakes, and pairs of them, that give the candidate's numbers wherever those are wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations

from swin_np.crosscheck.solve import solution
from swin_np.crosscheck.trials import Planting, Trials

MOST_SEARCHES = 12                                     # kinds of points for which the whole catalogue is tried


@dataclass
class Explained:
    """Points that the same mistakes explain: any one of `alternatives`, each a planting.

    outside: they explain the result of the point's unit, and not the point itself.
    """

    alternatives: list[Planting]
    points: list[str] = field(default_factory=list)
    outside: bool = False


def search(trials: Trials, progress: Callable[[str], None],
           otherwise: Callable[[str], bool] = lambda name: False) -> tuple[list[Explained], dict[str, list[str]]]:
    """(the groups of points that mistakes explain, and by kind of point those that none does).

    Pairs of mistakes are tried last, and not where a plain transformation explains the point, or `otherwise` does.
    """
    evidence = trials.evidence
    groups: list[Explained] = []
    unexplained: dict[str, list[str]] = {}
    settled: set[int] = set()                          # units that were explained from outside
    for number, name in enumerate(evidence.failing, start=1):
        kind = re.sub(r"\d+", "*", name)
        unit = evidence.unit[name]
        if unit in settled or joined(trials, groups, name):
            continue
        from_outside = next((found for group in groups if group.outside and (
            found := trials.explaining_from_outside(name, group.alternatives))), [])
        if len(unexplained) >= MOST_SEARCHES or kind in unexplained:
            unexplained.setdefault(kind, []).append(name)
            continue
        progress(f"{name}: trying {sum(map(len, trials.possible(name)))} mistakes (point {number} of "
                 f"{len(evidence.failing)} that differ)")
        found = [] if from_outside else trials.single(name)
        if not found and (from_outside := from_outside or trials.explaining_from_outside(name)):
            settled.add(unit)
            groups = [*without_unit(trials, groups, unit), Explained(from_outside, [name], True)]
            continue
        if not found and not evidence.in_float32(name) and not solution(
                trials.reference, evidence, name, plain=True) and not otherwise(name):
            found = pairs_for(trials, groups, name, progress)
        if found:
            groups.append(Explained(found, [name]))
        else:
            unexplained.setdefault(kind, []).append(name)
    return groups, unexplained


def joined(trials: Trials, groups: list[Explained], name: str) -> bool:
    """Whether mistakes that were found elsewhere explain this point as well; it then joins their group."""
    for group in groups:
        if remaining := trials.explaining(name, group.alternatives):
            group.alternatives = remaining
            group.points.append(name)
            return True
    for one, other in combinations(groups, 2):
        together = [(*a, *b) for a in one.alternatives for b in other.alternatives if trials.compatible((*a, *b))]
        if trials.explaining(name, together):
            one.points.append(name)
            other.points.append(name)
            return True
    return False


def pairs_for(trials: Trials, groups: list[Explained], name: str, progress: Callable[[str], None]) -> list[Planting]:
    """Pairs of mistakes that explain a point: first those with a mistake found elsewhere, then all that belong here."""
    found_before = {mistake for group in groups for planting in group.alternatives for mistake in planting}
    mistakes = [mistake for part in trials.possible(name) for (mistake,) in part]
    pairs = [(a, b) for a in sorted(found_before) for b in mistakes if trials.compatible((a, b))]
    if found := trials.explaining(name, pairs):
        return found
    moving = [mistake for mistake in mistakes if trials.moves(name, mistake)]
    pairs = [pair for pair in combinations(moving, 2) if trials.compatible(pair)]
    progress(f"{name}: no single mistake explains it, trying {len(pairs)} pairs")
    return trials.explaining(name, pairs)


def without_unit(trials: Trials, groups: list[Explained], unit: int) -> list[Explained]:
    """The groups without the points of one unit; those that had no others are left out."""
    kept = [replace(group, points=[name for name in group.points if trials.evidence.unit[name] != unit])
            for group in groups]
    return [group for group in kept if group.points]


def without_unneeded(trials: Trials, groups: list[Explained]) -> list[Explained]:
    """The groups without those whose units another group's mistakes alone explain from outside."""
    for group in groups:
        numbers = {trials.evidence.unit[name] for name in group.points}
        for other in groups:
            if other is group or not numbers <= trials.outputs.keys():
                continue
            if enough := [planting for planting in other.alternatives
                          if all(trials.from_outside(number, planting) <= 1 for number in numbers)]:
                merged = Explained(enough, group.points + other.points, True)
                return without_unneeded(trials, [merged if each is other else each for each in groups
                                                 if each is not group])
    return groups


def told_apart(trials: Trials, group: Explained, groups: list[Explained]) -> Explained:
    """The group with only those alternatives that break the fewest points which are right on their own."""
    if len(group.alternatives) == 1:
        return group
    others = tuple(name for other in groups if other is not group for name in other.alternatives[0])
    broken = {planting: trials.broken((*planting, *others) if trials.compatible((*planting, *others)) else planting)
              for planting in group.alternatives}
    fewest = min(broken.values())
    return replace(group, alternatives=[planting for planting, count in broken.items() if count == fewest])
