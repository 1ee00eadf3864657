"""Messages between two processes: frames of JSON and arrays. What arrives is data; nothing in it is executed."""

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np

from swin_np.language import phrase

MOST_BYTES = 64 * 2 ** 20                              # of one message
MOST_DEPTH = 8                                         # of tuples, lists and dicts in each other
LONGEST_TEXT = 10_000                                  # characters
HEAD = struct.Struct("<QQ")                            # the bytes of the JSON, and of all arrays


class MessageError(ValueError):
    """A message that cannot be sent, or is none."""


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message: None, True, numbers, text, `...`, NumPy's arrays and scalars, and tuples, lists and dicts.

    Anything else arrives as an object of a class of the same name. Raises MessageError for one that is too large.
    """
    parts: list[bytes] = []
    text = json.dumps(packed(message, parts, 0)).encode()
    size = sum(map(len, parts))
    if len(text) + size > MOST_BYTES:
        raise MessageError(phrase("{size:.0f} MiB, expected {most} at most", size=(len(text) + size) / 2 ** 20,
                                  most=MOST_BYTES // 2 ** 20))
    stream.write(b"".join([HEAD.pack(len(text), size), text, *parts]))
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; EOFError where the other side has ended, MessageError for what is none."""
    text_bytes, bytes_of_arrays = HEAD.unpack(exactly(stream, HEAD.size))
    if text_bytes + bytes_of_arrays > MOST_BYTES:
        raise MessageError("a message that is too large")
    text, rest = exactly(stream, text_bytes), exactly(stream, bytes_of_arrays)
    try:
        return unpacked(json.loads(text), memoryview(rest), 0)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, MemoryError) as error:
        raise MessageError(f"a message that cannot be read ({type(error).__name__})") from None


def exactly(stream: BinaryIO, count: int) -> bytes:
    """So many bytes, or EOFError."""
    data = bytearray()
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def packed(value: Any, parts: list[bytes], depth: int) -> Any:
    """The value as JSON: numbers and text as they are, all else as [kind, ...]; the bytes of arrays go to `parts`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return packed_array(value, parts)
    if isinstance(value, int):
        return ["int", hex(value)]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, str):
        return str(value)[:LONGEST_TEXT]
    if value is ...:
        return ["..."]
    if type(value) in (tuple, list) and depth < MOST_DEPTH:
        return [type(value).__name__, *(packed(item, parts, depth + 1) for item in value)]
    if type(value) is dict and depth < MOST_DEPTH and all(isinstance(key, str) for key in value):
        return {key: packed(item, parts, depth + 1) for key, item in value.items()}
    return ["odd", type(value).__name__]


def packed_array(value: np.ndarray | np.generic, parts: list[bytes]) -> list[Any]:
    """["array", dtype, shape, bytes]; "scalar" for NumPy's numbers, "objects" for arrays of anything."""
    array = np.asarray(value)
    if array.dtype.hasobject:
        return ["objects", list(array.shape)]
    start = sum(map(len, parts))
    parts.append(array.tobytes())
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return [kind, array.dtype.str, list(array.shape), start, len(parts[-1])]


def unpacked(value: Any, data: memoryview, depth: int) -> Any:
    """What was packed."""
    if depth > MOST_DEPTH + 1:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {key: unpacked(item, data, depth + 1) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    kind, *rest = value
    if kind in ("array", "scalar"):
        dtype, shape, start, count = rest
        array = np.frombuffer(data[start:start + count], np.dtype(dtype)).reshape(shape).copy()
        return array if kind == "array" else array[()]
    if kind == "objects":
        if math.prod(rest[0]) * 8 > MOST_BYTES:
            raise ValueError("too large")
        return np.empty(rest[0], object)
    if kind == "int":
        return int(rest[0], 16)
    if kind == "complex":
        return complex(*rest)
    if kind == "...":
        return ...
    if kind in ("tuple", "list"):
        items = [unpacked(item, data, depth + 1) for item in rest]
        return tuple(items) if kind == "tuple" else items
    return type(str(rest[0]), (), {})()                # an object of which only the class is known
