"""Solving: a scale, sign, transpose, roll, permutation or other weights that turn our numbers into the candidate's."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from swin_np.crosscheck.compare import difference
from swin_np.crosscheck.evidence import Evidence
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.crosscheck.values import clamped, unwritten
from swin_np.functional import Array

Check = Callable[[Array], bool]                        # whether an array is the candidate's, to rounding

AXES_IN_WORDS = {"B": "images", "H": "heads", "C": "channels", "D": "channels of a head", "Q": "queries", "K": "keys",
                 "I": "rows of windows", "J": "columns of windows", "M": "rows of a window", "N": "columns of a window",
                 "W": "columns of pixels", "T": "tokens", "Y": "displacements down", "X": "displacements across"}
PERMUTED = ("B", "H", "C", "D", "Q", "K", "T", "BIJ", "IJ", "IMJN", "MN", "HD")   # whose items are matched together
COPIED = ("B", "H", "BIJ", "IJ")                       # of which one may stand in the place of another
GROUPS_IN_WORDS = {"BIJ": "windows", "IJ": "windows", "IMJN": "tokens of the map", "MN": "tokens of a window",
                   "HD": "channels"}
PAIRS_IN_WORDS = {"IJ": "rows and columns of windows", "MN": "rows and columns of a window",
                  "QK": "queries and keys"}
MOST_MATCHED = 4096                                    # rows in a search for a permutation
LARGEST_FIT = 2**26                                    # elements in a least-squares problem


def solve(reference: Reference, evidence: Evidence, names: list[str]) -> Finding | None:
    """The finding for points of one kind that one plain transformation explains; None if none does."""
    name = names[0]
    sentence = solution(reference, evidence, name)
    if not sentence:
        return None
    modules = reference.modules_of(names)
    if "other weights" in sentence:
        return Finding("weights", modules[0], modules, "other weights", f"At {name} {sentence}.",
                       "Load the same checkpoint, and compare the loading name by name.")
    return Finding("solved", modules[0], modules, sentence.split(":")[0], f"At {name} {sentence}.",
                   "Look for the step in your code that does this, and undo it.")


def solution(reference: Reference, evidence: Evidence, name: str, plain: bool = False) -> str:
    """What was done to our array, in words; empty if nothing was found. plain: leave other weights out."""
    axes = reference.axes[name]
    theirs, ours = evidence.given[name].reshape(axes.shape), evidence.truth[name].reshape(axes.shape)
    if not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
        return ""

    def is_it(guess: Array) -> bool:
        return difference(theirs, guess, evidence.allowed[name], axes).agrees

    if not theirs.any():
        return "all values are 0: the result was never written, or was overwritten"
    for guess, sentence in (clamped(theirs, ours), unwritten(theirs, ours, axes)):
        if sentence and is_it(guess):
            return sentence
    explanations = (scaled, turned, rolled, permuted) if plain else (scaled, turned, rolled, permuted, channels_scaled)
    for explain in explanations:
        if sentence := explain(theirs, ours, list(axes.lengths), is_it):
            return sentence
    return "" if plain else other_linear(theirs, ours, evidence.allowed[name].typical)


def scaled(theirs: Array, ours: Array, letters: list[str], is_it: Check) -> str:
    """Everything multiplied by one number."""
    factor = float(np.vdot(ours, theirs) / np.vdot(ours, ours)) if ours.any() else 0.0
    if not factor or not is_it(factor * ours):
        return ""
    if abs(factor + 1) < 1e-3:
        return "the sign is wrong: everything is multiplied by -1"
    return f"the scale is wrong: everything is multiplied by {factor:.5g}"


def turned(theirs: Array, ours: Array, letters: list[str], is_it: Check) -> str:
    """Two axes exchanged, or one reversed."""
    for one, other in combinations(range(ours.ndim), 2):
        if ours.shape[one] == ours.shape[other] > 1 and is_it(ours.swapaxes(one, other)):
            pair = letters[one] + letters[other]
            return f"axes are exchanged: {PAIRS_IN_WORDS.get(pair, ' and '.join(AXES_IN_WORDS[c] for c in pair))}"
    if "I" in letters and "M" in letters and is_it(swap_windows_and_tokens(ours, letters)):
        return "axes are exchanged: rows and columns, of windows and inside them"
    for axis, letter in enumerate(letters):
        if ours.shape[axis] > 1 and is_it(np.flip(ours, axis)):
            return f"an axis is reversed: the {AXES_IN_WORDS[letter]} run from the last to the first"
    return ""


def swap_windows_and_tokens(x: Array, letters: list[str]) -> Array:
    """The map transposed, as far as its lengths allow; else x itself."""
    i, j, m, n = (letters.index(letter) for letter in "IJMN")
    if x.shape[i] != x.shape[j] or x.shape[m] != x.shape[n]:
        return x
    return x.swapaxes(i, j).swapaxes(m, n)


def rolled(theirs: Array, ours: Array, letters: list[str], is_it: Check) -> str:
    """A map rolled along its rows or columns."""
    if letters[1:5] != ["I", "M", "J", "N"]:
        return ""
    shape = (ours.shape[0], ours.shape[1] * ours.shape[2], ours.shape[3] * ours.shape[4], ours.shape[5])
    x, y = ours.reshape(shape), theirs.reshape(shape)
    spectrum = np.conj(np.fft.fft2(x, axes=(1, 2))) * np.fft.fft2(y, axes=(1, 2))
    correlation = np.fft.ifft2(spectrum, axes=(1, 2)).real.sum(axis=(0, 3))
    down, right = np.unravel_index(correlation.argmax(), correlation.shape)
    if not (down or right) or not is_it(np.roll(x, (down, right), axis=(1, 2)).reshape(ours.shape)):
        return ""
    down, right = (int(n - side if n > side // 2 else n) for n, side in zip((down, right), shape[1:3], strict=True))
    return f"the map is rolled: by {down} rows and {right} columns"


def permuted(theirs: Array, ours: Array, letters: list[str], is_it: Check) -> str:
    """The items along one axis, or the windows, or the channels over all heads, in another order, perhaps negated."""
    for group in (group for group in PERMUTED if set(group) <= set(letters)):
        places = [letters.index(letter) for letter in group]
        lengths = [ours.shape[place] for place in places]
        count = int(np.prod(lengths))
        if not 1 < count <= MOST_MATCHED:
            continue
        rows, others = (np.moveaxis(x, places, range(len(places))).reshape(count, -1) for x in (ours, theirs))
        order, signs = matching(rows, others)
        guess = (signs[:, None] * rows[order]).reshape(*lengths, *(n for k, n in enumerate(ours.shape)
                                                                     if k not in places))
        if is_it(np.moveaxis(guess, range(len(places)), places)):
            name = GROUPS_IN_WORDS.get(group) or AXES_IN_WORDS[group]
            if len(set(order.tolist())) < count:
                if group not in COPIED:
                    continue
                wrong = np.flatnonzero(order != np.arange(count)).tolist()
                pairs = ", ".join(f"number {n} is ours numbered {order[n]}" for n in wrong[:3])
                return (f"{len(wrong)} of the {count} {name} are copies of others: {pairs}"
                        + ", ..." * (len(wrong) > 3))
            negated = f", and {int((signs < 0).sum())} of them have the wrong sign" if (signs < 0).any() else ""
            if (order == np.arange(count)).all():
                return f"the sign is wrong: {int((signs < 0).sum())} of the {count} {name} are negated"
            first = ", ".join(map(str, order[:8].tolist())) + (", ..." if count > 8 else "")
            return f"the {name} are in another order: the candidate has ours numbered {first}{negated}"
    return ""


def matching(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """For every row of theirs (n, k) the row of ours that is most like it, and the sign of the likeness."""
    likeness = unit_rows(theirs) @ unit_rows(ours).T
    order = np.abs(likeness).argmax(axis=1)
    return order, np.where(likeness[np.arange(len(order)), order] < 0, -1.0, 1.0)


def unit_rows(x: Array) -> Array:
    """Every row divided by its length."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norms, norms, 1)


