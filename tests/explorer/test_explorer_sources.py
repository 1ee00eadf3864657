"""The sources of the explorer: short lines, a first sentence in each file, texts that are used, the library's lines."""

import re

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.explorer.__main__ import main
from notebooks.explorer.build import FOLDER, scripts, texts
from notebooks.explorer.data import everything
from notebooks.publish.files import ROOT

LONGEST = 120                                          # characters of a line
OF_THE_PAGE = ("page.noscript",)                       # texts that no script shows


def test_every_script_is_read_and_begins_with_what_it_is():
    assert sorted(scripts()) == sorted((FOLDER / "scripts").rglob("*.js"))
    for path in scripts():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.fullmatch(r"/\*\* [A-Z].{20,}\. \*/", first), path


def test_no_line_is_too_long():
    for path in [*scripts(), *(FOLDER / "styles").glob("*.css")]:
        assert [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > LONGEST] == [], path


def test_every_text_of_the_table_is_used_and_says_something():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in scripts())
    literals = re.findall(r'"([\w.]+)"|`([\w.${}()\[\] +?:"]*)`', sources)
    patterns = [re.sub(r"\\\$\\\{.*?\\\}", r"[\\w.]+", re.escape(plain or template)) for plain, template in literals]
    for name, text in texts().items():
        assert any(re.fullmatch(pattern, name) for pattern in patterns) or name in OF_THE_PAGE, name
        assert text.strip() == text != ""


def test_the_library_s_lines_are_those_of_its_files():
    for part in everything()["parts"].values():
        for source in part["sources"]:
            lines = (ROOT / source["file"]).read_text(encoding="utf-8").splitlines()
            shown = [line.strip() for line in source["text"].splitlines()]
            assert [line.strip() for line in lines[source["line"] - 1:][:len(shown)]] == shown


def test_the_command_refuses_a_file_of_another_ending(capsys):
    assert main(["explorer.pdf"]) == 2
    assert ".html" in capsys.readouterr().err
