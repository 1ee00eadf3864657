"""Section 3.1: the whole Swin Transformer, four stages on four map sizes (Fig. 3a)."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np

from swin_np.arguments.config_fields import hidden_channels
from swin_np.arguments.door import takes
from swin_np.arguments.image_batches import check_images, finite
from swin_np.attention import WindowAttention, relative_position_index
from swin_np.block import Mlp, SwinTransformerBlock
from swin_np.chain import Step, Windows, run, stage_maps
from swin_np.functional import Array, pair
from swin_np.layers import LayerNorm, Linear, Module, draw
from swin_np.parallel.parts import by_images
from swin_np.patches import PatchEmbed, PatchMerging
from swin_np.variants import SwinConfig
from swin_np.windows import shifted_window_mask


@dataclass(eq=False, repr=False)
class Stage(Module):
    """Blocks on one map size, regular and shifted windows in turn, then patch merging (None in the last stage)."""

    blocks: list[SwinTransformerBlock]
    downsample: PatchMerging | None
    merging: ClassVar[type[PatchMerging]] = PatchMerging

    @classmethod
    def random(cls, config: SwinConfig, stage: int, rng: np.random.Generator | None) -> "Stage":
        m, n = config.window(stage)
        blocks = [cls.random_block(config, stage, (0, 0) if j % 2 == 0 else (m // 2, n // 2), rng)
                  for j in range(config.depths[stage])]
        last = stage == len(config.depths) - 1
        return cls(blocks, None if last else cls.merging.random(config.channels(stage), config.shape_policy, rng))

    @staticmethod
    def random_block(config: SwinConfig, stage: int, shift: tuple[int, int],
                     rng: np.random.Generator | None) -> SwinTransformerBlock:
        channels, window, policy = config.channels(stage), config.window(stage), config.shape_policy
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
        return by_images(lambda x: run(self.blocks, x), x)

    def windows(self, map_size: tuple[int, int]) -> Windows:
        """The window in force on a map (h, w), and the displacement of each block."""
        settings = [block.shape_policy.window_and_shift(map_size, block.window_size, block.shift_size)
                    for block in self.blocks]
        return settings[0][0], tuple(shift for _, shift in settings)

    def chain(self, i: int, heads: int) -> list[Step]:
        """The steps of stage i, counted from 0."""
        blocks: dict[str, Module] = {f"layers.{i}.blocks.{j}": block for j, block in enumerate(self.blocks)}
        step = Step(f"stage {i + 1}, {len(blocks)} blocks", (f"layers.{i}.blocks",), self.run_blocks, True, heads,
                    self.windows, blocks)
        if self.downsample is None:
            return [replace(step, ends=self)]
        name = f"layers.{i}.downsample"
        return [step, Step("patch merging", (name,), self.downsample, modules={name: self.downsample}, ends=self)]


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
            PatchEmbed.random(config.in_chans, pair(config.patch_size), config.embed_dim, config.patch_norm,
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
        return run(self.chain(), images)

    @finite
    def features(self, images: Array) -> Array:
        """What the head sees: the last map, normalised and averaged over its tokens, (B, 8C)."""
        return self.pool(run(self.chain()[:-1], images))

    @finite
    def feature_maps(self, images: Array) -> list[Array]:
        """The map of every stage before merging, (B, h, w, C), (B, h/2, w/2, 2C), ...: what dense prediction takes."""
        return stage_maps(self.chain()[:-1], images)

    def chain(self) -> list[Step]:
        """Fig. 3a from left to right: embedding, in every stage the blocks and then patch merging, the classifier."""
        stages = [step for i, (stage, heads) in enumerate(zip(self.layers, self.config.num_heads, strict=True))
                  for step in stage.chain(i, heads)]
        return [Step("patch embedding", ("patch_embed", "absolute_pos_embed"), self.embed), *stages,
                Step("norm, mean, head", ("norm", "avgpool", "head"), self.classify)]

    def embed(self, images: Array) -> Array:
        """Stage 1's input: patch embedding and, with `ape`, the absolute position embedding; (B, h, w, C)."""
        x = self.patch_embed(self.check_images(images))
        return x if self.absolute_pos_embed is None else x + self.absolute_pos_embed.reshape(1, *x.shape[1:])

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
