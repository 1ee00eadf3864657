"""What goes wrong between an image file and the network's input."""

from functools import partial

import numpy as np

from swin_np.functional import Array, pair
from swin_np.images import center_crop, normalise, resize, resize_and_crop
from swin_np.mistakes.mistake import mistake
from swin_np.preprocessing.presets import IMAGENET_MEAN, IMAGENET_STD, Colour, Preset

INPUT = "input"
NORMALISE = "swin_np.images.normalise"
KERNEL = "swin_np.images.bicubic"
RESIZE = "swin_np.images.resize"
RESIZE_AND_CROP = "swin_np.images.resize_and_crop"
PREPROCESSING = "section 4.1, image classification"

RIGHT_NORMALISE = partial(normalise)                   # an object of its own, which planting leaves be


@mistake("swin_np.images.preprocess", place=PREPROCESSING, modules=INPUT,
         says="Red and blue are exchanged, as in images read with OpenCV.",
         fix="Turn BGR into RGB: image[..., ::-1].")
def bgr_channels(image: Array, preset: Preset) -> Array:
    return normalise(resize_and_crop(image[..., ::-1], preset), mean=preset.mean, std=preset.std)[None]


@mistake(NORMALISE, place=PREPROCESSING, modules=INPUT,
         says="Mean and standard deviation are exchanged.",
         fix="Subtract the mean (0.485, 0.456, 0.406), divide by the standard deviation (0.229, 0.224, 0.225).")
def mean_and_std_swapped(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
                         std: Colour = IMAGENET_STD) -> Array:
    return RIGHT_NORMALISE(image, dtype, mean=std, std=mean)


@mistake(NORMALISE, place=PREPROCESSING, modules=INPUT,
         says="The pixels are scaled to 0..1 but not normalised.",
         fix="Subtract ImageNet's mean and divide by its standard deviation.")
def not_normalised(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
                   std: Colour = IMAGENET_STD) -> Array:
    return RIGHT_NORMALISE(image, dtype, mean=(0, 0, 0), std=(1, 1, 1))


@mistake(NORMALISE, place=PREPROCESSING, modules=INPUT,
         says="The pixels are not divided by 255 before ImageNet's mean and standard deviation, which are for 0..1.",
         fix="Divide by 255 first.")
def pixels_to_255(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
                  std: Colour = IMAGENET_STD) -> Array:
    pixels = image.astype(dtype)
    return ((pixels - np.array(mean, dtype)) / np.array(std, dtype)).transpose(2, 0, 1)


@mistake(NORMALISE, place=PREPROCESSING, modules=INPUT,
         says="The pixels are normalised with mean 0.5 and standard deviation 0.5, those of other networks.",
         fix="Use ImageNet's mean (0.485, 0.456, 0.406) and standard deviation (0.229, 0.224, 0.225).")
def normalised_by_halves(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
                         std: Colour = IMAGENET_STD) -> Array:
    return RIGHT_NORMALISE(image, dtype, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@mistake(NORMALISE, place=PREPROCESSING, modules=INPUT,
         says="(H, W, 3) is reshaped to (3, H, W) instead of transposed, which gives three grey pieces of the image.",
         fix="Transpose to (3, H, W); a reshape keeps the order in memory.")
def channels_reshaped_to_the_front(image: Array, dtype: type = np.float32, mean: Colour = IMAGENET_MEAN,
                                   std: Colour = IMAGENET_STD) -> Array:
    normalised = RIGHT_NORMALISE(image, dtype, mean, std).transpose(1, 2, 0)
    return normalised.reshape(3, *image.shape[:2])


@mistake(KERNEL, place=PREPROCESSING, modules=INPUT, needs="an image that is resized",
         says="The image is resized by bilinear instead of bicubic interpolation.",
         fix="Resize with bicubic interpolation.")
def bilinear_resize(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def interpolate(image: Array, size: int | tuple[int, int], a: float) -> Array:
    """Resize by the cubic kernel of parameter `a` between the four nearest pixels an axis, however much it shrinks."""
    shorter, x = min(image.shape[:2]), image.astype(np.float64)
    h, w = (int(size * side / shorter) for side in image.shape[:2]) if np.isscalar(size) else size
    for axis, new in ((1, w), (0, h)):
        old = image.shape[axis]
        centre = (np.arange(new) + 0.5) * old / new - 0.5
        taps = np.floor(centre).astype(int) + np.arange(-1, 3)[:, None]         # (4, new)
        d = np.abs(taps - centre)
        weights = np.where(d < 1, ((a + 2) * d - (a + 3)) * d * d + 1, (((d - 5) * d + 8) * d - 4) * a)
        pixels = np.moveaxis(x, axis, -1)[..., np.clip(taps, 0, old - 1)]       # (..., 4, new)
        x = np.moveaxis((pixels * weights).sum(axis=-2), -1, axis)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


@mistake(RESIZE, place=PREPROCESSING, modules=INPUT, needs="an image that is resized",
         says="The image is resized by the bicubic interpolation of OpenCV and of PyTorch's tensors, whose kernel has "
              "a = -3/4 in place of -1/2 and is not widened when shrinking.",
         fix="Resize with Pillow, or in PyTorch ask for antialiasing, which also changes the kernel.")
def resize_of_opencv(image: Array, size: int | tuple[int, int], filter: str = "bicubic") -> Array:
    return interpolate(image, size, -0.75)


@mistake(RESIZE, place=PREPROCESSING, modules=INPUT, needs="an image that is shrunk",
         says="The bicubic kernel is not widened when shrinking, so source pixels are skipped, as TensorFlow and JAX "
              "do without antialiasing.",
         fix="Resize with Pillow, or ask for antialiasing.")
def resize_without_antialiasing(image: Array, size: int | tuple[int, int], filter: str = "bicubic") -> Array:
    return interpolate(image, size, -0.5)


@mistake(RESIZE_AND_CROP, place=PREPROCESSING, modules=INPUT, needs="a preset that crops",
         says="The whole image is squashed into the square instead of keeping its aspect ratio and being cropped.",
         fix="Resize the shorter side, then crop the centre.")
def squashed_for_cropped(image: Array, preset: Preset) -> Array:
    return resize(image, pair(preset.crop), preset.filter)


@mistake(RESIZE_AND_CROP, place=PREPROCESSING, modules=INPUT, needs="a preset that crops",
         says="The shorter side is resized to the crop's 224 instead of 256, so the crop shows more of the image.",
         fix="Resize the shorter side to the preset's size before the crop.")
def resized_to_the_crop(image: Array, preset: Preset) -> Array:
    return center_crop(resize(image, preset.crop, preset.filter), preset.crop, preset.crop_rounding)
