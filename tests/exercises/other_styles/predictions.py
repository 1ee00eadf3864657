"""Notebook 10 by counting: what is asked for is computed here with loops, and with no formula of the paper."""

import itertools
from fractions import Fraction

import numpy as np


def piece(place, first):
    """The number of the piece in which a place is, where a side is cut every 7 tokens from `first` on."""
    return -(-(place - first + 1) // 7)


def predict_windows_by_tokens():
    return len({(piece(i, 3), piece(j, 3)) for i in range(56) for j in range(56)})


def predict_windows_by_an_array():
    return np.int64((np.diff((np.arange(56) - 3) // 7) != 0).sum() + 1) ** 2


def predict_map_by_steps():
    h, w, c = 448 // 4, 672 // 4, 96
    for _ in range(2):
        h, w, c = h / 2, w / 2, 2 * c
    return [h, w, c]


def predict_map_by_an_array():
    return np.zeros((1792, 2688))[::64, ::64].shape + (96 * 4,)


def predict_ratio_by_counting():
    def count(tokens, windows):
        linear = 4 * tokens * windows * 96 * 96
        return linear + sum(2 * tokens * tokens * 96 for _ in range(windows))

    return Fraction(count(56 * 56, 1), count(49, 64)).__float__()


def predict_ratio_by_rounding():
    return round(3328 / 241, 2)


def region(token):
    return tuple((place >= 4) + (place >= 6) for place in token)


def predict_masked_share_by_pairs():
    tokens = list(itertools.product(range(8), repeat=2))
    pairs = [(one, other) for one in tokens for other in tokens
             if all(a // 4 == b // 4 for a, b in zip(one, other, strict=True))]
    return sum(region(one) != region(other) for one, other in pairs) / len(pairs)


def predict_masked_share_by_three_digits():
    return np.float32(0.438)


def predict_corner_by_tokens():
    return sum(piece(i, 3) == piece(0, 3) and piece(j, 3) == piece(0, 3) for i in range(56) for j in range(56))


def predict_corner_by_the_border():
    return np.array(3.0 * 3)


def predict_reach_by_places():
    shifted = {place for place in range(56) if piece(place, 3) == piece(28, 3)}
    return len({place for place in range(56) if any(place // 7 == other // 7 for other in shifted)}) ** 2


def predict_reach_by_the_side():
    return (2 * 7) ** 2


def predict_table_by_pairs():
    places = np.stack(np.meshgrid(range(7), range(7)), -1).reshape(-1, 2)
    return len(np.unique((places[:, None] - places).reshape(-1, 2), axis=0)) * 3


def predict_table_by_the_formula():
    return 3 * (2 * 7 - 1) ** 2


def predict_shifting_stages_by_sides():
    return tuple(stage for stage in range(1, 5) if 224 // 2 ** (stage + 1) > 7)


def predict_shifting_stages_by_a_list():
    return [1, 2, 3.0]
