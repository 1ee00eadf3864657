"""What a function keeps from one call to the next: arrays that it gives again, and what its code can still reach."""

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Hashable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from swin_np.exercises.exercise import arrays
from swin_np.language import phrase

GIVEN: WeakKeyDictionary[Callable, tuple[list[np.ndarray], list[np.ndarray]]] = WeakKeyDictionary()
"""The arrays that a function gave last, and copies of them as they were then."""


FUNCTIONS = (types.FunctionType, functools._lru_cache_wrapper)
MOST_ITEMS = 100                                       # of a list that are looked at one by one


def overwritten(function: Callable, value: Any) -> bool:
    """Whether the arrays that the function gave last have changed since; keeps those of the value that it gives now."""
    changed = False
    with contextlib.suppress(TypeError):               # a callable that cannot be a key
        changed = any(one.shape != other.shape or one.tobytes() != other.tobytes()
                      for one, other in zip(*GIVEN.get(function, ((), ())), strict=True))
        found = [x for x in arrays(value) if not x.dtype.hasobject]
        GIVEN[function] = found, [x.copy() for x in found]
    return changed


def reached(function: Callable) -> Iterator[tuple[str, Any]]:
    """What the function's code can reach, by name: what it is defined with, and what it and its helpers name."""
    waiting, seen = [inspect.unwrap(function)], set()
    while waiting:
        inner = waiting.pop()
        if not isinstance(inner, types.FunctionType) or id(inner) in seen:
            continue                                   # a class, or a function of C
        seen.add(id(inner))
        names = {name for code in codes(inner.__code__) for name in code.co_names}
        found = [(name, inner.__globals__[name]) for name in sorted(names) if name in inner.__globals__]
        for name, cell in zip(inner.__code__.co_freevars, inner.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):      # an empty one
                found.append((name, cell.cell_contents))
        default = phrase("a default value of {function}", function=inner.__name__)
        found += [(default, value) for value in inner.__defaults__ or ()]
        found += [(f"{inner.__name__}.{name}", value) for name, value in vars(inner).items() if name != "__wrapped__"]
        yield from found
        waiting += [inspect.unwrap(value) for _, value in found if isinstance(value, FUNCTIONS)]


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function, and that of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def kept(function: Callable) -> dict[str, Hashable]:
    """How much is in what the function can reach: it keeps something where that is another after a call."""
    return {name: amount(value) for name, value in reached(function)}


def amount(value: Any) -> Hashable:
    """A number that changes when something is put into a container or a cache, or another value takes its place."""
    if isinstance(value, functools._lru_cache_wrapper):
        return value.cache_info().currsize
    if type(value) is list:
        return len(value), *map(id, value[:MOST_ITEMS])
    return len(value) if type(value) in (dict, set) else id(value)
