"""Relative position bias and window attention, against hand-made tables and a loop over queries and keys."""

import numpy as np
import pytest

from swin_np.attention import (
    WindowAttention,
    merge_heads,
    relative_position_bias,
    relative_position_index,
    shifted_window_attention,
    split_heads,
)
from swin_np.errors import ConfigurationError, ShapeError, SwinError
from swin_np.layers import redraw
from swin_np.ragged import ragged_window_attention
from tests.matching import assert_matches

SHAPES = [  # map, window, shift, heads, channels
    ((8, 12), (4, 4), (2, 2), 2, 8), ((4, 8), (4, 4), (2, 2), 1, 6), ((6, 9), (3, 3), (1, 1), 3, 9),
    ((10, 5), (5, 5), (2, 2), 4, 8), ((7, 14), (7, 7), (3, 3), 2, 4), ((6, 10), (3, 5), (1, 2), 2, 8),
    ((6, 8), (2, 4), (1, 3), 1, 4), ((9, 6), (3, 2), (2, 1), 3, 6), ((8, 4), (4, 4), (3, 0), 2, 8),
    ((4, 12), (4, 4), (0, 1), 2, 8), ((5, 3), (1, 1), (0, 0), 1, 2), ((6, 4), (2, 2), (1, 1), 5, 10),
]


def random_attention(window, heads, channels, rng, dtype=np.float64, **options) -> WindowAttention:
    attn = WindowAttention.random(channels, window, heads, rng, **options)
    redraw(attn, int(rng.integers(1 << 30)))
    return attn.astype(dtype)


def test_the_index_of_a_two_by_two_window():
    assert relative_position_index(2).tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_the_index_of_the_paper_s_window_runs_from_0_to_168_about_84():
    counts = np.bincount(relative_position_index(7).ravel())
    assert len(counts) == 169
    assert (counts[84], counts[0], counts[168]) == (49, 1, 1)


@pytest.mark.parametrize("window", [(2, 3), (5, 1), (4, 4), (3, 7)])
def test_pairs_share_a_row_of_the_table_exactly_if_their_displacement_is_equal(window):
    index = relative_position_index(window)
    positions = [divmod(token, window[1]) for token in range(window[0] * window[1])]
    row_of = {}
    for i, query in enumerate(positions):
        for j, key in enumerate(positions):
            displacement = (query[0] - key[0], query[1] - key[1])
            assert row_of.setdefault(displacement, index[i, j]) == index[i, j]
    assert sorted(row_of, key=row_of.get) == sorted(row_of)             # rows of the table in order of displacement
    assert sorted(row_of.values()) == list(range((2 * window[0] - 1) * (2 * window[1] - 1)))


def test_the_bias_of_a_head_is_its_column_of_the_table(rng):
    table = rng.standard_normal((15, 3))               # window 2x3
    bias, index = relative_position_bias(table, (2, 3)), relative_position_index((2, 3))
    assert bias.shape == (3, 6, 6)
    assert all(bias[head, i, j] == table[index[i, j], head] for head in range(3) for i in range(6) for j in range(6))


def test_channels_are_queries_then_keys_then_values_and_heads_lie_side_by_side(rng):
    qkv = rng.standard_normal((4, 9, 3 * 10))          # 2 heads of 5
    parts = split_heads(qkv, 2)
    assert parts.shape == (3, 4, 2, 9, 5)
    for which in range(3):
        for head in range(2):
            start = 10 * which + 5 * head
            assert np.array_equal(parts[which][:, head], qkv[..., start:start + 5])
        assert np.array_equal(merge_heads(parts[which]), qkv[..., 10 * which:10 * (which + 1)])


@pytest.mark.parametrize(("map_size", "window", "shift", "heads", "channels"), SHAPES)
def test_roll_and_mask_equal_the_definition_by_ragged_windows(map_size, window, shift, heads, channels, rng):
    attn = random_attention(window, heads, channels, rng)
    x = rng.standard_normal((2, *map_size, channels))
    ours = shifted_window_attention(x, attn, window, shift)
    assert_matches(ours, ragged_window_attention(x, attn, shift))


@pytest.mark.parametrize("seed", range(12))
def test_roll_and_mask_equal_the_definition_at_random_shapes(seed):
    rng = np.random.default_rng(seed)
    window = tuple(int(m) for m in rng.integers(1, 6, 2))
    map_size = tuple(int(m * n) for m, n in zip(window, rng.integers(1, 4, 2), strict=True))
    shift = tuple(int(rng.integers(m)) for m in window)
    heads, d = (int(n) for n in rng.integers(1, 4, 2))
    attn = random_attention(window, heads, heads * d, rng, qkv_bias=bool(seed % 2), qk_scale=0.3 if seed % 3 else None)
    x = rng.standard_normal((2, *map_size, heads * d))
    ours = shifted_window_attention(x, attn, window, shift)
    assert_matches(ours, ragged_window_attention(x, attn, shift))


