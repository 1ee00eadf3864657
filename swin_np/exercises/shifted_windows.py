"""Notebook 4: the cyclic shift, region ids, the mask (section 3.2, Fig. 4), sliding windows, an attention map read."""

import numpy as np

from swin_np import windows as library
from swin_np.baselines import sliding_window
from swin_np.baselines.sliding_window import SlidingWindowAttention
from swin_np.exercises.covering import alike, differ, maps, one
from swin_np.exercises.exercise import Arguments, exercise, official
from swin_np.functional import Array, softmax
from swin_np.layers import Linear


def map_and_shift(rng: np.random.Generator) -> Arguments:
    """A map, more columns than rows or fewer, and a shift that is not half of a side."""
    h, w, shift = *rng.permutation([5, 6, 7, 8])[:2], int(rng.integers(1, 3))
    return rng.standard_normal((2, h, w, int(rng.integers(2, 5)))), shift


@exercise("The cyclic shift", place="section 3.2, Fig. 4", points=2, minutes=10,
          toy=lambda: (np.arange(24).reshape(1, 3, 4, 2), 1), draw=map_and_shift,
          covers={**maps("x"), "two shifts": differ(lambda shift: shift)},
          mistakes=("roll-direction", "roll-without-axis", "roll-on-nchw", "roll-of-the-rows-only",
                    "shift-filled-with-zeros"))
def cyclic_shift(x: Array, shift: int) -> Array:
    """(B, H, W, C) -> (B, H, W, C), rolled towards the top left."""
    return library.cyclic_shift(x, shift)


@exercise("The shift undone", place="section 3.2, Fig. 4", points=1, minutes=5,
          toy=lambda: (np.arange(24).reshape(1, 3, 4, 2), 1), draw=map_and_shift,
          covers={**maps("x"), "two shifts": differ(lambda shift: shift)},
          mistakes=("reverse-roll-direction", "no-reverse-roll", "roll-without-axis", "roll-on-nchw",
                    "roll-of-the-rows-only"))
def reverse_cyclic_shift(x: Array, shift: int) -> Array:
    """(B, H, W, C) -> (B, H, W, C), rolled back towards the bottom right."""
    return library.reverse_cyclic_shift(x, shift)


def sizes(rng: np.random.Generator, most: int = 4) -> Arguments:
    """The size of a map, M, and a shift that is not half of it: up to `most` windows on either side, or 72 tokens."""
    if not rng.integers(3):
        h, w = map(int, rng.permutation([6, 12]))
        return (h, w), int(rng.choice([3, 6])), int(rng.integers(1, 3))
    window = int(rng.integers(3, 6))
    rows, columns = map(int, rng.permutation(np.arange(1, most + 1))[:2])
    shift = int(rng.choice([s for s in range(1, window) if 2 * s != window]))
    return (rows * window, columns * window), window, shift


REGIONS = {
    "a map that is wider than high": one(lambda map_size: map_size[0] < map_size[1]),
    "a map that is higher than wide": one(lambda map_size: map_size[0] > map_size[1]),
    "a map of one window on one side": one(lambda map_size, window: window in map_size),
    "a map of several windows on both sides": one(lambda map_size, window: min(map_size) > window),
    "a shift of less than half of the window": one(lambda window, shift: 2 * shift < window),
    "a shift of more than half of the window": one(lambda window, shift: 2 * shift > window),
    "two maps for one window and shift": alike(lambda window, shift: (window, shift), lambda map_size: map_size),
    "a map upright and lying": alike(lambda map_size, window, shift: (*sorted(map_size), window, shift),
                                     lambda map_size: map_size),
    "two widths for one height": alike(lambda map_size, window, shift: (map_size[0], window, shift),
                                       lambda map_size: map_size),
    "two heights for one width": alike(lambda map_size, window, shift: (map_size[1], window, shift),
                                       lambda map_size: map_size),
    "two shifts on one map": alike(lambda map_size, window: (map_size, window), lambda shift: shift),
    "two windows on one map": alike(lambda map_size, shift: (map_size, shift), lambda window: window)}
"""What draws of a map's size, M and a shift contain."""


def nine_regions() -> tuple[Arguments, Array]:
    """A 4 x 6 map with windows of 2, shifted by 1: drawn by hand."""
    return ((4, 6), 2, 1), np.array([[0, 0, 0, 0, 1, 2],
                                     [0, 0, 0, 0, 1, 2],
                                     [3, 3, 3, 3, 4, 5],
                                     [6, 6, 6, 6, 7, 8]])


