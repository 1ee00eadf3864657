"""The figure "shifted, not sliding": its key sets against the definitions, its numerals and bytes."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from swin_np.baselines.padded_windows import window_key_value_bytes
from swin_np.baselines.sliding_window import naive_key_value_bytes
from swin_np.errors import ConfigurationError
from swin_np.plots.sliding import distinct, shifted_key_sets, shifted_not_sliding, sliding_key_sets
from swin_np.ragged import ragged_windows
from swin_np.variants import VARIANTS

SIZES = [((9, 6), (3, 3), (1, 1)), ((6, 9), (3, 3), (1, 2)), ((6, 10), (3, 5), (1, 0)), ((4, 6), (1, 3), (0, 0))]
sizes = pytest.mark.parametrize(("map_size", "window", "shift"), SIZES)


@pytest.fixture
def figure():
    return shifted_not_sliding()


def framed(axes):
    """The rectangles of a panel in the order in which they are drawn: (left, top, right, bottom), to the next token."""
    boxes = [(*patch.get_xy(), patch.get_x() + patch.get_width(), patch.get_y() + patch.get_height())
             for patch in axes.patches if isinstance(patch, Rectangle)]
    return list(dict.fromkeys(tuple(round(side + 0.5) for side in box) for box in boxes))


@sizes
def test_a_sliding_key_set_is_what_is_near_the_query(map_size, window, shift):
    sets = sliding_key_sets(map_size, window).reshape(*map_size, *map_size)
    for i, j, row, column in np.ndindex(sets.shape):
        assert sets[i, j, row, column] == (abs(i - row) <= window[0] // 2 and abs(j - column) <= window[1] // 2)


@sizes
def test_a_shifted_key_set_is_the_ragged_window_of_the_query(map_size, window, shift):
    sets = shifted_key_sets(map_size, window, shift).reshape(*map_size, *map_size)
    for rows, columns in ragged_windows(map_size, window, shift):
        inside = np.zeros(map_size, bool)
        inside[rows, columns] = True
        assert (sets[rows, columns] == inside).all()


@sizes
def test_the_bytes_are_those_of_every_distinct_key_set_read_once(map_size, window, shift):
    sliding, shifted = sliding_key_sets(map_size, window), shifted_key_sets(map_size, window, shift)
    assert naive_key_value_bytes(map_size, 5, window) == distinct(sliding).sum() * 2 * 5 * 4
    assert window_key_value_bytes(map_size, 5, window) == distinct(shifted).sum() * 2 * 5 * 4


def test_the_numerals_say_how_often_each_key_is_read(figure):
    sliding, shifted = ([int(text.get_text()) for text in axes.texts if text.get_text().isdecimal()]
                        for axes in figure.axes)
    assert np.reshape(sliding, (9, 9))[:2, :3].tolist() == [[4, 6, 6], [6, 9, 9]]
    assert shifted == [1] * 81


def test_the_frames_are_the_key_sets_of_the_three_queries(figure):
    sliding, shifted = map(framed, figure.axes)
    assert sliding == [(1, 4, 4, 7), (2, 4, 5, 7), (3, 4, 6, 7)]        # left, top, right, bottom
    assert shifted == [(1, 4, 4, 7), (4, 4, 7, 7)]     # a and b share one


def test_the_titles_count_key_sets_and_bytes(figure):
    sliding, shifted = figure.axes
    assert "M = 3: 81 key sets for 81 queries" in sliding.get_title()
    assert "M = 3: 16 key sets for 81 queries" in shifted.get_title()
    assert "625 keys and their values are read: 480 kB" in sliding.get_xlabel()        # 625 * 2 * 96 * 4
    assert "81 keys and their values are read: 62 kB" in shifted.get_xlabel()
    assert "110.9 MB" in sliding.get_xlabel() and "2.4 MB" in shifted.get_xlabel()     # 380^2 and 56^2 keys


def test_a_model_with_an_even_window_has_no_such_figure():
    with pytest.raises(ConfigurationError, match="no token in its middle"):
        shifted_not_sliding(VARIANTS["swin_b_384"])
