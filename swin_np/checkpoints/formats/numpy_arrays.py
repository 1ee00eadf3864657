"""NumPy's scalars, dtypes and arrays as pickle writes them: arrays of numbers as views of the file, checked."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from swin_np.checkpoints.formats.arrays import ITEMSIZE, dense_array
from swin_np.checkpoints.formats.placeholders import SHORT, Constructor, Placeholder, Stateful, damaged
from swin_np.errors import CheckpointError
from swin_np.functional import Array

CODES = {np.dtype(name).str[1:]: name for name in ITEMSIZE if name != "bfloat16"}       # "f4": "float32"


@dataclass
class NumpyDtype(Stateful):
    """A NumPy dtype on its way: its code, "f4" or any other, and the byte order that comes as its state."""

    code: str
    order: str = "<"

    def set_state(self, state: object) -> None:
        match state:
            case (int(), "<" | ">" | "|" | "=" as order, *_):
                self.order = order
            case _:
                raise damaged()

    @property
    def is_numeric(self) -> bool:
        """Whether it is of the plain numbers that are read."""
        return self.code in CODES


@dataclass(eq=False)
class StoredArray(Stateful):
    """A NumPy array as the pickle describes it: made empty, then given a state."""

    shape: tuple = ()
    dtype: NumpyDtype | Placeholder | None = None
    raw: object = None
    fortran_order: bool = False

    def set_state(self, state: object) -> None:
        match state:
            case (int(), tuple(shape), NumpyDtype() | Placeholder() as dtype, bool(fortran_order), raw):
                self.shape, self.dtype, self.raw, self.fortran_order = shape, dtype, raw, fortran_order
            case _:
                raise damaged()

    @property
    def is_numeric(self) -> bool:
        """Whether it is an array of plain numbers, and no placeholder is wanted."""
        return not (isinstance(self.dtype, Placeholder) or (isinstance(self.dtype, NumpyDtype)
                                                            and not self.dtype.is_numeric))

    def array(self) -> Array:
        """The array, read-only; its bytes are looked at, and its shape checked, only now."""
        return self.checked

    @cached_property
    def checked(self) -> Array:                        # made once, however many names it has
        if not isinstance(self.dtype, NumpyDtype) or not self.dtype.is_numeric:
            raise CheckpointError("it holds a NumPy array without its numbers: the file is damaged, get it again")
        return dense_array(bytes_of(self.raw), CODES[self.dtype.code], self.dtype.order, self.shape,
                           self.fortran_order)


def bytes_of(raw: object) -> memoryview:
    """Bytes, also where Python 2 wrote them as a str, and they happen to be text."""
    if isinstance(raw, str) and len(raw) <= SHORT:
        raw = raw.encode("utf-8", "surrogatepass")
    if not isinstance(raw, bytes | memoryview):
        raise damaged()
    return memoryview(raw)


def numpy_dtype(arguments: tuple) -> NumpyDtype:
    match arguments:
        case (str(code), *_):
            return NumpyDtype(code)
        case (_, *_):                                  # of a class that is not known
            return NumpyDtype("")
    raise damaged()


def numpy_scalar(arguments: tuple) -> float | int | bool | Placeholder:
    """A number of NumPy's as Python's."""
    match arguments:
        case (NumpyDtype(is_numeric=False) | Placeholder(), *_):
            return Placeholder("a NumPy scalar that is no number")
        case (NumpyDtype(code, order), raw):
            return dense_array(bytes_of(raw), CODES[code], order, ()).item()
    raise damaged()


def empty_array(arguments: tuple) -> StoredArray | Placeholder:
    """_reconstruct(class, shape, type): the array that gets its state next."""
    match arguments:
        case ("numpy.ndarray", *_):
            return StoredArray()
        case (Placeholder(name=str(name)), *_):        # a masked array, a matrix, ...
            return Placeholder(name)
    raise damaged()


def array_of_bytes(arguments: tuple) -> StoredArray:
    """_frombuffer(bytes, dtype, shape, order): the array of protocol 5."""
    match arguments:
        case (raw, NumpyDtype() | Placeholder() as dtype, tuple(shape), "C" | "F" as order):
            return StoredArray(shape, dtype, raw, order == "F")
    raise damaged()


NUMPY_NAMES = {
    "numpy.dtype": Constructor(numpy_dtype), "numpy.ndarray": "numpy.ndarray",
    **{f"numpy.{core}.multiarray.scalar": Constructor(numpy_scalar) for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray._reconstruct": Constructor(empty_array) for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": Constructor(array_of_bytes) for core in ("core", "_core")},
}
