"""The figures: the numbers they show, that each is drawn, and that files are whole and the same every time."""

import os
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from swin_np.errors import ShapeError, SwinError
from swin_np.model import VARIANTS
from swin_np.plots import FIGURES, complexity_curve, four_kinds_of_mask, save, save_all, windows_on_photograph
from swin_np.plots.complexity import SIZES, attention_costs, ratio_text
from swin_np.plots.masks import kinds_of_mask, masked_fraction
from swin_np.plots.style import NUMERAL_SIZE, new_figure
from swin_np.plots.windows import WindowCounts, count_windows

SWIN_T = VARIANTS["swin_t"]
WIDE = replace(SWIN_T, img_size=(112, 224))            # a 28x56 map


def black(config):
    return np.zeros((*config.img_size, 3), np.uint8)


def framed(axes):
    """Every distinct rectangle of a panel: (left, top, width, height)."""
    return {(*patch.get_xy(), patch.get_width(), patch.get_height())
            for patch in axes.patches if isinstance(patch, Rectangle)}


@pytest.mark.parametrize(("config", "shift", "expected"), [
    (SWIN_T, (0, 0), WindowCounts(64, 0, 64, 0)),
    (SWIN_T, (3, 3), WindowCounts(49, 32, 64, 15)),
    (WIDE, (3, 3), WindowCounts(3 * 7, 5 * 9 - 3 * 7, 4 * 8, 4 + 8 - 1)),
    (WIDE, (0, 3), WindowCounts(4 * 7, 4 * 2, 4 * 8, 4)),
    (VARIANTS["swin_b_384"], (6, 6), WindowCounts(49, 32, 64, 15)),
])
def test_windows_are_counted_before_and_after_the_roll(config, shift, expected):
    assert count_windows(config, shift) == expected


@pytest.mark.parametrize(("config", "regular", "ragged"), [(SWIN_T, 64, 81), (WIDE, 32, 45)])
def test_as_many_windows_are_drawn_as_there_are(config, regular, ragged):
    left, right = windows_on_photograph(black(config), config).axes
    assert (len(framed(left)), len(framed(right))) == (regular, ragged)


@pytest.mark.parametrize("config", [SWIN_T, WIDE])
def test_the_drawn_windows_cover_every_pixel_once(config):
    for axes in windows_on_photograph(black(config), config).axes:
        covered = np.zeros(config.img_size, int)
        for left, top, width, height in framed(axes):
            covered[top:top + height, left:left + width] += 1
        assert (covered == 1).all()


def test_the_first_window_of_the_shifted_panel_ends_after_the_shift():
    right = windows_on_photograph(black(WIDE), WIDE).axes[1]
    assert (0, 0, 3 * 4, 3 * 4) in framed(right)       # 3 tokens of 4 pixels


def test_only_the_cut_windows_are_hatched():
    left, right = windows_on_photograph(black(SWIN_T)).axes
    assert [sum(patch.get_hatch() is not None for patch in axes.patches) for axes in (left, right)] == [0, 32]


def test_the_titles_give_the_counts():
    left, right = windows_on_photograph(black(SWIN_T)).axes
    assert "64 regular" in left.get_title()
    assert "81 ragged" in right.get_title()
    assert "64 windows" in right.get_xlabel()


def test_a_photograph_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="100x224"):
        windows_on_photograph(np.zeros((100, 224, 3), np.uint8))


@pytest.mark.parametrize(("map_size", "window", "shift"), [
    ((56, 56), 7, 3), ((14, 28), 7, 3), ((8, 8), 4, 2), ((12, 16), (3, 4), (1, 2)), ((96, 96), 12, 6),
])
def test_the_masked_fractions_follow_from_the_two_parts_of_a_cut_axis(map_size, window, shift):
    (m, n), (down, right) = np.broadcast_to(window, 2), np.broadcast_to(shift, 2)
    together_down = (down ** 2 + (m - down) ** 2) / m ** 2              # share of pairs on the same side of the cut
    together_right = (right ** 2 + (n - right) ** 2) / n ** 2
    kinds = kinds_of_mask(map_size, window, shift)
    fractions = {name: masked_fraction(mask) for name, mask in kinds.items()}
    assert fractions == pytest.approx({"interior": 0, "right edge": 1 - together_right,
                                       "bottom edge": 1 - together_down, "corner": 1 - together_down * together_right})


def test_the_titles_give_the_masked_fractions_of_swin_t():
    titles = [axes.get_title().split("\n")[1] for axes in four_kinds_of_mask().axes[:4]]
    assert titles == ["0.0 % masked", "49.0 % masked", "49.0 % masked", "74.0 % masked"]


def test_the_frames_are_around_the_row_of_the_query_and_around_the_query():
    axes = four_kinds_of_mask((12, 16), (3, 4), (1, 3)).axes
    assert framed(axes[0]) == {(-0.5, 5 - 1, 12, 2)}   # query 5, in row 1 and column 1, with half a row of margin
    assert framed(axes[4]) == {(0.5, 0.5, 1, 1)}


def test_the_panels_show_the_masks():
    kinds = kinds_of_mask((12, 16), (3, 4), (1, 2))
    for axes, mask in zip(four_kinds_of_mask((12, 16), (3, 4), (1, 2)).axes[:4], kinds.values(), strict=True):
        assert np.array_equal(axes.images[0].get_array(), mask != 0)


