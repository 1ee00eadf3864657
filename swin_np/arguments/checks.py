"""The checks of single arguments: sizes, numbers, and arrays that are written to or added."""

from collections.abc import Callable, Iterable
from inspect import Parameter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from swin_np.errors import InputError, ShapeError

Array = NDArray[Any]
Kind = TypeVar("Kind")
Check = Callable[[str, Any], object]                   # (name, value) -> the value as it is to arrive
Size = int | tuple[int, int]                            # one number stands for (height, width), see `pair`

NUMBERS = "biufc"                                      # kinds of dtype that are numbers
LARGEST_SIZE = 2**31 - 1                               # of a side; products of three still fit an index of 64 bits
LARGEST_COUNT = 2**63 - 1
SMALLEST_EPS, LARGEST_EPS = 1e-37, 1e30                # float32 holds both
MOST_ELEMENTS = 2**30                                  # of an array that sizes alone ask for: 4 GiB of float32


def shown(value: object) -> str:
    """A value as it stands in the sentence of an error: on one line, and short."""
    if isinstance(value, np.ndarray):
        return f"a {type(value).__name__} {value.shape} of {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:                                  # such as of integers with more digits than Python prints
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def whole(value: object, least: int = 0, most: int = LARGEST_COUNT) -> int:
    """A whole number as a Python int, which does not overflow; ValueError for all else, True and False included."""
    if type(value) is not int:
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise ValueError("not a whole number")
        value = int(value)
    if not least <= value <= most:
        raise ValueError("out of range")
    return value


def real(value: object) -> float:
    """A real number as a Python float, which changes no array's dtype; ValueError for all else."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise ValueError("not a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("out of range") from None


def pair(size: Size) -> tuple[int, int]:
    """A (height, width) pair; one number stands for both, as in PyTorch.

    Raises ShapeError for anything but a whole number or two.
    """
    try:
        height, width = size if isinstance(size, tuple | list | np.ndarray) else (size, size)
        return whole(height, -LARGEST_SIZE, LARGEST_SIZE), whole(width, -LARGEST_SIZE, LARGEST_SIZE)
    except (TypeError, ValueError):
        raise ShapeError(f"the size {shown(size)} was given, expected a whole number or a pair (height, width) of them "
                         f"up to {LARGEST_SIZE}: give one of these") from None


def check_elements(what: str, *sides: int) -> None:
    """Raise ShapeError for sizes that ask for an array which no computer should be asked for."""
    count = 1
    for side in sides:
        count *= side
    if count > MOST_ELEMENTS:
        raise ShapeError(f"{what} would have {' x '.join(map(str, sides))} elements, expected at most "
                         f"{MOST_ELEMENTS}: give smaller sizes")


def check_out(x: Array, out: Array | None) -> None:
    """Raise ShapeError for an `out` that cannot take the result of x, element by element."""
    if out is None:
        return
    if not out.flags.c_contiguous:
        raise ShapeError("out is not contiguous: give an array that is, or none")
    if out.shape != x.shape or not out.flags.writeable:
        raise ShapeError(f"out has shape {out.shape} and is {'' if out.flags.writeable else 'not '}writeable, expected "
                         f"{x.shape} and writeable: give such an array, or none")
    itself = out is x or (out.ctypes.data == x.ctypes.data and out.strides == x.strides)
    if not itself and np.may_share_memory(x, out):
        raise ShapeError("out overlaps the input without being it: give x itself, an array of its own, or none")


def can_be_spread(shape: tuple[int, ...], over: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be spread (broadcast) over the other shape, which stays as it is."""
    return len(shape) <= len(over) and all(
        side in (1, other) for side, other in zip(shape[::-1], over[::-1], strict=False))


def check_spread(scores: Array, **added: Array | None) -> None:
    """Raise ShapeError unless each array can be added to the scores without changing their shape."""
    for name, x in added.items():
        if x is not None and not (x.size and can_be_spread(x.shape, scores.shape)):
            raise ShapeError(f"{name} has shape {x.shape}, the scores {scores.shape}: give one that is as long or 1 on "
                             "every axis")


def check_eps(eps: float) -> None:
    """Raise InputError for what would be no small addition to a variance."""
    if eps != 0 and not SMALLEST_EPS <= eps <= LARGEST_EPS:
        raise InputError(f"eps {eps} was given, expected 0 or a number from {SMALLEST_EPS} to {LARGEST_EPS}: give a "
                         "small one, 1e-5")


def allows_none(hint: object) -> bool:
    """Whether None is one of the things that a type hint allows."""
    return NoneType in get_args(hint)


def check_of(hint: object) -> Check | None:
    """What checks an argument by its type hint, and gives it as it is to arrive; None for hints that tell nothing."""
    kinds = [kind for kind in (get_args(hint) if get_origin(hint) in (Union, UnionType) else [hint])
             if kind is not NoneType]
    if tuple[int, int] in kinds:
        return lambda name, value: pair(value)
    kind = kinds[0] if len(kinds) == 1 else None
    if (known := CHECKS.get(kind)) is not None:
        return known
    kind = get_origin(kind) or kind
    if kind is Iterable:
        return items
    if not isinstance(kind, type) or kind in (Any, Parameter.empty, np.ndarray):
        return None
    expected = kind
    return lambda name, value: instance(name, value, expected)


def instance(name: str, value: object, kind: type[Kind]) -> Kind:
    """The value, if it is a `kind`; InputError if not."""
    if not isinstance(value, kind):
        raise InputError(f"{name} {shown(value)} was given, expected a {kind.__name__}: give one")
    return value


def count(name: str, value: object) -> int:
    """A number of things, from 0 on; ShapeError for all else."""
    try:
        return whole(value)
    except ValueError:
        raise ShapeError(f"{name} {shown(value)} was given, expected a whole number from 0 on: give one") from None


def counts(name: str, value: object) -> tuple[int, ...]:
    """A tuple of numbers from 0 on, such as a shape; ShapeError for all else."""
    if not isinstance(value, tuple | list):
        raise ShapeError(f"{name} {shown(value)} was given, expected a tuple of whole numbers: give one")
    return tuple(count(name, item) for item in value)


def items(name: str, value: Iterable[Any]) -> list[Any]:
    """The items of something that has some, as a list; InputError for all else."""
    try:
        return list(value)
    except TypeError:
        raise InputError(f"{name} {shown(value)} was given, expected several of them: give a list") from None


def number(name: str, value: object) -> float:
    """A real number; InputError for all else."""
    try:
        return real(value)
    except ValueError:
        raise InputError(f"{name} {shown(value)} was given, expected a number: give one") from None


def switch(name: str, value: object) -> bool:
    """True or False; InputError for all else."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} {shown(value)} was given, expected True or False: give one of them")
    return bool(value)


def number_type(name: str, value: Any) -> type:
    """A dtype of numbers; InputError for all else."""
    try:
        if value is not None and np.dtype(value).kind in NUMBERS:
            return cast(type, value)
    except Exception:                                  # np.dtype raises whatever it stumbles over
        pass
    raise InputError(f"{name} {shown(value)} was given, expected a dtype of numbers: give np.float32 or np.float64")


CHECKS: dict[object, Check] = {int: count, float: number, bool: switch, type: number_type, tuple[int, ...]: counts}
"""What checks an argument, by its type hint."""
