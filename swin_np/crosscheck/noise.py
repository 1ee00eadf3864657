"""The noise of rounding: how far a correct implementation may be from the truth, in the candidate's precision."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from swin_np.functional import Array

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The distance from 1 to the next number, finest first."""

SIXTEEN_BITS = ("float16", "bfloat16")
SUBNORMAL = {"float16": 2.0**-25, "bfloat16": 0.0}     # half the distance of the smallest numbers

LARGEST_FACTOR = 8.0                                   # two orders of summation differ by a few times their errors
TYPICAL_FACTOR = 4.0
FEW = 4.0                                              # of n errors the largest may be small by luck: 1 + 4 n^-1/2
LEAST = 0.25                                           # of a unit in the last place: an error of 0 is luck
HALF_UNIT = 0.5                                        # of a unit in the last place: what storing a number changes
TELLING_VALUES = 4                                     # fewer different values say nothing on their precision


@dataclass(frozen=True)
class Rounding:
    """The errors of a float32 run at one point: the largest, and the root of their mean square."""

    largest: float
    typical: float

    def scaled(self, factor: float) -> "Rounding":
        return Rounding(factor * self.largest, factor * self.typical)

    def plus(self, other: "Rounding") -> "Rounding":
        return Rounding(self.largest + other.largest, self.typical + other.typical)


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
    """What a correct candidate that computes in this precision stays within, from the errors of float32."""
    scale = EPSILON[precision] / EPSILON["float32"]
    return Rounding(LARGEST_FACTOR * scale * rounding.largest, TYPICAL_FACTOR * scale * rounding.typical)


def storage_rounding(value: Array, precision: str) -> Rounding:
    """How far the numbers of an array may be from those that were stored in 16 bits; nothing in other precisions."""
    if precision not in SIXTEEN_BITS:
        return Rounding(0.0, 0.0)
    finite, unit = np.where(np.isfinite(value), value, 0), HALF_UNIT * EPSILON[precision]
    return Rounding(unit * float(np.abs(finite).max()), unit * root_mean_square(finite)).plus(
        Rounding(SUBNORMAL[precision], SUBNORMAL[precision]))


def displaced_in_storage(value: Array, precision: str, rng: np.random.Generator) -> Array:
    """The array as it may have been before it was stored in 16 bits; itself in other precisions."""
    if precision not in SIXTEEN_BITS:
        return value
    return value * (1 + rng.uniform(-HALF_UNIT, HALF_UNIT, value.shape) * EPSILON[precision])


def precisions_of(points: dict[str, Array]) -> dict[str, str]:
    """In which precision each point is stored, read off the bits that its numbers use.

    A file may hold the results of a bfloat16 run as float32. Integers and points of a few values say nothing.
    """
    found = {name: number_precision(value) for name, value in points.items()}
    return {name: precision for name, precision in found.items() if precision}


def computing_precision(stored: dict[str, str]) -> str:
    """In which precision sums are made: float64 if nothing is coarser, else float32, whatever is stored."""
    return "float64" if set(stored.values()) <= {"float64"} else "float32"


def usual_precision(stored: dict[str, str]) -> str:
    """In which precision most points are stored; of equals the coarser."""
    count = Counter(stored.values())
    return max(count, key=lambda name: (count[name], list(EPSILON).index(name)), default="float64")


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
