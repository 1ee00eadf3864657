"""The exercises' notebooks: generated, complete, free of the answers, and assignments that nbgrader takes."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks.exercises import generate
from notebooks.exercises.generate import FOLDER, for_students, outdated, sources, with_solutions, without
from notebooks.publish.files import NotebookError, read
from swin_np.classroom.grading import Grader
from swin_np.classroom.sandbox import environment
from swin_np.exercises.covering import drawn
from swin_np.exercises.exercise import arrays
from swin_np.exercises.registry import EXERCISES, NOTEBOOKS

ALLOWED = {"numpy", "math"}                            # and of swin_np.exercises these two:
TOOLS = {"check", "progress"}


def each_notebook(function):
    return pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)(function)


def cells(path, kind):
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def test_the_students_notebooks_and_the_solutions_are_what_the_sources_give():
    assert outdated() == []


def test_there_is_a_source_for_every_notebook_in_the_folder_that_nbgrader_wants():
    assert [(path.parent.name, path.stem) for path in sources()] == [(name, name) for name in NOTEBOOKS]


@each_notebook
def test_a_notebook_has_its_exercises_in_their_order_with_their_points(path):
    notes = [cell.metadata.nbgrader for cell in cells(path, "code") if "nbgrader" in cell.metadata]
    wanted = [exercise.name for exercise in NOTEBOOKS[path.stem]]
    assert [note.grade_id for note in notes if note.solution] == wanted
    assert [note.grade_id for note in notes if note.grade] == [f"check-{name}" for name in wanted]
    assert [note.points for note in notes if note.grade] == [EXERCISES[name].points for name in wanted]


@each_notebook
def test_every_exercise_has_its_goal_signature_three_folded_hints_and_a_question(path):
    texts = [cell.source for cell in cells(path, "markdown") if "**Signature.**" in cell.source]
    assert len(texts) == len(NOTEBOOKS[path.stem])
    for exercise, text in zip(NOTEBOOKS[path.stem], texts, strict=True):
        plural = "s" if exercise.points != 1 else ""
        assert f"({exercise.points} point{plural}, {exercise.minutes} minutes)" in text
        assert re.findall(r"<details><summary>(.*?)</summary>\n\n.+?\n</details>", text, re.S) == [
            f"Hint {number}" for number in (1, 2, 3)]
        assert "**Goal.**" in text and "**Think about it.**" in text and "?" in text.split("**Think about it.**")[1]
        assert f"`{exercise.name}(" in text


def what_is_sent(name, text):
    """The paragraph on what the check sends, or that of the exercise which it refers to."""
    paragraph = re.search(r"^\*\*The check sends\*\* .+?(?=\n\n)", text[name], re.S | re.M)[0]
    if same := re.search(r"the same as in exercise (\d)", paragraph):
        return what_is_sent(list(text)[int(same[1]) - 1], text)
    return paragraph


@each_notebook
def test_every_statement_tells_what_the_check_sends(path):
    texts = [cell.source for cell in cells(path, "markdown") if "**Signature.**" in cell.source]
    text = dict(zip([exercise.name for exercise in NOTEBOOKS[path.stem]], texts, strict=True))
    for exercise in NOTEBOOKS[path.stem]:
        if exercise.question:
            continue
        sent, covers = what_is_sent(exercise.name, text), " ".join(exercise.covers)
        if "wider than high" in covers:
            assert "!=" in sent or "not square" in sent
        if "several images" in covers:
            assert "image" in sent
        assert ("float32" in sent) == any(x.dtype.kind == "f" for x in arrays(drawn(exercise, 0, 0)))


@each_notebook
def test_a_notebook_imports_numpy_and_the_check_and_nothing_else(path):
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                assert {name.name for name in node.names} <= ALLOWED
            if isinstance(node, ast.ImportFrom) and node.module not in ALLOWED:
                assert node.module == "swin_np.exercises" and {name.name for name in node.names} <= TOOLS


@each_notebook
def test_the_student_s_notebook_has_no_solution_and_no_hidden_test(path):
    text = (FOLDER / path.name).read_text()
    assert "### BEGIN" not in text and "### END" not in text
    assert text.count("raise NotImplementedError()") == len(NOTEBOOKS[path.stem])
    given = "".join(cell.source for cell in cells(path, "code") if "nbgrader" not in cell.metadata)     # ports, helpers
    for cell in cells(path, "code"):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            inside = cell.source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
            lines = [line.strip() for line in inside.splitlines()]
            own = [line for line in lines if len(line) > 20 and line not in given]
            assert own and not [line for line in own if line in text]


@each_notebook
def test_a_notebook_has_no_outputs_and_its_cells_stay_short(path):
    for cell in cells(path, "code"):
        assert cell.outputs == [] and cell.execution_count is None
        assert max(map(len, cell.source.splitlines())) <= 120


def test_the_blank_notebook_and_the_solutions_are_graded_as_such():
    name = "03_windows"
    grader = Grader()
    student, teacher = (grader.grade(path.name, path.read_bytes())
                        for path in (FOLDER / f"{name}.ipynb", FOLDER / "solutions" / f"{name}.ipynb"))
    grader.close()
    assert {result.outcome for result in student.results.values()} == {"not implemented yet"}
    assert not student.problems and not teacher.problems and not teacher.remarks
    assert sum(result.points for result in teacher.results.values()) == sum(
        exercise.points for exercise in NOTEBOOKS[name])


SOURCE = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"


def test_a_region_becomes_a_stub_of_its_indentation():
    assert without(SOURCE, "SOLUTION", ("a", "b"), "") == "def f():\n    a\n    b"


@pytest.mark.parametrize("source", ["### BEGIN SOLUTION", "### END SOLUTION", "### END SOLUTION\n### BEGIN SOLUTION",
                                    "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"])
def test_a_marker_without_its_partner_is_refused(source):
    with pytest.raises(NotebookError, match="SOLUTION"):
        without(source, "SOLUTION", (), "the cell")


def test_what_is_out_of_date_is_found_and_said(tmp_path, capsys, monkeypatch):
    path = tmp_path / "source" / "one" / "one.ipynb"
    path.parent.mkdir(parents=True)
    shutil.copy(sources()[0], path)
    assert {found.name for found in outdated(tmp_path)} == {"one.ipynb"}
    (tmp_path / "two.ipynb").write_text("left over")
    assert tmp_path / "two.ipynb" in outdated(tmp_path)
    monkeypatch.setattr(generate, "outdated", lambda: [FOLDER / "x.ipynb"])
    assert generate.main(["--check"]) == 1
    assert "x.ipynb is not what its source gives" in capsys.readouterr().err


def nbgrader(course: Path, *arguments: str) -> str:
    own = environment(str(course))
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]])       # nbgrader calls alembic
    done = subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, capture_output=True, text=True,
                          timeout=300, env=own)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    pytest.importorskip("nbgrader")
    folder = tmp_path_factory.mktemp("course")
    name = "03_windows"
    shutil.copytree(FOLDER / "source" / name, folder / "source" / name)
    shutil.copy(FOLDER / "nbgrader_config.py", folder)
    for student, notebook in (("ann", FOLDER / "solutions" / f"{name}.ipynb"), ("ben", FOLDER / f"{name}.ipynb")):
        (folder / "submitted" / student / name).mkdir(parents=True)
        shutil.copy(notebook, folder / "submitted" / student / name)
    nbgrader(folder, "generate_assignment", name)
    return folder


@pytest.mark.long
def test_nbgrader_generates_the_same_student_s_notebook(course):
    theirs = nbformat.read(course / "release" / "03_windows" / "03_windows.ipynb", 4)
    ours = read(FOLDER / "03_windows.ipynb")
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]


@pytest.mark.long
def test_nbgrader_grades_the_solutions_with_all_points_and_the_blank_with_none(course):
    nbgrader(course, "autograde", "03_windows")
    nbgrader(course, "export")
    lines = (course / "grades.csv").read_text().splitlines()
    scores = {line.split(",")[3]: [float(x) for x in line.split(",")[-2:]] for line in lines[1:]}
    possible = sum(exercise.points for exercise in NOTEBOOKS["03_windows"])
    assert scores == {"ann": [possible, possible], "ben": [0, possible]}


@pytest.mark.long
def test_nbgrader_validates_the_solutions_and_not_the_blank(course):
    assert "Success" in nbgrader(course, "validate", "submitted/ann/03_windows/03_windows.ipynb")
    blank = nbgrader(course, "validate", "submitted/ben/03_windows/03_windows.ipynb")
    assert "failed" in blank and "Traceback" not in blank


def test_a_notebook_is_changed_only_in_its_regions():
    source = read(sources()[0])
    for made in (for_students(source, ""), with_solutions(source, "")):
        pairs = list(zip(source.cells, made.cells, strict=True))
        assert all(one.id == other.id and one.metadata == other.metadata for one, other in pairs)
        assert all(one.source == other.source for one, other in pairs if "### BEGIN" not in one.source)