def test_without_the_mask_the_definition_is_missed_in_the_wrapped_windows_only(rng, monkeypatch):
    attn = random_attention((4, 4), 2, 8, rng)
    x = rng.standard_normal((1, 12, 16, 8))
    truth = ragged_window_attention(x, attn, (2, 2))
    monkeypatch.setattr("swin_np.attention.attention_mask", lambda *sizes: np.zeros((12, 16, 16)))
    wrong = np.abs(shifted_window_attention(x, attn, (4, 4), (2, 2)) - truth).max(axis=(0, 3)) > 1e-9
    expected = np.zeros((12, 16), bool)                # displaced by 2: the first and last 2 rows and columns wrap
    expected[[0, 1, 10, 11]] = expected[:, [0, 1, 14, 15]] = True
    assert np.array_equal(wrong, expected)


def test_float32_stays_float32(rng):
    attn = random_attention((4, 4), 2, 8, rng, np.float32)
    x = rng.standard_normal((2, 8, 12, 8)).astype(np.float32)
    assert shifted_window_attention(x, attn, (4, 4), (2, 2)).dtype == np.float32


def test_padding_first_and_rolling_first_differ_where_padding_is_needed(rng):
    attn = random_attention((4, 4), 2, 8, rng)
    x = rng.standard_normal((1, 7, 9, 8))
    pad_first = shifted_window_attention(x, attn, (4, 4), (2, 2), pad_first=True)
    roll_first = shifted_window_attention(x, attn, (4, 4), (2, 2), pad_first=False)
    assert pad_first.shape == roll_first.shape == x.shape
    assert np.abs(pad_first - roll_first).max() > 0.01


def test_an_input_is_never_changed(rng):
    attn = random_attention((4, 4), 2, 8, rng)
    x = rng.standard_normal((2, 8, 12, 8))
    before = x.copy()
    shifted_window_attention(x, attn, (4, 4), (2, 2))
    shifted_window_attention(x, attn, (4, 4), (0, 0))
    assert np.array_equal(x, before)


def test_heads_that_do_not_divide_the_channels_are_refused(rng):
    with pytest.raises(ConfigurationError, match="3 heads do not divide 8 channels"):
        WindowAttention.random(8, 4, 3, rng)


def test_windows_of_another_size_than_the_table_are_refused(rng):
    attn = random_attention((4, 4), 2, 8, rng)
    with pytest.raises(ShapeError, match="9 tokens"):
        attn(np.zeros((1, 9, 8)))


@pytest.mark.parametrize("mask", [
    np.zeros((4, 16, 16)), np.zeros((0, 16, 16)), np.zeros((5, 16, 16)), np.zeros((12, 16, 16)), np.zeros((3, 2, 16)),
    np.zeros((3, 16, 15)), np.zeros((16, 16)), np.zeros((3, 16, 16), bool), np.zeros((3, 16, 16), int),
    np.ma.masked_all((3, 16, 16)), [[[0.0] * 16] * 16] * 3, 0.0], ids=lambda mask: f"{np.shape(mask)}")
def test_a_mask_that_is_not_one_of_the_map_s_windows_is_refused(mask, rng):
    attn = random_attention((4, 4), 2, 8, rng)
    with pytest.raises(SwinError, match=r"mask"):
        attn(rng.standard_normal((6, 16, 8)), mask)


def test_a_mask_of_half_the_windows_is_that_of_either_map(rng):
    attn, windows = random_attention((4, 4), 2, 8, rng), rng.standard_normal((6, 16, 8))
    mask = rng.choice([0.0, -100.0], (3, 16, 16))
    both = np.concatenate([attn(windows[:3], mask), attn(windows[3:], mask)])
    assert_matches(attn(windows, mask), both)


@pytest.mark.parametrize("rows", [48, 50, 7, 1])
def test_a_bias_table_of_another_window_is_refused(rows, rng):
    with pytest.raises(ShapeError, match=f"{rows} rows, window 4x4 has 49 displacements"):
        relative_position_bias(rng.standard_normal((rows, 3)), 4)


@pytest.mark.parametrize("shift", [(-1, 0), (0, 4), (5, 5)])
def test_a_shift_outside_the_window_is_refused(shift, rng):
    attn = random_attention((4, 4), 2, 8, rng)
    with pytest.raises(ShapeError, match="shift"):
        shifted_window_attention(np.zeros((1, 8, 8, 8)), attn, (4, 4), shift)
