"""Section 3.2, Fig. 2: the regular and the shifted windows, on a map of tokens and on a photograph."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import MOST_NUMERALS, draw_cells, draw_numeral, frame_tokens, position_colours
from swin_np.plots.regions import regions_per_window
from swin_np.plots.style import HOUSE_STYLE, ORANGE, WHITE, draw_frame, new_figure
from swin_np.ragged import ragged_windows
from swin_np.variants import VARIANTS, SwinConfig
from swin_np.windows import check_window

SHADE = (0.0, 0.0, 0.0, 0.45)                          # black, seen through: hatches show on bright skies too


@dataclass(frozen=True)
class WindowCounts:
    """How many windows a partition has before and after the roll of Fig. 4.

    whole: windows of the full M x M tokens. pieces: windows that the border cuts smaller.
    rolled: windows of the rolled map. joined: those of them that consist of several pieces.
    """

    whole: int
    pieces: int
    rolled: int
    joined: int


def is_whole(rows: slice, columns: slice, window: tuple[int, int]) -> bool:
    """Whether a window has its full M x M tokens."""
    return (rows.stop - rows.start, columns.stop - columns.start) == window


def count_windows(config: SwinConfig, shift: tuple[int, int]) -> WindowCounts:
    """Count the windows of stage 1. Raises ShapeError where they do not tile its map."""
    map_size, window = config.map_sizes()[0], config.window(0)
    regions, windows = regions_per_window(map_size, window, shift), ragged_windows(map_size, window, shift)
    whole = sum(is_whole(*place, window) for place in windows)
    return WindowCounts(whole, len(windows) - whole, regions.size, np.count_nonzero(regions > 1))


def draw_windows(axes: Axes, image: Array, config: SwinConfig, shift: tuple[int, int]) -> None:
    """One panel: the image in pixels, each window framed, the pieces at the border hatched as well."""
    (h, w), (p, q) = image.shape[:2], config.patch_size
    axes.imshow(image, extent=(0, w, h, 0), interpolation="nearest")
    for rows, columns in ragged_windows(config.map_sizes()[0], config.window(0), shift):
        corner = (columns.start * q, rows.start * p)
        width, height = (columns.stop - columns.start) * q, (rows.stop - rows.start) * p
        if is_whole(rows, columns, config.window(0)):
            draw_frame(axes, corner, width, height, WHITE)
        else:
            draw_frame(axes, corner, width, height, ORANGE, SHADE, hatch="////")
    axes.set(xticks=range(0, w + 1, w // 4), yticks=range(0, h + 1, h // 4), xlabel="pixels")


@HOUSE_STYLE
def windows_on_photograph(image: Array, config: SwinConfig = VARIANTS["swin_t"]) -> Figure:
    """The windows of two successive blocks of stage 1 on an image (H, W, 3) uint8 of the configured size.

    Left W-MSA, right SW-MSA, whose windows lie floor(M/2) further down and right and are cut by the border.
    Raises ShapeError for an image of another size.
    """
    if image.shape[:2] != config.img_size:
        raise ShapeError(f"the image is {image.shape[0]}x{image.shape[1]}, the windows are those of {config.img_size}: "
                         "resize and crop it with swin_np.images")
    m, n = config.window(0)
    shift, (h, w) = (m // 2, n // 2), config.map_sizes()[0]
    regular, shifted = count_windows(config, (0, 0)), count_windows(config, shift)
    figure = new_figure(8.4, 5.0)
    left, right = figure.subplots(1, 2)
    draw_windows(left, image, config, (0, 0))
    draw_windows(right, image, config, shift)
    left.set_title(f"W-MSA: {regular.whole} regular windows")
    right.set_title(f"SW-MSA, shifted by {shift}: {shifted.whole + shifted.pieces} ragged windows")
    left.set_ylabel("pixels")
    left.set_xlabel(f"pixels\n{h} x {w} tokens, windows of {m} x {n} tokens")
    right.set_xlabel(f"pixels\n{shifted.whole} whole and {shifted.pieces} cut by the border (hatched);\n"
                     f"rolled: {shifted.rolled} windows, {shifted.joined} of several pieces")
    return figure


def window_numbers(map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> tuple[Array, Array]:
    """Which window each token belongs to, by the definition: (H, W) rows of windows and (H, W) columns of windows."""
    windows = ragged_windows(map_size, window, shift)
    tops, lefts = (sorted({place[axis].start for place in windows}) for axis in (0, 1))
    numbers = np.empty((2, *map_size), int)
    for rows, columns in windows:
        numbers[:, rows, columns] = np.reshape([tops.index(rows.start), lefts.index(columns.start)], (2, 1, 1))
    return numbers[0], numbers[1]


def draw_partition(axes: Axes, map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> None:
    """A map of tokens, each in its window's colour and, on small maps, with its window's number; windows framed."""
    rows, columns = window_numbers(map_size, window, shift)
    colours = position_colours((rows.max() + 1, columns.max() + 1))[rows, columns]          # (H, W, 3)
    numbers = rows * (columns.max() + 1) + columns
    small = max(map_size) <= MOST_NUMERALS
    draw_cells(axes, colours, numbers if small else None)
    for row, column in ragged_windows(map_size, window, shift):
        frame_tokens(axes, row, column)
        height, width, first = row.stop - row.start, column.stop - column.start, (row.start, column.start)
        if not small and min(height, width) * 40 >= max(map_size):      # there is room for the number
            draw_numeral(axes, row.start + (height - 1) / 2, column.start + (width - 1) / 2, str(numbers[first]),
                         colours[first], fontsize="small")
    axes.set(xlabel="column", ylabel="row")


@HOUSE_STYLE
def regular_and_shifted_windows(map_size: Size = 8, window: Size = 4, shift: Size = 2) -> Figure:
    """The regular windows of a map and the shifted ones, cut smaller by its border, every token with its window.

    Raises ShapeError where the windows do not tile the map or the shift does not fit the window.
    """
    (h, w), (m, n), shift = pair(map_size), pair(window), pair(shift)
    check_window((h, w), (m, n), shift)
    figure = new_figure(8.0, 4.5)
    names = "W-MSA", f"SW-MSA, shifted by {shift}"
    for axes, displacement, name in zip(figure.subplots(1, 2), ((0, 0), shift), names, strict=True):
        draw_partition(axes, (h, w), (m, n), displacement)
        rows, columns = (numbers.max() + 1 for numbers in window_numbers((h, w), (m, n), displacement))
        axes.set_title(f"{name}: {rows} x {columns} = {rows * columns} windows")
    figure.suptitle(f"Windows of {m} x {n} in two successive blocks on {h} x {w} tokens, numbered")
    return figure
