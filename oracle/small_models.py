"""Two small models on which every mistake of the catalogue shows: large random weights, images whose sides differ."""

from functools import cache

import numpy as np

from swin_np import TRANSFORMERS, SwinConfig, SwinTransformer
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.mistakes.mistake import Mistake


def small(img_size: tuple[int, int], window: int) -> SwinConfig:
    return SwinConfig(img_size, patch_size=2, num_classes=7, embed_dim=12, depths=(2, 2, 2), num_heads=(2, 3, 4),
                      window_size=window, mlp_ratio=2, shape_policy=TRANSFORMERS)


EVEN = small((32, 48), 4)                              # maps of 16x24, 8x12 and 4x6, the last less than two windows
ODD = small((36, 48), 3)                               # maps of 18x24, 9x12 and 5x6


def config_for(*mistakes: Mistake) -> SwinConfig:
    """The configuration whose model shows all of them."""
    return ODD if any(mistake.needs == "an odd window" for mistake in mistakes) else EVEN


@cache
def model_and_images(config: SwinConfig, seed: int = 11, dtype: type = np.float32) -> tuple[SwinTransformer, Array]:
    """The model with its weights drawn large, and a batch of two images."""
    model = SwinTransformer.random(config)
    redraw(model, seed)
    images = np.random.default_rng(seed).standard_normal((2, 3, *config.img_size), np.float32)
    return model.astype(dtype), images.astype(dtype)


def module_outputs(model: Module, points: dict[str, Array]) -> dict[str, Array]:
    """What a port usually has at hand: the outputs of modules, without the steps inside attention."""
    names = {name or "output" for name, _ in model.named_modules()}
    return {name: value for name, value in points.items() if name in names}
