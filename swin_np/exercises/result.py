"""The result of a check."""

from dataclasses import dataclass
from textwrap import fill, indent

from swin_np.exercises.exercise import Exercise

RIGHT, WRONG, ERROR, NOT_IMPLEMENTED = "right", "wrong", "error", "not implemented yet"

WIDTH = 100                                            # characters of a report's line


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found. exercise: its name. outcome: "right", "wrong", "error" or "not implemented yet".

    points: of `possible`. mistake: its name in the catalogue, or "". report: for the student.
    """

    exercise: str
    outcome: str
    points: int
    possible: int
    mistake: str
    report: str

    @classmethod
    def of(cls, exercise: Exercise, outcome: str, lines: list[str], mistake: str = "") -> "Result":
        """The result of an exercise: all its points, or none."""
        points = exercise.points if outcome == RIGHT else 0
        head = f"{exercise.name}: {outcome}, {points} of {exercise.points} point" + "s" * (exercise.points != 1)
        report = "\n".join([head, *(indent(line if "\n" in line else fill(line, WIDTH), "    ") for line in lines)])
        return cls(exercise.name, outcome, points, exercise.points, mistake, report)

    @property
    def passed(self) -> bool:
        """Whether the function is right."""
        return self.outcome == RIGHT

    def __repr__(self) -> str:
        return f"<{self.exercise}: {self.outcome}>"
