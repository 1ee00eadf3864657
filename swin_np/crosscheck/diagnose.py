"""Diagnose: what is wrong, as findings: which mistakes of the catalogue, or else which plain difference."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from swin_np.crosscheck.causes.attempts import Attempts
from swin_np.crosscheck.compare import excess
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence
from swin_np.crosscheck.isolate import isolated
from swin_np.crosscheck.layouts import alike
from swin_np.crosscheck.pixels import explain_embedding, explain_input
from swin_np.crosscheck.record import trace
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.crosscheck.search import Explained, search, told_apart, without_unneeded
from swin_np.crosscheck.solve import solution, solve
from swin_np.crosscheck.trials import Trials
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.mistakes.catalogue import catalogue_for, planted
from swin_np.mistakes.mistake import Mistake

MOST = 0.9                                             # of the points that depend on weights
LARGEST_FLOAT16 = 65504
NEAREST, HALF = 3, 0.5                                 # mistakes named where none explains: they leave less than half


def diagnose(trials: Trials, state: dict[str, Array], progress: Callable[[str], None]) -> list[Finding]:
    """Every thing that is wrong, in the order of computation; an empty list if each module is right on its own.

    state: the candidate's weights, if its dump has them. progress is called with a line on every longer step.
    """
    reference, evidence = trials.reference, trials.evidence
    findings = not_finite(reference, evidence) + explain_input(reference, evidence)
    if not evidence.failing or evidence.agrees:
        return findings
    if weights := other_weights(reference, state):
        return [*findings, weights]
    attempts, clock = Attempts(reference, evidence, trials.clock), trials.clock
    first = evidence.failing[0]
    if everything_differs(reference, evidence) and not trials.single(first) and not attempts.explains(first):
        return [*findings, unlike(reference, evidence)]
    groups, unexplained = search(trials, progress, attempts.explains)
    plain = {kind: names for kind, names in unexplained.items() if solution(reference, evidence, names[0], plain=True)}
    findings += attempts.explain(unexplained, plain, progress)
    if image := explain_embedding(reference, evidence, unexplained):
        findings.append(image)
    with clock.paused():
        groups = without_unneeded(trials, groups)
        groups, simpler = attempts.simpler(groups)
        findings += simpler
        groups = [told_apart(trials, group, groups) for group in groups]
    findings = once([*findings, *(finding for group in groups for finding in as_findings(trials, group))])
    findings += [solve(reference, evidence, names) or not_explained(trials, names) for names in unexplained.values()
                 if not all(map(evidence.in_float32, names))]
    order = list(evidence.alone)
    return sorted(findings, key=lambda finding: place_in_order(order, finding))


def is_float32(trials: Trials) -> bool:
    """Whether a candidate whose numbers are float64 has computed some of them in float32, as a softmax perhaps."""
    failing = trials.evidence.failing
    return bool(failing) and all(map(trials.evidence.in_float32, failing)) and not trials.single(failing[0])


def once(findings: list[Finding]) -> list[Finding]:
    """The findings with those of the same mistake made one; what another group rules out is no alternative."""
    result: dict[str, Finding] = {}
    for finding in findings:
        before = result.get(finding.mistake, finding)
        result[finding.mistake] = replace(
            before, modules=tuple(dict.fromkeys(before.modules + finding.modules)),
            alternatives=tuple(name for name in before.alternatives if name in finding.alternatives))
    return list(result.values())


def as_findings(trials: Trials, group: Explained) -> list[Finding]:
    """A finding for every mistake of the group's first alternative."""
    reference = trials.reference
    chosen, *others = group.alternatives
    modules = reference.modules_of(group.points)
    alternatives = tuple(" with ".join(planting) for planting in others)
    findings = []
    for entry in (trials.mistakes[name] for name in chosen):
        belonging = tuple(dict.fromkeys(found for module in modules if (found := belonging_module(module, entry))))
        belonging = belonging or tuple(dict.fromkeys(module for point in group.points
                                                     for module in trials.behind(point, entry)))
        findings.append(Finding.of(entry, belonging or modules, alternatives))
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


