"""Relative position, masks left out, and how far a token is seen: the data behind the figures and what they show."""

import numpy as np
import pytest

from swin_np.attention import WindowAttention, relative_position_bias, relative_position_index, shifted_window_attention
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.plots import bias_lookup, error_without_the_mask, receptive_field_by_block, relative_position_steps
from swin_np.plots.cells import LUMINANCE
from swin_np.plots.mask_error import mask_error, mask_error_by_window
from swin_np.plots.receptive_field import extent, influence, reach
from swin_np.plots.relative_position import index_steps, lookup, uses_of_rows
from swin_np.plots.style import BLACK, WHITE
from swin_np.ragged import ragged_window_attention, ragged_windows
from swin_np.variants import SwinConfig
from tests.matching import assert_matches
from tests.plots.drawn import framed, numerals

SHIFTS = [(0, 0), (3, 3), (0, 0), (3, 3)]


@pytest.mark.parametrize("window", [2, 3, (2, 4)])
def test_the_steps_of_the_index_are_displacements_moved_and_scaled(window):
    m, n = np.broadcast_to(window, 2)
    row, column = np.divmod(np.arange(m * n), n)
    steps = index_steps(window)
    assert np.array_equal(steps["rows"], row[:, None] - row)            # query minus key
    assert np.array_equal(steps["columns"], column[:, None] - column)
    assert np.array_equal(steps["rows from 0"], steps["rows"] + m - 1)
    assert np.array_equal(steps["columns from 0"], steps["columns"] + n - 1)
    assert np.array_equal(steps["rows scaled"], steps["rows from 0"] * (2 * n - 1))
    assert np.array_equal(steps["index"], steps["rows scaled"] + steps["columns from 0"])


def test_the_index_of_a_window_of_7_runs_to_168_and_its_centre_is_used_49_times():
    uses = uses_of_rows(7)
    assert (relative_position_index(7).min(), relative_position_index(7).max()) == (0, 168)
    assert uses.shape == (13, 13)
    assert uses.ravel()[84] == uses.max() == 49
    assert uses[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [1, 1, 1, 1]
    assert uses.sum() == 49 ** 2


def test_the_five_steps_are_drawn_with_their_numbers():
    figure, steps = relative_position_steps(2, 3), index_steps(2)
    panels = figure.subfigs[0].axes
    assert np.array_equal(numerals(panels[0]), [[0, 1], [2, 3]])
    shown = [numerals(axes) for axes in panels[1:]]
    for name in steps:
        assert any(np.array_equal(steps[name], values) for values in shown), name
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in panels)
    heat, counts = figure.subfigs[1].axes[:2]
    assert np.array_equal(heat.images[0].get_array(), relative_position_index(3))
    assert np.array_equal(numerals(counts), uses_of_rows(3))


def test_a_pair_is_looked_up_by_its_displacement():
    assert lookup(7, (0, 1), (2, 5)) == (1, 19, (0 - 2 + 6) * 13 + (1 - 5 + 6))
    assert lookup((2, 3), (1, 2), (0, 0)) == (5, 0, 2 * 5 + 4)


def test_the_traced_entry_has_one_value_in_the_table_and_in_the_matrix(rng):
    table = rng.standard_normal((3 * 5, 2))
    tokens, grid, matrix = bias_lookup(table, (2, 3), head=1, query=(1, 2), key=(0, 1)).axes[:3]
    assert np.array_equal(numerals(tokens), [[0, 1, 2], [3, 4, 5]])
    assert framed(grid) == {(3 - 0.5, 2 - 0.5, 1, 1)}  # displacement (1, 1) of -1..1 and -2..2
    for axis, places in ((grid.xaxis, {0: "-2", 3: "1"}), (grid.yaxis, {0: "-1"})):
        assert dict(zip(axis.get_ticklocs(), (label.get_text() for label in axis.get_ticklabels()),
                        strict=True)) == places
    assert framed(matrix) == {(1 - 0.5, 5 - 0.5, 1, 1)}
    assert np.array_equal(matrix.images[0].get_array(), relative_position_bias(table, (2, 3))[1])
    assert grid.images[0].get_array()[2, 3] == matrix.images[0].get_array()[5, 1] == table[2 * 5 + 3, 1]


@pytest.fixture(scope="module")
def attn():
    attention = WindowAttention.random(4, (3, 4), 2, np.random.default_rng(1))
    redraw(attention, 5)
    return attention.astype(np.float64)


def test_with_the_mask_the_attention_is_that_of_the_ragged_windows(attn, rng):
    x = rng.standard_normal((1, 9, 12, 4))
    assert_matches(shifted_window_attention(x, attn, (3, 4), (1, 2)), ragged_window_attention(x, attn, (1, 2)))


