"""The whole model against Hugging Face transformers on PyTorch, run live: same weights, same images, every map."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from swin_np import MICROSOFT, MMDETECTION, TIMM, TORCHVISION, TRANSFORMERS, ShapeError, SwinConfig, SwinTransformer
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32, largest_difference

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from oracle.swin_twin import our_outputs, redrawn_model, redrawn_variant, their_outputs, torch_twin  # noqa: E402

PARTS = ("logits", "features", "feature_maps", "stage_outputs")

SIZES = [(64, 96), (56, 84), (48, 40), (70, 90), (33, 47)]              # the last two are no multiples of the patch
WINDOWS = [2, 3, 4, 5, 7]
DEPTHS = [(2,), (1, 2), (2, 1, 3)]

def tiny(img_size=(48, 64), window=4, depths=(2, 2), shape_policy=TRANSFORMERS) -> SwinConfig:
    """A configuration of the transformers policy whose model runs in a blink."""
    return SwinConfig(img_size, num_classes=50, embed_dim=16, depths=depths, num_heads=(2, 4, 8)[:len(depths)],
                      window_size=window, shape_policy=shape_policy)


def no_map_below_the_window(config: SwinConfig) -> bool:
    """Whether transformers can run the model: below the window, its bias table no longer fits."""
    return min(min(size) for size in config.map_sizes()) >= config.window_size[0]


GRID = [config for config in (tiny(*choice) for choice in product(SIZES, WINDOWS, DEPTHS))
        if no_map_below_the_window(config)]


SETTINGS = {                                           # one change each from the plain tiny model
    "no qkv bias": replace(tiny(), qkv_bias=False),
    "absolute position embedding": replace(tiny(), ape=True),
    "narrow MLP": replace(tiny(), mlp_ratio=1.5),
    "grey images": replace(tiny(), in_chans=1),
    "patches of 2": replace(tiny(), patch_size=2),
    "oblong patches": replace(tiny(), patch_size=(4, 2)),
    "three channels a head": replace(tiny(), embed_dim=12, num_heads=(4, 8)),
    "four stages": replace(tiny((64, 96), 2, (2,)), depths=(1, 1, 2, 1), num_heads=(1, 2, 4, 8)),
    "an image that is one window": tiny((16, 16), 4, (2,)),
    "windows of one token": tiny(window=1),
}


def seeded_images(config: SwinConfig, batch: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((batch, config.in_chans, *config.img_size), np.float32)


def compute(model, batch: int) -> tuple[dict, dict]:
    """What ours and transformers' give in float64; the weights are gone when this returns."""
    images = seeded_images(model.config, batch)
    return (our_outputs(model.astype(np.float64), images.astype(np.float64)),
            their_outputs(torch_twin(model, torch.float64), images))


def select(outputs: dict, part: str) -> dict:
    """The arrays of one part: of `feature_maps` those of every stage."""
    return {name: value for name, value in outputs.items() if name.split(".")[0] == part}


def assert_float64_agrees(results: tuple[dict, dict], part: str) -> None:
    ours, theirs = (select(outputs, part) for outputs in results)
    assert ours.keys() == theirs.keys() and ours
    for name in ours:
        assert_matches(ours[name], theirs[name], MODEL_TOLERANCE)


def assert_float32_errs_as_rounding(model: SwinTransformer, batch: int, draws: int) -> None:
    images = seeded_images(model.config, batch)
    assert_model_rounds_as_float32(model, lambda model: our_outputs(model, images.astype(model.dtype)).values(), draws)


@cache
def tiny_results(config: SwinConfig) -> tuple[dict, dict]:
    return compute(redrawn_model(config, seed=3), batch=3)


@pytest.fixture(scope="module", ids=lambda variant_and_batch: variant_and_batch[0], params=[("swin_t", 2), *(
    pytest.param(case, marks=pytest.mark.long) for case in (("swin_s", 2), ("swin_b", 2), ("swin_l", 1),
                                                            ("swin_b_384", 1)))])
def variant_results(request):
    variant, batch = request.param
    return compute(redrawn_variant(variant, seed=0), batch)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("config", GRID, ids=lambda config: f"{config.img_size}-{config.window_size}-{config.depths}")
