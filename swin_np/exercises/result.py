"""What a check found: an outcome, points, and a report for the student."""

from dataclasses import dataclass, field, replace
from textwrap import indent

from swin_np.exercises import picture
from swin_np.exercises.exercise import Exercise
from swin_np.language import phrase
from swin_np.text import shortened, wrapped

RIGHT, WRONG, ERROR, NOT_IMPLEMENTED = "right", "wrong", "error", "not implemented yet"
FOLLOWED = "right but for a helper"                    # a wrong function of the student's own that it calls
WITH_POINTS = (RIGHT, FOLLOWED)

WIDTH = 100                                            # columns of a sentence's line
LONGEST = 120                                          # of any line
MOST_LINES = 40                                        # of a report


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found. exercise: its name. outcome: "right", "right but for a helper", "wrong", "error" or "not
    implemented yet".

    points: of `possible`. mistake: its name in the catalogue, or "". report: for the student. stages: of the check that
    it passed, in order. grids: the numerals of small arrays, by what they are, for a picture.
    """

    exercise: str
    outcome: str
    points: float
    possible: int
    mistake: str
    report: str
    stages: list[str] = field(default_factory=list)
    grids: dict[str, list[list[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, exercise: Exercise, outcome: str, lines: list[str], mistake: str = "", stages: list[str] | None = None,
           grids: dict[str, list[list[str]]] | None = None) -> "Result":
        """The result of an exercise: all its points, or none."""
        points = exercise.points if outcome in WITH_POINTS else 0
        text = "\n".join(indent(line if "\n" in line else wrapped(line, WIDTH), "    ") for line in lines).split("\n")
        if len(text) >= MOST_LINES:
            rest = phrase("... and {count} lines more", count=len(text) - MOST_LINES + 2)
            text = [*text[:MOST_LINES - 2], f"    {rest}"]
        report = "\n".join([head(exercise.name, outcome, points, exercise.points),
                            *(shortened(line, LONGEST) for line in text)])
        return cls(exercise.name, outcome, points, exercise.points, mistake, report, stages or [], grids or {})

    @property
    def passed(self) -> bool:
        """Whether the function is right."""
        return self.outcome == RIGHT

    def with_points(self, points: float) -> "Result":
        """The same result with other points, which its report tells too."""
        _, *lines = self.report.split("\n")
        first = head(self.exercise, self.outcome, points, self.possible)
        return replace(self, points=points, report="\n".join([first, *lines]))

    def __repr__(self) -> str:
        return f"<{self.exercise}: {self.outcome}>"

    def _repr_html_(self) -> str | None:
        """Small arrays as a picture, in a notebook."""
        return picture.html(self.grids) if self.grids else None


def head(name: str, outcome: str, points: float, possible: int) -> str:
    """The first line of a report."""
    return phrase("{name}: {outcome}, {points:g} of {possible} point" if possible == 1 else
                  "{name}: {outcome}, {points:g} of {possible} points", name=name, outcome=phrase(outcome),
                  points=points, possible=possible)
