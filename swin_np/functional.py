"""The ground floor: the pure functions that PyTorch would have given, on float32 and float64 arrays."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swin_np.errors import ShapeError
from swin_np.parallel import HERE, for_each, free_threads

Array = NDArray[Any]
Size = int | tuple[int, int]                            # one number stands for (height, width), see `pair`

# Sizes that were measured to be fast; they change no result beyond rounding.
PART_TOKENS = 784                                      # a part: enough rows for the BLAS, few enough for the cache
PART_ELEMENTS = 100_000                                # the same for GELU, which needs two temporary arrays
LEAST_TOKENS = 98                                      # with fewer tokens a thread is not worth its start
LEAST_NORMALISED = 1000                                # the same for layer_norm, which is soon done
FEW_ROWS = 128                                         # below it a product of matrices is faster the other way round
VERY_FEW_ROWS = 16                                     # below it the BLAS sums float32 in long chains: inaccurate


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
    pieces = 1 if HERE.uncut else max(1, round(count / size))
    if count >= threads * least:
        pieces = min(count, math.ceil(pieces / threads) * threads)
    return [slice(count * i // pieces, count * (i + 1) // pieces) for i in range(pieces)]


def by_parts(function: Callable[[slice], Array], like: Array, tokens: int = 1) -> Array:
    """An array y like `like` with y[part] = function(part), for parts of the first axis; an item has `tokens` tokens.

    What a part needs between its first step and its last stays in the cache, and parts can go to several cores.
    """
    y = np.empty(like.shape, like.dtype)

    def compute(part: slice) -> None:
        y[part] = function(part)

    for_each(compute, parts(len(like), max(1, PART_TOKENS // tokens), math.ceil(LEAST_TOKENS / tokens)))
    return y


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
            y[:, part] += bias[part]
        else:
            dtype = np.float64 if len(rows) < VERY_FEW_ROWS else x.dtype
            product = weight[part].astype(dtype, copy=False) @ rows.T.astype(dtype, copy=False)
            y[:, part] = product.T + bias[part]

    if len(rows) >= PART_TOKENS:
        for_each(compute_rows, parts(len(rows), len(rows)))
    else:
        for_each(compute_columns, parts(len(weight), len(weight)))
    return y.reshape(*x.shape[:-1], len(weight))


def softmax(x: Array, out: Array | None = None) -> Array:
    """exp(x) / sum exp(x) over the last axis; the maximum is taken off first, so that no score overflows.

    out: where the result goes, x itself perhaps; without it a new array.
    """
    y = np.subtract(x, x.max(axis=-1, keepdims=True), out=out)
    lowest = y.dtype.type(0.85 * math.log(np.finfo(y.dtype).tiny))
    np.clip(y, lowest, 0, out=y)                       # exp of less is denormal, which is a hundred times slower
    np.exp(y, out=y)
    y -= np.exp(lowest)                                # and what was as low as that, or masked, is exactly 0
    y /= np.einsum("...i->...", y)[..., None]
    return y


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

    out: where the result goes, x itself perhaps; without it a new array. In float32 within 3e-7, see `gelu_float32`.
    """
    if x.dtype != np.float32:
        return np.multiply(x, 0.5 + 0.5 * erf(x / math.sqrt(2)), out=out)
    y = np.empty(x.shape, np.float32) if out is None else out
    if not y.flags.c_contiguous:
        raise ShapeError("out is not contiguous: give an array that is, or none")
    elements, results = x.reshape(-1), y.reshape(-1)
    for_each(lambda part: gelu_float32(elements[part], results[part]), parts(x.size, PART_ELEMENTS))
    return y


ROOT_OF_ERFC = tuple(map(np.float32, (
    3.35431589e-06, -2.03793897e-05, 1.18082695e-04, 8.75112541e-05, 1.12559263e-03, 9.31582351e-03, 4.88703947e-02,
    1.08752004e-01, 1.09050836)))
"""(erfc(a / sqrt 2) / 2)^(-1/8) as a polynomial in a, highest power first; minimax in GELU's error.

Abramowitz and Stegun 7.1.28 has the form, which needs no exponential function.
"""

LARGE = np.float32(12)                                 # erfc is 0 in float32 here, and the power not yet infinite


def gelu_float32(x: Array, y: Array) -> None:
    """Write the GELU of a vector x that fits the cache to y: max(x, 0) - a/2 erfc(a / sqrt 2) with a = |x|."""
    a = np.abs(x)
    np.clip(a, 0, LARGE, out=a)                        # clip is several times as fast as minimum and maximum
    p = a * ROOT_OF_ERFC[0]
    for coefficient in ROOT_OF_ERFC[1:-1]:
        p += coefficient
        p *= a
    p += ROOT_OF_ERFC[-1]
    for _ in range(3):                                 # to the eighth power
        p *= p
    a /= p
    np.clip(x, 0, np.inf, out=y)
    y -= a
