"""The Transformer among the systems: built, counted, walked through, traced and measured like the others."""

import json

import numpy as np
import pytest

import swin_np
from swin_np.baselines.patch_sequences import embedded_patches
from swin_np.commands.cli import main
from swin_np.costs import total
from swin_np.errors import InputError, ShapeError
from swin_np.layers import redraw
from swin_np.systems.measurement import measure_here
from swin_np.systems.registry import layer_costs
from swin_np.systems.tour import walk

TINY = {"d_model": 24, "nhead": 3, "num_encoder_layers": 11, "num_decoder_layers": 2, "dim_feedforward": 40}


@pytest.fixture
def model():
    """A small relative with more layers than one digit counts, its weights drawn large, in float64."""
    built = swin_np.build("transformer_base", dtype=np.float64, **TINY)
    redraw(built, 2)
    return built


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 32, 64))


def test_the_steps_of_the_tour_are_those_of_the_forward_pass(model, images):
    steps, outputs = zip(*walk(model, images), strict=True)
    sequence = embedded_patches(images, model.config)
    assert np.array_equal(outputs[-1], model(sequence, sequence))
    assert np.array_equal(outputs[0], sequence) and np.array_equal(outputs[12], model.encoder(sequence, None, None))
    assert [step.name for step in steps] == [
        "16x16 patches", *(f"encoder, layer {i}" for i in range(1, 12)), "encoder, norm", "decoder, layer 1",
        "decoder, layer 2", "decoder, norm"]
    assert all(step.map_size == (8,) and step.channels == 24 for step in steps)
    assert [step.heads for step in steps] == [0, *[3] * 11, 0, 3, 3, 0]


def test_the_costs_of_the_steps_are_those_of_the_model(model, images):
    steps, _ = zip(*walk(model, images), strict=True)
    costs = total(layer_costs(model.config, images.shape[2:]))
    assert sum(step.parameters for step in steps) == costs.parameters == model.parameter_count()
    assert sum(step.multiply_adds for step in steps) == costs.multiply_adds > 0
    assert len({step.parameters for step in steps[1:12]}) == 1          # layer 1 does not count layers 10 and 11


@pytest.mark.parametrize(("spoil", "error", "words"), [
    (lambda images: images.astype(np.float32), InputError, "images are float32, the model is float64"),
    (lambda images: np.where(images > 2, np.nan, images), InputError, "NaN"),
    (lambda images: images.transpose(0, 2, 3, 1), ShapeError, "images of 64x3 pixels are not tiled"),
])
def test_the_tour_has_the_door_of_every_system(model, images, spoil, error, words):
    with pytest.raises(error, match=words):
        list(walk(model, spoil(images)))


def test_every_module_is_traced_under_its_name(model, images):
    sequence = embedded_patches(images, model.config)
    with swin_np.trace(model) as activations:
        output = model(sequence, sequence)
    assert np.array_equal(activations["output"], output)
    assert {name for name, _ in model.named_modules() if name} <= activations.keys()
    assert activations["decoder.layers.1.multihead_attn.probabilities"].shape == (2, 3, 8, 8)


def test_a_measurement_runs_it_on_an_image_of_any_size(monkeypatch):
    monkeypatch.setattr("swin_np.systems.measurement.SECONDS", 0.0)
    assert measure_here("transformer_base", (32, 16), 1).runs == 3


def test_the_tour_says_what_it_feeds_and_names_no_class(capsys):
    assert main(["tour", "--variant", "transformer_base"]) == 0
    text = capsys.readouterr().out
    assert "source and target are both the photograph's 16x16 patches, each projected by a random matrix" in text
    assert "1 of 196" in text and "44,140,544" in text and "196 tokens of 512 channels, and no class" in text
    assert "logits" not in text
    assert main(["tour", "--variant", "transformer_base", "--dtype", "float64", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["tokens"] == [196, 512] and "top_class" not in result and len(result["steps"]) == 15


def test_info_and_systems_take_it_by_name(capsys):
    assert main(["info", "transformer_big"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Transformer, d_model 1024, nhead 16" in lines[0]
    assert lines[2].split()[:4] == ["encoder,", "layer", "1", "196x1024"] and "176,361,472" in lines[-1]
    assert main(["info", "transformer_big", "--image-size", "64", "32", "--layers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["output_shape"] == [8, 1024]
    assert main(["systems", "transformer_base", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["systems"]
    assert [row["maps"] for row in rows] == [[[n, 512]] * 2 for n in (196, 784, 3136)]
    assert main(["systems", "transformer_base", "--sizes", "225"]) == 2
    assert "transformer_base at 225x225: images of 225x225 pixels are not tiled" in capsys.readouterr().err
