"""Swin-Mixer (appendix A3.3, Table 10): hierarchy and shifted windows for an all-MLP network; "Swin-MLP" in the code.

MLP-Mixer (Tolstikhin et al. 2021, section 2) mixes tokens by an MLP over positions and channels by one over channels.
Here the first is one linear layer over the M^2 positions of a window, with its own weights for every head, which is a
group of channels; the second is Swin's MLP. Shifted windows are made by padding, as in the official code: zeros need
no mask, since they add nothing to a sum. All else is the Swin Transformer, with the official parameter names.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from swin_np import complexity
from swin_np.arguments.config_fields import hidden_channels
from swin_np.baselines.padded_windows import crop_padding, pad_to_windows, padding
from swin_np.block import Mlp
from swin_np.costs import LayerCost, array_bytes
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.layers import LayerNorm, Module, draw
from swin_np.model import Stage, SwinTransformer
from swin_np.shape_policy import MICROSOFT, ShapePolicy
from swin_np.variants import SwinConfig
from swin_np.windows import window_partition, window_reverse


@dataclass(frozen=True)
class SwinMixerConfig(SwinConfig):
    """Everything that defines a Swin-Mixer: the fields of SwinConfig; num_heads are the groups of the spatial MLPs.

    The default shape policy is the official code's, which shrinks the window to a map that is smaller.
    Raises ConfigurationError for values that no model can have, and for those of attention, which is not there.
    """

    shape_policy: ShapePolicy = MICROSOFT

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.qkv_bias or self.qk_scale is not None:
            raise ConfigurationError(f"qkv_bias is {self.qkv_bias} and qk_scale {self.qk_scale}, but Swin-Mixer has no "
                                     "queries, keys and values: leave them True and None")


@dataclass(eq=False, repr=False)
class SpatialMlp(Module):
    """A linear layer over the M^2 positions of a window for each head, stored as a grouped 1-D convolution.

    The convolution's channels are the positions, head after head, its kernel is 1 and its groups are the heads: weight
    (heads M^2, M^2, 1), bias (heads M^2,).
    """

    weight: Array
    bias: Array

    @classmethod
    def random(cls, window: tuple[int, int], heads: int, rng: np.random.Generator | None) -> "SpatialMlp":
        tokens = window[0] * window[1]
        return cls(draw(rng, heads * tokens, tokens, 1), np.zeros(heads * tokens, np.float32))

    def forward(self, x: Array) -> Array:              # (B nW, heads M^2, d) -> (B nW, heads M^2, d)
        tokens = self.weight.shape[1]
        weight = self.weight.reshape(-1, tokens, tokens)                # (heads, M^2, M^2)
        groups = x.reshape(len(x), len(weight), tokens, -1)
        return (weight @ groups).reshape(x.shape) + self.bias[:, None]


def mix_windows(windows: Array, spatial_mlp: SpatialMlp) -> Array:
    """Mix the tokens of every window (B nW, M, M, C); C is split into as many heads as the MLP has. The same shape."""
    count, m, n, channels = windows.shape
    if m * n != spatial_mlp.weight.shape[1]:
        raise ShapeError(f"windows of {m}x{n} tokens do not fit a spatial MLP for {spatial_mlp.weight.shape[1]} "
                         "tokens: use an image size at which both agree, or another shape policy")
    heads = len(spatial_mlp.weight) // (m * n)
    x = windows.reshape(count, m * n, heads, channels // heads).swapaxes(1, 2)
    x = spatial_mlp(x.reshape(count, heads * m * n, channels // heads))
    return x.reshape(count, heads, m * n, channels // heads).swapaxes(1, 2).reshape(windows.shape)


@dataclass(eq=False, repr=False)
class SwinMixerBlock(Module):
    """Eq. 3 with a spatial MLP in the place of attention, in regular windows or in windows shifted by `shift_size`."""

    norm1: LayerNorm
    spatial_mlp: SpatialMlp
    norm2: LayerNorm
    mlp: Mlp
    window_size: tuple[int, int]
    shift_size: tuple[int, int]
    shape_policy: ShapePolicy

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H, W, C)
        x = x + self.mix(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def mix(self, x: Array) -> Array:                  # (B, H, W, C) -> (B, H, W, C)
        """Pad the map until the shifted windows tile it, mix each window, and crop."""
        map_size = x.shape[1:3]
        window, shift = self.shape_policy.window_and_shift(map_size, self.window_size, self.shift_size)
        self.shape_policy.check_map(map_size, window)
        x = pad_to_windows(x, window, shift)
        x = window_reverse(mix_windows(window_partition(x, window), self.spatial_mlp), x.shape[1:3])
        return crop_padding(x, map_size, window, shift)


class MixerStage(Stage):
    """Blocks on one map size, regular and shifted windows in turn, then patch merging (None in the last stage)."""

    @staticmethod
    def random_block(config: SwinMixerConfig, stage: int, shift: tuple[int, int],
                     rng: np.random.Generator | None) -> SwinMixerBlock:
        channels, window, policy = config.channels(stage), config.window(stage), config.shape_policy
        spatial_mlp = SpatialMlp.random(policy.table_window(config.map_sizes()[stage], window),
                                        config.num_heads[stage], rng)
        mlp = Mlp.random(channels, hidden_channels(channels, config.mlp_ratio), rng)
        return SwinMixerBlock(LayerNorm.identity(channels), spatial_mlp, LayerNorm.identity(channels), mlp,
                              window, shift, policy)


class SwinMixer(SwinTransformer):
    """Images (B, 3, H, W) or (3, H, W) in, normalised, in the model's dtype; calling it gives the logits."""

    stage = MixerStage

    def derived_buffers(self) -> dict[str, Array]:
        """None: without attention there is neither a mask nor an index."""
        return {}


