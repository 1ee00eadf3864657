"""Grading: each submission on its own, whatever it does; the table, CSV, JSON and the chart."""

import argparse
import csv
import json
import shutil
import sys

import pytest

from notebooks.exercises.generate import FOLDER
from swin_np.commands import grade as grade_command
from swin_np.errors import InputError, SwinWarning
from swin_np.exercises import grading, submission
from swin_np.exercises.grade_table import as_csv, harmless, most_frequent, rows
from swin_np.exercises.grading import Limits, grade, submissions
from swin_np.exercises.submission import graded
from swin_np.plots.classroom import what_went_wrong

OVERFLOWS = "import numpy as np\ndef softmax(x):\n    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)"
RIGHT = ("import numpy as np\ndef softmax(x):\n    e = np.exp(x - x.max(-1, keepdims=True))\n"
         "    return e / e.sum(-1, keepdims=True)")
HOSTILE = {
    "leaving": "import os\nos._exit(3)", "killing":
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "starting": "import os\nos.system('true')",
    "calling": "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)",
    "filling": "import numpy as np\nx = np.ones(10 ** 11)", "raising": "raise SystemExit", "typing": "def f(:",
}


def notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell, "metadata": {}} for cell in cells]}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submitted")
    (folder / "ann").mkdir()
    shutil.copy(FOLDER / "solutions" / "01_attention.ipynb", folder / "ann")
    notebook(folder / "ben.ipynb", "%matplotlib inline\n1 / 0", OVERFLOWS)
    notebook(folder / "cid" / "01" / "x.ipynb", OVERFLOWS)
    notebook(folder / "cid" / "02" / "x.ipynb", RIGHT)
    notebook(folder / ".ipynb_checkpoints" / "x.ipynb", RIGHT)
    (folder / "dan.ipynb").write_text("no notebook")
    for name, text in HOSTILE.items():
        notebook(folder / f"{name}.ipynb", text, RIGHT)
    (folder / "kept").write_text("")
    notebook(folder / "writing.ipynb", f"open({str(folder / 'spoiled')!r}, 'w')", "open('mine', 'w')", RIGHT)
    notebook(folder / "deleting.ipynb", f"import os\nos.remove({str(folder / 'kept')!r})", RIGHT)
    return folder


@pytest.fixture(scope="module")
def grades(folder):
    return {one.student: one for one in grade(folder, Limits(60, 2048))}


def test_every_student_is_graded_whatever_the_others_do(grades):
    assert sorted(grades) == sorted(["ann", "ben", "cid", "dan", "writing", "deleting", *HOSTILE])


def test_right_answers_get_their_points_and_mistakes_their_names(grades):
    assert grades["ann"].points == 12 and grades["ann"].mistakes == () and grades["ann"].problems == ()
    assert grades["ben"].results["softmax"].mistake == "softmax-overflows"
    assert "ZeroDivisionError" in grades["ben"].problems[0]


def test_a_function_that_a_notebook_is_given_counts_no_points(tmp_path):
    path = tmp_path / "x.ipynb"
    notebook(path, RIGHT, "def gelu(x):\n    raise NotImplementedError")
    text = json.loads(path.read_text())
    text["cells"][1]["metadata"] = {"nbgrader": {"grade_id": "gelu", "solution": True}}
    path.write_text(json.dumps(text))
    assert [result["exercise"] for result in graded(path)["results"]] == ["gelu"]


def test_of_two_notebooks_the_better_result_counts(grades):
    assert grades["cid"].points == 2


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("leaving", "killing")])
def test_a_bad_cell_does_not_take_the_points_of_the_others(grades, name):
    assert grades[name].points == 2 and len(grades[name].problems) == 1


@pytest.mark.parametrize(("name", "sentence"), [
    ("leaving", "without a result (exit status 3)"), ("killing", "without a result (SIGKILL)"),
    ("dan", "cannot be read as a notebook"), ("calling", "socket"), ("starting", "os.system is not allowed"),
    ("filling", "MemoryError"), ("typing", "SyntaxError")])
def test_a_problem_is_said_in_a_sentence(grades, name, sentence):
    assert sentence in grades[name].problems[0]


def test_files_are_written_in_the_submission_s_own_folder_only(grades, folder):
    assert len(grades["writing"].problems) == 1 and grades["writing"].points == 2
    assert not (folder / "spoiled").exists()
    assert len(grades["deleting"].problems) == 1 and (folder / "kept").exists()


def test_a_notebook_that_takes_too_long_is_stopped(tmp_path):
    notebook(tmp_path / "eve.ipynb", "while True: pass")
    one, = grade(tmp_path, Limits(3, 2048))
    assert "3 seconds" in one.problems[0] or "SIGXCPU" in one.problems[0] or "SIGKILL" in one.problems[0]


