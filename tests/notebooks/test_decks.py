"""The texts of the talk: every slide is whole, the minutes make an hour, the numbers are right; how they are read."""

import re
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")

from notebooks.publish.decks import Composer, computed, deck, discussion
from notebooks.publish.files import NotebookError
from notebooks.publish.illustrations import short_source
from notebooks.publish.pages import TALKS
from notebooks.publish.rendering import Target
from notebooks.publish.talk import SOURCE, interface
from notebooks.talk.figures import FIGURES
from swin_np.errors import ConfigurationError
from swin_np.model import SwinTransformer
from swin_np.paper_results import FIRST, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5
from swin_np.variants import VARIANTS
from swin_np.windows import cyclic_shift

PLAN = {"motivation": 5, "hierarchy": 8, "windows and bias": 12, "shift and mask": 15, "cost": 8, "results": 7,
        "discussion": 5}
SLIDE = "## One\npart: a part\nminutes: 2\n\ntext\n\n::notes\nspoken\n"


@pytest.fixture
def composer(tmp_path):
    return Composer(SOURCE, Target(SOURCE, tmp_path, ".html"))


def test_the_minutes_of_the_parts_are_as_planned_and_make_an_hour():
    minutes = Counter()
    for slide in deck(SOURCE / "talk_swin.md")[1]:
        minutes[slide.part] += slide.minutes
    assert list(minutes.items()) == list(PLAN.items())
    assert sum(minutes.values()) == 60


@pytest.mark.parametrize("talk", TALKS)
def test_every_slide_has_a_title_of_its_own_and_notes_that_can_be_said(talk):
    slides = deck(SOURCE / f"{talk}.md")[1]
    assert len({slide.title for slide in slides}) == len(slides)
    for slide in slides:
        assert 60 <= len(slide.notes.split()) <= 150, (slide.title, len(slide.notes.split()))
        assert len(slide.title) <= 50 and 1 <= slide.minutes <= 4


def test_there_are_twelve_questions_with_answers_and_the_talk_asks_them_all():
    questions = discussion(SOURCE)
    assert len(questions) == 12
    assert all(question.endswith("?") and len(answer.split()) > 30 for question, answer in questions)
    last, before = deck(SOURCE / "talk_swin.md")[1][:-3:-1]
    assert "::questions 1 6" in before.body and "::questions 7 12" in last.body


def test_the_numbers_are_those_of_the_model_and_of_counting_by_hand():
    known = computed()
    pieces = np.array([4, 3])                          # the corner window of 7 x 7, cut by a shift of 3
    allowed = (np.outer(pieces, pieces) ** 2).sum() / 7 ** 4
    assert known["parameters of swin-t"] == f"{SwinTransformer.random(VARIANTS['swin_t'], None).parameter_count():,}"
    assert known["masked in the corner"] == f"{100 * (1 - allowed):.0f}" == "74"
    assert known["masked at an edge"] == f"{100 * (1 - (pieces ** 2).sum() / 49):.0f}" == "49"
    assert known["shifted windows"] == str(len({*range(3, 56, 7), 0}) ** 2) == "81"
    assert known["wrong windows"] == f"{8 + 8 - 1} of 64" and known["joined windows"] == "15"
    assert known["displacements"] == str(13 ** 2) and known["pairs of a window"] == f"{49 ** 2:,}"
    assert known["all pairs"] == f"{3136 ** 2:,}" and known["times fewer pairs"] == "64"
    assert known["msa over w-msa"] == "x 13.8, x 2.70, x 1.18, x 1.00"
    assert known["reach in the middle"] == "7, 14, 21, 28" and known["reach in the corner"] == "7, 10, 14, 17"
    assert known["3x3 of res2net"] == f"{3 * 9 * 26 * 26:,}" and known["widest of eight"] == str(1 + 7 * 2)
    assert known["3x3 of resnet"] == f"{9 * 64 * 64:,}" and known["widest of four"] == "7"
    assert known["regular windows"] == "64" and known["pairs in windows"] == f"{64 * 49 ** 2:,}"
    assert known["tokens"] == "3,136" and known["tokens of a window"] == "49" and known["fewest keys"] == f"{16 // 4}"
    assert known["blocks of swin-t"] == f"{2 + 2 + 6 + 2}" and known["multiply-adds of swin-t"] == "4.5"
    assert "| person | 182 | 2912 |" in known["table of things"] and "| eye | 0.6 | 9.4 |" in known["table of things"]
    assert "| ResNet-50 | 64 | 1 | 3 | 25.6M | 4.1G |" in known["table of res2nets"]
    assert "| Res2Net-50 26w 4s | 26 | 4 | 7 | 25.7M | 4.3G |" in known["table of res2nets"]


def test_twice_the_side_of_the_image_is_as_dear_as_equations_1_and_2_say():
    known, tokens, channels = computed(), 56 * 56, 96
    once, twice = (4 * hw * channels ** 2 + 2 * hw ** 2 * channels for hw in (tokens, 4 * tokens))
    assert known["growth of msa"] == f"{twice / once:.1f}" == "15.3"
    assert known["growth of w-msa"] == "4"             # both terms are proportional to hw


def test_every_number_and_every_picture_is_shown():
    texts = "".join(path.read_text(encoding="utf-8") for path in SOURCE.glob("*.md"))
    assert [name for name in computed() if f"{{{{{name}}}}}" not in texts] == []
    assert [name for name in FIGURES if f"::figure {name} |" not in texts] == []


