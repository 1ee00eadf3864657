"""ViT (Dosovitskiy et al. 2021, "An image is worth 16x16 words") and DeiT (Touvron et al. 2021): one map, no hierarchy.

The Transformer's encoder on patches of an image; equations are ViT's, "DeiT" marks what the second paper adds.
Parameter names are timm's, which are those of DeiT's official checkpoints.
"""

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from swin_np.arguments.config_fields import check_fields, hidden_channels
from swin_np.arguments.image_batches import check_images, finite
from swin_np.attention import split_heads
from swin_np.baselines.transformer import concatenate_heads, scaled_dot_product_attention
from swin_np.block import Mlp
from swin_np.chain import Step, run
from swin_np.costs import LayerCost, attention_cost, element_cost, layer_norm_cost, linear_cost
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Array, Size
from swin_np.layers import LayerNorm, Linear, Module, draw, note
from swin_np.parallel.parts import by_heads, by_images
from swin_np.patches import PatchEmbed
from swin_np.shape_policy import MICROSOFT


@dataclass(frozen=True)
class ViTConfig:
    """Everything that defines a ViT or DeiT; the names are those of timm's constructor.

    img_size: (height, width) in pixels and patch_size P: one number or a pair. embed_dim: D, the channels of a token.
    depth: L, the blocks. mlp_ratio: hidden over outer channels of the MLPs. num_classes: 0 for no head.
    distilled: DeiT's distillation token. distillation_head: whether a distilled model has a head for that token, whose
    scores are averaged with the class token's; without it the class token alone classifies, as in transformers'
    DeiTForImageClassification. eps: of every layer norm; transformers has 1e-12.

    Raises ConfigurationError for values that no model can have.
    """

    img_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 16
    in_chans: int = 3
    num_classes: int = 1000
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    distilled: bool = False
    distillation_head: bool = True
    eps: float = 1e-6

    def __post_init__(self) -> None:
        check_fields(self, may_be_zero=("num_classes",))
        hidden_channels(self.embed_dim, self.mlp_ratio)
        if self.embed_dim % self.num_heads:
            raise ConfigurationError(f"{self.num_heads} heads do not divide {self.embed_dim} channels: "
                                     "choose a number of heads that does")
        if any(side % p for side, p in zip(self.img_size, self.patch_size, strict=True)):
            raise ConfigurationError(f"patch {self.patch_size} does not divide the image {self.img_size}: "
                                     "choose an image size that is a multiple of the patch")

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the map of patches."""
        return tuple(side // p for side, p in zip(self.img_size, self.patch_size, strict=True))

    @property
    def prefix_tokens(self) -> int:
        """Tokens before those of the patches: the class token and, in a distilled DeiT, the distillation token."""
        return 2 if self.distilled else 1

    @property
    def read_tokens(self) -> int:
        """How many of them, from the first on, are classified by their heads, or averaged where there is none."""
        return 2 if self.distilled and self.distillation_head else 1

    @property
    def tokens(self) -> int:
        """n, the length of the sequence: one token for each patch, and the prefix tokens."""
        return math.prod(self.grid) + self.prefix_tokens

    @property
    def hidden(self) -> int:
        """Channels between the two layers of an MLP."""
        return hidden_channels(self.embed_dim, self.mlp_ratio)

    def norm(self) -> LayerNorm:
        """A layer norm as it is before training."""
        return replace(LayerNorm.identity(self.embed_dim), eps=self.eps)

    def check_image_size(self, size: tuple[int, int]) -> None:
        """Raise ShapeError for an image size, in pixels, that the positions are not learned for."""
        if size != self.img_size:
            raise ShapeError(f"images are {size[0]}x{size[1]}, the position embedding is for {self.img_size}: resize "
                             "the images, or load the weights for that size (swin_np.load with a config)")


LARGE = ViTConfig(embed_dim=1024, depth=24, num_heads=16)
TINY = ViTConfig(embed_dim=192, num_heads=3)
SMALL = ViTConfig(embed_dim=384, num_heads=6)
BASE = ViTConfig()

VIT_VARIANTS = {
    "vit_b_16": BASE,
    "vit_b_32": replace(BASE, patch_size=32),
    "vit_l_16": LARGE,
    "vit_b_16_384": replace(BASE, img_size=384),
    "vit_b_32_384": replace(BASE, img_size=384, patch_size=32),
    "vit_l_16_384": replace(LARGE, img_size=384),
    "deit_ti": TINY,
    "deit_s": SMALL,
    "deit_b": BASE,
    "deit_b_384": replace(BASE, img_size=384),
    "deit_ti_distilled": replace(TINY, distilled=True),
    "deit_s_distilled": replace(SMALL, distilled=True),
    "deit_b_distilled": replace(BASE, distilled=True),
    "deit_b_distilled_384": replace(BASE, distilled=True, img_size=384),
}
"""Table 1 of either paper: B, L with patches of 16 or 32, DeiT's Ti, S, B; at 224x224, or fine-tuned at 384x384."""


