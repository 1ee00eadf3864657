"""Where two results differ: which images, tokens, windows, heads and channels."""

from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.layouts import Axes
from swin_np.functional import Array


@dataclass(frozen=True)
class Where:
    """How many differ, as (number, of how many), and a phrase that says which.

    tokens: positions of the map, or of the windows. windows, heads: (0, 0) where the point has none.
    channels: of the last axis.
    """

    tokens: tuple[int, int]
    windows: tuple[int, int]
    heads: tuple[int, int]
    channels: tuple[int, int]
    phrase: str


def locate(wrong: Array, axes: Axes, shift: tuple[int, int] = (0, 0)) -> Where:
    """Summarise `wrong`, true where two arrays differ, with every axis apart.

    shift: of the block's windows. On a map they are counted as after the cyclic shift, the wrapped ones last.
    """
    letters = list(axes.lengths)
    if any(shift) and letters[1:5] == ["I", "M", "J", "N"]:
        flat = wrong.reshape(wrong.shape[0], wrong.shape[1] * wrong.shape[2], wrong.shape[3] * wrong.shape[4], -1)
        wrong = np.roll(flat, (-shift[0], -shift[1]), axis=(1, 2)).reshape(wrong.shape)

    def over(keep: str) -> Array:
        """Whether anything differs, for each place on the axes of these letters."""
        kept = [letter for letter in letters if letter in keep]
        return wrong.any(axis=tuple(i for i, letter in enumerate(letters) if letter not in kept))

    def count(keep: str) -> tuple[int, int]:
        if not set(keep) & set(letters):
            return 0, 0
        places = over(keep)
        return int(places.sum()), places.size

    tiled = "I" in letters and axes.lengths.get("M", 2) * axes.lengths.get("N", 2) > 1
    tokens = count("BIMJNQT") if {"I", "T"} & set(letters) else (0, 0)
    windows = count("IJ") if tiled else (0, 0)
    is_image = letters == list("BCHW")
    heads = (0, 0) if is_image else count("H")
    last = "D" if "D" in letters else "C" if "C" in letters else ""
    channels = count(last) if last else (0, 0)
    phrases = []
    if "B" in letters and 0 < count("B")[0] < count("B")[1]:
        phrases.append(f"images {listed(np.flatnonzero(over('B')))} of {axes.lengths['B']}")
    if 0 < windows[0] < windows[1]:
        phrases.append(f"{windows[0]} of {windows[1]} windows{which_windows(over('IJ'))}")
    elif "T" in letters and 0 < count("T")[0] < axes.lengths["T"]:
        phrases.append(f"tokens {listed(np.flatnonzero(over('T')))} of {axes.lengths['T']}")
    elif 0 < tokens[0] < tokens[1]:
        phrases.append(f"{tokens[0]} of {tokens[1]} tokens")
    if 0 < heads[0] < heads[1]:
        phrases.append(f"heads {listed(np.flatnonzero(over('H')))} of {heads[1]}")
    if 0 < channels[0] < channels[1]:
        phrases.append(f"channels {listed(np.flatnonzero(over(last)))} of {channels[1]}")
    return Where(tokens, windows, heads, channels, ", ".join(phrases) or ("everywhere" if wrong.any() else "nowhere"))


def on_the_map(error: Array, axes: Axes) -> Array | None:
    """The largest error of each token of the first image, (H, W); None for a point without a map.

    Windows are put where they are: on the rolled map in a shifted block.
    """
    letters = list(axes.lengths)
    if not set("IJMN") <= set(letters):
        return None
    worst = error.max(axis=tuple(letters.index(letter) for letter in letters if letter not in "BIJMN"))[0]
    kept = [letter for letter in letters if letter in "IJMN"]
    worst = worst.transpose([kept.index(letter) for letter in "IMJN"])
    return worst.reshape(worst.shape[0] * worst.shape[1], -1)


def which_windows(wrong: Array) -> str:
    """In words, where the wrong windows (I, J) are the last row, the last column, or both; else nothing."""
    row, column = np.zeros_like(wrong), np.zeros_like(wrong)
    row[-1], column[:, -1] = True, True
    for text, expected in ((" (the last row and the last column)", row | column), (" (the last row)", row),
                           (" (the last column)", column)):
        if np.array_equal(wrong, expected):
            return text
    return ""


def listed(numbers: Array) -> str:
    """[0, 1, 2, 5] -> '0-2, 5'; at most four runs are written out."""
    runs: list[list[int]] = []
    for number in numbers.tolist():
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    return ", ".join(texts[:4]) + (", ..." if len(texts) > 4 else "")
