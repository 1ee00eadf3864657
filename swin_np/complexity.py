"""Section 3.2, Eq. 1 and 2, and Table 1: multiply-adds, parameters and activation bytes, counted layer by layer.

The convention is that of the paper's code: one multiply-add for each term of each product of matrices and one for each
element that a layer norm normalises, nothing for all else (biases, softmax, GELU, sums, pooling).
Nothing is run and no weight is made; every count is for one image.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from swin_np.arguments.checks import instance
from swin_np.arguments.config_fields import hidden_channels
from swin_np.arguments.door import takes
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Size, pair
from swin_np.model import SwinConfig
from swin_np.patches import check_even, check_patch
from swin_np.windows import check_window


@takes()
def msa_multiply_adds(h: int, w: int, channels: int) -> int:
    """Eq. 1: 4 h w C^2 + 2 (h w)^2 C, global self-attention on a map of h x w tokens: quadratic in h w."""
    return 4 * h * w * channels ** 2 + 2 * (h * w) ** 2 * channels


@takes()
def window_msa_multiply_adds(h: int, w: int, channels: int, window: Size) -> int:
    """Eq. 2: 4 h w C^2 + 2 M^2 h w C, self-attention in M x M windows: linear in h w.

    Raises ShapeError where the windows do not tile the map; there the equation does not hold, `layer_costs` does.
    """
    m, n = pair(window)
    check_window((h, w), (m, n))
    return 4 * h * w * channels ** 2 + 2 * m * n * h * w * channels


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one image.

    name: the official name of the module, `layers.0.blocks.1.attn.qkv`.
    kind: "linear", "layer norm", "attention", "gelu", "sum" or "mean".
    output_shape: of one image, without the batch axis; inside windows (nW, M^2, C), where the batch is (B nW, M^2, C).
    parameters: numbers that were learned. multiply_adds: see the module's docstring.
    activation_bytes: what the layer writes; arrays that only move elements (pad, roll,
    partition), the scaled q and the looked-up bias are not counted.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True)
class TotalCost:
    """The sums over a list of layers; units as in LayerCost."""

    parameters: int
    multiply_adds: int
    activation_bytes: int


@takes()
def total(costs: Iterable[LayerCost]) -> TotalCost:
    """Add up the layers of a model or of any part of it."""
    costs = [instance("a layer's cost", cost, LayerCost) for cost in costs]
    return TotalCost(sum(cost.parameters for cost in costs), sum(cost.multiply_adds for cost in costs),
                     sum(cost.activation_bytes for cost in costs))


@takes()
def array_bytes(shape: tuple[int, ...], dtype: type) -> int:
    """Bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


@takes()
def linear_cost(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                dtype: type = np.float32) -> LayerCost:
    """x W^T + b at every position: x (*positions, inputs) -> (*positions, outputs).

    A convolution whose stride is its kernel, the patch embedding, is one too: its inputs are the numbers of a patch.
    """
    shape = (*positions, outputs)
    return LayerCost(name, "linear", shape, inputs * outputs + bias * outputs, inputs * math.prod(shape),
                     array_bytes(shape, dtype))


