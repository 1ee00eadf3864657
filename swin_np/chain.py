"""A model as a chain of named steps: its own forward pass, the tour and the cross-check run the same ones."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from swin_np.functional import Array
from swin_np.layers import Module

Windows = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""The window in force, (M, M) or (n,), and the displacements of the blocks in turn; both () where nothing attends."""


@dataclass(frozen=True)
class Step:
    """One step, from what the step before gives to what the next one takes.

    compute: what it does. layers: how the official names of its layers begin. stage: whether its map is one of those
    that the model is for: of `feature_maps`, of a pyramid's levels, or a segmentation's scores. heads: of its
    attention. windows: for the size of its map. modules: those that it calls in turn, by official name, where it does
    nothing else. ends: the module that ends here, so that the step's result is its output.
    """

    name: str
    layers: tuple[str, ...]
    compute: Callable[[Array], Array]
    stage: bool = False
    heads: int = 0
    windows: Callable[[Any], Windows] = lambda map_size: ((), ())
    modules: dict[str, Module] = field(default_factory=dict)
    ends: Module | None = None

    def __call__(self, x: Array) -> Array:
        """The result of the step, shown to a trace as the output of the module that ends here."""
        x = self.compute(x)
        return x if self.ends is None else self.ends.note("", x)


def run(chain: Iterable[Callable[[Array], Array]], x: Array) -> Array:
    """x through all steps, or modules, one after the other."""
    for step in chain:
        x = step(x)
    return x


def stage_maps(chain: Iterable[Step], x: Array) -> list[Array]:
    """x through all steps; the results of the stages among them."""
    maps = []
    for step in chain:
        x = step(x)
        if step.stage:
            maps.append(x)
    return maps
