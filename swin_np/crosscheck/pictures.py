"""Arrays as pictures: a plane through the first divergence, where it is worst, as PNG data for a page."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from swin_np.crosscheck.layouts import Axes
from swin_np.crosscheck.report import Divergence
from swin_np.functional import Array

VALUES = ("#1B1B3A", "#0072B2", "#56B4A9", "#F7F4E9")  # from low to high: ever lighter
DIFFERENCES = ("#003C66", "#0072B2", "#FFFFFF", "#D55E00", "#7A2E00")         # below 0, 0, above 0
NOT_FINITE = "#CC79A7"
LINE = 128                                             # grey: the borders of windows
SIDE = 320                                             # pixels that a picture has at least
MOST = 256                                             # cells to a side: what is larger is cut around the worst
IN_A_ROW = 32                                          # numbers of a vector

WORDS = {"B": "image", "C": "channel", "D": "channel", "H": "head", "I": "row of windows", "J": "column of windows"}
SEEN = {("IM", "JN"): "rows and columns of tokens", ("Q", "K"): "queries down, keys across",
        ("H", "W"): "rows and columns of pixels", ("", "C"): f"channels, {IN_A_ROW} in a row"}


@dataclass(frozen=True)
class Plane:
    """Two axes of the arrays at the place of the largest difference on all others; NaN where nothing is.

    ours, theirs: (rows, columns). where: the place and what the two axes are, in words. largest: the numbers at the
    largest difference, in words. window: its sides in cells where borders are to be drawn.
    """

    ours: Array
    theirs: Array
    where: str
    largest: str
    window: tuple[int, int] | None

    @property
    def scale(self) -> tuple[float, float]:
        """The least and the largest finite value of both."""
        return extent(np.stack([self.ours, self.theirs]))

    @property
    def difference(self) -> Array:
        """Theirs less ours; infinite where one of them is."""
        with np.errstate(invalid="ignore"):
            difference = self.theirs - self.ours
        return np.where(np.isnan(difference) & ~np.isnan(self.ours), np.inf, difference)


def plane(divergence: Divergence) -> Plane:
    """The plane to be drawn: tokens of the map, queries and keys, pixels, or the channels of a vector."""
    axes, ours, theirs = divergence.axes, divergence.ours, divergence.theirs
    with np.errstate(invalid="ignore"):
        error = np.abs(theirs - ours)
    place = np.unravel_index(np.where(np.isfinite(error), error, np.inf).argmax(), error.shape)
    worst = dict(zip(axes.lengths, map(int, place), strict=True))
    rows, columns = seen_axes(axes)
    fixed = [f"{WORDS.get(letter, 'index')} {worst[letter]}" for letter in axes.lengths
             if letter not in rows + columns and axes.lengths[letter] > 1]
    seen = SEEN.get((rows, columns), "the last axes of the array")
    numbers = ours[place], theirs[place]
    ours, theirs = (through(np.where(np.isnan(x), np.inf, x), axes, rows, columns, worst) for x in (ours, theirs))
    row, column = (flat_place(kept, axes, worst) for kept in (rows, columns))
    if not rows:
        row, column = divmod(column, ours.shape[1])
    letters = list(axes.lengths)
    windowed = rows == "IM" and letters.index("J") < letters.index("M") and axes.lengths["M"] * axes.lengths["N"] > 1
    window = (axes.lengths["M"], axes.lengths["N"]) if windowed else None
    largest = (f"At the largest difference, in row {row} and column {column}, ours is {numbers[0]:.6g} and theirs "
               f"{numbers[1]:.6g}.")
    top, left = (min(max(place - MOST // 2, 0), max(length - MOST, 0))
                 for place, length in zip((row, column), ours.shape, strict=True))
    if max(ours.shape) > MOST:
        window, part = None, np.s_[top:top + MOST, left:left + MOST]
        ours, theirs = ours[part], theirs[part]
        fixed.append(f"from row {top} and column {left} on")
    return Plane(ours, theirs, f"{seen}{'; ' * bool(fixed)}{', '.join(fixed)}", largest, window)


def seen_axes(axes: Axes) -> tuple[str, str]:
    """The letters of the axes that lie down and across; none down for a vector."""
    letters = set(axes.lengths)
    for rows, columns in SEEN:
        if {*rows, *columns} <= letters and (rows or letters <= set("BC")):
            return rows, columns
    long = [letter for letter, length in axes.lengths.items() if length > 1] or list(axes.lengths)
    return "".join(long[-2:-1]), long[-1]


def through(x: Array, axes: Axes, rows: str, columns: str, worst: dict[str, int]) -> Array:
    """The plane of x, at the worst place on all other axes; a vector in several rows."""
    kept = [letter for letter in axes.lengths if letter in rows + columns]
    x = x[tuple(slice(None) if letter in kept else worst[letter] for letter in axes.lengths)]
    x = x.transpose([kept.index(letter) for letter in rows + columns])
    if rows:
        return x.reshape(math.prod(axes.lengths[letter] for letter in rows), -1)
    width = min(x.size, IN_A_ROW)
    folded = np.full((-(-x.size // width), width), np.nan)
    folded.flat[:x.size] = x
    return folded


def flat_place(letters: str, axes: Axes, worst: dict[str, int]) -> int:
    """The worst place on several axes, counted as on one."""
    place = 0
    for letter in letters:
        place = place * axes.lengths[letter] + worst[letter]
    return place


def extent(x: Array) -> tuple[float, float]:
    """The least and the largest finite number; two that differ, also where all are the same."""
    finite = x[np.isfinite(x)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def png(x: Array, scale: tuple[float, float], colours: tuple[str, ...], window: tuple[int, int] | None = None) -> str:
    """The data address of a PNG of x (rows, columns), NaN transparent and infinity in its own colour.

    scale: the values of the first and the last colour. window: borders are drawn after so many rows and columns.
    """
    low, high = scale
    anchors = np.array([rgb(colour) for colour in colours], np.float64)
    position = np.clip((np.where(np.isfinite(x), x, low) - low) / (high - low), 0, 1) * (len(colours) - 1)
    pixels = np.stack([np.interp(position, np.arange(len(colours)), channel) for channel in anchors.T], axis=-1)
    pixels[np.isinf(x)] = rgb(NOT_FINITE)
    pixels = np.concatenate([pixels, np.where(np.isnan(x), 0, 255)[..., None]], axis=-1).round().astype(np.uint8)
    times = max(1, -(-SIDE // max(x.shape)))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    if window is not None and times > 2:
        pixels[window[0] * times::window[0] * times, :, :3] = LINE
        pixels[:, window[1] * times::window[1] * times, :3] = LINE
    content = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def rgb(colour: str) -> tuple[int, ...]:
    """'#D55E00' -> (213, 94, 0)."""
    return tuple(bytes.fromhex(colour[1:]))
