"""The evidence of a cross-check: what each module of the reference makes of the candidate's own numbers."""

from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.chains import Passed
from swin_np.crosscheck.compare import Difference, difference
from swin_np.crosscheck.isolate import first_units, isolated, units
from swin_np.crosscheck.noise import (
    EPSILON,
    SIXTEEN_BITS,
    Rounding,
    computing_precision,
    displaced_in_storage,
    rounding_of,
    storage_rounding,
    tolerance,
)
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array

MASKED_SCORES = "scores_with_mask"
NEAR_ONE = 2.0                                         # an error over tolerance that an agreeing whole run outweighs,
FEW, FEW_OF = 2, 0.05                                  # at so many points, or at this part of them
STORED_INPUT = 2.0                                     # times what numbers within half a unit of the stored ones change


def compared(reference: Reference, name: str, value: Array, truth: Array, allowed: Rounding) -> Difference:
    """The difference of one point, all axes apart, from what it should be."""
    axes = reference.axes[name]
    return difference(value, truth.reshape(axes.shape), allowed, axes, shift_of(reference, name),
                      name.endswith(MASKED_SCORES))


def shift_of(reference: Reference, name: str) -> tuple[int, int]:
    """The shift of the block to which the point belongs, (0, 0) outside of blocks."""
    if reference.config is None:
        return (0, 0)
    return checked(reference.config).shift(name, reference.config, reference.image_size)


@dataclass
class Evidence:
    """What is known before the search for causes.

    precision: in which sums are made; stored: in which each point is kept, where its numbers tell. given: the
    candidate's points in the reference's shapes, float64; those with NaN or infinity are left out. truth: what the
    reference made of the candidate's numbers at each, in the arithmetic that it emulates. allowed: the tolerances of
    that; floor: the part of them that is not due to sums. inputs: of every unit. first_unit: from which unit on a point
    has to be computed; unit: the one that computes it.
    """

    precision: str
    stored: dict[str, str]
    images: Array
    given: dict[str, Array]
    whole: dict[str, Difference]
    alone: dict[str, Difference]
    truth: dict[str, Array]
    allowed: dict[str, Rounding]
    floor: dict[str, Rounding]
    inputs: list[Passed]
    unit: dict[str, int]
    first_unit: dict[int, int]

    @property
    def agrees(self) -> bool:
        """Whether the whole run agrees at every point, and alone a few modules at most are wrong, and not clearly."""
        return (all(found.agrees for found in self.whole.values())
                and all(found.excess <= NEAR_ONE for found in self.alone.values())
                and len(self.failing) <= max(FEW, FEW_OF * len(self.alone)))

    @property
    def failing(self) -> list[str]:
        """The points that are wrong on their own."""
        return [name for name, found in self.alone.items() if not found.agrees]

    def in_float32(self, name: str) -> bool:
        """Whether a point of a float64 candidate is wrong by no more than float32 would be."""
        return self.precision == "float64" and self.alone[name].excess <= EPSILON["float32"] / EPSILON["float64"]


def collect(reference: Reference, aligned: dict[str, Array], whole: dict[str, Difference],
            stored: dict[str, str]) -> Evidence:
    """Run every module on the candidate's own input, in float64 for the truth and in float32 for its rounding.

    stored: the precision of each point's numbers, where they tell.
    """
    given = {name: value.astype(np.float64).reshape(reference.points[name].shape)
             for name, value in aligned.items() if name != "input" and usable(name, value, whole[name])}
    images, precision = reference.images, computing_precision(stored)
    if "input" in aligned and whole["input"].verdict not in ("exact", "rounding", "nan"):
        images = aligned["input"].astype(np.float64).reshape(images.shape)
    truth = isolated(reference.model, images, given)
    single = isolated(reference.single, images, given)
    floor = floor_of(reference, images, given, truth.values, stored)
    allowed = {name: tolerance(rounding_of(single.values[name], value), precision).plus(floor[name])
               for name, value in truth.values.items()}
    alone = {name: compared(reference, name, given[name].reshape(reference.axes[name].shape), value, allowed[name])
             for name, value in truth.values.items()}
    first_unit = first_units(units(reference.model), given)
    return Evidence(precision, stored, images, given, whole, alone, truth.values, allowed, floor, truth.inputs,
                    truth.unit, first_unit)


def floor_of(reference: Reference, images: Array, given: dict[str, Array], truth: dict[str, Array],
             stored: dict[str, str]) -> dict[str, Rounding]:
    """How far correct numbers may be from the truth for other reasons than sums.

    They are stored in 16 bits, or follow from numbers that are; or the candidate rounds operands, which the reference
    emulates, but not each of them to the same side.
    """
    floor = {name: storage_rounding(value, stored.get(name, "")) for name, value in truth.items()}
    if set(stored.values()) & set(SIXTEEN_BITS):
        rng = np.random.default_rng(0)
        before = {name: displaced_in_storage(value, stored.get(name, ""), rng) for name, value in given.items()}
        moved = isolated(reference.model, images, before).values
        floor = {name: each.plus(rounding_of(moved[name], truth[name]).scaled(STORED_INPUT))
                 for name, each in floor.items()}
    if reference.exact is not None:
        exact = isolated(reference.exact, images, given).values
        floor = {name: each.plus(rounding_of(truth[name], exact[name]).scaled(reference.slack))
                 for name, each in floor.items()}
    return floor


def usable(name: str, value: Array, whole: Difference) -> bool:
    """Whether the reference can go on with these numbers: all finite, but for scores under the mask."""
    return whole.verdict != "nan" and (bool(np.isfinite(value).all()) or name.endswith(MASKED_SCORES))
