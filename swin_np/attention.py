"""Section 3.2: self-attention in windows, regular (W-MSA) and shifted (SW-MSA), with relative position bias (Eq. 4)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from swin_np.arguments.checks import check_elements, check_spread
from swin_np.arguments.door import moves, takes
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.functional import Array, Size, pair, softmax
from swin_np.layers import Linear, Module, draw, note
from swin_np.parallel.parts import by_windows
from swin_np.windows import (
    attention_mask,
    check_window,
    cyclic_shift,
    mask_of_windows,
    reverse_cyclic_shift,
    window_partition,
    window_reverse,
)


@takes()
@lru_cache(maxsize=64)
def relative_position_index(window: Size) -> Array:
    """Which row of the bias table belongs to each pair of positions: (M^2, M^2) integers from 0 to (2M-1)^2 - 1.

    Row: the query's position in the window, column: the key's, both counted row by row. The displacement query minus
    key runs from -(M-1) to M-1 on either axis; shifted to start at 0, it is written as one number in base 2M-1.
    The array is read-only, since every caller gets the same.
    """
    m, n = pair(window)
    check_window((m, n), (m, n))
    check_elements("the index", m, n, m, n)
    position = np.indices((m, n)).reshape(2, -1)       # (2, M^2): row and column of every token
    displacement = position[:, :, None] - position[:, None, :]          # (2, M^2, M^2)
    index = (displacement[0] + m - 1) * (2 * n - 1) + displacement[1] + n - 1
    index.setflags(write=False)
    return index


@takes(table="rows heads")
def relative_position_bias(table: Array, window: Size) -> Array:
    """Eq. 4's B, looked up in the table B-hat ((2M-1)^2, heads): (heads, M^2, M^2)."""
    m, n = pair(window)
    displacements = (2 * m - 1) * (2 * n - 1)
    if len(table) != displacements:
        raise ShapeError(f"the bias table has {len(table)} rows, window {m}x{n} has {displacements} displacements: "
                         "give the window that the table was made for")
    return table.T.take(relative_position_index(window), axis=1)