def test_without_the_mask_tokens_are_wrong_exactly_where_windows_are_cut(attn, rng):
    error = mask_error(rng.standard_normal((1, 9, 12, 4)), attn, (1, 2))
    cut = np.zeros((9, 12), bool)
    for rows, columns in ragged_windows((9, 12), (3, 4), (1, 2)):
        cut[rows, columns] = (rows.stop - rows.start, columns.stop - columns.start) != (3, 4)
    assert np.array_equal(error != 0, cut)


def test_without_the_mask_15_of_64_windows_are_wrong_those_of_the_last_row_and_column(rng):
    attention = WindowAttention.random(4, 7, 1, rng)
    redraw(attention, 0)
    x = rng.standard_normal((1, 56, 56, 4), np.float32)
    wrong = mask_error_by_window(mask_error(x, attention, (3, 3)), (7, 7), (3, 3)) != 0
    assert np.count_nonzero(wrong) == 15
    assert wrong[-1].all()
    assert wrong[:, -1].all()


def test_the_map_of_errors_is_drawn_where_the_tokens_lie_and_the_count_in_the_title(attn, rng):
    x = rng.standard_normal((1, 9, 12, 4))
    figure, error = error_without_the_mask(x, attn, (1, 2)), mask_error(x, attn, (1, 2))
    original, _, by_window = figure.axes[:3]
    assert np.array_equal(original.images[0].get_array(), error)
    shades = [np.dot(original.images[0].cmap(share)[:3], LUMINANCE) for share in (0.0, 0.5, 1.0)]
    assert shades == sorted(shades)                    # as in the other figures: what is large is bright
    assert np.count_nonzero([float(text.get_text()) for text in by_window.texts]) == 3 + 3 - 1
    assert "5 of 9 windows" in figure.texts[0].get_text()
    largest = [text for text in by_window.texts if float(text.get_text()) == round(error.max(), 1)]
    zeros = [text for text in by_window.texts if text.get_text() == "0"]
    assert {text.get_color() for text in largest} == {BLACK} and {text.get_color() for text in zeros} == {WHITE}


@pytest.mark.parametrize(("source", "shifts", "expected"), [
    ((31, 31), SHIFTS, [7, 14, 21, 28]), ((0, 0), SHIFTS, [7, 10, 14, 17]),
    ((31, 31), [(0, 0)] * 4, [7, 7, 7, 7]), ((0, 0), [(0, 0)] * 4, [7, 7, 7, 7])])
def test_the_reach_grows_by_a_window_a_block_inside_and_by_less_in_the_corner(source, shifts, expected):
    assert [extent(seen) for seen in reach((56, 56), (7, 7), shifts, source)] == [(side, side) for side in expected]


def test_one_shifted_block_reaches_the_ragged_window_of_the_token():
    for rows, columns in ragged_windows((6, 12), (3, 4), (1, 3)):
        window = np.zeros((6, 12), bool)
        window[rows, columns] = True
        assert np.array_equal(reach((6, 12), (3, 4), [(1, 3)], (rows.start, columns.stop - 1))[0], window)


@pytest.fixture(scope="module")
def blocks():
    config = SwinConfig((48, 60), 4, embed_dim=4, depths=(3,), num_heads=(2,), window_size=3, num_classes=0)
    model = SwinTransformer.random(config, dtype=np.float64)            # a 12x15 map
    redraw(model, 1)
    return model


@pytest.mark.parametrize("source", [(0, 0), (4, 7), (11, 3)])
def test_a_token_is_felt_exactly_where_the_masks_let_it_be_seen(blocks, source):
    seen = reach((12, 15), (3, 3), [(0, 0), (1, 1), (0, 0)], source)
    assert np.array_equal(influence(blocks, source, 3) > 0, seen)


def test_the_title_says_how_many_blocks_there_are_and_how_many_swin_t_has(blocks):
    title = receptive_field_by_block(blocks).texts[0].get_text()
    assert "12 x 15 tokens" in title and "a stage of 3 blocks" in title
    assert "the first has 2 blocks and 56 x 56 tokens, the third 6 and 14 x 14" in title


def test_the_reach_the_influence_and_the_control_are_drawn_for_both_tokens(blocks):
    axes = np.reshape(receptive_field_by_block(blocks).axes[:9], (3, 3))
    sources = (7, 7), (0, 0)
    for block in range(3):
        seen = np.any([reach((12, 15), (3, 3), [(0, 0), (1, 1), (0, 0)], source)[block] for source in sources], axis=0)
        control = np.any([reach((12, 15), (3, 3), [(0, 0)], source)[0] for source in sources], axis=0)
        coloured, measured, regular = (panel.images[0].get_array() for panel in axes[:, block])
        assert np.array_equal((coloured != 1).any(axis=-1), seen)
        assert np.array_equal(~np.ma.getmaskarray(measured), seen)
        assert np.array_equal((regular != 1).any(axis=-1), control)
