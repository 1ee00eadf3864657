"""Shifted windows by padding: section 3.2's "naive solution" and the row "padding" of Table 5.

The windows that the border cuts are padded to M x M and the padding is masked, so that 2x2 regular windows become 3x3.
It computes what the cyclic shift of Fig. 4 computes, with more windows.
"""

import numpy as np

from swin_np.attention import WindowAttention
from swin_np.functional import Array, pair
from swin_np.windows import Size, check_window, window_partition, window_reverse


def padding(side: int, m: int, shift: int) -> tuple[int, int]:
    """How many tokens are missing before and after one axis, whose windows of M are counted from `shift`.

    >>> padding(8, 4, 2)
    (2, 2)
    """
    before = (m - shift) % m
    return before, -(before + side) % m


def pad_to_windows(x: Array, window: Size, shift: Size) -> Array:
    """Surround the map (B, H, W, C) by zeros until the shifted windows tile it; ShapeError unless 0 <= shift < M."""
    rows, columns = map(padding, x.shape[1:3], pair(window), pair(shift))
    padded = np.pad(x, ((0, 0), rows, columns, (0, 0)))
    check_window(padded.shape[1:3], pair(window), pair(shift))
    return padded


def crop_padding(x: Array, map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """The map of H x W tokens inside a padded one; the inverse of pad_to_windows."""
    (top, _), (left, _) = map(padding, map_size, pair(window), pair(shift))
    return x[:, top:top + map_size[0], left:left + map_size[1]]


def padding_mask(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """0 where the key is a token of the map and -infinity where it is padding, (nW, 1, M^2) for all queries alike."""
    real = window_partition(pad_to_windows(np.ones((1, *map_size, 1), bool), window, shift), window)
    return np.where(real.reshape(len(real), 1, -1), np.float32(0), np.float32(-np.inf))


def padded_window_attention(x: Array, attn: WindowAttention, shift: Size) -> Array:
    """W-MSA (shift 0) or SW-MSA of the map (B, H, W, C) in padded windows; gives (B, H, W, C).

    Any map will do: one that is no multiple of the window is padded and masked like the rest, as in `ragged.py`.
    (`shifted_window_attention` does not mask that padding.) Raises ShapeError unless 0 <= shift < M.
    """
    map_size, window = x.shape[1:3], attn.window_size
    padded = pad_to_windows(x, window, shift)
    windows = window_partition(padded, window)         # (B nW, M, M, C)
    tokens = windows.reshape(len(windows), -1, x.shape[-1])
    windows = attn(tokens, padding_mask(map_size, window, shift)).reshape(windows.shape)
    return crop_padding(window_reverse(windows, padded.shape[1:3]), map_size, window, shift)


def window_key_value_bytes(map_size: tuple[int, int], channels: int, window: Size, shift: Size = 0,
                           dtype: type = np.float32) -> int:
    """Bytes of keys and values that attention in windows reads from a map (H, W) of C channels.

    All queries of a window share one key set, so each key and each value, C numbers each, is read once, the padding
    too. Shift 0 is also the cyclic shift's account: its windows are as many as the regular ones.
    """
    rows, columns = (side + sum(padding(side, m, s))
                     for side, m, s in zip(map_size, pair(window), pair(shift), strict=True))
    return 2 * channels * rows * columns * np.dtype(dtype).itemsize
