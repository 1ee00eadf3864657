"""Section 3.2, Eq. 1 and 2: what attention costs over the image size, globally and in windows, stage by stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from swin_np.complexity import block_costs, msa_multiply_adds, window_msa_multiply_adds
from swin_np.costs import attention_cost, linear_cost, total
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, ORANGE, VERMILION, WHITE, new_figure
from swin_np.variants import VARIANTS, SwinConfig

SIZES = tuple(28 * 2 ** k for k in range(7))           # pixels, 28 to 1792
REFERENCE = 224                                        # the paper's size


@dataclass(frozen=True)
class AttentionTime:
    """How long one attention layer took, as benchmarks/attention_time.py measures it.

    stage: from 0. size: side of the image in pixels. windows: whether in windows (W-MSA) or globally (MSA).
    """

    stage: int
    size: int
    windows: bool
    seconds: float


def read_attention_times(path: str | Path) -> list[AttentionTime]:
    """The times in a JSON file of benchmarks/attention_time.py; InputError for any other file."""
    try:
        return [AttentionTime(**row) for row in json.loads(Path(path).read_text())["times"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} holds no attention times ({error}): write it with "
                         "python -m benchmarks.attention_time") from error


def stage_sizes(config: SwinConfig, stage: int, sizes: Sequence[int]) -> list[int]:
    """Those of the sizes, in pixels, at which the map of a stage is tiled by at least one window."""
    maps = {size: config.map_sizes((size, size))[stage] for size in sizes}
    m, n = config.window(stage)
    return [size for size, (h, w) in maps.items() if h >= m and w >= n and not (h % m or w % n)]


def attention_costs(config: SwinConfig, stage: int, sizes: Sequence[int]) -> tuple[Array, Array]:
    """Multiply-adds of one attention layer of a stage by Eq. 1 (MSA) and by Eq. 2 (W-MSA): (len(sizes),) int64 each.

    sizes: sides of square images in pixels. Raises ShapeError where windows do not tile the map.
    """
    maps, channels = [config.map_sizes((size, size))[stage] for size in sizes], config.channels(stage)
    return (np.array([msa_multiply_adds(h, w, channels) for h, w in maps], np.int64),
            np.array([window_msa_multiply_adds(h, w, channels, config.window(stage)) for h, w in maps], np.int64))


def counted_costs(config: SwinConfig, stage: int, sizes: Sequence[int]) -> tuple[Array, Array]:
    """The same as `attention_costs`, but counted layer by layer: qkv, the two products of Eq. 4, and proj."""
    channels, heads, msa, window_msa = config.channels(stage), config.num_heads[stage], [], []
    for size in sizes:
        h, w = config.map_sizes((size, size))[stage]
        msa.append(total([linear_cost("qkv", (h * w,), channels, 3 * channels),
                          attention_cost("attn", 1, h * w, channels, heads),
                          linear_cost("proj", (h * w,), channels, channels)]).multiply_adds)
        window_msa.append(total(cost for cost in block_costs("block", config, stage, (h, w))
                                if cost.name.startswith("block.attn")).multiply_adds)
    return np.array(msa, np.int64), np.array(window_msa, np.int64)


def rate(config: SwinConfig, measured: Sequence[AttentionTime]) -> float:
    """Multiply-adds a second of W-MSA in stage 1 at the paper's image size: one constant for all measured times.

    Raises InputError where that time is missing.
    """
    for time in measured:
        if time.windows and time.stage == 0 and time.size == REFERENCE:
            return float(attention_costs(config, 0, [REFERENCE])[1][0] / time.seconds)
    raise InputError(f"no time of W-MSA in stage 0 at {REFERENCE} pixels is among the {len(measured)} given: measure "
                     "it too, by python -m benchmarks.attention_time")


def ratio_text(ratio: float) -> str:
    """A ratio in three digits, as a reader says it."""
    return f"x {ratio:.2f}" if ratio < 10 else f"x {ratio:.1f}" if ratio < 100 else f"x {ratio:.0f}"


def draw_stage(axes: Axes, config: SwinConfig, stage: int, sizes: Sequence[int]) -> None:
    """One panel: both costs over the image size, by equation and counted, where they meet, and their ratios."""
    sizes = stage_sizes(config, stage, sizes)
    msa, window_msa = attention_costs(config, stage, sizes)
    counted_msa, counted_window_msa = counted_costs(config, stage, sizes)
    axes.loglog(sizes, msa, color=VERMILION, linestyle="--", label="MSA, Eq. 1")
    axes.loglog(sizes, window_msa, color=BLUE, label="W-MSA, Eq. 2")
    axes.loglog(sizes, counted_msa, color=VERMILION, linestyle="none", marker="s", markersize=5, label="MSA, counted")
    axes.loglog(sizes, counted_window_msa, color=BLUE, linestyle="none", marker="o", markersize=5,
                label="W-MSA, counted")
    meeting = np.flatnonzero(msa == window_msa)
    axes.loglog(np.take(sizes, meeting), msa[meeting], color=ORANGE, linestyle="none", marker="*", markersize=15,
                markeredgecolor=BLACK, label="they meet: one window\ncovers the map")
    axes.axvline(REFERENCE, color=BLACK, linestyle=":", linewidth=1, zorder=0)
    for size in (REFERENCE, sizes[-1]):
        i = sizes.index(size)
        axes.annotate(ratio_text(msa[i] / window_msa[i]), (size, window_msa[i]), (5, -12), textcoords="offset points",
                      ha="left" if size == REFERENCE else "right", va="top", fontweight="bold",
                      bbox={"facecolor": WHITE, "edgecolor": "none", "pad": 1})          # below the curves it is free


def draw_times(axes: Axes, measured: Sequence[AttentionTime], stage: int, per_second: float) -> None:
    """The measured times of a stage in one panel, as the multiply-adds that so much time is enough for."""
    for windows, marker, colour, name in ((False, "s", VERMILION, "MSA, measured"),
                                          (True, "o", BLUE, "W-MSA, measured")):
        times = [time for time in measured if time.stage == stage and time.windows == windows]
        axes.loglog([time.size for time in times], [time.seconds * per_second for time in times], linestyle="none",
                    marker=marker, markersize=10, markerfacecolor="none", markeredgecolor=colour, label=name)


@HOUSE_STYLE
def complexity_curve(config: SwinConfig = VARIANTS["swin_t"], sizes: Sequence[int] = SIZES,
                     measured: Sequence[AttentionTime] = ()) -> Figure:
    """Eq. 1 and 2, the counted operations and the measured time of an attention layer in each stage by image size.

    Both axes are logarithmic. Where a single window covers the map the curves meet: in the last stage that is at the
    paper's 224, where windows gain nothing. Times are drawn at one rate for all; without `measured` there are none.
    Raises InputError where the time that gives the rate is missing.
    """
    per_second = rate(config, measured) if measured else None
    figure = new_figure(9.0, 7.4)
    panels = figure.subplots(2, -(-len(config.depths) // 2), sharex=True, sharey=True, squeeze=False)
    for stage, axes in enumerate(panels.flat[:len(config.depths)]):
        draw_stage(axes, config, stage, sizes)
        if per_second:
            draw_times(axes, measured, stage, per_second)
        h, w = config.map_sizes((REFERENCE, REFERENCE))[stage]
        axes.set_title(f"stage {stage + 1}, C = {config.channels(stage)}: {h} x {w} tokens at {REFERENCE}")
        axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.grid(color="0.88")
        axes.set_axisbelow(True)
        if per_second and stage % panels.shape[1] == panels.shape[1] - 1:
            axes.secondary_yaxis("right", functions=(lambda x: 1000 * x / per_second, lambda x: x * per_second / 1000)
                                 ).set_ylabel("milliseconds")
    panels.flat[0].set(ylim=(3e5, 1e14), xlim=(sizes[0] / 1.5, sizes[-1] * 1.5))
    for axes in panels[:, 0]:
        axes.set_ylabel("multiply-adds")
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    for axes in panels[-1]:
        axes.set_xlabel("side of the image in pixels")
    figure.suptitle(f"One attention layer, globally (MSA) and in windows (W-MSA); bold: their ratio at {REFERENCE} "
                    f"and {sizes[-1]}")
    return figure
