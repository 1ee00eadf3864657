"""NumPy's .npz: a zip archive of .npy files, read without pickled objects; the entry `meta` is a JSON text."""

import json
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.formats.arrays import ITEMSIZE, dense_array, element_count
from swin_np.checkpoints.formats.writing import checked_tensors
from swin_np.checkpoints.formats.zip_archive import DEFLATED, Entry
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.writing import replacing

METADATA = "meta"
ALWAYS_INFLATED = 2**24                                # bytes: small files of zeros compress a thousandfold
LARGEST_INFLATION = 100                                # times the file, beyond that; weights compress by less than 2
LONGEST_HEADER = 10_000                                # bytes, as in NumPy
HEADER = re.compile(r"\{'descr': '([<>|])([fiubU])(\d{1,9})', 'fortran_order': (True|False), "
                    r"'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?)\),? ?\}\s*")
KINDS = {"f": "float", "i": "int", "u": "uint"}


def damaged(name: str) -> CheckpointError:
    return CheckpointError(f"its entry {name[:200]!r} is no array of numbers in NumPy's format (pickled objects are "
                           "not read): save it again with numpy.savez of plain arrays")


def read_npy(raw: memoryview, name: str) -> Array | str:
    """The array of a .npy file, read-only, a view of `raw` if it is little-endian; or a single text.

    The header is a Python literal; as NumPy writes it in one way only, it is matched and not evaluated.
    """
    prefix = bytes(raw[:12])
    if len(prefix) < 12 or prefix[:6] != b"\x93NUMPY" or prefix[6] not in (1, 2, 3):
        raise damaged(name)
    form = "<H" if prefix[6] == 1 else "<I"            # of the header's length, by version
    start = 8 + struct.calcsize(form)
    end = start + struct.unpack_from(form, prefix, 8)[0]
    header = HEADER.fullmatch(bytes(raw[start:min(end, start + LONGEST_HEADER)]).decode("latin-1"))
    if end > len(raw) or not header:
        raise damaged(name)
    order, kind, size, fortran_order, lengths = header.groups()
    shape = [int(length) for length in lengths.split(",") if length.strip()]
    data = raw[end:]
    if kind == "U" and shape == [] and order == "<" and len(data) == 4 * int(size):
        try:
            return bytes(data).decode("utf-32-le").rstrip("\0")
        except UnicodeDecodeError:
            raise damaged(name) from None
    dtype = "bool" if (kind, size) == ("b", "1") else f"{KINDS.get(kind)}{8 * int(size)}"
    if dtype not in ITEMSIZE or len(data) != element_count(shape) * ITEMSIZE[dtype]:
        raise damaged(name)
    return dense_array(data, dtype, order, shape, fortran_order == "True")


def read_npz(entries: Mapping[str, Entry], file_size: int) -> tuple[dict[str, Array], dict[str, str]]:
    """(tensors, metadata) of an archive of .npy files.

    Compressed archives may inflate to 16 MiB, or to 100 times the file where that is more, and not further:
    CheckpointError, before anything is inflated.
    """
    inflated = sum(entry.size for entry in entries.values() if entry.method == DEFLATED)
    if inflated > max(ALWAYS_INFLATED, LARGEST_INFLATION * file_size):
        raise CheckpointError(f"its {file_size} bytes claim to inflate to {inflated}: "
                              "save it again with numpy.savez, uncompressed")
    tensors, metadata = {}, {}
    for file_name, entry in entries.items():
        name = file_name.removesuffix(".npy")
        value = read_npy(entry.content(allow_deflated=True), name)
        if isinstance(value, np.ndarray):
            tensors[name] = value
        elif name == METADATA:
            metadata = strict_json.texts(strict_json.parse(value.encode()))
        else:
            raise damaged(name)
    return tensors, metadata


def write_npz(path: str | Path, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write tensors (floats of 16 to 64 bits, integers, bool) and metadata to `path`, wholly or not at all.

    Uncompressed; numpy.load reads it, the metadata being a JSON text under `meta`. CheckpointError for a dtype or
    a name that the format does not have, InputError if the file cannot be written.
    """
    arrays = checked_tensors(tensors, metadata, reserved=METADATA)
    if metadata:
        arrays[METADATA] = np.array(json.dumps(metadata))
    with replacing(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
