"""The tree of a page: every module with its points, folded, and coloured by error over tolerance."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from swin_np.crosscheck.compare import CLOSE, Difference
from swin_np.crosscheck.report import Point, Report
from swin_np.text import printable

LEVELS = {"exact": (0.0, "no difference"), "rounding": (0.1, "up to a tenth of the tolerance"),
          "near": (1.0, "up to the tolerance"), "close": (CLOSE, f"up to {CLOSE:g} times the tolerance"),
          "differs": (1000.0, "up to 1000 times"), "far": (math.inf, "more"), "nan": (math.nan, "not finite")}
"""The colours: up to which error over tolerance, and what that is in words."""

SHORTEST, LONGEST = -2.0, 5.0                          # decimal logarithms of the errors of no bar and of a whole one


@dataclass
class Node:
    """A module, or a step in one: its own point, if it was compared, and what is inside it, in order."""

    name: str
    point: Point | None = None
    inside: dict[str, "Node"] = field(default_factory=dict)

    def points(self) -> Iterator[Point]:
        """Its own point and all inside it."""
        if self.point is not None:
            yield self.point
        for node in self.inside.values():
            yield from node.points()


def tree_of(points: Iterable[Point]) -> Node:
    """The points by the parts of their names, below a root without a name."""
    root = Node("")
    for point in points:
        node = root
        for part in point.name.split("."):
            name = f"{node.name}.{part}" if node.name else part
            node = node.inside.setdefault(part, Node(name))
        node.point = point
    return root


def level_of(difference: Difference) -> str:
    """The colour of an error, as a class of page.css."""
    if difference.verdict == "nan":
        return "nan"
    return next(level for level, (most, _) in LEVELS.items() if difference.excess <= most)


def tree_html(report: Report) -> str:
    """The whole tree, with a legend; the way to the first divergence is open."""
    open_name = "" if report.divergence is None else report.divergence.name
    nodes = "\n".join(node_html(node, open_name) for node in tree_of(report.points).inside.values())
    legend = "".join(f'<li class="{level}">{words}</li>' for level, (_, words) in LEVELS.items())
    return f'<ul class="legend">{legend}</ul>\n<div class="tree">\n{nodes}\n</div>'


def node_html(node: Node, open_name: str) -> str:
    """A module with all inside it; its colour is that of the worst of them, its numbers are its own."""
    points = list(node.points())
    worst = max((level_of(point.whole) for point in points), key=list(LEVELS).index)
    alone = [point.name for point in points if point.alone is not None and not point.alone.agrees]
    if node.name in alone:
        pill = '<span class="pill">wrong on its own</span>'
    else:
        pill = f'<span class="pill">{len(alone)} wrong inside</span>' if alone else ""
    *_, outer, last = "", *node.name.split(".")
    last = escape(printable(f"{outer}.{last}" if last.isdigit() and outer else last))
    own, place = "", ""
    if node.point is not None:
        own = measure_html(node.point)
        place = f' id="{place_of(node.name)}" data-point="{escape(node.name)}"'
    unfolded = " open" if f"{open_name}.".startswith(f"{node.name}.") else ""
    inside = "\n".join(node_html(child, open_name) for child in node.inside.values())
    details = "" if node.point is None else details_html(node.point)
    if details and inside:
        details = f'<details class="folded"><summary>all numbers</summary>\n{details}</details>\n'
    return (f'<details{place}{unfolded}><summary><span class="name {worst}">{last}</span>{pill}{own}</summary>\n'
            f"{details}{inside}</details>")


def measure_html(point: Point) -> str:
    """The error of a point as a bar, and its errors over the tolerance: of the whole run, and alone."""
    whole = point.whole.excess
    share = 1.0 if not math.isfinite(whole) else 0.0 if whole == 0 else (math.log10(whole) - SHORTEST) / (
        LONGEST - SHORTEST)
    length = f"{100 * min(max(share, 0), 1):.0f}%"
    alone = "" if point.alone is None else f"alone {number(point.alone.excess, 2)}"
    return (f'<span class="measure {level_of(point.whole)}" style="--length: {length}"></span>'
            f'<span class="numbers"><span class="own">{number(whole, 2)}</span><span>{alone}</span></span>')


def details_html(point: Point) -> str:
    """All numbers of a point."""
    rows = [("point", f"<code>{escape(printable(point.name))}</code>"),
            ("your name", f"<code>{escape(printable(point.theirs))}</code>"), ("layout", escape(point.layout)),
            ("whole run", difference_html(point.whole))]
    if point.alone is not None:
        rows.append(("module alone", difference_html(point.alone)))
    return f'<dl class="inside">{"".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in rows)}</dl>\n'


def difference_html(found: Difference) -> str:
    """A difference in words: the verdict, its numbers, its tolerance, and where it is."""
    where = "" if found.agrees else f"; {escape(found.where.phrase)}"
    if found.verdict == "nan":
        return f"nan: numbers of the candidate are not finite{where}"
    return (f"{found.verdict}: {number(found.excess)} times the tolerance; largest {number(found.largest)} (tolerance "
            f"{number(found.tolerance.largest)}), mean {number(found.mean)}, relative {number(found.relative)}, "
            f"correlation {found.correlation:.6g}{where}")


def number(x: float, digits: int = 3) -> str:
    """A few digits, and words where there are none."""
    return f"{x:.{digits}g}" if math.isfinite(x) else "not finite"


def place_of(name: str) -> str:
    """The anchor of a point on the page."""
    return f"point-{quote(name)}"


def link(name: str, known: set[str]) -> str:
    """A module's name, as a link to its point where that was compared."""
    text = f"<code>{escape(printable(name))}</code>"
    return f'<a href="#{quote(place_of(name))}">{text}</a>' if name in known else text
