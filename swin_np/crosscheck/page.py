"""The report of a cross-check as one page of HTML that needs nothing else: no script, no file, no network."""

from html import escape
from pathlib import Path

import numpy as np

from swin_np import __version__
from swin_np.crosscheck.noise import LARGEST_FACTOR, TYPICAL_FACTOR
from swin_np.crosscheck.page_tree import difference_html, link, tree_html
from swin_np.crosscheck.pictures import DIFFERENCES, VALUES, extent, plane, png
from swin_np.crosscheck.report import Divergence, Finding, Report
from swin_np.functional import Array
from swin_np.text import printable

STYLE = Path(__file__).with_name("page.css")

READING = ("<p>Each line is a module, or a step in one; the colour is that of the largest error inside it. The "
           "numbers are errors over the tolerance: of the whole run, and of the module alone, run on your own input to "
           "it. What is wrong on its own has an error that its input does not bring.</p>\n")

Section = tuple[str, str, str]
"""(anchor, heading, what is below it)."""


def page(report: Report, reference: str, candidate: str, notes: list[str], worse: list[str] | None = None) -> str:
    """The page. reference, candidate: what was compared, as the user called it; notes: what was assumed.

    worse: sentences on what is worse than in an earlier report; None if there is no such report.
    """
    known, said = {point.name for point in report.points}, [report.what_next] * bool(report.next)
    sections = [*filter(None, [findings_html(report.findings, known), first_divergence(report, known),
                               compared_before(worse)]),
                ("modules", "All modules", READING + tree_html(report)),
                ("tolerances", "Tolerances and notes", tolerances(report, [*said, *report.notes, *notes]))]
    navigation = "".join(f'<a href="#{name}">{title}</a> ' for name, title, _ in sections)
    body = "\n".join(f'<section id="{name}">\n<h2>{title}</h2>\n{text}\n</section>' for name, title, text in sections)
    heads = definitions([("reference", code(reference)), ("candidate", code(candidate)),
                         ("arithmetic", text_html(report.noise.sentence)), ("names of", report.dialect),
                         ("points", str(len(report.points))), ("swin_np", __version__)])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Cross-check: {text_html(candidate)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>Cross-check</h1>
<p class="verdict {report.verdict}">{text_html(report.summary())}</p>
{heads}
<nav>{navigation}</nav>
</header>
<main>
{body}
</main>
</body>
</html>
"""


def first_divergence(report: Report, known: set[str]) -> Section | None:
    """The first point that is wrong, its arrays as pictures."""
    found = report.divergence
    if found is None:
        return None
    point = next(point for point in report.points if point.name == found.name)
    shown = plane(found)
    low, high = shown.scale
    most = max(abs(bound) for bound in extent(shown.difference))
    reference = "the module, run on your own input" if found.of_module else "the reference"
    pictures = [picture(f"ours: {reference}", shown.ours, (low, high), VALUES, found, shown.window),
                picture("theirs: the candidate", shown.theirs, (low, high), VALUES, found, shown.window),
                picture("difference: theirs less ours", shown.difference, (-most, most), DIFFERENCES, found,
                        shown.window)]
    said = [f"Drawn are {escape(shown.where)}, where the difference is largest; all are counted from 0.",
            escape(shown.largest), *["Grey lines are borders of windows."] * (shown.window is not None),
            *["Pink is what is not finite."] * bool(np.isinf(shown.difference).any())]
    text = (f"<p>{link(found.name, known)}: {difference_html(point.alone if found.of_module else point.whole)}.</p>\n"
            f"<p>{' '.join(said)}</p>\n"
            f'<div class="pictures">{"".join(pictures)}</div>')
    if report.error_map is not None and point.whole.verdict != "nan":
        name, errors = report.error_map
        most = extent(errors)[1]
        text += (f"\n<p>The largest error of each token of image 0 at {link(name, known)}:</p>\n"
                 f'<div class="pictures">{picture("error on the map", errors, (0, most), VALUES, found)}</div>')
    return "divergence", "First divergence", text


def picture(title: str, x: Array, scale: tuple[float, float], colours: tuple[str, ...], found: Divergence,
            window: tuple[int, int] | None = None) -> str:
    """An array with its colour bar: the numbers at both ends and in the middle."""
    low, high = scale
    numbers = "".join(f"<span>{value:.3g}</span>" for value in (low, (low + high) / 2, high))
    rows, columns = x.shape
    return (f'<figure><figcaption>{title}</figcaption><img src="{png(x, scale, colours, window)}" '
            f'alt="{title}, {escape(found.name)}, {rows} rows and {columns} columns from {low:.3g} to {high:.3g}">'
            f'<div class="bar" style="background: linear-gradient(to right, {", ".join(colours)})"></div>'
            f'<div class="numbers">{numbers}</div></figure>')


def findings_html(findings: list[Finding], known: set[str]) -> Section | None:
    """What is wrong, once for each cause, with the fix and the place in the paper."""
    if not findings:
        return None
    return "findings", "What is wrong", "\n".join(finding_html(finding, known) for finding in findings)


def finding_html(finding: Finding, known: set[str]) -> str:
    rows = [("where", ", ".join(link(module, known) for module in finding.modules)),
            ("fix", text_html(finding.fix)), ("paper", text_html(finding.place)), ("mistake", code(finding.mistake)),
            ("not told apart from", ", ".join(map(code, finding.alternatives)))]
    return f'<div class="finding"><p>{text_html(finding.sentence)}</p>\n{definitions(rows)}</div>'


def compared_before(worse: list[str] | None) -> Section | None:
    """Against the earlier report."""
    if worse is None:
        return None
    text = bullets(worse) if worse else "<p>Nothing is worse than in the earlier report.</p>"
    return "before", "Against the earlier report", text


def tolerances(report: Report, notes: list[str]) -> str:
    """How far a correct candidate may be from the truth, and what else is worth knowing."""
    noise = report.noise
    text = (f"{noise.sentence}. The tolerance of a point is {LARGEST_FACTOR:g} times the largest error, and "
            f"{TYPICAL_FACTOR:g} times the root mean square error, of a float32 run of the reference against float64 "
            "there")
    text += ", times 2^-29 for float64" * (noise.computing == "float64")
    text += "; and half a unit in the last place where it is stored in 16 bits" * bool(noise.to_json()["stored"])
    text += (f"; and for its arithmetic {noise.slack:g} times what an emulation of that is away from the truth"
             if noise.expected else "")
    return f"<p>{text_html(text)}.</p>\n{bullets(notes)}"


def bullets(sentences: list[str]) -> str:
    items = "".join(f"<li>{text_html(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def definitions(rows: list[tuple[str, str]]) -> str:
    """Terms with what they are, as HTML; those without are left out."""
    return f"<dl>{''.join(f'<dt>{term}</dt><dd>{text}</dd>' for term, text in rows if text)}</dl>"


def code(text: str) -> str:
    return f"<code>{text_html(text)}</code>"


def text_html(text: str) -> str:
    """Text that may come from a file, safe on a page."""
    return escape(printable(text))
