"""The cross-check itself: compare every point, then each module on its own, then say what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.arithmetic.fitting import Fitting
from swin_np.crosscheck.bisection import next_points
from swin_np.crosscheck.candidates import Candidate, Named, named
from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.compare import Difference, forbidden_alike
from swin_np.crosscheck.configurations import check_configuration
from swin_np.crosscheck.diagnose import diagnose, is_float32, shaped_otherwise
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence, collect, compared
from swin_np.crosscheck.layouts import align
from swin_np.crosscheck.locate import on_the_map
from swin_np.crosscheck.matching import by_content
from swin_np.crosscheck.noise import (
    Rounding,
    computing_precision,
    precisions_of,
    storage_rounding,
    tolerance,
)
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Divergence, Finding, Noise, Point, Report
from swin_np.crosscheck.trials import Trials
from swin_np.errors import InputError
from swin_np.functional import Array

OTHER_ROUNDING = 2.0                                   # times the noise of one run: another one's is no larger
WITHOUT_MODEL = ("The reference is a trace without weights: points are compared, and no cause is looked for; write it "
                 "with swin-np dump for that.")


def crosscheck(reference: Reference, candidate: Candidate, mapping: Mapping[str, str] | None = None,
               progress: Callable[[str], None] = lambda line: None, clock: Clock | None = None) -> Report:
    """Compare a candidate with the reference, locate what differs and name the mistake.

    mapping: {the candidate's name of a point: official name}. progress is called with a line on every longer step.
    clock: how long causes are looked for; eight seconds without it.
    Raises InputError if nothing can be compared: no point of a known name, or another configuration.
    """
    clock = clock or Clock()
    found = named(candidate.points, reference.axes, reference.config, mapping)
    found, renamed = by_content(reference, candidate, found, progress)
    check_comparable(reference, candidate, found)
    layouts, aligned = {}, {}
    for name in found.points:
        if name not in found.unfit:
            axes = reference.axes[name]
            layouts[name], aligned[name] = align(found.points[name], reference.points[name].reshape(axes.shape), axes)
    stored = precisions_of({name: value for name, value in aligned.items() if name != "input"})
    whole = whole_run(reference, aligned, stored)
    notes = renamed + remarks(reference, found)
    evidence: Evidence | None = None
    findings: list[Finding] = []
    if reference.model is None:
        notes.append(WITHOUT_MODEL)
    else:
        progress(f"running every module on the candidate's own input ({len(aligned)} points)")
        judged = judge(reference, aligned, whole, stored, progress, clock)
        reference, whole, evidence, stored = judged.reference, judged.whole, judged.evidence, judged.stored
        notes += judged.notes
        findings = diagnose(judged.trials, candidate.state, progress)
        if clock.ran_out:
            notes.append(f"The search for causes ended after {clock.seconds:g} seconds: --seconds gives it more.")
        findings = findings or [shaped_otherwise(reference, name, found.points[name].shape) for name in found.unfit]
    alone = evidence.alone if evidence else {}
    points = [Point(name, found.theirs[name], layouts[name], whole[name], alone.get(name)) for name in aligned]
    wrong = [point.name for point in points if not point.whole.agrees]
    differ = bool(findings) if reference.model is not None else bool(wrong)
    noise = Noise(computing_precision(stored), reference.arithmetic, stored,
                  {name: reference.expected[name] for name in aligned if name in reference.expected}, reference.slack)
    return Report("differ" if differ or found.unfit else "agree", wrong[0] if wrong else None, noise, found.dialect,
                  points, findings, notes, first_error_map(reference, aligned, points),
                  divergence(reference, aligned, points, evidence),
                  next_points(reference, evidence, findings) if evidence and evidence.failing else ())


@dataclass
class Judged:
    """What is known before the search for causes, in the arithmetic that the candidate has."""

    reference: Reference
    whole: dict[str, Difference]
    evidence: Evidence
    stored: dict[str, str]
    trials: Trials
    notes: list[str]


def judge(reference: Reference, aligned: dict[str, Array], whole: dict[str, Difference], stored: dict[str, str],
          progress: Callable[[str], None], clock: Clock) -> Judged:
    """Compare every module alone; where a float32 candidate differs, find the arithmetic that it has."""
    evidence = collect(reference, aligned, whole, stored)
    trials, notes = Trials(reference, evidence, clock), []
    if evidence.agrees:
        return Judged(reference, whole, evidence, stored, trials, near_one(evidence))
    if is_float32(trials):
        stored = {name: "float32" if precision == "float64" else precision for name, precision in stored.items()}
        whole = whole_run(reference, aligned, stored)
        evidence = collect(reference, aligned, whole, {**stored, "input": "float32"})
        trials = Trials(reference, evidence, clock)
        notes.append("The candidate's numbers are float64, but some were computed in float32, as a softmax "
                     "perhaps: all tolerances are float32's.")
    if not evidence.failing or evidence.precision == "float64" or trials.single(evidence.failing[0]):
        return Judged(reference, whole, evidence, stored, trials, notes)
    fitting = Fitting(reference, evidence, clock)
    if arithmetic := fitting.best(progress):
        in_float32 = {name: point for name, point in evidence.alone.items() if point.agrees}
        reference = reference.computing_in(arithmetic, fitting.slack(arithmetic))
        whole = whole_run(reference, aligned, stored)
        evidence = collect(reference, aligned, whole, stored)
        evidence.alone |= in_float32                   # it need not be the same in every module
        trials = Trials(reference, evidence, clock)
    elif alike := fitting.alike():
        notes.append(f"The error is about as large as rounding makes it with {' or '.join(alike[:3])}: whether it is "
                     "that or a mistake, more points would tell.")
    return Judged(reference, whole, evidence, stored, trials, notes + near_one(evidence) * evidence.agrees)


def near_one(evidence: Evidence) -> list[str]:
    """A sentence on modules that are a little beyond their tolerance, where that is no reason to doubt the whole."""
    if not evidence.failing:
        return []
    worst = max(evidence.failing, key=lambda name: evidence.alone[name].excess)
    return [f"{worst} alone is at {evidence.alone[worst].excess:.2f} of its tolerance, but the whole run agrees at "
            "every point: its sums are made in an order that rounds a little more."]


def whole_run(reference: Reference, aligned: dict[str, Array], stored: dict[str, str]) -> dict[str, Difference]:
    """The end-to-end comparison of every point."""
    precision = computing_precision(stored)

    def allowed(name: str) -> Rounding:
        found = tolerance(reference.rounding[name], precision).plus(
            storage_rounding(reference.points[name], stored.get(name, "")))
        return found.plus(reference.noise[name].scaled(OTHER_ROUNDING)) if name in reference.noise else found

    return {name: compared(reference, name, value, reference.points[name], allowed(name))
            for name, value in aligned.items()}


def first_error_map(reference: Reference, aligned: dict[str, Array], points: list[Point]) -> tuple[str, Array] | None:
    """The errors on the map, of the first point on a map that is wrong."""
    for point in points:
        if not point.whole.agrees:
            axes = reference.axes[point.name]
            truth = reference.points[point.name].reshape(axes.shape)
            errors = on_the_map(np.abs(np.nan_to_num(aligned[point.name].astype(np.float64)) - truth), axes)
            if errors is not None:
                return point.name, errors
    return None


def divergence(reference: Reference, aligned: dict[str, Array], points: list[Point],
               evidence: Evidence | None) -> Divergence | None:
    """Both arrays of the first point that is wrong in the whole run, or else of the first that is wrong alone."""
    wrong = [point.name for point in points if not point.whole.agrees]
    alone = [point.name for point in points if point.alone is not None and not point.alone.agrees]
    if not wrong and not alone:
        return None
    name = (wrong or alone)[0]
    axes, ours = reference.axes[name], reference.points[name] if wrong else evidence.truth[name]
    ours, theirs = ours.reshape(axes.shape), aligned[name].astype(np.float64)
    if name.endswith(MASKED_SCORES):
        ours, theirs = forbidden_alike(ours), forbidden_alike(theirs)
    return Divergence(name, ours, theirs, axes, not wrong)


def check_comparable(reference: Reference, candidate: Candidate, found: Named) -> None:
    """Raise InputError for a candidate of another configuration, or none of whose points is known."""
    check_configuration(reference.config, candidate.config)
    fitting = len(found.points) - len(found.unfit)
    if found.unfit and fitting <= len(found.unfit):
        name = found.unfit[0]
        raise InputError(f"the candidate seems to have another configuration, image size or batch: {name} has shape "
                         f"{found.points[name].shape}, expected {reference.axes[name].expected()}: "
                         "use the reference of its checkpoint and the same images")
    if not found.points:
        raise InputError(f"the candidate has no point that is known, only {', '.join(found.extra[:5])}: name them as "
                         f"the reference does ({', '.join(list(reference.points)[:5])}, ...), or give a mapping")


def remarks(reference: Reference, found: Named) -> list[str]:
    """Sentences on points that could not be compared."""
    notes = []
    if found.extra:
        more = f" and {len(found.extra) - 5} more" if len(found.extra) > 5 else ""
        notes.append(f"not compared, as the reference has no such point: {', '.join(found.extra[:5])}{more}.")
    notes += [f"{found.theirs[name]} has shape {found.points[name].shape}, expected {reference.axes[name].expected()}."
              for name in found.unfit]
    return notes
