"""Sections 3.1 and 3.3: the whole Swin Transformer, four stages on four map sizes, and its variants (Fig. 3a)."""

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from swin_np.arguments.config_fields import check_count, check_fields, hidden_channels
from swin_np.arguments.door import takes
from swin_np.arguments.image_batches import check_images, finite
from swin_np.attention import WindowAttention, relative_position_index
from swin_np.block import Mlp, SwinTransformerBlock
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Array, by_parts
from swin_np.layers import LayerNorm, Linear, Module, draw
from swin_np.patches import PatchEmbed, PatchMerging
from swin_np.shape_policy import TORCHVISION, ShapePolicy
from swin_np.windows import shifted_window_mask


@dataclass(frozen=True)
class SwinConfig:
    """Everything that defines a Swin Transformer; the names are those of the official constructor.

    img_size: (height, width) in pixels, patch_size p and window_size M: one number or a pair.
    embed_dim: C, the channels of stage 1; each later stage has twice as many.
    depths, num_heads: blocks and attention heads of each stage.
    mlp_ratio: hidden over outer channels of the MLPs. qk_scale: in place of d^-1/2.
    num_classes: 0 for no head. ape: absolute position embedding. patch_norm: a norm after the patch embedding.
    shape_policy: what happens where sizes do not fit.

    Raises ConfigurationError for values that no model can have.
    """

    img_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 4
    in_chans: int = 3
    num_classes: int = 1000
    embed_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (3, 6, 12, 24)
    window_size: int | tuple[int, int] = 7
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    qk_scale: float | None = None
    ape: bool = False
    patch_norm: bool = True
    shape_policy: ShapePolicy = TORCHVISION
    may_be_zero: ClassVar[tuple[str, ...]] = ("num_classes",)

    def __post_init__(self) -> None:
        check_fields(self, self.may_be_zero)
        if not self.depths or len(self.depths) != len(self.num_heads):
            raise ConfigurationError(f"{len(self.depths)} depths and {len(self.num_heads)} numbers of heads: "
                                     "give one of each for every stage")
        for stage, heads in enumerate(self.num_heads):
            channels = check_count(f"embed_dim, in stage {stage + 1}", self.channels(stage))
            if channels % heads:
                raise ConfigurationError(f"{heads} heads do not divide the {channels} channels of stage "
                                         f"{stage + 1}: choose num_heads that do")
            hidden_channels(channels, self.mlp_ratio)
        if self.shape_policy.patch == "refuse" and any(
                side % p for side, p in zip(self.img_size, self.patch_size, strict=True)):
            raise ConfigurationError(f"patch {self.patch_size} does not divide the image {self.img_size}: the shape "
                                     f"policy {self.shape_policy.name!r} refuses that, choose a size that fits")

    def channels(self, stage: int) -> int:
        """C 2^stage, the channels of a stage counted from 0."""
        return self.embed_dim * 2 ** stage

    def map_sizes(self, img_size: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        """(h, w) of the map in every stage, for the configured image size or another one, in pixels."""
        up = self.shape_policy.patch == "pad"
        size = tuple(-(-side // p) if up else side // p
                     for side, p in zip(img_size or self.img_size, self.patch_size, strict=True))
        sizes = [size]
        for _ in self.depths[1:]:
            sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
        return sizes

    def check_image_size(self, size: tuple[int, int]) -> None:
        """Raise ShapeError for an image size, in pixels, that the model has no place for at its entrance."""
        map_size = self.map_sizes(size)[0]
        if self.shape_policy.image == "fixed" and size != self.img_size:
            raise ShapeError(f"images are {size[0]}x{size[1]}, the shape policy {self.shape_policy.name!r} takes only "
                             f"the configured {self.img_size}: resize them, or build the model for that size")
        if min(map_size) < 1:
            raise ShapeError(f"images are {size[0]}x{size[1]}, smaller than one {self.patch_size} patch: "
                             "give larger images")
        if self.ape and map_size != self.map_sizes()[0]:
            raise ShapeError(f"the image gives a {map_size[0]}x{map_size[1]} map, the absolute position embedding is "
                             f"for {self.map_sizes()[0]}: use images of {self.img_size}, or a model without ape")


VARIANTS = {
    "swin_t": SwinConfig(),
    "swin_s": SwinConfig(depths=(2, 2, 18, 2)),
    "swin_b": SwinConfig(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)),
    "swin_l": SwinConfig(embed_dim=192, depths=(2, 2, 18, 2), num_heads=(6, 12, 24, 48)),
    "swin_b_384": SwinConfig(384, window_size=12, embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)),
    "swin_l_384": SwinConfig(384, window_size=12, embed_dim=192, depths=(2, 2, 18, 2), num_heads=(6, 12, 24, 48)),
}
"""Section 3.3: the paper's models. ("384" ones take 384x384 images and windows of 12.)"""


