"""The hand-out: it checks as the library does, and holds nothing that a student is asked for."""

import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from notebooks.exercises import hand_out
from notebooks.exercises.generate import FOLDER
from swin_np.errors import ConfigurationError
from swin_np.exercises.checking import PRACTICE_SEED, examine
from swin_np.exercises.find_the_bug import PLANTED
from swin_np.exercises.registry import EXERCISES
from tests.exercises.mutations import composite
from tests.exercises.solutions import solution_cells

MUTANTS = 6                                              # of each solution


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed out")
    assert hand_out.main([str(folder / "exercises.zip")]) == 0
    with zipfile.ZipFile(folder / "exercises.zip") as archive:
        archive.extractall(folder)
    return folder / "exercises"


def run(place, text):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([sys.executable, "-c", text], cwd=place, capture_output=True, text=True, check=False,
                          env=environment, timeout=600)


def texts():
    """Cells of every exercise: the solution, and some with a mutant of it."""
    rng = np.random.default_rng(0)
    for name, (text, _) in solution_cells().items():
        yield name, text
        mutants = [mutant.text for mutant in composite(name).mutants() if mutant.function == name]
        for number in rng.choice(len(mutants), min(MUTANTS, len(mutants)), replace=False):
            yield name, f"{text}\n{mutants[number]}"


CHECKS = """
import json, sys
import numpy as np, math
from swin_np.exercises.checking import PRACTICE_SEED, examine
from swin_np.exercises.registry import EXERCISES
reports = []
for name, text, more in json.load(open("cases.json")):
    scope = {"np": np, "math": math}
    exec(more, scope)
    exec(text, scope)
    result = examine(EXERCISES[name], scope[name], PRACTICE_SEED)
    reports.append([result.points, result.mistake, result.report])
json.dump(reports, open("reports.json", "w"))
"""


def without_lines(report):
    return re.sub(r"in line \d+ of its cell.*", "", " ".join(report.split()))


@pytest.mark.long
def test_the_hand_out_says_what_the_library_says(place):
    given = {name: "\n".join(text for other, (text, _) in solution_cells().items() if other != name)
             for name in EXERCISES}
    cases = [(name, text, given[name]) for name, text in texts()]
    (place / "cases.json").write_text(json.dumps(cases))
    done = run(place, CHECKS)
    assert done.returncode == 0, done.stderr
    expected = []
    for name, text, more in cases:
        scope = {"np": np, "math": __import__("math")}
        exec(more, scope)
        exec(text, scope)
        result = examine(EXERCISES[name], scope[name], PRACTICE_SEED)
        expected.append([result.points, result.mistake, result.report])
    got = json.loads((place / "reports.json").read_text())
    assert len(got) == len(cases) > 100
    assert [without_lines(report[2]) for report in got] == [without_lines(report[2]) for report in expected]
    assert [report[:2] for report in got] == [report[:2] for report in expected]


def test_check_and_progress_work_there(place):
    done = run(place, "import numpy as np\nfrom swin_np.exercises import check, progress\n"
                      "def softmax(x):\n    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)\n"
                      "assert check(softmax).mistake == 'softmax-overflows'\nprogress()")
    assert done.returncode == 0 and "softmax-overflows" in done.stdout and "0 of 128 points" in done.stdout


def test_another_seed_is_refused_in_a_sentence(place):
    done = run(place, "from swin_np.exercises import check\nimport numpy as np\ndef softmax(x):\n"
                      "    e = np.exp(x - x.max(-1, keepdims=True))\n    return e / e.sum(-1, keepdims=True)\n"
                      "check(softmax, 5)")
    assert ("ConfigurationError: the hand-out has the random arguments of the seed 2022 alone, and the seed is 5: call "
            "check with the function alone") in done.stderr


def test_nothing_that_is_asked_for_is_in_it(place):
    code = "\n".join(path.read_text() for path in place.rglob("*.py"))
    assert "find_the_bug" not in code and "PLANTED" not in code and not any(name in code for name in PLANTED.values())
    for text, _ in solution_cells().values():
        lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 25 and '"""' not in line]
        assert not [line for line in lines if line in code and not line.startswith(("#", "def ", "import "))]
    for name in ("functional", "windows", "attention", "mistakes.attention", "exercises.attention",
                 "exercises.find_the_bug"):
        assert "ModuleNotFoundError" in run(place, f"import swin_np.{name}").stderr


def test_the_answers_of_questions_are_recorded_as_digests(place):
    done = run(place, "from swin_np.exercises.recorded import RESULTS\n"
                      "print([value for name, one in RESULTS.items() if name.startswith('predict_')"
                      " for value in one['values'].values()])")
    assert done.returncode == 0
    values = eval(done.stdout)
    assert len(values) > 40
    assert all(re.fullmatch(r"predict_\w+:[0-9a-f]{64}", value["value"]) for value in values)


def test_the_record_does_not_say_which_mistake_a_port_has(place):
    done = run(place, "from swin_np.exercises.registry import EXERCISES\n"
                      "print({name: one.mistakes for name, one in EXERCISES.items() if name.startswith('find')})")
    assert done.returncode == 0
    found = eval(done.stdout)
    assert set(found) == set(PLANTED) and not [name for name, mistake in PLANTED.items() if mistake in found[name]]


def test_the_notebooks_are_those_of_the_students(place):
    assert {path.name: path.read_bytes() for path in place.glob("*.ipynb")} == {
        path.name: path.read_bytes() for path in FOLDER.glob("*.ipynb")}


def test_a_check_that_needs_what_is_asked_for_makes_no_hand_out(monkeypatch):
    monkeypatch.setattr(hand_out, "WRITTEN", {**hand_out.WRITTEN,
                                              "exercises/__init__.py": "from swin_np.functional import softmax"})
    with pytest.raises(ConfigurationError, match=r"swin_np/functional\.py, which holds what students are asked for"):
        list(hand_out.package_files())


def test_a_hand_out_that_cannot_be_written_is_refused(tmp_path, capsys):
    assert hand_out.main([str(tmp_path / "none" / "x.zip")]) == hand_out.main([str(tmp_path / "x.tar")]) == 2
    assert capsys.readouterr().err.count("\n") == 2
