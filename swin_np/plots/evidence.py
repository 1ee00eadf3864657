"""Section 4: the paper's Tables 1 to 6 as charts; every number in them comes from swin_np.paper_results."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.paper_results import FIRST, AttentionSpeed, Classifier, Detector, Segmenter
from swin_np.plots.cells import draw_numeral, signed_colours
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, NUMERAL_SIZE, ORANGE, PALE, VERMILION, WHITE, new_figure

Row = Classifier | Detector | Segmenter
MARKERS = {"Swin": ("o", BLUE), "DeiT": ("s", ORANGE), "ViT": ("^", VERMILION), "ResNet": ("D", PALE)}
LINES = ("-", "--", "-.", ":", (0, (1, 3)), (0, (5, 1)))                # of as many rows as Table 5 has
ROOM = (0.12, 0.04)                                    # of a name, in widths and heights of what the rows span
DOTS = "osD^vP"


def draw_rows(axes: Axes, rows: Sequence[Row], across: str, up: str, left: Callable[[Row], bool]) -> None:
    """A mark for every row, at its fields `across` and `up`, with its name; those for which `left` is true on the left.

    Marks of models that were trained on more than ImageNet-1K first are empty.
    """
    for row in rows:
        marker, colour = MARKERS[row.family]
        inside = colour if getattr(row, "pretraining", FIRST) == FIRST else WHITE
        axes.plot(getattr(row, across), getattr(row, up), marker, color=inside, markeredgecolor=BLACK if
                  inside != WHITE else colour, markeredgewidth=1 if inside != WHITE else 2, markersize=8)
        side = -1 if left(row) else 1
        axes.annotate(row.name, (getattr(row, across), getattr(row, up)), (7 * side, 0), va="center",
                      textcoords="offset points", ha="right" if side < 0 else "left", fontsize=NUMERAL_SIZE)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


def no_room(row: Row, rows: Sequence[Row], across: str, up: str) -> bool:
    """Whether a name on the right of a row's mark would leave the panel or meet the mark of another row."""
    places = np.array([(getattr(other, across), getattr(other, up)) for other in rows])
    further = (places - (getattr(row, across), getattr(row, up))) / np.ptp(places, axis=0)  # in widths and heights
    covered = (further[:, 0] > 0) & (further[:, 0] < ROOM[0]) & (np.abs(further[:, 1]) < ROOM[1])
    return bool(further[:, 0].max() < 1 / 2 or covered.any())


def draw_families(figure: Figure, rows: Sequence[Row]) -> None:
    """The legend: the mark of every family, and what is empty."""
    marks = [Line2D([], [], linestyle="none", marker=MARKERS[family][0], color=MARKERS[family][1], markersize=8,
                    markeredgecolor=BLACK, label=family) for family in MARKERS
             if family in {row.family for row in rows}]
    if any(getattr(row, "pretraining", FIRST) != FIRST for row in rows):
        marks.append(Line2D([], [], linestyle="none", marker="o", color=WHITE, markeredgecolor=BLACK, markersize=8,
                            markeredgewidth=2, label="empty: first trained on ImageNet-22K"))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))


@HOUSE_STYLE
def accuracy_by_cost(rows: Sequence[Classifier]) -> Figure:
    """Top-1 accuracy on ImageNet over multiply-adds and over images a second; both costs on logarithmic axes.

    Raises InputError without rows.
    """
    check_rows(rows)
    figure = new_figure(10.0, 5.4)
    work, speed = figure.subplots(1, 2, sharey=True)
    draw_rows(work, rows, "multiply_adds", "top_1", lambda row: row.multiply_adds > 40 and row.family != "DeiT")
    draw_rows(speed, rows, "images_per_second", "top_1", lambda row: row.images_per_second > 400)
    work.set(xscale="log", xlim=(3, 300), xticks=(5, 10, 20, 50, 100, 200), xticklabels=(5, 10, 20, 50, 100, 200),
             xlabel="G multiply-adds of an image (better: left)", ylabel="top-1 on ImageNet, % (better: up)")
    speed.set(xscale="log", xlim=(20, 1300), xticks=(30, 100, 300, 1000), xticklabels=(30, 100, 300, 1000),
              xlabel="images a second on a V100 (better: right)")
    for axes in (work, speed):
        axes.minorticks_off()
    draw_families(figure, rows)
    figure.suptitle("Table 1: accuracy and what it costs; 384 is the side of the image, 224 where there is none")
    return figure


