"""The .safetensors format: the library's files are read to the bit, ours are read by it, false ones are refused."""

import json
import struct

import numpy as np
import pytest
from stored_files import DATA
from test_pytorch import DTYPES, assert_same

from swin_np.checkpoints.files import read, read_bytes
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.errors import CheckpointError


def safetensors_file(header: object, data: bytes) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(dtype="F32", shape=(2,), begin=0, end=8) -> dict:
    return {"dtype": dtype, "shape": shape if isinstance(shape, str) else list(shape), "data_offsets": [begin, end]}


def test_a_stored_file_is_read_to_the_bit_without_the_library():
    with np.load(DATA / "expected.npz") as expected:
        checkpoint = read(DATA / "state.safetensors")
        assert_same(checkpoint.tensors, dict(expected))
    assert not any(value.flags.writeable for value in checkpoint.tensors.values())
    assert (checkpoint.format, checkpoint.metadata, checkpoint.others) == ("safetensors", {"format": "pt"}, [])


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_of_the_library_is_read_to_the_bit(tmp_path, dtype):
    torch, library = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    value = torch.randint(-2**62, 2**62, (3, 5)).view(torch.uint8)
    value = (value > 99) if dtype == "bool" else value.view(getattr(torch, dtype))
    library.save_file({"x": value, "empty": value[3:], "scalar": value[0, 0].clone()}, tmp_path / "x.safetensors")
    theirs = value.float() if dtype == "bfloat16" else value
    assert_same(read(tmp_path / "x.safetensors").tensors,
                {"x": theirs.numpy(), "empty": theirs[3:].numpy(), "scalar": theirs[0, 0].numpy()})


def arrays_of_every_dtype() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    arrays = {dtype: rng.standard_normal((3, 5)).astype(dtype) for dtype in DTYPES if dtype != "bfloat16"}
    return {**arrays, "transposed": arrays["float32"].T, "strided": arrays["float64"][::2, 1::2],
            "big": arrays["float32"].astype(">f4"), "empty": np.zeros((0, 3), np.float32), "scalar": np.array(2.5),
            "odd": np.ones(3, bool)}


def test_what_is_written_is_read_to_the_bit_here_and_by_the_library(tmp_path):
    arrays, metadata = arrays_of_every_dtype(), {"dialect": "microsoft", "ä": "é\n"}
    write_safetensors(tmp_path / "x.safetensors", arrays, metadata)
    native = {name: value.astype(value.dtype.newbyteorder("=")) for name, value in arrays.items()}
    checkpoint = read(tmp_path / "x.safetensors")
    assert_same(checkpoint.tensors, native)
    assert checkpoint.metadata == metadata
    assert all(value.flags.aligned for value in checkpoint.tensors.values())
    library = pytest.importorskip("safetensors.numpy")
    assert_same(library.load_file(tmp_path / "x.safetensors"), native)


