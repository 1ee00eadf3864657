"""The exercises in Chinese: statements as complete as the English ones, code that is graded as theirs, faults named."""

import json
import re
import shutil
from copy import deepcopy

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.exercises.generate import FOLDER
from notebooks.publish.files import EXERCISES, find, name_of, read, text_of
from notebooks.translate.__main__ import main
from notebooks.translate.languages import find_language, languages, load
from notebooks.translate.sidecars import Sidecar, translated
from swin_np.classroom.grading import Grader
from swin_np.errors import ConfigurationError
from swin_np.exercises.registry import NOTEBOOKS
from swin_np.language import table

CHINESE = find_language("zh")
PATHS = sorted(EXERCISES.glob("*.ipynb"))
HINT = r"<details><summary>(.*?)</summary>\n\n.+?\n</details>"


def statements(path):
    """The texts of the exercises of a notebook, in Chinese."""
    return [cell.source for cell in CHINESE.read(path).cells if "**函数签名：**" in cell.source]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_statement_has_its_points_parts_and_three_folded_hints(path):
    assert len(statements(path)) == len(NOTEBOOKS[path.stem])
    for exercise, text in zip(NOTEBOOKS[path.stem], statements(path), strict=True):
        title, said = re.fullmatch(r"## \d+\. (.+?)(（.+）)", text.splitlines()[0]).groups()
        assert said == f"（{exercise.points} 分，{exercise.minutes} 分钟）"
        assert title == table("zh").get(exercise.title, title)     # as check calls it
        assert re.findall(HINT, text, re.S) == ["提示 1", "提示 2", "提示 3"]
        assert text.count("**目标：**") == 1 and f"**函数签名：** `{exercise.name}(" in text
        assert "？" in text.split("**想一想：**")[1] and (exercise.question or "**检查会传入：**" in text)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_a_grader_reads_is_the_english_notebook_s(path):
    english, chinese = read(path), CHINESE.read(path)
    assert english.metadata == chinese.metadata and english.metadata.language_info.name == "python"
    for one, other in zip(english.cells, chinese.cells, strict=True):
        assert (one.id, one.cell_type, one.metadata) == (other.id, other.cell_type, other.metadata)
        assert one == other or one.cell_type == "markdown"


def test_a_chinese_hand_in_is_graded_as_the_english_one():
    name = "03_windows"
    solutions = FOLDER / "solutions" / f"{name}.ipynb"
    filled = translated(read(solutions), Sidecar.read(CHINESE.sidecar_file(f"exercises/{name}")))
    assert "窗口划分" in text_of(filled)
    grader = Grader()
    graded = [grader.grade(f"{name}.ipynb", content) for content in (
        solutions.read_bytes(), text_of(filled).encode(), text_of(CHINESE.read(FOLDER / f"{name}.ipynb")).encode())]
    grader.close()
    english, chinese, blank = graded
    assert chinese.results == english.results and not chinese.problems and not chinese.remarks
    assert sum(result.points for result in chinese.results.values()) == sum(one.points for one in NOTEBOOKS[name])
    assert {result.outcome for result in blank.results.values()} == {"not implemented yet"}


def test_no_two_notebooks_have_one_name():
    names = [name_of(path) for path in find([], with_exercises=True)]
    assert len(set(names)) == len(names) == len(find([])) + len(PATHS)
    walkthrough, exercises = (find([name], with_exercises=True) for name in (
        "04_shifted_windows", "exercises/04_shifted_windows"))
    assert walkthrough != exercises and exercises == find(["notebooks/exercises/04_shifted_windows.ipynb"],
                                                          with_exercises=True)
    with pytest.raises(ConfigurationError, match="unknown notebook '01_attention'"):
        find(["01_attention"], with_exercises=True)
    with pytest.raises(ConfigurationError, match="unknown notebook '01_attention'"):
        find(["exercises/01_attention"])


def planted_faults(content):
    """A sidecar of exercises/01_attention with a stale text, none, and two wrong ones."""
    content = deepcopy(content)
    cells = content["cells"]
    cells["cell-01"]["of"] = "0" * 12
    del cells["cell-09"]
    cells["cell-12"]["text"] = cells["cell-12"]["text"].replace("3 到 7 个词元", "3 到 8 个词元")
    cells["cell-15"]["text"] = cells["cell-15"]["text"].replace("**想一想：**", "**思考：**")
    return content


def test_planted_faults_are_named_by_notebook_and_cell(capsys, tmp_path, monkeypatch):
    shutil.copytree(CHINESE.folder, tmp_path / "zh")
    file = tmp_path / "zh" / "exercises" / "01_attention.json"
    file.write_text(json.dumps(planted_faults(json.loads(file.read_text(encoding="utf-8")))), encoding="utf-8")
    (tmp_path / "zh" / "exercises" / "06_complexity.json").unlink()
    monkeypatch.setitem(languages(), "zh", load(tmp_path / "zh"))
    assert main(["status", "zh", "exercises/01_attention", "exercises/06_complexity", "exercises/02_patches"]) == 0
    said = capsys.readouterr().out
    assert "exercises/01_attention: 7 texts, 1 missing, 1 stale, 3 wrong" in said
    assert "exercises/06_complexity: not begun, 6 texts" in said and "exercises/02_patches: 8 texts, whole" in said
    assert main(["check", "zh", "exercises/01_attention"]) == 1
    at = "exercises/01_attention, cell cell-"
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"translate: {at}01: the English text has changed, from 000000000000 to ")
    assert lines[1:] == [f"translate: {at}{said}" for said in (
        "09: not translated: add its text",
        "12: the number 7 of the English text is missing: take it over as it is",
        "12: the number 8 is not in the English text: leave it out",
        "15: '**Think about it.**' has to become '**想一想：**', as often as it is there")]


def test_a_new_file_of_an_exercise_is_begun_in_its_folder(tmp_path, monkeypatch):
    for name in ("language", "glossary"):
        shutil.copy(CHINESE.folder / f"{name}.json", tmp_path)
    monkeypatch.setitem(languages(), "zh", load(tmp_path))
    assert main(["new", "zh", "exercises/02_patches"]) == 0
    content = json.loads((tmp_path / "exercises" / "02_patches.json").read_text(encoding="utf-8"))
    assert len(content["cells"]) == 8 and not any(cell["text"] for cell in content["cells"].values())
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == [
        "02_patches.json", "glossary.json", "language.json"]
