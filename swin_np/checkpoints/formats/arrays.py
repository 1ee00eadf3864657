"""Typed views of a file's bytes: each shape, offset and stride that a file states is checked before NumPy sees it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from swin_np.errors import CheckpointError
from swin_np.functional import Array

ITEMSIZE = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "bool": 1,
            "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1}
MAXIMUM_AXES = 32                                      # NumPy 1's own limit
LARGEST_SHAPE = 2**40                                  # elements; NumPy also counts the axes beside one of length 0
ALWAYS_REPEATED, MOST_REPEATED = 2**24, 4              # bytes; tensors over storages, below 2 where weights are tied


def element_count(shape: Sequence[object]) -> int:
    """The number of elements of a shape; CheckpointError unless it is a list of at most 32 integers from 0 on."""
    if len(shape) > MAXIMUM_AXES or any(type(length) is not int or length < 0 for length in shape):
        raise CheckpointError("it holds a tensor whose shape is no short list of lengths from 0 on: "
                              "the file is damaged, get it again")
    if math.prod(max(length, 1) for length in shape) > LARGEST_SHAPE:
        raise CheckpointError(f"it holds a tensor of more than {LARGEST_SHAPE} elements, as no file has: get the file "
                              "again, or save it without a tensor that was expanded")
    return math.prod(shape)


def flat_array(raw: memoryview, dtype: str) -> Array:
    """All of `raw`, little-endian elements of a dtype of ITEMSIZE, as a read-only array (count,).

    The array is a view of `raw`, but for two dtypes: bfloat16 is the upper half of a float32 and becomes one, exactly;
    of a bool, each byte but 0 is true.
    """
    if dtype == "bfloat16":
        wide = np.frombuffer(raw, "<u2").astype("<u4")
        wide <<= 16
        array = wide.view("<f4")
    elif dtype == "bool":
        array = np.frombuffer(raw, np.uint8) != 0
    else:
        array = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"))
    array.flags.writeable = False
    return array


def dense_array(raw: memoryview, dtype: str, order: str, shape: Sequence[int], fortran_order: bool = False) -> Array:
    """All of `raw`, elements of a dtype of ITEMSIZE, as a read-only array of this shape.

    order: of the bytes, ">" or any other for little-endian. A view of `raw`, but for the dtypes of `flat_array` and
    big-endian bytes. CheckpointError if there are more or fewer elements than the shape has.
    """
    if len(raw) != element_count(shape) * ITEMSIZE[dtype]:
        raise CheckpointError(f"it holds an array whose shape does not fit its {len(raw)} bytes: "
                              "the file is damaged, get it again")
    array = flat_array(raw, dtype)
    if order == ">":
        array = array.byteswap()
        array.flags.writeable = False
    return array.reshape(shape[::-1]).T if fortran_order else array.reshape(shape)


def strided_view(elements: Array, offset: int, shape: Sequence[int], stride: Sequence[int], file_size: int) -> Array:
    """The view of `elements` (count,) that starts at `offset`, with strides counted in elements; read-only.

    A tensor that was expanded has stride 0 along some axes, and more elements than its storage. Raises CheckpointError
    for a view that reaches out of `elements`, or that has more elements than they and more bytes than the file.
    """
    count = element_count(shape)
    if len(stride) != len(shape) or any(type(step) is not int or step < 0 for step in (*stride, offset)):
        raise CheckpointError("it holds a tensor whose offset and strides are no integers from 0 on, one per axis: "
                              "the file is damaged, get it again")
    if count == 0:
        return flat_array(memoryview(b""), elements.dtype.name).reshape(shape)
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    if last >= len(elements):
        raise CheckpointError(f"it holds a tensor that reads {count} elements up to number {last} of a storage of "
                              f"{len(elements)}: the file is damaged, get it again")
    if count > len(elements) and count * elements.itemsize > file_size:
        raise CheckpointError(f"it holds a tensor that repeats {len(elements)} stored elements to {count}, more than "
                              "the whole file holds: save it with contiguous()")
    steps = [step * elements.itemsize if length > 1 else elements.itemsize
             for length, step in zip(shape, stride, strict=True)]         # a step along an axis of length 1 is free
    return np.ndarray(shape, elements.dtype, elements, offset * elements.itemsize, steps)   # NumPy checks once more


def check_repetition(tensors: Mapping[str, Array]) -> None:
    """Raise CheckpointError for tensors that are together far larger than the storages that they view.

    A model converts its parameters to its dtype one by one, and would take that memory.
    """
    storages = {id(storage): storage.nbytes for storage in map(storage_of, tensors.values())}
    stored, seen = sum(storages.values()), sum(value.nbytes for value in tensors.values())
    if seen > max(ALWAYS_REPEATED, MOST_REPEATED * stored):
        raise CheckpointError(f"its tensors view {stored} bytes again and again, {seen} bytes in all: save the state "
                              "dict with a clone() of every tensor")


def storage_of(value: Array) -> Array:
    """The array that a view is a view of."""
    while isinstance(value.base, np.ndarray):
        value = value.base
    return value
