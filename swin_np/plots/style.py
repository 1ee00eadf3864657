"""What all figures share: colours that the colour-blind tell apart (Okabe and Ito 2008), sizes of type, the canvas."""

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

BLACK = "#000000"
ORANGE = "#E69F00"
BLUE = "#0072B2"
VERMILION = "#D55E00"
WHITE = "#FFFFFF"
PALE = "#F7F4E9"                                       # two more, lighter and darker than all of theirs
NAVY = "#1B1B3A"

TITLE_SIZE = 11                                        # points
LABEL_SIZE = 10
NUMERAL_SIZE = 8                                       # the smallest type of any figure

HOUSE_STYLE = matplotlib.style.context(["default", {   # a user's own settings change no figure
    "font.size": LABEL_SIZE,
    "axes.titlesize": TITLE_SIZE,
    "axes.labelsize": LABEL_SIZE,
    "xtick.labelsize": LABEL_SIZE - 1,
    "ytick.labelsize": LABEL_SIZE - 1,
    "legend.fontsize": LABEL_SIZE - 1,
    "hatch.linewidth": 0.8,
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "svg.hashsalt": "swin_np",                         # the same names inside an SVG every time
}])


def draw_frame(axes: Axes, corner: tuple[float, float], width: float, height: float, colour: str,
               facecolor: str | tuple[float, ...] = "none", hatch: str | None = None) -> None:
    """A rectangle from its top left corner (x, y), in data units; edged with black, to be seen on any ground."""
    axes.add_patch(Rectangle(corner, width, height, facecolor="none", edgecolor=BLACK, linewidth=2.2, zorder=3,
                             clip_on=False))
    axes.add_patch(Rectangle(corner, width, height, facecolor=facecolor, edgecolor=colour, linewidth=1.0, zorder=3,
                             clip_on=False, hatch=hatch))


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], head: float, colour: str = BLACK,
               **line: float) -> None:
    """An arrow between two places in data units, exactly as long as they are apart; `head` is the size of its head."""
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=head, color=colour, shrinkA=0,
                                   shrinkB=0, **line))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of width x height inches, laid out without overlaps; it belongs to no window and no pyplot."""
    return Figure(figsize=(width, height), layout="constrained")
