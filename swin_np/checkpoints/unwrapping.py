"""From what a file holds to the state dict in it: wrapping dicts opened, prefixes removed, the rest set aside."""

import re

import numpy as np

from swin_np.checkpoints.formats.placeholders import Placeholder
from swin_np.checkpoints.formats.pth import AnyTensor
from swin_np.checkpoints.formats.writing import is_name
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.errors import CheckpointError
from swin_np.functional import Array

WRAPPERS = ("model", "state_dict", "model_ema", "state_dict_ema")         # the first that is there is taken
HEADS = ("decode_head.classifier.", "fpn.inner_blocks.")                 # of dense models that are read whole
OF_MMPRETRAIN = re.compile(r"stages\.0\.blocks\.0\.ffn\.|layer1\.0\.conv1\.").match             # Swin, ResNet
DEEPEST = 3                                            # wrappers inside wrappers


def unwrap(tree: object) -> tuple[dict[str, Array | AnyTensor], list[str]]:
    """(the flat state dict, one sentence for each thing that was unwrapped or set aside).

    CheckpointError if there is no tensor at the end, or a name that is no printable text.
    """
    said: list[str] = []
    for _ in range(DEEPEST):
        wrapper = next((name for name in WRAPPERS if isinstance(tree, dict) and isinstance(tree.get(name), dict)), None)
        if wrapper is None:
            break
        said.append(f"took the entry '{wrapper}'")
        if others := [name for name in tree if name != wrapper]:
            said.append(f"left aside {listing(others)}")
        tree = tree[wrapper]
    if isinstance(tree, Placeholder) and not tree:
        raise CheckpointError(f"it holds an object of {tree.name!r}, of which nothing is read, as a pickle can run "
                              "code: save model.state_dict()")
    if not isinstance(tree, dict):
        raise CheckpointError(f"it holds a {type(tree).__name__}, and a dict of tensors by name was expected: "
                              "save model.state_dict()")

    state = {name: value for name, value in tree.items() if isinstance(value, np.ndarray | AnyTensor)}
    if not state and (unread := [value.name for value in tree.values() if isinstance(value, Placeholder)]):
        raise CheckpointError(f"it holds no tensor by name, but objects of {listing(unread)}, of which nothing is "
                              "read, as a pickle can run code: save model.state_dict()")
    if not state:
        raise CheckpointError(f"it holds no tensor by name, only {listing(list(tree)) or 'nothing'}: "
                              f"save model.state_dict(), or that under one of {', '.join(WRAPPERS)}")
    if len(state) < len(tree):
        said.append(f"left aside {listing([name for name in tree if name not in state])}, not a tensor")
    if wrong := [name for name in state if not is_name(name)]:
        raise CheckpointError(f"it holds tensors called {listing(wrong)}, and names are short printable texts: "
                              "rename them")
    return remove_prefixes(state, said), said


def remove_prefixes(state: dict[str, Array | AnyTensor], said: list[str]) -> dict[str, Array | AnyTensor]:
    """Without `module.` (of DataParallel) where all names have it; of a detector, what is under `backbone.` alone.

    A dense model whose head is known here too stays whole, and mmpretrain's classifier keeps its head.
    """
    if all(name.startswith("module.") and name != "module." for name in state):
        said.append("removed the prefix 'module.'")
        state = {name.removeprefix("module."): value for name, value in state.items()}
    backbone = {name.removeprefix("backbone."): value for name, value in state.items()
                if name.startswith("backbone.") and name != "backbone."}
    if not backbone or any(name.startswith(HEADS) for name in state):
        return state
    said.append("removed the prefix 'backbone.'")
    others = {name: value for name, value in state.items() if not name.startswith("backbone.")}
    if others and all(name.startswith("head.fc.") for name in others) and any(map(OF_MMPRETRAIN, backbone)):
        return backbone | others
    if others:
        said.append(Assumption(f"left aside {listing(list(others))}, not in the backbone"))
    return backbone
