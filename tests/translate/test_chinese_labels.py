"""Labels of figures in Chinese: every one that is prose, in a font that has it; the stored pictures are current."""

import json
import re
from dataclasses import replace
from itertools import combinations

import pytest

pytest.importorskip("nbclient", reason="jupyter is not installed")
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from notebooks.publish.files import ROOT, find, read
from notebooks.talk.figures import FIGURES as TALK
from notebooks.translate import labels, redrawing
from notebooks.translate.glossary import Glossary
from notebooks.translate.labels import FIELD, FORMULA, Labels, has_font, is_prose, labels_of, read_labels, translate
from notebooks.translate.languages import ENGLISH, find_language
from notebooks.translate.pictures import Pictures, pictures_of
from notebooks.translate.redrawing import faults_of_figures, faults_of_pictures, redraw, redraw_notebook
from notebooks.translate.wording import faults_of_type
from swin_np.notebook import pixels
from swin_np.plots import FIGURES, save

CHINESE = find_language("zh")
TABLE = read_labels(CHINESE.folder)
HAN = re.compile(r"[\u4e00-\u9fff]")
FONT = has_font(TABLE.font["family"], TABLE.font["files"])
EXCEPTIONS = {                                         # from the rules of type and from the glossary, with the reason
    "window reverse, shift back": "the roll back",
    "query minus key = {0}, so row ({1} + {2}) * {3} + ({4} + {5}) = {6} of the table: bias {7}": "a formula",
    "Patch merging: (row, column) parities (0,0), (1,0), (0,1), (1,1), in this order": "tuples",
    "Backbones for detection (Cascade Mask R-CNN) and segmentation (UPerNet)": "the name of a model",
    "no-mask: tokens that are wrong, and the largest error": "the name of a mistake",
}
with_font = pytest.mark.skipif(not FONT, reason=f"{TABLE.font['package']} is not installed")


def drawn(**texts):
    figure = Figure()
    figure.subplots().set(**texts)
    return figure


def small(**templates):
    return Labels({**templates}, TABLE.font)


@pytest.mark.parametrize(("label", "prose"), [
    ("rows", True), ("Swin", True), ("Table 1", True), ("7 x 7", False), ("W-MSA", False), ("DeiT-B 384", False),
    ("layers.0.blocks.1", False), ("swin_np float32", False), (r"$q k^T / \sqrt{d}$", False), ("+ 1", False),
    ("mIoU", False), ("x1", False), ("C = 96", False),
])
def test_prose_is_what_has_a_word(label, prose):
    assert is_prose(label) is prose


def test_every_label_of_the_gallery_and_of_the_talks_is_translated():
    assert faults_of_figures(CHINESE) == []


def test_every_picture_of_the_notebooks_is_there_and_current():
    assert [fault for path in find([]) for fault in faults_of_pictures(path, CHINESE)] == []


def test_the_table_is_set_as_chinese_is_and_has_the_terms_of_the_glossary():
    glossary = Glossary.read(CHINESE.folder / "glossary.json")
    found = set()
    for english, text in TABLE.templates.items():
        numbered = FIELD.sub("1", text)
        faults = [fault for line in numbered.split("\n") for fault in faults_of_type(re.sub(r"^(\d)  ", "", line))]
        if HAN.search(text):
            faults += glossary.faults(FIELD.sub("1", english), numbered, "labels")
        if faults:
            found.add(english)
    assert found == set(EXCEPTIONS)


def test_a_template_has_the_same_fields_in_both_languages():
    for english, text in TABLE.templates.items():
        assert set(FIELD.findall(FORMULA.sub("", english))) == set(FIELD.findall(text)), english


def test_no_label_matches_two_templates():
    samples = {english: re.sub(r"\{(\w+)\}", lambda place: "1" if place[1].isdecimal() else "X", english)
               for english in TABLE.templates}
    for english, sample in samples.items():
        assert "$" in english or list(TABLE.ways(sample)) == [english], english


def test_fields_take_numbers_tuples_and_labels():
    table = small(**{"shifted by {0}": "移位 {0}", "answer: {name}": "答案：{name}", "left": "左"})
    assert table.of("shifted by (2, 2)") == "移位 (2, 2)" and table.of("shifted by -1.2e-07") == "移位 -1.2e-07"
    assert table.of("shifted by padding") is None
    assert table.of("answer: left") == "答案：左" and table.of("answer: swin_t") == "答案：swin_t"
    assert table.of("answer: nobody") is None


