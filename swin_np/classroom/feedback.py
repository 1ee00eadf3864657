"""A page for each student with the report of every exercise, in one file of HTML that needs no network."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from swin_np.classroom.class_grades import Grade
from swin_np.classroom.grade_table import MISSING, asked, possible
from swin_np.exercises import picture
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import RIGHT, Result
from swin_np.language import FOLDER, language, phrase
from swin_np.text import printable

STYLE = Path(__file__).with_name("feedback.css")
LONGEST_NAME = 100                                     # characters of a file's name, which systems limit
RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def pages(grades: Sequence[Grade]) -> Iterator[tuple[str, str]]:
    """(name of a file, text of the page) of every student."""
    exercises, most = asked(grades), possible(grades)
    taken: set[str] = set()
    for one in grades:
        name = file_name(one.student, taken)
        taken.add(name.casefold())
        yield name, page(one, exercises, most)


def file_name(student: str, taken: set[str]) -> str:
    """A name that every system takes, and that no other student's page has."""
    plain = "".join(c if c.isalnum() or c in " -_." or unicodedata.category(c).startswith("M") else "_"
                    for c in student)[:LONGEST_NAME].strip(" .") or "student"
    plain = f"{plain}_" if RESERVED.match(plain) else plain
    numbered = (f"{plain} ({number}).html" for number in range(2, len(taken) + 3))
    return f"{plain}.html" if f"{plain}.html".casefold() not in taken else next(
        name for name in numbered if name.casefold() not in taken)


def style() -> str:
    """The style of all pages, and that of the language's letters where it has one."""
    of_language = FOLDER / language() / "type.css"
    return "".join(file.read_text(encoding="utf-8") for file in (STYLE, of_language) if file.exists())


def page(grade: Grade, exercises: Sequence[str], most: int) -> str:
    """The page of one student. exercises: that the class was asked; most: the points of all of them."""
    head = "".join(f'<th scope="col">{column}</th>' for column in (phrase("Exercise"), phrase("Outcome"),
                                                                  phrase("Points")))
    rows = "\n".join(row(grade, name) for name in exercises)
    reports = "\n".join(report(grade, name) for name in exercises if name in grade.results)
    handed_in = phrase("Handed in {days} day late." if grade.days_late == 1 else "Handed in {days} days late.",
                       days=grade.days_late)
    late = f"<p>{handed_in}</p>\n" if grade.days_late else ""
    problems = "".join(f"<li>{shown(problem)}</li>\n" for problem in grade.problems)
    heading = phrase("What was found in the files")
    found = f'<section id="found">\n<h2>{heading}</h2>\n<ul>\n{problems}</ul>\n</section>' * bool(problems)
    random = phrase("Your functions were called with random numbers of their own, so what is right in the notebook can "
                    "be wrong here.")
    return f"""<!DOCTYPE html>
<html lang="{phrase("en")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{shown(phrase("Exercises: {student}", student=grade.student))}</title>
<style>
{style()}</style>
</head>
<body>
<header>
<h1>{shown(grade.student)}</h1>
<p class="points">{phrase("{points:g} of {possible} points", points=grade.points, possible=most)}</p>
{late}</header>
<main>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
{found}
<section id="reports">
<h2>{phrase("Reports")}</h2>
<p>{random}</p>
{reports}
</section>
</main>
</body>
</html>
"""


def row(grade: Grade, name: str) -> str:
    """A line of the table."""
    result = grade.results.get(name)
    exercise = EXERCISES[name]
    outcome, points = (result.outcome, result.points) if result else (MISSING, 0)
    title = f"{escape(phrase(exercise.title))} <code>{escape(name)}</code>"
    linked = f'<a href="#{escape(name)}">{title}</a>' if result else title
    return (f'<tr><th scope="row">{linked}</th><td class="{"right" if outcome == RIGHT else "other"}">'
            f"{escape(phrase(outcome))}</td><td>"
            f"{phrase('{points:g} of {possible}', points=points, possible=exercise.points)}</td></tr>")


def report(grade: Grade, name: str) -> str:
    """What the check said, open where there is something to do."""
    result = grade.results[name]
    text = "\n".join(map(printable, result.report.split("\n")))
    is_open = "" if result.passed else " open"
    summary = phrase("{title}: {outcome}", title=phrase(EXERCISES[name].title), outcome=phrase(result.outcome))
    return (f'<details id="{escape(name)}"{is_open}><summary>{escape(summary)}'
            f"</summary>\n{shown_grids(result)}<pre>{escape(text)}</pre>\n</details>")


def shown_grids(result: Result) -> str:
    """The picture of small arrays, where there is one."""
    return f'<div class="grids">{picture.html(result.grids)}</div>\n' if result.grids else ""


def shown(text: str) -> str:
    """Text in a page."""
    return escape(printable(text))
