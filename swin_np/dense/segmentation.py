"""Semantic segmentation: a hierarchical backbone, a norm for each of its maps, a dense head, scores for every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from swin_np.arguments.image_batches import finite
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.chain import Step
from swin_np.convolution.functional import interpolate_bilinear
from swin_np.dense.backbones import DenseConfig, DenseModel, random_backbone
from swin_np.dense.unet import UNetDecoder
from swin_np.dense.upernet import UPerHead
from swin_np.functional import Array
from swin_np.shape_policy import TRANSFORMERS_BACKBONE
from swin_np.variants import VARIANTS


@dataclass(frozen=True)
class UPerNetConfig(DenseConfig):
    """A backbone and a UPerNet of `channels` channels inside; num_classes: 150 as in ADE20K.

    Raises ConfigurationError for values that no model can have.
    """

    num_classes: int = 150
    channels: int = 512


@dataclass(frozen=True)
class UNetConfig(DenseConfig):
    """A backbone and a U-Net-style decoder, as wide as the backbone's maps; num_classes: 150 as in ADE20K.

    Raises ConfigurationError for values that no model can have.
    """

    num_classes: int = 150


UPERNET_VARIANTS = {
    **{f"upernet_{name}": UPerNetConfig(replace(VARIANTS[name], shape_policy=TRANSFORMERS_BACKBONE))
       for name in ("swin_t", "swin_s", "swin_b")},
    "upernet_resnet_50": UPerNetConfig(RESNET_VARIANTS["resnet_50"]),
}
"""Section 4.3, Table 3, and one on ResNet; windows on small maps are those of transformers' UPerNet. The table's 60 M
(T), 81 M (S) and 121 M (B) parameters include an auxiliary head, which only training needs: here they are 59.0 M,
80.3 M and 120.1 M. Its multiply-adds, for images of 512x2048, do not: 945 G (T) and 1038 G (S) there, 944.5 G and
1037.5 G here."""

UNET_VARIANTS = {
    "unet_swin_t": UNetConfig(VARIANTS["swin_t"]),
    "unet_resnet_50": UNetConfig(RESNET_VARIANTS["resnet_50"]),
}
"""U-Net-style decoders beside UPerNet; neither paper has them."""


def stretched_to_image(scores: Array, img_size: tuple[int, int]) -> Array:
    """The head's scores (B, h, w, num_classes) for every pixel, (B, H, W, num_classes)."""
    return interpolate_bilinear(scores, img_size)


@dataclass(eq=False, repr=False)
class SemanticSegmentation(DenseModel):
    """Images (B, 3, H, W) to scores (B, num_classes, H, W): the head's, stretched to the size of the image."""

    decode_head: UPerHead | UNetDecoder
    config: UPerNetConfig | UNetConfig

    @classmethod
    def random(cls, config: UPerNetConfig | UNetConfig, seed: int | None = 0,
               dtype: type = np.float32) -> "SemanticSegmentation":
        """A model with initial weights drawn from `seed`, the same in either dtype; seed None: placeholders."""
        model = cls(*random_backbone(config, seed), cls.random_head(config, seed), config)
        return model if dtype == np.float32 else model.astype(dtype)

    @finite
    def forward(self, images: Array) -> Array:
        return self.score(self.feature_maps(images), np.shape(images)[-2:])

    def score(self, maps: Sequence[Array], size: tuple[int, int]) -> Array:
        """The head's scores of all maps, stretched to images of this size: (B, num_classes, H, W)."""
        return stretched_to_image(self.decode_head(maps), size).transpose(0, 3, 1, 2)

    def chain(self) -> list[Step]:
        """The backbone's maps, the head, and its scores stretched to the image; in the end (B, H, W, num_classes)."""
        maps: list[Array] = []
        size: list[int] = []
        first, *others = self.map_chain(maps)

        def embed(images: Array) -> Array:
            size[:] = images.shape[-2:]
            return first(images)

        return [replace(first, compute=embed), *others, *self.decode_head.chain(maps),
                Step("scores", ("scores",), lambda scores: stretched_to_image(scores, tuple(size)), True)]


class UPerNet(SemanticSegmentation):
    """Section 4.3: UPerNet on a backbone."""

    @staticmethod
    def random_head(config: UPerNetConfig, seed: int | None) -> UPerHead:
        return UPerHead.random(config.map_channels, config.num_classes, config.channels, seed=seed)


class UNet(SemanticSegmentation):
    """A U-Net whose contracting path is a backbone."""

    @staticmethod
    def random_head(config: UNetConfig, seed: int | None) -> UNetDecoder:
        return UNetDecoder.random(config.map_channels, config.num_classes, seed)
