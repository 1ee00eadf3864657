"""Forty thousand mutants of each format: every one loads or raises CheckpointError, in bounded time and memory."""

import io
import json
import pickle
import pickletools
import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import company
import numpy as np
import pytest
from stored_files import (
    DATA,
    call,
    dictionary,
    integer,
    name,
    read_all,
    sequence,
    stream,
    tensor,
    text,
    torch_legacy,
    torch_zip,
    zip_file,
)

from swin_np.errors import CheckpointError
from tests.lengths import long_but

MUTANTS_PER_SEED = 5000
SEEDS = range(8)                                       # together 40,000 of each format
MEASURED = 25                                          # the memory of every 25th mutant is measured
LARGEST_PEAK = 2**22                                   # bytes; the files have less than 20 thousand
LONGEST_TIME = 2                                       # seconds of the processor; usual is a thousandth of one
EXTREMES = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


@dataclass(frozen=True)
class Base:
    """A good file, and its pieces (opcodes, tokens) with the function that makes a file of them, checksums and all."""

    file: bytes
    pieces: list[bytes]
    assemble: Callable[[list[bytes]], bytes]


def opcodes(raw: bytes) -> list[bytes]:
    """The opcodes of the pickles that follow each other in `raw`, with their arguments; what is behind them as one."""
    pickles, starts = io.BytesIO(raw), []
    try:
        while True:
            starts.extend(position for *_, position in pickletools.genops(pickles))
    except ValueError:
        starts.append(len(raw))
    bounds = sorted({0, *starts, len(raw)})
    return [raw[begin:end] for begin, end in pairwise(bounds)]


def zip_base(file: bytes) -> Base:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    pickled = next(entry for entry in entries if entry.endswith("data.pkl"))
    return Base(file, opcodes(entries[pickled]), lambda pieces: zip_file({**entries, pickled: b"".join(pieces)}))


def directory_base(file: bytes) -> Base:
    """The pieces are the fields of the zip directory; nothing else is changed with them."""
    count, _, position = struct.unpack_from("<HII", file, len(file) - 12)
    widths = []
    start = position
    for _ in range(count):
        lengths = struct.unpack_from("<HHH", file, position + 28)
        record = [4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4, *lengths]
        widths += record
        position += sum(record)
    widths += [4, 2, 2, 2, 2, 4, 4, 2] if position == len(file) - 22 else [4] * ((len(file) - position) // 4)
    bounds = np.cumsum([0, start, *widths]).tolist()
    return Base(file, [file[begin:end] for begin, end in pairwise((*bounds, len(file)))], b"".join)


def legacy_base(file: bytes) -> Base:
    return Base(file, opcodes(file), b"".join)


def safetensors_base(file: bytes) -> Base:
    end = 8 + struct.unpack_from("<Q", file)[0]

    def assemble(pieces: list[bytes]) -> bytes:
        header = b"".join(pieces)
        return struct.pack("<Q", len(header)) + header + file[end:]
    return Base(file, re.findall(rb'"[^"]*"|\d+|\s+|.', file[8:end]), assemble)


def npz_base(arrays: dict[str, np.ndarray], compressed: bool) -> Base:
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    members = {}
    for member, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array)
        members[f"{member}.npy"] = buffer.getvalue()
    first, *_ = members
    end = 10 + struct.unpack_from("<H", members[first], 8)[0]

    def assemble(pieces: list[bytes]) -> bytes:
        return zip_file({**members, first: b"".join(pieces)}, method)
    pieces = [*re.findall(rb"\w+|\s+|.", members[first][10:end]), members[first][end:]]
    return Base(zip_file(members, method), [members[first][:10], *pieces], assemble)


