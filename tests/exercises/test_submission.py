"""Answers are found in a notebook however it has been rearranged, and what was rearranged is told."""

import json

import pytest

from notebooks.exercises.generate import FOLDER
from swin_np.exercises.registry import NOTEBOOKS
from swin_np.exercises.submission import blocks, is_stub, parsed, python, submission
from tests.classroom.hand_ins import GELU, RIGHT, STUB, answer, check, code, notebook

FIRST = [exercise.name for exercise in NOTEBOOKS["01_attention"]]


def test_a_notebook_is_known_by_the_marks_of_its_cells_by_its_name_or_by_its_functions():
    assert submission("x.ipynb", notebook(answer("gelu", GELU))).wanted == FIRST
    assert submission("x.ipynb", notebook(check("gelu"))).wanted == FIRST
    assert submission("李明_01_attention (2).ipynb", notebook(GELU)).wanted == FIRST
    assert submission("x.ipynb", notebook(GELU)).wanted == ["gelu"]
    assert submission("x.ipynb", notebook("x = 1")).wanted == []


def test_a_function_that_a_notebook_is_given_from_another_one_is_not_asked_for():
    found = submission("x.ipynb", notebook(RIGHT, answer("cyclic_shift", "def cyclic_shift(x, shift):\n    return x")))
    assert "softmax" not in found.wanted and found.problems == []


def test_a_cell_that_has_lost_its_mark_is_found_by_name_and_told():
    found = submission("x.ipynb", notebook(RIGHT, answer("gelu", GELU)))
    assert "softmax" in found.text
    assert found.problems == ["the cell of softmax has lost its mark of nbgrader: it was found by its name"]


def test_an_answer_in_a_check_counts_and_is_told():
    found = submission("x.ipynb", notebook(answer("softmax", STUB), check("softmax", RIGHT + "\ncheck(softmax)")))
    assert "np.exp" in found.text["softmax"] and [cell.number for cell in found.cells] == [1, 2]
    assert "the answer of softmax is in the cell of a check, code cell 2: it counts" in found.problems


def test_checks_are_not_executed():
    found = submission("x.ipynb", notebook(answer("softmax", RIGHT), check("softmax")))
    assert [cell.number for cell in found.cells] == [1] and found.problems == []


def test_a_stub_at_the_end_is_left_out_and_the_rest_of_its_cell_is_not():
    found = submission("x.ipynb", notebook(answer("softmax", RIGHT), answer("softmax", STUB + "\nx = 1")))
    assert parsed(found.cells[1].text) and "def softmax" not in found.cells[1].text
    assert found.cells[1].text.endswith("x = 1") and len(found.cells[1].text.splitlines()) == 5


def test_of_two_answers_the_last_counts_and_both_are_told():
    other = "def softmax(x):\n    return x"
    found = submission("x.ipynb", notebook(answer("softmax", RIGHT), answer("softmax", other)))
    assert found.text["softmax"].endswith("return x")
    assert found.problems == ["softmax is written 2 times, in code cells 1 and 2: the last one counts"]


def test_a_duplicated_cell_is_told():
    found = submission("x.ipynb", notebook(*[answer("softmax", RIGHT)] * 3))
    assert found.problems == ["softmax is written 3 times, in code cells 1, 2 and 3: the last one counts"]


def test_an_answer_in_a_cell_of_text_is_told():
    data = json.dumps({"cells": [{"cell_type": kind, "source": RIGHT, "metadata": {}} for kind in ("markdown", "raw")]})
    problem, = submission("01_attention.ipynb", data.encode()).problems
    assert problem == "the answer of softmax is in a cell of text, which is not executed: make it a code cell"


def test_the_students_notebooks_and_the_solutions_have_nothing_to_tell():
    for path in [*FOLDER.glob("*.ipynb"), *(FOLDER / "solutions").glob("*.ipynb")]:
        found = submission(path.name, path.read_bytes())
        assert found.problems == [] and found.broken == {} and found.wanted == [
            exercise.name for exercise in NOTEBOOKS[path.stem]]


def test_a_notebook_without_any_metadata_is_told_nothing_about_marks():
    assert submission("01_attention.ipynb", notebook(RIGHT, GELU)).problems == []


@pytest.mark.parametrize(("text", "made"), [
    ("x = 1\n%time f()", "x = 1\npass"), ("if True:\n    !ls\n    x = 1", "if True:\n    pass\n    x = 1"),
    ("a, b = !ls", "a, b = []"), ("np.sum?\nx = 1", "pass\nx = 1"), ("?np.sum", "pass"), ("%%html\n<b>", ""),
    ("%%time\nx = 1", "pass\nx = 1"), ("x = '''\n%s\n''' % 1", "x = '''\n%s\n''' % 1"), ("await f()", "await f()"),
    ("x = (3\n% 2)", "x = (3\n% 2)"), ("def f(:", "def f(:")])
def test_lines_for_ipython_are_left_out_and_no_others(text, made):
    assert python(text)[0] == made


@pytest.mark.parametrize(("text", "stub"), [
    (STUB, True), ("def f(x):\n    pass", True), ("def f(x):\n    ...", True), ("def f(x):\n    return", True),
    ("def f(x):\n    return x", False), ("def f(x):\n    'doc'\n    x += 1", False), ("f = lambda x: x", False)])
def test_a_stub_is_told_from_an_answer(text, stub):
    assert is_stub(parsed(text)[0]) == stub


def test_the_parts_of_a_python_file_keep_the_numbers_of_their_lines():
    text = "import os\n\n@abs\ndef f(x):\n    return (x\n\ndef g(x):\n    return x\n"
    parts = [part for part in blocks(text) if part.strip()]
    assert [len(part) - len(part.lstrip("\n")) + 1 for part in parts] == [1, 3, 7]
    assert parsed(parts[2]) is not None and parsed(parts[1]) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_python_file_may_be_in_chinese(encoding):
    text = f"# 作业\n{RIGHT}\n".encode(encoding)
    assert submission("x.py", text).wanted == ["softmax"]


def test_a_lambda_and_an_import_are_answers():
    text = submission("x.ipynb", notebook("softmax = lambda x: x", "from swin_np.functional import gelu")).text
    assert text == {"softmax": "softmax = lambda x: x", "gelu": "from swin_np.functional import gelu"}


def test_a_cell_with_several_answers_has_them_all():
    assert submission("x.ipynb", notebook(code(RIGHT + "\n" + GELU))).wanted == ["softmax", "gelu"]


def test_what_python_cannot_read_is_told_with_its_line_where_it_has_one():
    broken, = submission("x.ipynb", notebook(RIGHT + "\n)")).broken.values()
    assert broken.endswith("in line 5 of code cell 1: )")
    broken, = submission("x.ipynb", notebook(RIGHT + "\n\0")).broken.values()
    assert "null bytes" in broken or "ValueError" in broken
    assert broken.endswith("in code cell 1")
