"""Which layers a coarse arithmetic costs most, and the fewest that have to stay in float32 for a wanted error."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.arithmetic.emulation import emulated, emulated_points, has_product
from swin_np.crosscheck.arithmetic.schemes import Arithmetic
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.reference import Reference


@dataclass(frozen=True)
class Sensitivity:
    """What the arithmetic of each layer adds to the error of the last point, and what helps.

    An error is its root mean square over that of the truth. arithmetic: in words. error: with all layers in it. layers:
    the error that each makes alone, by official name, the largest first. wanted: the error that was asked for; keep:
    the first layers of that order that have to stay in float32 for it; reached: the error with those, as emulated.
    """

    arithmetic: str
    error: float
    layers: dict[str, float]
    wanted: float
    keep: tuple[str, ...]
    reached: float

    def lines(self, most: int = 10) -> list[str]:
        """The same as text."""
        lines = [f"Error of the logits with {self.arithmetic}: {100 * self.error:.2g} %, of which alone"]
        lines += [f"  {name:<40} {100 * error:.2g} %" for name, error in list(self.layers.items())[:most]]
        lines += [f"  and {len(self.layers) - most} more layers"] * (len(self.layers) > most)
        if not self.keep:
            return [*lines, f"That is within the wanted {100 * self.wanted:.2g} % already."]
        return [*lines, f"For {100 * self.wanted:.2g} % keep {len(self.keep)} of {len(self.layers)} layers in float32 "
                        f"(then {100 * self.reached:.2g} %): {', '.join(self.keep)}"]


def sensitivity(reference: Reference, arithmetic: Arithmetic, wanted: float,
                progress: Callable[[str], None] = lambda line: None) -> Sensitivity:
    """Emulate the arithmetic in one layer at a time, rank the layers, and keep the first of them in float32.

    The errors of layers are independent roundings, so their squares add up, and the set that the ranking gives is as
    small as any but for chance. reference: in float32. wanted: a relative error; one that float32 itself does not
    reach takes all layers.
    """
    layers = [name for name, module in reference.model.named_modules()
              if has_product(module) or not any(module.parts()) or name.endswith(".attn")]

    def error(chosen: Collection[str]) -> float:
        twin = emulated(reference.single, arithmetic, lambda name: name in chosen)
        return relative_error(reference, twin)

    alone = {}
    for number, name in enumerate(layers, start=1):
        progress(f"{name}: layer {number} of {len(layers)}")
        alone[name] = error({name})
    ranked = sorted(alone, key=alone.get, reverse=True)
    everything, least = error(layers), error(())
    few, many, reached = -1, len(ranked), least        # kept in float32: too few, enough
    while many - few > 1:
        middle = (few + many) // 2
        found = error(ranked[middle:])
        if found <= wanted:
            many, reached = middle, found
        else:
            few = middle
    return Sensitivity(arithmetic.name, everything, {name: alone[name] for name in ranked}, wanted,
                       tuple(ranked[:many]), reached)


def relative_error(reference: Reference, twin: object) -> float:
    """The error of a whole run of a model at its last point."""
    truth = list(reference.points.values())[-1]
    value = list(emulated_points(twin, reference.images.astype(np.float32)).values())[-1]
    return root_mean_square(value.astype(np.float64) - truth) / root_mean_square(truth)
