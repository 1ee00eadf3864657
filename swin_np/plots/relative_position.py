"""Section 3.2, Eq. 4: the relative position index, built up in five steps, and the lookup of the bias."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from swin_np.attention import relative_position_bias, relative_position_index
from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import HEAT, draw_cells, heat_colours, signed_colours
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, ORANGE, draw_frame, new_figure


def index_steps(window: Size) -> dict[str, Array]:
    """The relative position index (M^2, M^2) taken apart, by what each step is called.

    Rows and columns of the displacement query minus key; both moved to start at 0; the rows times 2M-1; their sum, the
    index itself. Rows are queries, columns are keys.
    """
    m, n = pair(window)
    rows, columns = np.divmod(relative_position_index((m, n)), 2 * n - 1)
    return {"rows": rows - (m - 1), "columns": columns - (n - 1), "rows from 0": rows, "columns from 0": columns,
            "rows scaled": rows * (2 * n - 1), "index": relative_position_index((m, n))}


def uses_of_rows(window: Size) -> Array:
    """How many pairs of positions use each row of the bias table: (2M-1, 2M-1) by displacement, M^4 in all."""
    m, n = pair(window)
    return np.bincount(relative_position_index((m, n)).ravel()).reshape(2 * m - 1, 2 * n - 1)


@HOUSE_STYLE
def relative_position_steps(window: Size = 2, large_window: Size = 7) -> Figure:
    """The relative position index built in five steps in a window of 2, and as a heat map in a window of 7.

    Beside the heat map: how many of its pairs use each row of the bias table.
    """
    (m, n), (large_m, large_n) = pair(window), pair(large_window)
    steps = index_steps((m, n))
    figure = new_figure(9.0, 9.0)
    above, below = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    panels = above.subplot_mosaic([["tokens", "rows", "rows from 0", "rows scaled", "index"],
                                   ["tokens", "columns", "columns from 0", ".", "index"]])
    draw_cells(panels["tokens"], np.ones((m, n, 3)), np.arange(m * n).reshape(m, n))
    panels["tokens"].set(title="1  the tokens,\nnumbered", xlabel="column", ylabel="row")
    titles = ("2  query - key:\nrows", "columns", f"3  from 0:\n+ (M-1) = {m - 1}", f"+ {n - 1}",
              f"4  rows times\n(2M-1) = {2 * n - 1}", "5  rows + columns:\nthe index")
    for (name, values), title in zip(steps.items(), titles, strict=True):
        draw_cells(panels[name], signed_colours(values), values)       # (M^2, M^2) over queries and keys
        panels[name].set(title=title, xlabel="key", ylabel="query")
    above.suptitle(f"M = {m}: the index counts displacements in base 2M-1", fontsize="large")

    index, uses = relative_position_index((large_m, large_n)), uses_of_rows((large_m, large_n))
    heat, counts = below.subplots(1, 2)
    image = heat.imshow(index, cmap=HEAT, interpolation="nearest")
    below.colorbar(image, ax=heat, shrink=0.8, ticks=[0, index.max() // 2, index.max()], label="row of the bias table")
    heat.set(xlabel="key", ylabel="query", title=f"the index, 0 to {index.max()}",
             xticks=range(0, large_m * large_n, 2 * large_n), yticks=range(0, large_m * large_n, 2 * large_n))
    draw_cells(counts, heat_colours(uses), uses)
    counts.set(title=f"uses of each row: {uses.sum()} pairs share {uses.size} rows", xlabel="displacement of columns",
               ylabel="displacement of rows", xticklabels=range(1 - large_n, large_n),
               yticklabels=range(1 - large_m, large_m))
    below.suptitle(f"M = {large_m}: {index.size} pairs, {uses.size} displacements", fontsize="large")
    return figure


def lookup(window: Size, query: tuple[int, int], key: tuple[int, int]) -> tuple[int, int, int]:
    """For a query and a key at (row, column) of the window: their token numbers, and the row of the bias table."""
    _, n = pair(window)
    numbers = [row * n + column for row, column in (query, key)]
    return *numbers, int(relative_position_index(pair(window))[tuple(numbers)])


@HOUSE_STYLE
def bias_lookup(table: Array, window: Size = 7, head: int = 0, query: tuple[int, int] = (0, 1),
                key: tuple[int, int] = (2, 5)) -> Figure:
    """One pair of tokens traced from the window through the bias table ((2M-1)^2, heads) to the bias matrix of a head.

    query, key: (row, column) in the window.
    """
    m, n = pair(window)
    bias = relative_position_bias(table, (m, n))[head]                  # (M^2, M^2)
    grid = table[:, head].reshape(2 * m - 1, 2 * n - 1)                 # by displacement
    i, j, index = lookup((m, n), query, key)
    row, column = divmod(index, 2 * n - 1)
    shades = {"cmap": HEAT, "vmin": grid.min(), "vmax": grid.max(), "interpolation": "nearest"}
    colours = np.ones((m, n, 3))
    colours[query], colours[key] = to_rgb(ORANGE), to_rgb(BLUE)
    figure = new_figure(9.0, 4.7)
    tokens, lookup_table, matrix = figure.subplots(1, 3)
    draw_cells(tokens, colours, np.arange(m * n).reshape(m, n))
    tokens.set(title=f"window: query {i} (orange,\nlight) and key {j} (blue, dark)", xlabel="column", ylabel="row")
    lookup_table.imshow(grid, **shades)
    draw_frame(lookup_table, (column - 0.5, row - 0.5), 1, 1, ORANGE)
    lookup_table.set(title=f"bias table of head {head}\nby displacement: row {index}", ylabel="displacement of rows",
                     xlabel="displacement of columns", xticks=range(0, 2 * n - 1, 3), yticks=range(0, 2 * m - 1, 3),
                     xticklabels=range(1 - n, n, 3), yticklabels=range(1 - m, m, 3))
    image = matrix.imshow(bias, **shades)
    draw_frame(matrix, (j - 0.5, i - 0.5), 1, 1, ORANGE)
    matrix.set(title=f"bias B of head {head}:\nquery {i}, key {j}", xlabel="key", ylabel="query",
               xticks=range(0, m * n, 2 * n), yticks=range(0, m * n, 2 * n))
    for start, from_axes, end, to_axes in (((n - 0.5, key[0]), tokens, (column - 0.5, row), lookup_table),
                                           ((column + 0.5, row), lookup_table, (j - 0.5, i), matrix)):
        figure.add_artist(ConnectionPatch(start, end, "data", "data", axesA=from_axes, axesB=to_axes, linewidth=1.5,
                                          arrowstyle="-|>", mutation_scale=14, color=BLACK))
    figure.colorbar(image, ax=[tokens, lookup_table, matrix], location="bottom", shrink=0.35, aspect=30,
                    label="bias, added to the score")
    down, right = query[0] - key[0], query[1] - key[1]
    figure.suptitle(f"query minus key = ({down}, {right}), so row ({down} + {m - 1}) * {2 * n - 1} + "
                    f"({right} + {n - 1}) = {index} of the table: bias {bias[i, j]:.2f}")
    return figure
