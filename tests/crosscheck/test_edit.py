"""Editing: every point that a trace names can be replaced, later steps go on with the replacement, and nothing else."""

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_v2 import SwinTransformerV2, SwinV2Config
from swin_np.baselines.transformer import Transformer, TransformerConfig
from swin_np.baselines.vit import VisionTransformer, ViTConfig
from swin_np.dense.pyramid import FeaturePyramid, FPNConfig
from swin_np.errors import InputError, ShapeError
from swin_np.layers import EDITOR, editing, note, redraw
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig
from tests.matching import assert_matches

SWIN = SwinConfig((32, 48), 2, embed_dim=8, depths=(2, 1), num_heads=(2, 4), window_size=4, num_classes=5)
PROBABILITIES = "layers.0.blocks.1.attn.probabilities"


def drawn(model):
    redraw(model, 3)
    return model.astype(np.float64)


def images(*shape):
    return np.random.default_rng(0).standard_normal(shape)


MODELS = {
    "Swin": lambda: (drawn(SwinTransformer.random(SWIN)), (images(2, 3, 32, 48),)),
    "Swin V2": lambda: (drawn(SwinTransformerV2.random(SwinV2Config(
        (32, 48), 2, embed_dim=8, depths=(2, 1), num_heads=(2, 4), window_size=4, num_classes=5))),
        (images(2, 3, 32, 48),)),
    "ViT": lambda: (drawn(VisionTransformer.random(ViTConfig(
        img_size=(8, 12), patch_size=4, embed_dim=8, depth=2, num_heads=2, num_classes=5))), (images(2, 3, 8, 12),)),
    "Transformer": lambda: (drawn(Transformer.random(TransformerConfig(
        d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16))),
        (images(2, 5, 8), images(2, 4, 8))),
    "FPN": lambda: (drawn(FeaturePyramid.random(FPNConfig(SWIN, channels=8))), (images(2, 3, 32, 48),)),
}


@pytest.fixture(scope="module", params=MODELS)
def model_and_inputs(request):
    return MODELS[request.param]()


def traced(model, inputs, pattern="*"):
    with swin_np.trace(model, pattern) as found:
        model(*inputs)
    return found


def test_at_every_point_a_replacement_is_what_later_steps_go_on_with(model_and_inputs):
    model, inputs = model_and_inputs
    truth, rng = traced(model, inputs), np.random.default_rng(1)
    for place, name in enumerate(truth):
        other = rng.standard_normal(truth[name].shape)
        with swin_np.trace(model) as found, swin_np.edit(model, name, lambda value, other=other: other):
            model(*inputs)
        names = list(truth)
        assert np.array_equal(found[name], other), name
        assert all(np.array_equal(found[before], truth[before]) for before in names[:place]), name
        if place < len(names) - 1:
            last = [key for key in names if key == "output" or key.startswith("output.")]
            changed = [key for key in names[place + 1:] if not np.array_equal(found[key], truth[key])]
            assert set(changed) & set(last) or name in last, f"{name} was replaced and the output did not change"


def test_an_edit_that_changes_nothing_and_its_end_leave_all_numbers(model_and_inputs):
    model, inputs = model_and_inputs
    truth = traced(model, inputs)
    with swin_np.edit(model, "*", lambda value: value):
        found = traced(model, inputs)
    after = traced(model, inputs)
    assert list(found) == list(after) == list(truth)
    assert all(np.array_equal(found[name], truth[name]) and np.array_equal(after[name], truth[name]) for name in truth)
    assert EDITOR.get() is None


def test_a_head_that_is_silent_leaves_the_other_heads_alone():
    model, inputs = MODELS["Swin"]()

    def without_head_1(probabilities):
        probabilities[:, 1] = 0
        return probabilities

    truth = traced(model, inputs)
    with swin_np.edit(model, PROBABILITIES, without_head_1):
        found = traced(model, inputs)
    proj = model.layers[0].blocks[1].attn.proj
    v, probabilities = truth["layers.0.blocks.1.attn.v"], truth[PROBABILITIES]
    heads = probabilities @ v
    heads[:, 1] = 0
    expected = heads.swapaxes(1, 2).reshape(len(v), v.shape[2], -1) @ proj.weight.T + proj.bias
    assert_matches(found["layers.0.blocks.1.attn"], expected)