def test_lines_are_translated_one_by_one_unless_all_of_them_have_an_entry():
    table = small(**{"rows": "行", "seed {0}": "种子 {0}", "rows\nseed {0}": "合在一起 {0}"})
    assert table.of("seed 1\nrows") == "种子 1\n行" and table.of("rows\nseed 1") == "合在一起 1"
    assert table.of("seed 1\ncolumns") is None


def test_an_untranslated_label_is_named_with_its_figure(monkeypatch):
    broken = replace(TABLE, templates={key: text for key, text in TABLE.templates.items() if key != "the model"})
    monkeypatch.setattr(redrawing, "read_labels", lambda folder: broken)
    monkeypatch.setattr(redrawing, "FIGURES", {name: FIGURES[name] for name in FIGURES if name[0] == "a"})
    monkeypatch.setattr(redrawing, "TALK", {name: TALK[name] for name in ("masks", "chain of swin-t")})
    assert faults_of_figures(CHINESE) == [
        "figure architecture.svg: the label 'the model' is not translated: add it to labels.json"]


def test_a_label_that_matches_two_templates_is_a_fault_and_stays_english():
    table = small(**{"stage {0}": "阶段 {0}", "stage {name}": "台 {name}"})
    assert table.of("stage 1") is None and table.of("stage X") == "台 X"
    assert table.fault("stage 1") == ("the label 'stage 1' matches 'stage {0}' and 'stage {name}': let one of them "
                                      "match")


def test_without_the_font_the_figure_stays_english_and_one_note_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(labels, "read_labels", lambda folder: replace(TABLE, font={
        "family": "No Such Font", "files": "NoSuchFont*", "package": "fonts-none"}))
    for _ in range(2):
        assert labels_of(translate(drawn(xlabel="rows"), CHINESE))[0] == "rows"
    assert redraw("figures", [], CHINESE) == 0         # and the stored figures stay
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "no font 'No Such Font'" in said[0] and "install fonts-none" in said[0]


def test_english_figures_stay_as_they_are():
    assert labels_of(translate(drawn(xlabel="rows"), ENGLISH))[0] == "rows"


@with_font
def test_titles_ticks_categories_legends_and_notes_are_translated():
    figure = Figure()
    axes = figure.subplots()
    axes.bar(["Swin", "tokens"], [1, 2], label="output")
    axes.set(title="stage 1", yticks=[0, 1], yticklabels=["red", "blue"])
    axes.annotate("corner", (0, 0))
    axes.legend()
    figure.suptitle("the model")
    for _ in range(2):                                 # what is translated stays so
        shown = set(labels_of(translate(figure, CHINESE)))
        assert {"阶段 1", "红", "蓝", "Swin", "词元数", "输出", "角", "模型"} <= shown


@with_font
def test_a_figure_without_prose_keeps_its_pixels_but_for_the_margin(monkeypatch):
    monkeypatch.setattr(labels, "MARGIN", 0)
    name = "regular_and_shifted_windows.svg"
    monkeypatch.setattr(labels, "read_labels", lambda folder: Labels({}, TABLE.font))
    assert pixels(translate(FIGURES[name](), CHINESE)).tobytes() == pixels(FIGURES[name]()).tobytes()


@with_font
def test_the_glyphs_are_those_of_simplified_chinese_and_the_bytes_the_same_again(tmp_path):
    for name in ("one.svg", "two.svg"):
        save(translate(FIGURES["nine_regions.svg"](), CHINESE), tmp_path / name)
    svg = (tmp_path / "one.svg").read_bytes()
    assert svg == (tmp_path / "two.svg").read_bytes()
    assert b"NotoSansCJKsc-Regular" in svg and b"DejaVuSans" in svg and "窗口的列".encode() in svg


