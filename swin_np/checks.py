"""The door of every public function: what does not fit is refused by name, before anything is computed from it."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, NoReturn, Union, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from swin_np.errors import InputError, ShapeError

Array = NDArray[Any]
Size = int | tuple[int, int]                            # one number stands for (height, width), see `pair`

FLOATING = (np.dtype(np.float32), np.dtype(np.float64))
NUMBERS = "biufc"                                      # kinds of dtype that can be moved about without a change
LARGEST_SIZE = 2**31 - 1                               # of a side; products of three still fit an index of 64 bits
LARGEST_COUNT = 2**63 - 1
LARGEST_EPS = 1e30                                     # float32 holds it
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
    if out is None or out is x:
        return
    if out.shape != x.shape or not out.flags.writeable:
        raise ShapeError(f"out has shape {out.shape} and is {'' if out.flags.writeable else 'not '}writeable, expected "
                         f"{x.shape} and writeable: give such an array, or none")
    same = out.ctypes.data == x.ctypes.data and out.strides == x.strides
    if not same and np.may_share_memory(x, out):
        raise ShapeError("out overlaps the input without being it: give x itself, an array of its own, or none")


def check_spread(scores: Array, **added: Array | None) -> None:
    """Raise ShapeError unless each array can be added to the scores without changing their shape."""
    for name, x in added.items():
        if x is not None and not (x.size and can_be_spread(x.shape, scores.shape)):
            raise ShapeError(f"{name} has shape {x.shape}, the scores {scores.shape}: give one that is as long or 1 on "
                             "every axis")


def check_eps(eps: float) -> None:
    """Raise InputError for what would be no small addition to a variance."""
    if not 0 <= eps <= LARGEST_EPS:
        raise InputError(f"eps {eps} was given, expected a number from 0 to {LARGEST_EPS}: give a small one, 1e-5")


def takes(**shapes: str) -> Callable[[Callable], Callable]:
    """Let a function that computes take only float32 or float64 arrays of these shapes, all of one dtype.

    A shape names its axes, "B H W C": axes of one name are equally long, and none is empty. "..." stands for any axes,
    in arrays after the first for such as can be spread over those of the first; "n?" is as long as n or 1; "any" is any
    shape. An array called mask may have the other dtype. What is no array is checked by its type hint: a Size arrives
    as a pair, a number as Python's, and None only where the hint has it. Nothing is converted that could lose a digit.

    A list is no array, and neither are a masked array, whose mask would be lost, and a matrix, whose product is another;
    any other kind of ndarray counts as its numbers. What overflows is infinite or NaN, without a warning.

    Raises InputError for what is no array of such a dtype, ShapeError for a shape or a size that does not fit.
    """
    return lambda function: door(function, shapes, FLOATING)


def moves(**shapes: str) -> Callable[[Callable], Callable]:
    """The same for a function that only moves elements: numbers of any dtype will do."""
    return lambda function: door(function, shapes, None)


def door(function: Callable, shapes: dict[str, str], dtypes: tuple[np.dtype, ...] | None) -> Callable:
    """The function behind checks of its arguments, see `takes`; its cache, if it has one, can still be cleared."""
    parameters = signature(function).parameters
    names, says = list(parameters), ", ".join(f"{name} ({', '.join(text.split())})" for name, text in shapes.items())
    optional = {name for name, parameter in parameters.items() if allows_none(parameter.annotation)}
    arrays = [(name, name in optional, *axes_of(text)) for name, text in shapes.items()]
    others = [(name, name in optional, check) for name, parameter in parameters.items()
              if name not in shapes and (check := check_of(parameter.annotation)) is not None]

    @wraps(function)
    def checked(*args, **named):
        given = dict(zip(names, args, strict=False))
        if named:
            given.update(named)
        if len(given) != len(args) + len(named):
            return function(*args, **named)            # raises Python's own TypeError
        dtype, lead, lengths = None, None, {}
        for name, may_be_none, spread, axes, or_one in arrays:
            x = given.get(name)
            if x is None and (may_be_none or name not in given):
                continue
            if (type(x) is not np.ndarray and not counts_as_its_numbers(x)) or (
                    x.dtype not in dtypes if dtypes else x.dtype.kind not in NUMBERS):
                refuse_array(function.__name__, name, x, dtypes)
            if dtype is None:
                dtype = x.dtype
            elif x.dtype is not dtype and x.dtype != dtype and name != "mask" and dtypes:
                refuse_dtypes(function.__name__, {n: given[n] for n in shapes if n != "mask" and n in given})
            if axes is None:
                continue
            shape = x.shape
            before = len(shape) - len(axes)
            fits = (before >= 0 if spread else before == 0) and 0 not in shape[before:]
            if before and fits:
                lead = shape[:before] if lead is None else lead
                fits = can_be_spread(shape[:before], lead)
            for axis, length in zip(axes, shape[before:], strict=False) if fits else ():
                if lengths.setdefault(axis, length) != length and not (length == 1 and axis in or_one):
                    fits = False
            if not fits:
                refuse_shapes(function.__name__, {n: given[n] for n in shapes if n in given}, says)
        for name, may_be_none, check in others:
            if name in given and not (may_be_none and given[name] is None):
                given[name] = check(name, given[name])
        if dtypes is None or dtype is None:
            return function(**given)
        with np.errstate(all="ignore"):
            return function(**given)

    if hasattr(function, "cache_clear"):
        checked.cache_clear = function.cache_clear
    return checked


def counts_as_its_numbers(x: object) -> bool:
    """Whether x is an array of which nothing but the numbers matters."""
    return isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray | np.matrix)


def axes_of(text: str) -> tuple[bool, list[str] | None, list[str]]:
    """Whether other axes may come first; the names of the axes, None for "any" shape; and those that may be 1."""
    names = text.split()
    spread = names[0] == "..."
    axes = [name.rstrip("?") for name in names[spread:]]
    return spread, None if text == "any" else axes, [name[:-1] for name in names if name.endswith("?")]


def can_be_spread(shape: tuple[int, ...], over: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be spread (broadcast) over the other shape, which stays as it is."""
    return len(shape) <= len(over) and all(
        side in (1, other) for side, other in zip(shape[::-1], over[::-1], strict=False))


