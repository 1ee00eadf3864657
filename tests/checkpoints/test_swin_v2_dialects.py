"""Swin V2 files of transformers and in the names of microsoft, timm and torchvision: outputs, windows, refusals."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_v2 import SWIN_V2_VARIANTS, SwinTransformerV2, SwinV2Config
from swin_np.checkpoints.dialects.swin import recognise
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert, identify
from swin_np.checkpoints.resizing import resize_position_embedding
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.images import PRESETS, sample_photograph
from swin_np.layers import redraw
from swin_np.preprocessing.choice import default_preset
from tests import golden
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

PLAIN = SwinV2Config(32, 2, 3, 5, 8, (2, 2), (2, 4), 4)                # maps 16x16 and 8x8
CONFIGS = {                                            # one change each
    "plain": PLAIN,
    "no head": replace(PLAIN, num_classes=0),
    "no qkv bias": replace(PLAIN, qkv_bias=False),
    "grey images": replace(PLAIN, in_chans=1),
    "narrow MLP": replace(PLAIN, mlp_ratio=1.5),
    "deep": replace(PLAIN, depths=(1, 3, 2), num_heads=(1, 2, 8), img_size=64),
    "window 8, one in stage 2": replace(PLAIN, window_size=8),
}
TOLD = ("microsoft", "torchvision")                    # dialects whose files tell the window
every_dialect = pytest.mark.parametrize("dialect", SWIN_V2_DIALECTS)

IN_TORCHVISION = {                                     # official pattern: torchvision 0.28's, replaced in this order
    r"^patch_embed\.proj": "features.0.0", r"^patch_embed\.norm": "features.0.2", r"mlp\.fc1": "mlp.0",
    r"mlp\.fc2": "mlp.3", r"^layers\.0\.blocks\.": "features.1.", r"^layers\.0\.downsample": "features.2",
    r"^layers\.1\.blocks\.": "features.3."}
IN_TIMM = {r"^layers\.0\.downsample": "layers.1.downsample", r"^head": "head.fc"}         # timm 1.0.31's
OFFICIAL = ("v2_basic", "v2_pretrained_window")


def drawn(config: SwinV2Config) -> SwinTransformerV2:
    model = SwinTransformerV2.random(config)
    redraw(model, 1)
    return model


def stored_as(dialect: str, config: SwinV2Config, **changed) -> StoredCheckpoint:
    """A checkpoint in a dialect's names, derived buffers included; `changed` replaces tensors, None removes one."""
    config = replace(config, shape_policy=SWIN_V2_DIALECTS[dialect].shape_policy)
    tensors = convert(drawn(config).state_dict(), SWIN_V2_DIALECTS[dialect], config) | changed
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


def sizes_for(dialect: str, config: SwinV2Config) -> dict[str, tuple[int, int]]:
    """What has to be said of a file in this dialect."""
    untold = {"window_size": config.window_size, "pretrained_window_sizes": config.pretrained_window_sizes or 0}
    return {"image_size": config.img_size} | ({} if dialect in TOLD else untold)


def renamed(state: dict[str, np.ndarray], patterns: dict[str, str]) -> dict[str, np.ndarray]:
    result = {}
    for name, value in state.items():
        for pattern, spelling in patterns.items():
            name = re.sub(pattern, spelling, name)
        result[name] = value
    return result


def official_files(name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix("state/"): value for key, value in golden.stored(name).items() if key.startswith("state/")}


