"""Section 4.4 made tangible: what trained probes answer, where they fail, their learned bias and their attention."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from swin_np.crosscheck.record import trace
from swin_np.errors import ShapeError
from swin_np.functional import Array, softmax
from swin_np.model import SwinTransformer
from swin_np.plots.cells import HEAT, draw_numeral, frame_tokens
from swin_np.plots.style import BLACK, HOUSE_STYLE, ORANGE, VERMILION, WHITE, draw_arrow, draw_frame, new_figure
from swin_np.probes import Boards, Task
from swin_np.probes.tasks import DIRECTIONS, SIDE
from swin_np.ragged import ragged_windows
from swin_np.windows import reverse_cyclic_shift, window_reverse

SHADES = colormaps["Blues"]                            # of attention, from 0 to 1
LOWEST_ACCURACY = 0.4                                  # of the colour scale; chance is 0.5


def draw_board(axes: Axes, photograph: Array) -> None:
    """One image (32, 32, 3), one unit a tile: tile (i, j) is centred at x = j, y = i."""
    axes.imshow(photograph, extent=(-0.5, SIDE - 0.5, SIDE - 0.5, -0.5), interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def draw_quadrants(axes: Axes, colour: str) -> None:
    """The borders of the quadrants, which are the windows of the last stage."""
    for draw in (axes.axhline, axes.axvline):
        draw(SIDE / 2 - 0.5, color=colour, linestyle="--", linewidth=1.2)


@HOUSE_STYLE
def boards_with_answers(task: Task, boards: Boards, chosen: dict[str, Sequence[int]]) -> Figure:
    """Boards in a row, below each the right answer and, by the name of its model, every answer in `chosen`.

    chosen: for each model the number of its answer to every board.
    """
    figure = new_figure(2.4 * len(boards.answers) + 0.4, 3.8)
    panels = figure.subplots(1, len(boards.answers), squeeze=False)[0]
    for i, (axes, photograph) in enumerate(zip(panels, boards.photographs(), strict=True)):
        draw_board(axes, photograph)
        draw_quadrants(axes, BLACK)
        right = boards.answers[i]
        axes.set_title(f"right answer:\n{task.answers[right]}")
        lines = [f"{model.replace('_', ' ')}: {task.answer_text(answers[i], right)}"
                 for model, answers in chosen.items()]
        axes.set_xlabel("\n".join(lines))
    figure.suptitle(task.question, fontsize="medium")
    return figure


@HOUSE_STYLE
def accuracy_maps(accuracies: dict[str, Array]) -> Figure:
    """For each model the share of right answers to SAME by the place between the marks, (16, 16), NaN where none was.

    Dashed lines are the borders of the quadrants: no block without the shift sees across them.
    """
    figure = new_figure(3.6 * len(accuracies) + 1.2, 4.0)
    panels = figure.subplots(1, len(accuracies), squeeze=False)[0]
    for axes, (model, accuracy) in zip(panels, accuracies.items(), strict=True):
        image = axes.imshow(accuracy, cmap=HEAT, vmin=LOWEST_ACCURACY, vmax=1, interpolation="nearest")
        axes.set_facecolor("0.6")
        draw_quadrants(axes, WHITE)
        axes.set(title=model.replace("_", " "), xticks=range(0, SIDE, 5), yticks=range(0, SIDE, 5),
                 xlabel="column midway between the marks")
    panels[0].set_ylabel("row midway between the marks")
    bar = figure.colorbar(image, ax=list(panels), ticks=[0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], extend="min", shrink=0.8)
    bar.set_label("share of right answers (chance: 0.5)")
    return figure


def bias_by_displacement(table: Array, window: tuple[int, int]) -> Array:
    """A table ((2M-1)^2, heads) as the bias for every displacement from query to key: (heads, 2M-1, 2M-1).

    The middle is the query itself; an entry below and right of it is for a key below and right of the query.
    """
    m, n = window
    maps = table.T.reshape(-1, 2 * m - 1, 2 * n - 1)   # by query minus key
    return maps[:, ::-1, ::-1]


def strongest_displacement(bias: Array) -> tuple[int, int]:
    """(rows, columns) from the query to the key with the largest bias, for one head's (2M-1, 2M-1)."""
    row, column = np.unravel_index(bias.argmax(), bias.shape)
    return int(row) - bias.shape[0] // 2, int(column) - bias.shape[1] // 2