@pytest.mark.parametrize(("header", "message"), [
    ({"a": entry(end=4)}, "lies at bytes 0 to 4"), ({"a": entry(end=16)}, "lies at bytes 0 to 16 of 8"),
    ({"a": entry(begin=8, end=0)}, "lies at bytes"), ({"a": entry(begin=-8, end=0)}, "lies at bytes"),
    ({"a": entry(shape=(2**61,))}, "more than"), ({"a": entry(shape=(-1, -2))}, "lengths from 0 on"),
    ({"a": entry(shape=(True, 2))}, "lengths from 0 on"), ({"a": entry(shape=(2.0,))}, "lengths from 0 on"),
    ({"a": entry(shape=(1,) * 32 + (2,))}, "lengths from 0 on"), ({"a": entry(shape="2")}, "something else"),
    ({"a": entry(dtype="F8_E4M3", end=2)}, "of dtype 'F8_E4M3'"), ({"a": entry(dtype="object")}, "of dtype"),
    ({"a": entry(), "b": entry()}, "overlap or leave gaps"), ({"a": entry(shape=(1,), begin=4)}, "gaps"),
    ({"a": entry(shape=(1,), end=4)}, "end at byte 4 of 8"), ({"a": 3}, "something else"), ({}, "end at byte 0"),
    ({"": entry()}, "called ''"), ({"a\x1b[2J": entry()}, "short printable"), ({"a": entry(end="8")}, "something"),
    (b"{", "strict"), (b"{}}", "strict"), (b'{"a": NaN}', "strict"), (b'{"a": {"b": -Infinity}}', "strict"),
    (b'{"a": 1, "a": 1}', "strict"), (b'{"a": ' + b"9" * 1000 + b"}", "strict"), (b"{\xff}", "strict"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "strict"),
    (b'{"a": ' + b'{"b":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "strict"),
    ({"__metadata__": [1], "a": entry()}, "strict"), (b'{"__metadata__": {"a": "\\ud800"}}', "strict"),
])
def test_a_false_header_is_refused(header, message):
    with pytest.raises(CheckpointError, match=message):
        read_bytes(safetensors_file(header, bytes(8)))


@pytest.mark.parametrize("length", [3, 57, 2**31, 2**63, 2**64 - 1])
def test_a_header_length_that_lies_is_refused(length):
    file = safetensors_file({"a": entry()}, bytes(8))
    with pytest.raises(CheckpointError):
        read_bytes(struct.pack("<Q", length) + file[8:])


def test_a_file_cut_off_in_its_header_is_told_so():
    with pytest.raises(CheckpointError, match="header ends at byte 1128, and it has 600: it was cut off"):
        read_bytes((DATA / "state.safetensors").read_bytes()[:600])


def test_a_header_beyond_the_limit_is_refused_unread():
    with pytest.raises(CheckpointError, match="more than the 4194304 that are read"):
        read_bytes(safetensors_file(b"{" + b" " * 2**22 + b"}", b""))


def test_every_byte_but_zero_is_true():
    value = read_bytes(safetensors_file({"a": entry("BOOL", (4,), 0, 4)}, b"\0\1\2\xff")).tensors["a"]
    assert value.view(np.uint8).tolist() == [0, 1, 1, 1]


def test_every_truncation_is_refused():
    file = (DATA / "state.safetensors").read_bytes()
    for length in range(len(file)):
        with pytest.raises(CheckpointError):
            read_bytes(file[:length])


def test_unaligned_tensors_are_read():
    file = safetensors_file({"a": entry("U8", (1,), 0, 1), "b": entry("F32", (2,), 1, 9)}, b"\7" + np.array(
        [1.5, -2], "<f4").tobytes())
    assert read_bytes(file).tensors["b"].tolist() == [1.5, -2]


def test_transformers_files_sharded_and_not_are_read_to_the_bit(tmp_path):
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    config = transformers.SwinConfig(image_size=32, patch_size=2, embed_dim=8, depths=[2, 2], num_heads=[2, 4],
                                     window_size=4, num_labels=5)
    model = transformers.SwinForImageClassification(config)
    model.save_pretrained(tmp_path / "single")
    model.save_pretrained(tmp_path / "sharded", max_shard_size="20KB")
    single, sharded = read(tmp_path / "single"), read(tmp_path / "sharded")
    assert (single.format, sharded.format) == ("safetensors", "safetensors sharded")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 1
    library = pytest.importorskip("safetensors.torch")
    theirs = library.load_file(tmp_path / "single" / "model.safetensors")
    assert len(theirs) == len(model.state_dict())
    assert sum(value.numel() for value in theirs.values()) == sum(v.numel() for v in model.state_dict().values())
    assert_same(single.tensors, {name: value.to(torch.float32).numpy() for name, value in theirs.items()})
    assert_same(sharded.tensors, single.tensors)
    assert_same(read(tmp_path / "sharded" / "model.safetensors.index.json").tensors, single.tensors)
