"""Compare one point of a candidate with the reference: how far apart, against rounding, and where."""

import math
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.layouts import Axes
from swin_np.crosscheck.locate import Where, locate
from swin_np.crosscheck.noise import Rounding, root_mean_square
from swin_np.functional import Array

CLOSE = 30.0                                           # times the tolerance: beyond rounding, but no gross mistake
MASKED = 50.0                                          # below the largest score of a row: exp(-50) is 2e-22


@dataclass(frozen=True)
class Difference:
    """How a candidate's array differs from the reference.

    verdict: "exact" (no difference), "rounding" (within the tolerance), "close" (up to 30 times it), "differs", or
        "nan" (values of the candidate are not finite).
    largest, mean: of the absolute difference. relative: root mean square of the difference over the reference's.
    correlation: Pearson's; NaN where one of the two is constant. excess: the error over the tolerance, above 1 beyond
        rounding; of the largest and the root mean square whichever is worse. tolerance: of the two.
    """

    verdict: str
    largest: float
    mean: float
    relative: float
    correlation: float
    excess: float
    where: Where
    tolerance: Rounding

    @property
    def agrees(self) -> bool:
        return self.verdict in ("exact", "rounding")


def difference(candidate: Array, reference: Array, tolerance: Rounding, axes: Axes, shift: tuple[int, int] = (0, 0),
               masked: bool = False) -> Difference:
    """Compare two arrays that have every axis apart (`layouts.align`).

    masked: they are scores under the mask: all that is far below the largest of its row is taken for equally forbidden,
    whether it is -100, -1e9 or minus infinity.
    """
    candidate = candidate.astype(np.float64)
    if masked:
        candidate, reference = forbidden_alike(candidate), forbidden_alike(reference)
    finite = np.isfinite(candidate)
    if not finite.all():
        place = locate(~finite, axes, shift)
        return Difference("nan", math.inf, math.inf, math.inf, math.nan, math.inf, place, tolerance)
    error = np.abs(candidate - reference)
    largest, typical, norm = float(error.max()), root_mean_square(error), root_mean_square(reference)
    excess = max(largest / tolerance.largest, typical / tolerance.typical)
    verdict = "exact" if largest == 0 else "rounding" if excess <= 1 else "close" if excess <= CLOSE else "differs"
    threshold = tolerance.largest if largest > tolerance.largest else tolerance.typical if excess > 1 else math.inf
    return Difference(verdict, largest, float(error.mean()), typical / norm if norm else math.inf if typical else 0.0,
                      correlation(candidate, reference), excess, locate(error > threshold, axes, shift), tolerance)


def excess(candidate: Array, reference: Array, tolerance: Rounding, masked: bool = False) -> float:
    """The `excess` of `difference` alone, which is quicker; infinite if anything is not finite."""
    if masked:
        candidate, reference = forbidden_alike(candidate), forbidden_alike(reference)
    error = (candidate - reference).ravel()
    largest = float(np.abs(error).max())
    if not math.isfinite(largest):
        return math.inf
    return max(largest / tolerance.largest, math.sqrt(inner(error, error) / error.size) / tolerance.typical)


def forbidden_alike(scores: Array) -> Array:
    """Scores with everything that the softmax turns into 0 at the same distance from the largest of its row."""
    largest = np.where(np.isnan(scores), -np.inf, scores).max(axis=-1, keepdims=True)
    return np.maximum(scores, largest - MASKED)


def correlation(x: Array, y: Array) -> float:
    """Pearson's correlation of all elements; NaN if one side is constant."""
    x, y = x.ravel() - x.mean(), y.ravel() - y.mean()
    norm = math.sqrt(inner(x, x) * inner(y, y))
    return inner(x, y) / norm if norm else math.nan


def inner(x: Array, y: Array) -> float:
    """The inner product of two vectors; on one core, as waiting for others takes longer than the product."""
    return float(np.einsum("i,i->", x, y))
