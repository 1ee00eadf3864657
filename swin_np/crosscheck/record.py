"""Looking inside a forward pass, and replacing what is found there: `trace` and `edit`.

Both know each module by its official name and each step inside an attention by a name behind it.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from swin_np.arguments.checks import instance, shown
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.crosscheck.configurations import stated
from swin_np.errors import InputError, ShapeError
from swin_np.functional import Array
from swin_np.layers import Module, editing, names_of_modules, recording, step_name
from swin_np.parallel.pool import uncut


class Trace(dict[str, Array]):
    """Arrays by name, in the order in which they were computed.

    A module's output has the module's name, `layers.0.blocks.1.attn`, and the whole model's is called `output`; of
    several maps each has its number behind the name, `fpn.0`. Steps inside an attention come behind its name:
    `windows` (B nW, M, M, C) after the partition; `q`, `k`, `v` (B nW, heads, M^2, d); `scores`, `scores_with_bias`,
    `scores_with_mask` (only where something is masked) and `probabilities` (B nW, heads, M^2, M^2); `reversed`
    (B, H, W, C) and `rolled_back` (B, H, W, C) without padding.
    """

    def __init__(self, model: Module, pattern: str):
        super().__init__()
        self.model, self.pattern = model, pattern
        self.names = names_of_modules(model)

    def record(self, module: Module | None, step: str, value: Array | list[Array]) -> None:
        """Keep a copy of what a module of this model shows, if its name fits the pattern."""
        if id(module) in self.names:
            name = step_name(self.names[id(module)], step)
            values = {f"{name}.{i}": item for i, item in enumerate(value)} if isinstance(value, list) else {name: value}
            self.update({key: np.array(item) for key, item in values.items() if fnmatchcase(key, self.pattern)})

    def save(self, path: str | Path) -> None:
        """Write the arrays to a .npz file, with the model's configuration as JSON in its entry `meta`.

        Raises InputError if it cannot be written; an older file then stays.
        """
        config = getattr(self.model, "config", None)
        write_npz(path, dict(self), {} if config is None else {"config": json.dumps(stated(config))})


def check_place(model: Module, pattern: str) -> None:
    """Raise InputError for what is no model and no pattern of names."""
    instance("model", model, Module)
    instance("pattern", pattern, str)


@contextlib.contextmanager
def trace(model: Module, pattern: str = "*") -> Iterator[Trace]:
    """Record what `model` computes inside the `with` block, in this thread or task; of several calls the last.

    pattern: which names to keep, as in a shell: "layers.0.*", "*.attn.scores", "*.blocks.?". It looks and changes
    nothing; what an `edit` around it or inside it replaces is recorded as replaced.

    >>> with swin_np.trace(model) as activations:
    ...     logits = model(images)
    >>> activations["layers.0.blocks.1.attn.probabilities"].shape
    (64, 3, 49, 49)
    """
    check_place(model, pattern)
    activations = Trace(model, pattern)
    with recording(activations.record), uncut():
        yield activations


@contextlib.contextmanager
def edit(model: Module, pattern: str, change: Callable[[Array], Array]) -> Iterator[None]:
    """Inside the `with` block `model` goes on with change(value) wherever a name that `trace` gives fits the pattern.

    change is given a copy and gives an array of the same shape and dtype. Edits inside each other are made one after
    the other, the outer first. Raises ShapeError or InputError for another shape or dtype, and InputError at the end
    of the block if no name fitted.

    >>> def without_head_2(probabilities):             # (B nW, heads, M^2, M^2)
    ...     probabilities[:, 2] = 0
    ...     return probabilities
    >>> with swin_np.edit(model, "layers.0.blocks.1.attn.probabilities", without_head_2):
    ...     logits = model(images)
    """
    check_place(model, pattern)
    if not callable(change):
        raise InputError(f"change {shown(change)} was given, expected a function of an array: give one")
    names, fitted = names_of_modules(model), []

    def changed(name: str, value: Array) -> Array:
        if not fnmatchcase(name, pattern):
            return value
        fitted.append(name)
        result = change(value.copy())
        if not isinstance(result, np.ndarray) or result.dtype != value.dtype:
            given = f"an array of {result.dtype}" if isinstance(result, np.ndarray) else f"a {type(result).__name__}"
            raise InputError(f"the edit of {name} gave {given}, expected one of {value.dtype}: give the changed array")
        if result.shape != value.shape:
            raise ShapeError(f"the edit of {name} gave shape {result.shape}, expected {value.shape}: keep the shape")
        return result.copy()                           # later steps write to it

    def change_step(module: Module | None, step: str, value: Array | list[Array]) -> Array | list[Array]:
        if id(module) not in names:
            return value
        name = step_name(names[id(module)], step)
        if isinstance(value, list):
            return [changed(f"{name}.{i}", item) for i, item in enumerate(value)]
        return changed(name, value)

    with editing(change_step), uncut():
        yield
    if not fitted:
        raise InputError(f"no step that was computed fits {pattern!r}: give a name that swin_np.trace gives, and call "
                         "the model inside the block")
