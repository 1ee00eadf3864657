"""Diagnose: which mistake of the catalogue, pair of them, or plain transformation gives the candidate's numbers."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from swin_np.crosscheck.compare import excess
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence
from swin_np.crosscheck.isolate import isolated, units
from swin_np.crosscheck.layouts import alike
from swin_np.crosscheck.pixels import explain_embedding, explain_input
from swin_np.crosscheck.record import trace
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.crosscheck.rounding import EPSILON, Rounding, rounding_of, tolerance
from swin_np.crosscheck.solve import solution, solve
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.mistakes.catalogue import CATALOGUE, planted
from swin_np.mistakes.mistake import Mistake
from swin_np.model import SwinTransformer

Planting = tuple[str, ...]                             # names of mistakes, planted together

NEAR = 1e3                                             # times the tolerance
AS_GOOD = 2.0                                          # explanations within this factor of the best are not told apart
MOST_SEARCHES = 12                                     # kinds of points for which the whole catalogue is tried
MOST = 0.9                                             # of the points that depend on weights
NEAREST = 3                                            # mistakes named where none explains


@dataclass
class Explained:
    """Points that the same mistakes explain: any one of `alternatives`, each a planting.

    outside: they explain the result of the point's unit, and not the point itself.
    """

    alternatives: list[Planting]
    points: list[str] = field(default_factory=list)
    outside: bool = False


class Trials:
    """The reference with mistakes planted, run on the candidate's numbers, as often as it takes; each run only once."""

    def __init__(self, reference: Reference, evidence: Evidence, catalogue: Mapping[str, Mistake]):
        self.reference, self.evidence, self.catalogue = reference, evidence, catalogue
        self.chain = units(reference.model)
        self.outputs = {number: name for number, unit in enumerate(self.chain) for name in unit.outputs
                        if name in evidence.given}     # the last counts: behind the head comes the model's output
        self.results = {name: evidence.given[name] for name in self.outputs.values()}
        self.known: dict[tuple[int, int, Planting, bool, str], dict[str, float]] = {}

    def excesses(self, first: int, last: int, planting: Planting, coarse: bool = False,
                 until: str = "") -> dict[str, float]:
        """The error over the tolerance at every point of the units `first` to `last`, with these mistakes.

        coarse: only the outputs of units are taken from the candidate, not the points inside them. until: the point
        after which to stop.
        """
        key = first, last, tuple(sorted(planting)), coarse, until
        if key not in self.known:
            values = self.run(self.reference.model, first, last, planting, coarse, until)
            found = {name: self.excess(name, value, self.evidence.allowed[name]) for name, value in values.items()}
            if any(1 < each < NEAR for each in found.values()):        # the mistake may round more coarsely
                single = self.run(self.reference.single, first, last, planting, coarse, until)
                found |= {name: min(found[name], self.excess(name, value, tolerance(
                    rounding_of(single[name], value), self.evidence.precision)))
                    for name, value in values.items() if name in single and np.isfinite(value).all()}
            self.known[key] = found
        return self.known[key]

    def run(self, model: SwinTransformer, first: int, last: int, planting: Planting, coarse: bool,
            until: str) -> dict[str, Array]:
        """What the model makes of the candidate's numbers with these mistakes; nothing where they cannot be made."""
        dtype = np.float64 if model is self.reference.model else np.float32
        x = (self.evidence.images if first == 0 else self.evidence.inputs[first]).astype(dtype)
        given = self.results if coarse else self.evidence.given
        with planted(*(self.catalogue[name] for name in planting)):
            try:
                return isolated(model, x, given, first, last, until).values
            except (ValueError, IndexError):           # of sizes that the mistake does not bear
                return {}

    def excess(self, name: str, value: Array, allowed: Rounding) -> float:
        """The error over the tolerance at one point; where a mistake makes larger numbers it rounds more coarsely."""
        masked, scale = name.endswith(MASKED_SCORES), float(np.abs(self.evidence.truth[name]).max())
        if scale and not masked and np.isfinite(value).all():
            allowed = allowed.scaled(max(1.0, float(np.abs(value).max()) / scale))
        return excess(self.evidence.given[name], value, allowed, masked)

    def at(self, name: str, planting: Planting) -> float:
        """The error over the tolerance at a point; infinite if the mistakes break a point that was right."""
        last = self.evidence.unit[name]
        first = self.evidence.first_unit[last]
        near = self.excesses(first, last, planting, until=name)
        if near.get(name, np.inf) > 1:                 # the rest of the stretch need not be run
            return np.inf
        found = self.excesses(first, last, planting)
        if any(excess > 1 and self.evidence.alone[other].agrees for other, excess in found.items()):
            return np.inf
        return found[name]

    def from_outside(self, unit: int, planting: Planting) -> float:
        """The error over the tolerance at the result of a unit, whatever its points inside are."""
        found = self.excesses(self.evidence.first_unit[unit], unit, planting, coarse=True)
        return found.get(self.outputs[unit], np.inf)

    def explaining(self, name: str, plantings: Iterable[Planting]) -> list[Planting]:
        """Those that bring the point within its tolerance, and are about as near as the nearest."""
        excesses = {planting: self.at(name, planting) for planting in plantings}
        best = min(excesses.values(), default=np.inf)
        return [planting for planting, excess in excesses.items() if excess <= min(1, AS_GOOD * best)]

    def possible(self, name: str) -> tuple[list[Planting], list[Planting]]:
        """(the mistakes that show first at the point's own module, those that do between it and the point before)."""
        last, own = self.evidence.unit[name], self.reference.module_of(name)
        stretch = [unit.name for unit in self.chain[self.evidence.first_unit[last]:last + 1]]
        within = [module for module, _ in self.reference.model.named_modules()
                  if any(module == unit or module.startswith(f"{unit}.") for unit in stretch)]
        within += ["norm", "output"] * ("head" in stretch)
        here = [(key,) for key, entry in self.catalogue.items() if re.fullmatch(entry.modules, own)]
        upstream = [(key,) for key, entry in self.catalogue.items() if (key,) not in here
                    and any(re.fullmatch(entry.modules, module) for module in within)]
        return here, upstream

    def broken(self, planting: Planting) -> int:
        """How many points that are right on their own the mistakes would break, in all the model."""
        found: dict[str, float] = {}
        for last in sorted(set(self.evidence.unit.values())):
            found |= self.excesses(self.evidence.first_unit[last], last, planting)
        return sum(excess > 1 and self.evidence.alone[name].agrees for name, excess in found.items())


