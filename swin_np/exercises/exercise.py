"""What an exercise is: the right function, and the arguments with which a student's function is compared with it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arguments = tuple[Any, ...]                            # arrays, numbers, and tuples, lists and dicts of them


@dataclass(frozen=True, repr=False)
class Exercise:
    """One function that a student writes.

    name: of the function. title: for a table. place: where the paper has it. points: for a right one. minutes: about
    how long it takes. reference: the right function; it calls the library, so that planted mistakes reach it.
    toy: makes the arguments of the worked example, small enough to be printed.
    draw: makes random arguments (floating point as float64), sizes drawn too, with H != W and a batch.
    mistakes: those of the catalogue that can be made here, by name.
    golden: makes arguments and a result that was not computed by this library. seconds: for one call.
    """

    name: str
    title: str
    place: str
    points: int
    minutes: int
    reference: Callable
    toy: Callable[[], Arguments]
    draw: Callable[[np.random.Generator], Arguments]
    mistakes: tuple[str, ...]
    golden: Callable[[], tuple[Arguments, Any]] | None = None
    seconds: float = 5.0

    def __repr__(self) -> str:
        return f"<exercise {self.name}>"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's parameters."""
        return tuple(inspect.signature(self.reference).parameters)


def exercise(title: str, *, place: str, points: int, minutes: int, toy: Callable[[], Arguments],
             draw: Callable[[np.random.Generator], Arguments], mistakes: tuple[str, ...],
             golden: Callable[[], tuple[Arguments, Any]] | None = None,
             seconds: float = 5.0) -> Callable[[Callable], Exercise]:
    """Make the reference below an Exercise of its name."""
    def name_it(reference: Callable) -> Exercise:
        return Exercise(reference.__name__, title, place, points, minutes, reference, toy, draw, mistakes, golden,
                        seconds)
    return name_it


def each_array(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """The same arguments with every array in them changed; tuples, lists and dicts are new."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)(each_array(item, change) for item in value)
    if isinstance(value, dict):
        return {key: each_array(item, change) for key, item in value.items()}
    return value


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays in the arguments, in their order."""
    found: list[np.ndarray] = []
    each_array(value, found.append)
    return found


def copied(arguments: Arguments) -> Arguments:
    """Arguments that a function may do with what it likes."""
    return each_array(arguments, np.array)


def cast(arguments: Arguments, dtype: type) -> Arguments:
    """The arguments with every array of floating-point numbers in `dtype`."""
    return each_array(arguments, lambda x: x.astype(dtype) if x.dtype.kind == "f" else x.copy())
