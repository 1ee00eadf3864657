"""Swin Transformer V2 (Liu et al., CVPR 2022): cosine attention, continuous position bias, residual post-norm.

Windows, shifts, masks, stages and shape policies are those of the first version; equations and sections below are V2's.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np

from swin_np import complexity
from swin_np.arguments.config_fields import hidden_channels
from swin_np.attention import merge_heads, relative_position_index, split_heads
from swin_np.block import Mlp, SwinTransformerBlock
from swin_np.convolution.layers import Relu
from swin_np.costs import LayerCost, element_cost, layer_norm_cost, linear_cost
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Array, Size, pair, sigmoid, softmax
from swin_np.layers import LayerNorm, Linear, Module, note
from swin_np.model import Stage, SwinTransformer
from swin_np.parallel.parts import by_windows
from swin_np.patches import PatchMerging
from swin_np.shape_policy import MICROSOFT, ShapePolicy
from swin_np.variants import SwinConfig
from swin_np.windows import mask_of_windows

LARGEST_LOGIT_SCALE = np.float32(math.log(100))        # section 3.2: tau is at least 0.01; float32 in the paper's code
INITIAL_SCALE = 10.0
LARGEST_BIAS = 16.0                                    # the bias is 16 sigmoid(G): never far beyond a cosine's scale
BORDER = 8.0                                           # the coordinate of the window's border before the logarithm
BIAS_HIDDEN = 512                                      # units of the network G
SMALLEST_LENGTH = 1e-12                                # a shorter vector, 0 above all, is not stretched to length 1


@dataclass(frozen=True)
class SwinV2Config(SwinConfig):
    """Everything that defines a Swin Transformer V2; the fields of SwinConfig and one more.

    pretrained_window_sizes: for each stage the M of the weights' first training, where fine-tuning changed the window;
        0 or, for all stages, () where it did not.

    The default shape policy is the official code's, which shrinks the window to a map that is smaller: no weight has
    the window's shape here, so nothing would show that another policy takes another window.
    Raises ConfigurationError for values that no model can have; V2 learns its scale and has no `qk_scale`.
    """

    img_size: int | tuple[int, int] = 256
    window_size: Size | tuple[Size, ...] = 8
    shape_policy: ShapePolicy = MICROSOFT
    pretrained_window_sizes: tuple[int, ...] = ()
    may_be_zero: ClassVar[tuple[str, ...]] = ("num_classes", "pretrained_window_sizes")

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = self.pretrained_window_sizes
        if self.qk_scale is not None:
            raise ConfigurationError(f"qk_scale is {self.qk_scale}, but Swin V2 learns its scale (logit_scale): "
                                     "leave it None")
        if sizes and len(sizes) != len(self.depths):
            raise ConfigurationError(f"{len(sizes)} pretrained window sizes for {len(self.depths)} stages: give one "
                                     "for every stage, or ()")
        if 1 in sizes:
            raise ConfigurationError(f"pretrained window sizes are {sizes}: give 2 or more, or 0 for the window itself")

    def pretrained_window(self, stage: int, window: tuple[int, int]) -> tuple[int, int]:
        """The window that scales the coordinates of a stage, counted from 0, whose own window is `window`."""
        size = self.pretrained_window_sizes[stage] if self.pretrained_window_sizes else 0
        return pair(size) if size else window


def log_spaced_coordinates(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    """Eq. 4: the displacements (down, right) between two tokens on a logarithmic scale, (2M-1, 2M-1, 2).

    Divided by the largest displacement in the pretrained window and times 8, x becomes sign(x) log2(1 + |x|) / log2(8).
    float32 also in a float64 model: that is how the official code keeps the table and stores it in its files.
    """
    sides = np.array(pair(window))
    displacement = np.moveaxis(np.indices(2 * sides - 1, dtype), 0, -1) - (sides - 1).astype(dtype)
    largest = np.maximum(np.array(pair(pretrained_window)) - 1, 1)      # a window of one token has displacement 0 only
    x = displacement / largest.astype(dtype) * dtype(BORDER)
    return np.sign(x) * np.log2(np.abs(x) + 1) / dtype(math.log2(BORDER))


def unit_length(x: Array) -> Array:
    """x / |x| over the last axis."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), SMALLEST_LENGTH)


def inverse_temperature(logit_scale: Array) -> Array:
    """Eq. 2's 1 / tau, at most 100; the parameter is its logarithm, one for each head, (heads, 1, 1)."""
    return np.exp(np.minimum(logit_scale, LARGEST_LOGIT_SCALE))


def cosine_attention(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, logit_scale: Array) -> Array:
    """Eq. 2: softmax(cos(q, k) / tau + B + mask) v, (..., heads, M^2, d) each."""
    cosines = unit_length(q) @ unit_length(k).swapaxes(-1, -2)          # (..., M^2, M^2)
    scores = note("scores", cosines * inverse_temperature(logit_scale))
    scores += bias
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = note("probabilities", softmax(scores))
    return probabilities @ v