def diagnose(reference: Reference, evidence: Evidence, state: dict[str, Array],
             progress: Callable[[str], None], catalogue: Mapping[str, Mistake] = CATALOGUE) -> list[Finding]:
    """Every thing that is wrong, in the order of computation; an empty list if each module is right on its own.

    state: the candidate's weights, if its dump has them. progress is called with a line on every longer step.
    """
    findings = not_finite(evidence)
    findings += explain_input(reference, evidence)
    failing = [name for name, found in evidence.alone.items() if not found.agrees]
    if not failing:
        return findings
    if weights := other_weights(reference, state):
        return [*findings, weights]
    inner = {name: entry for name, entry in catalogue.items() if entry.modules != "input"}
    trials = Trials(reference, evidence, inner)
    if everything_differs(reference, evidence) and not any(
            trials.explaining(failing[0], part) for part in trials.possible(failing[0])):
        return [*findings, unlike(reference, evidence, failing)]
    groups, unexplained = search(trials, failing, progress)
    if image := explain_embedding(reference, evidence, unexplained):
        findings.append(image)
    groups = without_unneeded(trials, groups)
    groups = [told_apart(trials, groups, number) for number in range(len(groups))]
    findings += once([finding for group in groups for finding in as_findings(reference, inner, group)])
    for names in unexplained.values():
        if evidence.precision == "float64" and all(in_float32(evidence, name) for name in names):
            continue                                   # it was computed in float32 there
        findings.append(solve(reference, evidence, names) or not_explained(reference, trials, names))
    order = list(evidence.alone)
    return sorted(findings, key=lambda finding: place_in_order(order, finding))


def in_float32(evidence: Evidence, name: str) -> bool:
    """Whether a point of a float64 candidate is wrong by no more than float32 would be."""
    return evidence.alone[name].excess <= EPSILON["float32"] / EPSILON["float64"]


