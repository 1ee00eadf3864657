"""The ground floor: the pure functions that PyTorch would have given, on float32 and float64 arrays."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swin_np.errors import ShapeError
from swin_np.parallel import UNCUT, for_each, free_threads

Array = NDArray[Any]
Size = int | tuple[int, int]                            # one number stands for (height, width), see `pair`

# Sizes that were measured to be fast; they change no result beyond rounding.
PART_TOKENS = 784                                      # a part: enough rows for the BLAS, few enough for the cache
PART_ELEMENTS = 100_000                                # the same for GELU, which needs two temporary arrays
LEAST_TOKENS = 196                                     # for a thread: products of fewer rows are a tenth slower
LEAST_ATTENDED = 98                                    # the same for attention, where there is more between products
LEAST_NORMALISED = 392                                 # the same for layer_norm, which is soon done
FEW_ROWS = 16                                          # below it the BLAS sums float32 in long chains: inaccurate


def pair(size: Size) -> tuple[int, int]:
    """A (height, width) pair; one number stands for both, as in PyTorch.

    Raises ShapeError for anything but a whole number or two.
    """
    try:
        height, width = (size, size) if np.isscalar(size) else size
        return operator.index(height), operator.index(width)
    except (TypeError, ValueError):
        raise ShapeError(f"the size {size!r} was given, expected a whole number or a pair (height, width) of them: "
                         "give one of these") from None


def parts(count: int, size: int, least: int = 1) -> list[slice]:
    """Cut `count` items into nearly equal slices of about `size`; equally many for each thread, if it gets `least`."""
    threads = free_threads()
    pieces = 1 if UNCUT.get() else max(1, round(count / size))
    if count >= threads * least:
        pieces = min(count, math.ceil(pieces / threads) * threads)
    return [slice(count * i // pieces, count * (i + 1) // pieces) for i in range(pieces)]


def by_parts(function: Callable[[slice], Array], like: Array, tokens: int = 1, least: int = LEAST_TOKENS) -> Array:
    """An array y like `like` with y[part] = function(part), for parts of the first axis; an item has `tokens` tokens.

    What a part needs between its first step and its last stays in the cache, and parts can go to several cores, if
    there are `least` tokens for each.
    """
    pieces = parts(len(like), max(1, PART_TOKENS // tokens), math.ceil(least / tokens))
    if len(pieces) == 1:
        return function(pieces[0])
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
    terms = [None] * len(pieces)

    def compute(i: int) -> None:
        terms[i] = function(pieces[i])

    for_each(compute, list(range(len(pieces))))
    total = terms[0]
    for term in terms[1:]:
        total += term
    return total


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x W^T + b for x (..., in), weight (out, in) and bias (out,); gives (..., out)."""
    rows = x.reshape(-1, x.shape[-1])                  # one large product of matrices is faster than many small ones
    y = np.empty((len(rows), len(weight)), x.dtype)
    bias = np.zeros(len(weight), x.dtype) if bias is None else bias

    def compute_rows(part: slice) -> None:
        np.matmul(rows[part], weight.T, out=y[part])
        y[part] += bias

    def compute_columns(part: slice) -> None:
        if len(rows) >= FEW_ROWS:
            np.matmul(rows, weight[part].T, out=y[:, part])
        else:
            y[:, part] = rows.astype(np.float64) @ weight[part].T.astype(np.float64)
        y[:, part] += bias[part]

    if len(rows) >= PART_TOKENS:
        for_each(compute_rows, parts(len(rows), len(rows)))
    else:
        for_each(compute_columns, parts(len(weight), len(weight)))
    return y.reshape(*x.shape[:-1], len(weight))


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) over the last axis, for scores of any size.

    Where they are large, each row is taken relative to its largest score. Finding that takes as long as all the rest,
    and is left out where the exponentials are far from the limits of their dtype.
    """
    lowest = x.dtype.type(0.85 * math.log(np.finfo(x.dtype).tiny))
    y, total = exponentials(x, lowest)
    if not (x.max() <= -lowest and total.min() >= np.exp(0.5 * lowest)):
        y, total = exponentials(x - x.max(axis=-1, keepdims=True), lowest)
    y /= total[..., None]
    return y


def exponentials(x: Array, lowest: np.floating) -> tuple[Array, Array]:
    """exp(x) and its sums over the last axis, for x up to -lowest; it is 0 from `lowest` on downwards."""
    y = np.clip(x, lowest, -lowest)                    # exp of less is denormal, which is a hundred times slower
    np.exp(y, out=y)
    y -= np.exp(lowest)                                # so what is masked is exactly 0
    return y, np.einsum("...i->...", y)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by way of tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Ba et al. 2016: mean 0 and (biased) variance 1 over the last axis, then times weight (C,) plus bias (C,)."""
    rows, channels = x.reshape(-1, x.shape[-1]), x.shape[-1]
    y = np.empty(rows.shape, x.dtype)

    def normalise(part: slice) -> None:
        mean = np.einsum("nc->n", rows[part]) / channels
        centred = np.subtract(rows[part], mean[:, None], out=y[part])
        variance = np.einsum("nc,nc->n", centred, centred) / channels
        centred *= (1 / np.sqrt(variance + eps))[:, None]
        centred *= weight
        centred += bias

    for_each(normalise, parts(len(rows), PART_TOKENS, LEAST_NORMALISED))
    return y.reshape(x.shape)


def erf(x: Array) -> Array:
    """The error function in float64, exact to the last digits: the C library's, element by element."""
    return np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def gelu(x: Array, out: Array | None = None) -> Array:
    """Hendrycks & Gimpel 2016: x Phi(x), Phi of the normal distribution: the exact (erf) form, not the tanh one.

    out: where the result goes, x itself perhaps; without it a new array. In float32 see `gelu_float32` for the error.
    """
    if x.dtype != np.float32:
        return np.multiply(x, 0.5 + 0.5 * erf(x / math.sqrt(2)), out=out)
    y = np.empty(x.shape, np.float32) if out is None else out
    if not y.flags.c_contiguous:
        raise ShapeError("out is not contiguous: give an array that is, or none")
    elements, results = x.reshape(-1), y.reshape(-1)
    for_each(lambda part: gelu_float32(elements[part], results[part]), parts(x.size, PART_ELEMENTS))
    return y


LOG_ODDS = tuple(map(np.float32, (
    -3.61123154e-09, 2.66892755e-07, -7.93821800e-06, 1.10480316e-04, 6.62599414e-05, -7.26685673e-02, -1.59576845)))
"""log((1 - Phi(x)) / Phi(x)) / x as a polynomial in x^2, highest power first; minimax in GELU's error."""


def gelu_float32(x: Array, y: Array) -> None:
    """Write the GELU of a vector x that fits the cache to y: x / (1 + exp(x P(x^2))), P of degree 6.

    The error is at most 2.5e-7, or two units in the last place where that is more.
    """
    square = x * x
    p = square * LOG_ODDS[0]
    for coefficient in LOG_ODDS[1:-1]:
        p += coefficient
        p *= square
    p += LOG_ODDS[-1]
    p *= x
    with np.errstate(over="ignore"):                   # where Phi is 0 the exponential is infinite, as it should be
        np.exp(p, out=p)
    p += np.float32(1)
    np.divide(x, p, out=y)
