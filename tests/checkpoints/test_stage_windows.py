"""Files of models with a window for each stage: what tables tell, what is asked, and what other libraries can have."""

import json
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np import MICROSOFT, TIMM, CheckpointError, SwinConfig
from swin_np.baselines.swin_mixer import SwinMixer, SwinMixerConfig
from swin_np.baselines.swin_v2 import SwinTransformerV2, SwinV2Config
from swin_np.checkpoints.dialects.swin import DIALECTS, SWIN_DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert, identify
from swin_np.checkpoints.resizing import resize_bias_table
from swin_np.commands.cli import main
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from tests.checkpoints.test_configuration_files import of_timm, output_of
from tests.checkpoints.test_configuration_files import redraw as redraw_torch
from tests.matching import MODEL_TOLERANCE, assert_matches

SMALL = {"embed_dim": 16, "num_heads": (1, 2, 4, 8), "depths": (2, 2, 2, 2), "num_classes": 5}
S3 = SwinConfig(224, 4, 3, 5, 8, (1, 1, 2, 2), (1, 2, 4, 4), (7, 7, 14, 7), shape_policy=TIMM)


def timm_file(architecture: str, folder, **settings):
    """(a live model of timm, the file with its state dict alone)."""
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    model = redraw_torch(timm.create_model(architecture, **SMALL | settings))
    torch.save(model.state_dict(), folder / "model.pth")
    return model, folder / "model.pth"


def of_old_timm(model) -> dict:
    """The state as timm stored it before 0.9: patch merging at the end of a stage, the derived buffers beside it."""
    state = {}
    for name, value in model.state_dict().items():
        parts = name.split(".")
        if parts[2:3] == ["downsample"]:
            parts[1] = str(int(parts[1]) - 1)
        state[".".join(parts).replace("head.fc", "head")] = value
    buffers = {name: value for name, value in model.named_buffers()
               if name.endswith(("relative_position_index", "attn_mask"))}
    assert any("mask" in name for name in buffers)
    return state | buffers


def stored_as(dialect: str, config: SwinConfig) -> StoredCheckpoint:
    """A checkpoint in a dialect's names, of large random weights."""
    config = replace(config, shape_policy=DIALECTS[dialect].shape_policy)
    model = SwinTransformer.random(config)
    redraw(model, 1)
    return StoredCheckpoint("npz", convert(model.state_dict(), DIALECTS[dialect], config), [], {})


def images_of(model, rng) -> np.ndarray:
    return rng.standard_normal((2, 3, *model.patch_embed.img_size))


# What the tables tell, in the numbers of a live timm.


@pytest.mark.parametrize(("architecture", "settings", "image_size"), [
    ("swin_s3_tiny_224", {}, None), ("swin_s3_small_224", {}, None),
    ("swin_s3_base_224", {"depths": (1, 1, 3, 1)}, None),
    ("swin_s3_tiny_224", {"img_size": 448, "depths": (1, 1, 2, 2)}, 448),
    ("swin_s3_tiny_224", {"img_size": (240, 272)}, (240, 272)),         # maps of 60x68, 30x34, 15x17 and 8x9
    ("swin_s3_tiny_224", {"img_size": (224, 112)}, (224, 112)),         # clamped to 14x7 and 7x4
    ("swin_s3_small_224", {"img_size": (96, 160)}, (96, 160)),
    ("swin_tiny_patch4_window7_224", {"img_size": (64, 96), "window_size": (4, 8, 4, 2)}, (64, 96)),
    ("swin_tiny_patch4_window7_224", {"img_size": 48, "window_size": (4, 6, 3), "depths": (2, 2, 2),
                                      "num_heads": (1, 2, 4)}, None),
])
def test_without_a_configuration_the_tables_tell_the_windows(architecture, settings, image_size, tmp_path, rng):
    model, path = timm_file(architecture, tmp_path, **settings)
    images = images_of(model, rng)
    ours = swin_np.load(path, dtype=np.float64, image_size=image_size)
    assert_matches(ours(images), output_of(model, images), MODEL_TOLERANCE)


@pytest.mark.parametrize("architecture", ["swin_s3_tiny_224", "swin_s3_small_224"])
def test_names_of_timm_before_0_9_and_their_masks_tell_the_same(architecture, tmp_path, rng):
    torch = pytest.importorskip("torch")
    model, path = timm_file(architecture, tmp_path)
    torch.save({"state_dict": of_old_timm(model)}, path)
    images = images_of(model, rng)
    ours = swin_np.load(path, dtype=np.float64)
    assert ours.config.img_size == (224, 224)
    assert_matches(ours(images), output_of(model, images), MODEL_TOLERANCE)


