"""Section 3.2, Fig. 4: the efficient computation of shifted windows, frame by frame, as a strip and in motion."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from swin_np.functional import Array, pair
from swin_np.plots.cells import draw_cells, position_colours
from swin_np.plots.style import BLACK, HOUSE_STYLE, WHITE, draw_frame, new_figure
from swin_np.windows import (
    Size,
    check_window,
    cyclic_shift,
    reverse_cyclic_shift,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

GAP = 1                                                # cells between windows that are drawn apart
NOTHING = -1                                           # in place of a token number: no cell


@dataclass(frozen=True)
class Frame:
    """One moment of the computation.

    tokens: which token, numbered row by row on the original map, lies where: (H, W).
    seam: the (row, column) at which the border of the original map lies now; (0, 0) where it is at the border.
    windows: whether the map is cut into windows. keys: to how many keys each token attends, (H, W), while it does.
    """

    title: str
    tokens: Array
    seam: tuple[int, int]
    windows: bool = False
    keys: Array | None = None


def keys_of_queries(map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Array:
    """To how many keys each token of the rolled map attends under the mask: (H, W) integers up to M^2."""
    allowed = (shifted_window_mask(map_size, window, shift) == 0).sum(axis=-1)              # (nW, M^2)
    return window_reverse(allowed.reshape(-1, *window, 1), map_size)[0, :, :, 0]


def frames(map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> list[Frame]:
    """The six moments of Fig. 4: the map, rolled, partitioned, attending, reversed, rolled back."""
    (h, w), (down, right) = map_size, shift
    tokens = np.arange(h * w).reshape(1, h, w, 1)
    rolled = cyclic_shift(tokens, shift)
    windows = window_partition(rolled, window)
    put_back = window_reverse(windows, map_size)
    back = reverse_cyclic_shift(put_back, shift)
    seam = (-down % h, -right % w)
    return [Frame("1  the map, and where it is cut", tokens[0, :, :, 0], shift),
            Frame(f"2  cyclic shift by {shift}", rolled[0, :, :, 0], seam),
            Frame(f"3  window partition: {len(windows)} windows", rolled[0, :, :, 0], seam, windows=True),
            Frame("4  masked attention: keys of a token", rolled[0, :, :, 0], seam, windows=True,
                  keys=keys_of_queries(map_size, window, shift)),
            Frame("5  window reverse", put_back[0, :, :, 0], seam),
            Frame("6  reverse cyclic shift", back[0, :, :, 0], (0, 0))]


def roll_steps(map_size: tuple[int, int], shift: tuple[int, int]) -> Iterator[tuple[Array, tuple[int, int]]]:
    """The map of token numbers (H, W) and its seam, rolled by one row more each time, then by one column more."""
    (h, w), (down, right) = map_size, shift
    tokens = np.arange(h * w).reshape(1, h, w, 1)
    for done in [*((step, 0) for step in range(1, down + 1)), *((down, step) for step in range(1, right + 1))]:
        yield cyclic_shift(tokens, done)[0, :, :, 0], (-done[0] % h, -done[1] % w)


def spread(values: Array, window: tuple[int, int]) -> Array:
    """A map (H, W) with its windows apart, NOTHING in the gaps between them."""
    for axis, m in enumerate(window):
        cuts = np.repeat(np.arange(m, values.shape[axis], m), GAP)
        values = np.insert(values, cuts, NOTHING, axis=axis)
    return values


def draw_seam(axes: Axes, seam: tuple[int, int], map_size: tuple[int, int], window: tuple[int, int] | None) -> None:
    """Where the border of the original map lies, as thick broken lines; `window` for windows that are drawn apart."""
    (h, w), (row, column) = map_size, seam
    if window is not None:
        row, column = (place + GAP * (place // m) for place, m in zip(seam, window, strict=True))
        h, w = (side + GAP * (side // m - 1) for side, m in zip(map_size, window, strict=True))
    if seam[0]:
        axes.plot((-0.5, w - 0.5), (row - 0.5, row - 0.5), color=BLACK, linewidth=4)
        axes.plot((-0.5, w - 0.5), (row - 0.5, row - 0.5), color=WHITE, linewidth=2, linestyle=(0, (2, 1)))
    if seam[1]:
        axes.plot((column - 0.5, column - 0.5), (-0.5, h - 0.5), color=BLACK, linewidth=4)
        axes.plot((column - 0.5, column - 0.5), (-0.5, h - 0.5), color=WHITE, linewidth=2, linestyle=(0, (2, 1)))


def draw_moment(axes: Axes, frame: Frame, window: tuple[int, int]) -> None:
    """One frame: tokens in the colours of their original positions, with their numbers or, while they attend, keys."""
    (m, n), (h, w) = window, frame.tokens.shape
    colours = np.concatenate([position_colours((h, w)).reshape(-1, 3), np.ones((1, 3))])    # the last for NOTHING
    tokens, numerals = frame.tokens, frame.tokens if frame.keys is None else frame.keys
    if frame.windows:
        tokens, numerals = spread(tokens, window), spread(numerals, window)
    draw_cells(axes, colours[tokens], np.where(tokens == NOTHING, "", numerals.astype(str)), lines=False)
    if frame.windows:
        for row in range(h // m):
            for column in range(w // n):
                draw_frame(axes, (column * (n + GAP) - 0.5, row * (m + GAP) - 0.5), n, m, WHITE)
    draw_seam(axes, frame.seam, (h, w), window if frame.windows else None)
    axes.set(title=frame.title, xticks=[], yticks=[])
    axes.axis("off")


@HOUSE_STYLE
def cyclic_shift_frames(map_size: Size = 8, window: Size = 4, shift: Size = 2) -> Figure:
    """Shifted windows computed in six steps: cut, roll, partition, masked attention, reverse, roll back.

    Raises ShapeError where the windows do not tile the map or the shift does not fit the window.
    """
    map_size, window, shift = pair(map_size), pair(window), pair(shift)
    check_window(map_size, window, shift)
    figure = new_figure(8.8, 6.4)
    for axes, frame in zip(figure.subplots(2, 3).flat, frames(map_size, window, shift), strict=True):
        draw_moment(axes, frame, window)
    figure.supxlabel("Colour and numeral: the token's place on the map of step 1, but in step 4 the number of keys.\n"
                     "Broken line: the seam between tokens that were no neighbours.", fontsize="medium")
    return figure


class SmallFigure(Figure):
    """A figure whose PNG has a palette of 128 colours and so a third of the bytes: frames are stored in notebooks."""

    def savefig(self, file: BinaryIO, **options: Any) -> None:
        whole = io.BytesIO()
        super().savefig(whole, **options)
        small = Image.open(whole).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        small.save(file, "png", optimize=True)


def animation_frames(map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> list[Frame]:
    """The six moments with every step of the two rolls between them."""
    start, _, *middle, end = frames(map_size, window, shift)
    rolls = list(roll_steps(map_size, shift))
    there = [Frame(f"2  cyclic shift by {shift}", *step) for step in rolls]
    back = [Frame("6  reverse cyclic shift", *step) for step in rolls[-2::-1]]
    return [start, *there, *middle, *back, end]


@HOUSE_STYLE
def cyclic_shift_animation(map_size: Size = 8, window: Size = 4, shift: Size = 2) -> FuncAnimation:
    """The same in motion, one row or column of the roll at a time; `to_jshtml()` of it plays without other programs.

    Raises ShapeError where the windows do not tile the map or the shift does not fit the window.

    >>> html = cyclic_shift_animation().to_jshtml()    # IPython.display.HTML(html) shows it
    """
    map_size, window, shift = pair(map_size), pair(window), pair(shift)
    check_window(map_size, window, shift)
    figure = SmallFigure(figsize=(3.1, 3.3), dpi=100)   # its axes are fixed, so that nothing jumps
    axes = figure.add_axes((0.02, 0.01, 0.96, 0.9))

    def draw(frame: Frame) -> None:
        axes.clear()
        draw_moment(axes, frame, window)

    return FuncAnimation(figure, HOUSE_STYLE(draw), animation_frames(map_size, window, shift), interval=1000)