def plain_pickles() -> list[bytes]:
    """Of all protocols: arrays beside each kind of company that is short; PyTorch's tensors; what Python 2 wrote."""
    arrays = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.asfortranarray(np.ones((2, 3))),
              "c": np.array([True, False]), "d": np.arange(3, dtype=">i4"), "e": np.zeros((0, 2)), "f": np.array(2.5)}
    kinds = {key: value for key, value in {**company.PLAIN, **company.NUMPY}.items()
             if len(pickle.dumps(value, 0)) < 1000}
    halves = [dict(list(kinds.items())[k::2]) for k in range(2)]
    things = {"model": arrays, "company": halves[0]}, {"company": halves[1], "model": company.CfgNode(arrays)}
    identity = sequence(text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), integer(6), b"N") + b"Q"
    inner = torch_legacy(identity, {"0": (6, np.arange(6, dtype="<f4").tobytes())})
    storage = call(name("torch.storage", "_load_from_bytes"), b"B" + struct.pack("<I", len(inner)) + inner)
    view = call(name("torch._utils", "_rebuild_tensor_v2"), storage, integer(1), sequence(integer(2), integer(2)),
                sequence(integer(3), integer(1)), b"\x89", call(name("collections", "OrderedDict")))
    return [*(pickle.dumps(thing, protocol) for protocol in range(6) for thing in things),
            *[stream(dictionary({"model": dictionary({"a": view})}))] * 3,
            *((DATA / f"python_2_protocol_{protocol}.pkl").read_bytes() for protocol in range(3))]


def bases(form: str) -> list[Base]:
    """The good files of a format: small ones made here, and (but for npz) those of the real programs."""
    raw = np.arange(6, dtype="<f4").tobytes()

    def body(legacy: bool) -> bytes:
        return dictionary({"model": dictionary({
            "module.a": tensor(legacy=legacy), "module.b": tensor(offset=2, shape=(2, 2), stride=(1, 2), legacy=legacy),
            "module.half": tensor("1", "BFloat16Storage", 4, 0, (4,), (1,), legacy),
            "module.bool": tensor("2", "BoolStorage", 3, 1, (), (), legacy), "epoch": integer(3)}),
            "model_ema": name("collections", "OrderedDict") + b")R", "note": text("tiny"),
            "cfg": call(name("yacs.config", "CfgNode")) + b"(" + text("a") + b"K\1u" + dictionary({"b": b"N"}) + b"b",
            "args": name("argparse", "Namespace") + b")\x81" + dictionary({"lr": integer(2**100)}) + b"b"})
    if form == "zip":
        small = torch_zip(body(False), {"0": raw, "1": raw[:8], "2": raw[:3]})
        theirs = [(DATA / file).read_bytes() for file in ("training.pth", "protocol4.pth")]
        return [zip_base(small)] * 3 + [directory_base(small), *map(zip_base, theirs), *map(directory_base, theirs)]
    if form == "legacy":
        small = torch_legacy(body(True), {"0": (6, raw), "1": (4, raw[:8]), "2": (3, raw[:3])})
        return [legacy_base(small)] * 3 + [legacy_base((DATA / file).read_bytes()) for file in (
            "training_legacy.pth", "torch_1_0.pth")]
    if form == "pickle":
        return [legacy_base(raw) for raw in plain_pickles()]
    if form == "safetensors":
        return [safetensors_base((DATA / "state.safetensors").read_bytes())]
    arrays = {"a": np.arange(12.0, dtype=np.float32).reshape(3, 4), "meta": np.array(json.dumps({"x": "y"})),
              "b": np.asfortranarray(np.ones((2, 3))), "c": np.array(True), "d": np.zeros((0, 2), np.int64)}
    stored, deflated = npz_base(arrays, False), npz_base(dict(reversed(arrays.items())), True)
    return [stored, deflated, directory_base(stored.file), directory_base(deflated.file)]


