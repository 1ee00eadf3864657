"""Grading one file: whatever it does, it costs one exercise or one cell, and is told."""

import json
import sys

import pytest

from notebooks.exercises.generate import FOLDER
from swin_np.classroom import confinement, sandbox
from swin_np.classroom.grading import FileGrade, Grader, fingerprint
from swin_np.classroom.sandbox import Limits
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import Result
from tests.classroom.hand_ins import GELU, OVERFLOWS, RIGHT, STUB, answer, check, code, notebook


@pytest.fixture(scope="module")
def grader():
    grader = Grader(Limits(60, 2048))
    yield grader
    grader.close()


@pytest.fixture
def impatient(monkeypatch):
    """A grader of its own whose limits on time are short."""
    monkeypatch.setattr(sandbox, "CELL_SECONDS", 1.0)
    grader = Grader(Limits(20, 2048))
    yield grader
    grader.close()


def function(body):
    return "import ctypes, os, signal, sys\nimport numpy as np\ndef softmax(x):\n    " + body.replace("\n", "\n    ")


BAD_CELLS = {
    "os._exit": ("import os\nos._exit(3)", "ended its process (exit status 3)"),
    "kill": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended its process (SIGKILL)"),
    "crash": ("import ctypes\nctypes.string_at(0)", "ended its process (SIGSEGV)"),
    "abort": ("import os\nos.abort()", "ended its process (SIGABRT)"),
    "closed pipes": ("import os\nos.closerange(0, 50)", "ended its process"),
    "noise in the pipes": ("import contextlib, os\nfor i in range(3, 20):\n    with contextlib.suppress(OSError):\n"
                           "        os.write(i, b'x' * 100)",
                           "it wrote into the grader's own messages"),
    "program": ("import os\nos.system('true')", "os.system is not allowed"),
    "network": ("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)", "socket"),
    "memory": ("import numpy as np\nx = np.ones(10 ** 11)", "MemoryError"),
    "SystemExit": ("raise SystemExit", "SystemExit"),
    "SyntaxError": ("def f(:", "SyntaxError"),
    "null character": ("x = '\0'", "code cell 1"),
    "numpy replaced": ("import numpy as np\nnp.exp = abs", "code cell 1 replaces np.exp"),
    "linalg replaced": ("import numpy as np\nnp.linalg.norm = abs", "replaces np.linalg.norm"),
    "max replaced": ("import builtins\nbuiltins.max = min", "replaces builtins.max"),
    "keyboard": ("raise KeyboardInterrupt", "was interrupted"),
    "ls": ("!ls", "is for IPython alone and was left out: !ls"),
    "ls assigned": ("files = !ls\nfiles.sort()", "is for IPython alone and was left out: files = !ls"),
    "bash": ("%%bash\nls", "is for IPython alone and was left out: %%bash"),
    "question": ("import numpy\nnumpy.sum?", "is for IPython alone"),
    "deep": ("(" * 500 + ")" * 500, "code cell 1"),
    "no module": ("import no_such_module", "ModuleNotFoundError"),
    "reading": ("open('/etc/passwd').read()", "hidden from a submission"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_cell_is_told_and_costs_no_exercise(grader, name):
    text, sentence = BAD_CELLS[name]
    grade = grader.grade("x.ipynb", notebook(text, RIGHT, GELU))
    assert grade.results["softmax"].passed and grade.results["gelu"].passed
    assert len(grade.problems) == 1 and sentence in grade.problems[0]


HARMLESS_CELLS = {
    "await": "import asyncio\nawait asyncio.sleep(0.01)\ndone = True", "40 MB": "print('x' * 40_000_000)",
    "magic": "%matplotlib inline\n%load_ext autoreload", "timed": "%%time\nx = 1", "recursion":
    "import sys\nsys.setrecursionlimit(10 ** 9)", "check": "from swin_np.exercises import check, progress\nprogress()",
    "modulo": "x = (7\n% 3)", "not at the end": "x = 5 \\\n% 3", "files of its own":
    "open('mine', 'w').write('x')\nimport os, tempfile\nos.mkdir('d')\ntempfile.TemporaryFile().write(b'x')",
    "alarm": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)", "thread":
    "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()", "__main__":
    "if __name__ == '__main__':\n    done = True",
}


@pytest.mark.parametrize("name", HARMLESS_CELLS)
def test_a_harmless_cell_is_executed_without_a_word(grader, name):
    grade = grader.grade("x.ipynb", notebook(HARMLESS_CELLS[name], RIGHT))
    assert grade.results["softmax"].passed and grade.problems == ()


BAD_FUNCTIONS = {
    "a loop in C": ("return sum(range(10 ** 13))", "could not be stopped"),
    "a deaf loop": ("signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass", "could not be stopped"),
    "a loop": ("while True: pass", "had not finished after"),
    "an exit": ("os._exit(0)", "it ended the process (exit status 0)"),
    "a crash": ("ctypes.string_at(0)", "it ended the process (SIGSEGV)"),
    "a kill": ("os.kill(os.getpid(), 9)", "it ended the process (SIGKILL)"),
    "the pipes closed": ("os.closerange(0, 50)", "it ended the process"),
    "a line of 40 MB": ("print('x' * 40_000_000)\nreturn x", "your function printed:"),
    "prints without end": ("while True: print('x' * 1000)", "had not finished after"),
    "a huge result": ("return np.zeros((3000, 3000))", "its result is too large: 69 MiB, expected 64 at most"),
    "no memory": ("return np.ones(10 ** 11)", "MemoryError"),
    "recursion": ("return softmax(x)", "RecursionError"),
    "numpy replaced": ("np.exp = np.sin\nreturn np.exp(x)", "it replaces np.exp"),
    "an argument changed": ("x += 1\nreturn x", "your function changes x"),
    "an argument resized": ("x.shape = (-1,)\nreturn x", "softmax: "),
    "SystemExit": ("raise SystemExit", "SystemExit"), "sys.exit": ("sys.exit('done')", "SystemExit"),
    "a generator": ("yield x", "a generator came back"), "a class": ("return object", "a type came back"),
    "a lambda": ("return lambda: 1", "a function came back"), "objects": ("return x.astype(object)", "object"),
    "too deep": ("y = []\nfor _ in range(50): y = [y]\nreturn y", "a list"),
    "an exception without a message": ("class E(Exception):\n    def __str__(self): raise E\nraise E", "it raised E"),
}


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_a_bad_function_costs_its_exercise_and_says_so(name, monkeypatch):
    monkeypatch.setitem(EXERCISES, "softmax", EXERCISES["softmax"].__class__(
        **{**vars(EXERCISES["softmax"]), "seconds": 1.0}))
    body, sentence = BAD_FUNCTIONS[name]
    grader = Grader(Limits(30, 2048))
    grade = grader.grade("x.ipynb", notebook(function(body), GELU))
    grader.close()
    assert not grade.results["softmax"].passed and sentence in " ".join(grade.results["softmax"].report.split())
    assert grade.results["gelu"].passed and grade.problems == ()
    assert max(map(len, grade.results["softmax"].report.splitlines())) <= 130


def test_the_line_of_an_endless_call_and_of_a_crash_is_told(grader):
    grade = grader.grade("x.ipynb", notebook(function("y = x\nctypes.string_at(0)")))
    assert "in line 5 of its cell: ctypes.string_at(0)" in " ".join(grade.results["softmax"].report.split())


def test_a_cell_that_takes_too_long_is_left_and_one_that_cannot_be_stopped_left_out(impatient, monkeypatch):
    monkeypatch.setattr(sandbox, "CELL_SECONDS", 0.5)
    grade = impatient.grade("x.ipynb", notebook("sum(range(10 ** 13))", RIGHT))
    assert grade.results["softmax"].passed
    assert grade.problems == ("code cell 1 had not finished after 0.5 seconds and could not be stopped: it was left "
                              "out",)


def test_a_file_that_takes_too_long_is_stopped_and_every_exercise_says_so():
    grader = Grader(Limits(2, 2048))
    grade = grader.grade("x.ipynb", notebook("while True: pass", RIGHT, GELU))
    grader.close()
    assert [result.outcome for result in grade.results.values()] == ["error", "error"]
    assert "stopped after 2 seconds" in " ".join(grade.results["gelu"].report.split())
    assert "it was stopped after 2 seconds" in grade.problems


def test_a_cell_that_takes_its_function_down_with_it_is_told_at_the_exercise(grader):
    grade = grader.grade("x.ipynb", notebook(RIGHT + "\nimport os\nos._exit(1)", GELU))
    assert "code cell 1 ended its process (exit status 1)" in grade.results["softmax"].report
    assert grade.results["softmax"].outcome == "error" and grade.results["gelu"].passed


def test_a_function_of_a_cell_that_python_cannot_read_is_told_at_the_exercise(grader):
    grade = grader.grade("x.ipynb", notebook("import numpy as np\ndef softmax(x):\n    return (x", GELU))
    assert "'(' was never closed in line 3 of code cell 1" in " ".join(grade.results["softmax"].report.split())
    assert grade.results["softmax"].outcome == "error" and grade.results["gelu"].passed


def test_what_is_no_function_is_told(grader):
    report = grader.grade("x.ipynb", notebook("softmax = 3")).results["softmax"].report
    assert "softmax is no function: define it with `def softmax(...)`" in report


def test_a_lambda_counts(grader):
    text = "import numpy as np\nsoftmax = lambda x: np.exp(x - x.max(-1, keepdims=True)) / np.exp(x - x.max(-1, " \
           "keepdims=True)).sum(-1, keepdims=True)"
    assert grader.grade("x.ipynb", notebook(text)).results["softmax"].passed


def test_a_stub_copied_to_the_end_does_not_take_the_answer(grader):
    grade = grader.grade("x.ipynb", notebook(answer("softmax", RIGHT), answer("softmax", STUB)))
    assert grade.results["softmax"].passed
    assert "softmax is written in code cell 1 and empty in code cell 2: the written one counts" in grade.problems


def test_mistakes_have_their_names(grader):
    assert grader.grade("x.ipynb", notebook(OVERFLOWS)).results["softmax"].mistake == "softmax-overflows"


def test_the_solutions_get_all_points(grader):
    for path in sorted((FOLDER / "solutions").glob("*.ipynb")):
        grade = grader.grade(path.name, path.read_bytes())
        assert all(result.passed for result in grade.results.values()) and len(grade.results) >= 2
        assert grade.problems == grade.remarks == ()


def test_a_python_file_is_graded_statement_by_statement(grader):
    text = "# coding: utf-8\n" + RIGHT + "\n\n1 / 0\n\n" + GELU + "\n"
    grade = grader.grade("x.py", text.encode())
    assert grade.results["softmax"].passed and grade.results["gelu"].passed
    assert grade.problems == ("the statement in line 7: it raised ZeroDivisionError: division by zero",)


def test_a_syntax_error_in_a_python_file_costs_its_function_alone(grader):
    text = RIGHT + "\n\n@abs\ndef layer_norm(x:\n    return 1\n\n" + GELU
    grade = grader.grade("x.py", text.encode())
    assert grade.results["softmax"].passed and grade.results["gelu"].passed
    assert "Python cannot read its cell" in grade.results["layer_norm"].report


def test_a_module_that_came_with_a_notebook_can_be_imported(grader):
    grade = grader.grade("x.ipynb", notebook("from formulas import softmax"), {"formulas.py": RIGHT})
    assert grade.results["softmax"].passed and grade.problems == ()


def test_a_replaced_check_changes_no_points(grader):
    forged = ("import swin_np.exercises.checking as checking\nfrom swin_np.exercises.result import Result\n"
              "checking.examine = lambda *a: Result('softmax', 'right', 4995, 4995, '', '')\n"
              "checking.EXERCISES['softmax'].__dict__['points'] = 4995\n" + STUB)
    result = grader.grade("x.ipynb", notebook(forged)).results["softmax"]
    assert (result.points, result.possible) == (0, 2)


def test_the_seed_is_not_in_the_process_of_the_submission(grader):
    text = "import os, sys\nassert '2103' not in str(sys.argv) + str(dict(os.environ))"
    assert Grader(seed=2103).grade("x.ipynb", notebook(text, RIGHT)).problems == ()


def test_a_report_does_not_tell_the_seed():
    grader = Grader(seed=987654321)
    reports = [result.report for result in grader.grade("x.ipynb", notebook(OVERFLOWS)).results.values()]
    grader.close()
    assert reports and not any("987654321" in report for report in reports)


def test_a_check_in_a_cell_of_the_student_s_goes_on(grader):
    text = "from swin_np.exercises import check\nassert check(softmax).points == 2\nassert check(softmax).passed"
    assert grader.grade("x.ipynb", notebook(RIGHT, text)).problems == ()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{\"cells\": 3}", b"\xff\xfe", b"null", b"[" * 100_000,
                                  b"<<<<<<< HEAD\n{}", json.dumps({"cells": [{"cell_type": "code"}]}).encode()])
