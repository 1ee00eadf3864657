"""The whole model: its configurations, initial weights, state dict, outputs, and what it refuses."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

import swin_np
from swin_np.errors import ConfigurationError, InputError, ShapeError, StateDictError
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.ragged import ragged_window_attention
from swin_np.variants import VARIANTS, SwinConfig
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

TINY = SwinConfig((24, 40), 4, embed_dim=8, depths=(2, 1), num_heads=(2, 4), window_size=3, num_classes=5)


def tiny(seed=0, dtype=np.float32, **changes) -> SwinTransformer:
    return SwinTransformer.random(replace(TINY, **changes), seed, dtype)


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 24, 40)).astype(np.float32)


@pytest.mark.parametrize(("variant", "count"), [("swin_t", 28_288_354), ("swin_s", 49_606_258)])
def test_the_paper_s_models_have_as_many_parameters_as_the_official_ones(variant, count):
    assert swin_np.build(variant).parameter_count() == count


def test_the_outputs_have_the_shapes_of_figure_3():
    model, image = swin_np.build("swin_t"), np.zeros((3, 224, 224), np.float32)
    assert [m.shape for m in model.feature_maps(image)] == [
        (1, 56, 56, 96), (1, 28, 28, 192), (1, 14, 14, 384), (1, 7, 7, 768)]
    assert model.features(image).shape == (1, 768)
    assert model(image).shape == (1, 1000)


def test_initial_weights_are_the_paper_s_and_depend_on_the_seed_only():
    model = swin_np.build("swin_t", seed=3)
    for name, value in model.state_dict().items():
        assert value.dtype == np.float32
        if name.endswith("norm.weight") or ".norm1.w" in name or ".norm2.w" in name:
            assert (value == 1).all()
        elif name == "patch_embed.proj.weight":
            assert 0.99 * 48 ** -0.5 < np.abs(value).max() <= 48 ** -0.5
        elif name == "patch_embed.proj.bias":
            assert 0 < np.abs(value).max() <= 48 ** -0.5
        elif name.endswith(".bias"):
            assert (value == 0).all()
        else:
            assert abs(value.std() - 0.02) < 0.004 * (500 / value.size) ** 0.5 + 2e-4, name
    again, other = swin_np.build("swin_t", seed=3).state_dict(), swin_np.build("swin_t", seed=4).state_dict()
    assert all(np.array_equal(value, again[name]) for name, value in model.state_dict().items())
    assert not np.array_equal(model.head.weight, other["head.weight"])


def test_float64_has_the_same_weights_and_float32_its_results_to_rounding(images):
    single, double = tiny(), tiny(dtype=np.float64)
    assert all(np.array_equal(a, b) for a, b in
               zip(single.state_dict().values(), double.state_dict().values(), strict=True))
    assert (single(images).dtype, double(images.astype(np.float64)).dtype) == (np.float32, np.float64)
    assert_model_rounds_as_float32(single, lambda model: model(images.astype(model.dtype)))


def test_the_pool_takes_its_mean_in_float64(rng):
    model = tiny()
    model.norm.weight[...], model.norm.bias[...] = 0, rng.standard_normal(len(model.norm.bias))     # a constant map
    assert np.array_equal(model.pool(np.ones((2, 13, 11, len(model.norm.bias)), np.float32)), [model.norm.bias] * 2)


@pytest.mark.parametrize("changes", [
    {}, {"num_classes": 0}, {"in_chans": 1}, {"patch_size": 2}, {"patch_size": (2, 4)}, {"ape": True},
    {"patch_norm": False}, {"qkv_bias": False}, {"qk_scale": 0.7}, {"mlp_ratio": 1.5}, {"window_size": (2, 5)},
    {"window_size": ((3, 2), 4)}, {"img_size": (17, 51)}, {"depths": (1, 2, 1), "num_heads": (1, 2, 8)},
    {"depths": (3,), "num_heads": (1,)},
])
def test_each_image_of_a_batch_gives_what_it_gives_alone(changes, rng):
    model = tiny(dtype=np.float64, **changes)
    redraw(model, 1)
    config = model.config
    batch = rng.standard_normal((3, config.in_chans, *config.img_size))
    logits, maps = model(batch), model.feature_maps(batch)
    assert logits.shape == (3, config.num_classes or config.channels(len(config.depths) - 1))
    assert [m.shape[1:3] for m in maps] == config.map_sizes()
    for i, image in enumerate(batch):
        assert_matches(model(image)[0], logits[i])


@pytest.mark.parametrize("changes", [{"ape": True}, {"patch_norm": False}, {"qkv_bias": False}, {"qk_scale": 0.7},
                                     {"window_size": 2}, {"window_size": ((3, 3), 2)}, {"mlp_ratio": 2.0}])
def test_every_option_changes_the_result(changes, images):
    one, other = tiny(), tiny(**changes)
    redraw(one, 1)
    redraw(other, 1)
    other_state = other.state_dict()
    shared = {n: v for n, v in one.state_dict().items() if n in other_state and other_state[n].shape == v.shape}
    other.load_state_dict({**other_state, **shared})
    assert np.abs(one(images) - other(images)).max() > 1e-3


def test_a_state_dict_makes_the_same_model(images):
    one, other = tiny(0), tiny(1)
    assert not np.array_equal(one(images), other(images))
    other.load_state_dict(one.state_dict())
    assert np.array_equal(one(images), other(images))


def test_a_wrong_state_dict_is_refused_with_every_entry_named_and_nothing_loaded():
    model = tiny()
    state = {name: value + 1 for name, value in model.state_dict().items()}
    before = model.head.bias.copy()
    del state["norm.weight"]
    state["layers.0.blocks.0.attn.qkv.weight"] = np.zeros((8, 24), np.float32)
    state["head.extra"] = np.zeros(3)
    state["norm.bias"] = state["norm.bias"].astype(int)
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    for words in ("in 4 entries", "missing norm.weight (16,)", "unexpected head.extra (3,)", "dtype int64",
                  "layers.0.blocks.0.attn.qkv.weight has shape (8, 24), expected (24, 8)"):
        assert words in message
    assert np.array_equal(model.head.bias, before)


def test_a_model_prints_as_a_tree_that_names_every_part_once():
    text = repr(swin_np.build("swin_t"))
    assert text.startswith("SwinTransformer(img_size=(224, 224), patch_size=(4, 4)")
    assert "    blocks 1, 3, 5: SwinTransformerBlock(window_size=(7, 7), shift_size=(3, 3))\n" in text
    assert "qkv: Linear(weight (288, 96), bias (288,))" in text
    assert len(text.splitlines()) < 100


@pytest.mark.parametrize(("batch", "error", "words"), [
    (np.zeros((2, 24, 40, 3), np.float32), ShapeError, r"expected \(B, 3, H, W\)"),
    (np.zeros((24, 40), np.float32), ShapeError, r"expected \(B, 3, H, W\)"),
    (np.zeros((2, 1, 24, 40), np.float32), ShapeError, r"\(2, 1, 24, 40\)"),
    (np.zeros((0, 3, 24, 40), np.float32), InputError, "empty"),
    (np.zeros((1, 3, 0, 40), np.float32), InputError, "empty"),
    (np.zeros((1, 3, 24, 40), np.uint8), InputError, "normalise"),
    (np.zeros((1, 3, 24, 40), np.float64), InputError, "images are float64, the model is float32"),
    (np.full((1, 3, 24, 40), np.nan, np.float32), InputError, "NaN"),
    (np.full((1, 3, 24, 40), -np.inf, np.float32), InputError, "NaN or infinity"),
    (np.zeros((1, 3, 3, 40), np.float32), ShapeError, "smaller than one"),
    ([[["a"]]], ShapeError, "expected"),
])
def test_bad_images_are_refused(batch, error, words):
    for call in (tiny(), tiny().features, tiny().feature_maps):
        with pytest.raises(error, match=words):
            call(batch)


def test_an_absolute_position_embedding_fits_one_map_size_only(rng):
    with pytest.raises(ShapeError, match=r"10x6 map.*\(6, 10\)"):
        tiny(ape=True)(rng.standard_normal((1, 3, 40, 24)).astype(np.float32))


@pytest.mark.parametrize(("changes", "words"), [
    ({"num_heads": (3, 4)}, "3 heads do not divide the 8 channels of stage 1"),
    ({"num_heads": (2, 3)}, "3 heads do not divide the 16 channels of stage 2"),
    ({"num_heads": (2,)}, "2 depths and 1 numbers of heads"),
    ({"depths": (), "num_heads": ()}, "0 depths"),
    ({"window_size": 0}, "positive"), ({"patch_size": -4}, "positive"), ({"depths": (2, 0)}, "positive"),
    ({"num_classes": -1}, "positive"), ({"mlp_ratio": 0.0}, "positive"),
    ({"window_size": (3, 3, 3)}, "window_size .* was given, 3 for 2 stages: give one for all stages or one for each"),
    ({"window_size": (3,)}, "1 for 2 stages"), ({"window_size": ()}, r"window_size: the size \(\) was given"),
    ({"window_size": ((3, 3), (3, 0))}, "window_size .* positive"),
    ({"window_size": ((3, 3), (3, 3, 3))}, r"window_size: the size \(3, 3, 3\)"),
    ({"window_size": ((3, 3), ((3, 3), 3))}, "window_size"), ({"window_size": np.zeros((2, 2, 2), int)}, "window_size"),
    ({"window_size": 3.5}, "window_size: the size 3.5"), ({"img_size": (24, 40, 3)}, "img_size"),
    ({"img_size": "24"}, "img_size: the size '24'"), ({"embed_dim": 8.5}, "whole"), ({"depths": (2, 1.0)}, "whole"),
    ({"depths": 2}, "depths 2 was given, expected positive whole numbers"), ({"depths": (2, 10**9)}, "depths"),
    ({"shape_policy": "timm"}, "shape_policy 'timm' was given, expected a ShapePolicy"),
    ({"qkv_bias": 2}, "qkv_bias 2 was given, expected True or False"),
    ({"mlp_ratio": "4"}, "mlp_ratio '4'"), ({"mlp_ratio": 1e-300}, "mlp_ratio 1e-300 .* hidden channels of 8"),
    ({"mlp_ratio": 1e300}, "mlp_ratio"), ({"num_classes": True}, "num_classes True"),
    ({"embed_dim": 2**20, "mlp_ratio": 0.5}, "embed_dim, in stage 2 2097152"),
    ({"mlp_ratio": float("nan")}, "finite"), ({"qk_scale": float("inf")}, "finite"),
])
def test_configurations_that_no_model_can_have_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(TINY, **changes)


FOUR = replace(TINY, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))


@pytest.mark.parametrize(("config", "given", "expected"), [
    (FOUR, (7, 7, 14, 7), ((7, 7), (7, 7), (14, 14), (7, 7))), (FOUR, [7, [7, 4], (14, 2), 7], ((7, 7), (7, 4), (14, 2),
                                                                                                (7, 7))),
    (FOUR, np.array([7, 7, 14, 7]), ((7, 7), (7, 7), (14, 14), (7, 7))), (FOUR, (7, 7, 7, 7), (7, 7)),
    (FOUR, (7, (7, 7), 7, [7, 7]), (7, 7)), (TINY, (7, 14), (7, 14)), (TINY, [np.int64(7), 14], (7, 14)),
    (TINY, ((7, 7), (14, 14)), ((7, 7), (14, 14))), (TINY, ((7, 7), 14), ((7, 7), (14, 14))),
    (TINY, np.array([[7, 7], [14, 2]]), ((7, 7), (14, 2))), (TINY, ((7, 4), (7, 4)), (7, 4)),
    (replace(TINY, depths=(1,), num_heads=(1,)), (7,), (7, 7)),
])
def test_a_window_is_one_for_all_stages_or_one_for_each_and_two_numbers_are_height_and_width(config, given, expected):
    made = replace(config, window_size=given)
    assert made.window_size == expected and type(made.window_size) is tuple
    each = expected if isinstance(expected[0], tuple) else (expected,) * len(config.depths)
    assert [made.window(stage) for stage in range(len(config.depths))] == list(each)
    assert SwinConfig(**{field.name: getattr(made, field.name) for field in fields(made)}) == made == replace(made)
    assert asdict(made)["window_size"] == expected
    assert f"window_size={expected}" in repr(SwinTransformer.random(made, None))


def test_windows_of_four_stages_are_refused_for_two():
    with pytest.raises(ConfigurationError, match=r"window_size .* was given, 4 for 2 stages"):
        replace(replace(FOUR, window_size=(3, 3, 4, 3)), depths=(1, 1), num_heads=(1, 1))


def test_with_a_window_for_each_stage_every_block_is_what_the_definition_gives(rng):
    config = replace(TINY, img_size=(48, 64), depths=(2, 2, 2), num_heads=(2, 4, 2), window_size=(4, (3, 4), (3, 2)))
    model = SwinTransformer.random(config)             # maps of 12x16, 6x8 and 3x4
    redraw(model, 4)
    model = model.astype(np.float64)
    images = rng.standard_normal((2, 3, 48, 64))
    x = model.embed(images)
    for layer, window, shift in zip(model.layers, ((4, 4), (3, 4), (3, 2)), ((2, 2), (1, 2), (0, 1)), strict=True):
        for block, displaced in zip(layer.blocks, ((0, 0), shift), strict=True):
            assert block.attn.window_size == window
            x = x + ragged_window_attention(block.norm1(x), block.attn, displaced)
            x = x + block.mlp(block.norm2(x))
        x = layer.downsample(x) if layer.downsample else x
    assert_matches(model(images), model.classify(x), MODEL_TOLERANCE)


def test_an_unknown_variant_is_answered_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="unknown variant 'swin_tiny': did you mean 'swin_t'"):
        swin_np.build("swin_tiny")


def test_an_unknown_field_is_answered_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="unknown field of SwinConfig 'window': did you mean 'window_size'"):
        swin_np.build("swin_t", window=12)


@pytest.mark.parametrize("dtype", [np.float16, np.int32, "float", None])
def test_a_dtype_in_which_no_model_computes_is_refused(dtype):
    with pytest.raises(ConfigurationError, match=r"float32 or np\.float64"):
        tiny(dtype=dtype)


def test_the_paper_s_variants_are_all_there():
    assert {name: (c.embed_dim, c.depths, c.window_size[0], c.img_size[0]) for name, c in VARIANTS.items()} == {
        "swin_t": (96, (2, 2, 6, 2), 7, 224), "swin_s": (96, (2, 2, 18, 2), 7, 224),
        "swin_b": (128, (2, 2, 18, 2), 7, 224), "swin_l": (192, (2, 2, 18, 2), 7, 224),
        "swin_b_384": (128, (2, 2, 18, 2), 12, 384), "swin_l_384": (192, (2, 2, 18, 2), 12, 384)}
    assert all(32 * heads == c.channels(stage) for c in VARIANTS.values() for stage, heads in enumerate(c.num_heads))