@HOUSE_STYLE
def dense_results(detectors: Sequence[Detector], segmenters: Sequence[Segmenter]) -> Figure:
    """Box AP on COCO and mIoU on ADE20K, each over multiply-adds and over frames a second.

    Raises InputError without rows.
    """
    check_rows(detectors)
    check_rows(segmenters)
    figure = new_figure(10.0, 7.6)
    panels = figure.subplots(2, 2, sharey="row")
    for (work, speed), rows, up in ((panels[0], detectors, "box_ap"), (panels[1], segmenters, "miou")):
        for axes, field in ((work, "multiply_adds"), (speed, "frames_per_second")):
            draw_rows(axes, rows, field, up, lambda row, field=field, up=up, rows=rows: no_room(row, rows, field, up))
            axes.margins(0.1, 0.12)
    panels[0, 0].set_ylabel("Table 2, COCO: box AP")
    panels[1, 0].set_ylabel("Table 3, ADE20K: mIoU, %")
    for work, speed in panels:
        work.set_xlabel("G multiply-adds of an image (better: left)")
        speed.set_xlabel("frames a second (better: right)")
    draw_families(figure, [*detectors, *segmenters])
    figure.suptitle("Backbones for detection (Cascade Mask R-CNN) and segmentation (UPerNet)")
    return figure


def differences(rows: Mapping[str, Sequence[float | None]], reference: str) -> Array:
    """Each row minus the one called `reference`, to the tenth that the tables print; NaN where a number is missing."""
    values = np.array([list(row) for row in rows.values()], float)
    return (values - values[list(rows).index(reference)]).round(1)


@HOUSE_STYLE
def table_of_differences(rows: Mapping[str, Sequence[float | None]], columns: Sequence[str], reference: str,
                         title: str) -> Figure:
    """A table whose cells have the value and, below it, the difference from the row called `reference`.

    Blue is above it and orange below, the larger the darker. Raises InputError where the reference is none of the rows.
    """
    if reference not in rows:
        raise InputError(f"the reference is {reference!r}, which is none of the rows: give one of "
                         f"{', '.join(rows)}")
    changes = differences(rows, reference)
    colours = signed_colours(np.nan_to_num(changes))
    figure = new_figure(9.0, 1.3 + 0.55 * len(rows))
    axes = figure.subplots()
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    for (i, j), change in np.ndenumerate(changes):
        value = list(rows.values())[i][j]
        below = "" if i == list(rows).index(reference) else f"\n{change:+.1f}"
        text = "-" if value is None else f"{value:.1f}{below}"
        draw_numeral(axes, i, j, text, colours[i, j], fontsize=NUMERAL_SIZE + 1)
    axes.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(rows)), yticklabels=rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.hlines(np.arange(len(rows) - 1) + 0.5, -0.5, len(columns) - 0.5, colors="0.6", linewidth=0.6)
    figure.suptitle(f"{title}; below each number: minus \"{reference}\"")
    return figure


@HOUSE_STYLE
def attention_speed(rows: Sequence[AttentionSpeed]) -> Figure:
    """Table 5: milliseconds of each kind of attention in the four stages, and images a second of the whole Swin-T.

    Raises InputError without rows, and for more than can be told apart.
    """
    check_rows(rows)
    if len(rows) > len(LINES):
        raise InputError(f"{len(rows)} rows were given, expected {len(LINES)} or fewer: draw some of them")
    figure = new_figure(10.0, 4.6)
    stages, speed = figure.subplots(1, 2)
    for row, line, marker in zip(rows, LINES, DOTS, strict=False):
        stages.semilogy(range(1, 5), row.milliseconds, linestyle=line, marker=marker, color=BLUE if
                        row.name.startswith("shifted") else VERMILION, label=row.name)
    stages.set(xticks=range(1, 5), xlabel="stage", ylabel="milliseconds of its attention", yticks=(1, 3, 10, 30, 100),
               yticklabels=(1, 3, 10, 30, 100))
    stages.minorticks_off()
    stages.grid(color="0.9")
    stages.legend(loc="upper right")
    bars = speed.barh([row.name for row in rows], [row.images_per_second[0] for row in rows], edgecolor=BLACK,
                      color=[BLUE if row.name.startswith("shifted") else VERMILION for row in rows])
    speed.bar_label(bars, padding=3)
    speed.invert_yaxis()
    speed.set(xlabel="images a second, Swin-T on a V100", xlim=(0, 900))
    speed.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Table 5: the time that six kinds of attention take; a Performer approximates the softmax")
    return figure


def check_rows(rows: Sequence[Row | AttentionSpeed]) -> None:
    """Raise InputError where there is nothing to draw."""
    if not rows:
        raise InputError("there are no rows to draw: give those of a table of swin_np.paper_results")