@takes()
def layer_norm_cost(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    """Normalise x (..., C) over the last axis: one multiply-add an element.

    The final norm is the one place where the totals of the paper's code differ: for what follows the last stage it
    counts C times the patch embedding's h w over 2^4, where 2^6 is meant, since three mergings quarter the map three
    times. It so has more than we do by 112,896 for Swin-T and S, 150,528 for B and 225,792 for L (at 384 by 442,368 and
    663,552); only Swin-S shows it in the third decimal, 8.747 G against our 8.746 G.
    """
    if not shape:
        raise ShapeError("the shape () was given to a layer norm, expected (..., C): give the channels at least")
    return LayerCost(name, "layer norm", shape, 2 * shape[-1], math.prod(shape), array_bytes(shape, dtype))


@takes()
def attention_cost(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                   dtype: type = np.float32) -> LayerCost:
    """Eq. 4 from q, k, v to the heads' outputs side by side, (windows, tokens, C), each window on its own.

    The products are q k^T and the one with v, windows * tokens^2 * C multiply-adds each. Written are the scores and
    the probabilities, (windows, heads, tokens, tokens) each, and the result. Global attention is one window of all
    tokens. `parameters` are those of the bias table.
    """
    shape, scores = (windows, tokens, channels), (windows, heads, tokens, tokens)
    return LayerCost(name, "attention", shape, parameters, 2 * windows * tokens ** 2 * channels,
                     2 * array_bytes(scores, dtype) + array_bytes(shape, dtype))


@takes()
def element_cost(name: str, kind: str, shape: tuple[int, ...], arrays: int = 1, parameters: int = 0,
                 dtype: type = np.float32) -> LayerCost:
    """A layer without products, such as GELU, a sum or a mean, that writes `arrays` arrays of this shape."""
    return LayerCost(name, kind, shape, parameters, 0, arrays * array_bytes(shape, dtype))


@takes()
def check_map(map_size: tuple[int, int]) -> None:
    """Raise ShapeError for a map without a token."""
    if min(map_size) < 1:
        raise ShapeError(f"the map is {map_size[0]}x{map_size[1]}, expected at least 1x1: give a larger one")


@takes()
def check_stage(config: SwinConfig, stage: int) -> None:
    """Raise ConfigurationError for a stage that the model does not have."""
    if stage >= len(config.depths):
        raise ConfigurationError(f"stage {stage} was asked for, the model has {len(config.depths)}, counted from 0: "
                                 "give one of them")


@takes()
def block_costs(name: str, config: SwinConfig, stage: int, map_size: tuple[int, int],
                dtype: type = np.float32) -> list[LayerCost]:
    """A block of a stage (counted from 0) on a map (h, w), regular or shifted: the shift costs nothing.

    Attention is computed on whole windows, the padding included. Raises ShapeError where the shape policy refuses the
    map, or where the window in force is not the one that the bias table is made for.
    """
    check_stage(config, stage)
    check_map(map_size)
    (h, w), channels, heads = map_size, config.channels(stage), config.num_heads[stage]
    policy, hidden = config.shape_policy, hidden_channels(channels, config.mlp_ratio)
    (m, n), _ = policy.window_and_shift(map_size, config.window_size, (0, 0))
    policy.check_map(map_size, (m, n))
    table_window = policy.table_window(config.map_sizes()[stage], config.window_size)
    if (m, n) != table_window:
        raise ShapeError(f"the window in force on the {h}x{w} map is {m}x{n}, the bias table is for {table_window}: "
                         "use an image size at which both agree, or another shape policy")
    windows, tokens = -(-h // m) * -(-w // n), m * n
    table = (2 * m - 1) * (2 * n - 1) * heads
    return [
        layer_norm_cost(f"{name}.norm1", (h, w, channels), dtype),
        linear_cost(f"{name}.attn.qkv", (windows, tokens), channels, 3 * channels, config.qkv_bias, dtype),
        attention_cost(f"{name}.attn", windows, tokens, channels, heads, table, dtype),
        linear_cost(f"{name}.attn.proj", (windows, tokens), channels, channels, dtype=dtype),
        layer_norm_cost(f"{name}.norm2", (h, w, channels), dtype),
        linear_cost(f"{name}.mlp.fc1", (h, w), channels, hidden, dtype=dtype),
        element_cost(f"{name}.mlp.act", "gelu", (h, w, hidden), dtype=dtype),
        linear_cost(f"{name}.mlp.fc2", (h, w), hidden, channels, dtype=dtype),
        element_cost(name, "sum", (h, w, channels), arrays=2, dtype=dtype),         # Eq. 3's two residual paths
    ]


@takes()
def merging_costs(name: str, config: SwinConfig, stage: int, map_size: tuple[int, int],
                  dtype: type = np.float32) -> list[LayerCost]:
    """Patch merging after a stage whose map is (h, w); ShapeError where the policy refuses an odd side."""
    check_stage(config, stage)
    check_map(map_size)
    (h, w), channels = map_size, config.channels(stage)
    if config.shape_policy.merging == "refuse":
        check_even((h, w))
    merged = ((h + 1) // 2, (w + 1) // 2)
    return [layer_norm_cost(f"{name}.norm", (*merged, 4 * channels), dtype),
            linear_cost(f"{name}.reduction", merged, 4 * channels, 2 * channels, bias=False, dtype=dtype)]


@takes()
def layer_costs(config: SwinConfig, img_size: Size | None = None, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a Swin Transformer in the order of computation, for one image of `img_size` pixels.

    Without `img_size` the configured one. Padding is counted where the shape policy pads, since it is computed.
    Raises ShapeError for sizes that the model refuses.

    >>> total(layer_costs(VARIANTS["swin_t"])).multiply_adds
    4494292224
    """
    if type(config) is not SwinConfig:
        raise ConfigurationError(f"the counts are for the first Swin Transformer, got a {type(config).__name__}: "
                                 "give a SwinConfig")
    size = config.img_size if img_size is None else pair(img_size)
    config.check_image_size(size)
    if config.shape_policy.patch == "refuse":
        check_patch(size, config.patch_size)
    map_sizes, last = config.map_sizes(size), len(config.depths) - 1
    embedded = (*map_sizes[0], config.embed_dim)       # (h, w, C)
    patch = config.in_chans * math.prod(config.patch_size)
    costs = [linear_cost("patch_embed.proj", map_sizes[0], patch, config.embed_dim, dtype=dtype)]
    if config.patch_norm:
        costs.append(layer_norm_cost("patch_embed.norm", embedded, dtype))
    if config.ape:
        costs.append(element_cost("absolute_pos_embed", "sum", embedded, parameters=math.prod(embedded), dtype=dtype))
    for stage, map_size in enumerate(map_sizes):
        for j in range(config.depths[stage]):
            costs += block_costs(f"layers.{stage}.blocks.{j}", config, stage, map_size, dtype)
        if stage < last:
            costs += merging_costs(f"layers.{stage}.downsample", config, stage, map_size, dtype)
    channels = config.channels(last)
    costs.append(layer_norm_cost("norm", (*map_sizes[last], channels), dtype))
    costs.append(element_cost("avgpool", "mean", (channels,), dtype=dtype))
    if config.num_classes:
        costs.append(linear_cost("head", (), channels, config.num_classes, dtype=dtype))
    return costs
