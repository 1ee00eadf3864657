"""The door of every public function: what does not fit is refused by name, before anything is computed from it."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from typing import Any, NoReturn, TypeVar, cast

import numpy as np

from swin_np.arguments.checks import NUMBERS, allows_none, can_be_spread, check_of, shown
from swin_np.errors import InputError, ShapeError

INSIDE = ContextVar("INSIDE", default=False)            # whether a whole model is computing
MOST_PASSED = 10_000                                   # shapes that a function remembers
FLOATING = (np.dtype(np.float32), np.dtype(np.float64))

Function = TypeVar("Function", bound=Callable[..., Any])
Dtypes = tuple[np.dtype[Any], ...]


def as_model(entrance: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """What an entrance of a whole model gives, without NumPy's warnings.

    The images are checked there, so inside only weights are checked again, which somebody may have changed.
    """
    token = INSIDE.set(True)
    try:
        with np.errstate(all="ignore"):
            return entrance(*args, **named)
    finally:
        INSIDE.reset(token)


def takes(**shapes: str) -> Callable[[Function], Function]:
    """Let a function that computes take only float32 or float64 arrays of these shapes, all of one dtype.

    A shape names its axes, "B H W C": axes of one name are equally long, and none is empty. "..." stands for any axes,
    in arrays after the first for such as can be spread over those of the first; "n?" is as long as n or 1; "any" is any
    shape. An array called mask may have the other dtype. What is no array is checked by its type hint: a Size arrives
    as a pair, a number as Python's, and None only where the hint has it. Nothing is converted that could lose a digit.

    A list is no array here, nor is a masked array, whose mask would be lost, nor a matrix, whose product is another;
    any other kind of ndarray counts as its numbers. What overflows is infinite or NaN, without a warning.

    Raises InputError for what is no array of such a dtype, ShapeError for a shape or a size that does not fit.
    """
    return lambda function: door(function, shapes, FLOATING)


def moves(**shapes: str) -> Callable[[Function], Function]:
    """The same for a function that only moves elements: numbers of any dtype will do."""
    return lambda function: door(function, shapes, None)


def door(function: Function, shapes: dict[str, str], dtypes: Dtypes | None) -> Function:
    """The function behind checks of its arguments, see `takes`; its cache, if it has one, can still be cleared."""
    parameters = signature(function).parameters
    places = {name: place for place, name in enumerate(parameters)}
    optional = {name for name, parameter in parameters.items() if allows_none(parameter.annotation)}
    arrays = [(places[name], name, name in optional, *axes_of(text)) for name, text in shapes.items()]
    others = [(places[name], name, name in optional, check) for name, parameter in parameters.items()
              if name not in shapes and (check := check_of(parameter.annotation)) is not None]
    has_weights = "weight" in shapes
    first = min((place for place, *_ in arrays), default=0)
    passed: set[object] = set()                        # classes, dtypes and shapes that need no second look

    def check_arrays(given: dict[str, Any]) -> None:
        dtype, lead = None, None
        lengths: dict[str, int] = {}
        for _, name, may_be_none, spread, axes, or_one in arrays:
            if name not in given or (given[name] is None and may_be_none):
                continue
            x = given[name]
            if not counts_as_its_numbers(x) or (x.dtype not in dtypes if dtypes else x.dtype.kind not in NUMBERS):
                refuse_array(function.__name__, name, x, dtypes)
            dtype = x.dtype if dtype is None else dtype
            if dtypes and x.dtype != dtype and name != "mask":
                refuse_dtypes(function.__name__, given, shapes)
            if axes is None:
                continue
            before = x.ndim - len(axes)
            fits = (before >= 0 if spread else before == 0) and 0 not in x.shape[before:]
            if before and fits:
                lead = x.shape[:before] if lead is None else lead
                fits = can_be_spread(x.shape[:before], lead)
            for axis, length in zip(axes, x.shape[before:], strict=True) if fits else ():
                if lengths.setdefault(axis, length) != length and not (length == 1 and axis in or_one):
                    fits = False
            if not fits:
                refuse_shapes(function.__name__, given, shapes)

    @wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        inside = INSIDE.get()
        if inside and not has_weights:
            return function(*args, **named)
        try:
            seen = tuple([x if x is None else (type(x), x.dtype, x.shape) for x in args[first:first + len(arrays)]])
            known = seen in passed and not named
        except (AttributeError, TypeError):            # what is no array
            seen, known = None, False
        if not known:
            check_arrays({**dict(zip(places, args, strict=False)), **named})
            if not named and seen is not None and len(passed) < MOST_PASSED:
                passed.add(seen)
        if others:
            placed = list(args)
            for place, name, may_be_none, check in others:
                if place < len(placed):
                    if not (may_be_none and placed[place] is None):
                        placed[place] = check(name, placed[place])
                elif name in named and not (may_be_none and named[name] is None):
                    named[name] = check(name, named[name])
            args = tuple(placed)
        if inside or dtypes is None or not arrays:
            return function(*args, **named)
        with np.errstate(all="ignore"):
            return function(*args, **named)

    if hasattr(function, "cache_clear"):
        checked.cache_clear = function.cache_clear     # type: ignore[attr-defined]
    return cast(Function, checked)


def counts_as_its_numbers(x: object) -> bool:
    """Whether x is an array of which nothing but the numbers matters."""
    return isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray | np.matrix)


def axes_of(text: str) -> tuple[bool, list[str] | None, list[str]]:
    """Whether other axes may come first; the names of the axes, None for "any" shape; and those that may be 1."""
    names = text.split()
    spread = names[0] == "..."
    axes = [name.rstrip("?") for name in names[spread:]]
    return spread, None if text == "any" else axes, [name[:-1] for name in names if name.endswith("?")]


def refuse_array(function: str, name: str, x: object, dtypes: Dtypes | None) -> NoReturn:
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


def refuse_dtypes(function: str, given: dict[str, Any], shapes: dict[str, str]) -> NoReturn:
    """Raise InputError for arrays of different dtypes, or for one that is no array at all."""
    arrays = {name: given[name] for name in shapes if name != "mask" and given.get(name) is not None}
    for name, x in arrays.items():
        if not counts_as_its_numbers(x):
            refuse_array(function, name, x, FLOATING)
    dtypes = ", ".join(f"{name} {x.dtype}" for name, x in arrays.items())
    raise InputError(f"{function} was given {dtypes}, expected one dtype: convert them with astype")


def refuse_shapes(function: str, given: dict[str, Any], shapes: dict[str, str]) -> NoReturn:
    """Raise ShapeError for arrays that do not fit each other."""
    arrays = ", ".join(f"{name} {np.shape(given[name])}" for name in shapes if isinstance(given.get(name), np.ndarray))
    expected = ", ".join(f"{name} ({', '.join(text.split())})" for name, text in shapes.items())
    raise ShapeError(f"{function} was given {arrays}, expected {expected}: give arrays that are not empty and in which "
                     "axes of one name are equally long")
