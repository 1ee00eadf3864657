"""Fig. 3a in motion: the forward pass of any system one step at a time, with what each step is and costs."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, singledispatch
from time import perf_counter

from swin_np.baselines.resnet import ResNet
from swin_np.baselines.vit import VisionTransformer
from swin_np.complexity import total
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.model import SwinTransformer
from swin_np.systems import layer_costs

Windows = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""The window in force, (M, M) or (n,), and the displacements of the blocks in turn; both () where nothing attends."""


@dataclass(frozen=True)
class Part:
    """A part of a model that a step runs.

    layers: how the official names of its layers begin. run: what it computes. stage: whether its map is one of
    `feature_maps`. heads: of its attention. windows: for the size of its map.
    """

    name: str
    layers: tuple[str, ...]
    run: Callable[[Array], Array]
    stage: bool = False
    heads: int = 0
    windows: Callable[[tuple[int, ...]], Windows] = lambda map_size: ((), ())


@singledispatch
def model_parts(model: Module) -> list[Part]:
    """The parts of a model, in the order of computation: from images to what calling the model gives."""
    raise TypeError(f"a {type(model).__name__} has no parts that are known here")


@model_parts.register
def swin_parts(model: SwinTransformer) -> list[Part]:
    """Fig. 3a; V2's and Swin-Mixer's too."""
    parts = [Part("patch embedding", ("patch_embed", "absolute_pos_embed"), model.embed)]
    for i, stage in enumerate(model.layers):
        def windows(map_size: tuple[int, ...], blocks: list = stage.blocks) -> Windows:
            settings = [block.shape_policy.window_and_shift(map_size, block.window_size, block.shift_size)
                        for block in blocks]
            return settings[0][0], tuple(shift for _, shift in settings)

        parts.append(Part(f"stage {i + 1}, {len(stage.blocks)} blocks", (f"layers.{i}.blocks",), stage.run_blocks, True,
                          model.config.num_heads[i], windows))
        if stage.downsample is not None:
            parts.append(Part("patch merging", (f"layers.{i}.downsample",), stage.downsample))
    return [*parts, Part("norm, mean, head", ("norm", "avgpool", "head"), model.classify)]


@model_parts.register
def vit_parts(model: VisionTransformer) -> list[Part]:
    """ViT's Fig. 1: one sequence, and one window around all of it."""
    return [Part("patch embedding", ("patch_embed", "pos_embed"), model.embed),
            Part(f"{len(model.blocks)} blocks", ("blocks",), model.run_blocks, True, model.config.num_heads,
                 lambda length: (length, ())),
            Part("norm, head", ("norm", "head", "mean"), model.classify)]


@model_parts.register
def resnet_parts(model: ResNet) -> list[Part]:
    """ResNet's Table 1; ResNeXt's and Res2Net's too."""
    stages = [Part(f"stage {i}, {len(blocks)} blocks", (f"layer{i}",), partial(model.run_blocks, blocks), True)
              for i, blocks in enumerate(model.stages(), start=1)]
    return [Part("stem", ("conv1", "bn1", "relu", "maxpool"), model.embed), *stages,
            Part("mean, head", ("avgpool", "fc"), model.classify)]


@dataclass(frozen=True)
class Step:
    """One step of the forward pass, for the batch it was run on.

    map_size: (h, w) of what it gives, (n,) for a sequence of tokens, () for the pooled end; channels: C of that.
    window: (M, M), and windows: how many of them cover the map, both () and 0 where nothing attends. shifts: the
    displacements of the blocks, in turn.
    parameters, multiply_adds: as swin_np.complexity counts them, for one image. seconds: measured.
    """

    name: str
    map_size: tuple[int, ...]
    channels: int
    windows: int
    window: tuple[int, ...]
    shifts: tuple[tuple[int, int], ...]
    heads: int
    parameters: int
    multiply_adds: int
    seconds: float


def walk(model: Module, images: Array) -> Iterator[tuple[Step, Array]]:
    """Each step and its output, computed when asked for; the last output is what calling the model gives.

    Raises what calling the model raises.
    """
    x, costs = images, layer_costs(model.config, images.shape[2:])
    for part in model_parts(model):
        start = perf_counter()
        x = part.run(x)
        seconds = perf_counter() - start
        cost = total(cost for cost in costs if cost.name.startswith(part.layers))
        map_size = x.shape[1:-1]
        window, shifts = part.windows(map_size)
        windows = math.prod(-(-side // m) for side, m in zip(map_size, window, strict=True)) if window else 0
        yield Step(part.name, map_size, x.shape[-1], windows, window, shifts, part.heads, cost.parameters,
                   cost.multiply_adds, seconds), x
