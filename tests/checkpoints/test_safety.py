"""Zip archives that lie, and the memory that any file can take."""

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from stored_files import dictionary, read_all, tensor, torch_legacy, torch_zip, zip_file

from swin_np.checkpoints.loading import load
from swin_np.errors import CheckpointError
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig

SIX = np.arange(6, dtype="<f4").tobytes()
FILE = torch_zip(dictionary({"a": tensor()}), {"0": SIX})
DIRECTORY = FILE.index(b"PK\x01\x02")
ENTRIES = FILE.count(b"PK\x01\x02")


def with_field(position: int, form: str, value: int, file: bytes = FILE) -> bytes:
    changed = bytearray(file)
    struct.pack_into(form, changed, position, value)
    return bytes(changed)


def of_the_directory(entry: bytes) -> int:
    """Where the directory's record of an entry begins."""
    return FILE.rindex(entry) - 46


def test_the_zip_that_the_tests_below_vary_is_read():
    assert read_all(FILE).tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read_all(with_field(DIRECTORY + 6, "<H", 45)).tensors


@pytest.mark.parametrize("value", [0, 1, 23, 25, 2**31, 2**32 - 1])
@pytest.mark.parametrize(("field", "form"), [(20, "<I"), (24, "<I"), (42, "<I"), (16, "<I")],
                         ids=["stored size", "size", "offset", "checksum"])
def test_a_false_field_of_the_directory_is_refused(field, form, value):
    with pytest.raises(CheckpointError):
        read_all(with_field(of_the_directory(b"archive/data/0") + field, form, value))


@pytest.mark.parametrize(("back", "form", "value"), [
    (12, "<H", ENTRIES + 1), (12, "<H", 2**16 - 1), (6, "<I", 0), (6, "<I", 2**32 - 1), (6, "<I", len(FILE)),
    (6, "<I", DIRECTORY + 1), (22, "<I", 0)])
def test_a_false_end_of_the_directory_is_refused(back, form, value):
    with pytest.raises(CheckpointError):
        read_all(with_field(len(FILE) - back, form, value))


def test_entries_that_overlap_are_refused():
    first = struct.unpack_from("<I", FILE, of_the_directory(b"archive/data.pkl") + 42)[0]
    twice = zip_file({"archive/data.pkl": b"", "archive/data.pk2": b""})
    second = twice.rindex(b"archive/data.pk2") - 46 + 42
    for file in (with_field(of_the_directory(b"archive/version") + 42, "<I", first),
                 with_field(second, "<I", 0, twice).replace(b"pk2", b"pkl")):
        with pytest.raises(CheckpointError, match=r"otherwise|overlap|twice"):
            read_all(file)


def test_an_entry_that_calls_itself_otherwise_than_the_directory_does_is_refused():
    position = FILE.index(b"archive/version")
    with pytest.raises(CheckpointError, match="otherwise than the entry itself"):
        read_all(FILE[:position] + b"archive/Version" + FILE[position + 15:])


def test_an_entry_that_reaches_into_the_directory_is_refused():
    record, start = of_the_directory(b"archive/version"), FILE.index(b"archive/version") + 15
    file = with_field(record + 20, "<I", 12, with_field(record + 24, "<I", 12))
    file = with_field(record + 16, "<I", zlib.crc32(FILE[start:start + 12]), file)
    with pytest.raises(CheckpointError, match="zip directory is damaged"):
        read_all(file)


def test_bytes_behind_the_archive_are_refused_but_a_comment_is_not():
    with pytest.raises(CheckpointError, match="zip directory is damaged"):
        read_all(FILE + b"more")
    assert read_all(with_field(len(FILE) - 2, "<H", 4) + b"more").tensors


