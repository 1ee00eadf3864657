"""The five shape policies on maps that do not fit, against explicit padding and ragged windows."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np import MICROSOFT, MMDETECTION, SHAPE_POLICIES, TIMM, TORCHVISION, TRANSFORMERS
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.ragged import ragged_window_attention
from swin_np.variants import SwinConfig
from tests.matching import assert_matches

TINY = SwinConfig(32, 4, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4, num_classes=3)


def tiny(policy, img_size=32, dtype=np.float64) -> SwinTransformer:
    model = SwinTransformer.random(replace(TINY, shape_policy=policy, img_size=img_size))
    redraw(model, 5)
    return model.astype(dtype)


@pytest.mark.parametrize(("policy", "map_size", "expected"), [
    (MICROSOFT, (4, 16), ((4, 4), (0, 0))), (MICROSOFT, (14, 3), ((3, 3), (0, 0))),
    (MICROSOFT, (7, 7), ((7, 7), (0, 0))), (MICROSOFT, (8, 14), ((7, 7), (3, 3))),
    (TRANSFORMERS, (7, 14), ((7, 7), (0, 0))), (TRANSFORMERS, (8, 14), ((7, 7), (3, 3))),
    (TIMM, (4, 16), ((4, 7), (0, 3))), (TIMM, (7, 7), ((7, 7), (0, 0))), (TIMM, (9, 8), ((7, 7), (3, 3))),
    (TORCHVISION, (4, 16), ((7, 7), (0, 3))), (TORCHVISION, (8, 7), ((7, 7), (3, 0))),
    (MMDETECTION, (4, 16), ((7, 7), (3, 3))), (MMDETECTION, (7, 7), ((7, 7), (3, 3))),
])
def test_window_and_shift_on_small_maps(policy, map_size, expected):
    assert policy.window_and_shift(map_size, (7, 7), (3, 3)) == expected


@pytest.mark.parametrize("policy", [TORCHVISION, MMDETECTION, TRANSFORMERS])
@pytest.mark.parametrize("map_size", [(7, 9), (8, 5), (11, 6)])
def test_pad_then_roll_is_ragged_attention_on_the_padded_map(policy, map_size, rng):
    block = tiny(policy).layers[0].blocks[1]
    x = rng.standard_normal((2, *map_size, 8))
    h, w = map_size
    padded = np.zeros((2, h + -h % 4, w + -w % 4, 8))
    padded[:, :h, :w] = x
    truth = ragged_window_attention(padded, block.attn, (2, 2))[:, :h, :w]
    assert_matches(block.attend(x), truth)


@pytest.mark.parametrize(("policy", "shift"), [(TORCHVISION, (0, 0)), (TRANSFORMERS, (0, 0)), (MICROSOFT, (0, 0)),
                                               (TIMM, (0, 0)), (MMDETECTION, (2, 2))])
def test_only_mmdetection_shifts_a_map_of_one_window(policy, shift, rng):
    block = tiny(policy).layers[1].blocks[1]
    x = rng.standard_normal((2, 4, 4, 16))
    assert_matches(block.attend(x), ragged_window_attention(x, block.attn, shift))


def test_one_covered_axis_stops_the_shift_on_that_axis_or_on_both(rng):
    x = rng.standard_normal((2, 4, 12, 8))
    for policy, shift in ((TORCHVISION, (0, 2)), (TRANSFORMERS, (0, 0))):
        block = tiny(policy).layers[0].blocks[1]
        assert_matches(block.attend(x), ragged_window_attention(x, block.attn, shift))


def test_all_policies_agree_where_everything_fits(rng):
    images = rng.standard_normal((2, 3, 64, 96))
    results = [tiny(policy, (64, 96))(images) for policy in SHAPE_POLICIES.values()]
    for result in results[1:]:
        assert np.array_equal(result, results[0])


@pytest.mark.parametrize("policy", [MMDETECTION, TRANSFORMERS])
def test_an_image_that_is_no_multiple_of_the_patch_is_padded_with_zero_pixels(policy, rng):
    images = rng.standard_normal((2, 3, 45, 38))
    padded = np.zeros((2, 3, 48, 40))
    padded[:, :, :45, :38] = images
    model = tiny(policy)
    assert np.array_equal(model(images), model(padded))


def test_torchvision_drops_the_last_partial_patches(rng):
    images = rng.standard_normal((2, 3, 45, 38))
    model = tiny(TORCHVISION)
    assert np.array_equal(model(images), model(images[:, :, :44, :36]))


@pytest.mark.parametrize("policy", [TORCHVISION, TIMM, TRANSFORMERS, MMDETECTION])
def test_an_odd_map_is_merged_as_if_a_zero_row_and_column_followed(policy, rng):
    merge = tiny(policy).layers[0].downsample
    x = rng.standard_normal((2, 5, 7, 8))
    padded = np.zeros((2, 6, 8, 8))
    padded[:, :5, :7] = x
    assert np.array_equal(merge(x), merge(padded))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tiny(MICROSOFT)(np.zeros((1, 3, 36, 36))), "takes only the configured"),
    (lambda: tiny(TIMM)(np.zeros((1, 3, 32, 36))), "takes only the configured"),
    (lambda: tiny(MICROSOFT, 36)(np.zeros((1, 3, 36, 36))), "9x9 map is no multiple of the 4x4 window"),
    (lambda: tiny(MICROSOFT).layers[0].downsample(np.zeros((1, 5, 4, 8))), "odd side"),
    (lambda: tiny(TRANSFORMERS)(np.zeros((1, 3, 12, 12))), "bias table"),
])
def test_what_an_implementation_refuses_is_refused_with_a_way_out(call, words):
    with pytest.raises(ShapeError, match=words):
        call()


@pytest.mark.parametrize("policy", [MICROSOFT, TIMM])
def test_a_configured_image_that_is_no_multiple_of_the_patch_is_refused_at_once(policy):
    with pytest.raises(ConfigurationError, match="patch"):
        replace(TINY, img_size=33, shape_policy=policy)
