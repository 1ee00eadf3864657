"""The ground floor: the pure functions that PyTorch would have given, on float32 and float64 arrays."""

import math
from typing import Any

import numpy as np

from swin_np.arguments.checks import Array as Array  # `as`: other files import these from here
from swin_np.arguments.checks import Size as Size
from swin_np.arguments.checks import check_eps, check_out
from swin_np.arguments.checks import pair as pair
from swin_np.arguments.door import takes
from swin_np.parallel.parts import FEW_ROWS, LEAST_NORMALISED, PART_ELEMENTS, PART_TOKENS, parts
from swin_np.parallel.pool import for_each

LOWEST = {np.dtype(kind): kind(0.85 * math.log(np.finfo(kind).tiny)) for kind in (np.float32, np.float64)}
"""The score, by dtype, whose exponential stands for 0: those of lower ones are near the denormal numbers."""

LOG_ODDS = tuple(map(np.float32, (
    -3.61123154e-09, 2.66892755e-07, -7.93821800e-06, 1.10480316e-04, 6.62599414e-05, -7.26685673e-02, -1.59576845)))
"""log((1 - Phi(x)) / Phi(x)) / x as a polynomial in x^2, highest power first; minimax in GELU's error."""

ERF_NEAR = (
    5.957176147748911e-11, -1.1372848856791674e-09, 1.4659775274047436e-08, -1.6350312701054695e-07,
    1.6461000484121368e-06, -1.4925595266831182e-05, 0.0001205533111164271, -0.000854832698083379,
    0.0052239776248180145, -0.026866170645076792, 0.11283791670954879, -0.3761263890318375, 0.1283791670955126)
"""erf(x) / x - 1 for |x| <= 1 as a polynomial in x^2, highest power first: interpolated at Chebyshev's points."""
ERF_CENTRE = 2.5
ERF_FAR = (
    6.961191560229168e-08, 3.441892461295565e-07, 7.773331597404786e-08, -1.8020038653448608e-06,
    -2.2981102519735954e-06, 7.552594323139502e-06, 1.8614457552080007e-05, -3.418223813331523e-05,
    -0.0001288771713312957, 0.00022838037890860082, 0.0008759154501337608, -0.002642365964297403,
    -0.003993701165858238, 0.03992253907558476, -0.1250330523788293, 0.2517131932174493, -0.37173673394897333,
    0.2108063640611436)
"""exp(x^2) (1 - erf(x)) for 1 <= x <= 6 as a polynomial in (x - 2.5) / (x + 2.5), found in the same way."""


@takes(x="... in", weight="out in", bias="out")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x W^T + b for x (..., in), weight (out, in) and bias (out,); gives (..., out)."""
    rows = x.reshape(-1, x.shape[-1])                  # one large product of matrices is faster than many small ones
    y = np.empty((len(rows), len(weight)), x.dtype)

    def compute_rows(part: slice) -> None:
        np.matmul(rows[part], weight.T, out=y[part])
        if bias is not None:
            y[part] += bias

    def compute_columns(part: slice) -> None:
        if len(rows) >= FEW_ROWS:
            np.matmul(rows, weight[part].T, out=y[:, part])
        else:
            y[:, part] = rows.astype(np.float64) @ weight[part].T.astype(np.float64)
        if bias is not None:
            y[:, part] += bias[part]

    if len(rows) >= PART_TOKENS:
        for_each(compute_rows, parts(len(rows), len(rows)))
    else:
        for_each(compute_columns, parts(len(weight), len(weight)))
    return y.reshape(*x.shape[:-1], len(weight))


@takes(x="... n")
def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) over the last axis, for scores of any size.

    Where they are large, each row is taken relative to its largest score. Finding that takes as long as all the rest,
    and is left out where the exponentials are far from the limits of their dtype.
    """
    lowest = LOWEST[x.dtype]
    y, total = _exponentials(x, lowest)
    if not (x.max(initial=lowest) <= -lowest and total.min(initial=-lowest) >= np.exp(0.5 * lowest)):
        y, total = _exponentials(x - x.max(axis=-1, keepdims=True), lowest)
    y /= total[..., None]
    return y


