"""The Chinese notebooks are whole: every text is translated, and code and outputs are the English notebooks' own."""

import json
import re
import shutil

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.publish.files import FOLDER, ROOT, NotebookError, find, name_of, read
from notebooks.translate import decks
from notebooks.translate.__main__ import main
from notebooks.translate.document_state import heading, sections
from notebooks.translate.documents import NAMES
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import ENGLISH, find_language, languages, load, load_json
from notebooks.translate.sidecars import alt, picture_outputs
from notebooks.translate.state import begun
from notebooks.translate.wording import INSERT, faults_of_type
from swin_np.errors import ConfigurationError
from swin_np.language import table
from tests.translate.bare_notebooks import bare

CHINESE = find_language("zh")
PATHS = find([], with_exercises=True)
GLOSSARY = Glossary.read(CHINESE.folder / "glossary.json")
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_notebook_is_whole(capsys):
    assert main(["check", "zh"]) == 0, capsys.readouterr().err
    assert re.fullmatch(r"(\d+) of \1 texts are whole\n", capsys.readouterr().out)


def test_a_new_file_of_a_whole_notebook_is_the_one_that_is_there():
    for path in PATHS:
        assert begun(path, CHINESE) == CHINESE.sidecar_file(name_of(path)).read_text(encoding="utf-8"), name_of(path)


def test_nothing_lies_beside_the_translations_that_belongs_to_no_notebook():
    files = [*CHINESE.folder.glob("*.json"), *CHINESE.folder.glob("exercises/*.json")]
    names = {name_of(file.with_suffix("")) for file in files} - {"language", "glossary", "labels"}
    assert names == {name_of(path) for path in PATHS}


def test_code_and_outputs_are_the_english_ones():
    for path in PATHS:
        english, chinese = read(path), CHINESE.read(path)
        assert bare(chinese) == bare(english), name_of(path)
        for cell in chinese.cells:
            assert cell.cell_type == "code" or HAN.search(cell.source), (name_of(path), cell.id)
            for output in picture_outputs(cell):
                assert HAN.search(alt(output)) and output.data["text/plain"] == f"<picture: {alt(output)}>", path.name


def test_the_english_walkthrough_is_the_notebooks_as_they_are():
    assert all(ENGLISH.read(path) == read(path) for path in PATHS[:3])


def test_the_texts_of_the_pages_are_set_as_those_of_the_notebooks():
    for name, text in CHINESE.texts.items():
        said = re.sub(r"\{(\w*)\}", lambda place: CHINESE.texts.get(place[1], "1"), text)
        assert faults_of_type(re.sub(r"<code>(.*?)</code>", INSERT, said)) == [], name
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", ENGLISH.texts[name])), name


def test_a_term_is_translated_as_on_the_page_of_the_glossary():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", text, re.MULTILINE)
    page = {term: chinese for term, chinese in rows if HAN.search(chinese) and term != "term"}
    known = {form: chinese for term, chinese in GLOSSARY.terms.items() for form in term.split("|")}
    both = set(page) & set(known)
    assert len(both) > 25 and {term for term in both if page[term] not in known[term]} == set()


def test_the_glossary_has_one_word_for_a_term_and_forbids_none_of_its_own():
    words = [chinese for accepted in GLOSSARY.terms.values() for chinese in accepted]
    assert len(words) == len(set(words))
    assert all(only_for for word, only_for in GLOSSARY.never.items() if word in words)
    assert GLOSSARY.never["滑动窗口"] and "shifted window" not in GLOSSARY.never["滑动窗口"]


def test_every_exception_names_a_text_that_is_there():
    there = {f"{name_of(path)}/{cell.id}" for path in PATHS for cell in read(path).cells}
    there |= {f"explorer/{name}" for name in load_json(CHINESE.explorer_file)}
    there |= {f"{document}/{heading(section)}" for document in NAMES
              for section in sections((ROOT / document).read_text(encoding="utf-8"))}
    there |= {f"phrases/{english}" for english in table("zh")} | decks.places()
    assert set(GLOSSARY.exceptions) <= there
    known = {*GLOSSARY.terms, *GLOSSARY.never}
    assert all(term in known for terms in GLOSSARY.exceptions.values() for term in terms)


def test_a_language_that_is_not_there_is_refused_with_the_nearest(capsys):
    with pytest.raises(ConfigurationError, match="did you mean 'zh'"):
        find_language("zn")
    assert main(["check", "zn"]) == main(["status", "zh", "no_such"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith("translate: unknown ") for line in said)


def test_a_table_without_a_text_is_refused(tmp_path):
    table = json.loads((FOLDER / "zh" / "language.json").read_text(encoding="utf-8"))
    del table["texts"]["answer"]
    (tmp_path / "language.json").write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(NotebookError, match="has no 'answer'"):
        load(tmp_path)


def test_a_translator_is_told_what_is_new(capsys, tmp_path, monkeypatch):
    path, language = PATHS[0], load(CHINESE.folder)
    content = json.loads(language.sidecar_file(path.stem).read_text(encoding="utf-8"))
    content["cells"]["claims"]["of"] = "0" * 12
    del content["cells"]["work"]
    for name in ("language", "glossary"):
        shutil.copy(language.folder / f"{name}.json", tmp_path)
    (tmp_path / f"{path.stem}.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setitem(languages(), "zh", load(tmp_path))
    assert main(["status", "zh"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{path.stem}: 11 texts, 1 missing, 1 stale", f"{PATHS[1].stem}: not begun, 18 texts"]
    assert main(["status", "zh", path.stem]) == 0
    assert "cell claims: the English text has changed" in (shown := capsys.readouterr().out) and "Three claims" in shown
    assert main(["check", "zh", path.stem]) == 1
    assert "cell work: not translated" in capsys.readouterr().err
    assert main(["check", "zh", path.stem, "--json"]) == 1
    faults = json.loads(capsys.readouterr().out)["notebooks"][0]["faults"]
    assert [(fault["kind"], fault["cell"]) for fault in faults] == [("stale", "claims"), ("missing", "work")]
