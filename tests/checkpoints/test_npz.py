"""The .npz format: NumPy's files are read to the bit, ours are read by NumPy, pickled objects and bombs are refused."""

import io
import json
import zipfile

import numpy as np
import pytest
from stored_files import read_all, zip_file
from test_pytorch import assert_same
from test_safetensors import arrays_of_every_dtype

from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.errors import CheckpointError


def npy(array: np.ndarray, version=(1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def npy_with_header(header: str, data: bytes = bytes(8)) -> bytes:
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode() + data


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read_to_the_bit(tmp_path, save):
    arrays = arrays_of_every_dtype() | {"layers.0/weight": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    save(tmp_path / "x.npz", **arrays)
    checkpoint = read(tmp_path / "x.npz")
    assert_same(checkpoint.tensors, {k: v.astype(v.dtype.newbyteorder("=")) for k, v in arrays.items()})
    assert checkpoint.format == "npz"
    assert not any(value.flags.writeable for value in checkpoint.tensors.values())


def test_what_is_written_is_read_to_the_bit_here_and_by_numpy(tmp_path):
    arrays, metadata = arrays_of_every_dtype(), {"dialect": "microsoft", "ä": "é\n"}
    write_npz(tmp_path / "x.npz", arrays, metadata)
    checkpoint = read(tmp_path / "x.npz")
    assert_same(checkpoint.tensors, {k: v.astype(v.dtype.newbyteorder("=")) for k, v in arrays.items()})
    assert checkpoint.metadata == metadata
    with np.load(tmp_path / "x.npz", allow_pickle=False) as theirs:
        assert json.loads(str(theirs["meta"])) == metadata
        assert_same({name: theirs[name] for name in arrays}, arrays)


def test_the_same_tensors_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_npz(tmp_path / name, arrays_of_every_dtype(), {"x": "y"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(version):
    assert read_all(zip_file({"a.npy": npy(np.arange(3), version)})).tensors["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("header", [
    GOOD.replace("<f4", "|O"), GOOD.replace("<f4", "<U1"), GOOD.replace("<f4", "<c8"), GOOD.replace("<f4", "<f16"),
    GOOD.replace("'<f4'", "[('a', '<f4')]"), GOOD.replace("2,", "3,"), GOOD.replace("2,", "-2,"),
    GOOD.replace("2,", "2**9,"), "\xff", GOOD.replace("2,", "1000000000000000,"),
    GOOD.replace("2,", "9" * 5000 + ","), GOOD.replace("2,", "2, " * 40),
    GOOD.replace("False", "0"), GOOD.replace("False", "__import__('os')"), "(" * 9000, "{}", "", GOOD + "x", GOOD * 2,
    GOOD.replace("<f4", "<f999999999"), GOOD.replace("2,", "0, 999999999999999, 999999999999999,"),
], ids=lambda header: header[:60])
def test_a_header_that_is_no_plain_array_of_numbers_is_refused(header):
    with pytest.raises(CheckpointError):
        read_all(zip_file({"a.npy": npy_with_header(header)}))


def test_pickled_objects_are_refused_and_not_loaded(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="'a' is no array of numbers"):
        read(tmp_path / "x.npz")


@pytest.mark.parametrize("meta", ["[]", "{", "", '{"a": NaN}', "[" * 50_000])
def test_a_meta_entry_that_is_no_json_object_is_refused(meta):
    with pytest.raises(CheckpointError, match="JSON"):
        read_all(zip_file({"meta.npy": npy(np.array(meta)), "a.npy": npy(np.zeros(2))}))


def test_a_text_elsewhere_than_in_meta_is_refused():
    with pytest.raises(CheckpointError, match="'label' is no array of numbers"):
        read_all(zip_file({"a.npy": npy(np.zeros(2)), "label.npy": npy(np.array("cat"))}))


def test_a_text_that_is_no_unicode_is_refused():
    header = "{'descr': '<U2', 'fortran_order': False, 'shape': (), }\n"
    with pytest.raises(CheckpointError, match="'meta' is no array"):
        read_all(zip_file({"meta.npy": npy_with_header(header, b"\xff" * 8)}))


def test_small_compressed_files_of_zeros_are_read_and_bombs_refused_before_they_inflate():
    zeros = zip_file({"a.npy": npy(np.zeros(2**20, np.float32))}, zipfile.ZIP_DEFLATED)
    assert len(zeros) < 8192
    assert not read_all(zeros).tensors["a"].any()
    bomb = zip_file({"a.npy": npy(np.zeros(2**24 + 1, np.float32))}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="claim to inflate to 671"):
        read_all(bomb)


def test_an_entry_that_inflates_to_more_than_it_says_is_refused_at_that_size(monkeypatch):
    tracemalloc = pytest.importorskip("tracemalloc")
    bomb = zip_file({"a.npy": npy(np.zeros(2**24, np.float32))}, zipfile.ZIP_DEFLATED)
    claimed, size = (2**26 + 128).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert bomb.count(claimed) == 2                    # in the entry and in the directory
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="checksum"):
        read_all(bomb.replace(claimed, size))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(bomb)


def test_other_compression_methods_are_refused():
    with pytest.raises(CheckpointError, match="zip method 14"):
        read_all(zip_file({"a.npy": npy(np.zeros(9))}, zipfile.ZIP_LZMA))
