"""check in a copy of the kernel: what ends a process, and what replaces NumPy, costs the exercise alone."""

import ctypes
import os
import time
from pathlib import Path

import numpy as np
import pytest

from swin_np.errors import ConfigurationError, InputError
from swin_np.exercises import apart, check, intact
from swin_np.exercises.registry import EXERCISES

pytestmark = pytest.mark.skipif(not apart.CAN_COPY, reason="this system copies no processes")


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("swin_np.exercises.registry.DONE", {})
    softmax = EXERCISES["softmax"]
    monkeypatch.setitem(EXERCISES, "softmax", type(softmax)(**{**vars(softmax), "seconds": 0.5}))


def report(function):
    result = check(function)
    assert not result.passed and result.points == 0 and result.outcome == "error"
    return " ".join(result.report.split())


def test_a_loop_in_c_is_stopped_and_its_line_told():
    def softmax(x):
        return sum(range(10 ** 13))

    start = time.monotonic()
    text = report(softmax)
    assert "had not finished after 0.5 seconds and could not be stopped" in text
    assert "return sum(range(10 ** 13))" in text and time.monotonic() - start < 10


def test_an_exit_and_a_crash_do_not_end_the_kernel():
    def leaves():
        def softmax(x):
            os._exit(0)
        return softmax

    def crashes():
        def softmax(x):
            ctypes.string_at(0)
        return softmax

    assert "it ended the process (exit status 0)" in report(leaves())
    assert "it ended the process (SIGSEGV)" in report(crashes()) and "ctypes.string_at(0)" in report(crashes())


def test_replaced_functions_of_numpy_are_told_in_one_sentence_and_put_back(capsys, monkeypatch):
    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    monkeypatch.setattr(np, "exp", abs)
    assert check(softmax).passed
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("this notebook replaces np.exp, which all other code uses too: give your own function")
    assert np.exp is intact.ORIGINAL["np", "exp"][1]


def test_a_function_that_replaces_numpy_s_is_in_error():
    def softmax(x):
        np.exp = np.sin
        return np.exp(x)

    assert "it replaces np.exp" in report(softmax)


def test_a_lambda_is_found_by_the_name_it_was_assigned_to():
    scope = {"np": np, "check": check}
    exec("softmax = lambda x: (lambda e: e / e.sum(-1, keepdims=True))(np.exp(x - x.max(-1, keepdims=True)))\n"
         "result = check(softmax)", scope)
    assert scope["result"].passed


def test_what_a_function_prints_is_cut():
    def softmax(x):
        print("x" * 40_000_000)
        return x

    assert max(map(len, check(softmax).report.splitlines())) <= 130


@pytest.mark.long
def test_a_kernel_of_jupyter_survives_what_a_function_does(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(apart.__file__).parents[2]))
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    cells = ["import os\nfrom swin_np.exercises import check\ndef softmax(x):\n    return sum(range(10 ** 13))\n"
             "before = os.getpid()\nassert check(softmax).outcome == 'error'",
             "def softmax(x):\n    os._exit(0)\nassert check(softmax).outcome == 'error' and os.getpid() == before"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "could not be stopped" in notebook.cells[0].outputs[0].text


def test_a_copy_that_does_nothing_at_all_is_given_up():
    with pytest.raises(apart.EndedError, match="SIGKILL"):
        apart.result_of(lambda: time.sleep(60), 0.2)


def test_an_error_of_the_package_comes_out_of_the_copy():
    def refuse():
        raise InputError("give another one")

    with pytest.raises(ConfigurationError, match="give another one"):
        apart.result_of(refuse, 5)


@pytest.mark.parametrize("name", ["np.exp", "np.linalg.norm", "np.random.rand", "math.erf", "builtins.max", "np.pi"])
def test_every_public_name_is_put_back(name, monkeypatch):
    spoken, _, last = name.rpartition(".")
    module, value = intact.ORIGINAL[spoken, last]
    monkeypatch.setattr(module, last, None)
    assert intact.restored() == [name] and getattr(module, last) is value
    assert intact.restored() == []


def test_a_name_that_was_deleted_is_put_back(monkeypatch):
    monkeypatch.delattr(np, "tanh")
    assert intact.restored() == ["np.tanh"]
