"""The ground floor: the pure functions that PyTorch would have given, on float32 and float64 arrays."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FEW_ROWS = 16                                          # below it the BLAS sums float32 in few, long chains: inaccurate


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """A (height, width) pair; one number stands for both, as in PyTorch."""
    return (int(size), int(size)) if np.isscalar(size) else (int(size[0]), int(size[1]))


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x W^T + b for x (..., in), weight (out, in) and bias (out,); gives (..., out)."""
    rows = x.reshape(-1, x.shape[-1])                  # one large product of matrices is faster than many small ones
    if len(rows) < FEW_ROWS:
        y = (rows.astype(np.float64) @ weight.astype(np.float64).T).astype(x.dtype)
    else:
        y = rows @ weight.T
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], weight.shape[0])


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) over the last axis; the maximum is taken off first, so that no score overflows."""
    y = x - x.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)
    return y


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Ba et al. 2016: mean 0 and (biased) variance 1 over the last axis, then times weight (C,) plus bias (C,)."""
    y = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...c,...c->...", y, y)[..., None] / x.shape[-1]
    y /= np.sqrt(variance + eps)
    y *= weight
    y += bias
    return y


def erf(x: Array) -> Array:
    """The error function in float64, exact to the last digits: the C library's, element by element."""
    return np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def gelu(x: Array) -> Array:
    """Hendrycks & Gimpel 2016: x Phi(x), Phi of the normal distribution: the exact (erf) form, not the tanh one."""
    return (x * (0.5 + 0.5 * erf(x / math.sqrt(2)))).astype(x.dtype, copy=False)
