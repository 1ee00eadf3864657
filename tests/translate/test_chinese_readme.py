"""README.zh-CN.md says what README.md says: the same code, links and numbers, of the text as it is now."""

import re

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.publish.files import ROOT
from notebooks.publish.online import BETWEEN
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import find_language
from notebooks.translate.sidecars import digest
from notebooks.translate.wording import differences, faults_of_type, parts

ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
SECTIONS = [re.split(r"^## ", text, flags=re.MULTILINE) for text in (BETWEEN.sub("", ENGLISH), CHINESE)]
GLOSSARY = Glossary.read(find_language("zh").folder / "glossary.json")
FILE = re.compile(r"\[[\w.]+\]")                      # the name of a file or folder, as the text of a link
OWN = {"pages/zh", "README.md", "README.zh-CN.md", "swin-np tour"}     # what one of them has to say and the other not


def test_it_is_of_the_english_text_as_it_is_now():
    now = digest(BETWEEN.sub("", ENGLISH))
    assert f"<!-- of README.md as it was at {now} -->" in CHINESE, f"translate what is new, and write {now} at its end"


@pytest.mark.parametrize("number", range(len(SECTIONS[0])))
def test_a_section_has_the_same_code_links_and_numbers(number):
    english, chinese = (sections[number].partition("<!-- of")[0] for sections in SECTIONS)
    found = differences(parts(english), parts(chinese))
    assert [sentence for sentence in found if not any(each in sentence for each in OWN)] == []


def test_it_has_as_many_sections_and_each_leads_to_the_other_text():
    assert len(SECTIONS[0]) == len(SECTIONS[1]) == 8
    assert "[中文](README.zh-CN.md)" in ENGLISH and "[English](README.md)" in CHINESE


def test_chinese_is_set_well_and_keeps_to_the_glossary():
    prose = [parts(section).prose for section in SECTIONS[1]]
    names = r"Ze Liu.*?ICCV 2021\. |Shang-Hua.*?TPAMI 2021\.|<[^>]*>"      # the papers, as they are cited
    assert [fault for text in prose for fault in faults_of_type(re.sub(names, "", text, flags=re.DOTALL))] == []
    for number, english in enumerate(SECTIONS[0]):
        ours, theirs = FILE.sub("", parts(english).prose), parts(SECTIONS[1][number]).prose
        assert GLOSSARY.faults(ours, theirs, f"README/{number}") == []
