"""The time that grading a class takes: students who hand in all notebooks, right, blank, wrong, crashing or endless.

Every student has other code, so that no result is used twice.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from swin_np.classroom.class_grades import grade
from swin_np.classroom.sandbox import Limits
from swin_np.commands.terminal import with_progress
from swin_np.parallel.pool import default_threads

EXAMPLE = """example:
  python -m benchmarks.grading --students 200 --processes 2
"""
NOTEBOOKS = Path(__file__).parents[1] / "notebooks" / "exercises"
SLIPS = (("axis=-1", "axis=0"), ("keepdims=True", "keepdims=False"), (" - ", " + "), (" // ", " * "),
         ("- shift", "shift"), (", 2,", ", 1,"), (" @ ", " * "))
ENDLESS, IN_C, EXIT, CRASH = "while True:\n        pass", "return sum(range(10**13))", "import os; os._exit(1)", (
    "import ctypes; ctypes.string_at(0)")


def hand_in(notebook: dict, student: int, rng: np.random.Generator) -> dict:
    """A student's copy of a notebook: the solutions, of which some have a slip, and a few are stubs."""
    made = json.loads(json.dumps(notebook))
    for cell in made["cells"]:
        if cell["cell_type"] != "code" or not cell["metadata"].get("nbgrader", {}).get("solution"):
            continue
        text = "".join(cell["source"])
        draw = rng.random()
        if draw < 0.3:
            wrong, right = SLIPS[rng.integers(len(SLIPS))], text
            text = right.replace(*wrong, 1)
        elif draw < 0.4:
            text = text[:text.index("\n") + 1] + "    raise NotImplementedError()\n"
        elif draw < 0.405:
            what = (ENDLESS, IN_C, EXIT, CRASH)[rng.integers(4)]
            text = text[:text.index("\n") + 1] + f"    {what}\n"
        cell["source"] = f"{text}\n# student {student}"
    return made


def make_class(folder: Path, students: int, seed: int = 0) -> None:
    """A folder of submissions."""
    rng = np.random.default_rng(seed)
    notebooks = {path.name: json.loads(path.read_text(encoding="utf-8"))
                 for path in sorted(NOTEBOOKS.glob("solutions/*.ipynb"))}
    for student in range(students):
        own = folder / f"student {student:03}"
        own.mkdir()
        for name, notebook in notebooks.items():
            (own / name).write_text(json.dumps(hand_in(notebook, student, rng)), encoding="utf-8")


def watched(work: list) -> Iterator:
    """The work with a bar."""
    yield from with_progress(work, "files")


def main(arguments: list[str] | None = None) -> None:
    """Make a class, grade it, and print the seconds."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__, epilog=EXAMPLE,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--students", type=int, default=200, help="in the class (default: %(default)s)")
    top.add_argument("--processes", type=int, default=default_threads(), help="that grade (default: one for each core)")
    options = top.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        make_class(Path(folder), options.students)
        notebooks = len(list(Path(folder).rglob("*.ipynb")))
        start = time.perf_counter()
        grades, findings = grade(Path(folder), Limits(), watched, processes=options.processes)
        seconds = time.perf_counter() - start
    points = np.array([one.points for one in grades])
    print(f"{options.students} students, {notebooks} notebooks, {options.processes} processes: "
          f"{seconds:.0f} seconds; {points.min()} to {points.max()} points, {len(findings)} findings")


if __name__ == "__main__":
    sys.exit(main())
