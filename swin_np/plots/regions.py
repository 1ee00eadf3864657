"""Section 3.2, Fig. 4: the regions of the rolled map, and how many of them meet in each window."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import MOST_NUMERALS, draw_cells, draw_numeral, frame_windows, position_colours
from swin_np.plots.style import BLACK, HOUSE_STYLE, LABEL_SIZE, new_figure
from swin_np.windows import region_ids, reverse_cyclic_shift, window_partition

REGION_COLOURS = position_colours(3).reshape(9, 3)     # three bands an axis


def regions_per_window(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """How many regions meet in each window of the rolled map: (H/M, W/M) integers from 1 to 4."""
    ids = window_partition(region_ids(map_size, window, shift)[None, :, :, None], window)   # (nW, M, M, 1)
    (h, w), (m, n) = map_size, pair(window)
    return np.array([len(np.unique(of_one)) for of_one in ids]).reshape(h // m, w // n)


def draw_regions(axes: Axes, ids: Array) -> None:
    """A map of region ids (H, W) in their colours; the number in every cell, on large maps once for each region."""
    small = max(ids.shape) <= MOST_NUMERALS
    draw_cells(axes, REGION_COLOURS[ids], ids if small else None)
    if not small:
        axes.set(xticks=[0, ids.shape[1] - 1], yticks=[0, ids.shape[0] - 1])
    axes.set_xlabel("column")


def name_regions(axes: Axes, ids: Array) -> None:
    """The number of each region of the rolled map in its middle."""
    for number in np.unique(ids):
        rows, columns = np.nonzero(ids == number)
        draw_numeral(axes, (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2, str(number),
                     REGION_COLOURS[number], fontsize=LABEL_SIZE, fontweight="bold")


@HOUSE_STYLE
def nine_regions(map_size: Size = 8, window: Size = 4, shift: Size = 2) -> Figure:
    """The regions where their tokens lie, the same rolled, and how many of them meet in each window.

    Raises ShapeError where the windows do not tile the map or the shift does not fit the window.
    """
    map_size, (m, n) = pair(map_size), pair(window)
    ids, meeting = region_ids(map_size, window, shift), regions_per_window(map_size, window, shift)
    figure = new_figure(8.8, 3.6)
    original, rolled, counted = figure.subplots(1, 3)
    draw_regions(original, reverse_cyclic_shift(ids[None, :, :, None], shift)[0, :, :, 0])
    draw_regions(rolled, ids)
    if max(map_size) > MOST_NUMERALS:
        name_regions(rolled, ids)
    draw_cells(counted, np.repeat(0.4 + 0.6 / meeting[..., None], 3, axis=-1))
    frame_windows(rolled, map_size, (m, n))
    for (row, column), count in np.ndenumerate(meeting):
        counted.text(column, row, str(count), ha="center", va="center", fontweight="bold",
                     fontsize=LABEL_SIZE if max(meeting.shape) > 4 else 2 * LABEL_SIZE, color=BLACK)
    original.set(title="the map before the roll", ylabel="row")
    rolled.set_title(f"rolled by {pair(shift)}, with its windows")
    counted.set(title="regions in each window", xlabel="column of windows", ylabel="row of windows")
    figure.suptitle(f"{map_size[0]} x {map_size[1]} tokens, windows of {m} x {n}: {len(np.unique(ids))} regions; "
                    "in its window, a token attends to its own region")
    return figure