@dataclass(eq=False, repr=False)
class Attention(Module):
    """Appendix A, Eq. 5 to 8: multi-head self-attention of all tokens with all, so quadratic in their number.

    The rows of qkv (3D, D) are all queries, then all keys, then all values, each split into heads.
    """

    qkv: Linear
    proj: Linear
    num_heads: int

    @classmethod
    def random(cls, config: ViTConfig, rng: np.random.Generator | None) -> "Attention":
        return cls(Linear.random(config.embed_dim, 3 * config.embed_dim, rng, config.qkv_bias),
                   Linear.random(config.embed_dim, config.embed_dim, rng), config.num_heads)

    def forward(self, x: Array) -> Array:              # (B, n, D) -> (B, n, D)
        q, k, v = split_heads(self.qkv(x), self.num_heads)              # (B, heads, n, d) each
        q, k, v = note("q", q), note("k", k), note("v", v)
        return self.proj(concatenate_heads(by_heads(scaled_dot_product_attention, q, k, v)))


@dataclass(eq=False, repr=False)
class Block(Module):
    """Eq. 2 and 3: attention, then the MLP, each on a residual path and normalised where it leaves it (pre-norm)."""

    norm1: LayerNorm
    attn: Attention
    norm2: LayerNorm
    mlp: Mlp

    @classmethod
    def random(cls, config: ViTConfig, rng: np.random.Generator | None) -> "Block":
        return cls(config.norm(), Attention.random(config, rng), config.norm(),
                   Mlp.random(config.embed_dim, config.hidden, rng))

    def forward(self, x: Array) -> Array:              # (B, n, D) -> (B, n, D)
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


@dataclass(eq=False, repr=False)
class VisionTransformer(Module):
    """ViT's Fig. 1, DeiT's Fig. 2. Images (B, 3, H, W) or (3, H, W) in, normalised; calling it gives the logits.

    Images have the configured size: positions are learned for it. For another size `swin_np.load` with a `config`
    resizes the position embedding (swin_np.checkpoints.resizing.resize_positions).
    """

    cls_token: Array                                   # (1, 1, D)
    dist_token: Array | None                           # (1, 1, D)
    pos_embed: Array                                   # (1, n, D), the prefix tokens first
    patch_embed: PatchEmbed
    blocks: list[Block]
    norm: LayerNorm
    head: Linear | None
    head_dist: Linear | None
    config: ViTConfig

    @classmethod
    def random(cls, config: ViTConfig, seed: int | None = 0, dtype: type = np.float32) -> "VisionTransformer":
        """A model with DeiT's initial weights (normal, standard deviation 0.02), drawn from `seed`.

        With seed None nothing is drawn: the weights are placeholders, for others to take their place (`place`).
        """
        rng = None if seed is None else np.random.default_rng(seed)
        dim, classes = config.embed_dim, config.num_classes
        model = cls(
            draw(rng, 1, 1, dim),
            draw(rng, 1, 1, dim) if config.distilled else None,
            draw(rng, 1, config.tokens, dim),
            PatchEmbed.random(config.in_chans, config.patch_size, dim, False, MICROSOFT, rng),
            [Block.random(config, rng) for _ in range(config.depth)],
            config.norm(),
            Linear.random(dim, classes, rng) if classes else None,
            Linear.random(dim, classes, rng) if classes and config.read_tokens == 2 else None,
            config)
        return model if dtype == np.float32 else model.astype(dtype)

    def __repr__(self) -> str:
        settings = [f"{field.name}={getattr(self.config, field.name)}" for field in fields(self.config)]
        first, _, rest = super().__repr__().partition("\n")
        return f"{first[:-1]}, {', '.join(settings)})\n{rest}"

    @finite
    def forward(self, images: Array) -> Array:
        """Class scores before the softmax (B, num_classes), of a model with two heads their mean (DeiT, 4).

        With num_classes=0 the features.
        """
        return run(self.chain(), images)

    @finite
    def features(self, images: Array) -> Array:
        """What is classified, after the last norm, (B, D): the class token, or its mean with the distillation token."""
        return self.encode(images)[:, :self.config.read_tokens].mean(axis=1)

    @finite
    def feature_maps(self, images: Array) -> list[Array]:
        """The patches' tokens after the last norm as the one map there is, [(B, h, w, D)]."""
        patches = self.encode(images)[:, self.config.prefix_tokens:]
        return [patches.reshape(len(patches), *self.config.grid, -1)]

    def encode(self, images: Array) -> Array:
        """Eq. 1 to 3 and the last norm: images (B, 3, H, W) -> tokens (B, n, D)."""
        return self.norm(run(self.chain()[:-1], images))

    def chain(self) -> list[Step]:
        """ViT's Fig. 1: one sequence, and one window around all of it."""
        return [Step("patch embedding", ("patch_embed", "pos_embed"), self.embed),
                Step(f"{len(self.blocks)} blocks", ("blocks",), self.run_blocks, True, self.config.num_heads,
                     lambda length: (length, ())),
                Step("norm, head", ("norm", "head", "mean"), self.classify)]

    def embed(self, images: Array) -> Array:
        """Eq. 1: the class token, in distilled models the distillation token, and the patches; plus positions."""
        images = check_images(images, self.config.in_chans, self.dtype)
        self.config.check_image_size(images.shape[2:])
        patches = self.patch_embed(images).reshape(len(images), -1, self.config.embed_dim)
        prefix = [token for token in (self.cls_token, self.dist_token) if token is not None]
        prefix = [np.broadcast_to(token, (len(images), 1, self.config.embed_dim)) for token in prefix]
        return np.concatenate([*prefix, patches], axis=1) + self.pos_embed

    def run_blocks(self, x: Array) -> Array:           # (B, n, D) -> (B, n, D)
        for block in self.blocks:
            x = by_images(block, x)
        return x

    def classify(self, x: Array) -> Array:             # (B, n, D) -> (B, num_classes)
        read = self.norm(x)[:, :self.config.read_tokens]                # (B, 1 or 2, D)
        if self.head is None:
            return read.mean(axis=1)
        logits = self.head(read[:, 0])                 # Eq. 4
        return logits if self.head_dist is None else (logits + self.head_dist(read[:, 1])) / 2


