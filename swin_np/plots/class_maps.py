"""Class maps on the image: what speaks for a class, and what against it."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.plots.attention_on_image import draw_grey, draw_image, lay_on
from swin_np.plots.style import HOUSE_STYLE, new_figure

FOR_AND_AGAINST = colormaps["PuOr_r"]                  # violet against, orange for; also told apart by the colour-blind


@HOUSE_STYLE
def class_maps_on_image(image: Array, maps: Mapping[str, Array], note: str = "") -> Figure:
    """The image, and each map (h, w) stretched over it by its name: orange speaks for the class, violet against it.

    image: (H, W, 3), uint8 or 0 to 1. Every map has its own scale, from minus to plus its largest absolute value.
    Raises InputError without maps.
    """
    if not maps:
        raise InputError("there are no class maps to draw: give at least one, as swin_np.attribution.occlusion does")
    figure = new_figure(2.9 * (1 + len(maps)), 3.3 + 0.2 * bool(note))
    first, *panels = figure.subplots(1, 1 + len(maps))
    draw_image(first, image)
    first.set_title("the image")
    for axes, (name, values) in zip(panels, maps.items(), strict=True):
        largest = float(np.nanmax(np.abs(values))) or 1.0
        draw_grey(axes, image)
        pixels = image.shape[0] / values.shape[0], image.shape[1] / values.shape[1]
        colours = lay_on(axes, values, pixels, Normalize(-largest, largest), FOR_AND_AGAINST)
        axes.set_title(name)
        figure.colorbar(colours, ax=axes, location="bottom", shrink=0.9, aspect=25, ticks=[-largest, 0, largest],
                        format="{x:.2g}")
    if note:
        figure.suptitle(note, fontsize="medium")
    return figure
