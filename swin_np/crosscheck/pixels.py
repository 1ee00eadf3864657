"""The candidate's images against the reference's: another picture, or the same one prepared otherwise."""

import numpy as np

from swin_np import images
from swin_np.crosscheck.compare import difference
from swin_np.crosscheck.evidence import Evidence
from swin_np.crosscheck.isolate import isolated
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.functional import Array
from swin_np.mistakes.catalogue import CATALOGUE, planted
from swin_np.mistakes.images import NORMALISE, PREPROCESSING

PIXEL_TOLERANCE = 0.02                                 # of a grey level: these were pixels before they were normalised
SAME_IMAGE = 1e-3                                      # relative error up to which prepared images count as equal
BGR = "bgr-channels"


def explain_input(reference: Reference, evidence: Evidence) -> list[Finding]:
    """What is wrong with the images that the candidate's dump holds; nothing if they are right or were not dumped."""
    found = evidence.whole.get("input")
    if found is None or found.agrees or found.verdict == "nan":
        return []
    for name, variant in variants(reference.images).items():
        if relative_error(evidence.images, variant) < SAME_IMAGE:
            return [image_finding(name, "the images are")]
    if sentence := per_channel(evidence.images, reference.images):
        return [Finding("input", "input", ("input",), "prepared otherwise", sentence,
                        "Prepare the images as the reference does.", PREPROCESSING)]
    return [Finding("input", "input", ("input",), "other images",
                    f"The candidate computed on other images than the reference (correlation {found.correlation:.2f}).",
                    "Give both the same picture, resized and cropped alike, or the same .npy array.")]


def explain_embedding(reference: Reference, evidence: Evidence, unexplained: dict[str, list[str]]) -> Finding | None:
    """What is wrong with images that were not dumped, if only the patch embedding is unexplained; it then leaves
    `unexplained`.
    """
    kinds = [kind for kind, points in unexplained.items() if evidence.unit[points[0]] == 0]
    names = [name for kind in kinds for name in unexplained[kind]]
    if names[:1] != list(evidence.alone)[:1] or "input" in evidence.whole:     # what is right tells of the images
        return None
    result = Finding("input", "input", ("input",), "other images",
                     f"The candidate computed on other images, or its patch embedding has other weights: {names[0]} "
                     "differs already, and the modules behind it do not differ on their own for that.",
                     "Dump the images under the name input, and compare again.")
    for mistake, variant in variants(reference.images).items():
        values = isolated(reference.model, variant, evidence.given, 0, evidence.unit[names[0]]).values
        if all(explains(reference, evidence, name, values[name]) for name in names):
            result = image_finding(mistake, "the patch embedding is what it would be if the images were")
            break
    for kind in kinds:
        del unexplained[kind]
    return result


def explains(reference: Reference, evidence: Evidence, name: str, value: Array) -> bool:
    """Whether a recomputed point is the candidate's, to rounding."""
    axes = reference.axes[name]
    return difference(evidence.given[name].reshape(axes.shape), value.reshape(axes.shape), evidence.allowed[name],
                      axes).agrees


def variants(right: Array) -> dict[str, Array]:
    """Images (B, 3, H, W) as they would be after a mistake of the catalogue, or another plain one, by its name."""
    found = {"flipped left to right": right[..., ::-1], "flipped upside down": right[:, :, ::-1]}
    if right.shape[2] == right.shape[3]:
        found["rows and columns exchanged"] = right.swapaxes(2, 3)
    if right.shape[1] != 3:
        return found
    mean, std = (np.array(values)[:, None, None] for values in (images.IMAGENET_MEAN, images.IMAGENET_STD))
    scaled = right * std + mean
    found[BGR] = (scaled[:, ::-1] - mean) / std
    found["red and blue exchanged after normalising"] = right[:, ::-1]
    levels = 255 * scaled
    if np.abs(levels - np.rint(levels)).max() > PIXEL_TOLERANCE or levels.min() < -1 or levels.max() > 256:
        return found                                   # they were no pixels
    pixels = np.rint(levels).astype(np.uint8).transpose(0, 2, 3, 1)
    for name, entry in CATALOGUE.items():
        if entry.replaces == NORMALISE:
            with planted(entry):
                found[name] = np.stack([images.normalise(image, np.float64) for image in pixels])
    return found


def image_finding(name: str, what: str) -> Finding:
    """The finding for one of `variants`."""
    if name in CATALOGUE:
        return Finding.of(CATALOGUE[name], ("input",))
    return Finding("input", "input", ("input",), name, f"{what[:1].upper()}{what[1:]} {name}.",
                   "Prepare the images as the reference does.", PREPROCESSING)


def per_channel(theirs: Array, ours: Array) -> str:
    """A sentence if every channel of theirs is a multiple of ours plus a constant; else nothing."""
    fits = [np.polyfit(ours[:, c].ravel(), theirs[:, c].ravel(), 1) for c in range(ours.shape[1])]
    predicted = np.stack([np.polyval(fit, ours[:, c]) for c, fit in enumerate(fits)], axis=1)
    if relative_error(theirs, predicted) > SAME_IMAGE:
        return ""
    terms = ", ".join(f"{slope:.4g} x {constant:+.4g}" for slope, constant in fits)
    return (f"The images are normalised otherwise: channel by channel the candidate's are {terms}, "
            "with x the reference's.")


def relative_error(x: Array, y: Array) -> float:
    """The root mean square of the difference over that of y."""
    return root_mean_square(x - y) / max(root_mean_square(y), np.finfo(np.float64).tiny)
