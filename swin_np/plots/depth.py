"""How rounding grows with depth: the error of every layer, ours and the oracle's, against the float64 truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from swin_np.errors import InputError
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, ORANGE, VERMILION, WHITE, new_figure


@dataclass(frozen=True)
class LayerError:
    """The largest differences in the output of one layer, relative to the largest value of the truth.

    The truth is swin_np's float64. name: the official name of the layer. ours_float32: swin_np in float32.
    theirs_float32, theirs_float64: PyTorch.
    """

    name: str
    ours_float32: float
    theirs_float32: float
    theirs_float64: float


def read_layer_errors(path: str | Path) -> list[LayerError]:
    """The errors in a JSON file of benchmarks/depth.py; InputError for any other file."""
    try:
        return [LayerError(**row) for row in json.loads(Path(path).read_text())["layers"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} holds no errors of layers ({error}): write it with python -m benchmarks.depth"
                         ) from error


@HOUSE_STYLE
def error_by_depth(errors: Sequence[LayerError]) -> Figure:
    """The error of every layer against the float64 truth: swin_np and PyTorch in float32, and both in float64.

    Raises InputError where there are no errors to draw.
    """
    if not errors:
        raise InputError("there are no layers to draw: measure some with python -m benchmarks.depth")
    figure = new_figure(9.0, 4.8)
    axes = figure.subplots()
    places = range(len(errors))
    for field, colour, marker, line, label in (
            ("theirs_float32", VERMILION, "s", "--", "PyTorch float32 - swin_np float64"),
            ("ours_float32", BLUE, "o", "-", "swin_np float32 - swin_np float64"),
            ("theirs_float64", BLACK, "^", ":", "PyTorch float64 - swin_np float64")):
        axes.semilogy(places, [getattr(error, field) for error in errors], color=colour, marker=marker, linestyle=line,
                      label=label)
    for place, error in enumerate(errors):
        if error.name.endswith(".blocks.0"):           # the first block of a stage
            axes.axvline(place - 0.5, color="0.7", linewidth=1)
    for dtype in (np.float32, np.float64):
        eps = np.finfo(dtype).eps
        axes.axhline(eps, color=ORANGE, linewidth=1.5)
        axes.annotate(f"one unit in the last place of 1 in {np.dtype(dtype)}: {eps:.1e}", (-0.4, eps), (0, -4),
                      va="top", textcoords="offset points",
                      bbox={"facecolor": WHITE, "edgecolor": "none", "pad": 1})
    axes.set(xticks=places, xticklabels=[error.name for error in errors], ylim=(1e-17, 1e-5),
             ylabel="largest difference /\nlargest value of the layer",
             title="Rounding, layer after layer (grey lines: stages): it grows little with depth")
    axes.tick_params(axis="x", rotation=90)
    axes.grid(axis="y", color="0.9")
    axes.legend(loc="center right")
    return figure
