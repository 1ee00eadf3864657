"""Fig. 3a in motion: the forward pass of any system one step at a time, with what each step is and costs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from swin_np.baselines import patch_sequences
from swin_np.baselines.transformer import Transformer
from swin_np.chain import Step
from swin_np.costs import total
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.systems.registry import layer_costs


@dataclass(frozen=True)
class MeasuredStep:
    """One step of the forward pass, for the batch it was run on.

    map_size: (h, w) of what it gives, (n,) for a sequence of tokens, () for the pooled end; channels: C of that.
    window: (M, M), and windows: how many of them cover the map, both () and 0 where nothing attends. shifts: the
    displacements of the blocks, in turn. stage: as in Step.
    parameters, multiply_adds: as swin_np.complexity counts them, for one image. seconds: measured.
    """

    name: str
    map_size: tuple[int, ...]
    channels: int
    windows: int
    window: tuple[int, ...]
    shifts: tuple[tuple[int, int], ...]
    heads: int
    stage: bool
    parameters: int
    multiply_adds: int
    seconds: float


def chain_of(model: Module) -> list[Step]:
    """The steps of any system on images; a Transformer's source and target are their 16x16 patches."""
    return patch_sequences.chain(model) if isinstance(model, Transformer) else model.chain()


def walk(model: Module, images: Array) -> Iterator[tuple[MeasuredStep, Array]]:
    """Each step and its output, computed when asked for; the last output is what calling the model gives.

    A Transformer's source and target are the images' 16x16 patches (patch_sequences.embedded_patches).
    A segmentation's is (B, H, W, num_classes), the classes last; a pyramid's levels are the outputs of its `stage`s.
    Raises what calling the model raises.
    """
    x, costs = images, layer_costs(model.config, images.shape[2:])
    for step in chain_of(model):
        start = perf_counter()
        x = step(x)
        seconds = perf_counter() - start
        cost = total(cost for cost in costs if cost.name.startswith(step.layers))
        map_size = x.shape[1:-1]
        window, shifts = step.windows(map_size)
        windows = math.prod(-(-side // m) for side, m in zip(map_size, window, strict=True)) if window else 0
        yield MeasuredStep(step.name, map_size, x.shape[-1], windows, window, shifts, step.heads, step.stage,
                           cost.parameters, cost.multiply_adds, seconds), x
