"""`swin-np inspect` and `swin-np convert`, called as their users call them, well and badly."""

import json
import os
from dataclasses import asdict

import numpy as np
import pytest

from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import identify, load
from swin_np.commands.cli import main
from swin_np.commands.inspect import summarise
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT
from swin_np.variants import SwinConfig

TINY = SwinConfig(num_classes=10, embed_dim=8, depths=(2, 1, 2, 1), num_heads=(1, 2, 4, 8), shape_policy=MICROSOFT)
BACKBONE = SwinConfig(num_classes=0, embed_dim=8, depths=(2, 1, 2, 1), num_heads=(1, 2, 4, 8), shape_policy=MICROSOFT)


def state_of(config):
    model = SwinTransformer.random(config)
    redraw(model, seed=3)
    return model.state_dict()


@pytest.fixture
def checkpoint(tmp_path):
    write_safetensors(tmp_path / "tiny.safetensors", state_of(TINY), {})
    return tmp_path / "tiny.safetensors"


def inspected(capsys, *arguments):
    assert main(["inspect", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# inspect

def test_inspect_tells_format_dialect_configuration_and_every_tensor(capsys, checkpoint):
    assert main(["inspect", str(checkpoint)]) == 0
    text = capsys.readouterr().out
    for words in ("safetensors", "microsoft", "224x224 pixels", "C = 8", "depths (2, 1, 2, 1)", "heads (1, 2, 4, 8)",
                  "window 7x7", "layers.2.blocks.1.attn.relative_position_bias_table", "169x4"):
        assert words in text
    state = state_of(TINY)
    assert f"{len(state)}, of {sum(value.size for value in state.values()):,} elements" in text


def test_inspect_as_json_gives_the_configuration_of_the_model(capsys, checkpoint):
    result = inspected(capsys, checkpoint)
    assert result["dialect"] == "microsoft"
    assert result["config"] == json.loads(json.dumps(asdict(TINY)))
    assert result["no_dialect_because"] is None
    assert {tensor["name"]: tuple(tensor["shape"]) for tensor in result["tensors"]} == {
        name: value.shape for name, value in state_of(TINY).items()}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_inspect_recognises_every_dialect(capsys, tmp_path, dialect):
    write_npz(tmp_path / "model.npz", from_official(state_of(BACKBONE), DIALECTS[dialect]), {})
    result = inspected(capsys, tmp_path / "model.npz")
    assert (result["dialect"], result["format"]) == (dialect, "npz")
    assert result["config"]["depths"] == [2, 1, 2, 1]


def test_inspect_says_what_was_unwrapped(capsys, tmp_path):
    torch = pytest.importorskip("torch")
    state = {f"module.{name}": torch.from_numpy(value) for name, value in state_of(TINY).items()}
    torch.save({"model": state, "epoch": 299, "optimizer": {}}, tmp_path / "training.pth")
    assert main(["inspect", str(tmp_path / "training.pth")]) == 0
    text = capsys.readouterr().out
    for words in ("pytorch zip", "the entry 'model'", "'epoch', 'optimizer'", "the prefix 'module.'", "microsoft"):
        assert words in text


def test_a_file_of_something_else_is_inspected_and_the_reason_is_given(capsys, tmp_path):
    write_safetensors(tmp_path / "other.safetensors", {"encoder.weight": np.ones((3, 4), np.float16)}, {})
    assert main(["inspect", str(tmp_path / "other.safetensors")]) == 0
    captured = capsys.readouterr()
    assert "encoder.weight" in captured.out and "3x4" in captured.out and "float16" in captured.out
    assert "dialect        none: " in captured.out
    result = inspected(capsys, tmp_path / "other.safetensors")
    assert (result["dialect"], result["config"]) == (None, None)
    assert len(result["no_dialect_because"]) > 20


@pytest.mark.parametrize(("values", "expected"), [
    (np.float32([[1, np.nan, -2], [np.inf, -np.inf, 7]]), (-2, 7, 1, 2)),
    (np.float16([np.nan, np.inf]), (None, None, 1, 1)),
    (np.float64(3.5), (3.5, 3.5, 0, 0)),
    (np.zeros((0, 4), np.float32), (None, None, 0, 0)),
    (np.int64([-(2 ** 62), 2 ** 62]), (-(2 ** 62), 2 ** 62, 0, 0)),
    (np.array([True, False]), (False, True, 0, 0)),
])
def test_the_summary_bounds_the_finite_values_and_counts_the_others(values, expected):
    summary = summarise("name", np.asarray(values))
    assert (summary.smallest, summary.largest, summary.nan, summary.infinite) == expected
    assert (summary.shape, summary.dtype) == (np.asarray(values).shape, np.asarray(values).dtype.name)


def test_inspect_shows_nan_and_infinite_values_and_json_stays_strict(capsys, tmp_path):
    state = {name: value.copy() for name, value in state_of(TINY).items()}
    state["norm.weight"][:5] = np.nan
    state["norm.bias"][3] = -np.inf
    state["head.bias"][...] = np.nan
    write_safetensors(tmp_path / "bad.safetensors", state, {})
    assert main(["inspect", str(tmp_path / "bad.safetensors"), "--json"]) == 0
    text = capsys.readouterr().out
    assert "NaN" not in text and "Infinity" not in text
    rows = {row["name"]: (row["nan"], row["infinite"]) for row in json.loads(text)["tensors"]}
    assert [rows[name] for name in ("norm.weight", "norm.bias", "head.bias", "head.weight")] == [
        (5, 0), (0, 1), (10, 0), (0, 0)]
    assert main(["inspect", str(tmp_path / "bad.safetensors")]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("head.bias"))
    assert row.split() == ["head.bias", "10", "float32", "10"]


def test_metadata_cannot_steer_the_terminal(capsys, tmp_path):
    write_safetensors(tmp_path / "m.safetensors", state_of(TINY), {"note\x1b[2J": "red \x1b[31m\nsecond \u202e line"})
    assert main(["inspect", str(tmp_path / "m.safetensors")]) == 0
    text = capsys.readouterr().out
    assert r"note\x1b[2J: red \x1b[31m\nsecond \u202e line" in text
    assert all(line.isprintable() for line in text.split("\n"))


# convert

@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_round_trip_through_every_dialect_is_exact_in_every_bit(capsys, tmp_path, dialect, ending):
    state = state_of(BACKBONE)
    write_npz(tmp_path / "first.npz", state, {})
    there, back = tmp_path / f"there.{ending}", tmp_path / "back.safetensors"
    assert main(["convert", str(tmp_path / "first.npz"), str(there), "--to", dialect]) == 0
    written, buffers = read(there).tensors, DIALECTS[dialect].buffers
    assert {name for name in written if not name.endswith(buffers)} == set(from_official(state, DIALECTS[dialect]))
    assert {name.rpartition(".")[2] for name in written if name.endswith(buffers)} == set(buffers)
    assert main(["convert", str(there), str(back), "--to", "microsoft"]) == 0
    final = read(back).tensors
    assert set(final) == set(state) | set(SwinTransformer.random(BACKBONE).derived_buffers())
    assert all(final[name].tobytes() == value.tobytes() and final[name].shape == value.shape
               for name, value in state.items())


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "mmdetection"])
def test_a_converted_classifier_loads_and_gives_the_same_logits(tmp_path, checkpoint, dialect):
    target = tmp_path / "converted.safetensors"
    assert main(["convert", str(checkpoint), str(target), "--to", dialect]) == 0
    images = np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32)
    assert np.array_equal(load(target)(images), load(checkpoint)(images))


