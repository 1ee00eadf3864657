"""The talk in Chinese: slide by slide what the English one has, notes that can be said, and pages that lead across."""

import json
import re
import shutil
from dataclasses import replace

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.publish.decks import computed, deck, discussion
from notebooks.publish.pages import DISCUSSION, SHEETS, TALKS
from notebooks.publish.talk import SOURCE, interface
from notebooks.talk.numbers import PHRASES, numbers
from notebooks.translate.__main__ import main
from notebooks.translate.decks import UNITS, begun, faults_of_section, file_of, prose, state
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import ENGLISH, find_language, languages
from notebooks.translate.sections import in_language, said, sections, translations
from notebooks.translate.wording import NUMBER, faults_of_type, parts
from tests.notebooks.browser import needs_chromium
from tests.translate.spoken import numbers_said_in_chinese, numbers_said_in_english

CHINESE = find_language("zh")
GLOSSARY = Glossary.read(CHINESE.folder / "glossary.json")
A_MINUTE = 240                                         # Chinese characters that can be said in one
SPOKEN = re.compile(r"[\u4e00-\u9fff]|[A-Za-z0-9.-]+")
PAGES = [f"{stem}.html" for stem in (*TALKS, *SHEETS)] + [DISCUSSION]
MASK = "The mask: -100 between different regions"
MASK_CHINESE = "掩码：不同区域之间是 -100"


@pytest.fixture
def copied(tmp_path):
    """A copy of the talk's Chinese texts, as a language of which each can be changed."""
    shutil.copytree(CHINESE.folder / "talk", tmp_path / "zh" / "talk")
    for name in ("language", "glossary"):
        shutil.copy(CHINESE.folder / f"{name}.json", tmp_path / "zh")
    return replace(CHINESE, folder=tmp_path / "zh")


def change(file, title, old, new):
    """Replace a piece of one section of a file."""
    text = file.read_text(encoding="utf-8")
    section = next(each for each in sections(text) if each.startswith(f"## {title}\n"))
    assert old in section
    file.write_text(text.replace(section, section.replace(old, new, 1)), encoding="utf-8")


@pytest.mark.parametrize("stem", UNITS)
def test_every_text_is_whole_and_a_new_file_is_the_one_that_is_there(stem):
    assert [fault.sentence for fault in state(stem, CHINESE, GLOSSARY).faults] == []
    assert begun(stem, CHINESE) == file_of(stem, CHINESE).read_text(encoding="utf-8")


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("::step\n", "", "'::step' of the English text is missing"),
    ("::step\n", "::step with\n", "'::step with' is not in the English text"),
    ("minutes: 3", "minutes: 2", "'minutes: 3' of the English text is missing"),
    ("part: shift and mask", "part: cost", "'part: shift and mask' of the English text is missing"),
    ("::figure masks", "::figure regions", "'::figure masks' of the English text is missing"),
    ("移位量 3", "移位量 4", "the number 3 of the English text is missing"),
    ("遮掉 74 %", "遮掉 47 %", "the number 74 of the English text is missing"),
    ("{{masked at an edge}}", "49", "the code `{{masked at an edge}}` of the English text is missing"),
    ("{{masked at an edge}}", "{{tokens}}", "the code `{{tokens}}` is not in the English text"),
    ("**先猜：**", "**猜：**", "'**Predict:**' has to become '**先猜：**'"),
    ("掩码只取决于", "遮罩只取决于", "遮罩 is no word of the glossary"),
    ("，softmax 之后", ",softmax 之后", "half-width punctuation"),
    ("7 x 7，", "7 x 7， ", "a space beside Chinese punctuation"),
    ("::notes\n", "", "'::notes' of the English text is missing"),
])
def test_a_planted_fault_is_named_with_its_slide(copied, old, new, sentence):
    change(copied.talk_file("talk_swin"), MASK_CHINESE, old, new)
    found = state("talk_swin", copied, GLOSSARY)
    assert {(fault.kind, found.where(fault.place)) for fault in found.faults} == {("wrong", f"slide {MASK!r}")}
    assert any(sentence in fault.sentence for fault in found.faults), [fault.sentence for fault in found.faults]


def test_a_row_and_the_order_of_lines_are_compared_too():
    english, *_ = [each for each in sections((SOURCE / "talk_swin.md").read_text(encoding="utf-8"))
                   if each.startswith("## In milliseconds")]
    chinese = next(text for _, text in translations(CHINESE.talk_file("talk_swin")) if text.startswith("## 换成毫秒"))
    assert faults_of_section(english, chinese, "", CHINESE, GLOSSARY) == []
    for old, new, sentence in (("| 7.6 | 183 |", "| 7.6 183 |", "'a row of 6 cells' of the English text is missing"),
                               ("minutes: 2\n", "", "'minutes: 2' of the English text is missing")):
        assert sentence in " ".join(faults_of_section(english, chinese.replace(old, new), "", CHINESE, GLOSSARY))
    turned = chinese.replace("part: cost\nminutes: 2", "minutes: 2\npart: cost")
    assert "in another order" in " ".join(faults_of_section(english, turned, "", CHINESE, GLOSSARY))


