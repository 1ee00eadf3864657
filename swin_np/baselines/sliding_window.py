"""Sliding-window self-attention: every query has a key set of its own, the M x M neighbourhood around it.

This is what Swin's section 2 calls self-attention based backbones and Table 5 "sliding window": attention in the place
of a convolution. The local relation layer (Hu et al. 2019, "Local relation networks for image recognition") weighs the
7x7 neighbours by a softmax of how query and key compose plus a learned geometry prior, a term for each displacement.
Stand-alone self-attention (Ramachandran et al. 2019, "Stand-alone self-attention in vision models") has several heads
and relative positions that multiply the query. Here the rest is Swin's, as for the comparison in Tables 5 and 6: scaled
products, Eq. 4's bias for each displacement, and the parameters of WindowAttention under their names.

A neighbour beyond the border of the map is left out: its probability is 0, and a query at the border has fewer keys.
The multiply-adds are those of windows, Eq. 2; what differs is how many queries share what is read, which the last two
functions count. The same function is computed in three ways; `Sliding` is what they have in common.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from swin_np.attention import WindowAttention, merge_heads, relative_position_bias, split_heads
from swin_np.errors import ConfigurationError
from swin_np.functional import Array, Size, pair, softmax

Sliding = Callable[[Array, Array, Array, Array], Array]
"""Scaled queries, keys and values (B, heads, H, W, d) and biases (heads, M, M) -> (B, heads, H, W, d)."""


def check_middle(window: Size) -> None:
    """Raise ConfigurationError for an even side: the query would not be in the middle of its neighbourhood."""
    if any(side % 2 == 0 for side in pair(window)):
        raise ConfigurationError(f"window {window} has no token in its middle for the query: choose odd sides")


def naive_sliding_attention(q: Array, k: Array, v: Array, bias: Array) -> Array:
    """The definition, one query after the other: cut its neighbourhood out of the map and attend to that."""
    (h, w), (m, n) = q.shape[2:4], bias.shape[1:]
    result = np.empty_like(q)
    for i, j in np.ndindex(h, w):
        top, left = i - m // 2, j - n // 2
        rows, columns = slice(max(top, 0), min(top + m, h)), slice(max(left, 0), min(left + n, w))
        keys, values = (x[:, :, rows, columns].reshape(*x.shape[:2], -1, x.shape[-1]) for x in (k, v))
        biases = bias[:, rows.start - top:rows.stop - top, columns.start - left:columns.stop - left]
        scores = (keys @ q[:, :, i, j, :, None])[..., 0] + biases.reshape(len(bias), -1)   # (B, heads, up to M^2)
        result[:, :, i, j] = (softmax(scores)[..., None, :] @ values)[..., 0, :]
    return result


def pad_by_radius(x: Array, window: tuple[int, int]) -> Array:
    """Surround the map (B, heads, H, W, d) by zeros, floor(M/2) wide: every neighbourhood now lies inside."""
    (down, right) = (side // 2 for side in window)
    return np.pad(x, ((0, 0), (0, 0), (down, down), (right, right), (0, 0)))


def neighbourhoods(x: Array, window: tuple[int, int]) -> Array:
    """A copy of every position's neighbourhood, (B, heads, H, W, d) -> (B, heads, H, W, M^2, d)."""
    views = np.lib.stride_tricks.sliding_window_view(pad_by_radius(x, window), window, axis=(2, 3))
    return np.moveaxis(views, 4, -1).reshape(*x.shape[:4], -1, x.shape[4])                 # from (..., d, M, M)


def border_mask(map_size: tuple[int, int], window: tuple[int, int]) -> Array:
    """0 for the neighbours on the map and -infinity for those beyond its border, (H, W, M^2) float32."""
    on_map = neighbourhoods(np.ones((1, 1, *map_size, 1), bool), window)[0, 0, ..., 0]
    return np.where(on_map, np.float32(0), np.float32(-np.inf))


def neighbour_probabilities(scores: Array, bias: Array) -> Array:
    """Softmax of scores (B, heads, H, W, M^2), which are overwritten, plus biases (heads, M, M); 0 off the map."""
    scores += bias.reshape(len(bias), 1, 1, -1)
    scores += border_mask(scores.shape[2:4], bias.shape[1:])
    return softmax(scores)


