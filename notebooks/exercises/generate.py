"""Generate the students' notebooks and the solutions from the sources: `python -m notebooks.exercises.generate`.

A source has the markers of nbgrader: what stands between `### BEGIN SOLUTION` and `### END SOLUTION` becomes a stub in
the student's notebook, and hidden tests are left out of it, as `nbgrader generate_assignment` does.
"""

import argparse
import copy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from notebooks.publish.files import NotebookError, read, text_of
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import write_text

FOLDER = Path(__file__).parent
BEGIN, END = "### BEGIN ", "### END "
SOLUTION, HIDDEN_TESTS = "SOLUTION", "HIDDEN TESTS"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


def sources(folder: Path = FOLDER) -> list[Path]:
    """All source notebooks, in their order; each lies in a folder of its name, as nbgrader wants it."""
    return sorted(folder.glob("source/*/*.ipynb"))


def without(source: str, region: str, instead: Sequence[str], place: str) -> str:
    """The text of a cell with `instead` in the place of every region with these markers.

    Raises NotebookError for a marker without its partner.
    """
    lines, inside = [], False
    for line in source.splitlines():
        marker = line.strip()
        if marker in (BEGIN + region, END + region):
            if inside == (marker == BEGIN + region):
                raise NotebookError(f"{place} has {marker!r} without its partner: put one of each, in order")
            inside = not inside
            if inside:
                lines += [line[:len(line) - len(line.lstrip())] + text for text in instead]
        elif not inside:
            lines.append(line)
    if inside:
        raise NotebookError(f"{place} ends inside {BEGIN + region!r}: put {END + region!r} where it ends")
    return "\n".join(lines)


def without_markers(source: str) -> str:
    """The text of a cell with the solution, but without the lines that mark it."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN + SOLUTION, END + SOLUTION))


def for_students(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook that is handed out."""
    made = copy.deepcopy(notebook)
    for number, cell in enumerate(made.cells, start=1):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        place = f"{name}, cell {number},"
        cell.source = without(without(cell.source, SOLUTION, STUB, place), HIDDEN_TESTS, (), place)
    return made


def with_solutions(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook that a teacher looks at, and hands out afterwards."""
    made = copy.deepcopy(notebook)
    for number, cell in enumerate(made.cells, start=1):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.source = without_markers(without(cell.source, HIDDEN_TESTS, (), f"{name}, cell {number},"))
    return made


def generated(folder: Path = FOLDER) -> Iterator[tuple[Path, str]]:
    """Every file that follows from the sources, with its text."""
    for path in sources(folder):
        notebook = read(path)
        yield folder / path.name, text_of(for_students(notebook, path.name))
        yield folder / "solutions" / path.name, text_of(with_solutions(notebook, path.name))


def outdated(folder: Path = FOLDER) -> list[Path]:
    """The files that are missing, or not what the sources give, or left over from a source that is gone."""
    expected = dict(generated(folder))
    there = {*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")}
    wrong = [path for path, text in expected.items() if path not in there or path.read_text(encoding="utf-8") != text]
    return wrong + sorted(there - set(expected))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the notebooks, or check them; 1 if they are not what the sources give, 2 for a source that is at fault."""
    top = argparse.ArgumentParser(
        prog="python -m notebooks.exercises.generate", description="Make the exercises' notebooks from their sources.",
        epilog="example: python -m notebooks.exercises.generate --check")
    top.add_argument("--check", action="store_true", help="write nothing, only say what is not up to date")
    options = top.parse_args(arguments)
    try:
        if options.check:
            wrong = outdated()
            for path in wrong:
                print(f"{path.relative_to(FOLDER)} is not what its source gives: run python -m "
                      "notebooks.exercises.generate", file=sys.stderr)
            return int(bool(wrong))
        for path, text in generated():
            path.parent.mkdir(exist_ok=True)
            write_text(text, path)
            print(path.relative_to(FOLDER))
    except SwinError as error:
        print(f"exercises: {printable(str(error))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