def test_tiny_models_of_every_size_window_and_depth_equal_transformers_in_float64(config, part):
    assert_float64_agrees(tiny_results(config), part)


@pytest.mark.parametrize("config", GRID, ids=lambda config: f"{config.img_size}-{config.window_size}-{config.depths}")
def test_tiny_models_of_every_size_window_and_depth_err_in_float32_as_rounding_does(config):
    assert_float32_errs_as_rounding(redrawn_model(config, seed=3), batch=3, draws=4)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_of_the_configuration_equals_transformers_in_float64(setting, part):
    assert_float64_agrees(tiny_results(SETTINGS[setting]), part)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_of_the_configuration_errs_in_float32_as_rounding_does(setting):
    assert_float32_errs_as_rounding(redrawn_model(SETTINGS[setting], seed=3), batch=3, draws=4)


@pytest.mark.parametrize("part", PARTS)
def test_the_papers_variants_equal_transformers_in_float64(variant_results, part):
    assert_float64_agrees(variant_results, part)


@pytest.mark.parametrize("variant", ["swin_t", pytest.param("swin_b", marks=pytest.mark.long)])
def test_the_papers_variants_err_in_float32_as_rounding_does(variant):
    assert_float32_errs_as_rounding(redrawn_variant(variant, seed=0), batch=1, draws=3)


def logits_of_both(config: SwinConfig) -> tuple[np.ndarray, np.ndarray]:
    model, images = redrawn_model(config, seed=3), seeded_images(config, 2)
    ours = model.astype(np.float64)(images.astype(np.float64))
    return ours, their_outputs(torch_twin(model, torch.float64), images)["logits"]


@pytest.mark.parametrize(("policy", "size"), [
    *((policy, (64, 96)) for policy in (MICROSOFT, TIMM, TORCHVISION, MMDETECTION)),    # 16x24 and 8x12, window 4
    *((policy, (32, 32)) for policy in (MICROSOFT, TIMM, TORCHVISION)),                 # 8x8 and 4x4: one window
    *((policy, (72, 88)) for policy in (TORCHVISION, MMDETECTION)),                     # 18x22 and 9x11: padded
], ids=lambda value: getattr(value, "name", value))
def test_other_shape_policies_equal_transformers_where_they_give_the_same_answer(policy, size):
    assert_matches(*logits_of_both(tiny(size, shape_policy=policy)), MODEL_TOLERANCE)


@pytest.mark.parametrize(("policy", "size"), [
    (TORCHVISION, (32, 48)),                           # 4x6: transformers shifts on neither axis
    (TORCHVISION, (66, 98)),                           # transformers pads the image, torchvision crops it
    (TIMM, (72, 88)),                                  # 18x22: timm rolls, then pads
    (MMDETECTION, (32, 32)),                           # 4x4: mmdetection shifts a single window
], ids=lambda value: getattr(value, "name", value))
def test_other_shape_policies_differ_from_transformers_where_their_answers_differ(policy, size):
    ours, theirs = logits_of_both(tiny(size, shape_policy=policy))
    assert largest_difference(ours, theirs) > 1e-3 * np.abs(theirs).max()


BELOW_THE_WINDOW = [tiny((12, 12), 4, (2,)), tiny((24, 40), 4, (2, 2)), tiny((4, 4), 4, (1,)),
                    tiny((36, 80), 7, (2, 1))]


@pytest.mark.parametrize("config", BELOW_THE_WINDOW, ids=lambda config: str(config.map_sizes()[-1]))
def test_a_map_smaller_than_the_window_is_an_error_as_in_transformers(config):
    model, images = redrawn_model(config, seed=3), seeded_images(config, 2)
    with pytest.raises(ShapeError, match="the bias table is for"):
        model(images)


@pytest.mark.parametrize("config", BELOW_THE_WINDOW, ids=lambda config: str(config.map_sizes()[-1]))
def test_transformers_fails_on_a_map_smaller_than_the_window(config):
    twin = torch_twin(redrawn_model(config, seed=3), torch.float32)
    with pytest.raises(RuntimeError, match=r"size|shape"):
        their_outputs(twin, seeded_images(config, 2))