@exercise("Region ids", place="section 3.2, Fig. 4", points=3, minutes=20,
          toy=lambda: ((6, 9), 3, 1), draw=sizes, golden=nine_regions,
          covers=REGIONS,
          mistakes=("mask-for-the-other-roll", "mask-cut-at-the-rest-of-the-window", "mask-slices-on-nchw",
                    "mask-height-and-width-exchanged", "regions-of-two-bands", "regions-counted-down-the-columns"))
def region_ids(map_size: tuple[int, int], window: int, shift: int) -> Array:
    """(H, W) whole numbers from 0 to 8: the regions of the rolled map, row by row."""
    return library.region_ids(map_size, window, shift)


def masked_officially() -> tuple[Arguments, Array]:
    """The mask of the official code for an 8 x 16 map and windows of 4."""
    return ((8, 16), 4, 2), official("layers.0.blocks.1.")["attn_mask"]


@exercise("The mask", place="section 3.2, Fig. 4", points=3, minutes=15,
          toy=lambda: ((2, 6), 2, 1), draw=sizes, golden=masked_officially,
          covers=REGIONS,
          mistakes=("mask-inverted", "mask-of-minus-one", "partition-without-transpose", "mask-for-the-other-roll",
                    "mask-slices-on-nchw", "mask-cut-at-the-rest-of-the-window"))
def shifted_window_mask(map_size: tuple[int, int], window: int, shift: int) -> Array:
    """(nW, M^2, M^2): 0 for pairs of one region, -100 for others."""
    return library.shifted_window_mask(map_size, window, shift).astype(np.float64)


def queries_keys_values(rng: np.random.Generator) -> Arguments:
    """Queries, keys and values of one head on a map, and an odd M that is no larger than the map's sides."""
    window = int(rng.choice([3, 5]))
    h, w = rng.permutation([5, 6, 7])[:2]
    d = int(rng.integers(2, 5))
    return *(rng.standard_normal((2, h, w, d)) for _ in range(3)), window


def three_by_four() -> Arguments:
    """A map of 3 x 4 tokens of two channels; whole numbers."""
    rng = np.random.default_rng(1)
    q, k = rng.integers(-2, 3, (2, 1, 3, 4, 2)).astype(np.float64)
    return q, k, 10.0 * np.arange(24).reshape(1, 3, 4, 2), 3


@exercise("Sliding windows", place="section 2 and Table 5", points=4, minutes=25, toy=three_by_four,
          draw=queries_keys_values,
          covers={**maps("q"), "M = 3": one(lambda window: window == 3), "M = 5": one(lambda window: window == 5),
                  "a map on which some windows are whole": one(lambda q, window: min(q.shape[1:3]) > window),
                  "two numbers of channels": differ(lambda q: q.shape[3]),
                  "two maps for one M": alike(lambda window: window, lambda q: q.shape[1:3]),
                  "two M on one map": alike(lambda q: q.shape[1:3], lambda window: window)},
          mistakes=("border-of-zeros", "neighbourhood-pushed-inside", "neighbourhood-wraps-around",
                    "neighbourhood-from-the-query-on", "scale-left-out", "scale-twice"))
def sliding_window_attention(q: Array, k: Array, v: Array, window: int) -> Array:
    """(B, H, W, d) each -> (B, H, W, d): every query attends to the M x M tokens around it that are on the map."""
    d = q.shape[-1]
    module = SlidingWindowAttention(np.zeros(((2 * window - 1) ** 2, 1)), None, Linear(np.zeros((d, d)), None),
                                    (window, window), num_heads=1)
    q, k, v = (x[:, None] for x in (q * module.scale(), k, v))          # (B, 1, H, W, d): one head
    return sliding_window.naive_sliding_attention(q, k, v, module.neighbour_bias())[:, 0]


