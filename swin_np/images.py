"""From an image file to the network's input: load, resize (bicubic), crop, normalise, as each implementation does."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from swin_np.checks import check_elements, shown
from swin_np.errors import InputError
from swin_np.functional import Array, pair
from swin_np.parallel import for_each

IMAGENET_MEAN = (0.485, 0.456, 0.406)                  # of red, green and blue, scaled to 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)
WEIGHT_ONE = 1 << 22                                   # Pillow's weights are integers, this one stands for 1
BAND, MOST_ELEMENTS = 16, 1 << 18                      # new pixels of an axis, and source pixels, taken at a time


@dataclass(frozen=True)
class Preset:
    """How one implementation evaluates: resize the shorter side (or to (height, width)), then crop the centre."""

    name: str
    resize: int | tuple[int, int]
    crop: int | tuple[int, int]


PRESETS = {preset.name: preset for preset in (
    Preset("microsoft", 256, 224),
    Preset("microsoft_384", (384, 384), 384),          # the whole image, its aspect ratio given up; nothing is cropped
    Preset("timm", 248, 224),                          # floor(224 / 0.9)
    Preset("timm_384", 384, 384),                      # the shorter side fits, the longer is cropped
    Preset("torchvision_swin_t", 232, 224),
    Preset("torchvision_swin_s", 246, 224),
    Preset("torchvision_swin_b", 238, 224),
    Preset("torchvision_swin_v2_t", 260, 256),
    Preset("torchvision_swin_v2_s", 260, 256),
    Preset("torchvision_swin_v2_b", 272, 256),
    Preset("transformers", (224, 224), 224),           # the whole image, its aspect ratio given up
    Preset("transformers_384", (384, 384), 384),
)}
"""The public implementations' own sizes; all are bicubic, with ImageNet's mean and standard deviation."""


def load(path: str | Path) -> Array:
    """The image of a file as (H, W, 3) uint8, red green blue; of several frames the first.

    The orientation in the EXIF data is applied (torchvision's own loader ignores it). Grey, palette, CMYK and
    transparent images become what Pillow's `convert("RGB")` gives, which torchvision's users get: transparency is
    dropped, the hidden colours show. Of 16 bits the upper 8 stay.

    Raises InputError for a file that is missing, empty, damaged, no image, or larger than Pillow's limit of pixels.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InputError(f"{shown(path)} was given, expected the path of an image file: give one of a JPEG or PNG")
    path = Path(path)
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}: give the path of an image file, such as a JPEG or PNG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return rgb(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        what = "is no image that Pillow knows" if path.stat().st_size else "is empty (0 bytes)"
        raise InputError(f"{path} {what}: give an image file, such as a JPEG or PNG") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path} has more than the {Image.MAX_IMAGE_PIXELS} pixels that Pillow takes for safe: "
                         "give a smaller image") from error
    except Exception as error:                         # on damaged files decoders raise whatever went wrong inside
        raise InputError(f"{path} cannot be decoded ({error}): give an undamaged image file that can be read"
                         ) from error


def rgb(image: Image.Image) -> Array:
    """A Pillow image, upright, as (H, W, 3) uint8.

    Raises InputError for pixels without a known range: floats, and integers of 32 bits.
    """
    if not isinstance(image, Image.Image):
        raise InputError(f"{shown(image)} was given, expected an image of Pillow: give one, from PIL.Image.open")
    sixteen_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if image.mode in ("I", "F") and not sixteen_bits:
        raise InputError(f"{image.filename} has 32-bit pixels (mode {image.mode}), whose range for black to white is "
                         "not known: convert it to 8 or 16 bits")
    image = ImageOps.exif_transpose(image)
    if sixteen_bits:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.array(image.convert("RGB"))


def check_image(image: Array) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8, with at least one pixel."""
    if not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray):
        raise InputError(f"{shown(image)} was given as image, expected a plain array (H, W, 3) of uint8: read it with "
                         "swin_np.images.load")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"an image of shape {image.shape} and dtype {image.dtype} was given, expected (H, W, 3) and "
                         "uint8: read it with swin_np.images.load")


def check_sides(size: int | tuple[int, int]) -> None:
    """Raise InputError unless both sides are positive; ShapeError for what is no size, or too large a one."""
    if min(pair(size)) < 1:
        raise InputError(f"size {size} was given, expected sides of at least one pixel: give a positive size")
    check_elements("the image", *pair(size), 3)


def bicubic(x: Array) -> Array:
    """Keys 1981: the cubic convolution kernel with a = -1/2, as a function of the distance in pixels; 0 beyond 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def resize_weights(old: int, new: int, pixels: slice) -> tuple[int, Array]:
    """The integer weights (n, m) of n of the `new` pixels of an axis, in m source pixels; and which is the first of m.

    The weights of a pixel sum to WEIGHT_ONE, up to rounding. When shrinking, the kernel is as much wider as the pixels
    become larger, so that every source pixel counts.
    """
    scale = old / new
    widening = max(scale, 1.0)
    centre = (np.arange(pixels.start, pixels.stop) + 0.5) * scale       # (n,)
    first = max(int(centre[0] - 2 * widening + 0.5), 0)
    last = min(int(centre[-1] + 2 * widening + 0.5), old)
    weights = bicubic((np.arange(first, last) - centre[:, None] + 0.5) * (1.0 / widening))     # (n, m)
    weights /= np.cumsum(weights, axis=1)[:, -1:]      # summed from left to right, as Pillow does
    return first, np.trunc(weights * WEIGHT_ONE + np.copysign(0.5, weights))


