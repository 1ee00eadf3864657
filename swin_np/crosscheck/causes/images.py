"""Mistakes that only some images of the batch show: the catalogue on those images by themselves."""

from dataclasses import replace

import numpy as np

from swin_np.crosscheck.chains import each
from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.compare import excess
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence
from swin_np.crosscheck.locate import listed
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.crosscheck.trials import Trials
from swin_np.functional import Array


def of_some_images(reference: Reference, evidence: Evidence, name: str, clock: Clock) -> Finding | None:
    """The finding for a mistake that gives a point in all images in which it is wrong, where those are not all."""
    if "B" not in reference.axes[name].lengths:        # as what Swin V2 makes of its displacements
        return None
    wrong = wrong_images(evidence, name)
    if wrong.all() or not wrong.any():
        return None
    numbers = np.flatnonzero(wrong)
    trials = Trials(reference, only(reference, evidence, numbers), clock)
    if not (found := trials.single(name) or trials.explaining_from_outside(name)):
        return None
    entry = trials.mistakes[found[0][0]]
    module = reference.module_of(name)
    says = f"Only in images {listed(numbers)} of {len(wrong)} (counted from 0): {entry.says}"
    fix = f"{entry.fix} The other images are right: look at what is made for one image and not repeated for the batch."
    return Finding("solved", module, (module,), f"{entry.name} in some images", says, fix, entry.place,
                   tuple(" with ".join(planting) for planting in found[1:]))


def wrong_images(evidence: Evidence, name: str) -> Array:
    """For each image of the batch whether a point is wrong in it."""
    theirs, ours = (x[name].reshape(len(evidence.images), -1, x[name].shape[-1])
                    for x in (evidence.given, evidence.truth))
    masked = name.endswith(MASKED_SCORES)
    return np.array([excess(a, b, evidence.allowed[name], masked) > 1 for a, b in zip(theirs, ours, strict=True)])


def only(reference: Reference, evidence: Evidence, numbers: Array) -> Evidence:
    """The evidence of some images; their points have the images, or windows image by image, first."""
    batch = len(evidence.images)

    def part(x: Array) -> Array:
        kept = x.reshape(batch, -1, *x.shape[1:])[numbers]
        return kept.reshape(-1, *x.shape[1:])

    given, truth = ({name: part(value) if "B" in reference.axes[name].lengths else value for name, value in x.items()}
                    for x in (evidence.given, evidence.truth))
    return replace(evidence, images=part(evidence.images), given=given, truth=truth,
                   inputs=[each(part, x) for x in evidence.inputs])
