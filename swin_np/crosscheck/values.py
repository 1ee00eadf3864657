"""Values that are ours but for a part: clamped to a range, or a part of the map that was never written."""

import numpy as np

from swin_np.crosscheck.layouts import Axes
from swin_np.functional import Array

FEW = 4                                                # equal values at an end of the range say that it is one
MOST = 0.7                                             # of the tokens may be missing


def clamped(theirs: Array, ours: Array) -> tuple[Array, str]:
    """(our values within the candidate's range, what was done in words), or (ours, "") if that changes nothing."""
    low, high = float(theirs.min()), float(theirs.max())
    ends = [(theirs == low).sum() >= FEW and (ours < low).any(), (theirs == high).sum() >= FEW and (ours > high).any()]
    if not any(ends):
        return ours, ""
    low, high = low if ends[0] else -np.inf, high if ends[1] else np.inf
    limits = (f"to {low:.4g}..{high:.4g}" if all(ends) else f"from below at {low:.4g}" if ends[0]
              else f"from above at {high:.4g}")
    outside = (ours < low) | (ours > high)
    return np.clip(ours, low, high), (f"the values are clamped {limits}: {100 * outside.mean():.2g} % of them lie "
                                      "outside that range")


def unwritten(theirs: Array, ours: Array, axes: Axes) -> tuple[Array, str]:
    """(our values with one constant where the candidate has it over whole tokens, in words), or (ours, "")."""
    letters = list(axes.lengths)
    last = tuple(i for i, letter in enumerate(letters) if letter not in "BIJMNQ")
    if not last or "I" not in letters:
        return ours, ""
    flat = (theirs == theirs.flat[find_constant(theirs, last)]).all(axis=last, keepdims=True)
    if not 0 < flat.mean() < MOST:
        return ours, ""
    constant = float(theirs[np.broadcast_to(flat, theirs.shape)].flat[0])
    return np.where(flat, constant, ours), (
        f"{int(flat.sum())} of {flat.size} tokens are {constant:g}{place(flat, letters)}: that part was never written, "
        "or was overwritten")


def find_constant(x: Array, last: tuple[int, ...]) -> int:
    """The place of a value in a token all of whose values are equal; 0 if there is none."""
    constant = np.broadcast_to((x == x.max(axis=last, keepdims=True)).all(axis=last, keepdims=True), x.shape)
    return int(constant.argmax())


def place(flat: Array, letters: list[str]) -> str:
    """In words, the rectangle of the map on which the tokens lie; nothing if it is none."""
    if letters[1:5] != ["I", "M", "J", "N"]:
        return ""
    where = flat.reshape(flat.shape[0], flat.shape[1] * flat.shape[2], -1).any(axis=0)
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    if not where[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].all():
        return ""
    return f" (rows {rows[0]}-{rows[-1]}, columns {columns[0]}-{columns[-1]} of the map)"