def attention_and_place(rng: np.random.Generator) -> Arguments:
    """The attention in all windows of a map, a token's place on the image, the map's size, M and a shift or none."""
    (h, w), window, shift = sizes(rng, most=3)
    shift = shift if rng.integers(5) else 0
    scores = rng.standard_normal((h * w // window ** 2, window ** 2, window ** 2))
    return softmax(scores), tuple(map(int, rng.integers(0, (h, w)))), (h, w), window, shift


def attention_of_three_windows() -> Arguments:
    """A map of 2 x 6 tokens; the weights are numbered, window by window."""
    return np.arange(48).reshape(3, 4, 4) / 100, (0, 3), (2, 6), 2, 1


def place_on_the_rolled_map(place: tuple[int, int], map_size: tuple[int, int], shift: int) -> tuple[int, int]:
    """Where the token at this place of the image is after the roll."""
    (h, w), (row, column) = map_size, place
    rolled = library.cyclic_shift(np.arange(h * w).reshape(1, h, w, 1), shift)[0, :, :, 0]
    return tuple(map(int, np.argwhere(rolled == row * w + column)[0]))


def window_and_token(row: int, column: int, map_size: tuple[int, int], window: int) -> tuple[int, int]:
    """In which window a place of the rolled map is, and which token of it."""
    h, w = map_size
    windows = library.window_partition(np.arange(h * w).reshape(1, h, w, 1), window).reshape(-1, window ** 2)
    return tuple(map(int, np.argwhere(windows == row * w + column)[0]))


def counted(row: int, column: int, map_size: tuple[int, int], window: int) -> tuple[int, int]:
    """The numbers of window and query in the attention."""
    return window_and_token(row, column, map_size, window)


def row_of_the_query(attention: Array, number: int, token: int) -> Array:
    """The weights that a token of a window gives to all tokens of that window, (M^2,)."""
    return attention[number, token]


READ = {"a place that moves round the upper border": one(lambda place, shift: place[0] < shift <= place[1]),
        "a place that moves round the left border": one(lambda place, shift: place[1] < shift <= place[0]),
        "a place that moves round the left border, on a map of several rows of windows":
        one(lambda place, map_size, window, shift: place[1] < shift <= place[0] and map_size[0] > window),
        "twelve places": lambda draws: len({arguments["place"] for arguments in draws}) >= 12,
        "a place that moves round no border": one(lambda place, shift: 0 < shift <= min(place)),
        "a place in neither the first row nor the first column of windows, with the sides exchanged neither":
        one(lambda place, map_size, window, shift: min(place) >= window + shift and min(
            (place[0] - shift) % map_size[1], (place[1] - shift) % map_size[0]) >= window),
        "no shift": one(lambda shift: shift == 0), "a shift of 2 or more": one(lambda shift: shift > 1),
        "two places on one map": alike(lambda map_size: map_size, lambda place: place),
        "a map upright and lying": alike(lambda map_size, window: (*sorted(map_size), window),
                                         lambda map_size: map_size),
        "rows of windows, their columns and M all different": one(
            lambda map_size, window: len({map_size[0] // window, map_size[1] // window, window}) == 3)}


@exercise("An attention map on the image", place="section 3.2, Fig. 4", points=4, minutes=25,
          toy=attention_of_three_windows, draw=attention_and_place,
          golden=lambda: ((np.array([[[0.1, 0.2, 0.3, 0.4]] * 4]), (0, 1), (2, 2), 2, 1), np.array([[0.4, 0.3],
                                                                                                  [0.2, 0.1]])),
          covers={"a map that is wider than high": one(lambda map_size: map_size[0] < map_size[1]),
                  "a map that is higher than wide": one(lambda map_size: map_size[0] > map_size[1]),
                  "a map of one window on one side": one(lambda map_size, window: window in map_size), **READ},
          mistakes=("column-of-the-attention", "looked-for-on-the-image", "looked-for-the-other-way",
                    "looked-for-at-the-border", "roll-direction", "reverse-roll-direction", "no-reverse-roll",
                    "windows-of-the-attention-down-the-columns",
                    "queries-of-the-attention-down-the-columns", "keys-of-the-attention-down-the-columns",
                    "windows-reversed-column-major", "reverse-without-transpose"))
def attention_on_the_image(attention: Array, place: tuple[int, int], map_size: tuple[int, int], window: int,
                           shift: int) -> Array:
    """(nW, M^2, M^2) -> (H, W): what the token at `place` on the image gives to each token of the image."""
    row, column = place_on_the_rolled_map(place, map_size, shift)
    result = np.zeros((len(attention), window ** 2), attention.dtype)
    number, _ = window_and_token(row, column, map_size, window)
    result[number] = row_of_the_query(attention, *counted(row, column, map_size, window))
    rolled = library.window_reverse(result.reshape(-1, window, window, 1), map_size)
    return library.reverse_cyclic_shift(rolled, shift)[0, :, :, 0]