def test_the_metadata_say_dialect_and_source(capsys, tmp_path, checkpoint):
    assert main(["convert", str(checkpoint), str(tmp_path / "t.safetensors"), "--to", "timm"]) == 0
    assert read(tmp_path / "t.safetensors").metadata == {
        "format": "pt", "dialect": "timm", "source": "tiny.safetensors"}
    assert "in the names of timm" in capsys.readouterr().out


def test_derived_buffers_are_checked_and_written_where_the_dialect_stores_them(capsys, tmp_path):
    model = SwinTransformer.random(TINY)
    full = {**model.state_dict(), **model.derived_buffers()}
    write_npz(tmp_path / "full.npz", full, {})
    assert main(["convert", str(tmp_path / "full.npz"), str(tmp_path / "new.npz"), "--to", "microsoft", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tensors"] == len(full)
    assert {name: value.tobytes() for name, value in read(tmp_path / "new.npz").tensors.items()} == {
        name: value.tobytes() for name, value in full.items()}


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_dtype_of_the_source_is_kept(tmp_path, dtype):
    write_npz(tmp_path / "a.npz", {name: value.astype(dtype) for name, value in state_of(TINY).items()}, {})
    assert main(["convert", str(tmp_path / "a.npz"), str(tmp_path / "b.safetensors"), "--to", "transformers"]) == 0
    assert {value.dtype.name for value in read(tmp_path / "b.safetensors").tensors.values()} == {dtype}


def test_force_overwrites_another_file(tmp_path, checkpoint):
    target = tmp_path / "out.npz"
    target.write_text("old")
    assert main(["convert", str(checkpoint), str(target), "--to", "timm"]) == 2
    assert target.read_text() == "old"
    assert main(["convert", str(checkpoint), str(target), "--to", "timm", "--force"]) == 0
    assert identify(read(target)).dialect.name == "timm"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_source_is_never_overwritten_under_another_name(capsys, tmp_path, checkpoint, link):
    before = checkpoint.read_bytes()
    link(checkpoint, tmp_path / "alias.safetensors")
    arguments = ["convert", str(checkpoint), str(tmp_path / "alias.safetensors"), "--to", "timm", "--force"]
    assert main(arguments) == 2
    assert "is a file that is read" in capsys.readouterr().err
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("source", ["shards", "shards/model.safetensors.index.json"])
def test_shards_that_are_read_are_never_overwritten(capsys, tmp_path, source):
    folder, state = tmp_path / "shards", state_of(TINY)
    folder.mkdir()
    names = list(state)
    halves = {"one.safetensors": names[:20], "two.safetensors": names[20:]}
    for file, part in halves.items():
        write_safetensors(folder / file, {name: state[name] for name in part}, {})
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    arguments = ["convert", str(tmp_path / source), str(folder / "two.safetensors"), "--to", "timm", "--force"]
    assert main(arguments) == 2
    assert "is a file that is read" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / source), str(folder / "new.safetensors"), "--to", "microsoft"]) == 0
    assert set(state) < set(read(folder / "new.safetensors").tensors)


