"""Files as PyTorch writes them, put together byte by byte without it, so that a test can also write a false one."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from swin_np.checkpoints.files import StoredCheckpoint, read_bytes

DATA = Path(__file__).parent / "data"

# A pickle of protocol 2, piece by piece: each function gives the opcodes that put one object on the stack.


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def integer(value: int) -> bytes:
    if -2**31 <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x10" + value.to_bytes(16, "little", signed=True)


def sequence(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def dictionary(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + sequence(*arguments) + b"R"


def tensor(key: str = "0", storage: str = "FloatStorage", count: int = 6, offset: int = 0, shape=(2, 3),
           stride=(3, 1), legacy: bool = False) -> bytes:
    """An untrue tensor is made by numbers that do not fit each other."""
    identity = sequence(text("storage"), name("torch", storage), text(key), text("cpu"), integer(count),
                        *([b"N"] if legacy else []))
    return call(name("torch._utils", "_rebuild_tensor_v2"), identity + b"Q", integer(offset),
                sequence(*map(integer, shape)), sequence(*map(integer, stride)), b"\x89",
                call(name("collections", "OrderedDict")))


def stream(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


# The containers.


def zip_file(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), content, method)
    return buffer.getvalue()


def torch_zip(body: bytes, storages: dict[str, bytes], method: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """`body`: the opcodes of the object; more: further entries of the archive."""
    return zip_file({"archive/data.pkl": stream(body), "archive/byteorder": b"little",
                     **{f"archive/data/{key}": raw for key, raw in storages.items()}, "archive/version": b"3\n",
                     **{f"archive/{entry}": raw for entry, raw in more.items()}}, method)


def torch_legacy(body: bytes, storages: dict[str, tuple[int, bytes]]) -> bytes:
    """`storages`: number of elements, and bytes, by key."""
    return b"".join((
        stream(b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"), stream(b"M\xe9\x03"),
        stream(dictionary({"protocol_version": b"M\xe9\x03", "little_endian": b"\x88"})), stream(body),
        stream(b"](" + b"".join(map(text, storages)) + b"e"),
        *(struct.pack("<q", count) + raw for count, raw in storages.values())))


def read_all(content: bytes) -> StoredCheckpoint:
    """The checkpoint, after every tensor in it was looked at."""
    stored = read_bytes(content)
    dict(stored.tensors)
    return stored


def inside(stored: StoredCheckpoint, entry: str) -> dict[str, np.ndarray]:
    """The tensors under an entry, by their names there."""
    return {path.removeprefix(f"{entry}/"): value for path, value in stored.tensors.items()
            if path.startswith(f"{entry}/")}
