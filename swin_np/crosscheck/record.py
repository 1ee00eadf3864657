"""A trace: the output of every module by its official name, and the steps inside each attention, of a forward pass."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from swin_np.checkpoints.formats.npz import write_npz
from swin_np.functional import Array
from swin_np.layers import Module, recording
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
        self.names = {id(module): name for name, module in model.named_modules()}

    def record(self, module: Module, step: str, value: Array | list[Array]) -> None:
        """Keep a copy of what a module of this model shows, if its name fits the pattern."""
        if id(module) in self.names:
            name = ".".join(filter(None, (self.names[id(module)], step))) or "output"
            values = {f"{name}.{i}": item for i, item in enumerate(value)} if isinstance(value, list) else {name: value}
            self.update({key: np.array(item) for key, item in values.items() if fnmatchcase(key, self.pattern)})

    def save(self, path: str | Path) -> None:
        """Write the arrays to a .npz file, with the model's configuration as JSON in its entry `meta`.

        Raises CheckpointError if it cannot be written; an older file then stays.
        """
        config = getattr(self.model, "config", None)
        write_npz(path, dict(self), {} if config is None else {"config": json.dumps(asdict(config))})


@contextlib.contextmanager
def trace(model: Module, pattern: str = "*") -> Iterator[Trace]:
    """Record what `model` computes inside the `with` block, in this thread or task; of several calls the last.

    pattern: which names to keep, as in a shell: "layers.0.*", "*.attn.scores", "*.blocks.?".

    >>> with swin_np.trace(model) as activations:
    ...     logits = model(images)
    >>> activations["layers.0.blocks.1.attn.probabilities"].shape
    (64, 3, 49, 49)
    """
    activations = Trace(model, pattern)
    with recording(activations.record), uncut():
        yield activations
