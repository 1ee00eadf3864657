"""Tensors by their content: which of a candidate's tensors a point is, whatever its name and layout.

Sums and extremes do not depend on the order of the values, so they rule out nearly all tensors at once: of two arrays
that are near each other in some layout they are as near. What is left is compared value by value in every layout.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from swin_np.crosscheck.compare import CLOSE, excess
from swin_np.crosscheck.layouts import Axes, distance
from swin_np.crosscheck.noise import Rounding, number_precision, root_mean_square
from swin_np.functional import Array

SURELY = 0.05                                          # of its size: no tensor is taken for one that differs more
SAMPLE = 4096                                          # values of a tensor by which its precision is told
SAME = 1e-6                                            # relative difference of the summaries of copies


@dataclass(frozen=True)
class Match:
    """One of the candidate's tensors as a point.

    theirs: its name. value: its values in the reference's order, float64. excess: their error over the tolerance, where
    it is known.
    """

    theirs: str
    value: Array
    excess: float = np.inf


@dataclass(frozen=True)
class Summary:
    """What of an array does not depend on the order of its values."""

    size: int
    mean: float
    size_of_values: float                              # the mean of |x|
    typical: float                                     # the root of the mean of x^2
    least: float
    largest: float

    @classmethod
    def of(cls, x: Array) -> "Summary":
        x = x.ravel().astype(np.float64)
        return cls(x.size, float(x.mean()), float(np.abs(x).mean()), root_mean_square(x), float(x.min()),
                   float(x.max()))

    def near(self, other: "Summary", typical: float, largest: float) -> bool:
        """Whether arrays with these summaries can differ by a root mean square and a maximum of no more than these."""
        sums = ((self.mean, other.mean), (self.size_of_values, other.size_of_values), (self.typical, other.typical))
        extremes = (self.least, other.least), (self.largest, other.largest)
        return (self.size == other.size and all(abs(a - b) <= typical for a, b in sums)
                and all(abs(a - b) <= largest for a, b in extremes))


class Tensors:
    """All tensors of a candidate by name, in the order of computation as far as it is known."""

    def __init__(self, arrays: dict[str, Array]):
        self.arrays = {name: value for name, value in arrays.items() if value.dtype.kind == "f" and value.size > 1}
        with np.errstate(all="ignore"):
            self.summaries = {name: Summary.of(value) for name, value in self.arrays.items()}

    @cached_property
    def precision(self) -> str:
        """That of most tensors."""
        found = Counter(number_precision(value.ravel()[:SAMPLE]) for value in self.arrays.values())
        del found[None]
        return found.most_common(1)[0][0] if found else "float64"

    def fitting(self, truth: Array, axes: Axes) -> Iterator[tuple[float, Match]]:
        """Every tensor whose shape some layout of the point explains, as the nearest to the truth, and how near.

        truth: with its axes apart. The distance is infinite if values are not finite.
        """
        for name, array in self.arrays.items():
            if array.size == truth.size and (found := axes.fitting(array)):
                value = min((each.astype(np.float64) for each in found.values()),
                            key=lambda value: distance(value, truth))
                yield distance(value, truth) if np.isfinite(value).all() else np.inf, Match(name, value)

    def nearest(self, truth: Array, axes: Axes, allowed: Rounding, masked: bool = False) -> Match | None:
        """The tensor that is the point, whose value is `truth` with its axes apart; None if there is none.

        It differs by no more than 30 times the tolerance, and where that is coarse by no more than 5 % of the values'
        size; of several the nearest counts. masked: the point is scores under the mask.
        """
        most = min(CLOSE, max(1.0, SURELY * root_mean_square(truth) / allowed.typical))
        summary = None if masked else Summary.of(truth)
        best: Match | None = None
        for name, array in self.arrays.items():
            if array.size != truth.size or (summary is not None and not self.summaries[name].near(
                    summary, most * allowed.typical, most * allowed.largest)):
                continue
            for value in axes.fitting(array).values():
                value = value.astype(np.float64)
                found = excess(value, truth, allowed, masked)
                if found <= most and (best is None or found < best.excess):
                    best = Match(name, value, found)
        return best

    def copies(self, one: str, other: str) -> bool:
        """Whether two tensors hold the same values in whatever order."""
        if one not in self.arrays or other not in self.arrays:
            return one == other
        a, b = self.summaries[one], self.summaries[other]
        return a.near(b, SAME * a.typical, SAME * a.typical)
