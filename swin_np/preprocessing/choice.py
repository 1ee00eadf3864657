"""Which preset a model's images are prepared by, as far as its system, its implementation and its image size tell."""

import math
import warnings
from dataclasses import replace

from swin_np.arguments.names import check_name
from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_mixer import SwinMixerConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.errors import ConfigurationError, InputError, ShapeError, SwinWarning
from swin_np.functional import pair
from swin_np.preprocessing.presets import PRESETS, Preset
from swin_np.systems.registry import Config, architecture_of, image_size
from swin_np.text import size
from swin_np.variants import SwinConfig

RECIPES = {
    SwinConfig: ("microsoft", "microsoft_384", "timm", "timm_384", "transformers", "transformers_384",
                 "torchvision_swin_t", "torchvision_swin_s", "torchvision_swin_b"),
    SwinV2Config: tuple(name for name in PRESETS if "swin_v2" in name),
    SwinMixerConfig: ("microsoft_swin_mixer", "microsoft_swin_mixer_224"),
    ViTConfig: tuple(name for name in PRESETS if "vit" in name or "deit" in name),
    ResNetConfig: tuple(name for name in PRESETS if "resnet" in name),
    Res2NetConfig: ("res2net",),
}
"""The names of the presets of each system that classifies."""

IMPLEMENTATIONS = {
    (ViTConfig, "timm"): ("timm_vit", "timm_vit_384", "timm_deit", "timm_deit_384", "deit", "deit_384"),
    (ViTConfig, "transformers"): ("transformers_vit", "transformers_vit_384", "transformers_deit",
                                  "transformers_deit_384"),
    (ViTConfig, "transformers-deit"): ("transformers_deit", "transformers_deit_384"),
    (ViTConfig, "transformers-deit-one-head"): ("transformers_deit", "transformers_deit_384"),
    (ResNetConfig, "torchvision"): ("torchvision_resnet", "torchvision_resnet_v1", "timm_resnet", "timm_resnet_288",
                                    "timm_resnet_gluon"),
    (ResNetConfig, "transformers"): ("transformers_resnet",),
}
"""The presets of the implementations that have a dialect's names: timm's are DeiT's too, ResNet's are shared."""

TORCHVISION_SWINS = {(96, (2, 2, 6, 2)): "t", (96, (2, 2, 18, 2)): "s", (128, (2, 2, 18, 2)): "b"}
"""The ends of the names of torchvision's Swins by channels and depths."""

TORCHVISION_VITS = {
    (16, 768): ("torchvision_vit", "torchvision_vit_swag_linear", "torchvision_vit_swag_384"),
    (32, 768): ("torchvision_vit",),
    (16, 1024): ("torchvision_vit_l_16", "torchvision_vit_swag_linear", "torchvision_vit_swag_512"),
    (32, 1024): ("torchvision_vit",),
    (14, 1280): ("torchvision_vit_swag_linear", "torchvision_vit_swag_518"),
}
"""The presets of torchvision's ViTs by the side of a patch and the channels."""


def named_preset(name: str, config: Config) -> Preset:
    """The preset of PRESETS that a user asks for.

    Raises ConfigurationError for one that is not known or of another system, ShapeError for one of another image size.
    """
    check_name("preset", name, PRESETS)
    known = RECIPES.get(type(config), ())
    if name not in known:
        raise ConfigurationError(f"preset {name} was given, and this is a {architecture_of(config).name}, whose images "
                                 f"are prepared otherwise: {advice(fitting(config, known))}")
    if not fitting(config, (name,)):
        raise ShapeError(f"preset {name} crops to {size(pair(PRESETS[name].crop))}, and the model takes images of "
                         f"{size(image_size(config))}: {advice(fitting(config, known))}")
    return PRESETS[name]