def spatial_mlp_cost(name: str, config: SwinMixerConfig, stage: int, map_size: tuple[int, int], shifted: bool,
                     dtype: type = np.float32) -> LayerCost:
    """The spatial MLP of one block: every token of a window takes M^2 multiply-adds a channel, the padding included."""
    policy, channels, heads = config.shape_policy, config.channels(stage), config.num_heads[stage]
    shift = tuple(m // 2 if shifted else 0 for m in config.window(stage))
    window, shift = policy.window_and_shift(map_size, config.window(stage), shift)
    rows, columns = (side + sum(padding(side, m, s)) for side, m, s in zip(map_size, window, shift, strict=True))
    tokens = window[0] * window[1]
    shape = (rows * columns // tokens, heads * tokens, channels // heads)                  # (nW, heads M^2, d)
    return LayerCost(name, "spatial mlp", shape, heads * tokens * (tokens + 1), rows * columns * tokens * channels,
                     array_bytes(shape, dtype))


def layer_costs(config: SwinMixerConfig, img_size: Size | None = None, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a Swin-Mixer in the order of computation, for one image, as complexity.layer_costs counts them.

    They are those of the Swin Transformer of the same sizes, with a spatial MLP where that has attention.
    Raises ShapeError for sizes that the model refuses, ConfigurationError for another kind of model.

    >>> total(layer_costs(SWIN_MIXER_VARIANTS["swin_mixer_t_c24"])).multiply_adds
    4031772672
    """
    if not isinstance(config, SwinMixerConfig):
        raise ConfigurationError(f"these counts are for a Swin-Mixer, got a {type(config).__name__}: "
                                 "give a SwinMixerConfig, or take the counts of swin_np.complexity")
    swin = SwinConfig(**{field.name: getattr(config, field.name) for field in fields(SwinConfig)})
    stage_of = {f"layers.{stage}.blocks.{j}.attn": (stage, j)
                for stage, depth in enumerate(config.depths) for j in range(depth)}
    map_sizes = config.map_sizes(config.img_size if img_size is None else pair(img_size))
    costs = []
    for cost in complexity.layer_costs(swin, img_size, dtype):
        if cost.name in stage_of:
            stage, j = stage_of[cost.name]
            costs.append(spatial_mlp_cost(cost.name.replace("attn", "spatial_mlp"), config, stage, map_sizes[stage],
                                          j % 2 == 1, dtype))
        elif ".attn." not in cost.name:
            costs.append(cost)
    return costs


TINY = SwinMixerConfig(256, window_size=8, num_heads=(4, 8, 16, 32))

SWIN_MIXER_VARIANTS = {
    "swin_mixer_t_c24": TINY,
    "swin_mixer_t_c12": replace(TINY, num_heads=(8, 16, 32, 64)),
    "swin_mixer_t_c6": replace(TINY, num_heads=(16, 32, 64, 128)),
    "swin_mixer_b": SwinMixerConfig(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)),
}
"""Table 10's models, named as in the official repository: C24 means 24 channels a head (the paper writes D24).

The paper calls the last one B/D24; the official configuration gives its heads 32 channels, as Swin-B's have.
"""
