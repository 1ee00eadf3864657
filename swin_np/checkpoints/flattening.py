"""What a file holds as one table: every tensor, in whatever nesting of dicts and lists, under its path."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from swin_np.checkpoints.formats.placeholders import Placeholder
from swin_np.checkpoints.formats.pth import AnyTensor
from swin_np.checkpoints.formats.writing import LONGEST_NAME, is_name
from swin_np.checkpoints.notes import listing
from swin_np.errors import CheckpointError
from swin_np.functional import Array

HOLDER = "/"                                           # between a dict and what it holds: "state_dict/norm.weight"


class Tensors(Mapping[str, Array]):
    """Tensors by name; the bytes of one are looked at, and its bounds checked, when it is asked for."""

    def __init__(self, stored: Mapping[str, Array | AnyTensor]):
        self.stored = stored
        self.arrays: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self.arrays:
            value = self.stored[name]
            self.arrays[name] = value.array() if isinstance(value, AnyTensor) else value
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


def flatten(tree: object) -> tuple[dict[str, Array | AnyTensor], list[str]]:
    """(the tensors by path, the paths of the entries that hold none), in the order of the file.

    A dict that stands in two places counts once, in the first; what lies deeper than names can be long is passed over.
    CheckpointError if there is no tensor by name, or a name that is no printable text.
    """
    if isinstance(tree, Placeholder) and not tree:
        raise not_read([tree.name])
    if isinstance(tree, np.ndarray | AnyTensor) or not isinstance(tree, dict | list | tuple):
        kind = "tensor" if isinstance(tree, np.ndarray | AnyTensor) else type(tree).__name__
        raise CheckpointError(f"it holds a {kind}, and a dict of tensors by name was expected: save model.state_dict()")
    tensors: dict[str, Array | AnyTensor] = {}
    others: dict[str, object] = {}                     # entries without a tensor anywhere in them
    seen = {id(tree)}
    waiting: list[tuple[str, Iterator[tuple[object, object]]]] = [("", items_of(tree))]
    while waiting:
        holder, items = waiting[-1]
        key, value = next(items, (None, waiting))
        if value is waiting:                           # nothing is left in this one
            waiting.pop()
            continue
        path = holder + str(key)
        if isinstance(value, np.ndarray | AnyTensor):
            if path in tensors or not is_name(path):
                raise CheckpointError(f"it holds tensors called {listing([key])}, and names are short printable texts, "
                                      "each given once: rename them")
            tensors[path] = value
            for end in (found.start() for found in re.finditer(HOLDER, path)):
                others.pop(path[:end], None)
        elif len(path) <= LONGEST_NAME:
            others[path] = value
            if isinstance(value, dict | list | tuple) and id(value) not in seen:
                seen.add(id(value))
                waiting.append((path + HOLDER, items_of(value)))
    if not tensors and not isinstance(tree, dict):
        raise CheckpointError(f"it holds a {type(tree).__name__} without tensors, and a dict of tensors by name was "
                              "expected: save model.state_dict()")
    if not tensors:
        if unread := dict.fromkeys(value.name for value in others.values() if isinstance(value, Placeholder)):
            raise not_read(list(unread))
        raise CheckpointError(f"it holds no tensor by name, only {listing(list(top_level(others))) or 'nothing'}: "
                              "save model.state_dict()")
    return tensors, list(others)


def not_read(names: list[str]) -> CheckpointError:
    return CheckpointError(f"it holds no tensor by name, but objects of {listing(names)}, of which nothing is read, as "
                           "a pickle can run code: save model.state_dict()")


def items_of(value: dict | list | tuple) -> Iterator[tuple[object, object]]:
    return iter(value.items() if isinstance(value, dict) else enumerate(value))


def top_level(paths: Mapping[str, object] | list[str]) -> dict[str, None]:
    """The first names of paths, each once."""
    return dict.fromkeys(path.partition(HOLDER)[0] for path in paths)