def test_what_is_no_notebook_is_told_in_a_sentence(grader, data):
    grade = grader.grade("x.ipynb", data)
    assert grade.results == {} and "x.ipynb cannot be read as a notebook" in grade.problems[0]


def test_a_notebook_of_the_third_format_and_one_with_a_mark_of_bytes_are_read(grader):
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": RIGHT.splitlines(True)}]}]}
    assert grader.grade("x.ipynb", json.dumps(old).encode()).results["softmax"].passed
    assert grader.grade("x.ipynb", b"\xef\xbb\xbf" + notebook(RIGHT)).results["softmax"].passed


def test_a_grade_is_the_same_after_it_was_stored(grader):
    grade = grader.grade("x.ipynb", notebook("1 / 0", OVERFLOWS))
    assert FileGrade.of_json(json.loads(json.dumps(grade.as_json()))) == grade


def test_a_fingerprint_tells_files_names_seeds_and_modules_apart(grader):
    data = notebook(RIGHT)
    marks = [fingerprint("x.ipynb", data, {}, grader), fingerprint("x.ipynb", data + b" ", {}, grader),
             fingerprint("x.ipynb", data, {"a.py": ""}, grader), fingerprint("x.py", data, {}, grader),
             fingerprint("x.ipynb", data, {}, Grader(seed=1)), fingerprint("x.ipynb", data, {}, Grader(Limits(1))),
             fingerprint("01_attention.ipynb", data, {}, grader)]
    assert len(set(marks)) == len(marks)
    assert fingerprint("x.ipynb", data, {}, grader) == marks[0]


