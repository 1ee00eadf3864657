"""Every mistake of the catalogue is told in Chinese, with the code of the English sentences and no English left."""

import re

import pytest

from swin_np.language import phrase, speaking
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, OF_SYSTEMS

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.translate.wording import HAN, faults_of_type
from tests.translate.bare_code import BARE_CODE, without_code

SENTENCE = re.compile(r"[A-Za-z']+(?:,? [A-Za-z']+){3,}")
SAID = dict.fromkeys(text for entry in {**CATALOGUE, **IN_EXERCISES, **OF_SYSTEMS}.values()
                     for text in (entry.says, entry.fix))


def in_chinese(text):
    with speaking("zh"):
        return phrase(text)


def code_missing(text, other):
    """The code of a text that is not in the other one; brackets around it may be Chinese."""
    return [match[0] for match in BARE_CODE.finditer(text) if match[0] not in other and match[0][1:-1] not in other]


def test_every_sentence_is_told_in_chinese():
    left = [text for text in SAID if not re.search(f"[{HAN}]", in_chinese(text))
            or SENTENCE.search(without_code(in_chinese(text)))]
    assert len(SAID) > 500 and left == []


def test_its_code_is_that_of_the_english_sentence():
    missing = {text: [*code_missing(text, in_chinese(text)), *code_missing(in_chinese(text), text)] for text in SAID}
    assert {text: found for text, found in missing.items() if found} == {}


@pytest.mark.parametrize("text", [
    "把 BGR 转成 RGB：image[..., ::-1]。", "用 x + W-MSA(LN(x))，而不是 LN(x + MLP(x))。",
    "表 ((2M-1)^2, heads) 转置。", "从 -(M-1) 到 M-1，共 (2M-1)^2 行。",
    "先看 patch_embed.norm，再看 y_(i-1) 和 (i + 0.5) h / h' - 0.5 处。"])
def test_code_without_marks_is_no_fault(text):
    assert faults_of_type(without_code(text)) == []


@pytest.mark.parametrize("text", [
    "把 BGR 转成这样: image[..., ::-1]。", "用 x + W-MSA(LN(x)), 而不是 LN(x)。", "表 (转置的) 对不上。",
    "做 MLP(LN(x))之后相加。", "从-(M-1) 到 M-1。", "用卷积 (PyTorch) 做。", "先看patch_embed.norm。",
    "读 y_(i-1) ，再相加。"])
def test_faults_beside_code_are_found(text):
    assert faults_of_type(without_code(text))
