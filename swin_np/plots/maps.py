"""Feature maps to look at: how far every token is from the mean token of its map, a row for each backbone or head."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.plots.cells import HEAT
from swin_np.plots.style import HOUSE_STYLE, new_figure


def distinctness(x: Array) -> Array:
    """How far each token of one map (1, h, w, C) is from the mean token, root mean square, the largest 1: (h, w)."""
    tokens = x[0].astype(np.float64)
    distance = np.sqrt(np.square(tokens - tokens.mean(axis=(0, 1))).mean(axis=-1))
    return distance / max(distance.max(), np.finfo(np.float64).tiny)


@HOUSE_STYLE
def maps_by_distinctness(rows: Mapping[str, Sequence[Array]], image: Array | None = None) -> Figure:
    """The maps (1, h, w, C) of each row, the finest first, by how far each token is from the mean: bright is far.

    Every map is scaled on its own. image: (H, W, 3) uint8, drawn before each row. Raises InputError without maps.
    """
    if not rows or not all(rows.values()):
        raise InputError("there are no maps to draw: give at least one for every row, as feature_maps gives them")
    columns = max(len(maps) for maps in rows.values()) + (image is not None)
    figure = new_figure(9.0, 1.1 + 2.4 * len(rows) * 4.5 / max(columns, 4.5))
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for line, (name, maps) in zip(panels, rows.items(), strict=True):
        drawn = list(line)
        if image is not None:
            drawn[0].imshow(image)
            drawn[0].set(title="the image", xlabel=f"{image.shape[0]} x {image.shape[1]} x 3")
            drawn = drawn[1:]
        drawn[0].set_title(name, loc="left")
        for axes, x in zip(drawn, maps, strict=False):
            scaled = axes.imshow(distinctness(x), cmap=HEAT, vmin=0, vmax=1, interpolation="nearest")
            axes.set_xlabel(" x ".join(map(str, x.shape[1:])))
        for axes in drawn[len(maps):]:
            axes.axis("off")
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    figure.colorbar(scaled, ax=list(panels.flat), location="bottom", shrink=0.4, aspect=40, ticks=[0, 0.5, 1],
                    label="distance from the mean token, the largest of each map 1")
    return figure