def test_a_cell_that_takes_too_long_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "CELL_SECONDS", 0.2)
    notebook(tmp_path / "x.ipynb", "while True: pass", RIGHT)
    outcome = graded(tmp_path / "x.ipynb")
    assert outcome["results"][0]["points"] == 2 and "0.2 seconds" in outcome["problems"][0]


def test_the_table_the_csv_and_the_counts(grades):
    chosen = [grades["ann"], grades["ben"]]
    lines = list(rows(chosen))
    assert lines[1].split()[:4] == ["ann", "12", "5", "0"]
    assert "softmax (softmax-overflows)" in lines[2]
    table = list(csv.DictReader(as_csv(chosen).splitlines()))
    assert [row["points"] for row in table] == ["12", "0"]
    assert table[1]["softmax outcome"] == "softmax-overflows" and table[1]["gelu outcome"] == "missing"
    assert most_frequent(chosen) == [("softmax", "softmax-overflows", 1)]


def test_a_spreadsheet_takes_no_name_for_a_formula():
    assert harmless("=1+1") == "'=1+1" and harmless("ann") == "ann"


def test_the_chart_has_a_bar_for_each_of_the_most_frequent():
    frequent = [(f"exercise {i}", "wrong", 30 - i) for i in range(30)]
    axes, = what_went_wrong(frequent, 40).axes
    assert [bar.get_width() for bar in axes.patches] == [30 - i for i in range(20)]
    assert what_went_wrong([], 0).axes[0].get_title() == "Nothing went wrong"


@pytest.mark.parametrize("make", [lambda path: path / "nowhere", lambda path: path])
def test_a_folder_without_submissions_is_refused(make, tmp_path):
    with pytest.raises(InputError, match="STUDENT"):
        submissions(make(tmp_path))


def run(*arguments):
    parser = argparse.ArgumentParser()
    grade_command.add_command(parser.add_subparsers())
    options = parser.parse_args(["grade", *map(str, arguments)])
    options.run(options)


def test_the_command_writes_csv_chart_and_json(tmp_path, capsys):
    notebook(tmp_path / "in" / "ben.ipynb", OVERFLOWS)
    run(tmp_path / "in", "--csv", tmp_path / "g.csv", "--plot", tmp_path / "g.svg", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["grades"][0]["results"]["softmax"]["mistake"] == "softmax-overflows"
    assert answer["most_frequent"] == [["softmax", "softmax-overflows", 1]]
    assert (tmp_path / "g.csv").read_text().startswith("student,points,softmax")
    assert (tmp_path / "g.svg").read_text().startswith("<?xml")


def test_the_command_refuses_what_cannot_be(tmp_path):
    with pytest.raises(InputError, match="more than nothing"):
        run(tmp_path, "--seconds", "-1")


class Resource:
    """A system's `resource` module, which allows at most what `hard` says and refuses what is in `refused`."""

    RLIM_INFINITY = -1
    RLIMIT_CPU, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_CORE = range(4)

    def __init__(self, hard=(), refused=()):
        self.hard, self.refused, self.limits = dict(hard), refused, {}

    def getrlimit(self, number):
        return 0, self.hard.get(number, self.RLIM_INFINITY)

    def setrlimit(self, number, limits):
        if number in self.refused or self.hard.get(number, limits[1]) < limits[1]:
            raise ValueError("not allowed to raise maximum limit")
        self.limits[number] = limits


ASKED = {Resource.RLIMIT_CPU: (3, 3), Resource.RLIMIT_AS: (2 ** 30, 2 ** 30),
         Resource.RLIMIT_FSIZE: (2 ** 24, 2 ** 24), Resource.RLIMIT_CORE: (0, 0)}


@pytest.mark.parametrize(("system", "limits", "not_limited"), [
    (Resource(), ASKED, []),
    (Resource(hard={Resource.RLIMIT_AS: 2 ** 29}), ASKED | {Resource.RLIMIT_AS: (2 ** 29, 2 ** 29)}, []),
    (Resource(refused=[Resource.RLIMIT_AS]), {key: ASKED[key] for key in (0, 2, 3)}, ["memory"]),
    (None, None, ["processor time", "memory", "the size of files", "core dumps"]),
], ids=["Linux", "a lower limit", "macOS", "Windows"])
def test_a_submission_is_limited_as_far_as_the_system_lets_us(system, limits, not_limited, monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", system)
    assert submission.limit(2.5, 1024) == not_limited
    assert system is None or system.limits == limits


def test_grading_says_what_the_system_does_not_limit_and_goes_on(tmp_path, monkeypatch):
    answer = json.dumps({"results": [], "problems": [], "not_limited": ["memory"]})
    monkeypatch.setattr(grading, "without_network", lambda: (sys.executable, "-c", f"print({answer!r})"))
    with pytest.warns(SwinWarning, match="does not limit memory: a submission can use more"):
        assert grading.grade_notebook(tmp_path / "ann.ipynb", "ann", Limits(60, 1024)).problems == ()