TABLES = {                                             # a table of the paper by its first cell: its rows by their names
    "ms in stage": {row.name: (*row.milliseconds, row.images_per_second[0]) for row in TABLE_5},
    "COCO, Cascade Mask R-CNN": {row.name: (row.box_ap, row.mask_ap, row.parameters, row.frames_per_second)
                                 for row in TABLE_2},
    "ADE20K, UperNet": {row.name: (row.miou, row.parameters, row.multiply_adds, row.frames_per_second)
                        for row in TABLE_3},
    "Swin-T": {name: (top_1, box_ap, miou) for name, (top_1, _, box_ap, _, miou) in TABLE_4.items()},
    "": {row.name: (row.parameters, row.multiply_adds, row.images_per_second, row.top_1)
         for row in TABLE_1 if row.pretraining == FIRST},
}
TABLES["Table 4, Swin-T"] = TABLES["Swin-T"]
NAMES = {                                              # what a slide calls a row, and the paper's data do
    "sliding, naive": "sliding window, naive", "sliding, own kernel": "sliding window, kernel",
    "windows, no shift": "window, no shift", "shifted, by padding": "shifted by padding",
    "ResNet-50": "R-50", "DeiT-S, deconvolution": "DeiT-S", "no shift": "without shift",
    "shifted, relative bias": "shift, relative bias", "absolute and relative": "absolute + relative",
    "relative, no appearance": "relative without appearance",
}


@pytest.mark.parametrize(("text", "count"), [("talk_swin.md", 21), ("sheet_swin.md", 10)])
def test_every_row_of_a_table_of_the_paper_is_that_of_the_paper(text, count):
    head, seen = None, 0
    for line in (SOURCE / text).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")] if line.startswith("|") else None
        if cells is None or head is None:
            head = cells and cells[0]
        elif head in TABLES and not cells[0].startswith("---") and not cells[0].startswith("{{"):
            numbers = tuple(float(cell.rstrip("MG")) for cell in cells[1:])
            assert TABLES[head][NAMES.get(cells[0], cells[0])][:len(numbers)] == numbers, line
            seen += 1
    assert seen == count


@pytest.mark.parametrize(("old", "new", "message"), [
    ("part: a part\n", "", "the slide 'One' of deck.md is not whole"),
    ("minutes: 2", "minutes: two", "is not whole"), ("::notes\nspoken", "", "is not whole"),
    ("# A deck", "A deck", "begins with 'A deck"),
])
def test_a_text_that_is_not_whole_is_refused_in_a_sentence(tmp_path, old, new, message):
    whole = f"# A deck\n\n{SLIDE}"
    path = tmp_path / "deck.md"
    path.write_text(whole, encoding="utf-8")
    assert deck(path)[1][0].minutes == 2
    path.write_text(whole.replace(old, new), encoding="utf-8")
    with pytest.raises(NotebookError, match=message):
        deck(path)


def test_a_number_that_nobody_computes_is_refused_with_the_nearest(tmp_path):
    path = tmp_path / "deck.md"
    path.write_text(f"# A deck\n\n{SLIDE}".replace("text", "{{displacement}}"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="did you mean 'displacements'"):
        deck(path)


@pytest.mark.parametrize(("text", "error", "message"), [
    ("::figure moment 7 | seven", ConfigurationError, "did you mean 'moment"),
    ("::figure moment 1", NotebookError, "has no description"),
    ("::code swin_np.windows.no_such", NotebookError, "expected a function of the library"),
])
def test_a_figure_or_source_that_is_not_there_is_refused(composer, text, error, message):
    with pytest.raises(error, match=message):
        composer.body(text)


def test_the_source_is_the_library_s_own_without_docstring_and_decorator():
    file, code = short_source("swin_np.windows.cyclic_shift")
    names = {}
    exec(code, {"np": np, "pair": lambda size: (size, size), "Array": None, "Size": None}, names)
    x = np.arange(64).reshape(1, 8, 8, 1)
    assert file == "swin_np/windows.py" and '"""' not in code and code.startswith("def cyclic_shift")
    assert np.array_equal(names["cyclic_shift"](x, 2), cyclic_shift(x, 2))


def test_steps_are_numbered_and_what_comes_before_one_shares_its_place(composer):
    html = composer.body("question\n::before\nearly\n::step\none\n::step\ntwo\n::step with\nthree")
    assert html.count('<div class="stack') == 1
    places = [html.index(part) for part in ("question", 'class="before" data-step="1"', 'class="step" data-step="1"')]
    assert places == sorted(places)
    assert html.count('data-step="2"') == 2
    assert html.count("<div") == html.count("</div>")


def test_two_columns_end_where_they_are_told(composer):
    html = composer.body("above\n::left 40\nleft\n::right\nright\n::across\nbelow")
    assert "grid-template-columns: 40fr 60fr" in html
    assert [html.index(word) for word in ("above", "left<", "right<", "below")] == sorted(
        html.index(word) for word in ("above", "left<", "right<", "below"))
    assert html.count("<div") == html.count("</div>")


def test_the_script_has_no_text_of_its_own():
    script = (SOURCE.parent / "publish" / "templates" / "talk.js").read_text(encoding="utf-8")
    used = {one or other for one, other in re.findall(r'TEXT(?:\.(\w+)|\["([^"]+)"\])', script)}
    assert used and used <= set(interface(SOURCE))
