"""The image models that timm and torchvision register by name, and our configuration of each."""

import re
from dataclasses import replace

from swin_np.baselines.res2net import RES2NET_VARIANTS
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.baselines.swin_v2 import SWIN_V2_VARIANTS
from swin_np.baselines.vit import VIT_VARIANTS, ViTConfig
from swin_np.shape_policy import TIMM, TORCHVISION
from swin_np.systems.registry import Config
from swin_np.variants import VARIANTS

SWIN_SIZES = {"tiny": "t", "small": "s", "base": "b", "large": "l"}
VIT_SIZES = {"tiny": VIT_VARIANTS["deit_ti"], "small": VIT_VARIANTS["deit_s"], "base": VIT_VARIANTS["vit_b_16"],
             "large": VIT_VARIANTS["vit_l_16"]}
DEIT_SIZES = {"tiny": "ti", "small": "s", "base": "b"}
RESNET_26 = replace(RESNET_VARIANTS["resnet_50"], layers=(2, 2, 2, 2))
RESNEXT_101 = RESNET_VARIANTS["resnext_101_32x8d"]
RESNETS = {
    **{f"resnet{depth}": RESNET_VARIANTS[f"resnet_{depth}"] for depth in (18, 34, 50, 101, 152)},
    **{f"resnext{name}": RESNET_VARIANTS[f"resnext_{name}"] for name in ("50_32x4d", "101_32x8d", "101_64x4d")},
    "wide_resnet50_2": replace(RESNET_VARIANTS["resnet_50"], base_width=128),
    "wide_resnet101_2": replace(RESNET_VARIANTS["resnet_101"], base_width=128),
}


def timm_swin(name: str) -> Config:
    """timm's Swin Transformers: `swin_tiny_patch4_window7_224`."""
    size, window, image = re.fullmatch(r"swin_(\w+)_patch4_window(\d+)_(\d+)", name).groups()
    return replace(VARIANTS[f"swin_{SWIN_SIZES[size]}"], window_size=int(window), img_size=int(image),
                   shape_policy=TIMM)


def timm_swin_s3(name: str) -> Config:
    """timm's Swin Transformers with a window for each stage: `swin_s3_tiny_224`."""
    windows, depths = {"swin_s3_tiny_224": ((7, 7, 14, 7), (2, 2, 6, 2)),
                       "swin_s3_small_224": ((14, 14, 14, 7), (2, 2, 18, 2)),
                       "swin_s3_base_224": ((7, 7, 14, 7), (2, 2, 30, 2))}[name]
    return replace(VARIANTS["swin_t"], window_size=windows, depths=depths, shape_policy=TIMM)


