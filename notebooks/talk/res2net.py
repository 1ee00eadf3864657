"""The pictures of the talk on Res2Net."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from notebooks.talk.panels import panels
from swin_np.baselines.res2net import RES2NET_VARIANTS, Bottle2neck, receptive_fields
from swin_np.baselines.resnet import RESNET_VARIANTS, Bottleneck
from swin_np.plots.cells import draw_cells, heat_colours
from swin_np.plots.res2net import draw_bottleneck, draw_ladder


def bottlenecks() -> tuple[Bottleneck, Bottleneck]:
    """A block of ResNet-50's first stage, and one of ResNeXt-50's; without weights."""
    resnet, resnext = RESNET_VARIANTS["resnet_50"], RESNET_VARIANTS["resnext_50_32x4d"]
    return (Bottleneck.random(resnet, 0, resnet.channels(0), 1, None),
            Bottleneck.random(resnext, 0, resnext.channels(0), 1, None))


def rows_of_convolutions(count: int) -> Figure:
    """The block of ResNet and, with a `count` of 2, of ResNeXt: three convolutions in a row each."""
    def draw(axes: Iterator[Axes]) -> None:
        for panel, block, name in zip(axes, bottlenecks(), ("ResNet-50", "ResNeXt-50"), strict=False):
            draw_bottleneck(panel, block, name)
    return panels(3.2 * count, 5.4, count, 1.5, draw)


def ladder(told: bool) -> Figure:
    """Res2Net-50's block of four splits; `told`: with what each output sees of them."""
    def draw(axes: Iterator[Axes]) -> None:
        config, panel = RES2NET_VARIANTS["res2net_50_26w_4s"], next(axes)
        block = Bottle2neck.random(config, 0, config.channels(0), 1, False, None)
        draw_ladder(panel, block, receptive_fields(config.scale), "")
        for text in panel.texts:
            if not told:
                text.set_text(text.get_text().partition(" sees")[0])
    return panels(7.0, 5.4, 1, 1.7, draw)


def fields(scale: int, first: bool, factor: float) -> Figure:
    """What each output of a block sees of each split, in pixels on a side; white: nothing."""
    def draw(axes: Iterator[Axes]) -> None:
        sizes, panel, splits = receptive_fields(scale, first), next(axes), range(scale)
        numerals = [["" if size == 0 else str(size) for size in row] for row in sizes]
        draw_cells(panel, np.where(sizes[..., None] > 0, heat_colours(-sizes), 1), numerals)
        panel.set(xlabel="sees of split", ylabel="output", xticks=splits, yticks=splits,
                  xticklabels=[f"x{i + 1}" for i in splits], yticklabels=[f"y{i + 1}" for i in splits])
    return panels(5.2, 5.2, 1, factor, draw)


PICTURES: dict[str, Callable[[], Figure]] = {
    "row of convolutions": partial(rows_of_convolutions, 1),
    "rows of convolutions": partial(rows_of_convolutions, 2),
    "ladder": partial(ladder, False),
    "ladder and what it sees": partial(ladder, True),
    "fields of four": partial(fields, 4, False, 2.0),
    "fields of eight": partial(fields, 8, False, 1.6),
    "fields of a first block": partial(fields, 4, True, 2.0),
}
"""Those of the talk on Res2Net, beside the photograph."""