@dataclass(eq=False, repr=False)
class CosineWindowAttention(Module):
    """Multi-head cosine attention within windows, with continuous relative position bias; sections 3.2 and 3.3.

    cpb_mlp is the network G of Eq. 3, which gives each head's bias for a displacement. Keys have no bias.
    """

    logit_scale: Array                                 # (heads, 1, 1)
    q_bias: Array | None                               # (C,)
    v_bias: Array | None                               # (C,)
    cpb_mlp: list[Module]                              # 2 -> 512 -> heads
    qkv: Linear
    proj: Linear
    window_size: tuple[int, int]
    pretrained_window_size: tuple[int, int]

    @classmethod
    def random(cls, channels: int, window: tuple[int, int], pretrained_window: tuple[int, int], num_heads: int,
               rng: np.random.Generator, qkv_bias: bool = True) -> "CosineWindowAttention":
        return cls(
            np.full((num_heads, 1, 1), math.log(INITIAL_SCALE), np.float32),
            np.zeros(channels, np.float32) if qkv_bias else None,
            np.zeros(channels, np.float32) if qkv_bias else None,
            [Linear.random(2, BIAS_HIDDEN, rng), Relu(), Linear.random(BIAS_HIDDEN, num_heads, rng, bias=False)],
            Linear.random(channels, 3 * channels, rng, bias=False), Linear.random(channels, channels, rng),
            window, pretrained_window)

    def relative_coords_table(self) -> Array:
        """What G is asked for, under its name in official files: (2M-1, 2M-1, 2)."""
        return log_spaced_coordinates(self.window_size, self.pretrained_window_size)

    def position_bias(self) -> Array:
        """Eq. 3: B = 16 sigmoid(G(coordinates)) for each pair of positions, (heads, M^2, M^2)."""
        table = self.relative_coords_table().reshape(-1, 2).astype(self.dtype)
        for layer in self.cpb_mlp:
            table = layer(table)                       # in the end ((2M-1)^2, heads)
        table = LARGEST_BIAS * sigmoid(table)
        return table[relative_position_index(self.window_size)].transpose(2, 0, 1)

    def forward(self, windows: Array, mask: Array | None = None) -> Array:
        """Windows (B nW, M^2, C) and a mask (nW, M^2, M^2) or None -> (B nW, M^2, C)."""
        tokens = windows.shape[1]
        if tokens != self.window_size[0] * self.window_size[1]:
            raise ShapeError(f"windows of {tokens} tokens do not fit attention for window {self.window_size}: "
                             "partition with that window, or build the model for the other one")
        bias = self.position_bias()
        return by_windows(lambda windows, numbers: self.attend(windows, bias, mask_of_windows(mask, numbers)), windows)

    def attend(self, windows: Array, bias: Array, mask: Array | None) -> Array:
        """Some of the windows, with a mask (windows, 1, M^2, M^2) of their own or None; the same shape."""
        qkv = self.qkv(windows)
        if self.q_bias is not None:
            qkv = qkv + np.concatenate([self.q_bias, np.zeros_like(self.q_bias), self.v_bias])
        q, k, v = split_heads(qkv, len(self.logit_scale))
        q, k, v = note("q", q), note("k", k), note("v", v)
        return self.proj(merge_heads(cosine_attention(q, k, v, bias, mask, self.logit_scale)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """Section 3.2, residual post-norm: each branch is normalised where it joins the main path, not where it leaves."""

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H, W, C)
        x = x + self.norm1(self.attend(x))
        return x + self.norm2(self.mlp(x))


class PatchMergingV2(PatchMerging):
    """Between two stages: 2x2 neighbours to one token of 4C, a linear layer to 2C, and then the norm."""

    @classmethod
    def random(cls, channels: int, shape_policy: ShapePolicy, rng: np.random.Generator) -> "PatchMergingV2":
        reduction = Linear.random(4 * channels, 2 * channels, rng, bias=False)
        return cls(reduction, LayerNorm.identity(2 * channels), shape_policy)

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H/2, W/2, 2C)
        return self.norm(self.reduction(self.gather(x)))


def silent_norm(channels: int) -> LayerNorm:
    """A norm of scale and offset 0, which closes its branch: how the official code begins to train the blocks."""
    return LayerNorm(np.zeros(channels, np.float32), np.zeros(channels, np.float32))


