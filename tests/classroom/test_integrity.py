"""What is worth a look: the library or the check handed in, and code that several have; and what is not."""

import re
from inspect import getsource

import pytest

from notebooks.exercises.generate import FOLDER
from swin_np.classroom.class_grades import grade
from swin_np.classroom.integrity import NEARLY, SAME, SAME_BUT_NAMES, alike, answer, remarks
from swin_np.classroom.sandbox import Limits
from swin_np.exercises.submission import submission
from tests.classroom.hand_ins import RIGHT, STUB, check, notebook, put
from tests.exercises.solutions import in_other_styles, solution_cells

LOOK = {
    "from swin_np.functional import softmax": "imports swin_np.functional.softmax",
    "import swin_np.functional as F": "imports swin_np.functional",
    "from swin_np.exercises.registry import EXERCISES\nsoftmax = EXERCISES['softmax'].reference": "uses .reference",
    "from swin_np import exercises": "imports swin_np.exercises",
    "import torch": "imports torch", "from scipy.special import softmax": "imports scipy.special.softmax",
    "import importlib\nimportlib.import_module('swin_np.functional')": "names swin_np.functional in a text",
    "import swin_np.exercises.checking as c\nc.examine = print": "replaces .examine",
    "import swin_np\nsetattr(swin_np.exercises, 'check', print)": "replaces .check",
    "def check(f):\n    return 1": "defines a check of its own", "check = print": "defines a check of its own",
    "import gc\nx = gc.get_objects()": "uses .get_objects", "import sys\nf = sys._getframe(1)": "uses ._getframe",
    "def f(x):\n    from swin_np import functional\n    return functional.softmax(x)": "imports swin_np.functional",
}


@pytest.mark.parametrize("text", LOOK)
def test_what_reaches_for_the_answers_is_found(text):
    found = remarks(submission("x.ipynb", notebook(text)).seen)
    assert f"code cell 1 {LOOK[text]}" in found


@pytest.mark.parametrize("text", [
    RIGHT, "from swin_np.exercises import check, progress", "import numpy as np\nimport math",
    "result = check(softmax)\nresult.points", "class A:\n    def f(self):\n        self.x = 1",
    "calls = []\nsteps = 3"])
def test_ordinary_code_is_not_remarked_on(text):
    assert remarks(submission("x.ipynb", notebook(text)).seen) == []


def test_a_check_that_was_changed_is_found():
    changed = check("softmax", "class R: points = 2\nresult = R()\nresult.points")
    cells = submission("x.ipynb", notebook(RIGHT, changed, check("gelu"))).seen
    assert remarks(cells) == ["the check in code cell 2 has been changed"]


def graded(folder, compare=()):
    _, findings = grade(folder, Limits(60), processes=1, compare=compare)
    return [(finding.students, finding.exercise, finding.what) for finding in findings]


def test_functions_of_the_library_are_named_and_take_no_points(tmp_path):
    put(tmp_path, {"ann.ipynb": notebook("from swin_np.functional import softmax")})
    grades, findings = grade(tmp_path, Limits(60), processes=1)
    assert grades[0].points == 2
    assert "the answer is the library's own swin_np.functional.softmax" in [finding.what for finding in findings]


LONG, _ = solution_cells()["multi_head_attention"]


def renamed(text, *names):
    for name in names:
        text = re.sub(rf"\b{name}\b", f"my_{name}", text)
    return text


def pair(one, other):
    answers = [answer(who, text) for who, text in (("ann", one), ("ben", other))]
    return [finding.what for finding in alike("x", [found for found in answers if found], frozenset(["ann", "ben"]))]


@pytest.mark.parametrize(("other", "what"), [
    (LONG, SAME), (LONG + "\n\n# by ben", SAME), (LONG.replace("\n    ", "\n        "), SAME),
    (renamed(LONG, "q", "k", "v", "qkv", "x", "d"), SAME_BUT_NAMES),
    (renamed(LONG, "q", "k", "v").replace("return ", "done = 1\n    return "), NEARLY)])
def test_code_that_two_have_is_found_whatever_was_done_to_hide_it(other, what):
    assert pair(LONG, other) == [f"{what} code"]


def test_short_answers_and_stubs_are_alike_by_nature():
    text = RIGHT.partition("\n")[2]
    assert pair(text, text) == []
    assert pair(STUB, STUB) == [] and pair("softmax = f", "softmax = f") == []


def test_right_answers_in_different_styles_are_not_alike():
    for name, functions in in_other_styles().items():
        texts = {solution_cells()[name][0], *map(getsource, functions)}
        answers = [answer(str(number), text) for number, text in enumerate(sorted(texts))]
        own = frozenset(map(str, range(len(texts))))
        assert list(alike(name, [one for one in answers if one], own)) == [], name


def test_solutions_that_were_handed_in_are_found(tmp_path):
    put(tmp_path, {"ann/x.ipynb": (FOLDER / "solutions" / "01_attention.ipynb").read_bytes()})
    found = graded(tmp_path, [FOLDER / "solutions"])
    assert len(found) == 1 and found[0][0] == ("ann",) and "multi_head_attention" in found[0][1]
    assert found[0][2] == "the same code, also solutions"


def test_the_same_file_of_two_students_is_found_and_blank_ones_are_not(tmp_path):
    blank = (FOLDER / "01_attention.ipynb").read_bytes()
    put(tmp_path, {"ann.ipynb": notebook(LONG), "ben.ipynb": notebook(LONG), "cid.ipynb": blank, "dan.ipynb": blank})
    found = graded(tmp_path)
    assert (("ann", "ben"), "", "the same file, ben.ipynb") in found or (
        ("ann", "ben"), "", "the same file, ann.ipynb") in found
    assert (("ann", "ben"), "multi_head_attention", "the same code") in found and len(found) == 2


def test_a_group_is_found_as_one(tmp_path):
    answers = [answer(who, text) for who, text in (
        ("a", LONG), ("b", LONG), ("c", renamed(LONG, "q", "k")), ("d", "def f(x):\n    return x"))]
    found = list(alike("x", answers, frozenset("abcd")))
    assert [(one.students, one.what) for one in found] == [
        (("a", "b"), "the same code"), (("a", "b", "c"), "the same but for names code")]
