"""Semantic segmentation: a hierarchical backbone, a norm for each of its maps, a dense head, scores for every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from swin_np.convolution import interpolate_bilinear
from swin_np.dense.unet import UNetDecoder
from swin_np.dense.upernet import UPerHead
from swin_np.functional import Array
from swin_np.layers import LayerNorm, Module
from swin_np.model import SwinConfig, SwinTransformer


@dataclass(eq=False, repr=False)
class SemanticSegmentation(Module):
    """Images (B, 3, H, W) to scores (B, num_classes, H, W): the head's, stretched to the size of the image."""

    backbone: Module                                   # any model with feature_maps
    norms: list[LayerNorm] | None                      # one for each map of Swin, whose maps come unnormalised
    decode_head: UPerHead | UNetDecoder

    def forward(self, images: Array) -> Array:
        scores = interpolate_bilinear(self.decode_head(self.maps(images)), np.shape(images)[-2:])
        return scores.transpose(0, 3, 1, 2)

    def maps(self, images: Array) -> list[Array]:
        """What the head takes: (B, h, w, C_i), the finest first."""
        maps = self.backbone.feature_maps(images)
        return maps if self.norms is None else [norm(x) for norm, x in zip(self.norms, maps, strict=True)]


def swin_upernet(config: SwinConfig, num_classes: int = 150, channels: int = 512,
                 seed: int | None = 0) -> SemanticSegmentation:
    """Section 4.3: UPerNet on a Swin Transformer of this configuration, with initial weights; 150 classes as ADE20K.

    The backbone has neither head nor final norm. seed None: placeholders.
    """
    backbone = SwinTransformer.random(replace(config, num_classes=0), seed)
    backbone.norm = None                               # the norms of the four maps take its place
    widths: Sequence[int] = [config.channels(stage) for stage in range(len(config.depths))]
    return SemanticSegmentation(backbone, [LayerNorm.identity(width) for width in widths],
                                UPerHead.random(widths, num_classes, channels, seed=seed))
