"""Recognising files by content, unwrapping, shards, and files that appear whole or not at all."""

import json
import os

import numpy as np
import pytest
from stored_files import DATA, dictionary, integer, name, read_all, tensor, text, torch_zip, zip_file
from test_pytorch import SIX, assert_same

from swin_np.checkpoints.file_names import preferred
from swin_np.checkpoints.files import read, read_bytes
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.errors import CheckpointError, InputError

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)
STATE = dictionary({"a": tensor(), "b": tensor()})


def checkpoint(body: bytes):
    return read_all(torch_zip(body, {"0": SIX}))


@pytest.mark.parametrize(("file", "form"), [
    ("training.pth", "pytorch zip"), ("training_legacy.pth", "pytorch legacy"), ("state.safetensors", "safetensors"),
    ("expected.npz", "npz")])
def test_the_format_is_told_by_the_content_not_the_ending(tmp_path, file, form):
    (tmp_path / "renamed.onnx").write_bytes((DATA / file).read_bytes())
    assert read(tmp_path / "renamed.onnx").format == form
    assert read(str(tmp_path / "renamed.onnx")).format == form


@pytest.mark.parametrize(("content", "message"), [
    (b"", "empty: get it again"), (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run git lfs pull"),
    (b"<!DOCTYPE html><html>", "web page"), (b"\n <HTML>", "web page"), (b"<?xml version='1.0'?>", "web page"),
    (b'{"error": "not found"}', "no index of shards"), (b"{", "JSON"), (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x80\x04]\x94.", "a dict of tensors by name was expected"),
    (b"\x80\x09]\x94.", "no protocol from 0 to 5"),
    (b"PK\x03\x04" + bytes(100), "cut off"), (b"\0" * 100, "no checkpoint"),
    (b"12345678{ no header }", "as no checkpoint does"),
    (zip_file({"word/document.xml": b"x"}), "not one that PyTorch or NumPy wrote"),
    (zip_file({"x/data.pkl": b"", "x/constants.pkl": b""}), "TorchScript"),
    (zip_file({"x/data.pkl": b"", "x/code/a.py": b""}), "TorchScript")])
def test_what_is_no_checkpoint_is_named_with_what_to_do(tmp_path, content, message):
    (tmp_path / "model.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read(tmp_path / "model.pth")
    assert str(caught.value).startswith(str(tmp_path / "model.pth"))


def test_missing_files_empty_folders_devices_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in ((tmp_path / "none.pth", "no file of this name"), (tmp_path, "no file that ends in"),
                          ("/dev/zero", "no file of this name"), (tmp_path / "pipe", "no file of this name"),
                          (tmp_path / ("x" * 5000), "no file of this name"), ("a\0b", "no file of this name")):
        with pytest.raises(CheckpointError, match=message):
            read(path)


@pytest.mark.long
@pytest.mark.parametrize("file", ["training.pth", "training_legacy.pth", "torch_1_0.pth", "protocol4.pth",
                                  "expected.npz"])
def test_every_truncation_is_refused(file):
    content = (DATA / file).read_bytes()
    for length in range(len(content)):
        with pytest.raises(CheckpointError):
            read_all(content[:length])


def test_tensors_have_their_path_as_name():
    result = checkpoint(dictionary({"epoch": integer(3), "model": STATE, "config": dictionary({"x": text("y")})}))
    assert_same(result.tensors, {"model/a": ARRAY, "model/b": ARRAY})
    assert result.others == ["epoch", "config", "config/x"]


def test_an_unused_tensor_is_left_aside_unread():
    damaged = dictionary({"x": tensor(key="not there")})
    result = read_bytes(torch_zip(dictionary({"model": STATE, "optimizer": damaged}), {"0": SIX}))
    assert_same({name: result.tensors[name] for name in ("model/a", "model/b")}, {"model/a": ARRAY, "model/b": ARRAY})
    with pytest.raises(CheckpointError):
        result.tensors["optimizer/x"]


@pytest.mark.parametrize(("body", "message"), [
    (tensor(), "StoredTensor|tensor"), (b"]", "holds a list"), (dictionary({}), "only nothing"),
    (dictionary({"epoch": integer(3)}), "only 'epoch'"), (dictionary({"model": dictionary({})}), "only 'model'"),
    (dictionary({"a\nb": tensor()}), "short printable"),
    (dictionary({"x" * 301: tensor()}), "short printable"), (dictionary({"": tensor()}), "short printable"),
    (b"}q\0(" + text("model") + b"h\0u", "only 'model'")])
def test_what_holds_no_state_dict_is_refused(body, message):
    with pytest.raises(CheckpointError, match=message):
        checkpoint(body)


@pytest.fixture
def shards(tmp_path):
    """A folder with two shards and their index; gives the index's path and its content."""
    write_safetensors(tmp_path / "model-1.safetensors", {"a": ARRAY}, {"format": "np"})
    (tmp_path / "model-2.bin").write_bytes(torch_zip(dictionary({"b": tensor(), "c": tensor()}), {"0": SIX}))
    index = {"metadata": {"total_size": 72}, "weight_map": {
        "a": "model-1.safetensors", "c": "model-2.bin", "b": "model-2.bin"}}
    (tmp_path / "x.index.json").write_text(json.dumps(index))
    return tmp_path / "x.index.json", index


def test_shards_are_read_by_their_index_or_folder_in_the_index_order(shards):
    for path in (shards[0], shards[0].parent):
        result = read(path)
        assert_same(result.tensors, {"a": ARRAY, "b": ARRAY, "c": ARRAY})
        assert list(result.tensors) == ["a", "c", "b"]
        assert result.format.endswith(" sharded")


@pytest.mark.parametrize("shard", ["../model-1.safetensors", "/etc/passwd", "a/../model-1.safetensors", "..", ".", "",
                                   "C:x", "a\\b", "x\0", "\ud800", 3, None, ["a"]], ids=repr)
def test_a_shard_name_that_is_no_plain_file_name_is_refused(shards, shard):
    path, index = shards
    path.write_text(json.dumps({"weight_map": {**index["weight_map"], "a": shard}}))
    with pytest.raises(CheckpointError, match="no plain file name"):
        read(path)


@pytest.mark.parametrize("weight_map", [
    {"a": "model-1.safetensors", "b": "model-1.safetensors"}, {"b": "model-2.bin"}, {"a": "model-3.safetensors"}, {},
    None, [], {"a": "x.index.json"}])
def test_an_index_that_does_not_fit_its_shards_is_refused(shards, weight_map):
    shards[0].write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(CheckpointError):
        read(shards[0])


def test_missing_shards_are_named(shards):
    (shards[0].parent / "model-2.bin").unlink()
    with pytest.raises(CheckpointError, match=r"the index of 2 shards, and 'model-2.bin' is not beside it: get"):
        read(shards[0])


def test_transformers_bin_shards_of_older_versions_are_read(tmp_path):
    torch = pytest.importorskip("torch")
    state = {str(i): torch.randn(3, i + 1) for i in range(4)}
    index = {"metadata": {}, "weight_map": {name: f"pytorch_model-{int(name) % 2}.bin" for name in state}}
    for k in range(2):
        torch.save({name: v for name, v in state.items() if int(name) % 2 == k}, tmp_path / f"pytorch_model-{k}.bin")
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    result = read(tmp_path)
    assert_same(result.tensors, {k: v.numpy() for k, v in state.items()})
    assert result.format == "pytorch zip sharded"


def test_a_folder_with_several_files_asks_which_one(tmp_path):
    for file in ("a.safetensors", "b.safetensors"):
        write_safetensors(tmp_path / file, {"a": ARRAY}, {})
    with pytest.raises(CheckpointError, match=r"a.safetensors, b.safetensors: give the path"):
        read(tmp_path)


@pytest.mark.parametrize("write", [write_safetensors, write_npz])
@pytest.mark.parametrize(("tensors", "metadata", "message"), [
    ({"a": np.array([{}])}, {}, "dtype object"), ({"a": np.array(["x"])}, {}, "dtype"),
    ({"a": 1j * ARRAY}, {}, "complex"), ({"": ARRAY}, {}, "cannot be called"), ({3: ARRAY}, {}, "cannot be called"),
    ({"a\n": ARRAY}, {}, "cannot be called"),
    ({"a": ARRAY}, {"x": 3}, "text to text")])
def test_what_cannot_be_written_is_refused_and_the_old_file_stays(tmp_path, write, tensors, metadata, message):
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(CheckpointError, match=message):
        write(tmp_path / "x", {"first": ARRAY, **tensors}, metadata)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"old")]


