"""ViT and DeiT against transformers on PyTorch: logits and every block, counts, costs, traces, what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from oracle.twins import vit_twin
from swin_np import complexity
from swin_np.baselines.vit import VIT_VARIANTS, VisionTransformer, ViTConfig, layer_costs
from swin_np.checkpoints.resizing import resize_positions
from swin_np.costs import total
from swin_np.errors import CheckpointError, ConfigurationError, InputError, ShapeError
from tests.baselines.vit_oracle import our_outputs, redrawn, their_outputs
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32, largest_difference

PLAIN = ViTConfig((48, 32), 8, 3, 7, 24, 3, 3)         # a map of 6x4
CONFIGS = {                                            # one change each
    "plain": PLAIN,
    "distilled": replace(PLAIN, distilled=True),
    "distilled, one head": replace(PLAIN, distilled=True, distillation_head=False),
    "no qkv bias": replace(PLAIN, qkv_bias=False),
    "grey images": replace(PLAIN, in_chans=1),
    "oblong patches": replace(PLAIN, patch_size=(8, 16)),
    "narrow MLP": replace(PLAIN, mlp_ratio=1.5),
    "a large eps": replace(PLAIN, eps=1e-1),
    "one patch": replace(PLAIN, img_size=8),
}

PARAMETERS = {
    "vit_b_16": 86_567_656, "vit_b_32": 88_224_232, "vit_b_16_384": 86_859_496, "vit_l_16": 304_326_632,
    "deit_ti": 5_717_416, "deit_s": 22_050_664, "deit_b": 86_567_656, "deit_ti_distilled": 5_910_800,
    "deit_s_distilled": 22_436_432, "deit_b_distilled": 87_338_192,
}


def seeded_images(model: VisionTransformer) -> np.ndarray:
    shape = (3, model.config.in_chans, *model.config.img_size)
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("choice", CONFIGS)
def test_every_block_and_the_logits_equal_transformers(choice):
    pytest.importorskip("transformers")
    model = redrawn(CONFIGS[choice]).astype(np.float64)
    images = seeded_images(model)
    ours, theirs = our_outputs(model, images), their_outputs(vit_twin(model), images)
    assert ours.keys() == theirs.keys() and len(ours) == 5
    for name in ours:
        assert_matches(ours[name], theirs[name], MODEL_TOLERANCE)


@pytest.mark.parametrize("choice", CONFIGS)
def test_float32_errs_as_rounding_does(choice):
    model = redrawn(CONFIGS[choice])
    images = seeded_images(model)
    assert_model_rounds_as_float32(model, lambda model: our_outputs(model, images).values())


@pytest.mark.long
def test_a_published_model_equals_transformers():
    pytest.importorskip("transformers")
    model = redrawn(VIT_VARIANTS["deit_ti_distilled"])
    images = np.random.default_rng(5).standard_normal((1, 3, 224, 224), np.float32)
    double = model.astype(np.float64)
    assert_matches(double(images.astype(np.float64)), their_outputs(vit_twin(double), images)["logits"],
                   MODEL_TOLERANCE)
    assert_model_rounds_as_float32(model, lambda model: model(images.astype(model.dtype)), draws=3)


@pytest.mark.parametrize("variant", long_but(["deit_s_distilled"], ["vit_b_32", "vit_l_16", "deit_s_distilled"]))
def test_the_first_block_of_a_published_size_equals_transformers(variant):
    pytest.importorskip("transformers")
    model = redrawn(replace(VIT_VARIANTS[variant], depth=1)).astype(np.float64)
    images = np.random.default_rng(5).standard_normal((1, 3, *model.config.img_size))
    assert_matches(model(images), their_outputs(vit_twin(model), images)["logits"], MODEL_TOLERANCE)


def test_features_and_the_map_are_the_normalised_tokens(rng):
    for choice, prefix, read in (("plain", 1, 1), ("distilled", 2, 2), ("distilled, one head", 2, 1)):
        model, images = redrawn(CONFIGS[choice]).astype(np.float64), rng.standard_normal((2, 3, 48, 32))
        tokens = our_outputs(model, images)["norm"]
        assert_matches(model.features(images), tokens[:, :read].mean(axis=1))
        (feature_map,) = model.feature_maps(images)
        assert feature_map.shape == (2, 6, 4, 24)
        assert_matches(feature_map[:, 1, 2], tokens[:, prefix + 1 * 4 + 2])


@pytest.mark.parametrize("distilled", [False, True])
def test_without_a_head_the_model_gives_its_features(distilled, rng):
    model = redrawn(replace(PLAIN, num_classes=0, distilled=distilled))
    images = rng.standard_normal((2, 3, 48, 32)).astype(np.float32)
    np.testing.assert_array_equal(model(images), model.features(images))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_neither_batch_nor_threads_change_an_image(threads, batch, rng):
    model = redrawn(replace(PLAIN, img_size=96, num_heads=4)).astype(np.float64)      # 145 tokens
    images = rng.standard_normal((batch, 3, 96, 96))
    with swin_np.threads(1):
        alone = np.concatenate([model(image) for image in images])
    with swin_np.threads(threads):
        assert_matches(model(images), alone)


def test_the_trace_shows_the_steps_of_attention(rng):
    model, images = redrawn(PLAIN).astype(np.float64), rng.standard_normal((2, 3, 48, 32))
    with swin_np.trace(model) as steps:
        logits = model(images)
    assert_matches(steps["output"], logits)
    name, n, d = "blocks.1.attn", 25, 8
    assert {step: steps[f"{name}.{step}"].shape for step in ("q", "k", "v", "scores", "probabilities")} == {
        "q": (2, 3, n, d), "k": (2, 3, n, d), "v": (2, 3, n, d), "scores": (2, 3, n, n), "probabilities": (2, 3, n, n)}
    q, k, v = (steps[f"{name}.{step}"] for step in "qkv")
    assert_matches(steps[f"{name}.scores"], np.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(d))
    assert_matches(steps[f"{name}.probabilities"].sum(axis=-1), np.ones((2, 3, n)))
    x = np.einsum("bhij,bhjd->bihd", steps[f"{name}.probabilities"], v).reshape(2, n, 24)
    assert_matches(steps[name], model.blocks[1].attn.proj(x))


# Counts.


@pytest.mark.parametrize("variant", PARAMETERS)
def test_parameters_are_those_of_the_published_models(variant):
    assert VisionTransformer.random(VIT_VARIANTS[variant], seed=None).parameter_count() == PARAMETERS[variant]


@pytest.mark.parametrize("choice", [*CONFIGS, *VIT_VARIANTS])
def test_the_parameters_of_the_layers_are_all_there_are(choice):
    config = CONFIGS.get(choice) or VIT_VARIANTS[choice]
    model = VisionTransformer.random(config, seed=None)
    assert total(layer_costs(config)).parameters == model.parameter_count()
    for cost in layer_costs(config):
        if cost.kind in ("linear", "layer norm"):
            own = [value.size for name, value in model.state_dict().items() if name.rpartition(".")[0] == cost.name]
            assert cost.parameters == sum(own), cost.name


@pytest.mark.parametrize(("variant", "giga"), [("vit_b_16", 17.568), ("deit_s", 4.601), ("deit_ti", 1.255),
                                               ("deit_b_384", 55.495), ("vit_b_32", 4.410), ("vit_l_16", 61.565)])
def test_multiply_adds_are_those_of_the_formula(variant, giga):
    config = VIT_VARIANTS[variant]
    n, dim = config.tokens, config.embed_dim
    block = 12 * n * dim ** 2 + 2 * n ** 2 * dim + 2 * n * dim          # the last term: two norms
    expected = (n - 1) * dim * math.prod(config.patch_size) * 3 + config.depth * block + n * dim + dim * 1000
    counted = total(layer_costs(config)).multiply_adds
    assert counted == expected and round(counted / 1e9, 3) == giga


def test_attention_costs_what_eq_1_of_swin_says():
    costs = {cost.name: cost for cost in layer_costs(replace(PLAIN, img_size=56 * 8))}
    counted = sum(costs[f"blocks.0.attn{part}"].multiply_adds for part in (".qkv", "", ".proj"))
    assert counted == complexity.msa_multiply_adds(1, 56 * 56 + 1, 24)  # with the class token


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_bytes_are_those_of_a_trace(dtype, heads, rng):
    model = redrawn(replace(PLAIN, distilled=True, distillation_head=heads == 2)).astype(dtype)
    with swin_np.trace(model) as steps:
        model(rng.standard_normal((1, 3, 48, 32)).astype(dtype))
    checked = 0
    for cost in layer_costs(model.config, dtype=dtype):
        if cost.kind in ("linear", "layer norm"):
            assert steps[cost.name].reshape(cost.output_shape).nbytes == cost.activation_bytes, cost.name
            checked += 1
        elif cost.kind == "attention":
            arrays = (steps[f"{cost.name}.{step}"].nbytes for step in ("scores", "probabilities", "v"))
            assert cost.activation_bytes == sum(arrays)
    assert checked == 1 + 3 * 6 + 1 + heads
    assert total(layer_costs(model.config)).parameters == model.parameter_count()


def test_another_image_size_counts_its_own_positions():
    assert layer_costs(VIT_VARIANTS["vit_b_16"], 384) == layer_costs(VIT_VARIANTS["vit_b_16_384"])


# Section 3.2: positions for another resolution.


@pytest.mark.parametrize("prefix", [1, 2])
@pytest.mark.parametrize("new", [(24, 24), (7, 9), (3, 20), (14, 14)])
def test_positions_are_resized_as_torch_does(prefix, new, rng):
    torch = pytest.importorskip("torch")
    positions = rng.standard_normal((1, prefix + 14 * 14, 5))
    maps = torch.from_numpy(positions[:, prefix:].reshape(1, 14, 14, 5)).permute(0, 3, 1, 2)
    theirs = torch.nn.functional.interpolate(maps, size=new, mode="bicubic", align_corners=False)
    ours = resize_positions(positions, 14, new)
    np.testing.assert_array_equal(ours[:, :prefix], positions[:, :prefix])
    assert_matches(ours[:, prefix:], theirs.permute(0, 2, 3, 1).reshape(1, -1, 5).numpy())


def test_a_model_with_resized_positions_equals_transformers_interpolation(rng):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    model = redrawn(replace(PLAIN, img_size=32)).astype(np.float64)
    images = rng.standard_normal((2, 3, 56, 40))
    with torch.inference_mode():
        theirs = vit_twin(model)(torch.from_numpy(images), interpolate_pos_encoding=True).logits.numpy()
    larger = VisionTransformer.random(replace(model.config, img_size=(56, 40)), dtype=np.float64)
    larger.load_state_dict({**model.state_dict(), "pos_embed": resize_positions(model.pos_embed, 4, (7, 5))})
    assert_matches(larger(images), theirs, MODEL_TOLERANCE)


@pytest.mark.parametrize("shape", [(1, 16, 5), (1, 19, 5), (17, 5), (2, 17, 5)])
def test_positions_of_another_map_are_refused(shape):
    with pytest.raises(CheckpointError, match="is not for a 4x4 map with a class token"):
        resize_positions(np.zeros(shape), 4, 7)


# What is refused.


@pytest.mark.parametrize("changes", [
    {"num_heads": 5}, {"img_size": 50}, {"img_size": 0}, {"patch_size": (8, 8, 8)}, {"depth": 0}, {"depth": 2.5},
    {"num_classes": -1}, {"mlp_ratio": math.nan}, {"eps": 0.0}, {"embed_dim": -24}, {"in_chans": 0},
])
def test_a_model_that_cannot_be_is_refused(changes):
    with pytest.raises(ConfigurationError):
        replace(PLAIN, **changes)


@pytest.mark.parametrize(("images", "error", "match"), [
    (np.zeros((2, 3, 32, 48), np.float32), ShapeError, "images are 32x48, the position embedding is for"),
    (np.zeros((2, 1, 48, 32), np.float32), ShapeError, r"expected \(B, 3, H, W\)"),
    (np.zeros((2, 3, 48, 32), np.uint8), InputError, "pixels are uint8"),
    (np.zeros((2, 3, 48, 32)), InputError, "images are float64, the model is float32"),
    (np.full((2, 3, 48, 32), np.nan, np.float32), InputError, "NaN or infinity"),
    (np.zeros((0, 3, 48, 32), np.float32), InputError, "is empty"),
])
def test_images_that_would_give_a_wrong_number_are_refused(images, error, match):
    with pytest.raises(error, match=match):
        VisionTransformer.random(PLAIN)(images)


def test_the_same_seed_gives_the_same_weights_in_either_dtype():
    one, two = VisionTransformer.random(PLAIN, 4), VisionTransformer.random(PLAIN, 4, np.float64)
    for name, value in two.state_dict().items():
        assert largest_difference(one.state_dict()[name], value) == 0
    assert one.cls_token.std() == pytest.approx(0.02, rel=0.5)
