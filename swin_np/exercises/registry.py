"""All exercises, in the order of the notebooks; and which of them are done.

That is known in this kernel and, by a file beside the notebook, from those before it.
"""

import json
from pathlib import Path

from swin_np.errors import InputError
from swin_np.exercises.course import NOTEBOOKS
from swin_np.exercises.exercise import Exercise
from swin_np.exercises.result import RIGHT, WITH_POINTS, Result
from swin_np.language import phrase
from swin_np.text import padded
from swin_np.writing import write_text

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercises in NOTEBOOKS.values() for exercise in exercises}
"""Every exercise by its function's name."""

FILE = Path("exercise_progress.json")                  # in the folder of the notebook
DONE: dict[str, str] = {}                              # what was checked in this kernel: outcomes by exercise


def remember(result: Result) -> None:
    """Keep the outcome of a check, also in the file where that can be written."""
    DONE[result.exercise] = result.outcome
    try:
        write_text(json.dumps({**stored(), **DONE}, indent=1) + "\n", FILE)
    except InputError:                                 # a folder that cannot be written to: this kernel still knows
        return


def stored() -> dict[str, str]:
    """The outcomes in the file; none where there is no such file, or another."""
    try:
        outcomes = json.loads(FILE.read_text(encoding="utf-8"))
        return {name: outcome for name, outcome in outcomes.items() if name in EXERCISES and isinstance(outcome, str)}
    except (OSError, ValueError, AttributeError):
        return {}


def progress() -> None:
    """Print a table of all exercises: what is done, and the points so far."""
    outcomes = {**stored(), **DONE}
    points = sum(exercise.points for name, exercise in EXERCISES.items() if outcomes.get(name) in WITH_POINTS)
    for notebook, exercises in NOTEBOOKS.items():
        print(notebook)
        for exercise in exercises:
            outcome = outcomes.get(exercise.name, "")
            points_of = phrase("{points:2} points", points=exercise.points)
            print(f"  [{'x' if outcome == RIGHT else ' '}] {exercise.name:28} {padded(phrase(exercise.title), 42)} "
                  f"{points_of}  {phrase(outcome)}".rstrip())
    possible = sum(exercise.points for exercise in EXERCISES.values())
    print(phrase("{points} of {possible} points, {percent} percent", points=points, possible=possible,
                 percent=points * 100 // possible))
