"""PyTorch's storages, tensors and parameters as pickle writes them: a closed list of names, and strided views."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import UnionType

from swin_np.checkpoints.formats.arrays import ITEMSIZE, flat_array, strided_view
from swin_np.checkpoints.formats.pickles import PLAIN_NAMES
from swin_np.checkpoints.formats.placeholders import Constructor, Placeholder, Stateful
from swin_np.errors import CheckpointError
from swin_np.functional import Array

STORAGE_DTYPES = {"torch.DoubleStorage": "float64", "torch.FloatStorage": "float32", "torch.HalfStorage": "float16",
                  "torch.BFloat16Storage": "bfloat16", "torch.LongStorage": "int64", "torch.IntStorage": "int32",
                  "torch.ShortStorage": "int16", "torch.CharStorage": "int8", "torch.ByteStorage": "uint8",
                  "torch.BoolStorage": "bool"}
UNREAD_STORAGES = {"torch.ComplexFloatStorage": 8, "torch.ComplexDoubleStorage": 16, "torch.QInt8Storage": 1,
                   "torch.QUInt8Storage": 1, "torch.QInt32Storage": 4, "torch.storage.UntypedStorage": 1}
"""Bytes of an element of what no model here has: complex, quantised, float8, ...; a tensor of it is a placeholder."""


def refused(description: object) -> CheckpointError:
    """The error for a tensor that is made of something unknown, or of arguments that make none."""
    for part in description if isinstance(description, tuple) else ():
        if isinstance(part, Placeholder):
            return CheckpointError(f"it holds a tensor made of {part.name!r}, and only PyTorch's own of plain floats, "
                                   "integers and bool are read: convert it, or save the state dict without it")
    return CheckpointError("a tensor in it is not described as torch.save does: the file is damaged, get it again")


@dataclass(frozen=True)
class StorageType:
    """The type of a storage, torch.FloatStorage and the like; dtype: of ITEMSIZE, or the name of one that is unread."""

    dtype: str
    itemsize: int                                      # bytes


@dataclass
class Storage:
    """A run of `count` elements that one or more tensors view; `find` gives its bytes when they are asked for."""

    key: str
    kind: StorageType
    count: int
    find: Callable[[str], memoryview]
    file_size: int                                     # bytes

    @cached_property
    def elements(self) -> Array:                       # (count,), made once, however many tensors share it
        raw = self.find(self.key)
        if len(raw) != self.count * self.kind.itemsize:
            raise CheckpointError(f"a storage of {self.count} {self.kind.dtype} elements has {len(raw)} bytes: "
                                  "the file is damaged, get it again")
        return flat_array(raw, self.kind.dtype)


class UnreadTensor(Placeholder):
    """Stands for a tensor over one of UNREAD_STORAGES."""

    __slots__ = ()


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
            case (Storage(kind=StorageType(dtype)), _, _, _) if dtype in ITEMSIZE:       # of a tensor
                self.tensor = rebuild_tensor(state)
            case (StoredTensor() | OldTensor() as data, _, _, _, _):      # of a variable, with its gradient and hooks
                self.tensor = data if isinstance(data, StoredTensor) else data.tensor
            case (_, _, _) if self.tensor:             # of a parameter that has its data: whether it has a gradient
                pass
            case _:
                raise refused(state)

    def array(self) -> Array:
        if self.tensor is None:
            raise refused(None)
        return self.tensor.array()


def rebuild_tensor(arguments: tuple) -> StoredTensor | UnreadTensor:
    match arguments:
        case (Storage(kind=StorageType(dtype)), *_) if dtype in UNREAD_STORAGES:
            return UnreadTensor(f"a tensor of {dtype}")
        case (Storage() as storage, int(offset), tuple(shape), tuple(stride), *_):
            return StoredTensor(storage, offset, shape, stride)
    raise refused(arguments)


REBUILD = Constructor(rebuild_tensor)


def with_attributes(arguments: tuple) -> StoredTensor | UnreadTensor:
    """A tensor that has attributes: (how it is made, its class, the arguments for that, the attributes)."""
    match arguments:
        case (made, "torch.Tensor", tuple(inner), *_) if made is REBUILD:
            return rebuild_tensor(inner)
    raise refused(arguments)


def only_first(kind: type | UnionType) -> Constructor:
    """What stands for its first argument alone: an nn.Parameter for its tensor, a device for its name."""
    def build(arguments: tuple) -> object:
        if not arguments or not isinstance(arguments[0], kind):
            raise refused(arguments)
        return arguments[0]
    return Constructor(build)


def old_tensor(arguments: tuple) -> OldTensor | UnreadTensor:
    """torch.FloatTensor(storage, offset, shape, stride), nn.Parameter(tensor, ...), or either without arguments."""
    match arguments:
        case ():
            return OldTensor(None)
        case (UnreadTensor() as tensor, *_):
            return tensor
        case (Storage(), *_):
            return OldTensor(rebuild_tensor(arguments))
        case (StoredTensor() as tensor, *_) | (OldTensor(tensor), *_):
            return OldTensor(tensor)
    raise refused(arguments)


NAMES = {
    **PLAIN_NAMES,
    **{name: StorageType(dtype, ITEMSIZE[dtype]) for name, dtype in STORAGE_DTYPES.items()},
    **{name: StorageType(name, itemsize) for name, itemsize in UNREAD_STORAGES.items()},
    **{f"torch.{dtype}": f"torch.{dtype}" for dtype in ITEMSIZE},         # a dtype as a value, in an optimizer's state
    "torch.Tensor": "torch.Tensor",
    "torch._utils._rebuild_tensor": REBUILD,
    "torch._utils._rebuild_tensor_v2": REBUILD,
    "torch._tensor._rebuild_from_type_v2": Constructor(with_attributes),
    "torch._utils._rebuild_parameter": only_first(StoredTensor | OldTensor | UnreadTensor),
    "torch._utils._rebuild_parameter_with_state": only_first(StoredTensor | OldTensor | UnreadTensor),
    "torch.nn.parameter.Parameter": Constructor(old_tensor),
    **{name.replace("Storage", "Tensor"): Constructor(old_tensor) for name in STORAGE_DTYPES},
    "torch.Size": only_first(tuple),
    "torch.device": only_first(str),
}


class Storages:
    """What persistent ids ask for: storages, each made once, and classes of modules."""

    def __init__(self, find: Callable[[str], memoryview], file_size: int):
        self.find, self.file_size = find, file_size
        self.by_key: dict[str, Storage] = {}

    def __call__(self, identity: tuple) -> Storage | Placeholder:
        """The storage of ("storage", type, key, location, count), or with None as sixth in the legacy format.

        There a class is ("module", class, its file, its source).
        """
        match identity:
            case ("storage", StorageType() as kind, str(key), str(), int(count), *rest) if rest in ([], [None]):
                storage = self.by_key.setdefault(key, Storage(key, kind, count, self.find, self.file_size))
                if (storage.kind, storage.count) == (kind, count) and count >= 0:
                    return storage
            case ("module", Placeholder() as module, _, _):
                return module
            case ("storage", StorageType(), str(), str(), int(), tuple()):
                raise CheckpointError("it holds a storage that is a view of another, as PyTorch before 0.4 wrote: "
                                      "load and save it again with a newer PyTorch")
        raise refused(identity)
