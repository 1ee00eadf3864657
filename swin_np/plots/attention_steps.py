"""Scaled dot-product attention (Vaswani et al. 2017, Eq. 1) on a few tokens, with every number in its cell."""

import numpy as np
from matplotlib.figure import Figure

from swin_np.baselines.transformer import scaled_dot_product_attention
from swin_np.functional import Array
from swin_np.layers import recording
from swin_np.plots.cells import draw_cells, signed_colours
from swin_np.plots.style import HOUSE_STYLE, new_figure

WHOLE = 1e-9                                           # a value this near to a whole number is written as one


def numeral(value: float) -> str:
    """A number as it fits a cell: whole or with two decimals."""
    return f"{value:.0f}" if abs(value - round(value)) < WHOLE else f"{value:.2f}"


def step_arrays(q: Array, k: Array, v: Array) -> dict[str, Array]:
    """The arrays of Eq. 1 by name, in its order: q, k (n, d), v (n, d_v), scores and probabilities (n, n), output."""
    steps = {"q": q, "k": k}
    with recording(lambda _, step, value: steps.update({step: value.copy()})):
        output = scaled_dot_product_attention(q, k, v)
    return {**steps, "v": v, "output": output}


@HOUSE_STYLE
def attention_steps(q: Array, k: Array, v: Array) -> Figure:
    """Queries and keys (n, d) to scores, scores to probabilities, and with values (n, d_v) to the output (n, d_v)."""
    steps = step_arrays(q, k, v)
    figure = new_figure(9.0, 4.6)
    panels = figure.subplots(2, 3)
    for axes, name, title, rows, columns in zip(
            panels.flat, ("q", "k", "scores", "probabilities", "v", "output"),
            ("1  queries Q", "keys K", "2  scores Q K^T / sqrt(d)", "3  softmax of each row", "values V",
             "4  output: softmax times V"),
            ("query", "key", "query", "query", "key", "query"),
            ("channel", "channel", "key", "key", "channel", "channel"), strict=True):
        draw_cells(axes, signed_colours(steps[name]), np.vectorize(numeral)(steps[name]))
        axes.set(title=title, ylabel=rows, xlabel=columns)
    figure.suptitle("White is 0 everywhere; blue is above and orange below, the largest of each matrix darkest",
                    fontsize="medium")
    return figure