def test_nested_entries_under_other_names_are_refused():
    inner = zip_file({"archive/data/1": SIX})
    outer = zip_file({"archive/data.pkl": b"", "archive/data/0": inner})
    position = outer.index(b"PK\x03\x04", outer.index(b"archive/data/0"))
    record = bytearray(inner[inner.index(b"PK\x01\x02"):inner.index(b"PK\x05\x06")])
    struct.pack_into("<I", record, 42, position)
    end = outer.rindex(b"PK\x05\x06")
    merged = outer[:end] + bytes(record) + outer[end:]
    merged = with_field(len(merged) - 12, "<H", 3, with_field(len(merged) - 14, "<H", 3, merged))
    with pytest.raises(CheckpointError, match="overlap"):
        read_all(merged)


def test_an_entry_twice_is_refused():
    file = zip_file({"archive/data.pkl": b"", "archive/data.pk2": b""}).replace(b"pk2", b"pkl")
    with pytest.raises(CheckpointError, match="twice"):
        read_all(file)


def test_encrypted_archives_are_refused():
    with pytest.raises(CheckpointError, match="encrypted"):
        read_all(with_field(DIRECTORY + 8, "<H", 1))


def test_a_compressed_pytorch_archive_is_refused_and_not_inflated():
    bomb = torch_zip(dictionary({"a": tensor(count=2**24, shape=(2**24,), stride=(1,))}), {"0": bytes(2**26)},
                     method=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="zip method 8"):
        read_all(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_one_flipped_bit_in_a_zipped_storage_is_noticed():
    position = FILE.index(SIX)
    for bit in range(8 * len(SIX)):
        changed = bytearray(FILE)
        changed[position + bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointError, match="checksum"):
            read_all(bytes(changed))


def test_an_archive_that_torch_wrote_without_checksums_is_read():
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.ones(2)}, buffer)
    finally:
        torch.serialization.set_crc32_options(True)
    with zipfile.ZipFile(buffer) as archive:
        assert not any(entry.CRC for entry in archive.infolist())
    assert read_all(buffer.getvalue()).tensors["a"].tolist() == [1, 1]


def test_zip64_archives_are_read():
    """As PyTorch and large files have them: the true sizes in the extra field, the true end in a record of its own."""
    count, size, start = struct.unpack_from("<HII", FILE, len(FILE) - 12)
    record = of_the_directory(b"archive/data/0")
    stored, plain = struct.unpack_from("<II", FILE, record + 20)
    (offset,) = struct.unpack_from("<I", FILE, record + 42)
    extra = struct.pack("<HHBHHQQQ", 9, 1, 0, 1, 24, plain, stored, offset)              # another field before Zip64's
    changed = bytearray(FILE)
    struct.pack_into("<II", changed, record + 20, 2**32 - 1, 2**32 - 1)
    struct.pack_into("<H", changed, record + 30, len(extra))
    struct.pack_into("<I", changed, record + 42, 2**32 - 1)
    name_end = record + 46 + len("archive/data/0")
    end = len(FILE) - 22
    file = bytes(changed[:name_end]) + extra + bytes(changed[name_end:end])
    end = len(file)
    file += struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size + len(extra), start)
    file += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    file += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    assert read_all(file).tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_many_tensors_that_view_one_large_storage_take_no_memory_of_their_own(legacy):
    count = 2**18
    raw = np.arange(count, dtype="<f4").tobytes()
    body = dictionary({str(i): tensor(count=count, offset=i, shape=(500, 500), stride=(500, 1), legacy=legacy)
                       for i in range(500)})
    file = torch_legacy(body, {"0": (count, raw)}) if legacy else torch_zip(body, {"0": raw})
    tracemalloc.start()
    tensors = read_all(file).tensors                 # 500 MB, were they copied
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tensors["499"][0, 0] == 499
    assert peak < 2 * len(file)


def views_of_one_half_storage(path, blocks: int) -> int:
    """A file of a Swin whose blocks all view one float16 storage, as large as one block; its size in bytes."""
    torch = pytest.importorskip("torch")
    config = SwinConfig(32, 4, embed_dim=256, depths=(blocks,), num_heads=(4,), window_size=4, num_classes=2)
    state, storage = {}, torch.randn(2**20).half()     # 2 MB
    for name, value in SwinTransformer.random(config, seed=None).state_dict().items():
        state[name] = storage[:value.size].view(value.shape)
    torch.save(state, path)
    return path.stat().st_size


