"""The figure of a cross-check: the error at every point by depth, and where the first wrong point is wrong."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from swin_np.crosscheck.report import Point, Report
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, NUMERAL_SIZE, VERMILION, new_figure

LEAST_EXCESS = 1e-3                                    # what is drawn for no error at all
MOST_LABELS = 32                                       # points named on the axis


@HOUSE_STYLE
def errors_by_depth(report: Report) -> Figure:
    """The error over the tolerance at every point, of the whole run and of each module alone; and the error map."""
    has_map = report.error_map is not None
    figure = new_figure(11.0 if has_map else 8.0, 5.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.9, 1)) if has_map else (figure.subplots(), None)
    draw_errors(left, report.points)
    if has_map:
        name, errors = report.error_map
        image = right.imshow(errors, cmap="magma")
        right.set_title(f"{name}:\nlargest error of each token")
        right.set(xlabel="column of tokens", ylabel="row of tokens")
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(image, ax=right, shrink=0.7)
    return figure


def draw_errors(axes: Axes, points: list[Point]) -> None:
    """Both errors of every point over its tolerance, on a logarithmic scale; above 1 it is no rounding."""
    depth = np.arange(len(points))
    whole = [drawn(point.whole.excess) for point in points]
    axes.plot(depth, whole, color=BLUE, marker="o", markersize=3, linewidth=1, label="whole run")
    alone = [(number, drawn(point.alone.excess)) for number, point in enumerate(points) if point.alone is not None]
    if alone:
        axes.plot(*zip(*alone, strict=True), color=VERMILION, marker="s", markersize=3.5, linestyle="none",
                  label="module on the candidate's own input")
    axes.axhline(1, color=BLACK, linewidth=0.8, linestyle="--", label="tolerance")
    step = max(1, math.ceil(len(points) / MOST_LABELS))
    axes.set(yscale="log", ylabel="error / tolerance", title="error by depth", xticks=depth[::step],
             xlim=(-0.6, len(points) - 0.4))
    axes.set_xticklabels([point.name for point in points[::step]], rotation=90, fontsize=NUMERAL_SIZE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=False)


def drawn(excess: float) -> float:
    """The error over the tolerance as far as a logarithmic axis can show it."""
    return max(excess, LEAST_EXCESS) if math.isfinite(excess) else np.nan
