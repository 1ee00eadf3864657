"""One pixel, or one mistake, through all stages: where it is after each block, and what the blocks cost."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from swin_np.attribution.attention_maps import in_words
from swin_np.attribution.spread import Followed, extent
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.plots.attention_on_image import border
from swin_np.plots.cells import HEAT
from swin_np.plots.style import BLUE, HOUSE_STYLE, ORANGE, new_figure
from swin_np.text import size

CHANGES = (1e-6, 1.0)                                  # the ends of the scale, relative to the largest value of a map
COLUMNS = 5                                            # panels in a row


def draw_changes(axes: Axes, changes: Array) -> AxesImage:
    """The change of each token (h, w) on a logarithmic scale; white where it is exactly 0."""
    axes.set(xticks=[], yticks=[])
    return axes.imshow(np.where(changes > 0, changes, np.nan), cmap=HEAT, norm=LogNorm(*CHANGES, clip=True),
                       interpolation="nearest")


def map_panels(figure: Figure, changes: Mapping[str, Array], label: str) -> list[Axes]:
    """A panel for each map by its module's name, five in a row, with one scale."""
    rows = math.ceil(len(changes) / COLUMNS)
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for axes in panels[len(changes):]:
        axes.axis("off")
    for axes, (name, of_map) in zip(panels, changes.items(), strict=False):
        image = draw_changes(axes, of_map)
        axes.set_title(in_words(name), fontsize="small")
    figure.colorbar(image, ax=panels, shrink=0.8, aspect=30, extend="min", label=label)
    return panels[:len(changes)]


@HOUSE_STYLE
def pixel_through_stages(followed: Sequence[Followed]) -> Figure:
    """One pixel after each block and patch merging: its influence, framed where the masks let it be seen; the costs.

    followed: as swin_np.attribution.follow gives it. White is exactly no influence. Raises InputError without any.
    """
    if not followed:
        raise InputError("there is nothing that was followed: call swin_np.attribution.follow")
    rows = math.ceil(len(followed) / COLUMNS)
    figure = new_figure(9.0, 2.0 * rows + 2.9)
    above, below = figure.subfigures(2, 1, height_ratios=(2.0 * rows + 0.4, 2.5))
    panels = map_panels(above, {step.name: step.influence for step in followed},
                        "relative change")
    for axes, step in zip(panels, followed, strict=True):
        for (x, y), (to_x, to_y) in border(step.reach):
            axes.plot((x - 0.5, to_x - 0.5), (y - 0.5, to_y - 0.5), color=ORANGE, linewidth=1.8, clip_on=False)
        axes.set_xlabel(f"{size(extent(step.reach))} of {size(step.reach.shape)}", fontsize="small")
    colours = [BLUE if "blocks" in step.name else ORANGE for step in followed]
    for axes, values, what in zip(below.subplots(1, 2), (
            [step.multiply_adds / 1e6 for step in followed], [step.activation_bytes / 1e6 for step in followed]),
            ("million multiply-adds", "MB that it writes"), strict=True):
        axes.bar(range(len(values)), values, color=colours)
        axes.set(ylabel=what, xticks=[])
        axes.set_xlabel("blocks (blue) and mergings (orange), as above")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("One pixel: where it is felt (colour), where it could be seen (orange border), and what each step "
                    "costs", fontsize="medium")
    return figure


@HOUSE_STYLE
def error_through_stages(errors: Mapping[str, Array], mistake: str) -> Figure:
    """How wrong each token is after each block and patch merging, with a mistake planted; white is exactly right.

    errors: as swin_np.attribution.error_by_map gives them. mistake: its name. Raises InputError without errors.
    """
    if not errors:
        raise InputError("there are no errors to draw: call swin_np.attribution.error_by_map")
    figure = new_figure(9.0, 2.0 * math.ceil(len(errors) / COLUMNS) + 0.6)
    panels = map_panels(figure, errors, "relative error")
    for axes, error in zip(panels, errors.values(), strict=True):
        axes.set_xlabel(f"{np.count_nonzero(error)} of {error.size}\n{error.max():.1g}", fontsize="small")
    figure.suptitle(f"{mistake}: tokens that are wrong, and the largest error", fontsize="medium")
    return figure
