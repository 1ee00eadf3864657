"""The grades of a class as a table, as CSV, and as a list of what went wrong most."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from swin_np.classroom.class_grades import Grade
from swin_np.classroom.integrity import Finding
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import FOLLOWED, NOT_IMPLEMENTED, RIGHT
from swin_np.language import phrase
from swin_np.text import columns

BYTE_ORDER_MARK = "\ufeff"
MISSING = "missing"                                    # the outcome of an exercise that was not handed in


def asked(grades: Iterable[Grade]) -> list[str]:
    """The exercises that anybody has handed in, in the order of the notebooks."""
    seen = {name for grade in grades for name in grade.results}
    return [name for name in EXERCISES if name in seen]


def outcome_of(grade: Grade, exercise: str) -> str:
    """One word or two for a student and an exercise: the outcome, or the name of the mistake."""
    if exercise not in grade.results:
        return MISSING
    return grade.results[exercise].mistake or grade.results[exercise].outcome


def possible(grades: Iterable[Grade]) -> int:
    """The points of all exercises that anybody has handed in."""
    return sum(EXERCISES[name].points for name in asked(grades))


def as_csv(grades: Sequence[Grade], findings: Sequence[Finding] = ()) -> str:
    """The grades as CSV: a line for each student, with points and outcome of each exercise.

    It begins with the mark by which spreadsheets know UTF-8.
    """
    exercises = asked(grades)
    own_columns = [column for name in exercises for column in (name, f"{name} outcome")]
    lines: list[list[object]] = [["student", "points", *own_columns, "days late", "problems", "to look at"]]
    for one in grades:
        cells = [cell for name in exercises for cell in (
            one.results[name].points if name in one.results else 0, outcome_of(one, name))]
        own = [finding_text(finding) for finding in findings if one.student in finding.students]
        lines.append([harmless(one.student), one.points, *cells, one.days_late,
                      harmless(phrase("; ").join(one.problems)), harmless(phrase("; ").join(own))])
    return csv_text(lines)


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Lines as CSV with a byte-order mark."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return BYTE_ORDER_MARK + text.getvalue()


def finding_text(finding: Finding) -> str:
    """What there is to look at, in a line."""
    return phrase(": ").join(filter(None, [phrase(", ").join(finding.students), finding.exercise, finding.what]))


def harmless(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def most_frequent(grades: Iterable[Grade]) -> list[tuple[str, str, int]]:
    """(exercise, what went wrong, how many students): the most frequent first; right and blank ones do not count."""
    wrong = Counter((name, outcome_of(grade, name)) for grade in grades for name, result in grade.results.items()
                    if result.outcome not in (RIGHT, FOLLOWED, NOT_IMPLEMENTED))
    return [(name, outcome, count) for (name, outcome), count in wrong.most_common()]


def rows(grades: Sequence[Grade]) -> Iterator[str]:
    """The grades as a table: points, how many exercises are right, how many are not done, what is wrong in the rest."""
    exercises = asked(grades)
    student, done = phrase("student"), phrase("not done")
    points = phrase("points of {all}", all=sum(EXERCISES[name].points for name in exercises))
    right = phrase("right of {all}", all=len(exercises))
    width = max(map(columns, (student, *(grade.student for grade in grades))))
    yield "  ".join([student + " " * (width - columns(student)), points, right, done, phrase("wrong")])
    for one in grades:
        outcomes = {name: outcome_of(one, name) for name in exercises}
        number_right, undone = (sum(outcome in group for outcome in outcomes.values())
                                for group in ((RIGHT,), (NOT_IMPLEMENTED, MISSING)))
        wrong = (phrase("{exercise} ({outcome})", exercise=name, outcome=phrase(outcome))
                 for name, outcome in outcomes.items() if outcome not in (RIGHT, NOT_IMPLEMENTED, MISSING))
        late = phrase("{days} day late" if one.days_late == 1 else "{days} days late", days=one.days_late)
        name = one.student + " " * (width - columns(one.student))
        yield (f"{name}  {one.points:{columns(points)}}  {number_right:{columns(right)}}  {undone:{columns(done)}}  "
               f"{phrase(', ').join([*wrong, *[late] * (one.days_late > 0)])}").rstrip()
        yield from (f"    {problem}" for problem in one.problems)
