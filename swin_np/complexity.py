"""Section 3.2, Eq. 1 and 2, and Table 1: the Swin Transformer counted layer by layer, as costs.py counts."""

import math

import numpy as np

from swin_np.arguments.config_fields import hidden_channels
from swin_np.arguments.door import takes
from swin_np.costs import LayerCost, attention_cost, element_cost, layer_norm_cost, linear_cost
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Size, pair
from swin_np.patches import check_even, check_patch
from swin_np.variants import SwinConfig
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
    configured = config.window(stage)
    (m, n), _ = policy.window_and_shift(map_size, configured, (0, 0))
    policy.check_map(map_size, (m, n))
    table_window = policy.table_window(config.map_sizes()[stage], configured)
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
    size, patch = pair(config.img_size if img_size is None else img_size), pair(config.patch_size)
    config.check_image_size(size)
    if config.shape_policy.patch == "refuse":
        check_patch(size, patch)
    map_sizes, last = config.map_sizes(size), len(config.depths) - 1
    embedded = (*map_sizes[0], config.embed_dim)       # (h, w, C)
    numbers = config.in_chans * math.prod(patch)       # of a patch
    costs = [linear_cost("patch_embed.proj", map_sizes[0], numbers, config.embed_dim, dtype=dtype)]
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
