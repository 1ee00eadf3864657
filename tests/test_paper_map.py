"""The map of the paper: every section, equation and method figure has a place, and every place exists."""

import re
from pathlib import Path

import pytest

from swin_np.paper_map import NOTEBOOKS, PAPER_MAP, existing, paper_map_table

ROOT = Path(__file__).parent.parent
SECTIONS = ("1", "2", "3.1", "3.2", "3.3", "4.1", "4.2", "4.3", "4.4", "A", "A3")
SHOWN = {f"{kind}. {number}" for kind in ("Eq", "Fig") for number in (1, 2, 3, 4)}


def test_every_section_is_there_in_the_order_of_the_paper():
    assert tuple(dict.fromkeys(place.section for place in PAPER_MAP)) == SECTIONS


def test_equations_1_to_4_and_figures_1_to_4_are_there_and_no_others():
    assert {shown for place in PAPER_MAP for shown in place.shows} == SHOWN


@pytest.mark.parametrize("place", PAPER_MAP, ids=lambda place: place.subject)
def test_every_place_has_files_that_exist_and_notebooks_of_the_walkthrough(place):
    assert place.files and all((ROOT / file).is_file() for file in place.files)
    assert place.notebooks and set(place.notebooks) <= set(NOTEBOOKS)


def test_every_notebook_of_the_walkthrough_has_a_place_and_every_file_is_one_of_them():
    assert {name for place in PAPER_MAP for name in place.notebooks} == set(NOTEBOOKS)
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} <= set(NOTEBOOKS)


def test_notebooks_are_numbered_in_order():
    assert [int(name[:2]) for name in NOTEBOOKS] == list(range(len(NOTEBOOKS)))


def test_equations_and_figures_of_the_method_stand_in_the_files_that_the_map_names():
    for place in (place for place in PAPER_MAP if place.section.startswith("3")):
        texts = "".join((ROOT / file).read_text(encoding="utf-8") for file in place.files)
        for shown in place.shows:
            kind, number = shown.split()
            assert re.search(rf"{re.escape(kind[:-1])}s?\. [\w\s,.()-]*?{number}", texts), (place.subject, shown)


def test_the_table_links_to_what_exists_only():
    table = paper_map_table(ROOT / "notebooks")
    assert len(table.splitlines()) == 2 + len(PAPER_MAP)
    linked = re.findall(r"\]\(([^)]+)\)", table)
    assert all((ROOT / "notebooks" / path).is_file() for path in linked)
    folder = ROOT / "notebooks"
    written = [*folder.glob("*.ipynb"), *folder.glob("exercises/*.ipynb")]
    assert {path.relative_to(folder).as_posix() for path in written} == {
        path for path in linked if path.endswith(".ipynb")}


def test_exercises_are_linked_once_they_exist(tmp_path, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr("swin_np.paper_map.PAPER_MAP", (replace(PAPER_MAP[0], exercises=("01_one", "02_two")),))
    (tmp_path / "notebooks" / "exercises").mkdir(parents=True)
    (tmp_path / "notebooks" / "exercises" / "02_two.ipynb").touch()
    table = paper_map_table(tmp_path / "notebooks")
    assert "[02 two](exercises/02_two.ipynb)" in table and "01_one" not in table


def test_every_notebook_of_the_walkthrough_exists():
    assert existing(NOTEBOOKS, ROOT / "notebooks") == sorted((ROOT / "notebooks").glob("*.ipynb"))
