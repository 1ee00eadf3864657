"""The noise of rounding: how far a correct implementation may be from the truth, in the candidate's precision."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from swin_np.functional import Array

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The distance from 1 to the next number, finest first."""

LARGEST_FACTOR = 8.0                                   # two orders of summation differ by a few times their errors
TYPICAL_FACTOR = 4.0
FEW = 4.0                                              # of n errors the largest may be small by luck: 1 + 4 n^-1/2
LEAST = 0.25                                           # of a unit in the last place: an error of 0 is luck
TELLING_VALUES = 4                                     # fewer different values say nothing on their precision


@dataclass(frozen=True)
class Rounding:
    """The errors of a float32 run at one point: the largest, and the root of their mean square."""

    largest: float
    typical: float

    def scaled(self, factor: float) -> "Rounding":
        return Rounding(factor * self.largest, factor * self.typical)


def rounding_of(single: Array, double: Array) -> Rounding:
    """Of one point: the float32 run against the float64 run, but no less than a part of a unit in the last place."""
    double = np.where(np.isfinite(double), double, 0)
    error, epsilon = np.where(np.isfinite(single), single, 0) - double, EPSILON["float32"]
    least = np.finfo(np.float64).tiny
    largest = max(float(np.abs(error).max()), epsilon * float(np.abs(double).max()), least)
    typical = max(root_mean_square(error), LEAST * epsilon * root_mean_square(double), least)
    return Rounding(largest, typical).scaled(1 + FEW * error.size**-0.5)


def root_mean_square(x: Array) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).mean()))


def tolerance(rounding: Rounding, precision: str) -> Rounding:
    """What a correct candidate of this precision stays within, from the errors of float32."""
    scale = EPSILON[precision] / EPSILON["float32"]
    return Rounding(LARGEST_FACTOR * scale * rounding.largest, TYPICAL_FACTOR * scale * rounding.typical)


def precision_of(points: Iterable[Array]) -> str:
    """The coarsest precision in which a candidate computed, read off the bits that its numbers use.

    A file may hold the results of a bfloat16 run as float32. Integers and points of a few values say nothing.
    """
    found = [number_precision(point) for point in points]
    return max((name for name in found if name), key=list(EPSILON).index, default="float64")


def number_precision(x: Array) -> str | None:
    """The coarsest precision that holds all the finite values of x exactly; None if too few differ."""
    values = np.unique(x[np.isfinite(x) & (x != 0)])
    if len(values) < TELLING_VALUES or (values == np.rint(values)).all():
        return None
    single = values.astype(np.float32)
    if (single != values).any():
        return "float64"
    if not (single.view(np.uint32) & 0xFFFF).any():
        return "bfloat16"
    with np.errstate(over="ignore"):
        return "float16" if (single.astype(np.float16) == single).all() else "float32"
