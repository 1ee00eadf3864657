"""Planted faults of a translation are found and named, and a right one has none."""

from dataclasses import replace

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks.publish.files import NotebookError, text_of, tidy
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import languages
from notebooks.translate.sidecars import Sidecar, alt, digest, picture_outputs, texts, translated
from notebooks.translate.state import begun, sentence, state
from notebooks.translate.wording import faults_of_type

CHINESE = languages()["zh"]
GLOSSARY = Glossary.read(CHINESE.folder / "glossary.json")
ENGLISH = """## Shifted windows

**Predict:** the shifted windows (Eq. 2) of `swin_t` have $M = 7$; each query attends to 49 tokens of the map in its
window, see [masks](05_cyclic_shift_and_masks.ipynb). How many *regions* are there?"""
RIGHT = """## 移位窗口

**先猜：** `swin_t` 的移位窗口（式 (2)）有 $M = 7$；每个查询关注窗口里 49 个词元，这些词元在特征图上，
做的是注意力，见[掩码](05_cyclic_shift_and_masks.ipynb)。有几个*区域*？""".replace("\n做", "做")
SEEN, SEEN_CHINESE = "A map of 8 x 8 tokens, cut into 4 windows", "8 x 8 个词元的特征图，切成 4 个窗口"


@pytest.fixture
def toy(tmp_path):
    """A notebook of a text and a picture, its whole translation, and what the check says of another one."""
    picture = new_output("display_data", {"image/png": "AA==", "text/plain": f"<picture: {SEEN}>"},
                         metadata={"image/png": {"alt": SEEN}})
    notebook = new_notebook(cells=[new_markdown_cell(ENGLISH, id="windows"),
                                   new_code_cell("show(1)", id="drawn", outputs=[picture])])
    tidy(notebook)
    (tmp_path / "toy.ipynb").write_text(text_of(notebook), encoding="utf-8")
    language = replace(CHINESE, folder=tmp_path / "zz")
    language.folder.mkdir()
    whole = {("windows", -1): (digest(ENGLISH), RIGHT), ("drawn", 0): (digest(SEEN), SEEN_CHINESE)}

    def check(entries):
        sidecar = Sidecar(entries)
        language.sidecar_file("toy").write_text(sidecar.file_text(list(entries)), encoding="utf-8")
        found = state(tmp_path / "toy.ipynb", language, GLOSSARY)
        return [(fault.kind, sentence(found, fault)) for fault in found.faults]

    return notebook, language, whole, check


def test_a_right_translation_has_no_faults(toy):
    *_, whole, check = toy
    assert check(whole) == []


@pytest.mark.parametrize(("right", "wrong", "said"), [
    ("49 个", "48 个", "the number 49 of the English text is missing"),
    ("49 个", "48 个", "the number 48 is not in the English text"),
    ("$M = 7$", "$M = 8$", "the formula $M = 7$ of the English text is missing"),
    ("05_cyclic_shift_and_masks.ipynb", "04_shifted_windows.ipynb", "the link 05_cyclic_shift_and_masks.ipynb of"),
    ("`swin_t`", "`swin_s`", "the code `swin_t` of the English text is missing"),
    ("`swin_t`", "Swin-T", "the code `swin_t` of the English text is missing"),
    ("；每个", ", 每个", "half-width punctuation"),
    ("；每个", ",每个", "half-width punctuation"),
    ("几个*区域*？", "几个*区域*?", "half-width punctuation"),
    ("（式 (2)）", "(式 (2))", "half-width punctuation"),
    ("；每个", "(每个)；", "half-width punctuation"),
    ("；每个", "(qkv) 每个", "half-width punctuation"),
    ("49 个", "49个", "no space between Chinese and Latin"),
    ("`swin_t` 的", "`swin_t`的", "no space between Chinese and Latin"),
    ("；每个", "； 每个", "a space beside Chinese punctuation"),
    ("见[", "\n见[", "a line ends inside a sentence"),
    ("每个查询", "每个\n查询", "a line ends inside a sentence"),
    ("每个查询", "每个 查询", "a space between Chinese characters"),
    ("**先猜：** ", "**先猜：**", "asterisks that do not make bold type"),
    ("**先猜：**", "**预测：**", "'**Predict:**' has to become '**先猜：**'"),
    ("## 移位窗口", "# 移位窗口", "the heading ## of the English text is missing"),
    ("词元", "记号", "'token' is not rendered as the glossary has it: write 词元"),
    ("移位窗口", "平移窗口", "'shifted window' is not rendered as the glossary has it: write 移位窗口"),
    ("## 移位窗口", "## 滑动窗口", "滑动窗口 is for sliding window and"),
    ("词元", "词元（令牌）", "令牌 is no word of the glossary"),
])
def test_a_planted_fault_is_named_with_notebook_and_cell(toy, right, wrong, said):
    *_, whole, check = toy
    assert right in RIGHT
    found = check({**whole, ("windows", -1): (digest(ENGLISH), RIGHT.replace(right, wrong))})
    assert any(kind == "wrong" and text.startswith("toy, cell windows: ") and said in text
               for kind, text in found), found


