"""A cause: a change of one module that may give the candidate's numbers, with what to tell whoever made it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from swin_np.layers import Module

Put = Callable[[Module], AbstractContextManager[None]]


@dataclass(frozen=True)
class Cause:
    """What may have been done otherwise.

    kind: a short name, the same for the same change in other modules. module: where it lies, by official name. says:
    what was done; fix: what to do. put: a context in which a model of this configuration computes so.
    """

    kind: str
    module: str
    says: str
    fix: str
    put: Put


def module_at(model: Module, name: str) -> Module:
    """The module of an official name."""
    return dict(model.named_modules())[name]


@contextmanager
def replaced(module: Module, **values: object) -> Iterator[None]:
    """Inside the `with` block the module has these attributes, parameters or methods."""
    before = {name: vars(module)[name] for name in values if name in vars(module)}
    vars(module).update(values)
    try:
        yield
    finally:
        for name in values:
            del vars(module)[name]
        vars(module).update(before)
