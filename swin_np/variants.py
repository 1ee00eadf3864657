"""Section 3.3: what defines a Swin Transformer, and the paper's variants T, S, B and L."""

from dataclasses import dataclass
from typing import ClassVar

from swin_np.arguments.config_fields import by_stage, check_count, check_fields, hidden_channels
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Size, pair
from swin_np.shape_policy import TORCHVISION, ShapePolicy


@dataclass(frozen=True)
class SwinConfig:
    """Everything that defines a Swin Transformer; the names are those of the official constructor.

    img_size: (height, width) in pixels, patch_size p and window_size M: one number or a pair.
    window_size may also have one of these for each stage, (7, 7, 14, 7); two numbers are always a height and a width.
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
    window_size: Size | tuple[Size, ...] = 7
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
        windows = by_stage("window_size", self.window_size, len(self.depths))
        object.__setattr__(self, "window_size", windows[0] if len({*windows}) == 1 else windows)
        for stage, heads in enumerate(self.num_heads):
            channels = check_count(f"embed_dim, in stage {stage + 1}", self.channels(stage))
            if channels % heads:
                raise ConfigurationError(f"{heads} heads do not divide the {channels} channels of stage "
                                         f"{stage + 1}: choose num_heads that do")
            hidden_channels(channels, self.mlp_ratio)
        if self.shape_policy.patch == "refuse" and any(
                side % p for side, p in zip(pair(self.img_size), pair(self.patch_size), strict=True)):
            raise ConfigurationError(f"patch {self.patch_size} does not divide the image {self.img_size}: the shape "
                                     f"policy {self.shape_policy.name!r} refuses that, choose a size that fits")

    def channels(self, stage: int) -> int:
        """C 2^stage, the channels of a stage counted from 0."""
        return self.embed_dim * 2 ** stage

    def window(self, stage: int) -> tuple[int, int]:
        """M of a stage counted from 0, (height, width)."""
        return by_stage("window_size", self.window_size, len(self.depths))[stage]

    def map_sizes(self, img_size: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        """(h, w) of the map in every stage, for the configured image size or another one, in pixels."""
        (h, w), (p, q) = img_size or pair(self.img_size), pair(self.patch_size)
        sizes = [(-(-h // p), -(-w // q)) if self.shape_policy.patch == "pad" else (h // p, w // q)]
        for _ in self.depths[1:]:
            h, w = sizes[-1]
            sizes.append(((h + 1) // 2, (w + 1) // 2))
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
