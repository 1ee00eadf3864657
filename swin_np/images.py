"""From an image file to the network's input: load, resize, crop, normalise, as each implementation does."""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from swin_np.arguments.checks import shown
from swin_np.arguments.door import takes
from swin_np.arguments.names import check_name
from swin_np.errors import ConfigurationError, InputError
from swin_np.functional import Array, pair
from swin_np.layers import check_dtype
from swin_np.parallel.pool import for_each
from swin_np.preprocessing.presets import FILTERS, IMAGENET_MEAN, IMAGENET_STD, ROUNDINGS, Colour, Preset, colour
from swin_np.preprocessing.presets import PRESETS as PRESETS  # this is where a user looks for them

WEIGHT_ONE = 1 << 22                                   # Pillow's weights are integers, this one stands for 1
BAND, MOST_ELEMENTS = 16, 1 << 18                      # new pixels of an axis, and source pixels, taken at a time


def load(path: str | Path) -> Array:
    """The image of a file as (H, W, 3) uint8, red green blue; of several frames the first.

    The orientation in the EXIF data is applied (torchvision's own loader ignores it). Grey, palette, CMYK and
    transparent images become what Pillow's `convert("RGB")` gives, which torchvision's users get: transparency is
    dropped, the hidden colours show. Of 16 bits the upper 8 stay.

    Raises InputError for a file that is missing, empty, damaged, no image, or larger than Pillow's limit of pixels.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InputError(f"{shown(path)} was given, expected the path of an image file: give a text or a Path")
    path = Path(path)
    if os.path.isdir(path):
        raise InputError(f"there is no file {path}, which is a folder: give the path of an image file in it")
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
        raise InputError(f"{shown(image)} was given, expected an image of Pillow: read it with PIL.Image.open")
    sixteen_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if image.mode in ("I", "F") and not sixteen_bits:
        name = getattr(image, "filename", "the image")
        raise InputError(f"{name} has 32-bit pixels (mode {image.mode}), whose range for black to white is not known: "
                         "convert it to 8 or 16 bits")
    image = ImageOps.exif_transpose(image)
    if sixteen_bits:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.array(image.convert("RGB"))


def check_image(image: Array) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8, with at least one pixel and none masked."""
    if not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray):
        raise InputError(f"{shown(image)} was given, expected a plain array (H, W, 3) of uint8: "
                         "read the image with swin_np.images.load")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"an image of shape {image.shape} and dtype {image.dtype} was given, expected (H, W, 3) and "
                         "uint8: read it with swin_np.images.load")


def check_sides(size: int | tuple[int, int]) -> None:
    """Raise InputError unless both sides are positive and the pixels not more than Pillow takes for safe."""
    h, w = pair(size)
    if min(h, w) < 1:
        raise InputError(f"size {h}x{w} was given, expected sides of at least one pixel: give a positive size")
    if Image.MAX_IMAGE_PIXELS and h * w > Image.MAX_IMAGE_PIXELS:
        raise InputError(f"an image of {h}x{w} pixels was asked for, which is more than the {Image.MAX_IMAGE_PIXELS} "
                         "that Pillow takes for safe: give a smaller size, or cut off the ends of a long image first")