class StageV2(Stage):
    """Blocks on one map size, regular and shifted windows in turn, then patch merging (None in the last stage)."""

    merging = PatchMergingV2

    @staticmethod
    def random_block(config: SwinV2Config, stage: int, shift: tuple[int, int],
                     rng: np.random.Generator) -> SwinTransformerBlockV2:
        channels, window, policy = config.channels(stage), config.window(stage), config.shape_policy
        window_in_force = policy.table_window(config.map_sizes()[stage], window)
        attn = CosineWindowAttention.random(channels, window_in_force, config.pretrained_window(stage, window_in_force),
                                            config.num_heads[stage], rng, config.qkv_bias)
        mlp = Mlp.random(channels, hidden_channels(channels, config.mlp_ratio), rng)
        return SwinTransformerBlockV2(silent_norm(channels), attn, silent_norm(channels), mlp, window, shift, policy)


class SwinTransformerV2(SwinTransformer):
    """Images (B, 3, H, W) or (3, H, W) in, normalised, in the model's dtype; calling it gives the logits.

    `random` draws the official code's initial weights, with which every block is the identity until it has been
    trained; to compare implementations, draw others (swin_np.layers.redraw).
    """

    stage = StageV2

    def derived_buffers(self) -> dict[str, Array]:
        """`relative_coords_table`, `relative_position_index` and `attn_mask` as the official code stores them."""
        return super().derived_buffers() | {f"{name}.relative_coords_table": module.relative_coords_table()[None]
                                            for name, module in self.named_modules()
                                            if isinstance(module, CosineWindowAttention)}


def position_bias_costs(name: str, window: tuple[int, int], heads: int, dtype: type = np.float32) -> list[LayerCost]:
    """The network G of one block, which is computed anew in every forward pass, once for all images of a batch."""
    displacements = ((2 * window[0] - 1) * (2 * window[1] - 1),)
    return [linear_cost(f"{name}.0", displacements, 2, BIAS_HIDDEN, dtype=dtype),
            element_cost(f"{name}.1", "relu", (*displacements, BIAS_HIDDEN), dtype=dtype),
            linear_cost(f"{name}.2", displacements, BIAS_HIDDEN, heads, bias=False, dtype=dtype)]


def layer_costs(config: SwinV2Config, img_size: Size | None = None, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a Swin V2 in the order of computation, for one image, as complexity.layer_costs counts them.

    They are those of the first version of the same sizes, but for the network G in the place of the bias tables, keys
    without a bias, a scale for each head, and the norm of patch merging, which comes last. Bringing queries and keys to
    length 1 counts nothing. Raises ShapeError for sizes that the model refuses, ConfigurationError for another model.

    >>> total(layer_costs(SWIN_V2_VARIANTS["swin_v2_t"])).multiply_adds
    5944212480
    """
    if not isinstance(config, SwinV2Config):
        raise ConfigurationError(f"these counts are for a Swin Transformer V2, got a {type(config).__name__}: "
                                 "give a SwinV2Config, or take the counts of swin_np.complexity")
    first_version = SwinConfig(**{field.name: getattr(config, field.name) for field in fields(SwinConfig)})
    windows = [config.shape_policy.table_window(size, config.window(stage))
               for stage, size in enumerate(config.map_sizes())]
    costs = []
    for cost in complexity.layer_costs(first_version, img_size, dtype):
        name, stage = cost.name, int(cost.name.split(".")[1]) if cost.name.startswith("layers.") else 0
        channels, heads = config.channels(stage), config.num_heads[stage]
        if cost.kind == "attention":
            costs += position_bias_costs(f"{name}.cpb_mlp", windows[stage], heads, dtype)
            costs.append(replace(cost, parameters=heads))
        elif name.endswith("attn.qkv"):
            costs.append(replace(cost, parameters=cost.parameters - config.qkv_bias * channels))
        elif name.endswith("downsample.reduction"):
            costs += [cost, layer_norm_cost(name.replace("reduction", "norm"), cost.output_shape, dtype)]
        elif not name.endswith("downsample.norm"):
            costs.append(cost)
    return costs


SMALL = SwinV2Config(depths=(2, 2, 18, 2))
BASE = replace(SMALL, embed_dim=128, num_heads=(4, 8, 16, 32))
LARGE = replace(SMALL, embed_dim=192, num_heads=(6, 12, 24, 48))

SWIN_V2_VARIANTS = {
    "swin_v2_t": SwinV2Config(),
    "swin_v2_s": SMALL,
    "swin_v2_b": BASE,
    "swin_v2_l": LARGE,
    "swin_v2_t_window16": SwinV2Config(window_size=16),
    "swin_v2_s_window16": replace(SMALL, window_size=16),
    "swin_v2_b_window16": replace(BASE, window_size=16),
    "swin_v2_l_window16": replace(LARGE, window_size=16, pretrained_window_sizes=(12, 12, 12, 6)),
}
"""The paper's sizes on 256x256 images, with windows of 8 or 16; L with 16 was first trained on 192x192, window 12."""