def _exponentials(x: Array, lowest: np.floating) -> tuple[Array, Array]:
    """exp(x) and its sums over the last axis, for x up to -lowest; it is 0 from `lowest` on downwards."""
    y = np.clip(x, lowest, -lowest)                    # exp of less is denormal, which is a hundred times slower
    np.exp(y, out=y)
    y -= np.exp(lowest)                                # so what is masked is exactly 0
    return y, np.einsum("...i->...", y)


@takes(x="...")
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by way of tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


@takes(x="... C", weight="C", bias="C")
def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Ba et al. 2016: mean 0 and (biased) variance 1 over the last axis, then times weight (C,) plus bias (C,).

    A row of equal numbers gives the bias. A row whose variance is too large for the dtype gives NaN.
    """
    check_eps(eps)
    rows, channels = x.reshape(-1, x.shape[-1]), x.shape[-1]
    y = np.empty(rows.shape, x.dtype)

    def normalise(part: slice) -> None:
        mean = np.einsum("nc->n", rows[part]) / channels
        centred = np.subtract(rows[part], mean[:, None], out=y[part])
        variance = np.einsum("nc,nc->n", centred, centred) / channels
        far = mean * mean > variance                   # from 0: the mean's rounding is no longer small beside the rest
        if far.any():
            centred -= np.where(far, centred.mean(axis=1, dtype=np.float64), 0).astype(x.dtype)[:, None]
            variance = np.einsum("nc,nc->n", centred, centred) / channels
        variance[np.isinf(variance)] = np.nan          # 1 / infinity would be 0, and the row its bias
        centred *= (1 / np.sqrt(variance + eps))[:, None]
        centred *= weight
        centred += bias

    for_each(normalise, parts(len(rows), PART_TOKENS, LEAST_NORMALISED))
    return y.reshape(x.shape)


@takes(x="...")
def erf(x: Array) -> Array:
    """The error function in float64, of any shape; at most one and a half units in the last place from the truth."""
    elements, y = x.astype(np.float64).reshape(-1), np.empty(x.size)
    for_each(lambda part: _erf(elements[part], y[part]), parts(x.size, PART_ELEMENTS))
    return y.reshape(x.shape)


def _erf(x: Array, y: Array) -> None:
    """Write erf of a vector x that fits the cache to y: a polynomial near 0, 1 - exp(-x^2) times another one beyond."""
    near = np.abs(x) <= 1
    small = x[near]
    y[near] = small + small * _polynomial(ERF_NEAR, small * small)       # the 1 apart: its product is exact
    far = ~near
    size = np.minimum(np.abs(x[far]), 6.0)             # from 6 on erf is 1 in float64
    rest = np.exp(-size * size) * _polynomial(ERF_FAR, (size - ERF_CENTRE) / (size + ERF_CENTRE))
    y[far] = np.copysign(1 - rest, x[far])


def _polynomial(coefficients: tuple[Any, ...], x: Array) -> Array:
    """Horner's rule, the coefficient of the highest power first."""
    y = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        y += coefficient
        y *= x
    y += coefficients[-1]
    return y


@takes(x="...", out="any")
def gelu(x: Array, out: Array | None = None) -> Array:
    """Hendrycks & Gimpel 2016: x Phi(x), Phi of the normal distribution: the exact (erf) form, not the tanh one.

    out: where the result goes, x itself perhaps; without it a new array. In float32 see `_gelu_float32` for the error.
    """
    check_out(x, out)
    if x.dtype != np.float32:
        return np.multiply(x, 0.5 + 0.5 * erf(x / math.sqrt(2)), out=out)
    y = np.empty(x.shape, np.float32) if out is None else out
    elements, results = x.reshape(-1), y.reshape(-1)
    for_each(lambda part: _gelu_float32(elements[part], results[part]), parts(x.size, PART_ELEMENTS))
    return y


def _gelu_float32(x: Array, y: Array) -> None:
    """Write the GELU of a vector x that fits the cache to y: x / (1 + exp(x P(x^2))), P of degree 6.

    The error is at most 2.5e-7, or two units in the last place where that is more.
    """
    p = _polynomial(LOG_ODDS, x * x)
    p *= x
    with np.errstate(over="ignore"):                   # where Phi is 0 the exponential is infinite, as it should be
        np.exp(p, out=p)
    p += np.float32(1)
    np.divide(x, p, out=y)
