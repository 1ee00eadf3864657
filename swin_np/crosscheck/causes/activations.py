"""Another activation in place of GELU or ReLU: the usual ones, approximations of erf, and tables."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from swin_np.convolution.layers import Conv2d
from swin_np.crosscheck.causes.cause import Cause, module_at
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.functional import Array, erf, sigmoid
from swin_np.functional import gelu as exact_gelu
from swin_np.mistakes.block import GELU, MLP
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake

Function = Callable[[Array], Array]

FIX = "Use the exact GELU, x Phi(x), with the erf of your mathematical library in full precision."
RELU = "swin_np.convolution.functional.relu"
FIX_RELU = "Set what is negative to 0 after every convolution but the last of a block, and after the sum."
gelu = partial(exact_gelu)                             # an object of its own, which planting leaves be

USUAL: dict[str, Function] = {
    "SiLU (Swish), x sigmoid(x)": lambda x: x * sigmoid(x),
    "hard swish, x min(max(x + 3, 0), 6) / 6": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "leaky ReLU with slope 0.01": lambda x: np.where(x > 0, x, 0.01 * x),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0),
    "Mish, x tanh(softplus(x))": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "tanh": np.tanh,
    "the square of ReLU": lambda x: np.maximum(x, 0) ** 2,
    "hard GELU, x min(max(x + 1.702, 0), 3.404) / 3.404": lambda x: x * np.clip(x + 1.702, 0, 3.404) / 3.404,
    "Phi(x) without the factor x": lambda x: 0.5 + 0.5 * erf(x / math.sqrt(2)).astype(x.dtype),
    "x Phi(sqrt(2) x): erf of x, not of x / sqrt(2)": lambda x: x * (0.5 + 0.5 * erf(x)).astype(x.dtype),
}


def erf_by(coefficients: tuple[float, ...], p: float, x: Array) -> Array:
    """Abramowitz and Stegun's 7.1.25 and 7.1.26: 1 - (a1 t + a2 t^2 + ...) exp(-x^2), t = 1 / (1 + p |x|)."""
    t = 1 / (1 + p * np.abs(x))
    return np.sign(x) * (1 - t * np.polynomial.polynomial.polyval(t, coefficients) * np.exp(-x * x))


def erf_by_powers(coefficients: tuple[float, ...], x: Array) -> Array:
    """Their 7.1.27 and 7.1.28: 1 - (1 + a1 x + a2 x^2 + ...)^-n; n is 4 for four coefficients, 16 for six."""
    n = {4: 4, 6: 16}[len(coefficients)]
    return np.sign(x) * (1 - np.polynomial.polynomial.polyval(np.abs(x), (1.0, *coefficients)) ** -n)


COARSE: dict[str, Function] = {
    "three terms (off by 2.5e-5)": partial(erf_by, (0.3480242, -0.0958798, 0.7478556), 0.47047),
    "five terms (off by 1.5e-7)": partial(
        erf_by, (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429), 0.3275911),
    "four powers (off by 5e-4)": partial(erf_by_powers, (0.278393, 0.230389, 0.000972, 0.078108)),
    "six powers (off by 3e-7)": partial(erf_by_powers, (
        0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638)),
    "tanh(1.1283792 x + 0.1009113 x^3)": lambda x: np.tanh(1.1283791670955126 * x + 0.100911320 * x**3),
    "tanh(1.2 x)": lambda x: np.tanh(1.2 * x),
}
STEPS = tuple(2.0**-k for k in range(3, 13))
LIMITS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, math.inf)


def activations(stretch: Stretch) -> Iterator[Cause]:
    """Of the MLPs of the stretch."""
    mlps = [name for name in stretch.modules if name.endswith(".mlp")]
    if not mlps:
        return
    for name, function in USUAL.items():
        yield cause("another activation", mlps[-1], f"The MLP's activation is {name}, instead of GELU.", function)
    for name, function in COARSE.items():
        yield cause("coarse erf", mlps[-1], f"GELU is computed with a coarse approximation of erf: {name}.",
                    lambda x, function=function: 0.5 * x * (1 + function(x / math.sqrt(2))))
    for step in STEPS:
        for limit in LIMITS:
            yield cause("GELU by a table", mlps[-1], f"GELU is read off a table in steps of {step:g}" + (
                f", up to {limit:g}." if limit < math.inf else "."), partial(tabulated, step, limit))


def rectifiers(stretch: Stretch) -> Iterator[Cause]:
    """In place of ReLU, where the stretch convolves."""
    model = stretch.reference.model
    convolutions = [name for name in stretch.modules if isinstance(module_at(model, name), Conv2d)]
    if not convolutions:
        return
    others = {"GELU": gelu, "nothing, it is left out": lambda x: x.copy(), **USUAL}
    for name, function in others.items():
        yield cause("another activation", convolutions[0], f"The activation is {name}, instead of ReLU.", function,
                    RELU, FIX_RELU)


def tabulated(step: float, limit: float, x: Array) -> Array:
    """GELU at the nearest multiple of the step, clipped at the limit."""
    return gelu(step * np.rint(np.clip(x, -limit, limit) / step).astype(x.dtype))


def cause(kind: str, module: str, says: str, function: Function, place: str = GELU, fix: str = FIX) -> Cause:
    """Another function in the place of an activation."""
    def wrong(x: Array, out: Array | None = None) -> Array:
        y = function(x).astype(x.dtype)
        if out is None:
            return y
        out[...] = y
        return out

    return Cause(kind, module, says, fix, lambda model: planted(Mistake(kind, place, wrong, says, fix, "", MLP)))
