"""Maps drawn as grids of cells: a colour that tells where a token comes from, and a numeral in each."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from swin_np.functional import Array, Size, pair
from swin_np.plots.style import BLACK, BLUE, NAVY, NUMERAL_SIZE, ORANGE, PALE, WHITE, draw_frame
from swin_np.ragged import ragged_windows

CORNERS = np.array([[to_rgb(PALE), to_rgb(ORANGE)], [to_rgb(BLUE), to_rgb(NAVY)]])      # (2, 2, 3), four steps of grey
HEAT = colormaps["cividis"]                            # for numbers: it rises in grey too, whoever looks at it
LUMINANCE = (0.299, 0.587, 0.114)                      # of red, green and blue: the grey of a print (ITU-R BT.601)
MOST_NUMERALS = 16                                     # on maps of more rows or columns numerals would not fit


def position_colours(grid: Size) -> Array:
    """A colour for each position of a grid (h, w), blended from its four corners: (h, w, 3), from 0 to 1.

    Neighbours look alike, so a torn map shows; rows and columns differ in grey as well.
    """
    h, w = pair(grid)
    down, right = (np.linspace(0, 1, side)[:, None] if side > 1 else np.zeros((1, 1)) for side in (h, w))
    rows = (1 - down)[..., None] * CORNERS[0] + down[..., None] * CORNERS[1]                # (h, 2, 3)
    return (1 - right) * rows[:, None, 0] + right * rows[:, None, 1]


def heat_colours(values: Array) -> Array:
    """The colours of values (h, w) from their smallest to their largest: (h, w, 3)."""
    span = np.ptp(values)
    return HEAT((values - values.min()) / (span if span else 1))[..., :3]


def signed_colours(values: Array) -> Array:
    """The colours of values (h, w): 0 white, the largest size blue if it is positive, orange if negative: (h, w, 3)."""
    share = (values / max(np.abs(values).max(), np.finfo(np.float64).tiny))[..., None]      # -1 to 1
    ends = np.where(share < 0, to_rgb(ORANGE), to_rgb(BLUE))
    return 1 - np.abs(share) * (1 - ends)


def colour_on(ground: Array) -> str:
    """Black or white, whichever is easier to read on a colour (3,)."""
    return BLACK if np.dot(ground, LUMINANCE) > 0.5 else WHITE


def draw_cells(axes: Axes, colours: Array, numerals: Array | None = None, lines: bool = True) -> None:
    """A map of coloured cells (h, w, 3), and in each cell, where there are any, its numeral (h, w).

    Numbers are written without decimals; an empty text leaves the cell empty. On small maps thin `lines` part the
    cells, and every row and column has its tick.
    """
    h, w, _ = colours.shape
    axes.imshow(colours, interpolation="nearest")
    if max(h, w) <= MOST_NUMERALS:
        axes.set(xticks=range(w), yticks=range(h))
        if lines:
            axes.vlines(np.arange(w - 1) + 0.5, -0.5, h - 0.5, colors="0.6", linewidth=0.6)
            axes.hlines(np.arange(h - 1) + 0.5, -0.5, w - 0.5, colors="0.6", linewidth=0.6)
    axes.tick_params(length=0)
    if numerals is not None:
        for (row, column), value in np.ndenumerate(numerals):
            draw_numeral(axes, row, column, value if isinstance(value, str) else f"{value:.0f}", colours[row, column])


def draw_numeral(axes: Axes, row: float, column: float, text: str, ground: Array, **font: float | str) -> None:
    """A short text around the middle of a cell, black or white on the colour (3,) of its ground."""
    axes.text(column, row, text, ha="center", va="center", color=colour_on(ground),
              **{"fontsize": NUMERAL_SIZE, **font})


def frame_tokens(axes: Axes, rows: slice, columns: slice, colour: str = WHITE) -> None:
    """A frame around a rectangle of cells."""
    draw_frame(axes, (columns.start - 0.5, rows.start - 0.5), columns.stop - columns.start, rows.stop - rows.start,
               colour)


def frame_windows(axes: Axes, map_size: tuple[int, int], window: tuple[int, int]) -> None:
    """A frame around every window of a map of cells."""
    for place in ragged_windows(map_size, window, (0, 0)):
        frame_tokens(axes, *place)
