"""Find the answers in what a student hands in, a notebook or a .py file, however it has been rearranged."""

import ast
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from swin_np.errors import InputError
from swin_np.exercises.course import NOTEBOOKS
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.running import run_cells

MOST_BYTES = 256 * 2 ** 20                             # of a file, with the outputs that a notebook keeps
ENDINGS = (".ipynb", ".py")

MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*)$")
ASSIGNED_MAGIC = re.compile(r"^(\s*[A-Za-z_][\w, ]*=)\s*[!%].*$")
OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")    # magics whose cell is Python all the same
SILENT = ("%matplotlib", "%load_ext", "%autoreload", "%config", "%pylab", "%time", *OF_PYTHON)     # left out silently
DEFINES = re.compile(r"^(?:async +)?(?:def +(\w+)\b|(\w+) *=(?!=))", re.MULTILINE)
BLOCK = re.compile(r"^(?=[^\s#)\]}])", re.MULTILINE)   # where a line begins at the margin
BEGINNINGS = ("def ", "class ", "import ", "from ", "@")
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST


@dataclass(frozen=True)
class Cell:
    """A code cell, or a statement of a .py file.

    number: of it, or of its first line; notes: nbgrader's on it; left_out: lines that are IPython's alone.
    """

    number: int
    text: str
    notes: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        """What tracebacks call it."""
        return f"<code cell {self.number}>"

    def nodes(self) -> list[ast.stmt]:
        """Its statements; none where Python cannot read it."""
        return parsed(self.text) or []

    def defined(self) -> list[str]:
        """The exercises that it defines at its top level, as far as its text shows."""
        nodes = parsed(self.text)
        names = (DEFINES.findall(self.text) if nodes is None else [(name,) for node in nodes for name in bound(node)])
        return [name for groups in names for name in groups if name in EXERCISES]


@dataclass(frozen=True)
class Submission:
    """What is graded of a file. cells: that are executed, in order; wanted: the exercises that count, in order.

    broken: sentences on exercises whose cell cannot be read by Python; problems: what else was found, for the student
    and the teacher; text: of each exercise's answer; seen: all cells, those of checks too.
    """

    cells: list[Cell]
    wanted: list[str]
    broken: dict[str, str]
    problems: list[str]
    text: dict[str, str]
    seen: list[Cell]


@lru_cache(1000)
def parsed(text: str) -> list[ast.stmt] | None:
    """The statements of a text, or None where Python cannot read it."""
    try:
        return compile(text, "<cell>", "exec", FLAGS).body                  # type: ignore[attr-defined]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def is_stub(node: ast.stmt) -> bool:
    """Whether it defines a function that does nothing yet."""
    def nothing(inner: ast.stmt) -> bool:
        return (isinstance(inner, ast.Pass) or (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant))
                or (isinstance(inner, ast.Raise) and "NotImplementedError" in ast.dump(inner))
                or (isinstance(inner, ast.Return) and inner.value is None))

    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(map(nothing, node.body))


