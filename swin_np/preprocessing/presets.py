"""How each public implementation prepares an image: sizes, filter, mean and standard deviation, by name."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from swin_np.arguments.checks import pair, real, shown
from swin_np.arguments.config_fields import size
from swin_np.arguments.names import check_name
from swin_np.errors import ConfigurationError
from swin_np.language import phrase

IMAGENET_MEAN = (0.485, 0.456, 0.406)                  # of red, green and blue, scaled to 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5)                               # mean and standard deviation of Google's ViTs: 0..1 to -1..1
FILTERS = ("bicubic", "bilinear")
ROUNDINGS = ("half to even", "down")
LARGEST = 1e6                                          # of a mean or standard deviation, and one over the smallest

Colour = tuple[float, float, float]                    # a number for each of red, green and blue


@dataclass(frozen=True)
class Preset:
    """How one implementation evaluates: resize, crop the centre, subtract the mean, divide by the standard deviation.

    resize: the shorter side in pixels, or (height, width). crop: the side, or (height, width), of what is kept.
    filter: of the resize, "bicubic" or "bilinear". mean, std: of red, green and blue, for pixels scaled to 0..1.
    cover: whether (height, width) is to be covered, the aspect ratio kept; else the aspect ratio is given up.
    crop_rounding: where an odd number of pixels is cut off, the offset is rounded "half to even" or "down".

    Raises ConfigurationError for anything else, and for a crop that is larger than what is resized to.
    """

    name: str
    resize: int | tuple[int, int]
    crop: int | tuple[int, int]
    filter: Literal["bicubic", "bilinear"] = "bicubic"
    mean: Colour = IMAGENET_MEAN
    std: Colour = IMAGENET_STD
    cover: bool = False
    crop_rounding: Literal["half to even", "down"] = "half to even"

    def __post_init__(self) -> None:
        for name in ("resize", "crop"):
            value = getattr(self, name)
            sides = size(name, value)
            object.__setattr__(self, name, sides if isinstance(value, tuple | list | np.ndarray) else sides[0])
        for name in ("mean", "std"):
            object.__setattr__(self, name, colour(name, getattr(self, name), positive=name == "std"))
        check_name("filter", self.filter, FILTERS)
        check_name("rounding of the crop", self.crop_rounding, ROUNDINGS)
        if not isinstance(self.cover, bool) or (self.cover and isinstance(self.resize, int)):
            raise ConfigurationError(f"cover {shown(self.cover)} was given with resize {self.resize}, expected False, "
                                     "or True with a (height, width) to cover: give one of these")
        needed = (max(pair(self.crop)),) * 2 if isinstance(self.resize, int) else pair(self.crop)
        if any(side > have for side, have in zip(needed, pair(self.resize), strict=True)):
            raise ConfigurationError(f"preset {self.name} resizes to {self.resize} and crops to {self.crop}: give a "
                                     "crop that is no larger, or the image gets a black border")

    def described(self) -> str:
        """What is done to an image, in words of the reader's language."""
        if isinstance(self.resize, int):
            resized = phrase("the shorter side resized to {side}", side=self.resize)
        else:
            resized = phrase("resized to cover {size}" if self.cover else "resized to {size}",
                             size="{}x{}".format(*self.resize))
        mean, std = (" ".join(f"{x:g}" for x in values) for values in (self.mean, self.std))
        return phrase("{resized}, cropped to {size}, {filter}, mean {mean}, std {std}", resized=resized,
                      size="{}x{}".format(*pair(self.crop)), filter=self.filter, mean=mean, std=std)


def colour(what: str, values: Colour, positive: bool = False) -> Colour:
    """Three numbers that float32 can subtract, or even divide by, as a tuple; ConfigurationError for all else."""
    least = 1 / LARGEST if positive else -LARGEST
    try:
        if isinstance(values, np.ma.MaskedArray):
            raise ValueError
        red, green, blue = map(real, values)
        fine = all(least <= x <= LARGEST for x in (red, green, blue))  # NaN is not
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise ConfigurationError(f"the {what} {shown(values)} was given, expected three numbers from {least:g} to "
                                 f"{LARGEST:g}: give those of red, green and blue")
    return red, green, blue