def is_float32(reference: Reference, evidence: Evidence) -> bool:
    """Whether a candidate whose numbers are float64 has computed some of them in float32, as a softmax perhaps."""
    failing = [name for name, found in evidence.alone.items() if not found.agrees]
    if evidence.precision != "float64" or not failing or not all(in_float32(evidence, name) for name in failing):
        return False
    inner = {name: entry for name, entry in CATALOGUE.items() if entry.modules != "input"}
    trials = Trials(reference, evidence, inner)
    return not any(trials.explaining(failing[0], part) for part in trials.possible(failing[0]))


def search(trials: Trials, failing: list[str],
           progress: Callable[[str], None]) -> tuple[list[Explained], dict[str, list[str]]]:
    """(the groups of points that mistakes explain, and by kind of point those that none does).

    Pairs of mistakes are tried last, and not where a plain transformation explains the point.
    """
    reference, evidence = trials.reference, trials.evidence
    groups: list[Explained] = []
    unexplained: dict[str, list[str]] = {}
    settled: set[int] = set()                          # units that were explained from outside
    for number, name in enumerate(failing, start=1):
        kind = re.sub(r"\d+", "*", name)
        if evidence.unit[name] in settled or joined(trials, groups, name):
            continue
        from_outside = next((found for group in groups if group.outside and (
            found := seen_from_outside(trials, name, group.alternatives))), [])
        if len(unexplained) >= MOST_SEARCHES or kind in unexplained:
            unexplained.setdefault(kind, []).append(name)
            continue
        here, upstream = trials.possible(name)
        progress(f"{name}: trying {len(here) + len(upstream)} mistakes (point {number} of {len(failing)} that differ)")
        found = [] if from_outside else trials.explaining(name, here) or trials.explaining(name, upstream)
        if not found and (from_outside := from_outside or seen_from_outside(trials, name)):
            settled.add(evidence.unit[name])
            groups = [*without_unit(groups, evidence, evidence.unit[name]), Explained(from_outside, [name], True)]
            continue
        small = evidence.precision == "float64" and in_float32(evidence, name)
        if not found and not small and not solution(reference, evidence, name, plain=True):
            found = pairs_for(trials, groups, name, progress)
        if found:
            groups.append(Explained(found, [name]))
        else:
            unexplained.setdefault(kind, []).append(name)
    return groups, unexplained


def without_unit(groups: list[Explained], evidence: Evidence, number: int) -> list[Explained]:
    """The groups without the points of one unit; those that had no others are left out."""
    kept = [replace(group, points=[name for name in group.points if evidence.unit[name] != number]) for group in groups]
    return [group for group in kept if group.points]


def seen_from_outside(trials: Trials, name: str, plantings: Iterable[Planting] | None = None) -> list[Planting]:
    """The mistakes that explain the result of the point's unit, although its points inside do not fit; perhaps none.

    A port that makes a mistake by other means may show other numbers inside. plantings: those to try (default: all
    single mistakes that can show there).
    """
    evidence = trials.evidence
    unit = evidence.unit[name]
    inside = [other for other in evidence.alone if evidence.unit[other] == unit]
    if unit not in trials.outputs or len(inside) == 1 or trials.from_outside(unit, ()) <= 1:
        return []
    if plantings is None:
        plantings = [planting for part in trials.possible(trials.outputs[unit]) for planting in part]
    excesses = {planting: trials.from_outside(unit, planting) for planting in plantings}
    best = min(excesses.values(), default=np.inf)
    return [planting for planting, excess in excesses.items() if excess <= min(1, AS_GOOD * best)]


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


def joined(trials: Trials, groups: list[Explained], name: str) -> bool:
    """Whether mistakes that were found elsewhere explain this point as well; it then joins their group."""
    for group in groups:
        if remaining := trials.explaining(name, group.alternatives):
            group.alternatives = remaining
            group.points.append(name)
            return True
    for one, other in combinations(groups, 2):
        together = [(*a, *b) for a in one.alternatives for b in other.alternatives if compatible(trials, (*a, *b))]
        if trials.explaining(name, together):
            one.points.append(name)
            other.points.append(name)
            return True
    return False


