"""The right answers: those of the source notebooks, and others in different styles."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from notebooks.exercises.generate import sources
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.submission import asked_for, code_cells, defined_by
from tests.exercises import other_styles


@cache
def solutions() -> dict[str, Callable]:
    """The function of every exercise as its source notebook has it."""
    found = {}
    for path in sources():
        namespace, problems = defined_by(path)
        assert not problems, problems
        found.update({name: namespace[name] for name in asked_for(path)})
    return found


@cache
def solution_cells() -> dict[str, tuple[str, dict]]:
    """The text of every exercise's solution cell, and all that its notebook defines."""
    cells = {}
    for path in sources():
        namespace, _ = defined_by(path)
        cells.update({notes["grade_id"]: (text, namespace)
                      for text, notes in code_cells(path) if notes.get("solution")})
    return cells


def in_other_styles() -> dict[str, list[Callable]]:
    """Right answers that are written quite differently, by exercise; their names are `softmax_by_loops` and so on."""
    found: dict[str, list[Callable]] = {name: [] for name in EXERCISES}
    for module in iter_modules(other_styles.__path__):
        for name, function in vars(import_module(f"{other_styles.__name__}.{module.name}")).items():
            exercise = name.rpartition("_by_")[0]
            if exercise in found:
                found[exercise].append(function)
    return found