def block_costs(name: str, config: ViTConfig, dtype: type = np.float32) -> list[LayerCost]:
    """One block; the products of attention grow with the square of the number of tokens (Swin's Eq. 1)."""
    n, dim = config.tokens, config.embed_dim
    return [
        layer_norm_cost(f"{name}.norm1", (n, dim), dtype),
        linear_cost(f"{name}.attn.qkv", (n,), dim, 3 * dim, config.qkv_bias, dtype),
        attention_cost(f"{name}.attn", 1, n, dim, config.num_heads, dtype=dtype),
        linear_cost(f"{name}.attn.proj", (n,), dim, dim, dtype=dtype),
        layer_norm_cost(f"{name}.norm2", (n, dim), dtype),
        linear_cost(f"{name}.mlp.fc1", (n,), dim, config.hidden, dtype=dtype),
        element_cost(f"{name}.mlp.act", "gelu", (n, config.hidden), dtype=dtype),
        linear_cost(f"{name}.mlp.fc2", (n,), config.hidden, dim, dtype=dtype),
        element_cost(name, "sum", (n, dim), arrays=2, dtype=dtype),     # Eq. 2 and 3's residual paths
    ]


def layer_costs(config: ViTConfig, img_size: Size | None = None, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a ViT or DeiT in the order of computation, for one image, counted as in swin_np.complexity.

    With `img_size` it is the model with positions for that size. The prefix tokens are counted with `pos_embed`.
    Raises ConfigurationError for a size that is no multiple of the patch.

    >>> total(layer_costs(VIT_VARIANTS["vit_b_16"])).multiply_adds
    17567610624
    """
    if img_size is not None:
        config = replace(config, img_size=img_size)
    n, dim, classes = config.tokens, config.embed_dim, config.num_classes
    patch = config.in_chans * math.prod(config.patch_size)
    costs = [linear_cost("patch_embed.proj", config.grid, patch, dim, dtype=dtype),
             element_cost("pos_embed", "sum", (n, dim), parameters=(n + config.prefix_tokens) * dim, dtype=dtype)]
    for i in range(config.depth):
        costs += block_costs(f"blocks.{i}", config, dtype)
    costs.append(layer_norm_cost("norm", (n, dim), dtype))
    if classes:
        costs.append(linear_cost("head", (), dim, classes, dtype=dtype))
    if classes and config.read_tokens == 2:
        costs.append(linear_cost("head_dist", (), dim, classes, dtype=dtype))
    if config.read_tokens == 2:
        costs.append(element_cost("mean", "mean", (classes or dim,), dtype=dtype))
    return costs
