"""Figures for a screen that is seen from the last row: rows of panels, with large type and no title of their own."""

from collections.abc import Callable, Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from swin_np.plots.style import HOUSE_STYLE, new_figure


def enlarged(figure: Figure, width: float, height: float, factor: float) -> Figure:
    """The figure on another canvas, in inches, with its type larger by a factor and without its main title.

    The slide has a title of its own, and says one thing.
    """
    figure.set_size_inches(width, height)
    figure.suptitle("")
    for text in figure.findobj(Text):
        text.set_fontsize(factor * text.get_fontsize())
    return figure


@HOUSE_STYLE
def panels(width: float, height: float, count: int, factor: float, draw: Callable[[Iterator[Axes]], None]) -> Figure:
    """A row of panels, each filled by `draw`, with type larger by a factor."""
    figure = new_figure(width, height)
    draw(iter(figure.subplots(1, count, squeeze=False).flat))
    return enlarged(figure, width, height, factor)