@pytest.mark.parametrize(("write", "reserved"), [(write_safetensors, "__metadata__"), (write_npz, "meta")])
def test_the_name_of_the_metadata_is_no_tensor(tmp_path, write, reserved):
    with pytest.raises(CheckpointError, match=reserved):
        write(tmp_path / "x", {reserved: ARRAY}, {})


@pytest.mark.parametrize("write", [write_safetensors, write_npz])
def test_a_write_that_fails_midway_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, write):
    (tmp_path / "x").write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write(tmp_path / "x", {"a": ARRAY}, {})
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"old")]
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "no folder" / "x", {"a": ARRAY}, {})


@pytest.mark.parametrize("write", [write_safetensors, write_npz])
def test_a_file_can_be_rewritten_while_its_tensors_are_in_use(tmp_path, write):
    write(tmp_path / "x", {"a": ARRAY}, {})
    old = read(tmp_path / "x").tensors
    write(tmp_path / "x", {name: value + 1 for name, value in old.items()}, {})
    assert_same(old, {"a": ARRAY})
    assert_same(read(tmp_path / "x").tensors, {"a": ARRAY + 1})


def test_a_file_of_nothing_but_unknown_objects_names_them_with_the_path(tmp_path):
    (tmp_path / "x.pth").write_bytes(torch_zip(dictionary({"config": name("yacs.config", "CfgNode")}), {}))
    with pytest.raises(CheckpointError, match=r"x.pth: .*objects of 'yacs.config.CfgNode'.*model.state_dict\(\)"):
        read(tmp_path / "x.pth")


