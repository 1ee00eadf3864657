"""The figure of benchmarks.speed: times beside PyTorch's, peak memory, and where swin_np's time goes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.contenders import EAGER, ONNX, OURS, PRODUCTS, SDPA, TIMM, TORCHVISION
from benchmarks.results import Results
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, NUMERAL_SIZE, ORANGE, VERMILION, WHITE, new_figure

SKY, GREEN, PURPLE, YELLOW = "#56B4E9", "#009E73", "#CC79A7", "#F0E442"          # Okabe and Ito 2008, as in the style
COLOURS = {OURS: BLUE, EAGER: VERMILION, SDPA: ORANGE, TORCHVISION: GREEN, TIMM: YELLOW, ONNX: PURPLE,
           PRODUCTS: "0.6"}
KIND_COLOURS = ["0.6", SKY, BLUE, ORANGE, GREEN, PURPLE, YELLOW]
REFERENCE = 224 ** 2                                   # pixels to which the profiles are scaled


def grouped_bars(axes: Axes, values: dict[str, dict[str, float]], numeral: str) -> None:
    """Horizontal bars, values[group][contender], the first group on top, each with its number."""
    names = [name for name in COLOURS if any(name in group for group in values.values())]
    height = 0.84 / len(names)
    for i, name in enumerate(names):
        places = [(place + (i - (len(names) - 1) / 2) * height, group[name])
                  for place, group in enumerate(values.values()) if name in group]
        bars = axes.barh([y for y, _ in places], [x for _, x in places], height, color=COLOURS[name], edgecolor=BLACK,
                         linewidth=0.4)
        axes.bar_label(bars, fmt=numeral, fontsize=NUMERAL_SIZE, padding=2)
    axes.set(yticks=range(len(values)), yticklabels=list(values))
    axes.margins(x=0.14)
    axes.invert_yaxis()


def draw_times(axes: Axes, results: Results) -> None:
    """Medians relative to PyTorch eager's, a group for every case."""
    grouped_bars(axes, {"batch {}, {}\n{} thread{}".format(*case, "s" if case[2] > 1 else ""):
                        {name: results.ratio(timing, EAGER) for name, timing in timings.items() if name != EAGER}
                        for case, timings in results.by_case().items()}, "%.2f")
    axes.axvline(1, color=COLOURS[EAGER], linewidth=2, zorder=0)
    axes.set(title="time of a forward pass", xlabel=f"relative to {EAGER} (the line)")


def draw_memory(axes: Axes, results: Results) -> None:
    """The peak of each process, a group for every case."""
    groups = {}
    for memory in results.memory:
        groups.setdefault(f"batch {memory.batch}\n{memory.size}", {})[memory.contender] = memory.peak
    grouped_bars(axes, groups, "%.0f")
    axes.set(title="peak memory, libraries included", xlabel="MiB")


def draw_profile(axes: Axes, results: Results) -> None:
    """One stacked bar for every case, in milliseconds for as many pixels as one image of 224x224 has."""
    cases = list(dict.fromkeys((share.batch, share.size) for share in results.profile))
    left = np.zeros(len(cases))
    for colour, kind in zip(KIND_COLOURS, dict.fromkeys(share.kind for share in results.profile), strict=True):
        widths = np.array([1000 * share.seconds * REFERENCE / (share.batch * share.size ** 2)
                           for share in results.profile if share.kind == kind])
        axes.barh(range(len(cases)), widths, 0.6, left, color=colour, edgecolor=WHITE, linewidth=0.6, label=kind)
        left += widths
    axes.set(yticks=range(len(cases)), yticklabels=[f"batch {batch}\n{size}" for batch, size in cases],
             title=f"where {OURS}'s time goes, one thread", xlabel="ms for 224 x 224 pixels")
    axes.invert_yaxis()


@HOUSE_STYLE
def speed_figure(results: Results) -> Figure:
    """Three panels, the contenders' colours the same in the first two; without peaks of memory two panels."""
    draw = [draw_times, *([draw_memory] if results.memory else []), draw_profile]
    figure = new_figure(5.0 * len(draw), 2.6 + 0.75 * len(results.by_case()))
    panels = figure.subplots(1, len(draw), squeeze=False)[0]
    for axes, function in zip(panels, draw, strict=True):
        function(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
    contenders = [name for name in COLOURS if name in results.contenders()]
    figure.legend(handles=[Patch(facecolor=COLOURS[name], edgecolor=BLACK, linewidth=0.4, label=name)
                           for name in contenders], loc="outside lower left", ncols=len(contenders))
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower right", ncols=4)
    figure.suptitle(f"{results.variant} on {results.machine['processor']}, {results.machine['cores']} cores")
    return figure
