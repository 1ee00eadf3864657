"""Section 3.2: what happens to the tokens in memory when a map is cut into windows, and without the transpose."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import draw_cells, frame_windows, position_colours
from swin_np.plots.style import HOUSE_STYLE, new_figure
from swin_np.windows import window_partition


def partition_steps(map_size: tuple[int, int], window: tuple[int, int]) -> dict[str, Array]:
    """Token numbers on their way into windows, in runs of M tokens as they lie in memory.

    "map" (H, W); "reshape" and "transpose" (H W / M, M), a row a run; "windows" (nW, M, M); "without transpose", the
    windows (nW, M, M) of a wrong version that only reshapes.
    """
    tokens = np.arange(map_size[0] * map_size[1]).reshape(map_size)
    windows = window_partition(tokens[None, :, :, None], window)[..., 0]
    return {"map": tokens, "reshape": tokens.reshape(-1, window[1]), "transpose": windows.reshape(-1, window[1]),
            "windows": windows, "without transpose": tokens.reshape(-1, *window)}


def draw_runs(axes: Axes, runs: Array, window_of_token: Array, framed: tuple[int, int]) -> None:
    """Token numbers (runs, M), or a map of them, coloured by window (2, H W); a frame around each `framed` block."""
    colours = position_colours(window_of_token.max(axis=1) + 1)[tuple(window_of_token)]     # (H W, 3)
    draw_cells(axes, colours[runs], runs)
    frame_windows(axes, runs.shape, framed)
    axes.set(xticks=[], yticks=[])


@HOUSE_STYLE
def window_partition_in_memory(map_size: Size = 8, window: Size = 4) -> Figure:
    """A map's tokens through reshape, transpose and reshape into windows, and what comes without the transpose.

    Raises ShapeError where the windows do not tile the map.
    """
    (h, w), (m, n) = pair(map_size), pair(window)
    steps = partition_steps((h, w), (m, n))
    window_of_token = np.indices((h, w)).reshape(2, -1) // [[m], [n]]   # (2, H W): row and column of windows
    titles = {"map": f"the map\n{(h, w)}", "reshape": f"reshape\n{(h // m, m, w // n, n)}",
              "transpose": f"transpose\n{(h // m, w // n, m, n)}", "windows": f"reshape\n{steps['windows'].shape}",
              "without transpose": f"WRONG: only\nreshape to {steps['windows'].shape}"}
    figure = new_figure(9.0, 5.2)
    for axes, (name, tokens) in zip(figure.subplots(1, 5, width_ratios=(w, n, n, n, n)), steps.items(), strict=True):
        framed = (1, n) if name in ("reshape", "transpose") else (m, n)
        draw_runs(axes, tokens.reshape(-1, tokens.shape[-1]), window_of_token, framed)
        axes.set_title(titles[name])
    figure.supxlabel("Colour: the window that a token belongs to. Columns 2 to 5: memory from top to bottom, "
                     f"in runs of {n};\nframes: a run, or in the last two a window of {m} runs.", fontsize="medium")
    return figure
