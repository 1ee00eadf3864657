"""The Chinese notebooks as files: they are the English ones but for the texts, run where they lie, and are kept."""

import re
import shutil
from copy import deepcopy
from urllib.parse import unquote

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
pytest.importorskip("nbconvert", reason="jupyter is not installed")
from notebooks.exercises.generate import FOLDER
from notebooks.publish.execution import compare, run
from notebooks.publish.files import ROOT, find, name_of, read, text_of
from notebooks.translate.__main__ import main
from notebooks.translate.languages import find_language
from notebooks.translate.written import moved
from swin_np.exercises.registry import NOTEBOOKS
from swin_np.language import VARIABLE
from tests.translate.bare_notebooks import bare

CHINESE = find_language("zh")
PATHS = find([], with_exercises=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "notebooks_zh"
    assert main(["write", "zh", str(folder)]) == 0
    return folder


def without_links(notebook):
    """A notebook without the addresses in its Markdown."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\([^)]*\)", "]()", cell.source)
    return notebook


def test_all_notebooks_are_written_and_nothing_but_texts_is_another(written):
    files = {path.relative_to(written).as_posix() for path in written.rglob("*")} - {"exercises"}
    assert files == {f"{name_of(path)}.ipynb" for path in PATHS}
    for path in PATHS:
        there = read(written / f"{name_of(path)}.ipynb")
        assert bare(there) == bare(read(path)), name_of(path)
        assert without_links(there) == without_links(CHINESE.read(path)), name_of(path)


def test_no_written_exercise_holds_a_solution(written):
    for path in PATHS[-len(NOTEBOOKS):]:
        text = (written / f"{name_of(path)}.ipynb").read_text(encoding="utf-8")
        assert text.count("raise NotImplementedError()") == len(NOTEBOOKS[path.stem]) and "### BEGIN" not in text


def test_every_link_of_a_written_notebook_leads_to_a_file(written):
    links = 0
    for path in PATHS:
        file = written / f"{name_of(path)}.ipynb"
        for cell in read(file).cells:
            if cell.cell_type != "markdown":
                continue
            for address in re.findall(r"\]\(([^)\s#]+)", cell.source):
                if "://" in address or "explorer.html" in address:
                    continue
                links += 1
                assert (file.parent / unquote(address)).is_file(), (name_of(path), cell.id, address)
    assert links > 40


@pytest.mark.parametrize(("source", "home", "link", "address"), [
    ("notebooks", "notebooks_zh", "05_cyclic_shift_and_masks.ipynb", "05_cyclic_shift_and_masks.ipynb"),
    ("notebooks", "notebooks_zh", "../swin_np/windows.py", "../swin_np/windows.py"),
    ("notebooks", "pages/zh/x", "../docs/evidence.md#Rounding", "../../../docs/evidence.md#Rounding"),
    ("notebooks", "notebooks_zh", "../pages/explorer.html#model", "../pages/zh/explorer.html#model"),
    ("notebooks/exercises", "pages/zh/exercises", "../../pages/explorer.html#fig4", "../explorer.html#fig4"),
    ("notebooks", "a home/of 50%", "../docs/evidence.md", "../../docs/evidence.md"),
    ("a source/of 50%", "notebooks_zh", "b%20c.md#Rounding", "../a%20source/of%2050%25/b%20c.md#Rounding"),
    ("notebooks", "elsewhere/zh", "https://arxiv.org/abs/2103.14030", "https://arxiv.org/abs/2103.14030"),
    ("notebooks", "elsewhere/zh", "#Rounding", "#Rounding"),
])
def test_a_link_leads_from_the_new_place_to_where_it_led(source, home, link, address):
    assert moved(f"[x]({link})", ROOT / source, ROOT / home, CHINESE) == f"[x]({address})"


def test_what_somebody_has_written_into_a_notebook_is_kept(written, tmp_path, capsys):
    folder = tmp_path / "again"
    shutil.copytree(written, folder)
    mine = folder / "exercises" / "01_attention.ipynb"
    mine.write_text("my work", encoding="utf-8")
    (folder / "00_start_here.ipynb").unlink()
    assert main(["write", "zh", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert mine.read_text(encoding="utf-8") == "my work" and (folder / "00_start_here.ipynb").is_file()
    assert lines[0] == f"1 of {len(PATHS)}: 00_start_here.ipynb, written"
    assert lines[1] == f"2 of {len(PATHS)}: 01_transformer_and_vit.ipynb, there already"
    assert f"16 of {len(PATHS)}: exercises/01_attention.ipynb, there already, with changes, and kept" in lines
    assert lines[-2].startswith("1 file was kept: ") and lines[-1].startswith("open ")


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "half" / "14_questions.ipynb").mkdir(parents=True)
    for folder in ("notebooks/zh", "notebooks", tmp_path / "file", tmp_path / "half"):
        assert main(["write", "zh", str(ROOT / folder)]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 4 and said.out == "" and "notebooks' sources" in said.err
    assert list((tmp_path / "half").glob("0*")) == []


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.long
def test_a_written_notebook_runs_where_it_lies_and_shows_what_it_stores(written):
    file = written / "03_window_attention.ipynb"
    stored = read(file)
    assert compare(file, bare(stored), bare(run(file, stored))) == []


@pytest.mark.long
def test_a_written_exercise_runs_with_its_checks(written, monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh")
    file = written / "exercises" / "03_windows.ipynb"
    blank = read(file)
    points = [output.data["text/plain"] for output in outputs(run(file, blank)) if "data" in output]
    assert points == ["0"] * len(NOTEBOOKS["03_windows"])
    filled, solutions = deepcopy(blank), read(FOLDER / "solutions" / "03_windows.ipynb")
    for cell, right in zip(filled.cells, solutions.cells, strict=True):
        if cell.cell_type == "code":
            cell.source = right.source
    points = [output.data["text/plain"] for output in outputs(run(file, filled)) if "data" in output]
    assert points == [str(one.points) for one in NOTEBOOKS["03_windows"]]
    assert text_of(blank) == file.read_text(encoding="utf-8")