def test_files_of_others_are_hidden_also_from_code_in_c(grader, tmp_path):
    (tmp_path / "other.ipynb").write_text("another student's")
    text = (f"import ctypes\nc = ctypes.CDLL(None)\nassert c.open({str(tmp_path / 'other.ipynb').encode()!r}, 0) < 0\n"
            "assert c.open(b'/proc/1/environ', 0) < 0 and c.open(b'/etc/passwd', 0) < 0")
    grade = grader.grade("x.ipynb", notebook(text, RIGHT))
    if "the view of the disk" in grade.not_isolated:
        pytest.skip("this system hides nothing")
    assert grade.problems == ()


def test_there_is_no_network_for_code_in_c(grader):
    text = ("import ctypes, struct\nc = ctypes.CDLL(None)\ns = c.socket(2, 1, 0)\n"
            "a = struct.pack('=HH4s8x', 2, 0x3500, bytes([127, 0, 0, 1]))\n"
            "failed = c.connect(s, a, 16) < 0\nassert failed\n"
            "import os\nassert not os.path.exists('/sys/class/net/eth0')")
    grade = grader.grade("x.ipynb", notebook(text, RIGHT))
    if "the network" in grade.not_isolated:
        pytest.skip("this system has no namespaces")
    assert grade.problems == ()


