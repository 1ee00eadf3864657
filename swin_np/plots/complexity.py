"""Section 3.2, Eq. 1 and 2: what attention costs over the image size, globally and in windows, stage by stage."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from swin_np.complexity import msa_multiply_adds, window_msa_multiply_adds
from swin_np.functional import Array
from swin_np.model import VARIANTS, SwinConfig
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, VERMILION, new_figure

SIZES = tuple(range(224, 1793, 224))                   # pixels; windows of 7 tile all four maps of each


def attention_costs(config: SwinConfig, sizes: Sequence[int]) -> tuple[Array, Array]:
    """Multiply-adds of one attention layer by Eq. 1 (MSA) and by Eq. 2 (W-MSA): (len(sizes), stages) int64 each.

    sizes: sides of square images in pixels. Raises ShapeError where windows do not tile a stage's map.
    """
    maps = [list(enumerate(config.map_sizes((size, size)))) for size in sizes]
    msa = [[msa_multiply_adds(h, w, config.channels(stage)) for stage, (h, w) in of_size] for of_size in maps]
    window_msa = [[window_msa_multiply_adds(h, w, config.channels(stage), config.window_size)
                   for stage, (h, w) in of_size] for of_size in maps]
    return np.array(msa, np.int64), np.array(window_msa, np.int64)


def ratio_text(ratio: float) -> str:
    """A ratio in three digits, as a reader says it."""
    return f"x {ratio:.2f}" if ratio < 10 else f"x {ratio:.1f}" if ratio < 100 else f"x {ratio:.0f}"


def draw_stage(axes: Axes, sizes: Sequence[int], msa: Array, window_msa: Array) -> None:
    """One panel: both costs over the image size, and their ratio at the smallest and the largest size."""
    axes.loglog(sizes, msa, color=VERMILION, linestyle="--", marker="s", markersize=5, label="MSA, Eq. 1")
    axes.loglog(sizes, window_msa, color=BLUE, linestyle="-", marker="o", markersize=5, label="W-MSA, Eq. 2")
    for i in (0, -1):
        axes.vlines(sizes[i], window_msa[i], msa[i], colors=BLACK, linestyles=":")
    first, last = (ratio_text(msa[i] / window_msa[i]) for i in (0, -1))
    axes.annotate(first, (sizes[0], window_msa[0]), (-4, -8), textcoords="offset points", ha="left", va="top",
                  fontweight="bold")                   # below the rising lines
    axes.annotate(last, (sizes[-1], msa[-1]), (4, 8), textcoords="offset points", ha="right", va="bottom",
                  fontweight="bold")                   # above them
    axes.xaxis.set_major_locator(FixedLocator([sizes[0] * 2 ** k for k in range(4)]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="0.85")
    axes.set_axisbelow(True)


@HOUSE_STYLE
def complexity_curve(config: SwinConfig = VARIANTS["swin_t"], sizes: Sequence[int] = SIZES) -> Figure:
    """Eq. 1 against Eq. 2 for one attention layer of each stage over square images of `sizes` pixels, both axes log.

    Where a single window covers the map, as in the last stage at 224, the ratio is 1: nothing is gained.
    Raises ShapeError where windows do not tile a stage's map.
    """
    msa, window_msa = attention_costs(config, sizes)
    figure = new_figure(10.0, 4.2)
    panels = figure.subplots(1, msa.shape[1], sharex=True, sharey=True, squeeze=False)[0]
    for stage, axes in enumerate(panels):
        draw_stage(axes, sizes, msa[:, stage], window_msa[:, stage])
        h, w = config.map_sizes((sizes[0], sizes[0]))[stage]
        axes.set_title(f"stage {stage + 1}\n{h} x {w} tokens at {sizes[0]}")
    panels[0].set(ylabel="multiply-adds of one attention layer", xlim=(sizes[0] * 0.8, sizes[-1] * 1.25),
                  ylim=(window_msa.min() / 4, msa.max() * 4))
    panels[-1].legend(loc="upper left")
    figure.supxlabel("side of the image in pixels; in bold: MSA / W-MSA at the smallest and the largest size",
                     fontsize="medium")
    return figure
