"""Res2Net, section 3.1, Fig. 2: its ladder of splits beside the bottlenecks of ResNet and ResNeXt."""

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from swin_np.baselines.res2net import Bottle2neck, receptive_fields
from swin_np.baselines.resnet import Bottleneck
from swin_np.convolution.layers import Conv2d
from swin_np.functional import Array
from swin_np.plots.cells import draw_cells, draw_numeral, signed_colours
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, NUMERAL_SIZE, ORANGE, WHITE, draw_arrow, new_figure

HALF = 0.25                                            # half the height of a box; rows of boxes are 1 apart
HEAD = 9                                               # size of the heads of arrows


def describe(conv: Conv2d) -> str:
    """Kernel, channels and groups of a convolution, read off its weight."""
    outputs, inputs, kernel, _ = conv.weight.shape
    groups = f"\n{conv.groups} groups" if conv.groups > 1 else ""
    return f"{kernel}x{kernel}, {inputs * conv.groups} to {outputs}{groups}"


def fields_of_split(fields: Array, i: int) -> str:
    """The sizes of what y_i sees of the splits, largest first, as text; fields as `receptive_fields` gives them."""
    return ", ".join(str(size) for size in sorted(fields[i][fields[i] > 0], reverse=True))


def draw_box(axes: Axes, x: float, y: float, width: float, text: str, colour: str) -> None:
    """A box with its text, around (x, y)."""
    axes.add_patch(FancyBboxPatch((x - width / 2, y - HALF), width, 2 * HALF, facecolor=colour, edgecolor=BLACK,
                                  boxstyle="round,pad=0,rounding_size=0.08", mutation_aspect=1))
    draw_numeral(axes, y, x, text, to_rgb(colour))


def draw_sum(axes: Axes, x: float, y: float, colour: str) -> None:
    """A plus in a circle."""
    axes.text(x, y, "+", ha="center", va="center", fontweight="bold", color=colour,
              bbox={"boxstyle": "circle,pad=0.1", "facecolor": WHITE, "edgecolor": colour})


def draw_shortcut(axes: Axes, x: float, bottom: float, side: float) -> None:
    """Around the block, from above its first box to the sum below its last."""
    axes.plot((x, side, side), (-0.45, -0.45, bottom), color=BLACK, linewidth=1)
    draw_arrow(axes, (side, bottom), (x + 0.12, bottom), HEAD)
    draw_sum(axes, x, bottom, BLACK)
    draw_arrow(axes, (x, bottom + 0.2), (x, bottom + 0.55), HEAD)


def draw_bottleneck(axes: Axes, block: Bottleneck, title: str) -> None:
    """ResNet's or ResNeXt's block: three convolutions in a row."""
    convs = (block.conv1, block.conv2, block.conv3)
    for y, (conv, colour) in zip((0, 2, 4), zip(convs, (WHITE, ORANGE, WHITE), strict=True), strict=True):
        draw_arrow(axes, (0, -0.7 if y == 0 else y - 2 + HALF), (0, y - HALF), HEAD)
        draw_box(axes, 0, y, 1.5, describe(conv), colour)
    draw_arrow(axes, (0, 4 + HALF), (0, 4.62), HEAD)
    draw_shortcut(axes, 0, 4.8, 0.95)
    axes.set(title=title, xlim=(-0.95, 1.1), ylim=(5.5, -0.75))
    axes.axis("off")


def draw_ladder(axes: Axes, block: Bottle2neck, fields: Array, title: str) -> None:
    """Res2Net's block: every split but the last through a 3x3, to which the split before it is added."""
    scale = len(block.convs) + 1
    middle, wide = (scale - 1) / 2, scale - 0.1
    draw_arrow(axes, (middle, -0.7), (middle, -HALF), HEAD)
    draw_box(axes, middle, 0, wide, describe(block.conv1), WHITE)
    for i in range(scale):
        last = i == scale - 1
        draw_arrow(axes, (i, HALF), (i, 4 - HALF if last else 2 - HALF), HEAD)
        axes.text(i + 0.06, 0.5, f"x{i + 1}", va="center", fontsize=NUMERAL_SIZE)
        axes.text(i + 0.06, 3.25, f"y{i + 1} sees\n{fields_of_split(fields, i)}", va="center", fontsize=NUMERAL_SIZE)
        if not last:
            draw_box(axes, i, 2, 0.86, describe(block.convs[i]).replace(", ", "\n"), ORANGE)
            draw_arrow(axes, (i, 2 + HALF), (i, 4 - HALF), HEAD)
        if 0 < i < scale - 1:                          # x_i + y_(i-1)
            axes.plot((i - 1, i - 0.5, i - 0.5), (2.62, 2.62, 1.2), color=BLUE, linewidth=1.5)
            draw_arrow(axes, (i - 0.5, 1.2), (i - 0.1, 1.2), HEAD)
            draw_sum(axes, i, 1.2, BLUE)
    draw_box(axes, middle, 4, wide, describe(block.conv3), WHITE)
    draw_arrow(axes, (middle, 4 + HALF), (middle, 4.62), HEAD)
    draw_shortcut(axes, middle, 4.8, scale - 0.25)
    axes.set(title=title, xlim=(-0.55, scale - 0.1), ylim=(5.5, -0.75))
    axes.axis("off")


@HOUSE_STYLE
def res2net_ladder(resnet: Bottleneck, resnext: Bottleneck, res2net: Bottle2neck) -> Figure:
    """ResNet's and ResNeXt's bottlenecks beside Res2Net's ladder of splits, and what each of its outputs sees.

    res2net: a block that adds its splits, so not the first one of a stage.
    """
    fields = receptive_fields(len(res2net.convs) + 1)
    figure = new_figure(9.0, 5.0)
    panels = figure.subplots(1, 4, width_ratios=(1.1, 1.1, 2.1, 1.3))
    draw_bottleneck(panels[0], resnet, "ResNet")
    draw_bottleneck(panels[1], resnext, "ResNeXt")
    draw_ladder(panels[2], res2net, fields, f"Res2Net, {len(fields)} splits")
    numerals = [["" if size == 0 else str(size) for size in row] for row in fields]
    draw_cells(panels[3], signed_colours(fields), numerals)
    splits = range(len(fields))
    panels[3].set(title="receptive field,\npixels a side", xlabel="of the split", ylabel="output", xticks=splits,
                  xticklabels=[f"x{i + 1}" for i in splits], yticks=splits,
                  yticklabels=[f"y{i + 1}" for i in splits])
    figure.suptitle("A 3x3 (orange) sees 3 pixels in ResNet and ResNeXt; Res2Net's splits see "
                    f"1 to {fields.max()} within one block", fontsize="large")
    return figure
