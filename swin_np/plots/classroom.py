"""What a class got wrong most, by exercise and mistake."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from swin_np.plots.style import BLUE, HOUSE_STYLE, ORANGE, new_figure

MOST_BARS = 20
UNNAMED = ("wrong", "error")                           # outcomes that are no mistake of the catalogue


@HOUSE_STYLE
def what_went_wrong(frequent: Sequence[tuple[str, str, int]], students: int) -> Figure:
    """A bar for each (exercise, mistake, count), the most frequent first, at most twenty; `students` in the class."""
    shown = list(frequent[:MOST_BARS])
    figure = new_figure(9.0, 1.6 + 0.3 * max(len(shown), 1))
    axes = figure.subplots()
    for place, (_, outcome, count) in enumerate(shown):
        unnamed = outcome in UNNAMED
        axes.barh(place, count, color=ORANGE if unnamed else BLUE, hatch="//" if unnamed else None, edgecolor="black")
        axes.annotate(str(count), (count, place), (4, 0), textcoords="offset points", va="center")
    axes.set(yticks=range(len(shown)), yticklabels=[f"{exercise}: {outcome}" for exercise, outcome, _ in shown],
             xlim=(0, 1.08 * max(students, 1)), xlabel=f"students, of {students} (hatched: a mistake without a name)",
             title="What went wrong most" if shown else "Nothing went wrong")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.invert_yaxis()
    return figure