def changed_bytes(raw: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """One mutation of bytes: flip, set, cut, repeat, remove, swap, an extreme integer, a splice with another file."""
    kind = rng.integers(8)
    i, j, k = sorted(rng.integers(len(raw) + 1, size=3).tolist())
    j, k = min(j, i + 64), min(k, j + 64)              # chunks; short, so that most of the file stays
    if kind == 0 and i < len(raw):
        return raw[:i] + bytes([raw[i] ^ 1 << int(rng.integers(8))]) + raw[i + 1:]
    if kind == 1 and i < len(raw):
        return raw[:i] + rng.bytes(1) + raw[i + 1:]
    if kind == 2:
        return raw[:k]
    if kind == 3:
        return raw[:j] + raw[i:]
    if kind == 4:
        return raw[:i] + raw[j:]
    if kind == 5:
        return raw[:i] + raw[j:k] + raw[i:j] + raw[k:]
    if kind == 6:
        width = int(rng.choice((1, 2, 4, 8)))
        value = EXTREMES[rng.integers(len(EXTREMES))] & (1 << 8 * width) - 1
        return raw[:i] + value.to_bytes(width, "little") + raw[i + width:]
    j = int(rng.integers(len(other) + 1))
    return raw[:i] + other[j:]


def changed_pieces(pieces: list[bytes], others: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """One mutation of structure: a piece removed, repeated, swapped, taken from elsewhere, made extreme or broken."""
    pieces = list(pieces)
    kind = rng.integers(8)
    i, j = rng.integers(len(pieces), size=2).tolist()
    if kind == 0:
        del pieces[i]
    elif kind == 1:
        pieces.insert(j, pieces[i])
    elif kind == 2:
        pieces[i], pieces[j] = pieces[j], pieces[i]
    elif kind == 3:
        pieces[i] = others[rng.integers(len(others))]
    elif kind in (4, 5):
        numbers = [k for k, piece in enumerate(pieces) if re.fullmatch(rb"\d+", piece)] or [i]
        pieces[numbers[rng.integers(len(numbers))]] = str(EXTREMES[rng.integers(len(EXTREMES))]).encode()
    elif kind == 6 and len(pieces[i]) <= 8:            # an integer field of that width
        value = EXTREMES[rng.integers(len(EXTREMES))] & (1 << 8 * len(pieces[i])) - 1
        pieces[i] = value.to_bytes(len(pieces[i]), "little")
    elif pieces[i]:
        pieces[i] = changed_bytes(pieces[i], pieces[j], rng)
    return pieces or [b""]


def mutant(files: list[Base], rng: np.random.Generator) -> bytes:
    """A file with one to three mutations, of its bytes or of its structure."""
    base, other = (files[i] for i in rng.integers(len(files), size=2))
    rounds = int(rng.choice((1, 1, 2, 3)))
    if rng.random() < 0.5:
        raw = base.file
        for _ in range(rounds):
            raw = changed_bytes(raw, other.file, rng)
        return raw
    pieces = base.pieces
    for _ in range(rounds):
        pieces = changed_pieces(pieces, other.pieces, rng)
    return base.assemble(pieces)


def loads(raw: bytes) -> bool:
    """Whether a file loads; every element of its tensors is read."""
    try:
        tensors = read_all(raw).tensors
    except CheckpointError as error:
        assert 0 < len(str(error)) < 3000
        return False
    for value in tensors.values():
        assert value.nbytes <= 4 * len(raw)            # bfloat16 doubles, and views share
        value.tobytes()
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", long_but([SEEDS[0]], SEEDS))
@pytest.mark.parametrize("form", ["zip", "legacy", "pickle", "safetensors", "npz"])
def test_every_mutant_loads_or_is_refused_in_bounded_time_and_memory(form, seed):
    rng = np.random.default_rng([seed, *form.encode()])
    files = bases(form)
    assert all(loads(base.file) and loads(base.assemble(base.pieces)) for base in files)
    loaded = 0
    for i in range(MUTANTS_PER_SEED):
        raw = mutant(files, rng)
        start = time.process_time()
        if i % MEASURED:
            loaded += loads(raw)
        else:
            tracemalloc.start()
            loads(raw)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < LARGEST_PEAK
        assert time.process_time() - start < LONGEST_TIME
    assert 0.01 < loaded / MUTANTS_PER_SEED < 0.9      # neither all so broken, nor all so whole, that nothing is tried
