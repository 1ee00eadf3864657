"""Windows, shift, regions and masks: the figures show what the library computes, and the counts are the known ones."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from swin_np.errors import ShapeError
from swin_np.notebook import show_animation
from swin_np.plots import (
    cyclic_shift_animation,
    cyclic_shift_frames,
    four_kinds_of_mask,
    nine_regions,
    regular_and_shifted_windows,
    window_partition_in_memory,
    windows_on_photograph,
)
from swin_np.plots.cells import position_colours
from swin_np.plots.cyclic_shift import NOTHING, animation_frames, frames, keys_of_queries, spread
from swin_np.plots.masks import kinds_of_mask, masked_fraction
from swin_np.plots.partition import partition_steps
from swin_np.plots.regions import regions_per_window
from swin_np.plots.windows import WindowCounts, count_windows, window_numbers
from swin_np.ragged import ragged_windows
from swin_np.variants import VARIANTS
from swin_np.windows import region_ids, reverse_cyclic_shift, shifted_window_mask, window_partition
from tests.plots.drawn import framed, numerals

SWIN_T = VARIANTS["swin_t"]
WIDE = replace(SWIN_T, img_size=(112, 224))            # a 28x56 map


def black(config):
    return np.zeros((*config.img_size, 3), np.uint8)


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


@pytest.mark.parametrize(("map_size", "window", "shift"), [((8, 8), (4, 4), (2, 2)), ((12, 20), (4, 5), (1, 3)),
                                                           ((9, 12), (3, 4), (0, 0)), ((8, 12), (4, 4), (0, 1))])
def test_tokens_have_equal_window_numbers_exactly_within_a_ragged_window(map_size, window, shift):
    rows, columns = window_numbers(map_size, window, shift)
    numbers = rows * (columns.max() + 1) + columns
    for number, place in enumerate(ragged_windows(map_size, window, shift)):
        inside = np.zeros(map_size, bool)
        inside[place] = True
        assert np.array_equal(numbers == number, inside)


def test_the_toy_shows_4_regular_and_9_ragged_windows():
    left, right = regular_and_shifted_windows(8, 4, 2).axes
    assert [len(np.unique(numerals(axes))) for axes in (left, right)] == [4, 9]
    assert numerals(right)[0].tolist() == [0, 0, 1, 1, 1, 1, 2, 2]


def test_windows_of_a_large_map_are_numbered_once_each():
    left, right = regular_and_shifted_windows(56, 7, 3).axes
    for axes, count in ((left, 64), (right, 81)):
        assert f"= {count} windows" in axes.get_title()
        assert sorted(int(text.get_text()) for text in axes.texts) == list(range(count))


@pytest.mark.parametrize("figure", [regular_and_shifted_windows, nine_regions, cyclic_shift_frames, four_kinds_of_mask])
@pytest.mark.parametrize(("map_size", "window", "shift"), [((8, 10), 4, 2), (8, 4, 4)])
def test_windows_that_do_not_tile_and_shifts_that_do_not_fit_are_refused(figure, map_size, window, shift):
    with pytest.raises(ShapeError):
        figure(map_size, window, shift)


@pytest.mark.parametrize(("map_size", "window"), [((8, 8), (4, 4)), ((6, 12), (3, 4))])
def test_the_runs_in_memory_end_as_the_library_s_windows(map_size, window):
    steps = partition_steps(map_size, window)
    (h, w), (m, n), tokens = map_size, window, np.arange(map_size[0] * map_size[1]).reshape(map_size)
    by_definition = [tokens[i:i + m, j:j + n] for i in range(0, h, m) for j in range(0, w, n)]
    assert np.array_equal(steps["windows"], by_definition)
    assert np.array_equal(steps["transpose"].ravel(), np.ravel(by_definition))
    assert np.array_equal(steps["reshape"].ravel(), tokens.ravel())


def test_without_the_transpose_windows_mix_tokens_of_several_windows():
    wrong = partition_steps((8, 8), (4, 4))["without transpose"]
    assert wrong[0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


def test_the_panels_show_the_tokens_of_every_step():
    steps = partition_steps((6, 12), (3, 4))
    for axes, tokens in zip(window_partition_in_memory((6, 12), (3, 4)).axes, steps.values(), strict=True):
        assert np.array_equal(numerals(axes).ravel(), tokens.ravel())


@pytest.mark.parametrize(("map_size", "window", "shift"), [((8, 8), (4, 4), (2, 2)), ((6, 12), (3, 4), (1, 3))])
def test_rolled_back_every_token_is_where_it_was(map_size, window, shift):
    first, *_, last = frames(map_size, window, shift)
    assert np.array_equal(first.tokens, last.tokens)


@pytest.mark.parametrize(("map_size", "window", "shift"), [((8, 8), (4, 4), (2, 2)), ((6, 12), (3, 4), (1, 3))])
def test_only_across_the_seam_neighbours_change(map_size, window, shift):
    _, w = map_size
    for frame in animation_frames(map_size, window, shift):
        rows, columns = np.divmod(frame.tokens, w)
        breaks_down = np.flatnonzero((np.diff(rows, axis=0) != 1).any(axis=1)) + 1
        breaks_right = np.flatnonzero((np.diff(columns, axis=1) != 1).any(axis=0)) + 1
        torn = frame.tokens[0, 0] != 0                 # before the roll the seam is where it will be cut
        assert breaks_down.tolist() == ([frame.seam[0]] if torn and frame.seam[0] else [])
        assert breaks_right.tolist() == ([frame.seam[1]] if torn and frame.seam[1] else [])


def test_the_tokens_attend_to_16_8_8_and_4_keys():
    keys = keys_of_queries((8, 8), (4, 4), (2, 2))
    assert [np.unique(window).tolist() for window in window_partition(keys[None, :, :, None], 4)] == [
        [16], [8], [8], [4]]


def test_the_number_of_keys_is_that_of_the_tokens_in_the_ragged_window():
    map_size, window, shift = (6, 12), (3, 4), (1, 3)
    sizes = np.empty(map_size, int)
    for rows, columns in ragged_windows(map_size, window, shift):
        sizes[rows, columns] = (rows.stop - rows.start) * (columns.stop - columns.start)
    keys = reverse_cyclic_shift(keys_of_queries(map_size, window, shift)[None, :, :, None], shift)
    assert np.array_equal(keys[0, :, :, 0], sizes)


def test_windows_drawn_apart_keep_their_tokens():
    tokens = np.arange(72).reshape(6, 12)
    apart = spread(tokens, (3, 4))
    assert apart.shape == (7, 14)
    assert np.array_equal(apart[apart != NOTHING], tokens.ravel())
    assert (apart[3] == NOTHING).all()
    assert (apart[:, [4, 9]] == NOTHING).all()


def test_the_frames_are_in_the_colours_of_the_original_positions():
    original, rolled, *_ = cyclic_shift_frames((6, 12), (3, 4), (1, 3)).axes
    colours = position_colours((6, 12))
    assert np.array_equal(original.images[0].get_array(), colours)
    assert np.array_equal(rolled.images[0].get_array(), np.roll(colours, (-1, -3), (0, 1)))
    assert numerals(rolled)[0, 0] == 1 * 12 + 3


def test_the_animation_is_a_small_picture_of_all_frames_and_needs_no_other_program():
    png = show_animation(cyclic_shift_animation(8, 4, 2), "the roll").png
    assert Image.open(io.BytesIO(png)).n_frames == len(animation_frames((8, 8), (4, 4), (2, 2))) == 12
    assert len(png) < 100_000


@pytest.mark.parametrize(("map_size", "window", "shift", "expected"), [
    ((8, 8), 4, 2, [[1, 2], [2, 4]]), ((12, 8), 4, 1, [[1, 2], [1, 2], [2, 4]]), ((8, 8), 4, 0, [[1, 1], [1, 1]])])
def test_1_2_2_and_4_regions_meet_in_the_windows(map_size, window, shift, expected):
    assert regions_per_window(map_size, window, shift).tolist() == expected


def test_several_regions_meet_in_15_of_64_windows():
    assert np.count_nonzero(regions_per_window((56, 56), 7, 3) > 1) == 15


def test_the_regions_are_drawn_where_they_lie_and_rolled():
    ids = region_ids((12, 8), 4, (2, 1))
    before, rolled, _ = nine_regions((12, 8), 4, (2, 1)).axes
    assert np.array_equal(numerals(rolled), ids)
    assert np.array_equal(numerals(before), np.roll(ids, (2, 1), (0, 1)))


@pytest.mark.parametrize(("map_size", "window", "shift"), [
    ((56, 56), 7, 3), ((14, 28), 7, 3), ((8, 8), 4, 2), ((12, 16), (3, 4), (1, 2)), ((96, 96), 12, 6), (8, 4, 0),
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
        shown = numerals(axes)
        assert np.array_equal(shown, mask[1 * 4 + 1].reshape(3, 4))     # the query in row 1 and column 1
        white = axes.images[0].get_array().min(axis=-1) == 1
        assert np.array_equal(white, shown == 0)


def test_the_four_kinds_are_those_of_the_mask_of_the_whole_map():
    kinds, mask = kinds_of_mask((12, 16), (3, 4), (1, 3)), shifted_window_mask((12, 16), (3, 4), (1, 3))
    for name, number in (("interior", 0), ("right edge", 3), ("bottom edge", 12), ("corner", 15)):
        assert np.array_equal(kinds[name], mask[number])


def test_numerals_are_left_out_where_they_would_not_fit():
    assert not any(axes.texts for axes in four_kinds_of_mask((96, 96), 12, 6).axes)


@pytest.mark.parametrize("map_size", [(7, 56), (56, 7)])
def test_maps_without_all_four_kinds_are_refused(map_size):
    with pytest.raises(ShapeError, match="four kinds"):
        kinds_of_mask(map_size, 7, 3)
