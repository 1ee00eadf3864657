"""Small models of every system on which its mistakes show: large random weights, images whose sides differ."""

from contextlib import nullcontext
from dataclasses import replace
from functools import cache

import numpy as np

from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints import resizing
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake
from swin_np.mistakes.swin_v2 import BEYOND_THE_LIMIT, FAR_SCORES
from swin_np.mistakes.vision_transformer import RESIZED, TWO_HEADS
from swin_np.shape_policy import TIMM, TORCHVISION, TRANSFORMERS_BACKBONE
from swin_np.systems.registry import Config, architecture_of, image_size
from swin_np.variants import SwinConfig

CLASSES, WIDTH = 7, 12                                  # WIDTH: of UPerNet's head
CONVOLUTIONAL_SIZE, LARGE_SIZE = (64, 96), (256, 288)  # the last maps are 2x3 and 8x9

SWIN_V2 = SwinV2Config((32, 64), patch_size=2, num_classes=CLASSES, embed_dim=12, depths=(2, 2, 2),
                       num_heads=(2, 3, 4), window_size=4, mlp_ratio=2, shape_policy=TIMM,
                       pretrained_window_sizes=(6, 5, 3))      # maps of 16x32, 8x16 and 4x8
VIT = ViTConfig((48, 32), 8, 3, CLASSES, 24, 3, 3)     # a map of 6x4
DEIT = replace(VIT, distilled=True)
RESNET = ResNetConfig(layers=(1, 2, 1, 1), num_classes=CLASSES)
RESNEXT = replace(RESNET, cardinality=8, base_width=8)
RES2NET = Res2NetConfig(layers=(2, 2, 1, 1), num_classes=CLASSES)
SWIN = SwinConfig((64, 96), 4, embed_dim=8, depths=(2, 2, 1, 2), num_heads=(2, 2, 4, 4), window_size=2,
                  shape_policy=TRANSFORMERS_BACKBONE)

SYSTEMS: dict[str, Config] = {
    "swin_v2": SWIN_V2, "vit": VIT, "deit": DEIT, "resnet": RESNET, "res2net": RES2NET,
    "upernet": UPerNetConfig(SWIN, CLASSES, WIDTH), "upernet_resnet": UPerNetConfig(RESNET, CLASSES, WIDTH),
}

BY_NEED: dict[str, dict[str, Config]] = {
    "swin_v2": {"an odd window": replace(SWIN_V2, img_size=(48, 72), window_size=3),     # of 24x36, 12x18 and 6x9
                FAR_SCORES: replace(SWIN_V2, num_heads=(6, 12, 24))},
    "vit": {"a distillation token": DEIT, TWO_HEADS: DEIT},
    "resnet": {"a convolution in groups": RESNEXT},
    "res2net": {"a convolution in groups": replace(RES2NET, cardinality=2)},
    "upernet": {"an odd window": UPerNetConfig(replace(SWIN, window_size=3), CLASSES, WIDTH),
                "a stage of one window": UPerNetConfig(replace(SWIN, window_size=4, shape_policy=TORCHVISION), CLASSES,
                                                       WIDTH)},
    "upernet_resnet": {"a convolution in groups": UPerNetConfig(RESNEXT, CLASSES, WIDTH),
                       "a norm of each map": UPerNetConfig(RESNET, CLASSES, WIDTH, map_norms=(0, 1, 2, 3))},
}
"""Other configurations of a system for mistakes that need something else."""


def config_for(system: str, mistake: Mistake) -> Config:
    """The configuration of a system whose model shows a mistake."""
    return BY_NEED.get(system, {}).get(mistake.needs, SYSTEMS[system])


def size_for(config: Config, mistake: Mistake | None) -> tuple[int, int]:
    """Of the images on which it does."""
    if isinstance(config, ResNetConfig) or isinstance(getattr(config, "backbone", None), ResNetConfig):
        large = mistake is not None and mistake.needs == "a last map larger than 7x7"
        return LARGE_SIZE if large else CONVOLUTIONAL_SIZE
    return image_size(config)


@cache
def small_model(config: Config, seed: int = 11) -> Module:
    """The model in float64, its weights drawn large, the scales of V2's heads up to their limit."""
    model = architecture_of(config).model.random(config, dtype=np.float64)
    redraw(model, seed)
    rng = np.random.default_rng(seed)
    model.place({name: rng.uniform(1, 4.6, value.shape) if name.endswith("logit_scale") else value
                 for name, value in model.state_dict().items()})
    return model


@cache
def images_of(size: tuple[int, int], seed: int = 11) -> Array:
    """A batch of two images."""
    return np.random.default_rng(seed).standard_normal((2, 3, *size))


def positions_of_another_size(config: ViTConfig) -> tuple[Array, tuple[int, int]]:
    """A position embedding for images of another size, and its map of 3x5 patches."""
    old = replace(config, img_size=(24, 40))
    return small_model(old).pos_embed, old.grid


def resized_vit(config: ViTConfig, mistake: Mistake | None) -> Module:
    """The small ViT whose positions were those of another size, resized with a mistake or none."""
    with planted(mistake) if mistake else nullcontext():
        positions = resizing.resize_positions(*positions_of_another_size(config), config.grid)
    return replace(small_model(config), pos_embed=positions)


LOGIT_SCALES = {BEYOND_THE_LIMIT: 6.0, FAR_SCORES: 4.6}


def with_logit_scale(model: Module, logit_scale: float) -> Module:
    """A copy of a V2 all of whose heads have this scale."""
    twin = model.astype(np.float64)
    twin.place({name: np.full(value.shape, logit_scale) if name.endswith("logit_scale") else value
                for name, value in twin.state_dict().items()})
    return twin


def model_for(config: Config, need: str, mistake: Mistake | None) -> Module:
    """The small model for what a mistake needs, made with the mistake or with none."""
    if need.startswith(RESIZED):
        return resized_vit(config, mistake)
    model = small_model(config)
    return with_logit_scale(model, LOGIT_SCALES[need]) if need in LOGIT_SCALES else model
