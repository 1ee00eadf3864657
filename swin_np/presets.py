"""How each public implementation prepares an image: sizes, filter, mean and standard deviation, by name."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np

from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import pair
from swin_np.names import check_name

IMAGENET_MEAN = (0.485, 0.456, 0.406)                  # of red, green and blue, scaled to 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5)                               # mean and standard deviation of Google's ViTs: 0..1 to -1..1
FILTERS = ("bicubic", "bilinear")
ROUNDINGS = ("half to even", "down")

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
        try:
            resized, cropped = pair(self.resize), pair(self.crop)
        except ShapeError as error:
            raise ConfigurationError(f"preset {self.name}: {error}") from None
        needed = (max(cropped),) * 2 if isinstance(self.resize, int) else cropped      # either side can be the shorter
        if min(cropped) < 1 or any(side > have for side, have in zip(needed, resized, strict=True)):
            raise ConfigurationError(f"preset {self.name} resizes to {self.resize} and crops to {self.crop}: give a "
                                     "crop of at least one pixel that is no larger, or the image gets a black border")
        check_name("filter", self.filter, FILTERS)
        check_name("rounding of the crop", self.crop_rounding, ROUNDINGS)
        check_colour("mean", self.mean)
        check_colour("std", self.std, positive=True)

    def described(self) -> str:
        """What is done to an image, in words."""
        if isinstance(self.resize, int):
            resized = f"the shorter side resized to {self.resize}"
        else:
            resized = "resized to {} {}x{}".format("cover" if self.cover else "", *self.resize).replace("  ", " ")
        return (f"{resized}, cropped to {'{}x{}'.format(*pair(self.crop))}, {self.filter}, "
                f"mean {colour(self.mean)}, std {colour(self.std)}")


def colour(values: Colour) -> str:
    """Three numbers for a sentence; one where all are the same."""
    return " ".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))


def check_colour(what: str, values: Colour, positive: bool = False) -> None:
    """Raise ConfigurationError unless `values` are three finite, or even positive, numbers in a tuple, list or array."""
    try:
        fine = isinstance(values, tuple | list | np.ndarray) and not isinstance(values, np.ma.MaskedArray)
        numbers = [float(value) for value in values if isinstance(value, Real)] if fine else []
        fine = len(numbers) == len(values) == 3 and all(math.isfinite(x) and (x > 0 or not positive) for x in numbers)
    except (TypeError, OverflowError):
        fine = False
    if not fine:
        raise ConfigurationError(f"the {what} {shown(values)} was given, expected three "
                                 f"{'positive' if positive else 'finite'} numbers: give one each for red, green and blue")


def shown(value: object) -> str:
    """A value as it stands in a sentence: short, and on one line."""
    try:
        return " ".join(repr(value).split())[:60]
    except ValueError:                                 # an integer of more digits than Python prints
        return f"of type {type(value).__name__}"


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