def test_tables_for_a_clamped_window_are_refused_where_the_dialect_does_not_clamp(capsys, tmp_path):
    config = SwinConfig(img_size=64, window_size=4, num_classes=10, embed_dim=8, depths=(2, 1, 2, 1),
                        num_heads=(1, 2, 4, 8), shape_policy=MICROSOFT)     # the last map is 2x2
    model = SwinTransformer.random(config)
    write_npz(tmp_path / "a.npz", {**model.state_dict(), **model.derived_buffers()}, {})
    arguments = ["convert", str(tmp_path / "a.npz"), str(tmp_path / "b.npz"), "--image-size", "64", "--to"]
    assert main([*arguments, "torchvision"]) == 2
    assert "stage 4 are for a window of 2x2, and torchvision would have 4x4" in capsys.readouterr().err
    assert not (tmp_path / "b.npz").exists()
    assert main([*arguments, "timm"]) == 0


# Called badly

@pytest.mark.parametrize(("arguments", "words"), [
    (["inspect", "{tmp}/no such file.pth"], "no such file.pth"),
    (["inspect", "{tmp}/text.pth"], "text.pth"),
    (["inspect", "{tmp}/empty.pth"], "empty"),
    (["inspect", "{tmp}/folder"], "folder"),
    (["inspect", "{file}", "--num-heads", "-1"], "--num-heads -1"),
    (["inspect", "{file}", "--image-size", "1", "2", "3"], "--image-size 1 2 3"),
    (["convert", "{tmp}/no such file.pth", "{tmp}/new.npz", "--to", "timm"], "no such file.pth"),
    (["convert", "{file}", "{tmp}/new.pth", "--to", "timm"], "expected .safetensors or .npz"),
    (["convert", "{file}", "{tmp}/new.v2", "--to", "timm"], "expected .safetensors or .npz"),
    (["convert", "{file}", "{tmp}/new.npz", "--to", "transformer"], "did you mean 'transformers'"),
    (["convert", "{file}", "{file}", "--to", "timm", "--force"], "is a file that is read"),
    (["convert", "{file}", "{tmp}/nowhere/new.npz", "--to", "timm"], "cannot be written"),
    (["convert", "{file}", "{tmp}/text.pth/new.npz", "--to", "timm"], "cannot be written"),
    (["convert", "{file}", "{tmp}/folder.npz", "--to", "timm", "--force"], "is a folder"),
    (["convert", "{file}", "{tmp}/new.npz", "--to", "mmdetection"], "no place for head"),
    (["convert", "{tmp}/other.npz", "{tmp}/new.npz", "--to", "timm"], "no"),
    (["convert", "{tmp}/text.pth", "{tmp}/new.npz", "--to", "timm"], "text.pth"),
])
def test_bad_input_gives_one_sentence_and_leaves_no_file(capsys, tmp_path, checkpoint, arguments, words):
    (tmp_path / "text.pth").write_text("a text")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.npz").mkdir()
    write_npz(tmp_path / "other.npz", {"conv1.weight": np.ones((4, 3, 7, 7), np.float32)}, {})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main([text.format(tmp=tmp_path, file=checkpoint) for text in arguments]) == 2
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("swin-np: ") and words in lines[0]
    assert captured.out == ""
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_help_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: swin-np {command}" in capsys.readouterr().out
