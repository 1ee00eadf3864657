"""The inner steps of softmax and GELU; they are given what `swin_np.functional` has checked."""

import math

import numpy as np

from swin_np.checks import Array

LOWEST = {np.dtype(kind): kind(0.85 * math.log(np.finfo(kind).tiny)) for kind in (np.float32, np.float64)}
"""The score, by dtype, whose exponential stands for 0: those of lower ones are near the denormal numbers."""

LOG_ODDS = tuple(map(np.float32, (
    -3.61123154e-09, 2.66892755e-07, -7.93821800e-06, 1.10480316e-04, 6.62599414e-05, -7.26685673e-02, -1.59576845)))
"""log((1 - Phi(x)) / Phi(x)) / x as a polynomial in x^2, highest power first; minimax in GELU's error."""


def exponentials(x: Array, lowest: np.floating) -> tuple[Array, Array]:
    """exp(x) and its sums over the last axis, for x up to -lowest; it is 0 from `lowest` on downwards."""
    y = np.clip(x, lowest, -lowest)                    # exp of less is denormal, which is a hundred times slower
    np.exp(y, out=y)
    y -= np.exp(lowest)                                # so what is masked is exactly 0
    return y, np.einsum("...i->...", y)


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
