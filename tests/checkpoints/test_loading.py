"""From files of every dialect to models: the oracle's logits, the configuration, the questions that are left open."""

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import swin_np
from swin_np import MICROSOFT, TIMM, TORCHVISION, CheckpointError, SwinConfig
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert, identify
from swin_np.checkpoints.resizing import resize_bias_table, resize_position_embedding
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from tests import golden
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches

DEFINING = {"patch_embed.norm.weight", "layers.1.blocks.0.mlp.fc1.weight", "layers.0.blocks.0.attn.qkv.weight",
            "layers.0.blocks.0.attn.qkv.bias", "layers.0.blocks.0.attn.relative_position_bias_table"}
"""Parameters that tell the configuration: where one of them is wrong, others do not fit."""

PLAIN = SwinConfig(32, 2, 3, 5, 8, (2, 2), (2, 4), 4)  # maps 16x16 and 8x8
CONFIGS = {                                            # one change each
    "plain": PLAIN,
    "no head": replace(PLAIN, num_classes=0),
    "no qkv bias": replace(PLAIN, qkv_bias=False),
    "no patch norm": replace(PLAIN, patch_norm=False),
    "grey images": replace(PLAIN, in_chans=1),
    "oblong patches": replace(PLAIN, img_size=(32, 64), patch_size=(2, 4)),
    "narrow MLP": replace(PLAIN, mlp_ratio=1.5),
    "deep": replace(PLAIN, depths=(1, 3, 2), num_heads=(1, 2, 8), img_size=64),
    "one stage": replace(PLAIN, depths=(2,), num_heads=(2,)),
}


def drawn(config: SwinConfig) -> SwinTransformer:
    model = SwinTransformer.random(config)
    redraw(model, 1)
    return model


def stored_as(dialect: str, config: SwinConfig) -> StoredCheckpoint:
    """A checkpoint in a dialect's names, derived buffers included where the dialect has them."""
    config = replace(config, shape_policy=DIALECTS[dialect].shape_policy)
    return StoredCheckpoint("npz", convert(drawn(config).state_dict(), DIALECTS[dialect], config), [], {})


def with_tensors(stored: StoredCheckpoint, **changed) -> StoredCheckpoint:
    tensors = {**stored.tensors, **changed}
    return replace(stored, tensors={name: value for name, value in tensors.items() if value is not None})


# The oracles' logits.


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", golden.OFFICIAL + golden.TIMM + golden.TORCHVISION)
def test_a_file_of_torch_in_a_librarys_names_gives_that_librarys_logits(name, legacy, tmp_path):
    torch = pytest.importorskip("torch")
    stored, config = golden.stored(name), golden.config(name)
    state = {key.removeprefix("state/"): torch.from_numpy(value.copy()) for key, value in stored.items()
             if key.startswith("state/")}
    torch.save({"model": state}, tmp_path / "model.pth", _use_new_zipfile_serialization=not legacy)
    unusual = {"config": config} if config.qk_scale else {"image_size": config.img_size}
    single = swin_np.load(tmp_path / "model.pth", **unusual)
    double = swin_np.load(tmp_path / "model.pth", dtype=np.float64, **unusual)
    assert single.config == config
    assert_matches(double(stored["input"].astype(np.float64)), stored["logits_float64"], MODEL_TOLERANCE)
    np.testing.assert_array_equal(single(stored["input"]), golden.model(name, np.float32)(stored["input"]))


