"""The Chinese documents say what the English ones say: the same code, links, numbers and tables, of the text as it is.

The Python of the English documents runs in tests/docs/test_examples.py; that of the Chinese ones is the same.
"""

import json
import re
import shutil

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.publish.files import ROOT
from notebooks.translate import document_state, documents
from notebooks.translate.__main__ import main
from notebooks.translate.document_state import of, sections
from notebooks.translate.documents import DOCS, NAMES, translated_link, translation
from notebooks.translate.languages import find_language

CHINESE = find_language("zh")
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
TEACHING, PORTING, EVIDENCE, README = "docs/teaching.md", "docs/porting.md", "docs/evidence.md", "README.md"


def english(name):
    return (ROOT / name).read_text(encoding="utf-8")


def chinese(name):
    return translation(ROOT / name, CHINESE).read_text(encoding="utf-8")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the documents, which a test may spoil."""
    for name in NAMES:
        for file in (ROOT / name, translation(ROOT / name, CHINESE)):
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    monkeypatch.setattr(documents, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(document_state, "ROOT", tmp_path)
    return tmp_path


def test_every_document_is_whole(capsys):
    assert main(["check", "zh", *NAMES]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{len(NAMES)} of {len(NAMES)} texts are whole\n"


def test_nothing_lies_beside_the_translations_that_belongs_to_no_document():
    there = {translation(ROOT / name, CHINESE) for name in NAMES}
    assert set((DOCS / "zh").iterdir()) == {file for file in there if file.parent == DOCS / "zh"}


@pytest.mark.parametrize("name", NAMES)
def test_the_blocks_of_code_are_the_english_ones_in_their_order(name):
    assert BLOCK.findall(chinese(name)) == BLOCK.findall(english(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_section_is_chinese_and_names_the_english_one_it_is_of(name):
    for section in sections(chinese(name)):
        title = section.splitlines()[0]
        assert re.search(r"[\u4e00-\u9fff]|^# swin_np$|^## (C|Rust|Python|JSON)$", title), title
        assert of(section), title


@pytest.mark.parametrize(("name", "old", "new", "said"), [
    (TEACHING, "45 道练习", "46 道练习", "section The exercises: the number 46 is not in the English text"),
    (TEACHING, "| 65 | 12 |", "| 65 |", "section The exercises: the rows of its tables have [4, 4, 3,"),
    (TEACHING, "```\npython -m notebooks.exercises.hand_out exercises.zip\n```\n", "",
     "section Handing out: the code ``` python -m notebooks.exercises.hand_out exercises.zip ``` of the English text"),
    (TEACHING, "按 S，", "按 S, ", "section The talk: half-width punctuation"),
    (TEACHING, "走过滚动、掩码、", "走过滚动、掩膜、", "section The explorer: 掩膜 is no word of the glossary"),
    (TEACHING, "\n## 在线\n", "\n在线\n", "section What to look at: not translated: add it"),
    (PORTING, "(evidence.md#错误目录)", "(../evidence.md#The-catalogue-of-mistakes)",
     "the link ../evidence.md#The-catalogue-of-mistakes leads to the English text: write evidence.md#错误目录"),
    (PORTING, "(evidence.md#错误目录)", "(evidence.md#The-catalogue-of-mistakes)",
     "the link evidence.md#错误目录 of the English text is missing"),
    (PORTING, "PORTING.zh-CN.md}}", "PORTING.md}}",
     "the link /swin_np/crosscheck/PORTING.md leads to the English text: write /swin_np/crosscheck/PORTING.zh-CN.md"),
    (README, "(docs/zh/teaching.md)说明", "(docs/teaching.md)说明",
     "section Four doors: the link docs/teaching.md leads to the English text: write docs/zh/teaching.md"),
    (README, "[English](README.md)", "", "section swin_np: the link README.md of the English text is missing"),
    ("docs/README.md", "\n## 哪些可以信赖", "\n## 附录\n\n空。\n\n## 哪些可以信赖", "there are 6 sections, in the"),
])
def test_what_differs_is_said_with_its_section(elsewhere, capsys, name, old, new, said):
    file = translation(elsewhere / name, CHINESE)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert main(["check", "zh", name]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(f"translate: {name}, section ") and said in line for line in lines), lines


def test_a_changed_english_section_makes_its_translation_alone_stale(elsewhere, capsys):
    file = elsewhere / EVIDENCE
    file.write_text(file.read_text(encoding="utf-8").replace(
        "## Rounding\n", "## Rounding\n\nOne more sentence.\n"), encoding="utf-8")
    assert main(["check", "zh", EVIDENCE]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "docs/evidence.md, section Rounding: it does not end with <!-- of " in said[0]
    assert main(["status", "zh", EVIDENCE]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("docs/evidence.md: 10 texts, 1 stale\n") and "One more sentence." in shown
    now = re.search(r"<!-- of \w+ -->", said[0])[0]
    chinese_file = elsewhere / "docs" / "zh" / "evidence.md"
    text = chinese_file.read_text(encoding="utf-8")
    old = next(section for section in sections(text) if section.startswith("## 舍入"))
    chinese_file.write_text(text.replace(old, re.sub(r"<!-- of \w+ -->$", now, old)), encoding="utf-8")
    assert main(["check", "zh", EVIDENCE]) == 0


def test_a_new_english_section_is_missing_and_no_other_is_stale(elsewhere, capsys):
    file = elsewhere / EVIDENCE
    file.write_text(file.read_text(encoding="utf-8").replace(
        "## Counted\n", "## Weighed\n\nNothing.\n\n## Counted\n"), encoding="utf-8")
    assert main(["check", "zh", EVIDENCE, "--json"]) == 1
    (faults,) = [each["faults"] for each in json.loads(capsys.readouterr().out)["notebooks"]]
    assert [(fault["kind"], fault["cell"]) for fault in faults] == [("missing", "Weighed")]
    assert main(["new", "zh", EVIDENCE]) == 0
    begun = (elsewhere / "docs" / "zh" / "evidence.md").read_text(encoding="utf-8")
    assert begun.index("## 与官方代码和其他库相比") < begun.index("## Weighed\n\nNothing.") < begun.index("## 计数\n")


def test_sections_in_another_order_are_told_and_nothing_is_lost_that_the_english_text_has_not(elsewhere, capsys):
    file = translation(elsewhere / EVIDENCE, CHINESE)
    *others, last, but_one = sections(file.read_text(encoding="utf-8"))
    file.write_text("\n\n".join([*others, but_one, last]) + "\n", encoding="utf-8")
    assert main(["check", "zh", EVIDENCE]) == 1
    assert "the sections stand in another order" in capsys.readouterr().err
    file.write_text("\n\n".join([*others, last, but_one, "## 附录"]) + "\n", encoding="utf-8")
    assert main(["new", "zh", EVIDENCE]) == 0
    assert file.read_text(encoding="utf-8").endswith("\n\n## 附录\n")


def test_a_picture_is_the_one_with_translated_labels_if_there_is_one(elsewhere, monkeypatch):
    monkeypatch.setattr(documents, "FIGURES", elsewhere / "figures")
    link, english = "../figures/four_kinds_of_mask.svg", elsewhere / TEACHING
    assert translated_link(link, english, CHINESE) == "../../figures/four_kinds_of_mask.svg"
    (elsewhere / "figures" / "zh").mkdir(parents=True)
    (elsewhere / "figures" / "zh" / "four_kinds_of_mask.svg").touch()
    assert translated_link(link, english, CHINESE) == "../../figures/zh/four_kinds_of_mask.svg"


def test_a_document_that_is_whole_is_written_as_it_is(elsewhere):
    files = [translation(elsewhere / name, CHINESE) for name in NAMES]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert main(["new", "zh", *NAMES]) == 0
    assert [file.read_text(encoding="utf-8") for file in files] == texts


def test_a_document_that_is_not_begun_is_at_fault(elsewhere, capsys):
    (elsewhere / "docs" / "zh" / "attention.md").unlink()
    assert main(["check", "zh", "docs/attention.md"]) == 1
    assert "docs/attention.md is not begun: call python -m notebooks.translate new zh docs/attention.md" in (
        capsys.readouterr().err)


@pytest.mark.parametrize(("name", "link", "right"), [
    (PORTING, "evidence.md#The-catalogue-of-mistakes", "evidence.md#错误目录"),
    (PORTING, "../swin_np/crosscheck/PORTING.md", "../../swin_np/crosscheck/PORTING.zh-CN.md"),
    (PORTING, "../swin_np/mistakes/catalogue.py", "../../swin_np/mistakes/catalogue.py"),
    (README, "docs/README.md", "docs/zh/README.md"), (README, "README.zh-CN.md", "README.md"),
    (README, "docs/architecture.md", "docs/architecture.md"), ("docs/README.md", "zh/README.md", "../README.md"),
    (README, "https://arxiv.org/abs/2103.14030", "https://arxiv.org/abs/2103.14030"),
])
def test_a_link_leads_to_the_page_of_the_same_language_if_there_is_one(name, link, right):
    assert translated_link(link, ROOT / name, CHINESE) == right
