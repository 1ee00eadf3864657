"""From what a file beside a checkpoint says to a preset: transformers' preprocessor_config.json, timm's config.json."""

import math
from dataclasses import fields

from swin_np.checkpoints.config_files.preprocessing import StoredPreprocessing
from swin_np.errors import CheckpointError, SwinError
from swin_np.preprocessing.presets import Preset

NEEDED = {"timm": ("crop", "crop_pct", "interpolation", "mean", "std"), "ViT": ("resize", "interpolation"),
          "DeiT": ("resize", "crop", "interpolation"), "ConvNext": ("resize", "interpolation")}
"""What the file has to say, by timm or the family of transformers' image processor; the rest has a known default."""

CONVNEXT_WHOLE = 384                                   # pixels from which a ConvNext processor crops nothing
CONVNEXT_CROP = 224 / 256                              # and what it crops below, if the file says nothing


def stored_preset(stored: StoredPreprocessing) -> Preset | None:
    """The preset that a file beside a checkpoint tells; None where it says nothing of images.

    Raises CheckpointError where it says only a part of what is needed, or what no Preset can do.
    """
    if all(getattr(stored, field.name) is None for field in fields(stored) if field.name not in ("file", "processor")):
        return None
    family = family_of(stored)
    needed = NEEDED[family] + (() if family == "timm" or stored.do_normalize is False else ("mean", "std"))
    if missing := [name for name in needed if getattr(stored, name) is None]:
        raise CheckpointError(f"its {stored.file} does not say the {', '.join(missing)} of its images: add this to the "
                              "file, or give --preset NAME")
    try:
        return timm_preset(stored) if family == "timm" else transformers_preset(stored, family)
    except SwinError as error:
        raise CheckpointError(f"its {stored.file} cannot be followed, {error}; or give --preset NAME") from None


def family_of(stored: StoredPreprocessing) -> str:
    """"timm", or the model that transformers' image processor is called after; CheckpointError for another one."""
    family = (stored.processor or "").split("ImageProcessor")[0].split("FeatureExtractor")[0]
    if family not in NEEDED:
        raise CheckpointError(f"its {stored.file} is for the image processor {stored.processor}, and those of "
                              f"{', '.join(NEEDED)} are known: give --preset NAME")
    return family


def timm_preset(stored: StoredPreprocessing) -> Preset:
    """What timm's create_transform would do."""
    resize = tuple(math.floor(side / stored.crop_pct) for side in stored.crop)
    mode, square = stored.crop_mode or "center", resize[0] == resize[1]
    if mode not in ("center", "squash"):
        raise CheckpointError(f"its crop_mode is {mode!r}, and center and squash are known: resize the images yourself")
    if mode == "center" and square:
        resize = resize[0]
    return Preset(stored.file, resize, stored.crop, stored.interpolation, stored.mean, stored.std,
                  cover=mode == "center" and not square)


def transformers_preset(stored: StoredPreprocessing, family: str) -> Preset:
    """What transformers' image processor of this family would do, on Pillow."""
    if stored.do_resize is False:
        raise CheckpointError("do_resize is false, so the images have to come as the model takes them: resize them")
    resize, crop = stored.resize, stored.resize
    if family == "ConvNext":
        if not isinstance(resize, int):
            raise CheckpointError("a ConvNext processor takes the shortest_edge alone: say it as the size")
        crop = (resize, resize)
        resize = int(resize / (stored.crop_pct or CONVNEXT_CROP)) if resize < CONVNEXT_WHOLE else crop
    elif stored.do_center_crop or (stored.do_center_crop is None and family == "DeiT"):
        crop = stored.crop
    if crop is None or isinstance(crop, int):
        raise CheckpointError("the aspect ratio is kept and nothing cropped, so images differ in size: say crop_size")
    mean, std = ((0.0,) * 3, (1.0,) * 3) if stored.do_normalize is False else (stored.mean, stored.std)
    scale = 1.0 if stored.do_rescale is False else stored.rescale_factor or 1 / 255
    if not math.isclose(255 * scale, 1):               # mean and std are then for other pixels than 0..1
        mean, std = (tuple(value / (255 * scale) for value in values) for values in (mean, std))
    return Preset(stored.file, resize, crop, stored.interpolation, mean, std, crop_rounding="down")
