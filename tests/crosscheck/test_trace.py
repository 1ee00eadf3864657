"""The trace: every module once and whole, the steps inside attention by their definitions, nothing when it is over."""

import json

import numpy as np
import pytest

import swin_np
from swin_np.attention import relative_position_bias, shifted_window_attention
from swin_np.checkpoints.files import read
from swin_np.errors import InputError
from swin_np.layers import RECORDER, redraw
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig
from swin_np.windows import cyclic_shift, shifted_window_mask, window_partition
from tests.matching import FLOAT64_TOLERANCE, MODEL_TOLERANCE, assert_matches

STEPS = ("windows", "q", "k", "v", "scores", "scores_with_bias", "scores_with_mask", "probabilities", "reversed",
         "rolled_back")


@pytest.fixture(scope="module")
def model() -> SwinTransformer:
    """A model whose first map, 32x48, is large enough to be cut into parts when nothing is traced."""
    config = SwinConfig((64, 96), 2, embed_dim=8, depths=(2, 1), num_heads=(2, 4), window_size=4, num_classes=5)
    built = SwinTransformer.random(config)
    redraw(built, 3)
    return built.astype(np.float64)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 3, 64, 96))


@pytest.fixture(scope="module")
def activations(model, images):
    with swin_np.trace(model) as recorded:
        model(images)
    return recorded


def test_every_module_is_recorded_once_under_its_official_name(model, activations):
    expected = {name or "output" for name, module in model.named_modules()}
    assert {name for name in activations if name.rpartition(".")[2] not in STEPS} == expected


def test_the_whole_map_is_recorded_and_the_result_is_that_of_an_untraced_pass(model, images, activations):
    assert activations["layers.0.blocks.1.mlp.fc1"].shape == (2 * 32 * 48, 32)
    assert activations["layers.0.blocks.1"].shape == (2, 32, 48, 8)
    assert_matches(activations["output"], model(images), MODEL_TOLERANCE)


def test_the_steps_of_a_shifted_attention_follow_from_each_other(model, activations):
    attn, mask = model.layers[0].blocks[1].attn, shifted_window_mask((32, 48), (4, 4), (2, 2))
    of = {step: activations[f"layers.0.blocks.1.attn.{step}"] for step in STEPS}
    x = activations["layers.0.blocks.1.norm1"]
    assert np.array_equal(of["windows"], window_partition(cyclic_shift(x, (2, 2)), 4))
    assert of["q"].shape == of["k"].shape == of["v"].shape == (2 * 8 * 12, 2, 16, 4)
    assert_matches(of["scores"], attn.scale() * np.einsum("whqd,whkd->whqk", of["q"], of["k"]), FLOAT64_TOLERANCE)
    bias = relative_position_bias(attn.relative_position_bias_table, (4, 4))
    assert np.array_equal(of["scores_with_bias"], of["scores"] + bias)
    assert np.array_equal(of["scores_with_mask"], of["scores_with_bias"] + np.tile(mask, (2, 1, 1))[:, None])
    weights = np.exp(of["scores_with_mask"] - of["scores_with_mask"].max(axis=-1, keepdims=True))
    assert_matches(of["probabilities"], weights / weights.sum(axis=-1, keepdims=True))
    assert_matches(of["rolled_back"], shifted_window_attention(x, attn, 4, 2))
    assert np.array_equal(cyclic_shift(of["rolled_back"], 2), of["reversed"])


def test_a_regular_attention_has_no_masked_scores(activations):
    assert "layers.0.blocks.0.attn.scores" in activations
    assert "layers.0.blocks.0.attn.scores_with_mask" not in activations


def test_a_pattern_selects_names(model, images):
    with swin_np.trace(model, "*.attn.scores") as recorded:
        model(images)
    assert list(recorded) == [f"layers.{i}.blocks.{j}.attn.scores" for i, j in ((0, 0), (0, 1), (1, 0))]


def test_a_trace_ends_with_its_block_even_after_an_error(model, images):
    with pytest.raises(ZeroDivisionError), swin_np.trace(model) as recorded:
        raise ZeroDivisionError
    model(images)
    assert RECORDER.get() is None
    assert not recorded


def test_other_models_and_changes_afterwards_leave_no_mark(model, images):
    other = swin_np.build("swin_t", depths=(1,), num_heads=(1,))
    with swin_np.trace(model, "output") as recorded:
        other(np.zeros((1, 3, 28, 28), np.float32))
        logits = model(images)
    before = recorded["output"].copy()
    logits += 1
    assert list(recorded) == ["output"]
    assert np.array_equal(recorded["output"], before)


def test_a_trace_is_saved_with_the_configuration(activations, tmp_path):
    activations.save(tmp_path / "reference.npz")
    stored = read(tmp_path / "reference.npz")
    assert {name: value.tobytes() for name, value in stored.tensors.items()} == {
        name: value.tobytes() for name, value in activations.items()}
    assert json.loads(stored.metadata["config"])["window_size"] == [4, 4]


def test_a_trace_that_cannot_be_saved_says_so(activations, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        activations.save(tmp_path / "no folder" / "reference.npz")