def test_edits_inside_each_other_are_all_made_the_outer_first_and_a_trace_sees_the_result():
    model, inputs = MODELS["Swin"]()
    with (swin_np.edit(model, "output", lambda value: value + 1), swin_np.trace(model, "output") as found,
          swin_np.edit(model, "out*", lambda value: value * 2)):
        given = model(*inputs)
    assert_matches(given, 2 * (model(*inputs) + 1))
    assert np.array_equal(found["output"], given)


def test_an_edit_neither_writes_to_what_it_is_given_nor_keeps_what_it_gives():
    model, inputs = MODELS["Swin"]()
    before, own = {name: value.copy() for name, value in model.state_dict().items()}, []

    def negate(value):
        value *= -1
        own.append((value, value.copy()))
        return value

    with swin_np.edit(model, "*", negate):
        model(*inputs)
    assert all(np.array_equal(kept, copy) for kept, copy in own)
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("change", "error", "sentence"), [
    (lambda value: value[:1], ShapeError, "gave shape"),
    (lambda value: value.astype(np.float32), InputError, "float32"),
    (lambda value: None, InputError, "a NoneType"), (lambda value: 0.0, InputError, "a float")])
def test_what_cannot_take_the_place_is_refused(change, error, sentence):
    model, inputs = MODELS["Swin"]()
    with pytest.raises(error, match=sentence), swin_np.edit(model, PROBABILITIES, change):
        model(*inputs)
    assert EDITOR.get() is None


@pytest.mark.parametrize("pattern", ["layers.0.blocks.1.attn.probs", "layers.9.*", ""])
def test_an_edit_that_fits_no_step_says_so(pattern):
    model, inputs = MODELS["Swin"]()
    with pytest.raises(InputError, match="no step that was computed fits"), swin_np.edit(
            model, pattern, lambda value: value):
        model(*inputs)
    with pytest.raises(ZeroDivisionError), swin_np.edit(model, pattern, lambda value: value):
        raise ZeroDivisionError


@pytest.mark.parametrize(("given", "sentence"), [
    (("swin_t", "output", lambda value: value), "model 'swin_t' was given, expected a Module"),
    ((None, 3, lambda value: value), "pattern 3 was given, expected a str"),
    ((None, "output", None), "change None was given, expected a function")])
def test_what_is_no_model_name_or_function_is_refused(given, sentence):
    model, pattern, change = given
    with pytest.raises(InputError, match=sentence), swin_np.edit(
            MODELS["Swin"]()[0] if model is None else model, pattern, change):
        raise AssertionError("the block was entered")


@pytest.mark.parametrize(("model", "pattern", "sentence"), [
    ("swin_t", "*", "model 'swin_t' was given, expected a Module"), (None, 3, "pattern 3 was given, expected a str")])
def test_a_trace_of_what_is_no_model_or_name_is_refused(model, pattern, sentence):
    with pytest.raises(InputError, match=sentence), swin_np.trace(
            MODELS["Swin"]()[0] if model is None else model, pattern):
        raise AssertionError("the block was entered")


def test_other_models_are_not_edited():
    model, inputs = MODELS["Swin"]()
    other = drawn(SwinTransformer.random(SWIN))
    truth = other(*inputs)
    with swin_np.edit(model, "*", lambda value: 0 * value):
        assert_matches(other(*inputs), truth)
        model(*inputs)


def test_a_pure_function_shows_its_steps_without_a_module():
    told = []
    with editing(lambda module, step, value: told.append((module, step)) or value + 1):
        assert note("scores", np.zeros(2)).tolist() == [1, 1]
    assert told == [(None, "scores")]
