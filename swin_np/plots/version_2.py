"""Swin V2, sections 3.2 and 3.3: what its norms and its bias change, computed with random weights."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import numpy as np
from matplotlib.figure import Figure

from swin_np.attention import relative_position_index
from swin_np.baselines.swin_v2 import CosineWindowAttention
from swin_np.checkpoints.resizing import resize_bias_table
from swin_np.crosscheck.record import trace
from swin_np.functional import Array
from swin_np.model import SwinTransformer
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, VERMILION, new_figure


def louder(model: SwinTransformer, factor: float) -> SwinTransformer:
    """A copy in which the last linear layer of every branch, after the attention and in the MLP, is `factor` larger."""
    model = deepcopy(model)
    for stage in model.layers:
        for block in stage.blocks:
            for layer in (block.attn.proj, block.mlp.fc2):
                layer.weight *= factor
                layer.bias *= factor
    return model


def main_path(model: SwinTransformer, images: Array, stage: int) -> list[float]:
    """The root mean square of the map after every block of a stage, counted from 0."""
    with trace(model, f"layers.{stage}.blocks.*") as steps:
        model(images)
    maps = [steps[f"layers.{stage}.blocks.{block}"] for block in range(len(model.layers[stage].blocks))]
    return [float(np.sqrt(np.square(values, dtype=np.float64).mean())) for values in maps]


@HOUSE_STYLE
def growth_by_depth(sizes: Mapping[str, Mapping[float, Sequence[float]]]) -> Figure:
    """How large the map is after every block: a panel for each model, a line for each factor of its branches."""
    figure = new_figure(9.0, 4.2)
    panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for axes, (model, lines) in zip(panels, sizes.items(), strict=True):
        for number, (factor, line) in enumerate(lines.items()):
            axes.semilogy(range(1, len(line) + 1), line, color=(BLUE, VERMILION, BLACK)[number % 3],
                          linestyle=("-", "--", ":")[number % 3], linewidth=2.5 - 0.5 * (number % 3),
                          marker="os^"[number % 3], markersize=7 - 2 * (number % 3), label=f"branches times {factor:g}")
        axes.set(title=model, xlabel="block", xticks=range(2, len(line) + 1, 4))
        axes.grid(color="0.9")
    panels[0].set_ylabel("root mean square of the map")
    panels[-1].legend(loc="lower right")
    return figure


def bias_table(attn: CosineWindowAttention) -> Array:
    """The bias of every displacement of the window, as the tables of the first version have it: ((2M-1)^2, heads)."""
    m, n = attn.window_size
    table = np.empty(((2 * m - 1) * (2 * n - 1), len(attn.logit_scale)), attn.dtype)
    table[relative_position_index(attn.window_size)] = attn.position_bias().transpose(1, 2, 0)
    return table


def for_window(attn: CosineWindowAttention, window: tuple[int, int]) -> CosineWindowAttention:
    """The same network G, asked for another window; coordinates stay scaled by the window of its training."""
    larger = deepcopy(attn)
    larger.window_size = window
    return larger


def along_a_row(table: Array, side: int, head: int) -> tuple[Array, Array]:
    """The displacements of columns, -(M-1) to M-1, and the bias of a head for them in the query's own row."""
    return np.arange(1 - side, side), table[:, head].reshape(2 * side - 1, 2 * side - 1)[side - 1]


@HOUSE_STYLE
def bias_for_larger_window(attn: CosineWindowAttention, larger: int, head: int = 0) -> Figure:
    """The bias along one row in the window of training, square, and in a `larger` one: by V2's network, and bicubic."""
    side = attn.window_size[0]
    table = bias_table(attn)
    figure = new_figure(9.0, 4.4)
    axes = figure.subplots()
    for values, of_side, colour, style, marker, label in (
            (bias_table(for_window(attn, (larger, larger))), larger, BLUE, "-", "o",
             f"V2: the network, asked for M = {larger}"),
            (resize_bias_table(table, side, larger), larger, VERMILION, "--", "s",
             f"V1: the table of M = {side}, bicubic to M = {larger}"),
            (table, side, BLACK, "none", "x", f"the window of training, M = {side}")):
        axes.plot(*along_a_row(values, of_side, head), color=colour, linestyle=style, marker=marker,
                  markersize=8 if style == "none" else 5, label=label, zorder=4 if style == "none" else 3)
    axes.axvspan(1 - side, side - 1, color="0.93", zorder=0)
    axes.set(xlabel=f"displacement of columns (grey: those of M = {side})", ylabel=f"bias of head {head}",
             title="A displacement keeps its bias in V2; bicubic stretches the table")
    axes.legend(loc="best")
    return figure