def test_a_mask_for_another_window_of_a_stage_is_refused():
    stored = stored_as("microsoft", replace(S3, img_size=448))
    name = "layers.2.blocks.1.attn_mask"
    wrong = replace(stored, tensors={**stored.tensors, name: np.zeros_like(stored.tensors[name])})
    identify(stored)
    with pytest.raises(CheckpointError, match=rf"{name} .* is not what follows from window"):
        identify(wrong)


def test_an_image_size_that_all_windows_tile_is_assumed_and_said():
    found = identify(stored_as("timm", replace(S3, window_size=(4, 6, 3, 5), img_size=480)))
    assert found.config.window_size == ((4, 4), (6, 6), (3, 3), (5, 5))
    assert found.assumed == ["The image size is not in the file: 480x480 was assumed."]       # 4 lcm(4, 12, 12, 40)


def test_a_window_that_was_clamped_is_one_window_rather_than_a_stage_s_own():
    found = identify(stored_as("timm", replace(S3, window_size=14)))
    assert (found.config.window_size, found.config.img_size) == ((14, 14), (224, 224))


@pytest.mark.parametrize("config", [replace(S3, window_size=14), replace(S3, window_size=7, img_size=112),
                                    replace(S3, window_size=(14, 14, 14, 7))])
def test_another_image_size_than_the_one_to_which_windows_were_clamped_is_a_question(config, tmp_path):
    stored = stored_as("timm", config)
    with pytest.raises(CheckpointError, match=r"which was clamped to the maps: give in swin_np\.load the config"):
        identify(stored, image_size=448)
    write_safetensors(tmp_path / "model.safetensors", stored.tensors, {})
    small = min(stage[0] for stage in map(config.window, range(4)))
    wanted = replace(config, img_size=448, window_size=(*(config.window(stage) for stage in range(3)), small))
    assert swin_np.load(tmp_path / "model.safetensors", config=wanted).config == wanted


def test_a_folder_with_a_configuration_needs_no_answer(tmp_path, rng):
    model = of_timm("swin_s3_small_224", tmp_path, **SMALL | {"img_size": 448, "depths": (1, 1, 2, 2)})
    images = images_of(model, rng)[:1]
    assert_matches(swin_np.load(tmp_path, dtype=np.float64)(images), output_of(model, images), MODEL_TOLERANCE)


def test_oblong_windows_of_stages_are_asked_for_without_an_image_size_and_told_by_it():
    stored = stored_as("timm", replace(S3, img_size=(224, 112)))        # the last tables are for 14x7 and 7x4
    with pytest.raises(CheckpointError, match="give the image_size or config"):
        identify(stored)
    found = identify(stored, image_size=(224, 112)).config
    assert found.window_size == ((7, 7), (7, 7), (14, 7), (7, 4))
    with pytest.raises(CheckpointError, match=r"it could be for .*, and nothing in it tells which: give image_size"):
        identify(stored, image_size=448)               # whose maps take 7x14 as well


def test_swin_mixer_and_v2_have_windows_of_their_stages_too():
    mixer = SwinMixerConfig(48, 2, 3, 5, 8, (2, 2), (2, 4), ((6, 6), (4, 4)), shape_policy=MICROSOFT)
    state = SwinMixer.random(mixer).state_dict()
    assert identify(StoredCheckpoint("npz", state, [], {})).config == mixer
    second = SwinV2Config(48, 2, 3, 5, 8, (2, 2), (2, 4), ((6, 6), (4, 4)))
    model = SwinTransformerV2.random(second)
    assert identify(StoredCheckpoint("npz", model.state_dict() | model.derived_buffers(), [], {})).config == second


def test_a_v2_in_timms_names_takes_windows_of_its_stages(tmp_path, rng):
    model, path = timm_file("swinv2_tiny_window8_256", tmp_path, img_size=(64, 96), window_size=(8, 4, 4, 2))
    images = images_of(model, rng)
    ours = swin_np.load(path, dtype=np.float64, image_size=(64, 96), window_size=(8, 4, (4, 4), 2),
                        pretrained_window_sizes=0)
    assert_matches(ours(images), output_of(model, images), MODEL_TOLERANCE)
    for windows, words in (((8, 4, 4), "3 for 4 stages"), ((8, 4, 4, 0), "window_size"),
                           ((8, None, 4, 2), "one window for all stages, or one for each"),
                           ((8, (4, 4, 4), 4, 2), "give a whole number, or a height")):
        with pytest.raises(CheckpointError, match=words):
            swin_np.load(path, image_size=(64, 96), window_size=windows, pretrained_window_sizes=0)


