"""What `torch.save` writes: the zip archive of PyTorch since 1.6, and the legacy stream of before."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from swin_np.checkpoints.formats.arrays import ITEMSIZE, flat_array, strided_view
from swin_np.checkpoints.formats.pickles import PLAIN_NAMES, Constructor, PickleReader, Stateful
from swin_np.checkpoints.formats.zip_archive import Entry
from swin_np.errors import CheckpointError
from swin_np.functional import Array

LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."     # the integer 0x1950a86a20f9469cfc6c, pickled
LEGACY_PROTOCOL = 1001
STORAGE_DTYPES = {"torch.DoubleStorage": "float64", "torch.FloatStorage": "float32", "torch.HalfStorage": "float16",
                  "torch.BFloat16Storage": "bfloat16", "torch.LongStorage": "int64", "torch.IntStorage": "int32",
                  "torch.ShortStorage": "int16", "torch.CharStorage": "int8", "torch.ByteStorage": "uint8",
                  "torch.BoolStorage": "bool"}


def damaged() -> CheckpointError:
    return CheckpointError("a tensor in it is not described as torch.save does: the file is damaged, get it again")


@dataclass(frozen=True)
class StorageType:
    """The type of a storage, torch.FloatStorage and the like."""

    dtype: str


@dataclass
class Storage:
    """A run of `count` elements that one or more tensors view; `find` gives its bytes when they are asked for."""

    key: str
    dtype: str
    count: int
    find: Callable[[str], memoryview]
    file_size: int                                     # bytes

    @cached_property
    def elements(self) -> Array:                       # (count,), made once, however many tensors share it
        raw = self.find(self.key)
        if len(raw) != self.count * ITEMSIZE[self.dtype]:
            raise CheckpointError(f"a storage of {self.count} {self.dtype} elements has {len(raw)} bytes: "
                                  "the file is damaged, get it again")
        return flat_array(raw, self.dtype)


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as the pickle describes it: a strided view of a storage."""

    storage: Storage
    offset: int
    shape: tuple
    stride: tuple

    def array(self) -> Array:
        """The tensor; its bytes are read, and its bounds checked, only now."""
        return strided_view(self.storage.elements, self.offset, self.shape, self.stride, self.storage.file_size)


@dataclass
class OldTensor(Stateful):
    """A tensor or parameter as PyTorch before 0.4 wrote it: made empty, or of a tensor, and then given a state."""

    tensor: StoredTensor | None

    def set_state(self, state: object) -> None:
        match state:
            case (Storage(), _, _, _):                 # of a tensor
                self.tensor = rebuild_tensor(state)
            case (StoredTensor() | OldTensor() as data, _, _, _, _):      # of a variable, with its gradient and hooks
                self.tensor = data if isinstance(data, StoredTensor) else data.tensor
            case (_, _, _) if self.tensor:             # of a parameter that has its data: whether it has a gradient
                pass
            case _:
                raise damaged()

    def array(self) -> Array:
        if self.tensor is None:
            raise damaged()
        return self.tensor.array()


AnyTensor = StoredTensor | OldTensor


def rebuild_tensor(arguments: tuple) -> StoredTensor:
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(stride), *_):
            return StoredTensor(storage, offset, shape, stride)
    raise damaged()


def only_first(kind: type) -> Constructor:
    """What stands for its first argument alone: an nn.Parameter for its tensor, a device for its name."""
    def build(arguments: tuple) -> object:
        if not arguments or not isinstance(arguments[0], kind):
            raise damaged()
        return arguments[0]
    return Constructor(build)


def old_tensor(arguments: tuple) -> OldTensor:
    """torch.FloatTensor(storage, offset, shape, stride), nn.Parameter(tensor, ...), or either without arguments."""
    match arguments:
        case ():
            return OldTensor(None)
        case (Storage(), *_):
            return OldTensor(rebuild_tensor(arguments))
        case (StoredTensor() as tensor, *_) | (OldTensor(tensor), *_):
            return OldTensor(tensor)
    raise damaged()