def pairs_for(trials: Trials, groups: list[Explained], name: str, progress: Callable[[str], None]) -> list[Planting]:
    """Pairs of mistakes that explain a point: first those with a mistake found elsewhere, then all that belong here."""
    found_before = {mistake for group in groups for planting in group.alternatives for mistake in planting}
    mistakes = [mistake for part in trials.possible(name) for (mistake,) in part]
    pairs = [(a, b) for a in sorted(found_before) for b in mistakes if compatible(trials, (a, b))]
    if found := trials.explaining(name, pairs):
        return found
    moving = [mistake for mistake in mistakes if moves(trials, name, mistake)]
    pairs = [pair for pair in combinations(moving, 2) if compatible(trials, pair)]
    progress(f"{name}: no single mistake explains it, trying {len(pairs)} pairs")
    return trials.explaining(name, pairs)


def moves(trials: Trials, name: str, mistake: str) -> bool:
    """Whether a mistake changes anything at this point."""
    last = trials.evidence.unit[name]
    first = trials.evidence.first_unit[last]
    without = trials.excesses(first, last, (), until=name)[name]
    return abs(trials.excesses(first, last, (mistake,), until=name).get(name, np.inf) - without) > 1e-6 * without


def compatible(trials: Trials, planting: Planting) -> bool:
    """Whether all mistakes are different and change different functions."""
    return len({trials.catalogue[name].replaces for name in planting}) == len(planting)


def told_apart(trials: Trials, groups: list[Explained], number: int) -> Explained:
    """The group with only those alternatives that break the fewest points which are right on their own."""
    group = groups[number]
    if len(group.alternatives) == 1:
        return group
    others = tuple(name for i, other in enumerate(groups) if i != number for name in other.alternatives[0])
    broken = {planting: trials.broken((*planting, *others) if compatible(trials, (*planting, *others)) else planting)
              for planting in group.alternatives}
    fewest = min(broken.values())
    return replace(group, alternatives=[planting for planting, count in broken.items() if count == fewest])


def once(findings: list[Finding]) -> list[Finding]:
    """The findings with those of the same mistake made one; what another group rules out is no alternative."""
    result: dict[str, Finding] = {}
    for finding in findings:
        before = result.get(finding.mistake, finding)
        result[finding.mistake] = replace(
            before, modules=tuple(dict.fromkeys(before.modules + finding.modules)),
            alternatives=tuple(name for name in before.alternatives if name in finding.alternatives))
    return list(result.values())


def as_findings(reference: Reference, catalogue: Mapping[str, Mistake], group: Explained) -> list[Finding]:
    """A finding for every mistake of the group's first alternative."""
    chosen, *others = group.alternatives
    modules = tuple(dict.fromkeys(reference.module_of(name) for name in group.points))
    findings = []
    for name in chosen:
        entry = catalogue[name]
        belonging = tuple(dict.fromkeys(found for module in modules if (found := belonging_module(module, entry))))
        belonging = belonging or modules
        findings.append(Finding("mistake", belonging[0], belonging, name, entry.says, entry.fix, entry.place,
                                tuple(" with ".join(planting) for planting in others)))
    return findings


def belonging_module(module: str, entry: Mistake) -> str:
    """The module itself, or the nearest around it, at which the mistake can show; empty if there is none.

    The attention or MLP stands for its last layer, whose output is the same.
    """
    outer, _, last = module.rpartition(".")
    if last in ("proj", "fc2") and re.fullmatch(entry.modules, outer):
        return outer
    while module and not re.fullmatch(entry.modules, module):
        module = module.rpartition(".")[0]
    return module


def place_in_order(order: list[str], finding: Finding) -> int:
    """Where a finding's module stands in the order of computation; the input first."""
    places = [number for number, name in enumerate(order) if name == finding.module
              or name.startswith(f"{finding.module}.")]
    return min(places, default=-1)


def not_finite(evidence: Evidence) -> list[Finding]:
    """The first point with NaN or infinity, if there is one."""
    wrong = [name for name, found in evidence.whole.items() if found.verdict == "nan"]
    if not wrong:
        return []
    place = evidence.whole[wrong[0]].where
    return [Finding("nan", wrong[0], tuple(wrong), "not finite",
                    f"The candidate has NaN or infinity, first at {wrong[0]}: {place.phrase}.",
                    "Look for an overflow of float16, a division by 0 or memory that was never written there; points "
                    "behind it cannot be judged.")]


