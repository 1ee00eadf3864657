"""How an array is cut into parts: as many as keep a step's numbers in the cache, and enough for every thread."""

import math
from collections.abc import Callable

import numpy as np

from swin_np.arguments.checks import Array
from swin_np.parallel.pool import UNCUT, for_each, free_threads

# Sizes that were measured to be fast; they change no result beyond rounding.
PART_TOKENS = 784                                      # a part: enough rows for the BLAS, few enough for the cache
PART_ELEMENTS = 100_000                                # the same for GELU, which needs two temporary arrays
LEAST_TOKENS = 196                                     # for a thread: products of fewer rows are a tenth slower
LEAST_ATTENDED = 98                                    # the same for attention, where there is more between products
LEAST_NORMALISED = 392                                 # the same for layer_norm, which is soon done
LEAST_ELEMENTS = 400_000                               # the same for one or two passes, shorter than a thread's waking
LEAST_ROUNDS = 4                                       # of parts that do not go evenly into the threads
FEW_ROWS = 16                                          # below it the BLAS sums float32 in long chains: inaccurate


def parts(count: int, size: int, least: int = 1) -> list[slice]:
    """Cut `count` items into nearly equal slices of about `size`; equally many for each thread, if it gets `least`."""
    threads = free_threads()
    pieces = 1 if UNCUT.get() else max(1, round(count / size))
    if count >= threads * least:
        pieces = min(count, math.ceil(pieces / threads) * threads)
    return [slice(count * i // pieces, count * (i + 1) // pieces) for i in range(pieces)]


def by_tokens(function: Callable[[Array], Array], x: Array) -> Array:
    """function(x), for a function that treats every token by itself and keeps the shape of tokens (n, C).

    x is (..., C), and so is the result.
    """
    tokens = x.reshape(-1, x.shape[-1])
    return by_parts(lambda part: function(tokens[part]), tokens).reshape(x.shape)


def by_images(function: Callable[[Array], Array], x: Array) -> Array:
    """function(x), for a function that treats every image by itself and keeps the shape of x, (B, ..., C)."""
    return by_parts(lambda part: function(x[part]), x, x[0, ..., 0].size)


def by_heads(function: Callable[[Array, Array, Array], Array], q: Array, k: Array, v: Array) -> Array:
    """function(q, k, v), for attention, which treats every head by itself: (B, heads, n, d) each, and the result."""
    heads_first = q.swapaxes(0, 1)
    return by_parts(lambda part: function(q[:, part], k[:, part], v[:, part]).swapaxes(0, 1), heads_first,
                    q[:, 0, :, 0].size, together=False).swapaxes(0, 1)


def by_windows(function: Callable[[Array, Array], Array], windows: Array) -> Array:
    """function(windows, numbers), which keeps the shape of the windows (B nW, M^2, C).

    It treats every window by itself; `numbers` (n,) count those that it is given, from 0 to B nW - 1.
    """
    numbers = np.arange(len(windows), dtype=np.int64)
    return by_parts(lambda part: function(windows[part], numbers[part]), windows, windows.shape[1], LEAST_ATTENDED)


def by_parts(function: Callable[[slice], Array], like: Array, tokens: int = 1, least: int = LEAST_TOKENS,
             together: bool = True) -> Array:
    """An array y like `like` with y[part] = function(part), for parts of the first axis; an item has `tokens` tokens.

    What a part needs between its first step and its last stays in the cache, and parts can go to several cores, if
    there are `least` tokens for each. A few parts that would leave a core idle, as of 3 images on 2 cores, stay
    together: the steps inside are then shared out. together: False for a function whose steps nobody shares out.
    """
    pieces, threads = parts(len(like), max(1, PART_TOKENS // tokens), math.ceil(least / tokens)), free_threads()
    uneven = len(pieces) % threads and len(pieces) < LEAST_ROUNDS * threads
    if len(pieces) == 1 or (together and uneven):
        return function(slice(0, len(like)))
    y = np.empty(like.shape, like.dtype)

    def compute(part: slice) -> None:
        y[part] = function(part)

    for_each(compute, pieces)
    return y


def sum_by_parts(function: Callable[[slice], Array], count: int) -> Array:
    """The sum of function(part) over as many parts of `count` items as there are cores.

    It is for the terms of a long sum over few tokens, which `by_parts` would have to cut too small.
    """
    pieces = parts(count, count)
    terms: dict[int, Array] = {}

    def compute(i: int) -> None:
        terms[i] = function(pieces[i])

    for_each(compute, list(range(len(pieces))))
    total = terms[0]
    for i in range(1, len(pieces)):
        total += terms[i]
    return total