NAMES = {
    **PLAIN_NAMES,
    **{name: StorageType(dtype) for name, dtype in STORAGE_DTYPES.items()},
    **{f"torch.{dtype}": f"torch.{dtype}" for dtype in ITEMSIZE},         # a dtype as a value, in an optimizer's state
    "torch._utils._rebuild_tensor": Constructor(rebuild_tensor),
    "torch._utils._rebuild_tensor_v2": Constructor(rebuild_tensor),
    "torch._utils._rebuild_parameter": only_first(AnyTensor),
    "torch._utils._rebuild_parameter_with_state": only_first(AnyTensor),
    "torch.nn.parameter.Parameter": Constructor(old_tensor),
    **{name.replace("Storage", "Tensor"): Constructor(old_tensor) for name in STORAGE_DTYPES},
    "torch.Size": only_first(tuple),
    "torch.device": only_first(str),
}


class Storages:
    """The storages that persistent ids ask for, each made once."""

    def __init__(self, find: Callable[[str], memoryview], file_size: int):
        self.find, self.file_size = find, file_size
        self.by_key: dict[str, Storage] = {}

    def __call__(self, identity: tuple) -> Storage:
        """The storage of ("storage", type, key, location, count), or with None as sixth in the legacy format."""
        match identity:
            case ("storage", StorageType(dtype), str(key), str(), int(count), *rest) if rest in ([], [None]):
                storage = self.by_key.setdefault(key, Storage(key, dtype, count, self.find, self.file_size))
                if (storage.dtype, storage.count) == (dtype, count) and count >= 0:
                    return storage
            case ("storage", StorageType(), str(), str(), int(), tuple()):
                raise CheckpointError("it holds a storage that is a view of another, as PyTorch before 0.4 wrote: "
                                      "load and save it again with a newer PyTorch")
        raise damaged()


def read_zip(entries: Mapping[str, Entry], folder: str, file_size: int) -> object:
    """The object that torch.save was given, from the archive's one folder ("archive/"); tensors are StoredTensors."""
    if folder + "constants.pkl" in entries or any(name.startswith(folder + "code/") for name in entries):
        raise CheckpointError("it is a TorchScript archive, a program with its weights: save the state dict alone, "
                              "torch.save({'model': model.state_dict()}, ...)")

    def content(name: str) -> memoryview:
        if folder + name not in entries:
            raise CheckpointError(f"it has no entry {(folder + name)[:200]!r}: the file is damaged, get it again")
        return entries[folder + name].content(allow_deflated=False)

    if folder + "byteorder" in entries and bytes(content("byteorder")) != b"little":
        raise CheckpointError("it was written on a big-endian machine: load and save it on a little-endian one")
    storages = Storages(lambda key: content(f"data/{key}"), file_size)
    return PickleReader(content("data.pkl"), 0, NAMES, storages).load()


def read_legacy(buffer: memoryview) -> object:
    """The object that torch.save was given; each of its tensors is a StoredTensor.

    Five pickles (magic number, protocol, system, the object, the keys of the storages) come before the storages, each
    of which is its number of elements, 8 bytes, and the elements.
    """
    regions: dict[str, memoryview] = {}

    def find(key: str) -> memoryview:
        if key not in regions:
            raise CheckpointError("a tensor in it names a storage that it does not hold: "
                                  "the file is damaged, get it again")
        return regions[key]

    storages = Storages(find, len(buffer))
    reader = PickleReader(buffer, 0, NAMES, storages)
    reader.load()                                      # the magic number, by which the file was recognised
    if reader.load() != LEGACY_PROTOCOL:
        raise CheckpointError(f"it is not of PyTorch's legacy protocol {LEGACY_PROTOCOL}: "
                              "load and save it again with a newer PyTorch")
    match reader.load():
        case {"little_endian": False}:
            raise CheckpointError("it was written on a big-endian machine: load and save it on a little-endian one")
    tree, keys = reader.load(), reader.load()
    if not isinstance(keys, list):
        raise damaged()

    position = reader.position
    for key in keys:
        if not isinstance(key, str) or key not in storages.by_key or key in regions:
            raise damaged()
        storage = storages.by_key[key]
        start, position = position + 8, position + 8 + storage.count * ITEMSIZE[storage.dtype]
        if position > len(buffer):
            raise CheckpointError(f"it ends before its storages do, {position} bytes were expected and "
                                  f"{len(buffer)} are there: it was cut off, get it again")
        if struct.unpack_from("<q", buffer, start - 8)[0] != storage.count:
            raise damaged()
        regions[key] = buffer[start:position]
    return tree