def test_a_stale_hash_is_found_and_the_english_text_is_shown_in_its_place(toy):
    notebook, _, whole, check = toy
    entries = {**whole, ("windows", -1): (digest("an older text"), RIGHT)}
    (kind, text), = check(entries)
    assert kind == "stale" and text.startswith("toy, cell windows: the English text has changed")
    assert translated(notebook, Sidecar(entries)).cells[0].source == ENGLISH


@pytest.mark.parametrize(("place", "named"), [(("windows", -1), "toy, cell windows: "),
                                              (("drawn", 0), "toy, cell drawn, picture 1: ")])
def test_a_missing_text_is_found(toy, place, named):
    *_, whole, check = toy
    (kind, text), = check({other: entry for other, entry in whole.items() if other != place})
    assert kind == "missing" and text.startswith(named)


def test_a_text_of_a_cell_that_is_gone_is_found(toy):
    *_, whole, check = toy
    (kind, text), = check({**whole, ("gone", -1): (digest(ENGLISH), RIGHT)})
    assert kind == "wrong" and text.startswith("toy, cell gone: there is no such place")


def test_an_alternative_text_is_checked_too(toy):
    *_, whole, check = toy
    (_, text), *_ = check({**whole, ("drawn", 0): (digest(SEEN), SEEN_CHINESE.replace("4", "5"))})
    assert text.startswith("toy, cell drawn, picture 1: the number 4")


def test_only_texts_are_replaced(toy):
    notebook, _, whole, _ = toy
    chinese = translated(notebook, Sidecar(whole))
    assert list(texts(chinese).values()) == [RIGHT, SEEN_CHINESE]
    output, = picture_outputs(chinese.cells[1])
    assert alt(output) == SEEN_CHINESE and output.data["text/plain"] == f"<picture: {SEEN_CHINESE}>"
    assert chinese.cells[1].source == "show(1)" and output.data["image/png"] == "AA=="
    assert list(texts(notebook).values()) == [ENGLISH, SEEN]           # the English notebook is not changed


@pytest.mark.parametrize("text", [
    "数组 (C,) 给出 (hidden, C/2) 的结果", "从 -(M-1) 到 M-1，共 (2M-1)(2N-1) 种", "偏置表 ((2M-1)², heads) 里",
    "形状 (h', w') 和 (B, ⌈H/stride⌉, C') 都可以"])
def test_shapes_and_products_keep_their_half_width_parentheses(text):
    assert faults_of_type(text) == []


def test_an_exception_lets_a_term_pass_in_its_place_only():
    wrong = RIGHT.replace("词元", "位置")
    allowed = replace(GLOSSARY, exceptions={"toy/windows": {"token": "it is said otherwise"}})
    assert allowed.faults(ENGLISH, wrong, "toy/windows") == []
    assert len(allowed.faults(ENGLISH, wrong, "toy/others")) == 1


def test_a_word_for_another_term_is_found_beside_its_right_use():
    english = "Shifted windows cost what sliding windows cost."
    assert GLOSSARY.faults(english, "移位窗口的代价与滑动窗口相同。", "") == []
    (sentence,) = GLOSSARY.faults(english, "移位窗口，也就是滑动窗口，代价与滑动窗口相同。", "")
    assert sentence.startswith("滑动窗口 is for sliding window")


def test_a_title_that_stays_english_needs_no_term():
    title = '"Swin Transformer: Hierarchical Vision Transformer using Shifted Windows"'
    assert GLOSSARY.faults(f"The paper {title}", f"论文 {title}", "") == []
    assert GLOSSARY.faults(f"The paper {title}", "论文", "") != []


def test_a_new_file_keeps_what_is_current_and_leaves_the_rest_empty(toy, tmp_path):
    _, language, whole, check = toy
    check({("windows", -1): (digest("older"), RIGHT), ("drawn", 0): whole["drawn", 0]})
    language.sidecar_file("toy").write_text(begun(tmp_path / "toy.ipynb", language), encoding="utf-8")
    assert Sidecar.read(language.sidecar_file("toy")).entries == {**whole, ("windows", -1): (digest(ENGLISH), "")}


@pytest.mark.parametrize("content", ["", "[]", '{"cells": {}}', '{"cells": {"a": "b"}, "pictures": {}}', "\x00"])
def test_a_file_that_is_no_translation_is_refused_by_name(tmp_path, content):
    file = tmp_path / "toy.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(NotebookError, match=r"toy\.json is no translation of a notebook"):
        Sidecar.read(file)
