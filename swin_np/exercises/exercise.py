"""What an exercise is: the right function, and what a student's function is compared on."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swin_np.language import phrase

Arguments = tuple[Any, ...]                            # arrays, numbers, and tuples, lists and dicts of them

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, repr=False)
class Exercise:
    """One function that a student writes.

    name: of the function. title: for a table. place: where the paper has it. points: for a right one. minutes: about
    how long it takes. reference: the right function; it calls the library, so that planted mistakes reach it.
    toy: makes the arguments of the worked example, small enough to be printed.
    draw: makes random arguments (floating point as float64), sizes drawn too, with H != W and a batch.
    covers: what the draws of every seed contain, taken together, in words and as a condition on them.
    mistakes: those of the catalogue that can be made here, by name.
    golden: makes arguments and a result that was not computed by this library. seconds: for one call.
    question: whether it asks for one answer, without arguments, that no report may show; the reference gives it sealed.
    axes: names of the result's axes. helpers: the exercises whose functions a notebook has for this one to call.
    inside: what the right function computes on its way, by name, where its reference does not show it by itself.
    unseen: modules of the reference whose results no student's function has.
    planted: the mistake of a port in which it is to be found: where that shows, no report says.
    """

    name: str
    title: str
    place: str
    points: int
    minutes: int
    reference: Callable
    toy: Callable[[], Arguments]
    draw: Callable[[np.random.Generator], Arguments]
    covers: dict[str, Callable[[Sequence[Arguments]], bool]]
    mistakes: tuple[str, ...]
    golden: Callable[[], tuple[Arguments, Any]] | None = None
    seconds: float = 5.0
    question: bool = False
    axes: str = ""
    helpers: tuple[str, ...] = ()
    inside: Callable[..., dict[str, np.ndarray]] | None = None
    unseen: tuple[str, ...] = ()
    planted: str = ""

    def __repr__(self) -> str:
        return f"<exercise {self.name}>"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's parameters."""
        return tuple(inspect.signature(self.reference).parameters)


def exercise(title: str, **fields: Any) -> Callable[[Callable], Exercise]:
    """Make the reference below an Exercise of its name. fields: the other ones of Exercise."""
    return lambda reference: Exercise(reference.__name__, title, reference=reference, **fields)


@dataclass(frozen=True)
class Step:
    """One call that a student's function has to answer: its name, the arguments, and what is right.

    dtype: in which the function computes. number: of `count` calls whose name has these fields.
    """

    name: str
    arguments: Arguments
    expected: Any
    dtype: np.dtype
    number: int = 1
    count: int = 1

    @property
    def said(self) -> str:
        """How a report speaks of it."""
        return phrase(self.name, number=self.number, count=self.count)

    @property
    def is_random(self) -> bool:
        """Whether its sizes are random."""
        return self.name.startswith("random")


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


def official(prefix: str) -> dict[str, np.ndarray]:
    """Golden values: arrays of a small model's first stage, as the official code has run it, see data/README.md.

    Those whose names begin with `prefix`, by the rest of the name, as float64:
    "layers.0.blocks.1." gives the parameters of a block; "output/" every module's output as a map (B, h, w, C).
    """
    with np.load(DATA / "official_first_stage.npz") as stored:
        return {name.removeprefix(prefix): stored[name].astype(np.float64) for name in stored.files
                if name.startswith(prefix)}


def of_other_systems(name: str) -> dict[str, np.ndarray]:
    """Golden values that PyTorch and timm have computed, see data/README.md, by the part of their names behind it."""
    with np.load(DATA / "other_systems.npz") as stored:
        return {key.removeprefix(f"{name}/"): stored[key].astype(np.float64) for key in stored.files
                if key.startswith(f"{name}/")}