def timm_swin_v2(name: str) -> Config:
    """timm's V2: `swinv2_base_window16_256`, or `swinv2_base_window12to16_192to256` with windows of 12 at first."""
    size, first, window, image = re.fullmatch(r"swinv2_(\w+)_window(?:(\d+)to)?(\d+)_(?:\d+to)?(\d+)", name).groups()
    pretrained = tuple(int(first) // divisor for divisor in (1, 1, 1, 2)) if first else ()
    return replace(SWIN_V2_VARIANTS[f"swin_v2_{SWIN_SIZES[size]}"], window_size=int(window), img_size=int(image),
                   pretrained_window_sizes=pretrained, shape_policy=TIMM)


def timm_vit(name: str) -> Config:
    """timm's ViTs with a class token and nothing more: `vit_base_patch16_224`."""
    size, patch, image = re.fullmatch(r"vit_(\w+)_patch(\d+)_(\d+)", name).groups()
    return replace(VIT_SIZES[size], patch_size=int(patch), img_size=int(image))


def timm_deit(name: str) -> Config:
    """timm's DeiTs: `deit_small_distilled_patch16_224`."""
    size, distilled, image = re.fullmatch(r"deit_(\w+?)(_distilled)?_patch16_(\d+)", name).groups()
    return replace(VIT_VARIANTS[f"deit_{DEIT_SIZES[size]}"], distilled=distilled is not None, img_size=int(image))


TIMM_MODELS: dict[str, Config] = {
    **{name: timm_swin(name) for name in (
        "swin_tiny_patch4_window7_224", "swin_small_patch4_window7_224", "swin_base_patch4_window7_224",
        "swin_base_patch4_window12_384", "swin_large_patch4_window7_224", "swin_large_patch4_window12_384")},
    **{name: timm_swin_s3(name) for name in ("swin_s3_tiny_224", "swin_s3_small_224", "swin_s3_base_224")},
    **{name: timm_swin_v2(name) for name in (
        "swinv2_tiny_window8_256", "swinv2_tiny_window16_256", "swinv2_small_window8_256", "swinv2_small_window16_256",
        "swinv2_base_window8_256", "swinv2_base_window16_256", "swinv2_base_window12_192",
        "swinv2_base_window12to16_192to256", "swinv2_base_window12to24_192to384", "swinv2_large_window12_192",
        "swinv2_large_window12to16_192to256", "swinv2_large_window12to24_192to384")},
    **{name: timm_vit(name) for name in (
        "vit_tiny_patch16_224", "vit_tiny_patch16_384", "vit_small_patch8_224", "vit_small_patch16_224",
        "vit_small_patch16_384", "vit_small_patch32_224", "vit_small_patch32_384", "vit_base_patch8_224",
        "vit_base_patch16_224", "vit_base_patch16_384", "vit_base_patch32_224", "vit_base_patch32_384",
        "vit_large_patch14_224", "vit_large_patch16_224", "vit_large_patch16_384", "vit_large_patch32_224",
        "vit_large_patch32_384")},
    **{name: timm_deit(name) for name in (
        "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "deit_small_patch16_224",
        "deit_small_distilled_patch16_224", "deit_base_patch16_224", "deit_base_patch16_384",
        "deit_base_distilled_patch16_224", "deit_base_distilled_patch16_384")},
    **RESNETS,
    "resnet26": RESNET_26,
    "resnet200": replace(RESNET_26, layers=(3, 24, 36, 3)),
    "resnext101_32x4d": replace(RESNEXT_101, base_width=4),
    "resnext101_32x16d": replace(RESNEXT_101, base_width=16),
    "resnext101_32x32d": replace(RESNEXT_101, base_width=32),
    **{f"res2net{name}": RES2NET_VARIANTS[f"res2net_{name}"] for name in (
        "50_26w_4s", "50_48w_2s", "50_14w_8s", "50_26w_6s", "50_26w_8s", "101_26w_4s")},
    "res2net50d": RES2NET_VARIANTS["res2net_50_v1b_26w_4s"],
    "res2net101d": replace(RES2NET_VARIANTS["res2net_50_v1b_26w_4s"], layers=(3, 4, 23, 3)),
    "res2next50": RES2NET_VARIANTS["res2next_50"],
}

TORCHVISION_MODELS: dict[str, Config] = {
    **{f"swin_{size}": replace(VARIANTS[f"swin_{size}"], shape_policy=TORCHVISION) for size in "tsb"},
    **{f"swin_v2_{size}": replace(SWIN_V2_VARIANTS[f"swin_v2_{size}"], shape_policy=TORCHVISION) for size in "tsb"},
    "vit_b_16": VIT_VARIANTS["vit_b_16"],
    "vit_b_32": VIT_VARIANTS["vit_b_32"],
    "vit_l_16": VIT_VARIANTS["vit_l_16"],
    "vit_l_32": replace(VIT_VARIANTS["vit_l_16"], patch_size=32),
    "vit_h_14": ViTConfig(patch_size=14, embed_dim=1280, depth=32, num_heads=16),
    **RESNETS,
}

for name, classes in (("swinv2_base_window12_192", 21841), ("swinv2_large_window12_192", 21841),
                      ("vit_small_patch8_224", 0), ("vit_large_patch32_224", 0)):
    TIMM_MODELS[name] = replace(TIMM_MODELS[name], num_classes=classes)     # as the files for these names have

REGISTERED = {"timm": TIMM_MODELS, "torchvision": TORCHVISION_MODELS}
