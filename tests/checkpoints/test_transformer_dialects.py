"""Files of torch.nn.Transformer: outputs, configurations, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.transformer import VARIANTS, Transformer, TransformerConfig, causal_mask
from swin_np.checkpoints.dialects.transformer import TRANSFORMER_DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.loading import convert, identify
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.images import sample_photograph
from swin_np.layers import redraw
from tests.baselines.test_transformer import torch_twin
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

TINY = TransformerConfig(d_model=24, nhead=3, num_encoder_layers=2, num_decoder_layers=3, dim_feedforward=40)


def redrawn(config: TransformerConfig) -> Transformer:
    model = Transformer.random(config)
    redraw(model, 1)
    return model


def as_stored(config: TransformerConfig, **changed) -> StoredCheckpoint:
    """A checkpoint; `changed` replaces tensors, None removes one."""
    tensors = redrawn(config).state_dict() | changed
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_file_of_torch_gives_its_output(norm_first, ending, tmp_path, rng):
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    config, path = replace(TINY, norm_first=norm_first), tmp_path / f"transformer.{ending}"
    twin = torch_twin(redrawn(config))
    (torch.save if ending == "pth" else safetensors.save_file)(twin.state_dict(), path)
    source, target = rng.standard_normal((2, 7, 24)), rng.standard_normal((2, 5, 24))

    with torch.no_grad():                              # and no inference mode, in which torch takes another path
        double = twin.double()(torch.from_numpy(source), torch.from_numpy(target),
                               tgt_mask=torch.from_numpy(causal_mask(5))).numpy()
    told = {"config": config} if norm_first else {"num_heads": 3}
    ours = swin_np.load(path, dtype=np.float64, **told)
    assert ours.config == config
    assert_matches(ours(source, target), double, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(swin_np.load(path, **told), lambda model: model(
        *(np.float32(x).astype(model.dtype) for x in (source, target))))


@pytest.mark.parametrize("variant", VARIANTS)
def test_heads_of_64_channels_are_assumed_and_said(variant):
    config = VARIANTS[variant]
    with_shapes = {name: np.zeros(value.shape, np.float32)
                   for name, value in Transformer.random(config, None).state_dict().items()}
    found = identify(StoredCheckpoint("npz", with_shapes, [], {}))
    assert found.config == config and found.reader.name == "Transformer"
    assert f"The number of heads is not in the file: {config.nhead} of 64 channels were assumed." in found.notes
    assert any("the paper's order, 1e-5 and ReLU were assumed" in note for note in found.assumed)
    other = replace(config, num_encoder_layers=1, num_decoder_layers=2, dim_feedforward=8)
    with pytest.raises(CheckpointError, match=r"1 and 2 blocks and 8 hidden units .* give num_heads"):
        identify(as_stored(other))


def test_layers_are_counted_by_their_numbers():
    config = replace(TINY, num_encoder_layers=11, num_decoder_layers=1)
    assert identify(as_stored(config), num_heads=3).config == config


def test_converting_and_back_is_the_identity():
    stored = as_stored(TINY)
    found = identify(stored, num_heads=(3,))
    converted = convert(found.state, TRANSFORMER_DIALECTS["pytorch"], found.config)
    assert converted.keys() == stored.tensors.keys()
    assert all(np.array_equal(converted[name], value) for name, value in stored.tensors.items())


@pytest.mark.parametrize(("changed", "words"), [
    ({"decoder.norm.bias": None}, r"do not make one Transformer: decoder.norm.bias \(24,\) is missing"),
    ({"encoder.layers.1.linear2.weight": np.zeros((24, 41), np.float32)}, r"\(24, 41\), expected \(24, 40\)"),
    ({"encoder.layers.1.self_attn.in_proj_bias": np.zeros(72, int)}, "has dtype int64"),
    ({"encoder.layers.0.linear1.weight": None}, "encoder.layers.0.linear1.weight is missing"),
])
def test_what_is_no_whole_model_is_refused_by_name(changed, words):
    with pytest.raises(CheckpointError, match=words):
        identify(as_stored(TINY, **changed), num_heads=3)


def test_the_layer_of_a_vocabulary_is_left_aside_with_a_warning():
    found = identify(as_stored(TINY, **{"generator.weight": np.zeros((9, 24), np.float32)}), num_heads=(3,))
    assert "Left aside 'generator', no part of the model." in found.assumed


def test_every_missing_or_misshapen_parameter_is_refused():
    for name, value in as_stored(TINY).tensors.items():
        for wrong in (None, value[None], value[:0], np.zeros((), np.float32), value.astype(np.int64)):
            with pytest.raises(CheckpointError):
                identify(as_stored(TINY, **{name: wrong}), num_heads=3)


def test_half_a_transformer_is_refused():
    for part in ("encoder.", "decoder."):
        half = {name: value for name, value in as_stored(TINY).tensors.items() if name.startswith(part)}
        with pytest.raises(CheckpointError):
            identify(StoredCheckpoint("npz", half, [], {}), num_heads=3)


@pytest.mark.parametrize(("told", "words"), [
    ({}, r"24 channels, 2 and 3 blocks and 40 hidden units are those of no published Transformer: give num_heads"),
    ({"num_heads": 5}, "5 heads do not divide 24 channels"),
    ({"num_heads": (3, 3)}, "a Transformer has one number of heads"),
    ({"num_heads": 3, "image_size": 224}, "takes sequences of any length: leave it out"),
    ({"num_heads": 3, "window_size": 7}, "leave it out for a Transformer"),
])
def test_what_cannot_be_told_of_it_is_refused(told, words):
    with pytest.raises(CheckpointError, match=words):
        identify(as_stored(TINY), **told)


def test_the_configuration_of_another_system_is_refused(tmp_path):
    np.savez(tmp_path / "transformer.npz", **as_stored(TINY).tensors)
    with pytest.raises(ConfigurationError, match="is a Transformer, and a SwinConfig was given"):
        swin_np.load(tmp_path / "transformer.npz", config=swin_np.SwinConfig())


def test_the_commands_know_it_and_classify_says_that_it_has_no_head(tmp_path, capsys):
    source, target = tmp_path / "transformer.npz", tmp_path / "copy.safetensors"
    np.savez(source, **as_stored(TINY).tensors)
    assert main(["inspect", str(source), "--num-heads", "3"]) == 0
    assert "dim_feedforward40" in capsys.readouterr().out.replace(" ", "")
    assert main(["convert", str(source), str(target), "--to", "pytorch", "--num-heads", "3"]) == 0
    assert swin_np.load(target, num_heads=3).config == TINY
    assert main(["classify", sample_photograph(), "--checkpoint", str(target), "--num-heads", "3"]) == 2
    assert "the model has no head" in capsys.readouterr().err
