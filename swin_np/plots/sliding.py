"""Shifted, not sliding: the key sets of neighbouring queries, and how often each key is read (sections 1 and 3.2)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from swin_np.baselines.padded_windows import window_key_value_bytes
from swin_np.baselines.sliding_window import naive_key_value_bytes, neighbourhoods
from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import draw_cells
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, LABEL_SIZE, ORANGE, WHITE, draw_frame, new_figure
from swin_np.variants import VARIANTS, SwinConfig
from swin_np.windows import attention_mask, cyclic_shift, window_partition

MAP, WINDOW = (9, 9), (3, 3)                           # one M for both; it is odd, since a sliding window has a middle
QUERIES = {"a": (5, 2, ORANGE), "b": (5, 3, BLUE), "c": (5, 4, WHITE)}  # (row, column, colour), neighbours
DARKEST = 0.7                                          # the grey of the key that is read most often; 1 is white


def token_numbers(map_size: Size) -> Array:
    """The tokens of a map, numbered row by row from 1, (1, H, W, 1)."""
    h, w = pair(map_size)
    return np.arange(1, h * w + 1).reshape(1, h, w, 1)


def sliding_key_sets(map_size: Size, window: Size) -> Array:
    """Which keys each query attends to in sliding windows: (H W, H W) booleans, a row for each query."""
    numbers = token_numbers(map_size)
    keys = neighbourhoods(numbers[:, None], pair(window)).reshape(numbers.size, -1)        # 0 beyond the border
    sets = np.zeros((numbers.size, numbers.size + 1), bool)
    sets[np.arange(numbers.size)[:, None], keys] = True
    return sets[:, 1:]


def shifted_key_sets(map_size: Size, window: Size, shift: Size) -> Array:
    """The same in shifted windows, from the roll, the partition and the mask of Fig. 4."""
    numbers = token_numbers(map_size)
    tokens = window_partition(cyclic_shift(numbers, shift), window)
    tokens = tokens.reshape(len(tokens), -1) - 1       # (nW, M^2)
    mask = attention_mask(pair(map_size), pair(window), pair(shift))
    sets = np.zeros((numbers.size, numbers.size), bool)
    sets[tokens[:, :, None], tokens[:, None, :]] = True if mask is None else mask == 0
    return sets


def distinct(key_sets: Array) -> Array:
    """The key sets without repetition: queries that have the same one share it."""
    return np.unique(key_sets, axis=0)


def draw_key_sets(axes: Axes, key_sets: Array, most: int) -> None:
    """One panel: in each cell how often its key is read, `most` is the darkest; the key sets of QUERIES framed."""
    reads = distinct(key_sets).sum(axis=0).reshape(MAP)
    colours = np.repeat(1 - (1 - DARKEST) * reads[..., None] / most, 3, axis=-1)
    draw_cells(axes, colours, reads)
    for number, (letter, (row, column, colour)) in enumerate(QUERIES.items()):
        axes.text(column, row - 0.32, letter, ha="center", va="center", fontsize=LABEL_SIZE, weight="bold")
        rows, columns = np.nonzero(key_sets[row * MAP[1] + column].reshape(MAP))
        inset = 0.1 * number                           # edges that coincide stay apart
        corner = (columns.min() - 0.5 + inset, rows.min() - 0.5 + inset)
        draw_frame(axes, corner, np.ptp(columns) + 1 - 2 * inset, np.ptp(rows) + 1 - 2 * inset, colour)


def in_bytes(count: int) -> str:
    """Bytes in kB or MB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


@HOUSE_STYLE
def shifted_not_sliding(config: SwinConfig = VARIANTS["swin_t"]) -> Figure:
    """Sliding and shifted windows of 3x3 on 9x9 tokens: the key sets of three queries, the bytes to read.

    Every distinct key set is read once: a sliding window is a query's own, a shifted one is shared by its queries. The
    bytes are those of float32 keys and values with the channels of the model's first stage; below stand those of the
    stage's own map and window. Raises ConfigurationError for an even window, which cannot slide around a query.
    """
    (h, w), channels, own_window = config.map_sizes()[0], config.embed_dim, config.window(0)
    shift = (WINDOW[0] // 2, WINDOW[1] // 2)
    figure = new_figure(9.0, 5.9)
    panels = figure.subplots(1, 2)
    key_sets = [sliding_key_sets(MAP, WINDOW), shifted_key_sets(MAP, WINDOW, shift)]
    most = max(distinct(sets).sum(axis=0).max() for sets in key_sets)
    for axes, sets, name, count in zip(panels, key_sets, ("Sliding", "Shifted"),
                                       (naive_key_value_bytes, window_key_value_bytes), strict=True):
        draw_key_sets(axes, sets, most)
        axes.set_title(f"{name}, M = {WINDOW[0]}: {len(distinct(sets))} key sets for {len(sets)} queries")
        here, in_stage = count(MAP, channels, WINDOW), count((h, w), channels, own_window)
        axes.set_xlabel(f"{distinct(sets).sum()} keys and their values are read: {in_bytes(here)}\n"
                        f"{h}x{w} tokens, M = {own_window[0]}: {in_bytes(in_stage)}")
    figure.suptitle("Numerals: how often the key and the value of a token are read")
    figure.legend(handles=[Patch(facecolor=colour, edgecolor=BLACK, label=f"key set of query {letter}")
                           for letter, (_, _, colour) in QUERIES.items()], loc="outside lower center", ncols=3)
    return figure