def shaped_otherwise(reference: Reference, name: str, shape: tuple[int, ...],
                     catalogue: Mapping[str, Mistake] = CATALOGUE) -> Finding:
    """The finding for a point of another shape: a mistake that gives this shape, or what was expected."""
    module = reference.module_of(name)
    fitting = []
    for entry in catalogue.values():
        if re.fullmatch(entry.modules, module):
            with planted(entry), trace(reference.model, name) as recorded:
                reference.model(reference.images)
            if name in recorded and alike(recorded[name].shape, shape):
                fitting.append(entry)
    if not fitting:
        return Finding("shape", module, (module,), "another shape",
                       f"{name} has shape {shape}, expected {reference.axes[name].expected()}.",
                       "Dump the result of that module, or leave the point out.")
    first, *others = fitting
    return Finding("mistake", module, (module,), first.name, first.says, first.fix, first.place,
                   tuple(entry.name for entry in others))


def other_weights(reference: Reference, state: dict[str, Array]) -> Finding | None:
    """The finding for a candidate whose dumped weights are not the reference's."""
    own = reference.model.state_dict()
    wrong = [name for name, value in state.items() if name in own and value.shape == own[name].shape
             and not np.allclose(value, own[name], rtol=2.0**-7, atol=2.0**-7 * float(np.abs(own[name]).max()))]
    if not wrong:
        return None
    modules = tuple(dict.fromkeys(name.rpartition(".")[0] for name in wrong))
    return Finding("weights", modules[0], modules, "other weights",
                   f"The candidate has other weights: {len(wrong)} of {len(own)} parameters differ, first {wrong[0]}.",
                   "Load the same checkpoint, and compare the loading name by name.")


def everything_differs(reference: Reference, evidence: Evidence) -> bool:
    """Whether nearly all points that depend on weights, the first of them included, are wrong on their own."""
    other = reference.model.astype(np.float64)
    redraw(other, seed=0)
    values = isolated(other, evidence.images, evidence.given).values
    dependent = [name for name, value in values.items()
                 if excess(value, evidence.truth[name], evidence.allowed[name], name.endswith(MASKED_SCORES)) > 1]
    wrong = [name for name in dependent if not evidence.alone[name].agrees]
    return len(dependent) > 2 and wrong[:1] == dependent[:1] and len(wrong) > MOST * len(dependent)


def unlike(reference: Reference, evidence: Evidence, failing: list[str]) -> Finding:
    """The finding for a candidate none of whose modules computes what the reference's does."""
    first = reference.module_of(failing[0])
    already = "the patch embedding differs already" if first.startswith("patch_embed") else f"from {first} on"
    modules = tuple(dict.fromkeys(reference.module_of(name) for name in failing))
    return Finding("weights", first, modules, "other weights",
                   f"The candidate has other weights: {already}, and {len(failing)} of {len(evidence.alone)} points "
                   "differ on their own, which no mistake explains.",
                   "Load the same checkpoint on both sides, and compare a few weights directly.")


def not_explained(reference: Reference, trials: Trials, names: list[str]) -> Finding:
    """The finding for points that nothing explains: the nearest few mistakes, and what the pattern rules out."""
    name, evidence = names[0], trials.evidence
    last = evidence.unit[name]
    first = evidence.first_unit[last]
    alone = evidence.alone[name]
    remaining = {mistake: trials.excesses(first, last, (mistake,), until=name).get(name, np.inf) / alone.excess
                 for mistake in trials.catalogue}
    nearest = [mistake for mistake in sorted(remaining, key=remaining.get) if remaining[mistake] < 1][:NEAREST]
    near = ("the nearest are " + ", ".join(f"{mistake} (leaves {100 * remaining[mistake]:.2g} % of the error)"
                                           for mistake in nearest)) if nearest else "none comes nearer than none at all"
    modules = tuple(dict.fromkeys(reference.module_of(each) for each in names))
    since = [known for known in evidence.alone if evidence.unit[known] <= last and evidence.alone[known].agrees]
    ruled_out = f"; {since[-1]} is right on its own, so the cause is between the two" if since and (
        list(evidence.alone).index(since[-1]) + 1 == list(evidence.alone).index(name)) else ""
    return Finding("unexplained", modules[0], modules, "unknown",
                   f"{name} is wrong on its own ({alone.where.phrase}, relative error {alone.relative:.2g}) and no "
                   f"mistake of the catalogue explains it: {near}{ruled_out}.",
                   "Dump the steps inside this module (swin-np dump --points '*' lists them) and compare again.")