@pytest.mark.parametrize(("names", "taken"), [
    (["model.safetensors", "pytorch_model.bin", "optimizer.bin", "other.safetensors"], "model.safetensors"),
    (["pytorch_model.bin", "training_args.bin"], "pytorch_model.bin"),
    (["pytorch_model.bin", "model.safetensors.index.json", "model-1.safetensors"], "model.safetensors.index.json"),
    (["pytorch_model.bin.index.json", "a.bin", "b.bin", "adapter.safetensors"], "pytorch_model.bin.index.json"),
    (["mine.pth", "README.md"], "mine.pth"), (["mine.pt", "optimizer.pt", "rng_state_0.pth", "scaler.pt"], "mine.pt"),
    (["a.pth", "b.ckpt", "c.npz"], "a.pth"),
    (["x.index.json", "a.safetensors", "b.safetensors"], "x.index.json")])
def test_of_a_folder_the_file_is_taken_that_the_libraries_would_take(names, taken):
    assert preferred(names) == taken
    assert preferred(names[::-1]) == taken


@pytest.mark.parametrize(("names", "words"), [
    (["a.bin", "b.bin"], r"holds a\.bin, b\.bin: give the path"), ([], "holds no file that ends in"),
    (["config.json", "README.md"], "holds no file that ends in"),
    (["checkpoint-500", "training_args.bin"], "give one of its folders checkpoint-"),
    ([f"{i:02}.pth" for i in range(30)], r"08\.pth, 09\.pth and 20 more: give")])
def test_a_folder_in_which_several_files_could_be_meant_is_refused(names, words):
    with pytest.raises(CheckpointError, match=words):
        preferred(names)


def test_a_folder_that_cannot_be_listed_is_a_sentence(tmp_path, monkeypatch):
    def forbidden(folder):
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(os, "listdir", forbidden)
    with pytest.raises(CheckpointError, match=r"the folder cannot be read \(Permission denied\)"):
        read(tmp_path)


def test_what_is_not_read_is_named_once_and_by_its_own_name():
    stored = torch_zip(dictionary({"a": name("x", "Meta"), "b": name("x", "Meta")}), {})
    with pytest.raises(CheckpointError, match=r"objects of 'x\.Meta', of which"):
        read_bytes(stored)
    with pytest.raises(CheckpointError, match="it holds a tensor, and a dict"):
        read_bytes(torch_zip(tensor(), {"0": bytes(64)}))


def test_one_shard_alone_is_refused_with_what_to_give(tmp_path):
    write_safetensors(tmp_path / "model-00001-of-00003.safetensors", {"a": ARRAY}, {})
    with pytest.raises(CheckpointError, match="one of 3 shards: give their folder"):
        read(tmp_path / "model-00001-of-00003.safetensors")
    write_safetensors(tmp_path / "model-00001-of-00001.safetensors", {"a": ARRAY}, {})
    assert "a" in read(tmp_path / "model-00001-of-00001.safetensors").tensors
