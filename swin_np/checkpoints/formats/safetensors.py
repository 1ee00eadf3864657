"""The .safetensors format: the length of a JSON header, the header, and the tensors one after the other."""

import json
import struct
from pathlib import Path

import numpy as np

from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.formats.arrays import ITEMSIZE, element_count, flat_array
from swin_np.checkpoints.formats.writing import checked_tensors
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.writing import replacing

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool",
          "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
          "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8"}
CODES = {dtype: code for code, dtype in DTYPES.items()}


def read_safetensors(buffer: memoryview) -> tuple[dict[str, Array], dict[str, str]]:
    """(tensors, metadata); the tensors are views of the buffer, but for bfloat16 and bool.

    CheckpointError unless the tensors fill the rest of the file without gap or overlap.
    """
    start = 8 + struct.unpack_from("<Q", buffer)[0]
    if start > len(buffer):
        raise CheckpointError(f"it is a .safetensors file whose header ends at byte {start}, and it has {len(buffer)}: "
                              "it was cut off, get it again")
    strict_json.check_length(start - 8)                # before the header is copied
    header = strict_json.parse(bytes(buffer[8:start]))
    metadata = strict_json.texts(header.pop("__metadata__", {}))
    data = buffer[start:]
    tensors, regions = {}, []
    for name, entry in header.items():
        match entry:
            case {"dtype": str(code), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
                if code not in DTYPES:
                    raise CheckpointError(f"its tensor {name[:200]!r} is of dtype {code[:20]!r}, and "
                                          f"{', '.join(DTYPES)} are read: convert it first")
            case _:
                raise CheckpointError(f"its header describes {name[:200]!r} by something else than dtype, shape and "
                                      "data_offsets: get the file again")
        count = element_count(shape)
        if not 0 <= begin <= end <= len(data) or end - begin != count * ITEMSIZE[DTYPES[code]]:
            raise CheckpointError(f"its tensor {name[:200]!r} of {count} {code} elements lies at bytes {begin} to "
                                  f"{end} of {len(data)}: it was cut off or damaged, get it again")
        tensors[name] = flat_array(data[begin:end], DTYPES[code]).reshape(shape)
        regions.append((begin, end))
    position = 0
    for begin, end in sorted(regions):
        if begin != position:
            raise CheckpointError("its tensors overlap or leave gaps: the file was damaged, get it again")
        position = end
    if position != len(data):
        raise CheckpointError(f"its tensors end at byte {position} of {len(data)}: the file was damaged, get it again")
    return tensors, metadata


def write_safetensors(path: str | Path, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write tensors (floats of 16 to 64 bits, integers, bool) and metadata to `path`, wholly or not at all.

    CheckpointError for a dtype or a name that the format does not have, InputError if the file cannot be written.
    """
    arrays = checked_tensors(tensors, metadata, reserved="__metadata__")
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))        # so that each is aligned
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    position = 0
    for name, array in arrays.items():
        header[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [position, position + array.nbytes]}
        position += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            stream.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