def resize_axis(image: Array, size: int, axis: int) -> Array:
    """Resize one axis of a uint8 image; rounded and clipped to 8 bits.

    A band of new pixels is a product of matrices with the source pixels that it sees; float64 holds these sums of
    integers exactly.
    """
    old = np.moveaxis(image, axis, 0)
    rows = old.reshape(len(old), -1)
    new = np.empty((size, rows.shape[1]), np.uint8)

    def compute(band: slice) -> None:
        seen, weights = resize_weights(len(rows), size, band)
        columns = max(1, MOST_ELEMENTS // weights.shape[1])
        for left in range(0, rows.shape[1], columns):
            part = slice(left, left + columns)
            total = weights @ rows[seen:seen + weights.shape[1], part].astype(np.float64)
            total /= WEIGHT_ONE
            total += 0.5
            new[band, part] = np.clip(np.floor(total, out=total), 0, 255, out=total)

    height = max(1, min(BAND, MOST_ELEMENTS * size // (2 * BAND * len(rows))))     # less where a pixel sees many
    for_each(compute, [slice(i, min(i + height, size)) for i in range(0, size, height)])
    return np.moveaxis(new.reshape(size, *old.shape[1:]), 0, axis)


def resize(image: Array, size: int | tuple[int, int]) -> Array:
    """Bicubic: (H, W, 3) -> (h, w, 3) uint8, each of the two passes to the last bit as Pillow's `resize(..., BICUBIC)`.

    size: (height, width), or the shorter side, where the longer becomes int(size * longer / shorter), as in
    torchvision. The horizontal pass comes first and leaves 8 bits. So it is in all of Pillow up to version 12; from
    13 on Pillow takes the vertical pass of some tall images first, which changes values, on a photograph by up to 10.
    Raises InputError for an image that is not (H, W, 3) uint8, and a size that is not positive.
    """
    check_image(image)
    check_sides(size)
    if np.isscalar(size):
        shorter = min(image.shape[:2])
        h, w = (int(size * side / shorter) for side in image.shape[:2])
    else:
        h, w = pair(size)
    return resize_axis(resize_axis(image, w, axis=1), h, axis=0)


def center_crop(image: Array, size: int | tuple[int, int]) -> Array:
    """The centre of the image: (H, W, 3) -> (h, w, 3) uint8, as in torchvision; too small a side is padded with zeros.

    An odd remainder is split by rounding half to even when cropping; when padding, the larger part goes to the bottom
    and right. Raises InputError as `resize` does.
    """
    check_image(image)
    check_sides(size)
    missing = [max(side - have, 0) for side, have in zip(pair(size), image.shape[:2], strict=True)]
    image = np.pad(image, [(m // 2, m - m // 2) for m in missing] + [(0, 0)])
    (h, w), (height, width) = pair(size), image.shape[:2]
    top, left = round((height - h) / 2), round((width - w) / 2)
    return image[top:top + h, left:left + w]


def normalise(image: Array, dtype: type = np.float32) -> Array:
    """(H, W, 3) uint8 -> (3, H, W): scaled to 0..1, then minus ImageNet's mean, over its standard deviation.

    Raises InputError for an image that is not (H, W, 3) uint8.
    """
    check_image(image)
    scaled = image.astype(dtype) / dtype(255)
    return ((scaled - np.array(IMAGENET_MEAN, dtype)) / np.array(IMAGENET_STD, dtype)).transpose(2, 0, 1)


def preprocess(image: Array, preset: Preset) -> Array:
    """What the network takes: (H, W, 3) uint8 -> (1, 3, crop, crop) float32, a batch of one."""
    return normalise(resize_and_crop(image, preset))[None]


def resize_and_crop(image: Array, preset: Preset) -> Array:
    """What the network sees, as an image to look at: (H, W, 3) -> (crop, crop, 3) uint8."""
    return center_crop(resize(image, preset.resize), preset.crop)


def sample_photograph() -> str:
    """The path of a photograph that comes with matplotlib: Grace Hopper, 600 x 512 pixels, in the public domain."""
    # imported here, since nothing else in this file needs matplotlib
    from matplotlib.cbook import get_sample_data

    return get_sample_data("grace_hopper.jpg", asfileobj=False)
