"""The grades as the gradebooks of Moodle and Canvas import them."""

import warnings
from collections.abc import Sequence
from contextlib import suppress

from swin_np.classroom.class_grades import Grade
from swin_np.classroom.grade_table import csv_text, harmless, outcome_of, possible
from swin_np.errors import SwinWarning
from swin_np.language import phrase

MOODLE = ["Identifier", "Full name", "Email address", "Grade", "Maximum Grade", "Feedback comments"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
ASSIGNMENT = "swin_np exercises"                       # what the column is called in Canvas


def moodle(grades: Sequence[Grade]) -> str:
    """Moodle's grading worksheet: the roster's columns, where it is one, with the grade and a comment filled in."""
    of_roster = next((list(one.row) for one in grades if "Identifier" in one.row or "Email address" in one.row), None)
    columns = list(dict.fromkeys([*of_roster, "Grade", "Feedback comments"])) if of_roster else MOODLE
    most = possible(grades)
    lines = []
    for one in grades:
        number = one.ids.get("moodle")
        own = {"Identifier": f"Participant {number}" if number else "", "Full name": harmless(one.student),
               "Maximum Grade": most, **one.row, "Grade": one.points, "Feedback comments": comment(one)}
        lines.append([own.get(column, "") for column in columns])
    return csv_text([columns, *lines])


def tell_of_another_maximum(grades: Sequence[Grade]) -> None:
    """A warning where Moodle's worksheet has another maximum than the exercises, of which it would take the points."""
    most = possible(grades)
    for text in dict.fromkeys(one.row.get("Maximum Grade", "").strip() for one in grades):
        with suppress(ValueError):                     # none, or a scale of words
            if float(text.replace(",", ".")) != most:
                warnings.warn(f"the roster's Maximum Grade is {text}, and the exercises have {most} points: set it to "
                              f"{most} in Moodle before the import", SwinWarning, stacklevel=2)


def canvas(grades: Sequence[Grade], assignment: str = ASSIGNMENT) -> str:
    """Canvas's gradebook: who a student is, and the points of one assignment.

    assignment: its name, or the beginning of that of a column of the roster, "Exercises (12345)" for instance.
    """
    of_roster = {column for one in grades for column in one.row}
    column = next((name for name in sorted(of_roster) if name.startswith(assignment)), assignment)
    lines: list[list[object]] = [["    Points Possible", "", "", "", "", possible(grades)]]
    for one in grades:
        own = {"Student": harmless(one.student), "ID": one.ids.get("canvas", ""), **one.row}
        lines.append([*(own.get(name, "") for name in CANVAS), one.points])
    return csv_text([[*CANVAS, column], *lines])


def comment(grade: Grade) -> str:
    """What each exercise came to, in a line."""
    said = [phrase("{exercise}: {points} of {possible} ({outcome})", exercise=name, points=result.points,
                   possible=result.possible, outcome=phrase(outcome_of(grade, name)))
            for name, result in grade.results.items()]
    return harmless(phrase("; ").join([*said, *grade.problems]))
