"""Section 3.2, Fig. 2: the definition of shifted windows, without roll, mask or padding; slow, obviously right.

This is the oracle of the efficient computation of Fig. 4 and shares no code with it. It does twice what
`attention.py` does once, on purpose: here every window is cut out of the map as it lies there.
"""

import math
from itertools import pairwise, product

import numpy as np

from swin_np.attention import WindowAttention
from swin_np.functional import Array


def cuts(side: int, m: int, shift: int) -> list[int]:
    """Where the windows of one axis begin and end: every M, counted from `shift`; 0 and side are always cuts.

    >>> cuts(8, 4, 2)
    [0, 2, 6, 8]
    """
    return sorted({0, side, *range(shift, side, m)})


def ragged_windows(map_size: tuple[int, int], window: tuple[int, int],
                   shift: tuple[int, int]) -> list[tuple[slice, slice]]:
    """The windows of Fig. 2 as (rows, columns) of the map; those at the border are smaller where the shift is not 0."""
    rows, columns = (pairwise(cuts(*axis)) for axis in zip(map_size, window, shift, strict=True))
    return [(slice(*r), slice(*c)) for r, c in product(rows, columns)]


def attend(tokens: Array, positions: Array, attn: WindowAttention) -> Array:
    """Eq. 4 for the tokens (n, C) of one window, which lie at positions (n, 2) of the map; one query at a time."""
    n, channels = tokens.shape
    heads, (m, n_columns) = attn.num_heads, attn.window_size
    qkv = tokens @ attn.qkv.weight.T
    if attn.qkv.bias is not None:
        qkv = qkv + attn.qkv.bias
    d = channels // heads
    result = np.empty_like(tokens)
    for head in range(heads):
        mine = slice(head * d, (head + 1) * d)
        q, k, v = (qkv[:, which * channels:][:, mine] for which in range(3))
        for i in range(n):
            scores = []
            for j in range(n):
                down, right = positions[i] - positions[j]
                row = (down + m - 1) * (2 * n_columns - 1) + (right + n_columns - 1)
                scores.append(attn.scale() * (q[i] @ k[j]) + attn.relative_position_bias_table[row, head])
            weights = np.array([math.exp(score - max(scores)) for score in scores])
            result[i, mine] = (weights / weights.sum()) @ v
    return result @ attn.proj.weight.T + attn.proj.bias


def ragged_window_attention(x: Array, attn: WindowAttention, shift: tuple[int, int]) -> Array:
    """SW-MSA of the map (B, H, W, C) by its definition, for the window that `attn` was made for; gives (B, H, W, C)."""
    result = np.empty_like(x)
    position = np.moveaxis(np.indices(x.shape[1:3]), 0, -1)             # (H, W, 2)
    for rows, columns in ragged_windows(x.shape[1:3], attn.window_size, shift):
        for image, out in zip(x, result, strict=True):
            tokens = image[rows, columns]              # (h, w, C), h and w as they come
            attended = attend(tokens.reshape(-1, x.shape[-1]), position[rows, columns].reshape(-1, 2), attn)
            out[rows, columns] = attended.reshape(tokens.shape)
    return result