def gathered_sliding_attention(q: Array, k: Array, v: Array, bias: Array) -> Array:
    """The same with every neighbourhood copied first: products of small matrices, in M^2 times the memory."""
    window = bias.shape[1:]
    scores = (neighbourhoods(k, window) @ q[..., None])[..., 0]         # (B, heads, H, W, M^2)
    probabilities = neighbour_probabilities(scores, bias)
    return (probabilities[..., None, :] @ neighbourhoods(v, window))[..., 0, :]


def displaced_maps(x: Array, window: tuple[int, int]) -> Iterator[Array]:
    """The map (B, heads, H, W, d) M^2 times, displaced so that each query finds one of its neighbours at its place."""
    (h, w), padded = x.shape[2:4], pad_by_radius(x, window)
    for down, right in np.ndindex(window):
        yield padded[:, :, down:down + h, right:right + w]


def banded_sliding_attention(q: Array, k: Array, v: Array, bias: Array) -> Array:
    """The same as M^2 products of whole maps, one for each displacement: nothing is copied M^2 times.

    Of the (H W)^2 scores of global attention these are the diagonals on which a key is near its query: a band matrix.
    """
    window = bias.shape[1:]
    products = [np.einsum("...d,...d->...", q, keys) for keys in displaced_maps(k, window)]
    scores = np.moveaxis(np.array(products), 0, -1)    # (B, heads, H, W, M^2)
    probabilities, result = neighbour_probabilities(scores, bias), np.zeros_like(q)
    for number, values in enumerate(displaced_maps(v, window)):
        result += probabilities[..., number, None] * values
    return result


@dataclass(eq=False, repr=False)
class SlidingWindowAttention(WindowAttention):
    """Multi-head self-attention in which each query of the map attends to its M x M neighbourhood; M is odd.

    The parameters are those of WindowAttention in name and shape, so that weights can be swapped. A neighbour is at
    most floor(M/2) away, so only the middle M x M displacements of the bias table are looked up.
    Raises ConfigurationError for an even M, which has no middle.
    """

    def __post_init__(self) -> None:
        check_middle(self.window_size)

    def neighbour_bias(self) -> Array:
        """The bias of each neighbour, (heads, M, M): in Eq. 4's B the row of the query in the middle of the window."""
        bias = relative_position_bias(self.relative_position_bias_table, self.window_size)
        return bias[:, bias.shape[1] // 2].reshape(-1, *self.window_size)

    def forward(self, x: Array, computation: Sliding) -> Array:
        """The map (B, H, W, C) -> (B, H, W, C); `computation` is one of the three functions above."""
        b, h, w, channels = x.shape
        qkv = split_heads(self.qkv(x).reshape(b, h * w, 3 * channels), self.num_heads)
        q, k, v = qkv.reshape(3, b, self.num_heads, h, w, -1)
        q = np.multiply(q, self.scale(), order="C")
        heads = computation(q, k, v, self.neighbour_bias())
        return self.proj(merge_heads(heads.reshape(b, self.num_heads, h * w, -1)).reshape(x.shape))


def naive_key_value_bytes(map_size: tuple[int, int], channels: int, window: Size, dtype: type = np.float32) -> int:
    """Bytes of keys and values that the naive computation reads from a map (H, W) of C channels.

    Each query reads the keys and the values, C numbers each, of its neighbours on the map, for itself alone.
    Raises ConfigurationError for an even window.
    """
    check_middle(window)
    neighbours = [sum(min(i + m // 2, side - 1) - max(i - m // 2, 0) + 1 for i in range(side))
                  for side, m in zip(map_size, pair(window), strict=True)]                 # all queries', on each axis
    return 2 * channels * neighbours[0] * neighbours[1] * np.dtype(dtype).itemsize


def sliding_key_value_bytes(map_size: tuple[int, int], channels: int, window: Size, dtype: type = np.float32) -> int:
    """The same for the gathered and the banded computation, in which each query has all its M^2 neighbours.

    Those beyond the border, which are masked, are read too. Writing the copies of `neighbourhoods` is not counted.
    """
    check_middle(window)
    (h, w), (m, n) = map_size, pair(window)
    return 2 * channels * h * w * m * n * np.dtype(dtype).itemsize