def test_below_each_mask_is_the_row_of_the_query_folded_to_the_window():
    kinds = kinds_of_mask((12, 16), (3, 4), (1, 3))
    for axes, mask in zip(four_kinds_of_mask((12, 16), (3, 4), (1, 3)).axes[4:], kinds.values(), strict=True):
        numerals = np.array([float(text.get_text()) for text in axes.texts]).reshape(3, 4)
        assert np.array_equal(numerals, mask[1 * 4 + 1].reshape(3, 4))  # the query in row 1 and column 1
        assert np.array_equal(axes.images[0].get_array(), numerals != 0)


def test_numerals_are_left_out_where_they_would_not_fit():
    assert not any(axes.texts for axes in four_kinds_of_mask((96, 96), 12, 6).axes)


@pytest.mark.parametrize(("map_size", "shift"), [((7, 56), 3), ((56, 7), 3), ((56, 56), 0), ((56, 56), (3, 0))])
def test_maps_without_all_four_kinds_are_refused(map_size, shift):
    with pytest.raises(ShapeError, match="four kinds"):
        kinds_of_mask(map_size, 7, shift)


def test_the_ratios_at_224_are_those_of_the_paper():
    msa, window_msa = attention_costs(SWIN_T, [224])
    assert [ratio_text(ratio) for ratio in (msa / window_msa)[0]] == ["x 13.8", "x 2.70", "x 1.18", "x 1.00"]


def test_the_costs_are_equations_1_and_2():
    msa, window_msa = attention_costs(SWIN_T, SIZES)
    tokens = np.array([[(size // 4 // 2 ** stage) ** 2 for stage in range(4)] for size in SIZES])
    channels = 96 * 2 ** np.arange(4)
    assert np.array_equal(msa, 4 * tokens * channels ** 2 + 2 * tokens ** 2 * channels)
    assert np.array_equal(window_msa, 4 * tokens * channels ** 2 + 2 * 49 * tokens * channels)


def test_the_curves_are_the_costs_and_the_ratios_stand_at_both_ends():
    msa, window_msa = attention_costs(SWIN_T, SIZES)
    for stage, axes in enumerate(complexity_curve().axes):
        global_line, window_line = axes.lines
        assert np.array_equal(global_line.get_xdata(), SIZES)
        assert np.array_equal(global_line.get_ydata(), msa[:, stage])
        assert np.array_equal(window_line.get_ydata(), window_msa[:, stage])
        ends = [ratio_text(msa[i, stage] / window_msa[i, stage]) for i in (0, -1)]
        assert [text.get_text() for text in axes.texts] == ends


def test_sizes_that_windows_do_not_tile_are_refused():
    with pytest.raises(ShapeError, match="does not divide"):
        complexity_curve(sizes=[224, 256])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder that `save_all` wrote, the lines it reported and the paths it returned."""
    folder, lines = tmp_path_factory.mktemp("figures") / "new" / "folder", []
    paths = save_all(folder, lines.append)
    return folder, lines, paths


def test_save_all_writes_every_figure_and_nothing_else(written):
    assert sorted(os.listdir(written[0])) == sorted(FIGURES)


def test_save_all_returns_the_paths(written):
    assert written[2] == [written[0] / name for name in FIGURES]


def test_save_all_reports_one_line_for_each_figure(written):
    assert len(written[1]) == len(FIGURES)
    assert all(name in line and "\n" not in line for name, line in zip(FIGURES, written[1], strict=True))


@pytest.mark.parametrize("name", FIGURES)
def test_a_file_is_smaller_than_300_kilobytes(written, name):
    assert 5_000 < (written[0] / name).stat().st_size < 300_000


@pytest.mark.parametrize("name", FIGURES)
def test_making_and_saving_again_gives_the_same_bytes(written, tmp_path, name):
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 5, "savefig.dpi": 30}):
        save(FIGURES[name](), tmp_path / name)         # whatever the user's settings are
    assert (tmp_path / name).read_bytes() == (written[0] / name).read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_or_overlaps_another(monkeypatch, name):
    def draw_and_note(text, renderer, draw=Text.draw):
        if text.get_visible() and text.get_text().strip() and text not in texts:
            texts.append(text)
        draw(text, renderer)

    texts, figure = [], FIGURES[name]()
    monkeypatch.setattr(Text, "draw", draw_and_note)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert len(texts) > 10
    boxes, whole = [text.get_window_extent(canvas.get_renderer()) for text in texts], figure.bbox
    for i, box in enumerate(boxes):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, texts[i]
        for j in range(i):
            assert not box.overlaps(boxes[j]), f"{texts[i]} overlaps {texts[j]}"


@pytest.mark.parametrize("name", FIGURES)
def test_no_type_is_smaller_than_the_smallest_of_the_style(name):
    figure = FIGURES[name]()
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= NUMERAL_SIZE


def test_a_saved_png_has_100_pixels_per_inch(tmp_path):
    save(new_figure(3, 2), tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").size == (300, 200)


@pytest.mark.parametrize("name", ["figure.pdf", "figure", "figure.PNG.txt"])
def test_save_refuses_other_endings(tmp_path, name):
    with pytest.raises(SwinError, match=r"expected \.svg or \.png"):
        save(new_figure(1, 1), tmp_path / name)
    assert not os.listdir(tmp_path)


def test_save_says_in_one_sentence_that_a_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SwinError, match="cannot be written"):
        save(new_figure(1, 1), tmp_path / "file" / "figure.svg")


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(path, data):
        with open(path, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    (tmp_path / "figure.svg").write_text("old")
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(SwinError, match="No space left on device"):
        save(new_figure(1, 1), tmp_path / "figure.svg")
    assert os.listdir(tmp_path) == ["figure.svg"]
    assert (tmp_path / "figure.svg").read_text() == "old"