def test_the_folder_of_figures_has_all_with_the_labels_of_the_table():
    folder = ROOT / "figures" / "zh"
    assert sorted(file.name for file in folder.iterdir()) == sorted(FIGURES)
    for name, make in FIGURES.items():
        assert (folder / name).stat().st_size < 300_000
        if name.endswith(".svg"):                      # it has every text in a comment
            svg = (folder / name).read_text(encoding="utf-8")
            comments = {line.replace("- -", "--").strip() for comment in re.findall(r"<!--(.*?)-->", svg, re.DOTALL)
                        for line in comment.split("\n")}
            for label in filter(is_prose, labels_of(make())):
                assert set(map(str.strip, TABLE.of(label).replace("&", "&amp;").split("\n"))) <= comments, (name, label)


@with_font
@pytest.mark.parametrize("name", [*(name for name in FIGURES if name in ("architecture.svg", "window_partition.svg")),
                                  *(pytest.param(name, marks=pytest.mark.long) for name in FIGURES
                                    if name not in ("architecture.svg", "window_partition.svg"))])
def test_no_chinese_label_is_cut_off_or_overlaps_another(name, monkeypatch):
    boxes = {}

    def draw_and_note(text, renderer, draw=Text.draw):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            boxes[text] = text.get_window_extent(renderer), text.figure.figure.bbox.frozen()

    figure = translate(FIGURES[name](), CHINESE)
    monkeypatch.setattr(Text, "draw", draw_and_note)
    pixels(figure)
    for text, (box, whole) in boxes.items():
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, text
    for (one, (box, _)), (other, (other_box, _)) in combinations(boxes.items(), 2):
        assert not box.overlaps(other_box), f"{one} overlaps {other}"


def test_a_picture_whose_english_one_has_changed_is_stale_and_not_shown(tmp_path):
    path = find(["05_cyclic_shift_and_masks"])[0]
    language = replace(CHINESE, folder=tmp_path)
    for name in ("labels.json", f"{path.stem}.json"):
        (tmp_path / name).write_bytes((CHINESE.folder / name).read_bytes())
    place, english = next(pictures_of(read(path)))
    assert faults_of_pictures(path, language)[0] == (
        "missing", place, f"the picture is not there: call python -m notebooks.translate pictures zh {path.stem}")
    folder = language.pictures_folder(path.stem)
    folder.mkdir(parents=True)
    for file in CHINESE.pictures_folder(path.stem).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    assert faults_of_pictures(path, language) == []
    assert next(pictures_of(language.read(path)))[1].data["image/png"] != english.data["image/png"]
    record = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    entry = record[next(iter(record))]
    entry["of"] = "0" * 12
    record[list(record)[1]]["labels"] |= {"column": "竖", "a new label": None}
    (folder / "labels.json").write_text(json.dumps(record), encoding="utf-8")
    assert [(kind, sentence.split(":")[0]) for kind, _, sentence in faults_of_pictures(path, language)] == [
        ("stale", "the English picture has changed"), ("wrong", "the label 'a new label' is not translated"),
        ("stale", "the table of labels has changed")]
    assert next(pictures_of(language.read(path)))[1].data["image/png"] == english.data["image/png"]


def test_the_stored_pictures_are_small_and_none_is_left_over():
    sizes = 0
    for folder in (CHINESE.folder / "pictures").iterdir():
        pictures = Pictures.read(folder)
        assert {file.stem for file in folder.glob("*.png")} == {
            name for name, (_, labelled) in pictures.entries.items() if labelled}, folder.name
        sizes += sum(file.stat().st_size for file in folder.iterdir())
    assert 1_000_000 < sizes < 4_000_000


@with_font
@pytest.mark.long
def test_running_a_notebook_again_gives_the_same_labels_and_sizes_and_the_english_outputs(tmp_path):
    path = find(["06_complexity"])[0]
    language = replace(CHINESE, folder=tmp_path)
    redraw_notebook(path, language)                    # refuses another output than the stored one
    ours, theirs = (sorted(each.pictures_folder(path.stem).iterdir()) for each in (language, CHINESE))
    assert [file.name for file in ours] == [file.name for file in theirs]
    for one, other in zip(ours, theirs, strict=True):  # the last bits of a pixel depend on the machine
        if one.suffix == ".png":
            assert Image.open(one).size == Image.open(other).size
        else:
            assert one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8")


def test_the_pictures_of_the_talks_can_be_translated():
    for name in ("masks", "ladder and what it sees"):
        shown = labels_of(translate(TALK[name](), CHINESE))
        assert not FONT or any(HAN.search(label) for label in shown)
