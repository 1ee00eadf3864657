"""The catalogue of mistakes, and how to plant them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType

from swin_np.errors import ConfigurationError
from swin_np.layers import Module
from swin_np.mistakes import (
    attention,
    baselines,
    beside_swin,
    block,
    complexity,
    images,
    layers,
    model,
    patches,
    predictions,
    relative_position,
    systems,
    windows,
)
from swin_np.mistakes.mistake import NOWHERE, Mistake
from swin_np.model import SwinTransformer

SECTIONS = (images, patches, windows, relative_position, attention, block, layers, model, complexity, baselines,
            beside_swin, predictions)
ENTRIES = [entry for section in SECTIONS for entry in vars(section).values() if isinstance(entry, Mistake)]

CATALOGUE = {entry.name: entry for entry in ENTRIES if entry.modules != NOWHERE}
"""Every mistake of a whole model by its name, in the order of the data's way through it."""

IN_EXERCISES = {entry.name: entry for entry in ENTRIES if entry.modules == NOWHERE}
"""Further mistakes, which only show where one function is written on its own or where the model is no Swin."""

OF_SYSTEMS = {entry.name: entry for entry in systems.entries(*systems.OTHERS)
              if entry.name not in CATALOGUE and entry.name not in IN_EXERCISES}
"""Those of other systems, which exercises have parts of."""

WITHOUT_NUMBERS = ("swin_np.mistakes", "swin_np.checkpoints", "swin_np.crosscheck",    # their caches hold names only
                   "swin_np.language")                 # and texts
GROWING: dict[str, Mistake] = {}                       # by the place of the function that it replaces


def catalogue_for(model: Module) -> dict[str, Mistake]:
    """The mistakes that can be made in a model of this architecture, by name; of a Swin Transformer CATALOGUE itself.

    Of a dense model those of its backbone too, and of a model without a catalogue those with images.
    """
    if type(model) is SwinTransformer:
        return CATALOGUE
    return {entry.name: entry for entry in systems.mistakes_of(model)}


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
    for namespace, other_name in bindings(place, len(sys.modules)):
        if vars(namespace).get(other_name) is before:
            setattr(namespace, other_name, function)
    return before


@cache
def bindings(place: str, imported: int) -> list[tuple[ModuleType | type, str]]:
    """Where the function at a dotted place is bound: (module or class, name). imported: modules, of any package."""
    owner, name = find(place)
    function = vars(owner)[name]
    return [(namespace, other_name) for namespace in (owner, *modules())
            for other_name, value in list(vars(namespace).items()) if value is function]


def forget() -> None:
    """Empty the caches of the package's functions: what is in them was computed by other functions than now."""
    for clear in cache_clearers(len(sys.modules)):
        clear()


@lru_cache(maxsize=1)
def cache_clearers(imported: int) -> list[Callable[[], None]]:
    """What empties each cache of the package. imported: modules, of any package."""
    values = {id(value): value for module in modules() for value in list(vars(module).values())
              if hasattr(value, "cache_clear") and not value.__module__.startswith(WITHOUT_NUMBERS)}
    return [value.cache_clear for value in values.values()]


def modules() -> list[ModuleType]:
    """All modules of this package that have been imported."""
    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "swin_np"]
