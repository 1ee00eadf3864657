"""NumPy's functions as they were at first: a notebook that replaces one would change every other function."""

import builtins
import math
from types import ModuleType
from typing import Any

import numpy as np

from swin_np.language import phrase

ORDINARY = ("abs", "all", "any", "divmod", "enumerate", "float", "int", "isinstance", "len", "list", "map", "max",
            "min", "pow", "range", "reversed", "round", "slice", "sorted", "sum", "tuple", "type", "zip")
"""Python's own functions that exercises use; a notebook replaces others, such as `print`, for itself."""


def public(module: ModuleType) -> list[str]:
    """The names in a module that are for its users, other modules left out."""
    return [name for name, value in vars(module).items()
            if not name.startswith("_") and not isinstance(value, ModuleType)]


ORIGINAL: dict[tuple[str, str], tuple[ModuleType, Any]] = {
    (spoken, name): (module, getattr(module, name))
    for spoken, module, names in (("np", np, public(np)), ("np.linalg", np.linalg, public(np.linalg)),
                                  ("np.random", np.random, public(np.random)), ("math", math, public(math)),
                                  ("builtins", builtins, ORDINARY))
    for name in names}
"""What each name stood for when the exercises were imported."""


def restored() -> list[str]:
    """Put back what was replaced since; its names, such as "np.exp"."""
    found = []
    for (spoken, name), (module, value) in ORIGINAL.items():
        if vars(module).get(name) is not value:
            setattr(module, name, value)
            found.append(f"{spoken}.{name}")
    return found


def sentence(names: list[str], who: str) -> str:
    """What to say of replaced functions. who: replaced them."""
    return phrase("{who} replaces {names}, which all other code uses too: give your own function another name (for the "
                  "check {names} is the original again)" if len(names) == 1 else
                  "{who} replaces {names}, which all other code uses too: give your own function another name (for the "
                  "check {names} are the originals again)", who=who, names=phrase(", ").join(names))