def python(text: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """A cell's text as Python, and the (line, text) of what only IPython understands; lines keep their numbers."""
    if parsed(text) is not None:
        return text, ()
    lines = text.splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(OF_PYTHON):
        return "", ((1, first),)
    made, left_out = [], []
    for number, line in enumerate(lines, start=1):
        assigned, magic = ASSIGNED_MAGIC.match(line), MAGIC.match(line)
        if assigned or magic:
            left_out.append((number, line.strip()))
        made.append(f"{assigned[1]} []" if assigned else f"{magic[1]}pass" if magic else line)
    return "\n".join(made), tuple(left_out)


def cells_of(name: str, data: bytes) -> tuple[list[Cell], list[str]]:
    """The code cells of a file, and the texts of the other cells.

    Raises InputError for a file that is no notebook and no Python.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"{name} has {len(data) / 2 ** 20:.0f} MiB, expected {MOST_BYTES // 2 ** 20} at most: clear "
                         "the outputs of the notebook and save it again")
    if name.lower().endswith(".py"):
        parts = [*blocks(decoded(name, data))]
        return [Cell(len(part) - len(part.lstrip("\n")) + 1, *made_python(part)) for part in parts if part.strip()], []
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        made = []
        for number, cell in enumerate(code, start=1):
            notes = (cell.get("metadata") or {}).get("nbgrader") or {}
            made.append(Cell(number, *made_python(source(cell), notes if isinstance(notes, dict) else {})))
        return made, [source(cell) for cell in cells if cell["cell_type"] != "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{name} cannot be read as a notebook ({type(error).__name__}): save it again with "
                         "JupyterLab") from error


def made_python(text: str, notes: dict[str, Any] | None = None) -> tuple[str, dict[str, Any], tuple]:
    """The fields of a Cell beside its number."""
    made, left_out = python(text)
    return made, notes or {}, left_out


def source(cell: dict[str, Any]) -> str:
    """The text of a notebook's cell, of any version of the format."""
    text = cell["source"] if "source" in cell else cell["input"]
    return "".join(text)


def decoded(name: str, data: bytes) -> str:
    """The text of a .py file: in the encoding that it names, or UTF-8, or that of Chinese Windows."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        pass
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise InputError(f"{name} is in no encoding that Python reads: save it as UTF-8") from None


def blocks(text: str) -> Iterator[str]:
    """A .py file in parts, so that one that fails costs no other; each keeps the numbers of its lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    nodes = parsed(text)
    if nodes is not None:
        lines = text.splitlines()
        for node in nodes:
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            yield "\n" * (first - 1) + "\n".join(lines[first - 1:node.end_lineno])
        return
    part, before = "", ""
    for piece in BLOCK.split(text):                    # statements that Python can read end where the next begins
        decorated = part.rstrip().rpartition("\n")[2].startswith("@")
        if part and not decorated and (parsed(part) is not None or piece.startswith(BEGINNINGS)):
            yield "\n" * before.count("\n") + part
            before, part = before + part, ""
        part += piece
    yield "\n" * before.count("\n") + part


def submission(name: str, data: bytes) -> Submission:
    """What is graded of a file of this name. Raises InputError for one that cannot be read."""
    cells, texts = cells_of(name, data)
    problems: list[str] = []
    notebooks = notebooks_of(name, cells)
    wanted = [exercise.name for notebook in notebooks for exercise in NOTEBOOKS[notebook]]
    defined = {one for cell in cells for one in cell.defined()}
    if not notebooks:
        wanted = [one for one in EXERCISES if one in defined]
    marked = any(cell.notes for cell in cells)
    for one in wanted:
        if one not in defined and any(re.search(rf"^ *def +{one}\b", text, re.MULTILINE) for text in texts):
            problems.append(f"the answer of {one} is in a cell of text, which is not executed: make it a code cell")
        if marked and one in defined and not any(cell.notes.get("grade_id") == one for cell in cells):
            problems.append(f"the cell of {one} has lost its mark of nbgrader: it was found by its name")
    kept = []
    for cell in cells:
        problems += [f"code cell {cell.number}, line {line}, is for IPython alone and was left out: {text[:80]}"
                     for line, text in cell.left_out if not text.startswith(SILENT)]
        if cell.notes.get("grade"):
            answers = [one for one in cell.defined() if one in wanted]
            if not answers:
                continue
            problems += [f"the answer of {one} is in the cell of a check, code cell {cell.number}: it counts"
                         for one in answers]
        kept.append(cell)
    for one in wanted:
        kept = without_late_stub(one, kept, problems)
    text = {one: text for one in wanted if (text := last_text(one, kept))}
    return Submission(kept, wanted, broken_in(kept, wanted), problems, text, cells)


def notebooks_of(name: str, cells: list[Cell]) -> list[str]:
    """The notebooks of the course that a file is: by nbgrader's marks, or by its name; none where neither tells."""
    marks = {str(cell.notes.get("grade_id")).removeprefix("check-") for cell in cells if cell.notes}
    marked = [notebook for notebook, exercises in NOTEBOOKS.items() if any(one.name in marks for one in exercises)]
    return marked or [notebook for notebook in NOTEBOOKS if notebook in name]


def without_late_stub(one: str, cells: list[Cell], problems: list[str]) -> list[Cell]:
    """The cells without the empty stubs of an exercise that follow a real answer, as a copied cell leaves them."""
    places = [(cell, node) for cell in cells for node in cell.nodes() if one in bound(node)]
    real = [number for number, (_, node) in enumerate(places) if not is_stub(node)]
    if not real:
        return cells
    last, late = places[real[-1]][0], places[real[-1] + 1:]
    for cell, node in late:
        problems.append(f"{one} is written in code cell {last.number} and empty in code cell {cell.number}: the "
                        "written one counts")
        cells = [blanked(other, node) if other.number == cell.number else other for other in cells]
    numbers = sorted({places[number][0].number for number in real})
    if len(numbers) > 1 or len(real) > 1:
        listed = " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))
        problems.append(f"{one} is written {len(real)} times, in code cell{'s' * (len(numbers) > 1)} {listed}: the "
                        "last one counts")
    return cells


def blanked(cell: Cell, node: ast.stmt) -> Cell:
    """The cell with the lines of one statement empty."""
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    lines = ["" if first <= number <= (node.end_lineno or first) else line
             for number, line in enumerate(cell.text.splitlines(), start=1)]
    return Cell(cell.number, "\n".join(lines), cell.notes, cell.left_out)


def last_text(one: str, cells: list[Cell]) -> str:
    """The text of the last definition of an exercise, or of its whole cell where Python cannot read it; or ''."""
    found = [ast.get_source_segment(cell.text, node) or "" for cell in cells for node in cell.nodes()
             if one in bound(node)]
    unreadable = [cell.text for cell in cells if one in cell.defined()]
    return (found or unreadable or [""])[-1]


def broken_in(cells: list[Cell], wanted: list[str]) -> dict[str, str]:
    """A sentence on each exercise that is written only in cells that Python cannot read."""
    broken = {}
    for cell in cells:
        for one in cell.defined():
            if one in wanted and parsed(cell.text) is None:
                broken[one] = f"Python cannot read its cell: {syntax_error(cell)}"
            else:
                broken.pop(one, None)
    return broken


def syntax_error(cell: Cell) -> str:
    """What Python says of a cell that it cannot read."""
    try:
        compile(cell.text, cell.name, "exec", FLAGS)
    except SyntaxError as error:
        text = (error.text or "").strip()
        line = f"line {error.lineno} of " if error.lineno else ""
        return f"{error.msg} in {line}code cell {cell.number}" + (f": {text[:100]}" if text else "")
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__} in code cell {cell.number}"
    return ""


def code_cells(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Text and nbgrader's notes of every code cell; InputError for a file that is no notebook."""
    for cell in cells_of(path.name, path.read_bytes())[0]:
        yield cell.text, cell.notes


def asked_for(path: Path) -> list[str]:
    """The exercises in a notebook, by the notes of their cells."""
    return [str(notes.get("grade_id")) for _, notes in code_cells(path) if notes.get("grade_id") in EXERCISES]


def defined_by(path: Path) -> tuple[dict[str, Callable], list[str]]:
    """What the cells of a trusted notebook define, run in this process, and a sentence on each cell that failed."""
    cells = submission(path.name, path.read_bytes()).cells
    namespace: dict[str, Any] = {"__name__": "__main__"}
    problems = [problem for _, problem in run_cells([(cell.number, cell.text) for cell in cells], namespace)]
    return namespace, [problem for problem in problems if problem]
