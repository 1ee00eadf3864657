"""The hand-out in Chinese: its statements, what its check says, and that translations say no more than the English."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.exercises import hand_out
from notebooks.exercises.generate import FOLDER
from notebooks.publish.files import read, text_of
from notebooks.translate.languages import ENGLISH, find_language
from swin_np.exercises.checking import PRACTICE_SEED, examine
from swin_np.exercises.naming import MISTAKES
from swin_np.exercises.registry import EXERCISES, NOTEBOOKS
from swin_np.language import VARIABLE, speaking
from swin_np.mistakes.catalogue import CATALOGUE
from tests.exercises.solutions import solution_cells
from tests.exercises.test_hand_out import CHECKS, without_lines

CHINESE = find_language("zh")
SAID = "the windows lie in another order"
MESSAGES = [{"mistakes": {"window-order": (SAID, "look at the transpose")}}, {"values": [{"names": [("{what}", {})]}]}]


@pytest.fixture
def quick(monkeypatch):
    """A hand-out whose record is a toy."""
    monkeypatch.setattr(hand_out, "record", lambda: MESSAGES)
    return lambda language: dict(hand_out.hand_out(language))


def test_statements_and_instructions_are_chinese_and_the_rest_is_as_in_english(quick):
    english, chinese = quick(ENGLISH), quick(CHINESE)
    assert set(english) == set(chinese)
    differing = {name for name in english if english[name] != chinese[name]}
    assert differing == {"README.md", "swin_np/__init__.py", *(f"{name}.ipynb" for name in NOTEBOOKS)}
    for name in NOTEBOOKS:
        path = FOLDER / f"{name}.ipynb"
        assert english[path.name] == path.read_bytes()
        assert chinese[path.name] == text_of(CHINESE.read(path)).encode() != text_of(read(path)).encode()
    assert chinese["README.md"].decode().startswith("# 练习\n") and b"SWIN_NP_LANGUAGE" in chinese["README.md"]


def test_only_translations_of_what_the_hand_out_says_in_english_are_in_it(tmp_path, monkeypatch):
    table = {SAID: "窗口的顺序不对", "{what}": "{what}", "not implemented yet": "还没有写",
             "the answer is 81": "答案是 81", "windows lie": "窗口"}
    file = tmp_path / "languages" / "zh" / "check.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(table), encoding="utf-8")
    (file.parent / "talk.json").write_text(json.dumps({"the answer is 81": "答案是 81"}), encoding="utf-8")
    monkeypatch.setattr(hand_out, "PACKAGE", tmp_path)
    code = {"result.py": 'NOT = ("not implemented "\n       "yet")'}
    found = {place: json.loads(text) for place, text in hand_out.tables(code, MESSAGES)}
    assert found == {"languages/zh/check.json": {one: table[one] for one in list(table)[:3]}}


def test_a_language_that_is_not_there_is_refused_before_the_work(tmp_path, capsys):
    assert hand_out.main([str(tmp_path / "x.zip"), "--language", "zn"]) == 2
    assert "did you mean 'zh'" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed out in Chinese")
    assert hand_out.main([str(folder / "exercises.zip"), "--language", "zh"]) == 0
    with zipfile.ZipFile(folder / "exercises.zip") as archive:
        archive.extractall(folder)
    return folder / "exercises"


def run(place, text, **more):
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", VARIABLE)}
    return subprocess.run([sys.executable, "-c", text], cwd=place, capture_output=True, text=True, check=False,
                          encoding="utf-8", env={**environment, "PYTHONUTF8": "1", **more}, timeout=600)


def cases():
    """For every exercise its solution, and a function that gives twice as much."""
    solutions = {name: text for name, (text, _) in solution_cells().items()}
    for name, text in solutions.items():
        given = "\n".join(other for one, other in solutions.items() if one != name)
        yield name, text, given
        yield name, f"{text}\n\nright = {name}\n\ndef {name}(*arguments):\n    return right(*arguments) * 2", given


@pytest.mark.long
def test_its_check_says_what_the_library_s_says_in_chinese(place):
    chosen = list(cases())
    (place / "cases.json").write_text(json.dumps(chosen), encoding="utf-8")
    done = run(place, CHECKS)
    assert done.returncode == 0, done.stderr
    got = json.loads((place / "reports.json").read_text(encoding="utf-8"))
    with speaking("zh"):
        for (name, text, more), (points, mistake, report) in zip(chosen, got, strict=True):
            scope = {"np": __import__("numpy"), "math": __import__("math")}
            exec(more, scope)
            exec(text, scope)
            expected = examine(EXERCISES[name], scope[name], PRACTICE_SEED)
            assert (points, mistake) == (expected.points, expected.mistake), name
            assert without_lines(report) == without_lines(expected.report), name


@pytest.mark.long
def test_a_mistake_s_sentences_are_in_chinese_only_where_they_are_in_english(place):
    done = run(place, "import json\nfrom swin_np.exercises.recorded import RECORDED\n"
                      "print(json.dumps([text for texts in RECORDED['mistakes'].values() for text in texts]))")
    assert done.returncode == 0, done.stderr
    english = set(json.loads(done.stdout))
    sentences = {text for mistake in (*CATALOGUE.values(), *MISTAKES.values())
                 for text in (mistake.says, mistake.fix)}
    assert english and english < sentences
    translated = {text for file in place.rglob("languages/*/*.json") for text in json.loads(file.read_bytes())}
    assert translated & sentences <= english
