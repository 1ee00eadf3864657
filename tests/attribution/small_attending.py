"""Small models in float64 with large weights, and an image for each: even maps, odd ones, padded in either order."""

from collections.abc import Iterator

import numpy as np

from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import VisionTransformer, ViTConfig
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MMDETECTION, TIMM, TORCHVISION
from swin_np.systems.registry import architecture_of
from swin_np.variants import SwinConfig

SMALL = {"patch_size": 2, "embed_dim": 8, "num_heads": (2, 4), "num_classes": 5}
SWINS = {
    "even": ((24, 48), {"depths": (2, 2), "window_size": 3}),
    "padded, then rolled": ((22, 34), {"depths": (2, 3), "window_size": 4, "shape_policy": TORCHVISION}),
    "rolled, then padded": ((22, 34), {"depths": (2, 3), "window_size": 4, "shape_policy": TIMM}),
    "one window on one axis": ((26, 12), {"depths": (2, 2), "window_size": 6, "shape_policy": TIMM}),
    "shifted where one window covers": ((22, 14), {"depths": (2, 2), "window_size": 5, "shape_policy": MMDETECTION}),
}


def model_of(config) -> Module:
    """A model with large weights in float64."""
    model = architecture_of(config).model.random(config, dtype=np.float64)
    redraw(model, 7)
    return model


def swin(name: str, version: int = 1) -> tuple[SwinTransformer, Array]:
    """One of SWINS, of either version, and an image."""
    size, fields = SWINS[name]
    config = (SwinV2Config if version == 2 else SwinConfig)(img_size=size, **SMALL, **fields)
    return model_of(config), np.random.default_rng(3).standard_normal((1, 3, *size))




def vit(distilled: bool = False) -> tuple[VisionTransformer, Array]:
    """A ViT, or a distilled DeiT, of 2 blocks on 3x4 patches, and an image."""
    config = ViTConfig((12, 16), 4, num_classes=5, embed_dim=8, depth=2, num_heads=2, distilled=distilled)
    return model_of(config), np.random.default_rng(3).standard_normal((1, 3, 12, 16))


def places(map_size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Every row and column of a map."""
    return np.ndindex(*map_size)