# A configuration that was asked for.


def test_tables_are_resized_to_the_windows_of_the_stages(tmp_path):
    stored = stored_as("timm", S3)
    write_safetensors(tmp_path / "model.safetensors", stored.tensors, {})
    wanted = replace(S3, img_size=(256, 512), window_size=(8, (4, 8), 16, 8))
    state = swin_np.load(tmp_path / "model.safetensors", config=wanted).state_dict()
    for name, value in convert(state, DIALECTS["timm"]).items():
        old = stored.tensors[name]
        if name.endswith("table"):
            stage = int(name.split(".")[1])
            old = resize_bias_table(old, (7, 7, 14, 7)[stage], (8, (4, 8), 16, 8)[stage])
        assert np.array_equal(value, old), name


def test_one_window_becomes_a_window_for_each_stage_and_back(tmp_path):
    write_safetensors(tmp_path / "one.safetensors", stored_as("timm", replace(S3, window_size=7)).tensors, {})
    assert swin_np.load(tmp_path / "one.safetensors", config=S3).config == S3
    write_safetensors(tmp_path / "each.safetensors", stored_as("timm", S3).tensors, {})
    wanted = replace(S3, window_size=7)
    assert swin_np.load(tmp_path / "each.safetensors", config=wanted).config == wanted


# What other libraries can have.


@pytest.mark.parametrize("dialect", sorted(set(SWIN_DIALECTS) - {"timm"}))
def test_a_library_with_one_window_for_all_stages_gets_no_other(dialect, tmp_path, capsys):
    config = replace(S3, num_classes=0) if dialect.startswith("mm") else S3
    write_safetensors(tmp_path / "s3.safetensors", stored_as("timm", config).tensors, {})
    assert main(["convert", str(tmp_path / "s3.safetensors"), str(tmp_path / "out.npz"), "--to", dialect]) == 2
    assert (f"position biases of stage 1 are for a window of 7x7, and {dialect} would have 14x14 there: choose timm, "
            "which takes a window for each stage") in capsys.readouterr().err


def test_what_one_clamped_window_gives_as_well_becomes_microsofts(tmp_path, rng):
    model = of_timm("swin_s3_small_224", tmp_path, **SMALL)
    assert main(["convert", str(tmp_path), str(tmp_path / "out.npz"), "--to", "microsoft"]) == 0
    images = images_of(model, rng)
    assert_matches(swin_np.load(tmp_path / "out.npz", dtype=np.float64)(images), output_of(model, images),
                   MODEL_TOLERANCE)


def test_a_converted_file_loads_strictly_in_timm_and_gives_the_same_logits(tmp_path, rng):
    torch = pytest.importorskip("torch")
    model, path = timm_file("swin_s3_tiny_224", tmp_path)
    images = images_of(model, rng)
    expected = output_of(model, images)
    torch.save(of_old_timm(model.float()), path)
    assert main(["convert", str(path), str(tmp_path / "out.npz"), "--to", "timm"]) == 0
    with np.load(tmp_path / "out.npz") as converted:
        redraw_torch(model).load_state_dict({name: torch.from_numpy(value.copy()) for name, value in converted.items()
                                             if name in model.state_dict()}, strict=True)
    assert np.array_equal(output_of(model, images), expected)


def test_inspect_shows_the_windows_of_all_stages(tmp_path, capsys):
    write_safetensors(tmp_path / "s3.safetensors", stored_as("timm", S3).tensors, {})
    assert main(["inspect", str(tmp_path / "s3.safetensors")]) == 0
    assert "heads (1, 2, 4, 4), windows 7x7, 7x7, 14x14, 7x7, MLP ratio 4" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "s3.safetensors"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["window_size"] == [[7, 7], [7, 7], [14, 14], [7, 7]]


@pytest.mark.parametrize("root", ["", "module.", "backbone."])
def test_swinv2_cr_is_refused_by_its_name_from_its_tensors_alone(root):
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    with torch.device("meta"):
        model = timm.create_model("swinv2_cr_small_ns_224", embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    state = {root + name: np.zeros(tuple(value.shape), np.float32) for name, value in model.state_dict().items()}
    for tensors in (state, {name.replace("logit_scale", "tau"): value for name, value in state.items()}):
        with pytest.raises(CheckpointError, match="it seems to be timm's swinv2_cr, which is another network than"):
            identify(StoredCheckpoint("npz", tensors, [], {}))
