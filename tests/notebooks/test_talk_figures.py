"""The pictures of the talk: what they show is what the text beside them says, and none shows what is asked."""

import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

pytest.importorskip("nbconvert", reason="jupyter is not installed")

from notebooks.publish.illustrations import as_png, picture
from notebooks.talk.figures import FIGURES
from notebooks.talk.panels import enlarged
from swin_np.functional import softmax
from swin_np.plots.gallery import cropped_photograph
from tests.plots.drawn import numerals


def texts(name):
    """All that is written in a picture."""
    return [text.get_text() for axes in FIGURES[name]().axes
            for text in (*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label) if text.get_text()]


def test_a_larger_figure_has_larger_type_and_no_main_title():
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.set_title("small", fontsize=10)
    figure.suptitle("said by the slide")
    enlarged(figure, 8, 5, 1.5)
    assert axes.title.get_fontsize() == 15 and figure.get_size_inches().tolist() == [8, 5]
    assert "said by the slide" not in [text.get_text() for text in figure.texts]


def test_the_ladder_that_asks_does_not_say_what_is_seen():
    assert not any("sees" in text for text in texts("ladder"))
    assert {"y1", "y2", "y3", "y4"} <= set(texts("ladder"))
    assert any(re.fullmatch(r"y3 sees\s7, 5, 3", text) for text in texts("ladder and what it sees"))


@pytest.mark.parametrize(("name", "sizes"), [
    ("reach of regular windows", [7, 7, 7, 7]), ("reach of shifted windows", [7, 14, 21, 28])])
def test_the_reach_is_that_of_four_blocks(name, sizes):
    panels = FIGURES[name]().axes
    assert [axes.get_xlabel() for axes in panels] == [f"{size} x {size}" for size in sizes]
    for axes, size in zip(panels, sizes, strict=True):
        row = np.asarray(axes.images[0].get_array())[31]                # through the token in the middle
        assert np.count_nonzero((row != row[-1]).any(axis=-1)) == size


def test_the_moments_are_the_map_its_roll_its_windows_and_the_keys_of_each_token():
    before, rolled, cut, keys = ([int(text.get_text()) for text in FIGURES[f"moment {number}"]().axes[0].texts
                                  if text.get_text().isdecimal()] for number in range(1, 5))
    tokens = np.roll(np.arange(64).reshape(8, 8), (-2, -2), (0, 1))
    assert before == list(range(64)) and rolled == tokens.ravel().tolist() and sorted(cut) == before
    assert sorted(keys) == [4] * 16 + [8] * 32 + [16] * 16


def test_the_photograph_is_rolled_by_three_tokens_of_four_pixels():
    drawn = FIGURES["rolled photograph"]().axes[0].images[0].get_array()
    assert np.array_equal(drawn, np.roll(cropped_photograph(), (-12, -12), (0, 1)))


def test_the_weights_are_the_softmax_of_the_scores_with_the_bias():
    scores, biased, weights = (np.asarray(axes.images[0].get_array()) for axes in FIGURES["terms of equation 4"]().axes)
    np.testing.assert_allclose(weights, softmax(biased), rtol=1e-12)
    bias = biased - scores                             # one number for each displacement
    assert np.ptp(np.diagonal(bias)) < 1e-12 < np.ptp(bias)


def test_the_index_of_two_counts_displacements_row_by_row():
    tokens, index, table = (numerals(axes) for axes in FIGURES["index of two"]().axes)
    assert tokens.tolist() == [[0, 1], [2, 3]] and table.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    for query, key in np.ndindex(4, 4):                # query minus key, from -1 to 1 in rows and in columns
        assert index[query, key] == table[query // 2 - key // 2 + 1, query % 2 - key % 2 + 1]


@pytest.mark.parametrize(("name", "expected"), [
    ("masks", ["interior:\n0 % masked", "right edge:\n49 % masked", "bottom edge:\n49 % masked",
               "corner:\n74 % masked"]),
    ("maps of swin", ["56 x 56 tokens\nof 4 x 4 pixels", "28 x 28 tokens\nof 8 x 8 pixels",
                      "14 x 14 tokens\nof 16 x 16 pixels", "7 x 7 tokens\nof 32 x 32 pixels"]),
    ("three neighbours", ["a", "b", "c"]),
    ("things on a photograph", ["person", "face", "name tag", "star", "eye"]),
])
def test_a_picture_says(name, expected):
    assert [text for text in texts(name) if text in expected] == expected


def test_a_small_drawing_stays_sharp_and_a_photograph_is_a_png_of_two_pixels_for_one():
    assert picture("three neighbours").startswith("data:image/svg+xml;base64,")
    assert picture("first map").startswith("data:image/png;base64,")
    assert Image.open(io.BytesIO(as_png(FIGURES["maps of swin"]()))).width >= 2 * 1000
