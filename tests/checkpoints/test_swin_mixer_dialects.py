"""Swin-Mixer files in the official names: outputs of a PyTorch model, configurations, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_mixer import SWIN_MIXER_VARIANTS, SwinMixer, SwinMixerConfig
from swin_np.checkpoints.dialects.swin import recognise
from swin_np.checkpoints.dialects.swin_mixer import SWIN_MIXER_DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert, identify
from swin_np.checkpoints.resizing import resize_position_embedding
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.images import sample_photograph
from swin_np.layers import redraw
from tests.baselines.test_swin_mixer import torch_swin_mixer
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

PLAIN = SwinMixerConfig((32, 48), 2, 3, 5, 12, (2, 2), (2, 4), 4)      # maps 16x24 and 8x12
SPATIAL = "layers.0.blocks.1.spatial_mlp.weight"


def as_stored(config: SwinMixerConfig, **changed) -> StoredCheckpoint:
    """A checkpoint in the official names; `changed` replaces tensors, None removes one."""
    model = SwinMixer.random(config)
    redraw(model, 3)
    tensors = model.state_dict() | changed
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


@pytest.mark.parametrize("config", [
    PLAIN, replace(PLAIN, window_size=16), replace(PLAIN, num_classes=0, in_chans=1, patch_norm=False),
    replace(PLAIN, ape=True, mlp_ratio=1.5)], ids=["plain", "clamped in stage 2", "bare", "position embedding"])
def test_a_file_of_torch_gives_the_torch_models_output(config, tmp_path, rng):
    torch = pytest.importorskip("torch")
    if config.window_size == (16, 16):
        config = replace(config, img_size=(32, 32))
    twin, state = torch_swin_mixer(config), as_stored(config).tensors
    twin.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=True)
    torch.save({"model": twin.state_dict()}, tmp_path / "mixer.pth")
    images = rng.standard_normal((2, config.in_chans, *config.img_size))
    with torch.inference_mode():
        double = twin.double()(torch.from_numpy(images)).numpy()
    ours = swin_np.load(tmp_path / "mixer.pth", image_size=config.img_size, dtype=np.float64)
    assert ours.config == config
    assert_matches(ours(images), double, MODEL_TOLERANCE)
    float32 = swin_np.load(tmp_path / "mixer.pth", image_size=config.img_size)
    assert_model_rounds_as_float32(float32, lambda model: model(np.float32(images).astype(model.dtype)))


@pytest.mark.parametrize("config", [
    replace(PLAIN, img_size=32), replace(PLAIN, img_size=64, depths=(1, 3, 2), num_heads=(1, 2, 8)),
    replace(PLAIN, img_size=24, window_size=12), replace(PLAIN, img_size=32, ape=True)],
    ids=["plain", "deep", "clamped in stage 2", "position embedding"])
def test_the_configuration_is_read_off_the_shapes(config):
    assert identify(as_stored(config), image_size=config.img_size).config == config


@pytest.mark.parametrize("variant", ["swin_mixer_t_c6", "swin_mixer_b"])
def test_the_papers_image_sizes_are_assumed_and_said(variant):
    config = replace(SWIN_MIXER_VARIANTS[variant], embed_dim=16, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8))
    found = identify(as_stored(config))
    side = config.img_size[0]
    assert found.config == config and found.reader.name == "Swin-Mixer"
    assert f"The image size is not in the file: {side}x{side} was assumed." in found.notes


def test_a_window_that_was_clamped_to_the_map_tells_the_image_size():
    assert identify(as_stored(replace(PLAIN, img_size=24, window_size=12))).config.img_size == (24, 24)


def test_converting_to_the_official_names_and_back_is_the_identity():
    stored = as_stored(PLAIN)
    found = identify(stored, image_size=PLAIN.img_size)
    converted = convert(found.state, SWIN_MIXER_DIALECTS["microsoft"], found.config)
    assert converted.keys() == stored.tensors.keys()
    assert all(np.array_equal(converted[name], value) for name, value in stored.tensors.items())


@pytest.mark.parametrize(("changed", "words"), [
    ({SPATIAL: None}, rf"do not make one Swin-Mixer: {SPATIAL} \(32, 16, 1\) is missing"),
    ({"layers.0.blocks.0.attn.qkv.weight": np.zeros((36, 12), np.float32)}, r"qkv.weight \(36, 12\) has no place"),
    ({SPATIAL: np.zeros((32, 16), np.float32)}, rf"{SPATIAL} has shape \(32, 16\), expected \(32, 16, 1\)"),
    ({SPATIAL: np.zeros((32, 16, 1), np.int64)}, rf"{SPATIAL} has dtype int64"),
    ({SPATIAL.replace("1.s", "0.s"): np.zeros((33, 16, 1), np.float32)}, r"expected \(heads M\^2, M\^2, 1\)"),
    ({SPATIAL.replace("1.s", "0.s"): np.zeros((32, 0, 1), np.float32)}, r"blocks.0.spatial_mlp.weight is of shape"),
    ({"layers.0.downsample.norm.bias": None}, r"layers.0.downsample.norm.bias \(48,\) is missing"),
])
def test_what_is_no_whole_model_is_refused_by_name(changed, words):
    with pytest.raises(CheckpointError, match=words):
        identify(as_stored(PLAIN, **changed), image_size=PLAIN.img_size)


def test_every_missing_or_misshapen_parameter_is_refused():
    config = replace(PLAIN, num_classes=0, patch_norm=False)
    for name, value in as_stored(config).tensors.items():
        for wrong in (None, value[None], value[:0], np.zeros((), np.float32), value.astype(np.int64)):
            with pytest.raises(CheckpointError):
                identify(as_stored(config, **{name: wrong}), image_size=config.img_size)


def test_other_heads_than_the_files_are_refused():
    with pytest.raises(CheckpointError, match=r"for \(2, 4\) heads, and \(4, 8\) were asked for"):
        identify(as_stored(PLAIN), num_heads=(4, 8))


def test_a_mixer_is_told_from_a_swin_transformer(tmp_path):
    np.savez(tmp_path / "mixer.npz", **as_stored(PLAIN).tensors)
    with pytest.raises(ConfigurationError, match="is a Swin-Mixer, and a SwinConfig was given"):
        swin_np.load(tmp_path / "mixer.npz", config=swin_np.SwinConfig())
    with pytest.raises(CheckpointError, match="it seems to be a Swin-Mixer"):
        recognise(as_stored(PLAIN).tensors)            # where only the Swin Transformer is read


def test_a_wanted_configuration_gets_resized_positions_and_no_other_window(tmp_path):
    config = replace(PLAIN, img_size=32, ape=True)
    write_safetensors(tmp_path / "mixer.safetensors", as_stored(config).tensors, {})
    state = swin_np.load(tmp_path / "mixer.safetensors", config=replace(config, img_size=(64, 96))).state_dict()
    for name, value in as_stored(config).tensors.items():
        old = resize_position_embedding(value, 16, (32, 48)) if name == "absolute_pos_embed" else value
        assert np.array_equal(state[name], old), name
    with pytest.raises(CheckpointError, match=r"spatial_mlp.weight has shape \(32, 16, 1\), expected \(128, 64, 1\)"):
        swin_np.load(tmp_path / "mixer.safetensors", config=replace(config, window_size=8))


def test_the_commands_know_it(tmp_path, capsys):
    source = tmp_path / "mixer.npz"
    np.savez(source, **as_stored(replace(PLAIN, img_size=128, patch_size=8)).tensors)
    assert main(["inspect", str(source), "--image-size", "128"]) == 0
    assert "Swin-Mixer" in capsys.readouterr().out
    target = str(tmp_path / "copy.safetensors")
    assert main(["convert", str(source), target, "--to", "microsoft", "--image-size", "128"]) == 0
    assert main(["convert", str(source), str(tmp_path / "o.npz"), "--to", "timm", "--image-size", "128"]) == 2
    assert "dialect of a Swin-Mixer" in capsys.readouterr().err
    assert main(["classify", sample_photograph(), "--checkpoint", target, "--image-size", "128", "--json"]) == 0