def refuse_array(function: str, name: str, x: object, dtypes: tuple[np.dtype, ...] | None) -> NoReturn:
    """Raise InputError for what is no plain array, or has another dtype."""
    expected = f"an array of {' or '.join(map(str, dtypes)) if dtypes else 'numbers'}"
    if isinstance(x, np.ma.MaskedArray):
        todo = f"give {name}.filled(value), since the mask would be lost"
    elif isinstance(x, np.matrix):
        todo = f"give np.asarray({name})"
    elif isinstance(x, np.ndarray) and x.dtype.kind in NUMBERS:
        todo = f"convert it, {name}.astype(np.float32)"
    else:
        todo = "make one with np.array"
    raise InputError(f"{function} was given {shown(x)} as {name}, expected {expected}: {todo}")


def refuse_dtypes(function: str, arrays: dict[str, Array]) -> NoReturn:
    """Raise InputError for arrays of different dtypes, or for one that is no array at all."""
    for name, x in arrays.items():
        if x is not None and not isinstance(x, np.ndarray):
            refuse_array(function, name, x, FLOATING)
    given = ", ".join(f"{name} {x.dtype}" for name, x in arrays.items() if x is not None)
    raise InputError(f"{function} was given {given}, expected one dtype: convert them with astype")


def refuse_shapes(function: str, arrays: dict[str, object], says: str) -> NoReturn:
    """Raise ShapeError for arrays that do not fit each other."""
    given = ", ".join(f"{name} {np.shape(x)}" for name, x in arrays.items() if isinstance(x, np.ndarray))
    raise ShapeError(f"{function} was given {given}, expected {says}: give arrays that are not empty and in which axes "
                     "of one name are equally long")


def allows_none(hint: object) -> bool:
    """Whether None is one of the things that a type hint allows."""
    return NoneType in get_args(hint)


def check_of(hint: object) -> Callable[[str, object], object] | None:
    """What checks an argument by its type hint, and gives it as it is to arrive; None for hints that tell nothing."""
    kinds = [kind for kind in (get_args(hint) if get_origin(hint) in (Union, UnionType) else [hint])
             if kind is not NoneType]
    if tuple[int, int] in kinds:
        return lambda name, value: pair(value)
    kind = kinds[0] if len(kinds) == 1 else None
    if kind in CHECKS:
        return CHECKS[kind]
    kind = get_origin(kind) or kind
    if not isinstance(kind, type) or kind is Parameter.empty or kind is np.ndarray:
        return None
    return lambda name, value: instance(name, value, kind)


def instance(name: str, value: object, kind: type) -> object:
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


def number(name: str, value: object) -> float:
    """A real number; InputError for all else."""
    try:
        return real(value)
    except ValueError:
        raise InputError(f"{name} {shown(value)} was given, expected a number: give one") from None


def switch(name: str, value: object) -> bool:
    """True or False; InputError for all else."""
    return bool(instance(name, value, bool | np.bool_)) if not isinstance(value, np.bool_) else bool(value)


def number_type(name: str, value: object) -> type:
    """A dtype of numbers; InputError for all else."""
    try:
        if value is not None and np.dtype(value).kind in NUMBERS:
            return value
    except Exception:                                  # np.dtype raises whatever it stumbles over
        pass
    raise InputError(f"{name} {shown(value)} was given, expected a dtype of numbers: give np.float32 or np.float64")


CHECKS = {int: count, float: number, bool: switch, type: number_type, tuple[int, ...]: counts}
"""What checks an argument, by its type hint."""
