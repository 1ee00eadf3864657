"""The catalogue of mistakes, and how to plant them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from swin_np.errors import ConfigurationError
from swin_np.mistakes import attention, block, images, layers, model, patches, windows
from swin_np.mistakes.mistake import Mistake

CATALOGUE: dict[str, Mistake] = {
    entry.name: entry for section in (images, patches, windows, attention, block, layers, model)
    for entry in vars(section).values() if isinstance(entry, Mistake)}
"""Every mistake by its name, in the order of the data's way through the model."""

GROWING: dict[str, Mistake] = {}                       # by the place of the function that it replaces


@contextmanager
def planted(*mistakes: Mistake) -> Iterator[None]:
    """Inside the `with` block the whole package computes with the mistakes, in every thread.

    Blocks can be nested. Raises ConfigurationError for two mistakes in the same function.

    >>> with planted(CATALOGUE["no-mask"], CATALOGUE["merge-unfold"]):
    ...     wrong = model(images)
    """
    replaced = []
    try:
        for mistake in mistakes:
            if mistake.replaces in GROWING:
                raise ConfigurationError(f"the mistakes {GROWING[mistake.replaces].name!r} and {mistake.name!r} both "
                                         f"change {mistake.replaces}: plant one of them, or two in different functions")
            replaced.append((mistake, put(mistake.replaces, mistake.wrong)))
            GROWING[mistake.replaces] = mistake
        forget()
        yield
    finally:
        for mistake, right in reversed(replaced):
            put(mistake.replaces, right)
            del GROWING[mistake.replaces]
        forget()


def find(place: str) -> tuple[ModuleType | type, str]:
    """The module or class that has the function at a dotted place, and the function's name in it."""
    *path, name = place.split(".")
    if path[-1][0].isupper():
        return getattr(import_module(".".join(path[:-1])), path[-1]), name
    return import_module(".".join(path)), name


def put(place: str, function: Callable) -> Callable:
    """Let `function` stand at a dotted place, and in every module that has imported what stands there; gives that."""
    owner, name = find(place)
    if name not in vars(owner):
        raise AttributeError(f"{place} does not exist")
    before = vars(owner)[name]
    for namespace in (owner, *modules()):
        for other_name, value in list(vars(namespace).items()):
            if value is before:
                setattr(namespace, other_name, function)
    return before


def forget() -> None:
    """Empty the caches of the package's functions: what is in them was computed by other functions than now."""
    for module in modules():
        for value in list(vars(module).values()):
            clear: Any = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()


def modules() -> list[ModuleType]:
    """All modules of this package that have been imported."""
    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "swin_np"]
