"""Section 3.2, Fig. 4: the four kinds of mask that the windows of a rolled map need."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import draw_cells
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, ORANGE, WHITE, draw_frame, new_figure
from swin_np.windows import MASK_VALUE, shifted_window_mask

QUERY = (1, 1)                                         # the row and column, in the window, of the query followed below
WIDEST_WITH_VALUES = 8                                 # in windows of more rows or columns "-100" would not fit
ALLOWED_AND_MASKED = ListedColormap([WHITE, BLUE])


def kinds_of_mask(map_size: Size, window: Size, shift: Size) -> dict[str, Array]:
    """One mask (M^2, M^2) of every kind, 0 or -100, by the place of its window in the rolled map.

    Raises ShapeError where the windows do not tile the map, and for fewer than 2x2 of them.
    """
    (h, w), (m, n) = pair(map_size), pair(window)
    mask = shifted_window_mask((h, w), (m, n), pair(shift))
    if min(h // m, w // n) < 2:
        raise ShapeError(f"a {h}x{w} map with window {m}x{n} has not all four kinds of mask: "
                         "give a map of at least 2x2 windows")
    mask = mask.reshape(h // m, w // n, *mask.shape[1:])                # by row and column of windows
    return {"interior": mask[0, 0], "right edge": mask[0, -1], "bottom edge": mask[-1, 0], "corner": mask[-1, -1]}


def masked_fraction(mask: Array) -> float:
    """The share of pairs that may not attend to each other, from 0 to 1."""
    return float(np.mean(mask != 0))


def draw_mask(axes: Axes, mask: Array, window: tuple[int, int], query: int) -> None:
    """A whole mask (M^2, M^2), one row a query, with the row of one query framed."""
    tokens = len(mask)
    axes.imshow(mask != 0, cmap=ALLOWED_AND_MASKED, vmin=0, vmax=1, interpolation="nearest")
    draw_frame(axes, (-0.5, query - 1), tokens, 2, ORANGE)              # one row, and half a row of margin around it
    ticks = [*range(0, tokens, 2 * window[1]), tokens - 1]
    axes.set(xticks=ticks, yticks=ticks, xlabel="key")


def draw_folded_row(axes: Axes, row: Array, window: tuple[int, int], query: tuple[int, int]) -> None:
    """One row of a mask (M^2,) as the M x M keys of the window, with numerals where they fit; the query is framed."""
    m, n = window
    folded = row.reshape(m, n)
    draw_cells(axes, np.where(folded[..., None] != 0, to_rgb(BLUE), to_rgb(WHITE)),
               folded if max(window) <= WIDEST_WITH_VALUES else None)
    draw_frame(axes, (query[1] - 0.5, query[0] - 0.5), 1, 1, ORANGE)
    axes.set_xlabel("column of the key")


@HOUSE_STYLE
def four_kinds_of_mask(map_size: Size = 56, window: Size = 7, shift: Size = 3) -> Figure:
    """The masks of an interior, a right edge, a bottom edge and a corner window, and below each one query's row.

    Dark pairs get -100 added to their score; the queries are the rows. Raises ShapeError as `kinds_of_mask` does.
    """
    h, w = pair(map_size)
    (m, n), kinds = pair(window), kinds_of_mask(map_size, window, shift)
    query = QUERY[0] * n + QUERY[1]
    figure = new_figure(10.0, 6.7)
    panels = figure.subplots(2, len(kinds))
    for (above, below), (name, mask) in zip(panels.T, kinds.items(), strict=True):
        draw_mask(above, mask, (m, n), query)
        draw_folded_row(below, mask[query], (m, n), QUERY)
        above.set_title(f"{name}\n{100 * masked_fraction(mask):.1f} % masked")
    panels[0, 0].set_ylabel("query")
    panels[1, 0].set_ylabel("row of the key")
    figure.suptitle(f"SW-MSA on {h} x {w} tokens, windows of {m} x {n} shifted by {pair(shift)}\n"
                    "above the mask of each kind of window, below one query's row of it, folded back to the window")
    figure.legend(handles=[Patch(facecolor=WHITE, edgecolor=BLACK, label="0: the query attends to the key"),
                           Patch(facecolor=BLUE, edgecolor=BLACK, label=f"{MASK_VALUE:.0f}: masked"),
                           Patch(facecolor="none", edgecolor=ORANGE, linewidth=2,
                                 label=f"query {query}, in row {QUERY[0]} and column {QUERY[1]} of the window")],
                  loc="outside lower center", ncols=3)
    return figure