def test_what_is_converted_is_bounded_by_the_size_of_the_file(tmp_path):
    size = views_of_one_half_storage(tmp_path / "model.pth", 200)       # 160 million numbers, 630 MB of float32
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"its tensors view \d+ bytes again and again, \d+ bytes in all: save"):
        load(tmp_path / "model.pth")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * size
    views_of_one_half_storage(tmp_path / "model.pth", 2)                # tied weights are no attack
    assert load(tmp_path / "model.pth", image_size=32).config.depths == (2,)


def test_one_array_under_many_names_in_a_pickle_is_bounded(tmp_path):
    config = SwinConfig(32, 4, embed_dim=64, depths=(400,), num_heads=(4,), window_size=4, num_classes=2)
    shapes = {name: value.shape for name, value in SwinTransformer.random(config, seed=None).state_dict().items()}
    arrays = {shape: np.zeros(shape, np.float16) for shape in set(shapes.values())}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"model": {name: arrays[shape] for name, shape in shapes.items()}}))
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="again and again"):
        load(tmp_path / "x.pkl")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23                                # 80 MB as float32


@pytest.mark.parametrize(("window", "buffers", "most"), [
    (24, {"layers.0.blocks.0.attn.relative_position_index": np.zeros((576, 576), np.uint8)}, 2**22),
    (24, {"layers.0.blocks.0.attn.relative_position_index": np.zeros((576, 576), np.int64)}, 2**24),
    (8, {"layers.0.blocks.1.attn_mask": np.zeros((360, 64, 64), np.float16)}, 2**24),
    (8, {"layers.0.blocks.1.attn_mask": np.zeros((360, 64, 64), np.bool_)}, 2**23)], ids=str)
def test_false_buffers_are_refused_in_a_few_times_their_memory(tmp_path, window, buffers, most):
    config = SwinConfig(4 * window, 4, embed_dim=4, depths=(2,), num_heads=(1,), window_size=window, num_classes=2)
    state = SwinTransformer.random(config, seed=0).state_dict()
    np.savez_compressed(tmp_path / "x.npz", **state, **buffers)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="not what follows"):
        load(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most


def test_tensors_that_were_expanded_are_read():
    torch = pytest.importorskip("torch")
    expanded = {"norm": torch.ones(1).expand(64), "rows": torch.arange(3.0).expand(4, 3),
                "columns": torch.arange(3.0)[:, None].expand(3, 5)[1:], "plain": torch.arange(99.0)}
    buffer = io.BytesIO()
    torch.save(expanded, buffer)
    tensors = read_all(buffer.getvalue()).tensors
    assert tensors.keys() == expanded.keys()
    assert all(np.array_equal(tensors[name], value.numpy()) for name, value in expanded.items())


@pytest.mark.parametrize("shape", [(2**12,), (2**20, 2**20), (3, 5, 10**6)])
def test_a_tensor_expanded_beyond_its_file_is_refused_by_its_cause(shape):
    body = dictionary({"a": tensor(shape=shape, stride=(0,) * len(shape))})
    with pytest.raises(CheckpointError, match=r"repeats 6 stored elements to \d+, .*contiguous\(\)|more than 10995"):
        read_all(torch_zip(body, {"0": SIX}))


@pytest.mark.parametrize("seed", [2**200, -2**200, 2**64, 2**2000])
def test_a_seed_of_many_bytes_beside_a_state_dict_is_left_aside(seed):
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"model": {"a": torch.ones(2)}, "seed": seed}, buffer)
    assert read_all(buffer.getvalue()).tensors["model/a"].tolist() == [1, 1]


def test_a_header_beyond_the_limit_is_refused_before_it_is_copied():
    length = 2**26
    file = memoryview(struct.pack("<Q", length) + b"{" + bytes(length))
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="more than the 4194304 that are read"):
        read_all(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