def as_timm_has_it(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    kept = {name: value for name, value in state.items() if "relative_" not in name and "attn_mask" not in name}
    return renamed(kept, IN_TIMM)


def as_torchvision_has_it(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """With a third for the keys that is not 0, which torchvision ignores."""
    result = {}
    for name, value in state.items():
        if name.endswith("q_bias"):
            third = np.full_like(value, 7)
            result[name.replace("q_bias", "qkv.bias")] = np.concatenate(
                [value, third, state[name.replace("q_bias", "v_bias")]])
        elif name.endswith("relative_position_index"):
            result[name] = value.ravel()
        elif not name.endswith(("v_bias", "attn_mask")):
            result[name] = value
    return renamed(result, IN_TORCHVISION)


# The oracles' outputs.


@pytest.mark.parametrize("name", OFFICIAL)
@pytest.mark.parametrize("dialect", ["microsoft", "timm", "torchvision"])
def test_a_file_of_torch_gives_the_official_codes_logits(dialect, name, tmp_path):
    torch = pytest.importorskip("torch")
    stored, state = golden.stored(name), official_files(name)
    state = {"microsoft": dict, "timm": as_timm_has_it, "torchvision": as_torchvision_has_it}[dialect](state)
    torch.save({"model": {key: torch.from_numpy(value.copy()) for key, value in state.items()}}, tmp_path / "model.pth")
    config = SwinV2Config(**json.loads(stored["meta"].item())["config"],
                          shape_policy=SWIN_V2_DIALECTS[dialect].shape_policy)
    told = {} if dialect == "microsoft" else {"image_size": 32}         # whose masks tell it
    if dialect == "timm":
        told = {"config": config}
    single, double = (swin_np.load(tmp_path / "model.pth", dtype=dtype, **told) for dtype in (np.float32, np.float64))
    assert single.config == config
    assert_matches(double(stored["input"].astype(np.float64)), stored["logits_float64"], MODEL_TOLERANCE)
    assert_model_rounds_as_float32(single, lambda model: model(stored["input"].astype(model.dtype)), draws=24)


def transformers_model(config: SwinV2Config, bare: bool = False):
    """A live model of transformers, its weights drawn large."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    kind = transformers.Swinv2Model if bare else transformers.Swinv2ForImageClassification
    model = kind(transformers.Swinv2Config(
        image_size=list(config.img_size), patch_size=config.patch_size[0], embed_dim=config.embed_dim,
        depths=list(config.depths), num_heads=list(config.num_heads), window_size=config.window_size[0],
        pretrained_window_sizes=config.pretrained_window_sizes or (0,) * len(config.depths),
        mlp_ratio=config.mlp_ratio, qkv_bias=config.qkv_bias,
        num_channels=config.in_chans, num_labels=config.num_classes or 2)).eval()
    torch.manual_seed(0)
    for value in model.parameters():
        torch.nn.init.normal_(value, std=value[0].numel() ** -0.5 if value.ndim == 2 or value.ndim == 4 else 0.5)
    return model


def save_pretrained(model, folder):
    model.save_pretrained(folder)
    return folder


def save_state_dict(model, folder):
    import torch
    torch.save(model.state_dict(), folder / "model.pth")
    return folder / "model.pth"


LIVE = {
    "plain": replace(PLAIN, img_size=(32, 48)),
    "clamped in stage 2": replace(PLAIN, img_size=(32, 32), window_size=16),
    "padded": replace(PLAIN, img_size=(44, 60)),       # maps 22x30 and 11x15
}


@pytest.mark.parametrize("setting", LIVE)
@pytest.mark.parametrize("bare", [False, True], ids=["classifier", "bare"])
@pytest.mark.parametrize("save", [save_pretrained, save_state_dict])
def test_a_model_saved_by_transformers_gives_its_output(save, bare, setting, tmp_path, rng):
    torch = pytest.importorskip("torch")
    config = LIVE[setting]
    theirs, images = transformers_model(config, bare), rng.standard_normal((2, 3, *config.img_size))
    path = save(theirs, tmp_path)
    with torch.inference_mode():
        found = theirs.double()(torch.from_numpy(images))
        double = (found.pooler_output if bare else found.logits).numpy()
    sizes = sizes_for("transformers", config)
    ours = swin_np.load(path, dtype=np.float64, **sizes)
    assert ours.config == replace(config, num_classes=0 if bare else 5,
                                  shape_policy=SWIN_V2_DIALECTS["transformers"].shape_policy)
    assert_matches(ours(images), double, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(swin_np.load(path, **sizes),
                                   lambda model: model(np.float32(images).astype(model.dtype)))


def test_the_windows_of_the_first_training_come_with_a_wanted_configuration(tmp_path, rng):
    torch = pytest.importorskip("torch")
    config = replace(PLAIN, window_size=8, pretrained_window_sizes=(6, 3))
    theirs, images = transformers_model(config), rng.standard_normal((2, 3, 32, 32))
    theirs.save_pretrained(tmp_path)
    with torch.inference_mode():
        double = theirs.double()(torch.from_numpy(images)).logits.numpy()
    assert_matches(swin_np.load(tmp_path, dtype=np.float64, config=config)(images), double, MODEL_TOLERANCE)


@pytest.mark.parametrize("size", [(32, 16), (32, 8), (30, 30)])        # maps 16x8, 16x4, 15x15
def test_where_transformers_has_windows_of_its_own_the_file_is_refused(size, tmp_path, rng):
    torch = pytest.importorskip("torch")
    config = replace(PLAIN, img_size=size, window_size=8)
    theirs, images = transformers_model(config), rng.standard_normal((2, 3, *size))
    theirs.save_pretrained(tmp_path)
    with torch.inference_mode():
        double = theirs.double()(torch.from_numpy(images)).logits.numpy()
    asked_for = replace(config, shape_policy=SWIN_V2_DIALECTS["transformers"].shape_policy)
    assert np.abs(swin_np.load(tmp_path, dtype=np.float64, config=asked_for)(images) - double).max() > 1e-3
    with pytest.raises(CheckpointError, match=r"transformers would have windows of (8x8|7x7) in stage"):
        swin_np.load(tmp_path, image_size=size, window_size=8)


def test_a_converted_file_is_taken_by_transformers_without_complaint(tmp_path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    theirs = transformers_model(PLAIN)
    theirs.save_pretrained(tmp_path)
    found = identify(read(tmp_path), **sizes_for("transformers", PLAIN))
    converted = convert(found.state, SWIN_V2_DIALECTS["transformers"], found.config)
    assert converted.keys() == read(tmp_path).tensors.keys()
    write_safetensors(tmp_path / "model.safetensors", converted, {"format": "pt"})
    again, report = transformers.Swinv2ForImageClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    for name, value in again.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


# Names.


@pytest.mark.parametrize("setting", CONFIGS)
@every_dialect
def test_converting_to_every_dialect_and_back_is_the_identity(dialect, setting):
    config = CONFIGS[setting]
    found = identify(stored_as(dialect, config), **sizes_for(dialect, config))
    own = drawn(config).state_dict()
    assert found.dialect.name == dialect and found.state.keys() == own.keys()
    for name, value in own.items():
        assert np.array_equal(found.state[name], value), name
    assert convert(found.state, found.dialect, found.config).keys() == stored_as(dialect, config).tensors.keys()


@pytest.mark.parametrize("name", OFFICIAL)
@pytest.mark.parametrize(("dialect", "rename"), [("microsoft", dict), ("timm", as_timm_has_it),
                                                 ("torchvision", as_torchvision_has_it)])
def test_names_shapes_and_buffers_are_those_of_the_real_library(dialect, rename, name):
    found = identify(StoredCheckpoint("npz", official_files(name), [], {}))
    theirs, ours = rename(official_files(name)), convert(found.state, SWIN_V2_DIALECTS[dialect], found.config)
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}
    for key, value in theirs.items():
        if key.endswith("qkv.bias"):                   # torchvision begins with 0 for the keys
            value[value.size // 3:2 * value.size // 3] = 0
        assert np.allclose(ours[key], value, rtol=1e-6, atol=0), key


def test_swin_v2_t_has_as_many_parameters_as_torchvisions():
    config = SWIN_V2_VARIANTS["swin_v2_t"]
    tensors = convert(SwinTransformerV2.random(config, None).state_dict(), SWIN_V2_DIALECTS["torchvision"], config)
    assert sum(value.size for name, value in tensors.items() if "relative_" not in name) == 28_351_570


@pytest.mark.parametrize("wrong", [np.zeros(25, np.float32), np.zeros((3, 8), np.float32), np.zeros((), np.float32)])
def test_a_fused_bias_that_has_no_thirds_is_refused(wrong):
    with pytest.raises(CheckpointError, match=r"qkv.bias has shape .* three biases"):
        identify(stored_as("torchvision", PLAIN, **{"features.1.0.attn.qkv.bias": wrong}))


# The configuration.


@pytest.mark.parametrize("setting", CONFIGS)
@every_dialect
def test_the_configuration_is_read_off_the_shapes(dialect, setting):
    config = replace(CONFIGS[setting], shape_policy=SWIN_V2_DIALECTS[dialect].shape_policy)
    assert identify(stored_as(dialect, config), **sizes_for(dialect, config)).config == config


@pytest.mark.parametrize("dialect", TOLD)
@pytest.mark.parametrize("changes", [{"window_size": (2, 4)}, {"pretrained_window_sizes": (3, 12)},
                                     {"pretrained_window_sizes": (0, 24)},
                                     {"window_size": (2, 4), "pretrained_window_sizes": (9, 0)},
                                     {"window_size": (1, 4), "pretrained_window_sizes": (7, 7)}, {"window_size": 1}])
def test_stored_coordinates_tell_the_window_and_that_of_the_first_training(dialect, changes):
    config = replace(PLAIN, shape_policy=SWIN_V2_DIALECTS[dialect].shape_policy, **changes)
    assert identify(stored_as(dialect, config), image_size=32).config == config


def test_a_file_without_coordinates_but_with_its_index_tells_a_square_window():
    stored = stored_as("microsoft", PLAIN)
    bare = {name: value for name, value in stored.tensors.items() if "coords" not in name}
    assert identify(replace(stored, tensors=bare), pretrained_window_sizes=0).config.window_size == (4, 4)
    with pytest.raises(CheckpointError, match=r"nothing in it tells the windows of the first training, .*: give "
                                              r"pretrained_window_sizes \(--pretrained-window-sizes\)"):
        identify(replace(stored, tensors=bare))


@pytest.mark.parametrize("size", [32, 64, (32, 64), (16, 96)])
def test_masks_tell_the_image_size(size):
    assert identify(stored_as("microsoft", replace(PLAIN, img_size=size))).config.img_size == \
        swin_np.functional.pair(size)


def test_a_clamped_window_tells_the_image_size():
    config = replace(PLAIN, img_size=24, window_size=12, depths=(1, 1), shape_policy=swin_np.MICROSOFT)   # maps 12, 6
    assert identify(stored_as("microsoft", config)).config == config


@pytest.mark.parametrize("dialect", ["timm", "transformers"])
def test_a_file_without_coordinates_asks_for_all_that_it_does_not_tell_in_one_sentence(dialect):
    config = replace(SWIN_V2_VARIANTS["swin_v2_t"], embed_dim=2, num_heads=(1, 1, 1, 1), depths=(1, 1, 1, 1))
    with pytest.raises(CheckpointError) as caught:
        identify(stored_as(dialect, config))
    assert ("give window_size, image_size and pretrained_window_sizes (--window-size, --image-size, "
            "--pretrained-window-sizes)") in str(caught.value)
    answers = {"window_size": 8, "image_size": 256, "pretrained_window_sizes": 0}
    assert identify(stored_as(dialect, config), **answers).assumed == []
    for name in answers:
        others = {other: value for other, value in answers.items() if other != name}
        with pytest.raises(CheckpointError, match=rf"depend: give {name} \(--{name.replace('_', '-')}\)"):
            identify(stored_as(dialect, config), **others)


@pytest.mark.parametrize("given", [12, (12, 12), [12, 12], np.int64(12)], ids=repr)
def test_one_pretrained_window_is_that_of_all_stages(given):
    sizes = {"window_size": 8, "image_size": 32, "pretrained_window_sizes": given}
    found = identify(stored_as("timm", replace(PLAIN, window_size=8)), **sizes)
    assert found.config.pretrained_window_sizes == (12, 12)


@pytest.mark.parametrize(("given", "words"), [
    ((12, 12, 12), "3 pretrained window sizes for 2 stages"), (1, "give 2 or more, or 0"), (-1, "whole numbers from 0"),
    ("12", "whole numbers"), (12.5, "whole numbers"), ((), "whole numbers"), (True, "whole numbers"),
])
def test_pretrained_windows_that_cannot_be_are_refused(given, words):
    with pytest.raises(CheckpointError, match=words):
        identify(stored_as("timm", PLAIN), window_size=4, image_size=32, pretrained_window_sizes=given)


@pytest.mark.parametrize("dialect", TOLD)
def test_other_pretrained_windows_than_the_files_coordinates_are_refused(dialect):
    with pytest.raises(CheckpointError, match=r"relative_coords_table .* is not what follows from window"):
        identify(stored_as(dialect, PLAIN), image_size=32, pretrained_window_sizes=12)
    assert identify(stored_as(dialect, PLAIN), image_size=32, pretrained_window_sizes=0).config.window_size == (4, 4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_rounded_coordinates_of_a_file_of_half_the_precision_are_taken(dtype, tmp_path):
    torch = pytest.importorskip("torch")
    config = replace(PLAIN, pretrained_window_sizes=(12, 6), window_size=8)
    state = {name: torch.from_numpy(value.copy()) for name, value in stored_as("microsoft", config).tensors.items()}
    state = {name: value.to(getattr(torch, dtype)) if value.is_floating_point() else value
             for name, value in state.items()}
    torch.save(state, tmp_path / "half.pth")
    assert swin_np.load(tmp_path / "half.pth").config == config


# Questions and refusals.


@pytest.mark.parametrize("dialect", ["timm", "transformers"])
def test_a_window_or_an_image_size_alone_is_a_question(dialect):
    with pytest.raises(CheckpointError, match=r"give window_size and pretrained_window_sizes \("):
        identify(stored_as(dialect, PLAIN), image_size=32)
    with pytest.raises(CheckpointError, match=r"give image_size and pretrained_window_sizes \("):
        identify(stored_as(dialect, PLAIN), window_size=4)


@pytest.mark.parametrize("dialect", TOLD)
def test_another_window_than_the_files_is_refused(dialect):
    with pytest.raises(CheckpointError, match="is not what follows from window"):
        identify(stored_as(dialect, PLAIN), window_size=8, image_size=32)


def test_another_number_of_heads_than_the_files_is_refused():
    with pytest.raises(CheckpointError, match=r"for \(2, 4\) heads, and \(4, 8\) were asked for"):
        identify(stored_as("microsoft", PLAIN), num_heads=(4, 8))


@pytest.mark.parametrize("ending", ["attn_mask", "attn.relative_position_index", "attn.relative_coords_table"])
def test_a_wrong_derived_buffer_is_refused_by_its_name(ending):
    name = f"layers.0.blocks.1.{ending}"
    wrong = stored_as("microsoft", PLAIN).tensors[name].copy()
    wrong[..., -1] += 1
    with pytest.raises(CheckpointError, match=f"{name} .* is not what follows from window"):
        identify(stored_as("microsoft", PLAIN, **{name: wrong}))


def test_coordinates_of_one_block_that_are_for_another_training_are_refused():
    name = "layers.1.blocks.1.attn.relative_coords_table"
    other = stored_as("microsoft", replace(PLAIN, pretrained_window_sizes=(24, 24))).tensors[name]
    with pytest.raises(CheckpointError, match=f"{name} .* is not what follows from window"):
        identify(stored_as("microsoft", PLAIN, **{name: other}))


@pytest.mark.parametrize("wrong", [np.zeros((1, 7, 7), np.float32), np.zeros((1, 0, 7, 2), np.float32),
                                   np.full((1, 7, 7, 2), np.nan, np.float32), np.zeros((1, 7, 7, 1), np.float32),
                                   np.full((1, 7, 7, 2), 1e30, np.float32), np.full((1, 7, 7, 2), 1e-30, np.float32)])
def test_damaged_coordinates_are_refused(wrong):
    with pytest.raises(CheckpointError, match=r"layers\.0\.blocks\.0\.attn\.relative_coords_table"):
        identify(stored_as("microsoft", PLAIN, **{"layers.0.blocks.0.attn.relative_coords_table": wrong}))


@pytest.mark.long
@pytest.mark.parametrize("dialect", long_but(["torchvision"], SWIN_V2_DIALECTS))
def test_every_missing_misshapen_or_integer_parameter_is_refused(dialect):
    config = replace(PLAIN, num_classes=0)
    stored = stored_as(dialect, config)
    for name, value in stored.tensors.items():
        if "relative_" in name or name.endswith("attn_mask"):
            continue
        for wrong in (None, value[None], value[..., :-1], np.zeros((), np.float32), value[:0], value.astype(np.int64)):
            if value.shape == (8, 3, 2, 2) and wrong is not None and wrong.shape == (8, 3, 2, 1):
                continue                               # smaller patches, which are none the worse
            with pytest.raises(CheckpointError):
                identify(stored_as(dialect, config, **{name: wrong}), **sizes_for(dialect, config))


def test_a_parameter_too_many_is_refused_by_its_name():
    for name in ("layers.0.blocks.0.attn.k_bias", "layers.0.blocks.0.attn.relative_position_bias_table"):
        with pytest.raises(CheckpointError, match=rf"do not make one Swin Transformer V2: {name} \(8,\) has no place"):
            identify(stored_as("microsoft", PLAIN, **{name: np.zeros(8, np.float32)}))


def test_a_scale_alone_makes_no_v2():
    with pytest.raises(CheckpointError, match="one of the dialects microsoft, timm, torchvision, transformers"):
        identify(StoredCheckpoint("npz", {"layers.0.blocks.0.attn.logit_scale": np.zeros((2, 1, 1))}, [], {}))


def test_the_versions_are_told_apart(tmp_path):
    first = swin_np.SwinTransformer.random(swin_np.SwinConfig(32, 2, 3, 5, 8, (2, 2), (2, 4), 4)).state_dict()
    assert identify(StoredCheckpoint("npz", first, [], {})).reader.name == "Swin Transformer"
    write_safetensors(tmp_path / "v2.safetensors", stored_as("microsoft", PLAIN).tensors, {})
    with pytest.raises(ConfigurationError, match="is a Swin Transformer V2, and a SwinConfig was given"):
        swin_np.load(tmp_path / "v2.safetensors", config=swin_np.SwinConfig())
    with pytest.raises(CheckpointError, match=r"window_size=.* leave it out for a Swin Transformer"):
        identify(StoredCheckpoint("npz", first, [], {}), window_size=4)
    with pytest.raises(CheckpointError, match="it seems to be a Swin Transformer V2"):
        recognise(stored_as("microsoft", PLAIN).tensors)               # where only the first version is read


# A wanted configuration.


def test_a_wanted_window_takes_all_weights_as_they_are_and_resizes_positions(tmp_path):
    config = replace(PLAIN, ape=True)
    write_safetensors(tmp_path / "v2.safetensors", stored_as("microsoft", config).tensors, {})
    wanted = replace(config, img_size=(64, 96), window_size=8, pretrained_window_sizes=(4, 4))
    model = swin_np.load(tmp_path / "v2.safetensors", config=wanted)
    assert model.config == wanted
    for name, value in drawn(config).state_dict().items():
        old = resize_position_embedding(value, 16, (32, 48)) if name == "absolute_pos_embed" else value
        assert np.array_equal(model.state_dict()[name], old), name


def test_a_wanted_configuration_does_not_hide_a_damaged_buffer(tmp_path):
    name = "layers.0.blocks.1.attn.relative_position_index"
    write_safetensors(tmp_path / "v2.safetensors", stored_as("microsoft", PLAIN, **{name: np.zeros((16, 16), int)})
                      .tensors, {})
    with pytest.raises(CheckpointError, match=name):
        swin_np.load(tmp_path / "v2.safetensors", config=replace(PLAIN, window_size=8))


# The commands.


@pytest.fixture
def checkpoint(tmp_path):
    config = replace(PLAIN, img_size=64, window_size=16, pretrained_window_sizes=(12, 0))
    write_safetensors(tmp_path / "v2.safetensors", stored_as("microsoft", config).tensors, {})
    return tmp_path / "v2.safetensors"


def test_inspect_tells_version_window_and_first_training(checkpoint, capsys):
    assert main(["inspect", str(checkpoint)]) == 0
    text = capsys.readouterr().out
    assert "Swin Transformer V2" in text and "window 16x16" in text and "windows of 12, the same size" in text


def test_convert_writes_what_loads_to_the_same_numbers(checkpoint, tmp_path, capsys, rng):
    images = rng.standard_normal((2, 3, 64, 64)).astype(np.float32)
    expected = swin_np.load(checkpoint)(images)
    other, back = tmp_path / "torchvision.npz", tmp_path / "back.safetensors"
    assert main(["convert", str(checkpoint), str(other), "--to", "torchvision"]) == 0
    assert main(["convert", str(other), str(back), "--to", "microsoft", "--image-size", "64"]) == 0
    np.testing.assert_array_equal(swin_np.load(back)(images), expected)
    assert read(back).tensors.keys() == read(checkpoint).tensors.keys()
    timm = tmp_path / "timm.npz"
    assert main(["convert", str(checkpoint), str(timm), "--to", "timm"]) == 0
    capsys.readouterr()
    assert main(["inspect", str(timm), "--window-size", "16", "--image-size", "64", "--pretrained-window-sizes", "12",
                 "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["config"]["window_size"], found["config"]["pretrained_window_sizes"]) == ([16, 16], [12, 0])
    assert main(["convert", str(timm), str(back), "--to", "microsoft", "--window-size", "16", "--image-size", "64",
                 "--pretrained-window-sizes", "12", "0", "--force"]) == 0
    np.testing.assert_array_equal(swin_np.load(back)(images), expected)


def test_a_dialect_that_has_other_windows_is_refused(tmp_path, capsys):
    config = replace(PLAIN, window_size=16)            # 8 in stage 2, but not in torchvision
    write_safetensors(tmp_path / "v2.safetensors", stored_as("microsoft", config).tensors, {})
    assert main(["convert", str(tmp_path / "v2.safetensors"), str(tmp_path / "o.npz"), "--to", "torchvision"]) == 2
    assert "stage 2 are for a window of 8x8, and torchvision would have 16x16" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [
    (["inspect", "{}", "--window-size", "0"], "--window-size 0 was given"),
    (["inspect", "{}", "--pretrained-window-sizes", "8", "-1"], "--pretrained-window-sizes 8 -1 was given"),
    (["convert", "{}", "{}.npz", "--to", "mmdetection"], "unknown dialect of a Swin Transformer V2 'mmdetection'"),
])
def test_what_v2_has_not_gives_one_sentence(arguments, words, checkpoint, capsys):
    assert main([argument.format(checkpoint) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and words in lines[0]


def test_classify_names_classes_by_the_preset_that_is_given_and_takes_none_for_a_size_that_torchvision_has_not(
        tmp_path, capsys):
    config = replace(PLAIN, img_size=256, patch_size=16, window_size=8)
    path = tmp_path / "v2.safetensors"
    write_safetensors(path, stored_as("torchvision", config).tensors, {})
    command = ["classify", sample_photograph(), "--checkpoint", str(path), "--json"]
    assert main(command) == 2
    assert "torchvision_swin_v2_t" in capsys.readouterr().err
    assert main([*command, "--preset", "torchvision_swin_v2_t"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["preset"]["name"] == "torchvision_swin_v2_t" and len(result["images"][0]["classes"]) == 5


@pytest.mark.parametrize(("variant", "ending"), [("swin_v2_t", "t"), ("swin_v2_s", "s"), ("swin_v2_b", "b")])
def test_the_presets_of_torchvision_are_by_variant(variant, ending):
    config = replace(SWIN_V2_VARIANTS[variant], shape_policy=swin_np.TORCHVISION)
    assert default_preset(config) is PRESETS[f"torchvision_swin_v2_{ending}"]