def test_a_stale_slide_is_named_stays_english_and_is_left_to_be_translated(copied):
    file = copied.talk_file("talk_swin")
    change(file, MASK_CHINESE, "of: ", "of: 0")
    (fault,) = state("talk_swin", copied, GLOSSARY).faults
    assert (fault.kind, fault.place[0]) == ("stale", MASK) and "the English text has changed" in fault.sentence
    titles = [slide.title for slide in deck(SOURCE / "talk_swin.md", copied)[1]]
    assert MASK in titles and MASK_CHINESE not in titles and titles[0].endswith("移位")
    file.write_text(begun("talk_swin", copied), encoding="utf-8")
    (fault,) = state("talk_swin", copied, GLOSSARY).faults
    assert (fault.kind, fault.place[0]) == ("missing", MASK)


def test_a_slide_that_is_missing_or_too_many_is_named(copied):
    file = copied.talk_file("talk_res2net")
    whole = file.read_text(encoding="utf-8")
    code = next(each for each in sections(whole) if each.startswith("## 代码\n"))
    file.write_text(whole.replace(code + "\n\n", ""), encoding="utf-8")
    (fault,) = state("talk_res2net", copied, GLOSSARY).faults
    assert (fault.kind, fault.place[0]) == ("missing", "The code")
    file.write_text(whole + "\n" + code.replace("of: ", "of: 0").replace("代码", "又一页"), encoding="utf-8")
    (fault,) = state("talk_res2net", copied, GLOSSARY).faults
    assert (fault.kind, fault.place[0]) == ("wrong", "又一页") and "no such place" in fault.sentence


def test_phrases_are_by_their_english_text_with_the_same_fields(copied):
    table = json.loads(copied.talk_interface.read_text(encoding="utf-8"))
    table |= {"{} ahead": "提前", "an old text": "旧文", "Close": ""}
    copied.talk_interface.write_text(json.dumps(table), encoding="utf-8")
    found = {(fault.kind, fault.place[0]) for fault in state("interface", copied, GLOSSARY).faults}
    assert found == {("wrong", "{} ahead"), ("wrong", "an old text"), ("missing", "Close")}
    assert said("Close", copied) == "Close" and said("Close", CHINESE) == "关闭"


