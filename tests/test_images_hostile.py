"""What is no image, no size, no colour and no preset: the functions on images give the right result or a SwinError."""

import itertools

import numpy as np
import pytest

from swin_np import images
from swin_np.errors import SwinError
from swin_np.preprocessing.presets import PRESETS, Preset

GOOD = np.random.default_rng(7).integers(0, 256, (9, 13, 3), dtype=np.uint8)
READ_ONLY = GOOD.copy()
READ_ONLY.flags.writeable = False

IMAGES = [READ_ONLY, np.asfortranarray(GOOD), np.repeat(GOOD, 2, axis=1)[:, ::2], GOOD.view(np.recarray)]
"""The same pixels, otherwise in memory."""
NO_IMAGES = [
    None, "photo.jpg", 3, b"abc", object(), GOOD.tolist(), *(GOOD.astype(dtype) for dtype in (
        int, np.int8, ">u2", np.float16, np.float32, float, bool, complex, object, "U3")),
    np.ma.masked_array(GOOD, GOOD > 3), np.ma.masked_array(GOOD, False), GOOD[..., 0], GOOD[..., :2], GOOD[None],
    np.zeros((0, 3, 3), np.uint8), np.uint8(3), np.zeros((2, 2, 3), "datetime64[s]"),
]
SIZES = [5, (4, 5), [4, 5], np.int64(5), np.uint8(200), np.array([4, 5])]
NO_SIZES = [0, -1, True, 5.0, "5", None, (4,), (4, 5, 6), (4.0, 5), ("4", 5), (None, None), np.nan, np.inf, 10**9,
            10**5000, -10**5000, (10**9, 1), {4, 5}, {"a": 1}, b"ab", np.float32(3), np.array(5.0)]
COLOURS = [(0.5, 0.4, 0.3), [1, 2, 3], np.array([0.1, 0.2, 0.3]), (np.float32(0.5), 1, 2)]
NO_COLOURS = [None, 0.5, "abc", ("1", "2", "3"), (1, 2), (1, 2, 3, 4), (np.nan, 1, 1), (1e400, 1, 1), (10**400, 1, 1),
              (1j, 1, 1), (None, 1, 1), np.ones((3, 1)), np.ma.masked_array([1.0, 2, 3], [0, 1, 0])]
NO_NAMES = ["nearest", "", None, 3, b"bicubic", ["bicubic"], np.array(["bicubic", "bilinear"])]
NO_DTYPES = [np.float16, float, int, "float32", None, np.int8, object, np.array([1, 2]), [np.float32], np.longdouble]
NO_PRESETS = [None, "microsoft", 3, PRESETS, {"resize": 3}]
NO_PATHS = [None, 3, "", "nowhere", b"photo.jpg", "\0", ["photo.jpg"], "/", object()]

pytestmark = pytest.mark.filterwarnings("error")


def bad_calls():
    for image in NO_IMAGES:
        for function in (images.normalise, images.check_image, images.rgb):
            yield function, (image,), {}
        for function in (images.preprocess, images.resize_and_crop):
            yield function, (image, PRESETS["timm"]), {}
        for function, size in itertools.product((images.resize, images.center_crop), SIZES[:2] + NO_SIZES[:3]):
            yield function, (image, size), {}
    for size in NO_SIZES:
        yield images.check_sides, (size,), {}
        yield Preset, ("mine", size, 224), {}
        yield Preset, ("mine", 256, size), {}
        for function in (images.resize, images.center_crop):
            yield function, (GOOD, size), {}
    for name in NO_NAMES:
        yield images.resize, (GOOD, 5, name), {}
        yield images.center_crop, (GOOD, 5, name), {}
        yield Preset, ("mine", 256, 224), {"filter": name}
        yield Preset, ("mine", 256, 224), {"crop_rounding": name}
    for colour, name in itertools.product(NO_COLOURS, ("mean", "std")):
        yield images.normalise, (GOOD,), {name: colour}
        yield Preset, ("mine", 256, 224), {name: colour}
    for dtype in NO_DTYPES:
        yield images.normalise, (GOOD, dtype), {}
    for preset in NO_PRESETS:
        yield images.preprocess, (GOOD, preset), {}
        yield images.resize_and_crop, (GOOD, preset), {}
    for path in NO_PATHS:
        yield images.load, (path,), {}
    for x in (None, "a", [0.5], np.array(["a"]), np.array([1]), np.ma.masked_array([0.5], True)):
        yield images.bicubic, (x,), {}
        yield images.bilinear, (x,), {}
    yield Preset, ("mine", 256, 224), {"cover": True}
    yield Preset, ("mine", (256, 256), 224), {"cover": "yes"}
    yield images.normalise, (GOOD,), {"std": (1, 0, 1)}
    yield images.normalise, (GOOD,), {"std": (1, 1e-320, 1)}           # 0 in float32
    yield images.normalise, (GOOD,), {"mean": (1, 1e300, 1)}           # infinite there
    yield images.normalise, (GOOD,), {"std": (1, -1, 1)}


def test_bad_calls_end_in_one_sentence():
    calls = list(bad_calls())
    assert len(calls) > 500
    for function, arguments, named in calls:
        with pytest.raises(SwinError) as error:
            function(*arguments, **named)
        assert len(str(error.value).splitlines()) == 1, (function, arguments, named)


@pytest.mark.parametrize("image", IMAGES)
def test_memory_order_and_writing_protection_change_no_pixel(image):
    for size, filter in itertools.product(SIZES, ("bicubic", "bilinear")):
        assert np.array_equal(images.resize(image, size, filter), images.resize(GOOD, size, filter))
        assert np.array_equal(images.center_crop(image, size), images.center_crop(GOOD, size))
    for colour in COLOURS:
        assert np.array_equal(images.normalise(image, np.float64, colour, colour),
                              images.normalise(GOOD, np.dtype("float64"), colour, colour))
    assert np.array_equal(images.preprocess(image, PRESETS["timm_vit"]), images.preprocess(GOOD, PRESETS["timm_vit"]))


@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_colours_of_numpy_make_the_same_preset(size):
    plain = tuple(int(side) for side in size) if np.ndim(size) else int(size)
    preset = Preset("mine", size, size, mean=np.array([0.1, 0.2, 0.3]), std=[1, 2, 3])
    assert preset == Preset("mine", plain, plain, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))
    assert hash(preset)


def test_results_of_too_many_pixels_are_refused_before_they_are_made():
    with pytest.raises(SwinError, match="cut off the ends"):
        images.resize(np.zeros((1, 400_000, 3), np.uint8), 256)