def not_finite(reference: Reference, evidence: Evidence) -> list[Finding]:
    """The first point with NaN or infinity, if there is one, and whether float16 cannot hold what should be there."""
    wrong = [name for name, found in evidence.whole.items() if found.verdict == "nan"]
    if not wrong:
        return []
    place = evidence.whole[wrong[0]].where
    if large := too_large(reference, evidence, wrong[0]):
        step, size = large
        return [Finding("nan", wrong[0], tuple(wrong), "float16 overflows",
                        f"float16 overflows at {wrong[0]} ({place.phrase}): the reference has {size:,.0f} at {step}, "
                        f"and float16 ends at {LARGEST_FLOAT16:,}.",
                        "Compute that step in float32 or bfloat16, or scale what it takes; points behind it cannot be "
                        "judged.")]
    return [Finding("nan", wrong[0], tuple(wrong), "not finite",
                    f"The candidate has NaN or infinity, first at {wrong[0]}: {place.phrase}.",
                    "Look for an overflow of float16, a division by 0 or memory that was never written there; points "
                    "behind it cannot be judged.")]


def too_large(reference: Reference, evidence: Evidence, name: str) -> tuple[str, float] | None:
    """(a step, its largest number) beyond float16 between a point and the finite one before it; None if there is none.

    q k^T before the scale counts as a step.
    """
    points, known = list(reference.points), [point for point in evidence.whole if point != "input"]
    before = known.index(name) - 1
    for step in points[points.index(known[before]) + 1 if before >= 0 else 1:points.index(name) + 1]:
        size = float(np.abs(reference.points[step]).max())
        if step.endswith(".scores") and size <= LARGEST_FLOAT16:
            attention = dict(reference.model.named_modules())[step.removesuffix(".scores")]
            step, size = f"{step} before the scale", size / getattr(attention, "scale", lambda: 1.0)()
        if size > LARGEST_FLOAT16:
            return step, size
    return None


def shaped_otherwise(reference: Reference, name: str, shape: tuple[int, ...]) -> Finding:
    """The finding for a point of another shape: a mistake that gives this shape, or what was expected."""
    module = reference.module_of(name)
    fitting = []
    for entry in catalogue_for(reference.model).values():
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
    return Finding.of(first, (module,), tuple(entry.name for entry in others))


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


def unlike(reference: Reference, evidence: Evidence) -> Finding:
    """The finding for a candidate none of whose modules computes what the reference's does."""
    modules = reference.modules_of(evidence.failing)
    already = "the patch embedding differs already" if modules[0].startswith("patch_embed") else f"from {modules[0]} on"
    return Finding("weights", modules[0], modules, "other weights",
                   f"The candidate has other weights, or rounds in no way that is known: {already}, and "
                   f"{len(evidence.failing)} of {len(evidence.alone)} points differ on their own, which no mistake "
                   "explains.",
                   "Load the same checkpoint on both sides, and compare a few weights directly; if they are equal, "
                   "compute in float32, without calibrated quantisation, and dump again.")


def not_explained(trials: Trials, names: list[str]) -> Finding:
    """The finding for points that nothing explains: the nearest few mistakes, and what the pattern rules out."""
    name, alone = names[0], trials.evidence.alone
    own = alone[name]
    belonging = [mistake for part in trials.possible(name) for (mistake,) in part]
    remaining = {mistake: trials.up_to(name, (mistake,)) / own.excess for mistake in belonging}
    nearest = [mistake for mistake in sorted(remaining, key=remaining.get) if remaining[mistake] < HALF][:NEAREST]
    near = ("the nearest are " + ", ".join(
        f"{mistake} (leaves {100 * remaining[mistake]:.2g} % of the error)" for mistake in nearest)
        if nearest else "none leaves less than half of the error")
    points, unit = list(alone), trials.evidence.unit
    since = [known for known in points if unit[known] <= unit[name] and alone[known].agrees]
    ruled_out = (f"; {since[-1]} is right on its own, so the cause is between the two"
                 if since and points.index(since[-1]) + 1 == points.index(name) else "")
    modules = trials.reference.modules_of(names)
    return Finding("unexplained", modules[0], modules, "unknown",
                   f"{name} is wrong on its own ({own.where.phrase}, relative error {own.relative:.2g}) and no "
                   f"mistake of the catalogue explains it: {near}{ruled_out}.",
                   "Dump the steps inside this module (swin-np dump --points '*' lists them) and compare again.")