@cache
def transformers_model(bare: bool = False):
    """A live model of transformers, its weights drawn large; its images are 32x32."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    kind = transformers.SwinModel if bare else transformers.SwinForImageClassification
    model = kind(transformers.SwinConfig(image_size=32, patch_size=2, embed_dim=8, depths=[2, 2], num_heads=[2, 4],
                                         window_size=4, num_labels=5)).eval()
    torch.manual_seed(0)
    for name, value in model.named_parameters():
        torch.nn.init.normal_(value, std=value[0].numel() ** -0.5 if value.ndim > 1 and "table" not in name else 0.5)
    return model


def save_pretrained(model, folder):
    model.save_pretrained(folder)
    return folder


def save_sharded(model, folder):
    model.save_pretrained(folder, max_shard_size="10KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    return folder


def save_in_memory_names(model, folder):
    import torch
    torch.save(model.state_dict(), folder / "model.pth")
    return folder / "model.pth"


@pytest.mark.parametrize("bare", [False, True], ids=["classifier", "bare"])
@pytest.mark.parametrize("save", [save_pretrained, save_sharded, save_in_memory_names])
def test_a_model_saved_by_transformers_gives_its_output(save, bare, tmp_path, rng):
    torch = pytest.importorskip("torch")
    theirs, images = transformers_model(bare), rng.standard_normal((2, 3, 32, 32))
    ours = swin_np.load(save(theirs, tmp_path), dtype=np.float64)
    with torch.inference_mode():
        result = theirs.double()(torch.from_numpy(images))
    theirs.float()
    assert_matches(ours(images), (result.pooler_output if bare else result.logits).numpy(), MODEL_TOLERANCE)


@pytest.mark.parametrize("name", ["v1_window7", "torchvision_even", "timm_even"])
def test_a_file_converted_to_transformers_loads_strictly_there_and_gives_the_same_logits(name):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from oracle.swin_twin import their_outputs, torch_twin
    state = {key.removeprefix("state/"): value for key, value in golden.stored(name).items()
             if key.startswith("state/")}
    found = identify(StoredCheckpoint("npz", state, [], {}), image_size=golden.config(name).img_size)
    twin = torch_twin(SwinTransformer.random(found.config), torch.float64)
    converted = convert(found.state, DIALECTS["transformers"], found.config)
    twin.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in converted.items()}, strict=True)
    logits = their_outputs(twin, golden.stored(name)["input"])["logits"]
    assert_matches(logits, golden.stored(name)["logits_float64"], MODEL_TOLERANCE)


def test_a_sharded_folder_of_transformers_loads_converted_names_without_complaint(tmp_path, rng):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    theirs = transformers_model()
    theirs.save_pretrained(tmp_path)
    found = identify(read(tmp_path))
    converted = convert(found.state, DIALECTS["transformers-files"])
    assert converted.keys() == read(tmp_path).tensors.keys()
    write_safetensors(tmp_path / "model.safetensors", converted, {"format": "pt"})
    again, report = transformers.SwinForImageClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    for name, value in again.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


# What is inferred.


@pytest.mark.parametrize("choice", CONFIGS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_configuration_is_inferred(dialect, choice):
    config = replace(CONFIGS[choice], shape_policy=DIALECTS[dialect].shape_policy)
    if dialect == "mmdetection":                       # it names the norm after the fourth stage, and has no head
        config = replace(config, num_classes=0)
    assert identify(stored_as(dialect, config), image_size=config.img_size).config == config


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_hidden_size_that_was_rounded_down_is_inferred(dialect):
    config = replace(PLAIN, embed_dim=12, mlp_ratio=2.7, num_classes=0)           # 32 of 32.4, 64 of 64.8
    stored = stored_as(dialect, config)
    found = identify(stored, image_size=32)
    assert [int(channels * found.config.mlp_ratio) for channels in (12, 24)] == [32, 64]


def test_a_hidden_size_whose_quotient_is_rounded_down_is_inferred():
    assert int(98 * (2 / 98)) == 1
    config = replace(PLAIN, embed_dim=49, num_heads=(1, 1), mlp_ratio=2.5 / 98)
    assert int(98 * identify(stored_as("timm", config), image_size=32).config.mlp_ratio) == 2


@pytest.mark.parametrize("dialect", ["microsoft", "transformers", "mmdetection"])
def test_absolute_position_embeddings_tell_the_image_size(dialect):
    config = replace(PLAIN, ape=True, num_classes=0, img_size=64, shape_policy=DIALECTS[dialect].shape_policy)
    assert identify(stored_as(dialect, config)).config == config


@pytest.mark.parametrize("size", [32, 64, (32, 64), (64, 32), (16, 96)])
def test_the_masks_of_microsofts_files_tell_the_image_size(size):
    assert identify(stored_as("microsoft", replace(PLAIN, img_size=size))).config.img_size == \
        swin_np.functional.pair(size)


@pytest.mark.parametrize(("variant", "size"), [("swin_t", 224), ("swin_b_384", 384)])
def test_the_papers_image_sizes_are_assumed_and_said(variant, size):
    config = replace(swin_np.VARIANTS[variant], embed_dim=2, num_heads=(1, 1, 1, 1), depths=(1, 1, 1, 1))
    found = identify(stored_as("timm", config))
    assert found.config.img_size == (size, size)
    assert f"The image size is not in the file: {size}x{size} was assumed." in found.notes


@pytest.mark.parametrize("dialect", ["microsoft", "timm"])
def test_a_bias_table_of_a_clamped_window_tells_the_image_size(dialect):
    config = replace(PLAIN, img_size=16, window_size=6, depths=(1, 1), shape_policy=MICROSOFT)      # maps 8, 4
    config = replace(config, img_size=24, window_size=12, shape_policy=DIALECTS[dialect].shape_policy)  # 12, 6
    stored = stored_as(dialect, config)
    stored = replace(stored, tensors={name: value for name, value in stored.tensors.items() if "mask" not in name})
    assert identify(stored).config == config


@pytest.mark.parametrize("window", [(2, 4), (4, 2), (3, 5)])
def test_the_index_of_torchvisions_files_tells_an_oblong_window(window):
    assert identify(stored_as("torchvision", replace(PLAIN, window_size=window))).config.window_size == window


def test_the_users_image_size_wins_over_the_masks_and_it_is_said():
    found = identify(stored_as("microsoft", PLAIN), image_size=64)
    assert found.config.img_size == (64, 64)
    assert "The file is for 32x32 images, its masks were left out." in found.notes


def test_a_file_without_bias_tables_loads_with_num_heads_and_its_index():
    stored = stored_as("microsoft", PLAIN)
    bare = replace(stored, tensors={name: value for name, value in stored.tensors.items() if "table" not in name})
    found = identify(bare, num_heads=(2, 4))
    assert found.config == replace(PLAIN, shape_policy=MICROSOFT)
    assert not any(value.any() for name, value in found.state.items() if "table" in name)
    assert "It has no bias tables: zeros were put in their place." in found.notes


# What is refused.


def test_a_file_without_bias_tables_asks_for_num_heads():
    stored = stored_as("timm", PLAIN)
    bare = replace(stored, tensors={name: value for name, value in stored.tensors.items() if "table" not in name})
    with pytest.raises(CheckpointError, match=r"give num_heads=\(...\), one for each stage"):
        identify(bare)
    with pytest.raises(CheckpointError, match="nothing else tells the window"):
        identify(bare, num_heads=(2, 4))


def test_other_heads_than_the_files_are_refused():
    with pytest.raises(CheckpointError, match=r"for \(2, 4\) heads, and \(4, 8\) were asked for"):
        identify(stored_as("timm", PLAIN), num_heads=(4, 8))


def test_too_few_num_heads_are_refused():
    stored = stored_as("microsoft", PLAIN)
    bare = replace(stored, tensors={name: value for name, value in stored.tensors.items() if "table" not in name})
    with pytest.raises(CheckpointError, match=r"2 stages, num_heads=\(2,\) is for 1"):
        identify(bare, num_heads=(2,))


def test_a_clamped_oblong_window_asks_for_the_image_size():
    with pytest.raises(CheckpointError, match="give the image_size or config"):
        identify(stored_as("timm", replace(PLAIN, img_size=(8, 16))))             # maps 4x8 and 2x4
    assert identify(stored_as("timm", replace(PLAIN, img_size=(8, 16))), image_size=(8, 16)).config.img_size == (8, 16)


def test_an_oblong_window_without_its_index_is_a_question():
    stored = stored_as("torchvision", replace(PLAIN, window_size=(2, 4)))
    bare = replace(stored, tensors={name: value for name, value in stored.tensors.items() if "index" not in name})
    with pytest.raises(CheckpointError, match=r"with window \(2, 4\) or image .* with window \(4, 2\).* tells which"):
        identify(bare)


def test_an_oblong_position_embedding_is_a_question():
    config = replace(PLAIN, img_size=(32, 64), ape=True, shape_policy=TORCHVISION)
    with pytest.raises(CheckpointError, match="give image_size"):
        identify(stored_as("transformers", config))
    assert identify(stored_as("transformers", config), image_size=(32, 64)).config.img_size == (32, 64)


@pytest.mark.parametrize("dialect", long_but(["torchvision"], DIALECTS))
def test_every_missing_misshapen_or_integer_parameter_is_refused_by_its_name(dialect):
    stored = stored_as(dialect, replace(PLAIN, num_classes=0))
    for name, value in stored.tensors.items():
        if name.endswith(("relative_position_index", "attn_mask")):
            continue
        official, _, _ = DIALECTS[dialect].to_official(name)
        for wrong in (None, value[None], value[..., :-1], np.zeros((), np.float32), value[:0], value.astype(np.int64)):
            if official == "patch_embed.proj.weight" and wrong is not None and wrong.shape == (8, 3, 2, 1):
                continue                               # smaller patches, which are none the worse
            with pytest.raises(CheckpointError) as caught:
                identify(with_tensors(stored, **{name: wrong}), image_size=32)
            assert official in DEFINING or name in str(caught.value) or official in str(caught.value)


@pytest.mark.parametrize("name", ["layers.0.blocks.1.attn_mask", "layers.0.blocks.0.attn.relative_position_index"])
@pytest.mark.parametrize("size", [None, 32])
def test_a_wrong_derived_buffer_is_refused_by_its_name(name, size):
    stored = stored_as("microsoft", PLAIN)
    wrong = stored.tensors[name].copy()
    wrong.ravel()[5] += 1
    with pytest.raises(CheckpointError, match=f"{name} .* is not what follows from window"):
        identify(with_tensors(stored, **{name: wrong}), image_size=size)


def test_a_missing_mask_is_refused_where_there_are_others():
    with pytest.raises(CheckpointError, match=r"layers.1.blocks.1.attn_mask is missing"):
        identify(with_tensors(stored_as("microsoft", PLAIN), **{"layers.1.blocks.1.attn_mask": None}))


def test_a_parameter_too_many_is_refused_by_its_name():
    with pytest.raises(CheckpointError, match=r"layers.0.extra \(3,\) has no place"):
        identify(with_tensors(stored_as("timm", PLAIN), **{"layers.0.extra": np.zeros(3, np.float32)}))


@pytest.mark.parametrize("name", ["layers.999999999999.blocks.1.attn_mask", "layers.0.blocks.99999999999.norm1.weight",
                                  "layers.999999999999.blocks.0.attn.qkv.weight"])
def test_a_number_without_measure_in_a_name_is_refused_at_once(name):
    with pytest.raises(CheckpointError):
        identify(with_tensors(stored_as("microsoft", PLAIN), **{name: np.zeros((4, 16, 16), np.float32)}))


def test_more_stages_than_there_are_channels_for_are_refused():
    stored = stored_as("microsoft", replace(PLAIN, depths=(1,), num_heads=(1,), embed_dim=1))
    block = {name: value for name, value in stored.tensors.items() if name.startswith("layers.")}
    stages = {name.replace("layers.0", f"layers.{i}"): value for i in range(1100) for name, value in block.items()}
    with pytest.raises(CheckpointError, match=r"has 1 inputs, and that stage \d{300,} channels"):
        identify(with_tensors(stored, **stages))


@pytest.mark.parametrize("size", [0, -3, 30, (32, 0)])
def test_an_image_size_that_cannot_be_is_refused(size):
    with pytest.raises(CheckpointError):
        identify(stored_as("microsoft", PLAIN), image_size=size)


def test_the_error_names_the_file(tmp_path):
    write_safetensors(tmp_path / "other.safetensors", {"fc.weight": np.zeros((2, 2), np.float32)}, {})
    with pytest.raises(CheckpointError, match=r"other.safetensors: its names are of no known Swin Transformer"):
        swin_np.load(tmp_path / "other.safetensors")


# Resizing to a wanted configuration.


def test_a_wanted_configuration_gets_resized_tables_and_all_else_as_it_is(tmp_path):
    stored = stored_as("microsoft", replace(PLAIN, ape=True))
    write_safetensors(tmp_path / "model.safetensors", stored.tensors, {})
    wanted = replace(PLAIN, ape=True, img_size=(64, 96), window_size=8, shape_policy=MICROSOFT)
    state = swin_np.load(tmp_path / "model.safetensors", config=wanted).state_dict()
    for name, value in state.items():
        old = stored.tensors[name]
        if name == "absolute_pos_embed":
            old = resize_position_embedding(old, 16, (32, 48))
        elif name.endswith("table"):
            old = resize_bias_table(old, 4, 8)
        assert np.array_equal(value, old), name


def test_a_wanted_configuration_that_differs_in_more_is_refused(tmp_path):
    write_safetensors(tmp_path / "model.safetensors", stored_as("timm", PLAIN).tensors, {})
    with pytest.raises(CheckpointError, match=r"head.weight has shape \(5, 16\), expected \(7, 16\)"):
        swin_np.load(tmp_path / "model.safetensors", config=replace(PLAIN, num_classes=7, shape_policy=TIMM))


# Memory.


def test_float32_parameters_are_read_only_views_of_the_file_and_nothing_is_drawn(tmp_path, monkeypatch):
    write_safetensors(tmp_path / "model.safetensors", stored_as("timm", PLAIN).tensors, {})

    def refuse(*_):
        raise AssertionError("random numbers were drawn")

    monkeypatch.setattr(np.random, "default_rng", refuse)
    for name, value in swin_np.load(tmp_path / "model.safetensors").state_dict().items():
        assert not value.flags.writeable and not value.flags.owndata, name


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_parameters_of_another_dtype_become_the_models(dtype, tmp_path):
    tensors = {name: value.astype(dtype) for name, value in stored_as("timm", PLAIN).tensors.items()}
    write_safetensors(tmp_path / "model.safetensors", tensors, {})
    model = swin_np.load(tmp_path / "model.safetensors")
    assert {value.dtype for value in model.state_dict().values()} == {np.dtype(np.float32)}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_loading_takes_no_more_memory_than_the_file_is_large(tmp_path):
    config = SwinConfig(56, num_classes=0, embed_dim=512, depths=(4,), num_heads=(4,))                 # 50 MB
    write_safetensors(tmp_path / "model.safetensors", SwinTransformer.random(config).state_dict(), {})
    program = """
import re, sys, swin_np
def peak():
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
before = peak()
model = swin_np.load(sys.argv[1])
total = sum(float(value.sum()) for value in model.state_dict().values())      # every page is read
print(peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "model.safetensors"],
                         capture_output=True, text=True, check=True)
    size = (tmp_path / "model.safetensors").stat().st_size
    assert size > 4e7 and int(run.stdout) < 1.2 * size


def test_a_loaded_model_whose_arrays_are_the_file_s_own_takes_other_weights(tmp_path):
    config = SwinConfig(32, embed_dim=8, depths=(2,), num_heads=(2,), window_size=4, num_classes=3)
    model = SwinTransformer.random(config)
    write_safetensors(tmp_path / "a.safetensors", model.state_dict(), {})
    loaded = swin_np.load(tmp_path / "a.safetensors", image_size=32)
    assert not loaded.head.weight.flags.writeable
    redraw(model, 1)
    loaded.load_state_dict(model.state_dict())
    assert np.array_equal(loaded.head.weight, model.head.weight)
    assert not np.shares_memory(loaded.head.weight, model.head.weight)
