"""All figures of the gallery: legible, described, and as files whole, small and the same every time."""

import os

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from swin_np.errors import ConfigurationError, SwinError
from swin_np.notebook import pixels
from swin_np.plots import FIGURES, alt_text, save, save_all
from swin_np.plots.style import NUMERAL_SIZE, new_figure


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder that `save_all` wrote, the lines it reported and the paths it returned."""
    folder, lines = tmp_path_factory.mktemp("figures") / "new" / "folder", []
    paths = save_all(folder, lines.append)
    return folder, lines, paths


@pytest.fixture(scope="module", params=FIGURES)
def drawn(request, tmp_path_factory):
    """One figure by name, made and saved again under other settings: its file, and where each text was drawn.

    {text: (its box, the box of the figure)}, of the last time it was drawn; the layout draws it before that.
    """
    boxes, path = {}, tmp_path_factory.mktemp("again") / request.param

    def draw_and_note(text, renderer, draw=Text.draw):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            boxes[text] = text.get_window_extent(renderer), text.figure.figure.bbox.frozen()

    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context(
            {"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 5, "savefig.dpi": 30}):
        patch.setattr(Text, "draw", draw_and_note)
        save(FIGURES[request.param](), path)           # whatever the user's settings are
    return path, boxes


@pytest.mark.long
def test_save_all_writes_every_figure_and_nothing_else(written):
    assert sorted(os.listdir(written[0])) == sorted(FIGURES)


@pytest.mark.long
def test_save_all_returns_the_paths(written):
    assert written[2] == [written[0] / name for name in FIGURES]


@pytest.mark.long
def test_save_all_reports_one_line_for_each_figure(written):
    assert len(written[1]) == len(FIGURES)
    assert all(name in line and "\n" not in line for name, line in zip(FIGURES, written[1], strict=True))


@pytest.mark.long
@pytest.mark.parametrize("name", FIGURES)
def test_a_file_is_smaller_than_300_kilobytes(written, name):
    assert 5_000 < (written[0] / name).stat().st_size < 300_000


@pytest.mark.long
def test_making_and_saving_again_gives_the_same_bytes(written, drawn):
    assert drawn[0].read_bytes() == (written[0] / drawn[0].name).read_bytes()


def test_no_text_is_cut_off_or_overlaps_another(drawn):
    placed = list(drawn[1].items())
    assert len(placed) > 10
    for i, (text, (box, whole)) in enumerate(placed):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, text
        for other, (other_box, _) in placed[:i]:
            assert not box.overlaps(other_box), f"{text} overlaps {other}"


def test_no_type_is_smaller_than_the_smallest_of_the_style(drawn):
    assert min(text.get_fontsize() for text in drawn[1]) >= NUMERAL_SIZE


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_described_in_one_sentence(name):
    assert 40 < len(alt_text(name)) < 125
    assert alt_text(name).endswith(".")
    assert "`" not in alt_text(name)


def test_a_figure_that_there_is_not_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match=r"did you mean 'nine_regions\.svg'"):
        alt_text("nine_region.svg")


def test_the_names_in_an_svg_do_not_depend_on_the_last_digits_of_a_place(tmp_path):
    for name, left in (("one", 0.1), ("other", 0.1 + 1e-16)):
        figure = Figure()
        figure.add_axes((left, 0.1, 0.5, 0.5)).plot([0, 1])
        save(figure, tmp_path / f"{name}.svg")
    one, other = ((tmp_path / f"{name}.svg").read_bytes() for name in ("one", "other"))
    assert b'<clipPath id="clip0">' in one
    assert b"url(#clip0)" in one
    assert one == other


def test_a_saved_png_has_100_pixels_per_inch(tmp_path):
    save(new_figure(3, 2), tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").size == (300, 200)


def test_a_saved_png_has_a_palette_that_is_hardly_seen(tmp_path):
    figures = new_figure(3, 2), new_figure(3, 2)       # one for each drawing: the layout moves at a second one
    for figure in figures:
        figure.subplots().imshow([[0, 1, 2], [3, 4, 5]])
    save(figures[0], tmp_path / "figure.png")
    image = Image.open(tmp_path / "figure.png")
    drawn, seen = np.asarray(pixels(figures[1])).astype(int), np.asarray(image.convert("RGB")).astype(int)
    assert image.mode == "P" and np.abs(seen - drawn).max() <= 24


@pytest.mark.parametrize("name", ["figure.pdf", "figure", "figure.PNG.txt"])
def test_save_refuses_other_endings(tmp_path, name):
    with pytest.raises(SwinError, match=r"expected \.svg or \.png"):
        save(new_figure(1, 1), tmp_path / name)
    assert not os.listdir(tmp_path)


def test_save_all_says_in_one_sentence_that_a_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SwinError, match=r"the folder .* cannot be made"):
        save_all(tmp_path / "file" / "figures", print)


def test_save_says_in_one_sentence_that_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SwinError, match="cannot be written"):
        save(new_figure(1, 1), tmp_path / "file" / "figure.svg")


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    (tmp_path / "figure.svg").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SwinError, match="No space left on device"):
        save(new_figure(1, 1), tmp_path / "figure.svg")
    assert os.listdir(tmp_path) == ["figure.svg"]
    assert (tmp_path / "figure.svg").read_text() == "old"