def test_files_are_written_in_the_submission_s_own_folder_only(grader, tmp_path):
    (tmp_path / "kept").write_text("")
    for text in (f"open({str(tmp_path / 'spoiled')!r}, 'w')", f"import os\nos.remove({str(tmp_path / 'kept')!r})"):
        grade = grader.grade("x.ipynb", notebook(text, RIGHT))
        assert len(grade.problems) == 1 and grade.results["softmax"].passed
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_submission_finds_nothing_of_the_one_before(grader):
    if grader.grade("x.ipynb", notebook(RIGHT)).not_isolated:
        pytest.skip("this system hides nothing")
    leave = ("open('left', 'w')\nimport ctypes, numpy\nnumpy.left = 1\nc = ctypes.CDLL(None)\n"
             "for place in (b'../left', b'/left', b'/usr/left', b'/dev/left'):\n    c.open(place, 0o101, 0o600)")
    assert grader.grade("x.ipynb", notebook(leave, RIGHT)).problems == ()
    text = ("import os, numpy\nassert not hasattr(numpy, 'left')\n"
            "for place in ('left', '../left', '/left', '/usr/left'):\n    assert not os.path.exists(place)")
    assert grader.grade("x.ipynb", notebook(text, RIGHT)).problems == ()


def test_without_namespaces_python_refuses_and_the_grade_says_so(monkeypatch):
    monkeypatch.setattr("swin_np.classroom.sandbox.namespaces", lambda: ())
    monkeypatch.setattr("swin_np.classroom.grading.namespaces", lambda: ())
    grader = Grader(Limits(30))
    grade = grader.grade("x.ipynb", notebook("open('/etc/passwd')", RIGHT))
    grader.close()
    assert "hidden from a submission" in grade.problems[0] and grade.results["softmax"].passed
    assert {"the network", "the view of the disk"} <= set(grade.not_isolated)


