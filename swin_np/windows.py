"""Section 3.2: window partition, the cyclic shift, and the mask that keeps wrapped regions apart (Figs. 2 and 4)."""

from functools import lru_cache

import numpy as np

from swin_np.arguments.checks import check_elements
from swin_np.arguments.door import moves, takes
from swin_np.errors import InputError, ShapeError
from swin_np.functional import Array, Size, pair

MASK_VALUE = -100.0                                    # added to the scores of forbidden pairs; exp(-100) is 4e-44


@takes()
def check_window(map_size: tuple[int, int], window: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> None:
    """Raise ShapeError unless the windows tile the map and 0 <= shift < window on both axes."""
    (h, w), (window_h, window_w) = map_size, window
    if window_h < 1 or window_w < 1:
        raise ShapeError(f"window {window_h}x{window_w} is not positive: give a window of at least 1x1")
    if h < 1 or w < 1:
        raise ShapeError(f"the map is {h}x{w}, there is nothing to cut into windows: give a map of at least 1x1")
    if h % window_h or w % window_w:
        padded = f"{h + -h % window_h}x{w + -w % window_w}"
        raise ShapeError(f"window {window_h}x{window_w} does not divide the {h}x{w} map: pad it to {padded}, "
                         "or choose a shape policy that pads (swin_np.ShapePolicy)")
    for s, m in zip(shift, window, strict=True):
        if not 0 <= s < m:
            raise ShapeError(f"shift {shift} does not fit window {window}: "
                             "each shift must be at least 0 and smaller than the window; the paper takes floor(M/2)")


@moves(x="B H W C")
def window_partition(x: Array, window: Size) -> Array:
    """Cut the map into windows, row by row: (B, H, W, C) -> (B nW, M, M, C) with nW = H/M W/M."""
    b, h, w, c = x.shape
    m, n = pair(window)
    check_window((h, w), (m, n))
    x = x.reshape(b, h // m, m, w // n, n, c)
    x = x.transpose(0, 1, 3, 2, 4, 5)                  # (B, H/M, W/M, M, M, C): both window axes before both inner axes
    return x.reshape(-1, m, n, c)


@moves(windows="N M n C")
def window_reverse(windows: Array, map_size: tuple[int, int]) -> Array:
    """Put the windows back into the map: (B nW, M, M, C) -> (B, H, W, C); the inverse of window_partition."""
    (h, w), (count, m, n, c) = map_size, windows.shape
    check_window((h, w), (m, n))
    if count % (h // m * (w // n)):
        raise ShapeError(f"{count} windows of {m}x{n} are no whole number of {h}x{w} maps, which have "
                         f"{h // m * (w // n)} each: give all windows of every map")
    x = windows.reshape(-1, h // m, w // n, m, n, c)
    x = x.transpose(0, 1, 3, 2, 4, 5)                  # (B, H/M, M, W/M, M, C)
    return x.reshape(-1, h, w, c)


@moves(x="B H W C")
def cyclic_shift(x: Array, shift: Size) -> Array:
    """Fig. 4: roll the map (B, H, W, C) towards the top left by `shift`; what leaves there comes back bottom right."""
    down, right = pair(shift)
    return np.roll(x, (-down, -right), axis=(1, 2))


@moves(x="B H W C")
def reverse_cyclic_shift(x: Array, shift: Size) -> Array:
    """Fig. 4: roll the map (B, H, W, C) back to where it was."""
    down, right = pair(shift)
    return cyclic_shift(x, (-down, -right))


@takes()
def region_ids(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """Number the regions of the rolled map that were neighbours before the roll: (H, W) integers from 0 to 8.

    On each axis the last window has two parts: what was there anyway and, `shift` wide, what wrapped around. With
    everything before the last window that makes three bands an axis, so nine regions. Tokens of one window may attend
    to each other exactly if their ids are equal.
    """
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    check_window((h, w), (m, n), (down, right))
    check_elements("the map", h, w)
    rows, columns = np.arange(h), np.arange(w)
    row_band = (rows >= h - m).astype(int) + (rows >= h - down)
    column_band = (columns >= w - n).astype(int) + (columns >= w - right)
    return 3 * row_band[:, None] + column_band


@takes()
@lru_cache(maxsize=64)
def shifted_window_mask(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """Fig. 4: 0 where query and key share a region and -100 elsewhere, (nW, M^2, M^2) float32, read-only."""
    check_elements("the mask", *map_size, *pair(window))
    ids = window_partition(region_ids(map_size, window, shift)[None, :, :, None], window)
    ids = ids.reshape(len(ids), -1)                    # (nW, M^2)
    mask = np.where(ids[:, :, None] == ids[:, None, :], np.float32(0), np.float32(MASK_VALUE))
    mask.setflags(write=False)
    return mask


@takes()
def attention_mask(map_size: tuple[int, int], window: Size, shift: Size) -> Array | None:
    """The mask of SW-MSA, (nW, M^2, M^2); W-MSA, whose shift is 0 on both axes, has none."""
    check_window(map_size, pair(window), pair(shift))
    return shifted_window_mask(map_size, window, shift) if any(pair(shift)) else None


@moves(mask="nW query key", numbers="n")
def mask_of_windows(mask: Array | None, numbers: Array) -> Array | None:
    """The mask of each window by its number in the batch, where the windows of one image follow those of another.

    mask (nW, M^2, M^2) of one image, numbers (n,) int64 -> (n, 1, M^2, M^2), the 1 for the heads; None -> None.
    """
    if numbers.dtype != np.int64:
        raise InputError(f"the numbers of the windows are {numbers.dtype}, expected int64: count them with np.arange")
    return None if mask is None else mask[numbers % len(mask), None]
