"""Files of pickles with tensors: torch.save's zip archive and the legacy stream of before 1.6, and plain pickles."""

import re
import struct
from collections.abc import Mapping
from typing import NoReturn

from swin_np.checkpoints.formats.foreign import zip_refusal
from swin_np.checkpoints.formats.numpy_arrays import StoredArray, bytes_of
from swin_np.checkpoints.formats.pickles import PickleReader
from swin_np.checkpoints.formats.placeholders import Account, Constructor
from swin_np.checkpoints.formats.torch_tensors import NAMES, OldTensor, Storage, Storages, StoredTensor, refused
from swin_np.checkpoints.formats.zip_archive import Entry
from swin_np.errors import CheckpointError

LEGACY_MAGIC = re.compile(rb"(?s).{,16}(?:\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19|L119547037146038801333356L\n)\.")
"""The integer 0x1950a86a20f9469cfc6c, pickled."""
LEGACY_PROTOCOL = 1001
BEGINNING = re.compile(rb"\x80[\x02-\x05]|\([dl]p?\d|\(i[\w.]+\n|[}\]]q|c[\w.]+\n[\w.]+\n")
"""How pickles begin: protocols 2 to 5 with their number, 0 and 1 with a dict, a list or an object."""
AnyTensor = StoredTensor | OldTensor | StoredArray
"""What stands for a tensor; `array()` gives it."""


def read_zip(entries: Mapping[str, Entry], folder: str, account: Account) -> object:
    """The object that torch.save was given, from the archive's one folder ("archive/"); each tensor is an AnyTensor."""
    if folder + "constants.pkl" in entries or any(name.startswith(folder + "code/") for name in entries):
        raise zip_refusal(entries)

    def content(name: str) -> memoryview:
        if folder + name not in entries:
            raise CheckpointError(f"it has no entry {(folder + name)[:200]!r}: the file is damaged, get it again")
        return entries[folder + name].content(allow_deflated=False)

    if folder + "byteorder" in entries and bytes(content("byteorder")) != b"little":
        raise CheckpointError("it was written on a big-endian machine: load and save it on a little-endian one")
    storages = Storages(lambda key: content(f"data/{key}"), account.file_size)
    return PickleReader(content("data.pkl"), 0, NAMES, storages, account).load()


def read_legacy(buffer: memoryview, account: Account) -> object:
    """The object that torch.save was given; each of its tensors is an AnyTensor.

    Five pickles (magic number, protocol, system, the object, the keys of the storages) come before the storages, each
    of which is its number of elements, 8 bytes, and the elements.
    """
    regions: dict[str, memoryview] = {}

    def find(key: str) -> memoryview:
        if key not in regions:
            raise CheckpointError("a tensor in it names a storage that it does not hold: "
                                  "the file is damaged, get it again")
        return regions[key]

    storages = Storages(find, account.file_size)
    reader = PickleReader(buffer, 0, NAMES, storages, account)
    reader.load()                                      # the magic number, by which the file was recognised
    if reader.load() != LEGACY_PROTOCOL:
        raise CheckpointError(f"it is not of PyTorch's legacy protocol {LEGACY_PROTOCOL}: "
                              "load and save it again with a newer PyTorch")
    match reader.load():
        case {"little_endian": False}:
            raise CheckpointError("it was written on a big-endian machine: load and save it on a little-endian one")
    tree, keys = reader.load(), reader.load()
    if not isinstance(keys, list):
        raise refused(None)

    position = reader.position
    for key in keys:
        if not isinstance(key, str) or key not in storages.by_key or key in regions:
            raise refused(None)
        storage = storages.by_key[key]
        start, position = position + 8, position + 8 + storage.count * storage.kind.itemsize
        if position > len(buffer):
            raise CheckpointError(f"it ends before its storages do, {position} bytes were expected and "
                                  f"{len(buffer)} are there: it was cut off, get it again")
        if struct.unpack_from("<q", buffer, start - 8)[0] != storage.count:
            raise refused(None)
        regions[key] = buffer[start:position]
    return tree


def read_pickle(buffer: memoryview, account: Account) -> object:
    """The object that pickle.dump was given, of NumPy arrays and PyTorch tensors; each of them is an AnyTensor.

    A storage lies in it as the bytes that torch.save makes of it, in the legacy format.
    """
    def load_storage(arguments: tuple) -> Storage:
        match arguments:
            case (raw,) if isinstance(storage := read_legacy(bytes_of(raw), account), Storage):
                return storage
        raise refused(arguments)

    def refuse(identity: tuple) -> NoReturn:
        raise CheckpointError("it is a pickle of objects that lie elsewhere, without them: save the state dict with "
                              "torch.save({'model': model.state_dict()}, ...)")

    names = {**NAMES, "torch.storage._load_from_bytes": Constructor(load_storage)}
    return PickleReader(buffer, 0, names, refuse, account).load()