def draw_bias(axes: Axes, bias: Array, largest: float) -> None:
    """One head's bias by displacement, an arrow from the query to the strongest key; frames where FLOCK has marks."""
    m, n = (side // 2 for side in bias.shape)
    axes.imshow(bias, cmap=HEAT, vmin=-largest, vmax=largest, extent=(-n - 0.5, n + 0.5, m + 0.5, -m - 0.5),
                interpolation="nearest")
    for row, column in DIRECTIONS:
        draw_frame(axes, (column - 0.5, row - 0.5), 1, 1, WHITE)
    row, column = strongest_displacement(bias)
    if row or column:
        draw_arrow(axes, (0, 0), (column, row), 14, VERMILION, linewidth=2.2, zorder=4)
    axes.plot(0, 0, "o", color=VERMILION, markersize=6, zorder=4)
    axes.set(xticks=range(-n, n + 1), yticks=range(-m, m + 1))


@HOUSE_STYLE
def learned_bias_tables(tables: dict[str, Sequence[Array]], window: tuple[int, int]) -> Figure:
    """The learned tables of several models, a row each, a panel for each head of the blocks given.

    tables: by the model's name, for each of its blocks a table ((2M-1)^2, heads). White frames are the displacements
    that FLOCK plants, the arrow goes to the strongest one that was learned.
    """
    rows = {model: np.concatenate([bias_by_displacement(np.asarray(table), window) for table in of_model])
            for model, of_model in tables.items()}     # (blocks heads, 2M-1, 2M-1)
    names = [f"block {block}, head {head + 1}" for block, table in enumerate(next(iter(tables.values())), start=1)
             for head in range(np.asarray(table).shape[1])]
    largest = max(float(np.abs(maps).max()) for maps in rows.values())
    figure = new_figure(2.3 * len(names) + 1.0, 2.3 * len(rows) + 0.7)
    panels = figure.subplots(len(rows), len(names), squeeze=False, sharex=True, sharey=True)
    for of_model, (model, maps) in zip(panels, rows.items(), strict=True):
        for axes, bias in zip(of_model, maps, strict=True):
            draw_bias(axes, bias, largest)
        of_model[0].set_ylabel(f"{model}\nrows")
    for axes in panels[-1]:
        axes.set_xlabel("columns")
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(name)
    bar = figure.colorbar(panels[0, 0].images[0], ax=list(panels.ravel()), shrink=0.6)
    bar.set_label("bias, added to the score")
    figure.supxlabel("displacement from the query to the key (not query minus key, as the index counts it)",
                     fontsize="medium")
    return figure


def corner_attention(model: SwinTransformer, image: Array, query: tuple[int, int],
                     block: str = "layers.0.blocks.1") -> tuple[Array, Array]:
    """What a query of the corner window of a shifted block attends to, without its mask and with it.

    image: (3, H, W). query: row and column on the original map. The window wraps around both borders, so its tokens lie
    in the four corners. Returns attention before and after the mask, (heads, h, w) each, NaN outside the window.
    Raises ShapeError for a query that is not in that window and for a block that is not shifted.
    """
    with trace(model, f"{block}.attn.*") as steps:
        model(image)
    part = dict(model.named_modules())[block]
    shift, (m, n) = part.shift_size, part.attn.window_size
    h, w = steps[f"{block}.attn.rolled_back"].shape[1:3]
    row, column = ((place - s) % side - (side - of)    # in the window at the bottom right of the rolled map
                   for place, s, side, of in zip(query, shift, (h, w), (m, n), strict=True))
    if min(row, column) < 0 or not all(shift):
        raise ShapeError(f"query {query} is not in the corner window of {block}, with shift {shift} on a {h}x{w} map: "
                         "take a shifted block and a token in a corner of the image")
    number = row * n + column
    scores = steps[f"{block}.attn.scores_with_bias"][-1, :, number]     # (heads, M^2)
    masked = steps[f"{block}.attn.probabilities"][-1, :, number]
    return unfold(softmax(scores), (h, w), (m, n), shift), unfold(masked, (h, w), (m, n), shift)


def unfold(weights: Array, map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Array:
    """Weights (heads, M^2) of the keys of the corner window, where these lie on the original map: (heads, h, w)."""
    (h, w), (m, n) = map_size, window
    windows = np.full((h * w // (m * n), m, n, len(weights)), np.nan)
    windows[-1] = weights.T.reshape(m, n, -1)
    return reverse_cyclic_shift(window_reverse(windows, (h, w)), shift)[0].transpose(2, 0, 1)


def draw_attention(axes: Axes, weights: Array) -> None:
    """The weight of every key (h, w) in percent on its tile, the darker the more; nothing where it is NaN."""
    for (row, column), weight in np.ndenumerate(weights):
        if np.isfinite(weight):
            ground = SHADES(weight)[:3]
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=ground, linewidth=0))
            draw_numeral(axes, row, column, f"{100 * weight:.0f}", ground)


def draw_pieces(axes: Axes, window: tuple[int, int], shift: tuple[int, int], query: tuple[int, int]) -> None:
    """Frames around the four pieces of the corner window, and around the query."""
    for rows, columns in ragged_windows((SIDE, SIDE), window, shift):
        if {rows.start, rows.stop} & {0, SIDE} and {columns.start, columns.stop} & {0, SIDE}:
            frame_tokens(axes, rows, columns)
    draw_frame(axes, (query[1] - 0.5, query[0] - 0.5), 1, 1, ORANGE)


@HOUSE_STYLE
def attention_before_and_after_mask(model: SwinTransformer, board: Boards, query: tuple[int, int], head: int) -> Figure:
    """What one query of the corner window of the second block attends to, on the original image.

    board: a single one. query: its row and column in tiles; head: counted from 0. Left the image with the four pieces
    of the window, in the middle the attention without the mask, right with it. Raises ShapeError as `corner_attention`.
    """
    before, after = corner_attention(model, board.images[0], query)
    block = model.layers[0].blocks[1]
    figure = new_figure(11.0, 4.3)
    panels = figure.subplots(1, 3)
    for axes in panels:
        draw_board(axes, board.photographs()[0])
        draw_pieces(axes, block.window_size, block.shift_size, query)
    lost = 0.0
    for axes, weights in zip(panels[1:], (before, after), strict=True):
        draw_attention(axes, weights[head])
        lost = float(np.nansum(np.where(after[head] == 0, before[head], 0)))
    panels[0].set(title="one window, in four corners",
                  xlabel=f"orange: the query, row {query[0]}, column {query[1]}")
    panels[1].set(title="attention before the mask, in percent",
                  xlabel=f"{100 * lost:.0f} % goes to other corners,\nwhich are no neighbours")
    panels[2].set(title="attention after the mask, in percent", xlabel="all of it stays in the query's own corner")
    return figure
