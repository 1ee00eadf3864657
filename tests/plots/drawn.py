"""What a figure shows, read back from it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle


def framed(axes: Axes) -> set[tuple[float, ...]]:
    """Every distinct rectangle of a panel: (left, top, width, height)."""
    return {(*patch.get_xy(), patch.get_width(), patch.get_height())
            for patch in axes.patches if isinstance(patch, Rectangle)}


def numerals(axes: Axes) -> np.ndarray:
    """The numbers in the cells of a panel, by where they stand: (h, w), NaN where there is none."""
    shown = np.full(axes.images[0].get_array().shape[:2], np.nan)
    for text in axes.texts:
        column, row = text.get_position()
        shown[int(row), int(column)] = float(text.get_text() or "nan")
    return shown