@moves(qkv="windows tokens channels")
def split_heads(qkv: Array, heads: int) -> Array:
    """Queries, keys and values of every head: (B nW, M^2, 3C) -> (3, B nW, heads, M^2, d).

    The 3C channels are all queries, then all keys, then all values, each head after head.
    """
    b, tokens, channels = qkv.shape
    if heads < 1 or channels % (3 * heads):
        raise ShapeError(f"{heads} heads do not divide {channels} channels of queries, keys and values: give as many "
                         "as the weights were made for")
    return qkv.reshape(b, tokens, 3, heads, channels // (3 * heads)).transpose(2, 0, 3, 1, 4)


@moves(x="windows heads tokens d")
def merge_heads(x: Array) -> Array:
    """Put the heads' results side by side: (B nW, heads, M^2, d) -> (B nW, M^2, C)."""
    b, heads, tokens, d = x.shape
    return x.swapaxes(1, 2).reshape(b, tokens, heads * d)


@takes(q="... query d", k="... key d", v="... key e", bias="any", mask="any")
def attention(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    """Eq. 4: softmax(scale q k^T + B + mask) v, (..., M^2, d) each."""
    scores = (q * scale) @ k.swapaxes(-1, -2)          # (..., M^2, M^2), rows are queries
    check_spread(scores, bias=bias, mask=mask)
    scores = note("scores", scores)
    scores += bias
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():                # most windows have nothing masked
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = note("probabilities", softmax(scores))
    return probabilities @ v


@dataclass(eq=False, repr=False)
class WindowAttention(Module):
    """Multi-head self-attention within windows (W-MSA; with a mask SW-MSA); C channels over `num_heads` heads.

    The rows of qkv (3C, C) are all queries, then all keys, then all values, each split into heads. The scale is
    d^-1/2 of the head dimension d = C / heads, unless `qk_scale` gives another.
    """

    relative_position_bias_table: Array                # ((2M-1)^2, heads)
    qkv: Linear
    proj: Linear
    window_size: tuple[int, int]                       # the M that the table was made for
    num_heads: int
    qk_scale: float | None = None

    @classmethod
    def random(cls, channels: int, window: Size, num_heads: int, rng: np.random.Generator | None,
               qkv_bias: bool = True, qk_scale: float | None = None) -> "WindowAttention":
        if num_heads < 1 or channels % num_heads:
            raise ConfigurationError(f"{num_heads} heads do not divide {channels} channels: "
                                     "choose a number of heads that does")
        m, n = pair(window)
        return cls(draw(rng, (2 * m - 1) * (2 * n - 1), num_heads),
                   Linear.random(channels, 3 * channels, rng, qkv_bias), Linear.random(channels, channels, rng),
                   (m, n), num_heads, qk_scale)

    def scale(self) -> float:
        """What q k^T is multiplied by."""
        if self.qk_scale is not None:
            return self.qk_scale
        return (self.proj.weight.shape[0] // self.num_heads) ** -0.5

    @takes(windows="windows tokens C", mask="maps tokens? tokens")
    def forward(self, windows: Array, mask: Array | None = None) -> Array:
        """Windows (B nW, M^2, C) and a mask (nW, M^2, M^2) or None -> (B nW, M^2, C)."""
        tokens = windows.shape[1]
        if tokens != self.window_size[0] * self.window_size[1]:
            raise ShapeError(f"windows of {tokens} tokens do not fit a bias table for window {self.window_size}: "
                             "partition with that window, or build the model for the other one")
        if mask is not None and len(windows) % len(mask):
            raise ShapeError(f"a mask for {len(mask)} windows was given with {len(windows)} windows, expected a whole "
                             "number of maps: give the mask of one map")
        bias = relative_position_bias(self.relative_position_bias_table, self.window_size)
        return by_windows(lambda windows, numbers: self.attend(windows, bias, mask_of_windows(mask, numbers)), windows)

    def attend(self, windows: Array, bias: Array, mask: Array | None) -> Array:
        """Some of the windows, with a mask (windows, 1, M^2, M^2) of their own or None; the same shape."""
        q, k, v = split_heads(self.qkv(windows), self.num_heads)
        q, k, v = note("q", q), note("k", k), note("v", v)
        return self.proj(merge_heads(attention(q, k, v, bias, mask, self.scale())))


@takes(x="B H W C")
def shifted_window_attention(x: Array, attn: Module, window: Size, shift: Size = 0,
                             pad_first: bool = True) -> Array:
    """W-MSA (shift 0) or SW-MSA of a whole map: roll, partition, attend under the mask, reverse, roll back (Fig. 4).

    x is (B, H, W, C), and so is the result. A map that is no multiple of the window is padded with zeros at the bottom
    and right, before the roll (`pad_first`) or after it; the padding is cut off again at the mirrored place. Pad tokens
    are never masked as such: they are keys like all others.
    """
    (h, w), (m, n), shift = x.shape[1:3], pair(window), pair(shift)
    table_window = getattr(attn, "window_size", None)
    if (m, n) != table_window:
        raise ShapeError(f"the window on the {h}x{w} map is {m}x{n}, the bias table is for {table_window}: use an "
                         "image size at which both agree, or another shape policy (swin_np.ShapePolicy)")
    to_multiple = ((0, 0), (0, -h % m), (0, -w % n), (0, 0))
    padded, shifted = any(to_multiple[1] + to_multiple[2]), any(shift)
    if padded and pad_first:
        x = np.pad(x, to_multiple)
    if shifted:
        x = cyclic_shift(x, shift)
    if padded and not pad_first:
        x = np.pad(x, to_multiple)
    map_size = x.shape[1:3]                            # a multiple of the window
    windows = attn.note("windows", window_partition(x, (m, n)))         # (B nW, M, M, C)
    mask = attention_mask(map_size, (m, n), shift)
    windows = attn(windows.reshape(len(windows), m * n, -1), mask).reshape(windows.shape)
    x = attn.note("reversed", window_reverse(windows, map_size))        # (B, H, W, C)
    if padded and not pad_first:
        x = x[:, :h, :w]
    if shifted:
        x = reverse_cyclic_shift(x, shift)
    return attn.note("rolled_back", x[:, :h, :w])
