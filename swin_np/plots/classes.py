"""A classified photograph: what the network saw of it, and beside that its most probable classes."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from swin_np.functional import Array
from swin_np.plots.style import BLUE, HOUSE_STYLE, new_figure


@HOUSE_STYLE
def classes_beside_photograph(photograph: Array, labels: Sequence[str], probabilities: Sequence[float]) -> Figure:
    """The photograph (H, W, 3) uint8, and a bar for each class with its label and probability, the first on top."""
    figure = new_figure(9.0, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4))
    left.imshow(photograph)
    left.set(xticks=[], yticks=[], title="what the network sees")
    rows = range(len(labels))
    right.barh(rows, probabilities, color=BLUE, height=0.6)
    for row, probability in zip(rows, probabilities, strict=True):
        right.annotate(f"{100 * probability:.1f} %", (probability, row), (4, 0), textcoords="offset points",
                       va="center")
    right.set_yticks(rows, labels, parse_math=False)   # a name may hold a dollar sign
    right.set(ylim=(len(labels) - 0.5, -0.5), xlim=(0, 1.18), xticks=(0, 0.5, 1),
              xlabel="probability", title="its most probable classes")
    right.spines[["top", "right"]].set_visible(False)
    return figure