@dataclass(eq=False, repr=False)
class Stage(Module):
    """Blocks on one map size, regular and shifted windows in turn, then patch merging (None in the last stage)."""

    blocks: list[SwinTransformerBlock]
    downsample: PatchMerging | None
    merging: ClassVar[type[PatchMerging]] = PatchMerging

    @classmethod
    def random(cls, config: SwinConfig, stage: int, rng: np.random.Generator | None) -> "Stage":
        m, n = config.window_size
        blocks = [cls.random_block(config, stage, (0, 0) if j % 2 == 0 else (m // 2, n // 2), rng)
                  for j in range(config.depths[stage])]
        last = stage == len(config.depths) - 1
        return cls(blocks, None if last else cls.merging.random(config.channels(stage), config.shape_policy, rng))

    @staticmethod
    def random_block(config: SwinConfig, stage: int, shift: tuple[int, int],
                     rng: np.random.Generator | None) -> SwinTransformerBlock:
        channels, window, policy = config.channels(stage), config.window_size, config.shape_policy
        attn = WindowAttention.random(channels, policy.table_window(config.map_sizes()[stage], window),
                                      config.num_heads[stage], rng, config.qkv_bias, config.qk_scale)
        mlp = Mlp.random(channels, hidden_channels(channels, config.mlp_ratio), rng)
        return SwinTransformerBlock(LayerNorm.identity(channels), attn, LayerNorm.identity(channels), mlp,
                                    window, shift, policy)

    def forward(self, x: Array) -> Array:              # (B, h, w, C) -> (B, h/2, w/2, 2C), in the last stage unmerged
        x = self.run_blocks(x)
        return x if self.downsample is None else self.downsample(x)

    @takes(x="B H W C")
    def run_blocks(self, x: Array) -> Array:           # (B, h, w, C) -> (B, h, w, C)
        def through_blocks(images: slice) -> Array:
            y = x[images]
            for block in self.blocks:
                y = block(y)
            return y

        return by_parts(through_blocks, x, x.shape[1] * x.shape[2])


@dataclass(eq=False, repr=False)
class SwinTransformer(Module):
    """Fig. 3a. Images (B, 3, H, W) or (3, H, W) in, normalised, in the model's dtype; calling it gives the logits."""

    absolute_pos_embed: Array | None                   # (1, h w, C)
    patch_embed: PatchEmbed
    layers: list[Stage]
    norm: LayerNorm
    head: Linear | None
    config: SwinConfig
    stage: ClassVar[type[Stage]] = Stage

    @classmethod
    def random(cls, config: SwinConfig, seed: int | None = 0, dtype: type = np.float32) -> "SwinTransformer":
        """A model with the paper's initial weights, drawn from `seed`; the same weights in either dtype.

        With seed None nothing is drawn: the weights are placeholders, for others to take their place (`place`).
        """
        rng = None if seed is None else np.random.default_rng(seed)
        channels = config.channels(len(config.depths) - 1)
        h, w = config.map_sizes()[0]
        model = cls(
            draw(rng, 1, h * w, config.embed_dim) if config.ape else None,
            PatchEmbed.random(config.in_chans, config.patch_size, config.embed_dim, config.patch_norm,
                              config.shape_policy, rng),
            [cls.stage.random(config, stage, rng) for stage in range(len(config.depths))],
            LayerNorm.identity(channels),
            Linear.random(channels, config.num_classes, rng) if config.num_classes else None,
            config)
        return model if dtype == np.float32 else model.astype(dtype)

    def __repr__(self) -> str:
        settings = [f"{field.name}={getattr(self.config, field.name)}" for field in fields(self.config)
                    if field.name != "shape_policy"]
        settings.append(f"shape_policy={self.config.shape_policy.name}")
        return super().__repr__().replace("()", f"({', '.join(settings)})", 1)

    @finite
    def forward(self, images: Array) -> Array:
        """Class scores before the softmax (B, num_classes); with num_classes=0 the pooled features."""
        return self.classify(self.last_map(images))

    @finite
    def features(self, images: Array) -> Array:
        """What the head sees: the last map, normalised and averaged over its tokens, (B, 8C)."""
        return self.pool(self.last_map(images))

    @finite
    def feature_maps(self, images: Array) -> list[Array]:
        """The map of every stage before merging, (B, h, w, C), (B, h/2, w/2, 2C), ...: what dense prediction takes."""
        x = self.embed(images)
        maps = []
        for layer in self.layers:
            maps.append(layer.run_blocks(x))
            if layer.downsample is not None:
                x = layer.downsample(maps[-1])
        return maps

    def embed(self, images: Array) -> Array:
        """Stage 1's input: patch embedding and, with `ape`, the absolute position embedding; (B, h, w, C)."""
        x = self.patch_embed(self.check_images(images))
        return x if self.absolute_pos_embed is None else x + self.absolute_pos_embed.reshape(1, *x.shape[1:])

    def last_map(self, images: Array) -> Array:
        """Through all stages, (B, 3, H, W) -> (B, h/8, w/8, 8C)."""
        x = self.embed(images)
        for layer in self.layers:
            x = layer(x)
        return x

    def pool(self, x: Array) -> Array:                 # (B, h/8, w/8, 8C) -> (B, 8C)
        return self.norm(x).mean(axis=(1, 2), dtype=np.float64).astype(x.dtype)

    def classify(self, x: Array) -> Array:             # (B, h/8, w/8, 8C) -> (B, num_classes)
        features = self.pool(x)
        return features if self.head is None else self.head(features)

    def check_images(self, images: Array) -> Array:
        """The images as a batch (B, 3, H, W); InputError or ShapeError for anything that would give a wrong number."""
        batch = check_images(images, self.config.in_chans, self.dtype)
        self.config.check_image_size(batch.shape[2:])
        return batch

    def derived_buffers(self) -> dict[str, Array]:
        """`relative_position_index` and `attn_mask` as the official code stores them, for the configured image size."""
        buffers = {}
        for i, (layer, size) in enumerate(zip(self.layers, self.config.map_sizes(), strict=True)):
            for j, block in enumerate(layer.blocks):
                name = f"layers.{i}.blocks.{j}"
                buffers[f"{name}.attn.relative_position_index"] = relative_position_index(block.attn.window_size)
                window, shift = block.shape_policy.window_and_shift(size, block.window_size, block.shift_size)
                if any(shift):
                    padded = tuple(side + -side % m for side, m in zip(size, window, strict=True))
                    buffers[f"{name}.attn_mask"] = shifted_window_mask(padded, window, shift)
        return buffers