def square(name: str, side: int, **settings) -> Preset:
    """The whole image resized to side x side, its aspect ratio given up; nothing is cropped."""
    return Preset(name, (side, side), side, **settings)


GOOGLE = {"mean": HALVES, "std": HALVES}
BILINEAR = {"filter": "bilinear"}

PRESETS = {preset.name: preset for preset in (
    # Swin Transformer. Official code: int(256 / 224 * side), but the whole image at 384
    Preset("microsoft", 256, 224),
    square("microsoft_384", 384),
    Preset("timm", 248, 224),                          # floor(224 / 0.9)
    Preset("timm_384", 384, 384),                      # the shorter side fits, the longer is cropped
    Preset("torchvision_swin_t", 232, 224),
    Preset("torchvision_swin_s", 246, 224),
    Preset("torchvision_swin_b", 238, 224),
    square("transformers", 224),                       # as in the published preprocessor_config.json
    square("transformers_384", 384),
    # Swin Transformer V2: the same rules
    Preset("microsoft_swin_v2", 292, 256),
    Preset("microsoft_swin_v2_192", 219, 192),
    square("microsoft_swin_v2_384", 384),
    Preset("timm_swin_v2", 284, 256),
    Preset("timm_swin_v2_192", 213, 192),
    Preset("timm_swin_v2_384", 384, 384),
    Preset("torchvision_swin_v2_t", 260, 256),
    Preset("torchvision_swin_v2_s", 260, 256),
    Preset("torchvision_swin_v2_b", 272, 256),
    square("transformers_swin_v2", 256),
    square("transformers_swin_v2_192", 192),
    square("transformers_swin_v2_384", 384),
    # Swin-Mixer
    Preset("microsoft_swin_mixer", 292, 256),
    Preset("microsoft_swin_mixer_224", 256, 224),
    # ViT
    Preset("timm_vit", 248, 224, **GOOGLE),
    Preset("timm_vit_384", 384, 384, **GOOGLE),
    Preset("torchvision_vit", 256, 224, **BILINEAR),   # B/16, B/32 and L/32
    Preset("torchvision_vit_l_16", 242, 224, **BILINEAR),
    Preset("torchvision_vit_swag_linear", 224, 224),   # SWAG's features with a linear head, at any size of the model
    Preset("torchvision_vit_swag_384", 384, 384),      # fine-tuned as a whole: B/16
    Preset("torchvision_vit_swag_512", 512, 512),      # L/16
    Preset("torchvision_vit_swag_518", 518, 518),      # H/14
    square("transformers_vit", 224, **GOOGLE, **BILINEAR),
    square("transformers_vit_384", 384, **GOOGLE, **BILINEAR),
    # DeiT
    Preset("deit", 256, 224),                          # the official code: int(224 / 0.875)
    Preset("deit_384", 438, 384),
    Preset("timm_deit", 248, 224),
    Preset("timm_deit_384", 384, 384),
    Preset("transformers_deit", (256, 256), 224, crop_rounding="down"),
    Preset("transformers_deit_384", (438, 438), 384, crop_rounding="down"),
    # ResNet and ResNeXt
    Preset("torchvision_resnet", 232, 224, **BILINEAR),                # weights IMAGENET1K_V2, and ResNeXt-101 64x4d
    Preset("torchvision_resnet_v1", 256, 224, **BILINEAR),             # weights IMAGENET1K_V1; timm's tv_in1k
    Preset("timm_resnet", 235, 224),                                   # tags a1, a1h, a2, ...: floor(224 / 0.95)
    Preset("timm_resnet_288", 288, 288),                               # their size for testing
    Preset("timm_resnet_gluon", 256, 224),                             # tags gluon, bt, ra, ...: floor(224 / 0.875)
    Preset("transformers_resnet", 256, 224, crop_rounding="down"),
    # Res2Net, by its authors and in timm
    Preset("res2net", 256, 224, **BILINEAR),
)}
"""The public implementations' own recipes; of Swin Transformer itself the name tells the implementation alone."""
