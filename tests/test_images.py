"""Image files and preprocessing: against Pillow itself, torchvision's rules of size, and torch's arithmetic."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from swin_np import images
from swin_np.errors import InputError
from swin_np.images import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PRESETS,
    bicubic,
    center_crop,
    load,
    normalise,
    preprocess,
    resize,
    sample_photograph,
)
from swin_np.parallel.pool import threads

SIZES = [
    ((37, 53), (16, 16)), ((37, 53), (80, 111)), ((64, 64), (64, 64)), ((64, 48), (64, 31)), ((64, 48), (129, 48)),
    ((1, 1), (5, 7)), ((9, 7), (1, 1)), ((1, 50), (20, 3)), ((50, 1), (3, 20)), ((2, 3), (3, 2)), ((300, 7), (11, 90)),
    ((101, 307), (32, 97)), ((224, 225), (225, 224)), ((5, 400), (400, 5)), ((1, 400), (48, 5000)),
    ((400, 1), (5000, 48)), ((3, 9000), (2, 7)), ((9000, 3), (7, 2)), ((700, 900), (1, 2)), ((700, 900), (2, 1)),
    ((40, 41), (41, 40)),
]


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def pillow_resize(image, height, width):
    """Pillow's two passes, asked for one by one: the horizontal first, as versions before 13 always do it."""
    image = Image.fromarray(image).resize((width, image.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_resize_of_noise_equals_pillow_in_every_bit(rng, old, new):
    image = noise(rng, *old)
    assert np.array_equal(resize(image, new), pillow_resize(image, *new))


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_resize_of_black_and_white_clips_like_pillow(rng, old, new):
    image = np.where(noise(rng, *old) > 127, 255, 0).astype(np.uint8)   # the kernel overshoots everywhere
    assert np.array_equal(resize(image, new), pillow_resize(image, *new))


def test_resize_equals_pillow_for_many_random_sizes(rng):
    for old, new in rng.integers(1, 70, (200, 2, 2)).tolist():
        image = noise(rng, *old)
        assert np.array_equal(resize(image, new), pillow_resize(image, *new)), f"{old} to {new}"


def test_resize_equals_pillow_for_random_ratios_from_tiny_to_huge(rng):
    for old, new in np.exp(rng.uniform(0, np.log(600), (60, 2, 2))).astype(int).tolist():
        image = noise(rng, *old)
        assert np.array_equal(resize(image, new), pillow_resize(image, *new)), f"{old} to {new}"


def test_resize_takes_bands_of_pixels_and_not_one_after_the_other(rng, monkeypatch):
    calls = []

    def counted(x):
        calls.append(x.shape)
        return bicubic(x)

    monkeypatch.setattr(images, "bicubic", counted)
    resize(noise(rng, 1, 40), (3, 8000))
    assert len(calls) <= (3 + 8000) / 8


@pytest.mark.parametrize(("old", "new"), [((1500, 1000), (60, 40)), ((40, 60), (1000, 1500)), ((800, 900), (801, 901)),
                                          ((1, 30), (500, 4000)), ((8, 90_000), (7, 20)), ((90_000, 8), (20, 7))])
def test_resize_holds_a_few_times_the_source_and_the_result(old, new):
    image = np.zeros((*old, 3), np.uint8)
    between = 3 * old[0] * new[1]                      # bytes, after the horizontal pass
    tracemalloc.start()
    with threads(1):
        resized = resize(image, new)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2 * (image.nbytes + between + resized.nbytes) + 24 * 2 ** 20


@pytest.mark.parametrize("size", [232, 238, 246, 248, 256, 700])
def test_resize_of_a_photograph_equals_one_call_of_pillow(size):
    photograph = load(sample_photograph())
    ours = resize(photograph, size)
    theirs = Image.fromarray(photograph).resize((ours.shape[1], ours.shape[0]), Image.Resampling.BICUBIC)
    assert np.array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize(("old", "size", "expected"), [
    ((600, 512), 232, (271, 232)),                     # 232 * 600 / 512 = 271.875, cut off
    ((512, 600), 232, (232, 271)),
    ((333, 500), 256, (256, 384)),                     # 384.38
    ((500, 375), 248, (330, 248)),                     # 330.67
    ((240, 240), 256, (256, 256)),
    ((7, 1), 3, (21, 3)),
])
def test_one_number_is_the_shorter_side_and_the_longer_is_cut_off_as_in_torchvision(old, size, expected):
    assert resize(np.zeros((*old, 3), np.uint8), size).shape == (*expected, 3)


@pytest.mark.parametrize(("height", "top"), [
    (10, 3), (9, 2), (11, 4), (13, 4), (15, 6),        # (H - 4) / 2 = 3, 2.5, 3.5, 4.5, 5.5: half goes to the even
])
def test_center_crop_rounds_its_offset_half_to_even_as_torchvision(height, top):
    image = np.zeros((height, 6, 3), np.uint8)
    image += np.arange(height, dtype=np.uint8)[:, None, None]
    assert center_crop(image, (4, 6))[0, 0, 0] == top


def test_center_crop_cuts_rows_by_height_and_columns_by_width(rng):
    image = noise(rng, 20, 31)
    assert np.array_equal(center_crop(image, (6, 11)), image[7:13, 10:21])


def test_center_crop_pads_a_small_image_with_zeros_the_larger_part_bottom_and_right(rng):
    image = noise(rng, 4, 7)
    expected = np.zeros((9, 10, 3), np.uint8)
    expected[2:6, 1:8] = image                         # 5 rows missing: 2 above, 3 below; 3 columns: 1 left, 2 right
    assert np.array_equal(center_crop(image, (9, 10)), expected)


def test_center_crop_pads_one_side_and_cuts_the_other(rng):
    image = noise(rng, 4, 20)
    assert np.array_equal(center_crop(image, 8), np.pad(image[:, 6:14], ((2, 2), (0, 0), (0, 0))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalise_equals_torch_in_every_bit(rng, dtype):
    torch = pytest.importorskip("torch")
    image = noise(rng, 5, 8)
    mean, std = (torch.from_numpy(np.array(values, dtype))[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    theirs = (torch.from_numpy(image).permute(2, 0, 1).to(mean.dtype).div(255) - mean) / std
    ours = normalise(image, dtype)
    assert ours.dtype == dtype
    assert np.array_equal(ours, theirs.numpy())


def test_the_normalised_range_is_that_of_imagenet():
    black_and_white = normalise(np.array([[[0] * 3, [255] * 3]], np.uint8))
    assert np.allclose(black_and_white[:, 0], [[-2.1179, 2.2489], [-2.0357, 2.4286], [-1.8044, 2.64]], atol=1e-4)


@pytest.mark.parametrize(("name", "expected"), [
    ("microsoft", (256, 224)), ("microsoft_384", ((384, 384), 384)), ("timm", (int(224 / 0.9), 224)),
    ("torchvision_swin_t", (232, 224)), ("torchvision_swin_s", (246, 224)), ("torchvision_swin_b", (238, 224)),
])
def test_presets_have_the_published_sizes(name, expected):
    assert (PRESETS[name].name, PRESETS[name].resize, PRESETS[name].crop) == (name, *expected)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_preprocess_gives_a_batch_of_one_of_the_crop(rng, preset):
    result = preprocess(noise(rng, 100, 163), preset)
    assert result.shape == (1, 3, preset.crop, preset.crop)
    assert result.dtype == np.float32


def test_preprocess_equals_the_steps_in_pillow(rng):
    image = noise(rng, 300, 401)
    resized = Image.fromarray(image).resize((342, 256), Image.Resampling.BICUBIC)
    cropped = np.asarray(resized.crop((59, 16, 283, 240)))
    assert np.array_equal(preprocess(image, PRESETS["microsoft"])[0], normalise(cropped))


def test_load_reads_the_sample_photograph():
    photograph = load(sample_photograph())
    assert (photograph.shape, photograph.dtype) == ((600, 512, 3), np.uint8)
    assert photograph.std() > 50


@pytest.mark.parametrize("orientation", range(1, 9))
def test_load_applies_the_exif_orientation(rng, tmp_path, orientation):
    upright = noise(rng, 5, 8)
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
              5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: np.rot90(upright, 2).transpose(1, 0, 2),
              8: np.rot90(upright, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "photo.png", exif=exif)
    assert np.array_equal(load(tmp_path / "photo.png"), upright)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_load_converts_the_modes_of_png_as_pillow_does(rng, tmp_path, mode):
    image = Image.fromarray(noise(rng, 6, 9)).convert(mode)
    image.save(tmp_path / "image.png")
    assert np.array_equal(load(tmp_path / "image.png"), np.asarray(image.convert("RGB")))


def test_load_drops_transparency_and_keeps_the_hidden_colours(rng, tmp_path):
    pixels = rng.integers(0, 256, (4, 5, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    assert np.array_equal(load(tmp_path / "image.png"), pixels[:, :, :3])


def test_load_converts_cmyk(tmp_path):
    Image.new("CMYK", (5, 4), (0, 255, 255, 0)).save(tmp_path / "red.tif")
    assert np.array_equal(load(tmp_path / "red.tif"), np.broadcast_to(np.uint8([255, 0, 0]), (4, 5, 3)))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_load_keeps_the_upper_8_of_16_bits(tmp_path, ending):
    grey, path = np.array([[0, 255, 256], [4095, 32768, 65535]], np.uint16), tmp_path / f"grey.{ending}"
    if ending == "pgm":
        path.write_bytes(b"P5 3 2 65535 " + grey.astype(">u2").tobytes())
    else:
        Image.fromarray(grey).save(path)
    assert load(path)[:, :, 0].tolist() == [[0, 0, 1], [15, 128, 255]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_load_refuses_32_bit_pixels(tmp_path, mode):
    Image.new(mode, (5, 4), 7).save(tmp_path / "image.tif")
    with pytest.raises(InputError, match="32-bit pixels"):
        load(tmp_path / "image.tif")


def test_load_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no file .*nowhere\.jpg"):
        load(tmp_path / "nowhere.jpg")


def test_load_refuses_a_folder(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        load(tmp_path)


def test_load_refuses_an_empty_file(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(InputError, match="is empty"):
        load(tmp_path / "empty.png")


def test_load_refuses_what_is_no_image(tmp_path):
    (tmp_path / "text.jpg").write_text("not a photograph")
    with pytest.raises(InputError, match="is no image"):
        load(tmp_path / "text.jpg")


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_load_refuses_a_truncated_file_of_every_kind(rng, tmp_path, ending):
    path = tmp_path / f"photo.{ending}"
    Image.fromarray(noise(rng, 40, 50)).save(path)
    path.write_bytes(path.read_bytes()[:-path.stat().st_size // 2])
    with pytest.raises(InputError, match="photo"):
        load(path)


@pytest.mark.parametrize("limit", [19, 30])            # of 40 pixels: twice the limit is Pillow's error, less a warning
def test_load_refuses_a_decompression_bomb(tmp_path, monkeypatch, limit):
    Image.new("RGB", (8, 5)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(InputError, match=f"more than the {limit} pixels"):
        load(tmp_path / "bomb.png")


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)),
                                   np.zeros((3, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
@pytest.mark.parametrize("function", [lambda image: resize(image, 2), lambda image: center_crop(image, 2), normalise])
def test_arrays_that_are_no_image_are_refused(image, function):
    with pytest.raises(InputError, match="expected"):
        function(image)


@pytest.mark.parametrize("function", [resize, center_crop])
@pytest.mark.parametrize("size", [0, -3, (4, 0), (0, 4)])
def test_sizes_that_are_not_positive_are_refused(function, size):
    with pytest.raises(InputError, match="positive"):
        function(np.zeros((4, 4, 3), np.uint8), size)