WITHOUT_COPIES = ("import os, runpy, sys\ndel os.fork\nsys.argv = sys.argv[3:]\n"
                  "runpy.run_module(sys.argv[0], run_name='__main__')")


def test_where_processes_cannot_be_copied_each_file_has_one_of_its_own(monkeypatch):
    monkeypatch.setattr("swin_np.classroom.sandbox.namespaces", lambda: (sys.executable, "-c", WITHOUT_COPIES))
    grader = Grader(Limits(60))
    for _ in range(2):
        crash = function("ctypes.string_at(0)").replace("softmax", "layer_norm")
        grade = grader.grade("x.ipynb", notebook("import os\nos._exit(3)", RIGHT, crash, GELU))
        assert grade.results["softmax"].passed and grade.results["gelu"].passed and grader.process is None
        assert grade.problems == ("code cell 1 ended its process (exit status 3): it was left out",)
    grader.close()


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
    assert confinement.limit(2.5, 1024) == not_limited
    assert system is None or system.limits == limits


def test_a_result_has_all_the_points_of_its_exercise_or_none(grader):
    for text in (RIGHT, OVERFLOWS):
        result = grader.grade("x.ipynb", notebook(answer("softmax", text), check("softmax"))).results["softmax"]
        assert isinstance(result, Result) and result.points in (0, EXERCISES["softmax"].points)


def test_a_cell_whose_metadata_is_spoiled_is_read(grader):
    cell = {**code(RIGHT), "metadata": {"nbgrader": "lost"}}
    assert grader.grade("x.ipynb", notebook(cell)).results["softmax"].passed
    assert grader.grade("x.ipynb", notebook({**code(RIGHT), "metadata": None})).results["softmax"].passed