@takes(x="any")
def bicubic(x: Array) -> Array:
    """Keys 1981: the cubic convolution kernel with a = -1/2, as a function of the distance in pixels; 0 beyond 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


@takes(x="any")
def bilinear(x: Array) -> Array:
    """The kernel of linear interpolation, a triangle, as a function of the distance in pixels; 0 beyond 1."""
    return (1 - np.abs(x)).clip(min=0.0)


def resize_weights(old: int, new: int, pixels: slice, filter: str = "bicubic") -> tuple[int, Array]:
    """The integer weights (n, m) of n of the `new` pixels of an axis, in m source pixels; and which is the first of m.

    The weights of a pixel sum to WEIGHT_ONE, up to rounding. When shrinking, the kernel is as much wider as the pixels
    become larger, so that every source pixel counts.
    """
    kernel, support = {"bicubic": (bicubic, 2), "bilinear": (bilinear, 1)}[filter]
    scale = old / new
    widening = max(scale, 1.0)
    centre = (np.arange(pixels.start, pixels.stop)[:, None] + 0.5) * scale      # (n, 1)
    start = np.maximum((centre - support * widening + 0.5).astype(int), 0)
    stop = np.minimum((centre + support * widening + 0.5).astype(int), old)
    source = np.arange(start[0, 0], stop[-1, 0])       # (m,)
    seen = (source >= start) & (source < stop)         # (n, m)
    weights = np.where(seen, kernel((source - centre + 0.5) * (1.0 / widening)), 0.0)
    weights /= np.cumsum(weights, axis=1)[:, -1:]      # summed from left to right, as Pillow does
    return source[0], np.trunc(weights * WEIGHT_ONE + np.copysign(0.5, weights))


def resize_axis(image: Array, size: int, axis: int, filter: str = "bicubic") -> Array:
    """Resize one axis of a uint8 image; rounded and clipped to 8 bits.

    A band of new pixels is a product of matrices with the source pixels that it sees; float64 holds these sums of
    integers exactly.
    """
    old = np.moveaxis(image, axis, 0)
    rows = old.reshape(len(old), -1)
    new = np.empty((size, rows.shape[1]), np.uint8)

    def compute(band: slice) -> None:
        start, weights = resize_weights(len(rows), size, band, filter)
        columns = max(1, MOST_ELEMENTS // weights.shape[1])
        for left in range(0, rows.shape[1], columns):
            part = slice(left, left + columns)
            total = weights @ rows[start:start + weights.shape[1], part].astype(np.float64)
            total /= WEIGHT_ONE
            total += 0.5
            new[band, part] = np.clip(np.floor(total, out=total), 0, 255, out=total)

    height = max(1, min(BAND, MOST_ELEMENTS * size // (2 * BAND * len(rows))))     # less where a pixel sees many
    for_each(compute, [slice(i, min(i + height, size)) for i in range(0, size, height)])
    return np.moveaxis(new.reshape(size, *old.shape[1:]), 0, axis)


def resize(image: Array, size: int | tuple[int, int], filter: str = "bicubic") -> Array:
    """(H, W, 3) -> (h, w, 3) uint8, each of the two passes to the last bit as Pillow's `resize(..., filter)`.

    size: (height, width), or the shorter side, where the longer becomes int(size * longer / shorter), as in
    torchvision. filter: "bicubic" or "bilinear". The horizontal pass comes first and leaves 8 bits. So it is in all of
    Pillow up to version 12; from 13 on Pillow takes the vertical pass of some tall images first, which changes values,
    on a photograph by up to 10.
    Raises InputError for an image that is not (H, W, 3) uint8, and a size that is not positive or of too many pixels;
    ConfigurationError for another filter.
    """
    check_image(image)
    check_name("filter", filter, FILTERS)
    h, w = resized(image.shape[:2], size)
    return resize_axis(resize_axis(image, w, 1, filter), h, 0, filter)


def resized(old: tuple[int, int], size: int | tuple[int, int]) -> tuple[int, int]:
    """The (height, width) that `resize` gives an image of the size `old`; InputError for what it refuses."""
    check_sides(size)
    if isinstance(size, tuple | list | np.ndarray):
        return pair(size)
    h, w = (int(pair(size)[0] * side / min(old)) for side in old)
    check_sides((h, w))
    return h, w


def center_crop(image: Array, size: int | tuple[int, int], rounding: str = "half to even") -> Array:
    """The centre of the image: (H, W, 3) -> (h, w, 3) uint8, as in torchvision; too small a side is padded with zeros.

    rounding: where an odd number of rows or columns is cut off, half of it is rounded "half to even", as in
    torchvision, or "down", as in transformers. When padding, the larger part goes to the bottom and right.
    Raises InputError as `resize` does, ConfigurationError for another rounding.
    """
    check_image(image)
    check_sides(size)
    check_name("rounding", rounding, ROUNDINGS)
    missing = [max(side - have, 0) for side, have in zip(pair(size), image.shape[:2], strict=True)]
    image = np.pad(image, [(m // 2, m - m // 2) for m in missing] + [(0, 0)])
    (h, w), (top, left) = pair(size), crop_corner(image.shape[:2], pair(size), rounding)
    return image[top:top + h, left:left + w]


def crop_corner(old: tuple[int, int], size: tuple[int, int], rounding: str) -> tuple[int, int]:
    """(top, left) of the centre (h, w) of an image of the size `old`, which is no smaller."""
    top, left = (cut // 2 if rounding == "down" else round(cut / 2)
                 for cut in (have - side for side, have in zip(size, old, strict=True)))
    return top, left


def normalise(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
              std: Colour = IMAGENET_STD) -> Array:
    """(H, W, 3) uint8 -> (3, H, W): scaled to 0..1, then minus the mean of each colour, over its standard deviation.

    Raises InputError for an image that is not (H, W, 3) uint8; ConfigurationError for a dtype other than float32 and
    float64, a mean that is not three finite numbers, and a standard deviation that is not three positive ones.
    """
    check_image(image)
    check_dtype(dtype)
    mean, std = colour("mean", mean), colour("std", std, positive=True)
    scaled = image.astype(dtype) / np.dtype(dtype).type(255)
    return ((scaled - np.array(mean, dtype)) / np.array(std, dtype)).transpose(2, 0, 1)


def preprocess(image: Array, preset: Preset) -> Array:
    """What the network takes: (H, W, 3) uint8 -> (1, 3, crop, crop) float32, a batch of one."""
    return normalise(resize_and_crop(image, preset), mean=preset.mean, std=preset.std)[None]


def resize_and_crop(image: Array, preset: Preset) -> Array:
    """What the network sees, as an image to look at: (H, W, 3) -> (crop, crop, 3) uint8."""
    check_image(image)
    if not isinstance(preset, Preset):
        raise ConfigurationError(f"a {type(preset).__name__} was given, expected a Preset: take one of "
                                 "swin_np.images.PRESETS")
    return center_crop(resize(image, resize_to(image.shape[:2], preset), preset.filter), preset.crop,
                       preset.crop_rounding)


def resize_to(old: tuple[int, int], preset: Preset) -> int | tuple[int, int]:
    """What a preset resizes an image of the size `old` to, as `resize` takes it."""
    return covering(old, pair(preset.resize)) if preset.cover else preset.resize


def place_in_crop(old: tuple[int, int], preset: Preset, pixel: tuple[int, int]) -> tuple[int, int]:
    """Where `resize_and_crop` puts the centre of a pixel (row, column) of an image of the size `old`: (row, column).

    Raises InputError for a pixel that is not in the image or is cropped away, with those that are seen, and for an
    image so small that the crop lies between the centres of its pixels.
    """
    new = resized(old, resize_to(old, preset))
    corner, places, ranges = crop_corner(new, pair(preset.crop), preset.crop_rounding), [], []
    for side, new_side, first, kept in zip(old, new, corner, pair(preset.crop), strict=True):
        where = np.floor((np.arange(side) + 0.5) * new_side / side).astype(int) - first
        seen = np.flatnonzero((where >= 0) & (where < kept))
        if not seen.size:
            raise InputError(f"the image has {old[1]} columns and {old[0]} rows, so few that what the model sees of it "
                             "holds the centre of no pixel: give a larger image")
        places.append(where)
        ranges.append((int(seen[0]), int(seen[-1])))
    if not all(low <= number <= high for number, (low, high) in zip(pixel, ranges, strict=True)):
        (top, bottom), (left, right) = ranges
        raise InputError(f"the pixel in column {pixel[1]}, row {pixel[0]} is not in what the model sees of the image, "
                         f"which has {old[1]} columns and {old[0]} rows: give a column from {left} to {right} and a "
                         f"row from {top} to {bottom}")
    return int(places[0][pixel[0]]), int(places[1][pixel[1]])


def covering(old: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The size (h, w) of an image that just covers `size`, with the aspect ratio of the size `old`, rounded as timm."""
    ratio = min(side / new for side, new in zip(old, size, strict=True))
    return round(old[0] / ratio), round(old[1] / ratio)


def sample_photograph() -> str:
    """The path of a photograph that comes with matplotlib: Grace Hopper, 600 x 512 pixels, in the public domain."""
    # imported here, since nothing else in this file needs matplotlib
    from matplotlib.cbook import get_sample_data

    return get_sample_data("grace_hopper.jpg", asfileobj=False)