def test_the_command_names_the_slide_and_shows_its_english_text(copied, capsys, monkeypatch):
    monkeypatch.setitem(languages(), "zh", copied)
    assert main(["check", "zh", "talk_swin", "discussion"]) == 0
    assert capsys.readouterr().out == "2 of 2 texts are whole\n"
    change(copied.talk_file("talk_swin"), MASK_CHINESE, "of: ", "of: 0")
    assert main(["check", "zh", "talk_swin", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["notebooks"]
    assert (told["notebook"], [fault["cell"] for fault in told["faults"]]) == ("talk_swin", [MASK])
    assert main(["status", "zh", "talk_swin"]) == 0
    shown = capsys.readouterr().out
    assert "1 stale" in shown and f"talk_swin, slide {MASK!r}: the English text has changed" in shown
    assert "The forbidding is an addition" in shown
    copied.talk_file("sheet_swin").unlink()
    assert main(["check", "zh", "sheet_swin"]) == 1
    assert "sheet_swin is not begun" in capsys.readouterr().err
    assert main(["new", "zh", "sheet_swin"]) == 0
    assert "# Swin Transformer on one page\nof: " in copied.talk_file("sheet_swin").read_text(encoding="utf-8")


@pytest.mark.parametrize("talk", TALKS)
def test_a_slide_has_the_minutes_and_the_part_of_the_english_one_and_notes_that_can_be_said_in_them(talk):
    english, chinese = (deck(SOURCE / f"{talk}.md", language)[1] for language in (ENGLISH, CHINESE))
    assert [(slide.part, slide.minutes) for slide in chinese] == [(slide.part, slide.minutes) for slide in english]
    assert len({slide.title for slide in chinese}) == len(chinese)
    for slide in chinese:
        characters = len(SPOKEN.findall(slide.notes))
        assert 120 <= characters <= A_MINUTE * slide.minutes, (slide.title, characters)
        assert len(slide.title) <= 30, slide.title


@pytest.mark.parametrize("talk", TALKS)
def test_the_numbers_that_are_said_are_those_of_the_english_notes(talk):
    pairs = zip(*(deck(SOURCE / f"{talk}.md", language)[1] for language in (ENGLISH, CHINESE)), strict=True)
    for english, chinese in pairs:
        assert numbers_said_in_chinese(chinese.notes) == numbers_said_in_english(english.notes), chinese.title


def test_numbers_that_are_said_are_read():
    english = numbers_said_in_english("a hundred and eighty-two of four and a half billion, fifty and a half, four")
    assert english == {182: 1, 4.5e9: 1, 50.5: 1}
    assert numbers_said_in_chinese("四十五亿里的一百八十二，五十点五，四个") == english
    assert numbers_said_in_english("two thousand four hundred, one point seven, seven, fourteen, twenty-one, ten "
                                   "million") == {2400: 1, 1.7: 1, 7: 1, 14: 1, 21: 1, 10 ** 7: 1}
    assert numbers_said_in_chinese("两千四百、一点七、七、十四、二十一、一千万、百分之二") == {
        2400: 1, 1.7: 1, 7: 1, 14: 1, 21: 1, 10 ** 7: 1}
    assert numbers_said_in_chinese("慢两倍半") == numbers_said_in_english("two and a half times slower") == {2.5: 1}


def test_the_numbers_are_the_english_ones_and_all_words_among_them_are_translated():
    english, chinese, words = computed(), computed(CHINESE), set()
    numbers(lambda text: words.add(text) or text)
    assert words == set(PHRASES)
    assert {name: sorted(NUMBER.findall(text)) for name, text in chinese.items()} == {
        name: sorted(NUMBER.findall(text)) for name, text in english.items()}
    assert chinese["wrong windows"] == "64 个中的 15 个" and "| 眼睛 | 0.6 | 9.4 |" in chinese["table of things"]


@pytest.mark.parametrize("stem", [stem for stem in UNITS if stem != "interface"])
def test_the_texts_are_set_well_with_their_numbers_put_in(stem):
    text = in_language(SOURCE / f"{stem}.md", CHINESE)
    text = re.sub(r"\{\{(.+?)\}\}", lambda name: computed(CHINESE)[name[1]], text)
    assert "of: " not in text and "{{" not in text
    for section in sections(text):
        assert [fault for piece in prose(section) for fault in faults_of_type(parts(piece).prose)] == []


def test_every_text_of_the_interface_is_chinese():
    names = {name for name, text in interface(SOURCE, CHINESE).items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert names == {name for name in interface(SOURCE) if name.startswith("keys of ")
                     } - {"keys of next"} | {"planned"}
    assert len(discussion(SOURCE, CHINESE)) == 12


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_there_in_both_languages_and_each_leads_to_the_other(site, name):
    english, chinese = (site / place / name for place in ("", "zh"))
    assert f'<a href="zh/{name}" lang="zh-CN" hreflang="zh-CN">中文</a>' in english.read_text(encoding="utf-8")
    text = chinese.read_text(encoding="utf-8")
    assert f'<a href="../{name}" lang="en" hreflang="en">English</a>' in text and '<html lang="zh-CN">' in text
    contents = (site / "zh" / "index.html").read_text(encoding="utf-8")
    assert f'href="{name}"' in contents and "都是英文" not in contents


@needs_chromium
def test_the_switch_keeps_the_slide(browser, site):
    browser.open((site / "talk_swin.html").as_uri() + "#7", width=1280, height=720)
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    for place, other in (("zh", "#8"), ("", "#8")):
        switch = browser.evaluate("document.querySelector('.controls a').href")
        assert switch == (site / place / "talk_swin.html").as_uri() + other
        browser.open(switch, width=1280, height=720)
        assert browser.evaluate("state.slide") == 7
    assert browser.evaluate("getComputedStyle(document.querySelector('.controls')).opacity") == "0"
    browser.evaluate("document.querySelector('.controls a').focus()")
    assert browser.evaluate("getComputedStyle(document.querySelector('.controls')).opacity") == "1"


@needs_chromium
def test_chinese_type_is_that_of_the_other_pages(browser, site):
    for name, height in (("talk_swin.html", 1.5), ("sheet_swin.html", 1.38), (DISCUSSION, 1.8)):
        browser.open((site / "zh" / name).as_uri(), width=1280, height=720)
        lines, font = browser.evaluate("(style => [parseFloat(style.lineHeight) / parseFloat(style.fontSize), "
                                       "style.fontFamily])(getComputedStyle(document.querySelector('main p')))")
        assert abs(lines - height) < 0.01 and "Noto Sans CJK SC" in font and "PingFang SC" in font
