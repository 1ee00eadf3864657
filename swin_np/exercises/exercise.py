"""What an exercise is: the right function, what a student's function is compared on, and the result of that."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill, indent
from typing import Any

import numpy as np

Arguments = tuple[Any, ...]                            # arrays, numbers, and tuples, lists and dicts of them

RIGHT, WRONG, ERROR, NOT_IMPLEMENTED = "right", "wrong", "error", "not implemented yet"
WIDTH = 100                                            # characters of a report's line
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
    """One call that a student's function has to answer: how a report speaks of it, the arguments, and what is right.

    dtype: in which the function computes.
    """

    name: str
    arguments: Arguments
    expected: Any
    dtype: np.dtype


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found. exercise: its name. outcome: "right", "wrong", "error" or "not implemented yet".

    points: of `possible`. mistake: its name in the catalogue, or "". report: for the student.
    """

    exercise: str
    outcome: str
    points: int
    possible: int
    mistake: str
    report: str

    @classmethod
    def of(cls, exercise: Exercise, outcome: str, lines: list[str], mistake: str = "") -> "Result":
        """The result of an exercise: all its points, or none."""
        points = exercise.points if outcome == RIGHT else 0
        head = f"{exercise.name}: {outcome}, {points} of {exercise.points} point" + "s" * (exercise.points != 1)
        report = "\n".join([head, *(indent(line if "\n" in line else fill(line, WIDTH), "    ") for line in lines)])
        return cls(exercise.name, outcome, points, exercise.points, mistake, report)

    @property
    def passed(self) -> bool:
        """Whether the function is right."""
        return self.outcome == RIGHT

    def __repr__(self) -> str:
        return f"<{self.exercise}: {self.outcome}>"


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