def channels_scaled(theirs: Array, ours: Array, letters: list[str], is_it: Check) -> str:
    """Every channel multiplied and displaced on its own, as by other weights of a norm."""
    if letters[-1] != "C":
        return ""
    x, y = ours.reshape(-1, ours.shape[-1]), theirs.reshape(-1, ours.shape[-1])
    if len(x) < 8:
        return ""
    centred = x - x.mean(axis=0)
    slope = (centred * y).sum(axis=0) / np.maximum((centred**2).sum(axis=0), np.finfo(np.float64).tiny)
    constant = (y - slope * x).mean(axis=0)
    if not is_it((slope * x + constant).reshape(ours.shape)):
        return ""
    if np.abs(constant).max() < 1e-3 * np.abs(y).max():
        return f"every channel has a scale of its own: from {slope.min():.4g} to {slope.max():.4g}"
    if np.abs(slope - 1).max() < 1e-2:
        return f"every channel is displaced: by {constant.min():.4g} to {constant.max():.4g}"
    return "every channel has another scale and offset: other weights of the norm before it, perhaps"


def other_linear(theirs: Array, ours: Array, typical: float) -> str:
    """Other weights of a linear layer: theirs is then still linear in what ours is made of."""
    x, y = ours.reshape(-1, ours.shape[-1]), theirs.reshape(-1, ours.shape[-1])
    if len(x) < 2 * x.shape[1] + 8 or x.size * x.shape[1] > LARGEST_FIT:
        return ""
    design = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    fitted = design @ np.linalg.lstsq(design, y, rcond=1e-9)[0]
    if root_mean_square(y - fitted) > 4 * typical:
        return ""
    return "the candidate is linear in our result: a linear layer with other weights gives it"
