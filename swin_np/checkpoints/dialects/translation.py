"""State dicts from one dialect to another: by other names, and where an implementation stores a tensor otherwise."""

from collections.abc import Callable

import numpy as np

from swin_np.checkpoints.dialects.dialect import Dialect, State
from swin_np.checkpoints.notes import INCOMPLETE
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.model import SwinTransformer


def to_official(state: State, dialect: Dialect) -> State:
    """A state dict with this dialect's names, in official names and order of channels.

    A name that the dialect does not know stays as it is, so that loading can say that it was unexpected. Raises
    CheckpointError if only some of the parts of a parameter are there (a query without its key), or if
    two names mean the same parameter.
    """
    parts: dict[str, list[Array | None]] = {}
    for name, value in state.items():
        target, part, count = dialect.to_official(name) or (name, 0, 1)
        values = parts.setdefault(target, [None] * count)
        if len(values) != count or values[part] is not None:
            raise CheckpointError(f"{name} is there in two spellings: rename or remove one of the two")
        values[part] = value
    official: State = {}
    for name, values in parts.items():
        found = ["missing" if value is None else f"{value.dtype} {value.shape}" for value in values]
        if len(values) > 1 and (len(set(found)) > 1 or values[0].ndim == 0):
            raise CheckpointError(f"{', '.join(dialect.from_official(name))} must all be there and of one dtype and "
                                  f"shape, and they are {', '.join(found)}: {INCOMPLETE}")
        official[name] = values[0] if len(values) == 1 else np.concatenate(values)
    if dialect.fused_bias:
        official = split_biases(official)
    return reorder_merging(official, unfold_to_official) if dialect.unfold_merging else official


def from_official(state: State, dialect: Dialect) -> State:
    """The inverse of `to_official`; CheckpointError for parameters that the dialect has no place for."""
    homeless = [name for name in state if dialect.from_official(name) is None]
    if homeless:
        raise CheckpointError(f"the dialect {dialect.name} has no place for {', '.join(homeless)}: "
                              "build the model without them, or choose another dialect")
    if dialect.fused_bias:
        state = fuse_biases(state)
    result: State = {}
    for name, value in (reorder_merging(state, official_to_unfold) if dialect.unfold_merging else state).items():
        names = dialect.from_official(name)
        result.update(zip(names, np.split(value, len(names)), strict=True))
    return result


def derived_buffers(model: SwinTransformer, dialect: Dialect) -> State:
    """The derived buffers that this dialect stores, in official names and in the dialect's shape."""
    return {name: value.ravel() if dialect.flat_index and name.endswith("relative_position_index") else value
            for name, value in model.derived_buffers().items() if name.endswith(dialect.buffers)}


def reorder_merging(state: State, function: Callable[[Array], Array]) -> State:
    """The state with `function` applied to the last axis, 4C, of what patch merging has."""
    for name, value in state.items():
        if ".downsample." in name and (not value.ndim or value.shape[-1] % 4):
            raise CheckpointError(f"{name} has shape {value.shape}, and its last axis must be a multiple of 4: "
                                  "the file is damaged, get it again")
    return {name: function(value) if ".downsample." in name else value for name, value in state.items()}


def unfold_to_official(value: Array) -> Array:
    """Re-order the last axis, 4C, from (C, row, column), as Unfold gathers, to `patch_merging`'s (column, row, C)."""
    *outer, inner = value.shape
    return np.moveaxis(value.reshape(*outer, inner // 4, 2, 2), -3, -1).swapaxes(-2, -3).reshape(value.shape)


def official_to_unfold(value: Array) -> Array:
    """The inverse of `unfold_to_official`."""
    *outer, inner = value.shape
    return np.moveaxis(value.reshape(*outer, 2, 2, inner // 4), -1, -3).swapaxes(-1, -2).reshape(value.shape)


def split_biases(state: State) -> State:
    """The state with q_bias and v_bias, (C,) each, in the place of every qkv.bias (3C,); the keys' third is dropped."""
    result: State = {}
    for name, value in state.items():
        if not name.endswith("attn.qkv.bias"):
            result[name] = value
            continue
        of_queries, of_values = (name.replace("qkv.bias", bias) for bias in ("q_bias", "v_bias"))
        if value.ndim != 1 or value.size % 3 or of_queries in state or of_values in state:
            raise CheckpointError(f"{name} has shape {value.shape}, and three biases of one length were expected that "
                                  "nothing else repeats: the file is damaged, get it again")
        result[of_queries], _, result[of_values] = np.split(value, 3)
    return result


def fuse_biases(state: State) -> State:
    """The inverse of `split_biases`; the keys' third is 0."""
    result = {name: value for name, value in state.items() if not name.endswith(("attn.q_bias", "attn.v_bias"))}
    for name, value in state.items():
        if name.endswith("attn.q_bias"):
            of_values = state[name.replace("q_bias", "v_bias")]
            result[name.replace("q_bias", "qkv.bias")] = np.concatenate([value, np.zeros_like(value), of_values])
    return result