def default_preset(config: Config, dialect: str | None = None) -> Preset:
    """How the implementation of a model's checkpoint evaluates it; `dialect` is that of the checkpoint's names.

    A Swin's is told by its shape policy if not by its dialect. For an image size that none of the published models has
    it is the implementation's own formula, and a SwinWarning says so.
    Raises InputError, with the choices, where several recipes have the same names, or none is for such a model.
    """
    if isinstance(config, SwinConfig):
        return swin_preset(config, dialect or config.shape_policy.name)
    names = fitting(config, published(config, dialect))
    if len(names) != 1:
        pixels = f" of {size(config.img_size)} pixels" if hasattr(config, "img_size") else ""
        raise InputError(f"how images are prepared for a {architecture_of(config).name}{pixels} is not in its file, "
                         f"and the recipes differ: {advice(names or fitting(config, RECIPES.get(type(config), ())))}")
    return PRESETS[names[0]]


def swin_preset(config: SwinConfig, implementation: str) -> Preset:
    """The recipe of a Swin Transformer's implementation; see `default_preset`.

    What has mmdetection's names was trained by mmpretrain, whose recipes are the official ones.
    """
    name = implementation.split("-")[0]                # transformers-files and transformers-backbone too
    if isinstance(config, SwinMixerConfig) or name == "mmdetection":
        name = "microsoft"
    recipe = name + {SwinV2Config: "_swin_v2", SwinMixerConfig: "_swin_mixer"}.get(type(config), "")
    if name == "torchvision":                          # each variant has its own
        variant = TORCHVISION_SWINS.get((config.embed_dim, config.depths))
        recipe = f"torchvision_swin{'_v2' * isinstance(config, SwinV2Config)}_{variant}"
    try:
        preset = preset_for(recipe, image_size(config))
    except InputError:
        raise InputError(f"how images are prepared for such a {architecture_of(config).name} of "
                         f"{size(image_size(config))} pixels in the names of {implementation} is not known: "
                         f"{advice(fitting(config, RECIPES[type(config)]))}") from None
    if preset.name not in PRESETS:
        warnings.warn(f"No published model in the names of {implementation} takes images of "
                      f"{size(image_size(config))}: their preparation follows its formula.", SwinWarning,
                      stacklevel=3)
    return preset


def preset_for(name: str, img_size: tuple[int, int]) -> Preset:
    """The recipe of one of Swin's implementations for images of any size, in pixels.

    For sizes that are not in PRESETS it is the implementation's own formula. Raises InputError where it has none:
    torchvision for any, the official code for oblong images.
    """
    for known in (name, f"{name}_{img_size[0]}"):
        if known in PRESETS and pair(PRESETS[known].crop) == img_size:
            return PRESETS[known]
    oblong = img_size[0] != img_size[1]
    if name not in PRESETS or name.startswith("torchvision") or (name.startswith("microsoft") and oblong):
        raise InputError(f"{name} has no preset for images of {size(img_size)} pixels: give one of "
                         f"{', '.join(PRESETS)}, or a Preset of your own")
    usual, cover = PRESETS[name], False
    if name.startswith("timm"):
        resize, cover = tuple(math.floor(side / 0.9) for side in img_size), oblong
        resize = resize if cover else resize[0]
    elif name.startswith("transformers"):
        resize = img_size
    else:
        resize = int(256 / 224 * img_size[0])          # as the official code writes it
    return replace(usual, name=f"{name} for {size(img_size)}", resize=resize, crop=img_size, cover=cover)


def published(config: Config, dialect: str | None) -> tuple[str, ...]:
    """The presets of the implementations that name the parameters in this dialect, or of all where it is not known."""
    dialect = dialect and dialect.removesuffix("-files")                # names on disk and in memory: one library
    if type(config) is ViTConfig and dialect == "torchvision":
        return TORCHVISION_VITS.get((config.patch_size[0], config.embed_dim), ())
    names = IMPLEMENTATIONS.get((type(config), dialect), RECIPES.get(type(config), ()))
    return tuple(name for name in names if "deit" in name) if getattr(config, "distilled", False) else names


def fitting(config: Config, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the presets whose images the model takes."""
    def fits(name: str) -> bool:
        try:
            config.check_image_size(pair(PRESETS[name].crop))
        except ShapeError:
            return False
        return True
    return tuple(filter(fits, names))


def advice(names: tuple[str, ...]) -> str:
    """The end of a sentence: what can be chosen, of these presets."""
    if not names:
        return "no preset is for such images, so say how in a preprocessor_config.json or timm's config.json beside it"
    return f"give --preset NAME, one of {', '.join(names)}"
