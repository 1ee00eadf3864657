"""Window partition, cyclic shift, regions and masks: small cases by hand, and what must hold at every size."""

import numpy as np
import pytest

from swin_np.errors import ShapeError
from swin_np.ragged import ragged_windows
from swin_np.windows import (
    MASK_VALUE,
    attention_mask,
    cyclic_shift,
    region_ids,
    reverse_cyclic_shift,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

CASES = [((8, 8), (4, 4), (2, 2)), ((8, 12), (4, 4), (2, 2)), ((14, 21), (7, 7), (3, 3)), ((6, 20), (3, 5), (1, 4)),
         ((5, 15), (5, 5), (0, 2)), ((9, 4), (3, 4), (2, 0)), ((56, 56), (7, 7), (3, 3))]


def test_windows_are_numbered_row_by_row_and_so_are_their_tokens():
    x = np.arange(1 * 4 * 6 * 1).reshape(1, 4, 6, 1)
    windows = window_partition(x, (2, 3))
    assert windows[..., 0].tolist() == [[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]],
                                        [[12, 13, 14], [18, 19, 20]], [[15, 16, 17], [21, 22, 23]]]


@pytest.mark.parametrize(("map_size", "window", "shift"), CASES)
def test_every_window_is_a_slice_of_the_map(map_size, window, shift, rng):
    x = rng.standard_normal((2, *map_size, 3))
    windows = iter(window_partition(x, window))
    for image in x:
        for row in range(0, map_size[0], window[0]):
            for column in range(0, map_size[1], window[1]):
                assert np.array_equal(next(windows), image[row:row + window[0], column:column + window[1]])


@pytest.mark.parametrize(("map_size", "window", "shift"), CASES)
def test_reverse_undoes_partition_and_the_second_roll_the_first(map_size, window, shift, rng):
    x = rng.standard_normal((2, *map_size, 3))
    assert np.array_equal(window_reverse(window_partition(x, window), map_size), x)
    assert np.array_equal(reverse_cyclic_shift(cyclic_shift(x, shift), shift), x)


@pytest.mark.parametrize(("map_size", "window", "shift"), CASES)
def test_the_shift_moves_the_map_towards_the_top_left(map_size, window, shift, rng):
    x = rng.standard_normal((2, *map_size, 3))
    kept = x[:, shift[0]:, shift[1]:]
    assert np.array_equal(cyclic_shift(x, shift)[:, :kept.shape[1], :kept.shape[2]], kept)


def test_an_eight_by_eight_map_has_nine_regions():
    ids = region_ids((8, 8), 4, 2)
    assert ids[[0, 4, 6]][:, [0, 4, 6]].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert np.bincount(ids.ravel()).tolist() == [16, 8, 8, 8, 4, 4, 8, 4, 4]


@pytest.mark.parametrize(("map_size", "window", "shift"), CASES)
def test_the_mask_allows_exactly_the_pairs_of_one_ragged_window(map_size, window, shift):
    owner = np.empty(map_size, int)                    # which ragged window holds a token, by the definition
    for number, (rows, columns) in enumerate(ragged_windows(map_size, window, shift)):
        owner[rows, columns] = number
    rolled = window_partition(cyclic_shift(owner[None, :, :, None], shift), window)
    rolled = rolled.reshape(len(rolled), -1)
    allowed = rolled[:, :, None] == rolled[:, None, :]
    assert np.array_equal(shifted_window_mask(map_size, window, shift), np.where(allowed, 0, MASK_VALUE))


def test_the_paper_s_first_stage_has_81_ragged_windows_and_15_masked_ones():
    assert len(ragged_windows((56, 56), (7, 7), (3, 3))) == 81
    mask = shifted_window_mask((56, 56), (7, 7), (3, 3))
    assert (mask != 0).any(axis=(1, 2)).sum() == 15
    fractions = (mask != 0).mean(axis=(1, 2)).reshape(8, 8)
    assert [round(100 * float(fractions[at]), 1) for at in ((0, 0), (0, 7), (7, 0), (7, 7))] == [0, 49.0, 49.0, 74.0]


def test_a_mask_cannot_be_changed_for_the_next_caller():
    with pytest.raises(ValueError, match="read-only"):
        shifted_window_mask((8, 8), 4, 2)[0, 0, 0] = 1


@pytest.mark.parametrize("call", [
    lambda: window_partition(np.zeros((1, 10, 12, 1)), 7),
    lambda: window_reverse(np.zeros((4, 7, 7, 1)), (10, 12)),
    lambda: window_partition(np.zeros((1, 8, 8, 1)), 0),
    lambda: region_ids((8, 8), 4, 4),
    lambda: region_ids((8, 8), 4, -1),
    lambda: shifted_window_mask((8, 8), (4, 2), (2, 2)),
    lambda: shifted_window_mask((10, 12), 7, 3),
])
def test_sizes_that_do_not_fit_are_refused(call):
    with pytest.raises(ShapeError, match="window"):
        call()


def test_the_message_says_what_would_fit():
    with pytest.raises(ShapeError, match="window 7x7 does not divide the 10x12 map: pad it to 14x14"):
        window_partition(np.zeros((1, 10, 12, 1)), 7)


@pytest.mark.parametrize("shift", [0, (0, 0), (2, 0), (0, 1), 2])
def test_only_shifted_windows_have_a_mask(shift):
    mask = attention_mask((8, 12), (4, 4), shift)
    assert (mask is None) == (shift in (0, (0, 0)))
    assert mask is None or np.array_equal(mask, shifted_window_mask((8, 12), (4, 4), shift))
