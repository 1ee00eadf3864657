"""What a layer costs: multiply-adds, parameters and activation bytes of each kind of layer, for one image.

The convention is that of the paper's code: one multiply-add for each term of each product of matrices and one for each
element that a layer norm normalises, nothing for all else (biases, softmax, GELU, sums, pooling).
Nothing is run and no weight is made.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from swin_np.arguments.checks import instance
from swin_np.arguments.door import takes
from swin_np.errors import ShapeError


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one image.

    name: the official name of the module, `layers.0.blocks.1.attn.qkv`.
    kind: "linear", "layer norm", "attention", "gelu", "sum" or "mean".
    output_shape: of one image, without the batch axis; inside windows (nW, M^2, C), where the batch is (B nW, M^2, C).
    parameters: numbers that were learned. multiply_adds: see the module's docstring.
    activation_bytes: what the layer writes; arrays that only move elements (pad, roll,
    partition), the scaled q and the looked-up bias are not counted.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True)
class TotalCost:
    """The sums over a list of layers; units as in LayerCost."""

    parameters: int
    multiply_adds: int
    activation_bytes: int


@takes()
def total(costs: Iterable[LayerCost]) -> TotalCost:
    """Add up the layers of a model or of any part of it."""
    costs = [instance("a layer's cost", cost, LayerCost) for cost in costs]
    return TotalCost(sum(cost.parameters for cost in costs), sum(cost.multiply_adds for cost in costs),
                     sum(cost.activation_bytes for cost in costs))


@takes()
def array_bytes(shape: tuple[int, ...], dtype: type) -> int:
    """Bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


@takes()
def linear_cost(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                dtype: type = np.float32) -> LayerCost:
    """x W^T + b at every position: x (*positions, inputs) -> (*positions, outputs).

    A convolution whose stride is its kernel, the patch embedding, is one too: its inputs are the numbers of a patch.
    """
    shape = (*positions, outputs)
    return LayerCost(name, "linear", shape, inputs * outputs + bias * outputs, inputs * math.prod(shape),
                     array_bytes(shape, dtype))


@takes()
def layer_norm_cost(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    """Normalise x (..., C) over the last axis: one multiply-add an element.

    The final norm is the one place where the totals of the paper's code differ: for what follows the last stage it
    counts C times the patch embedding's h w over 2^4, where 2^6 is meant, since three mergings quarter the map three
    times. It so has more than we do by 112,896 for Swin-T and S, 150,528 for B and 225,792 for L (at 384 by 442,368 and
    663,552); only Swin-S shows it in the third decimal, 8.747 G against our 8.746 G.
    """
    if not shape:
        raise ShapeError("the shape () was given to a layer norm, expected (..., C): give the channels at least")
    return LayerCost(name, "layer norm", shape, 2 * shape[-1], math.prod(shape), array_bytes(shape, dtype))


@takes()
def attention_cost(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                   dtype: type = np.float32) -> LayerCost:
    """Eq. 4 from q, k, v to the heads' outputs side by side, (windows, tokens, C), each window on its own.

    The products are q k^T and the one with v, windows * tokens^2 * C multiply-adds each. Written are the scores and
    the probabilities, (windows, heads, tokens, tokens) each, and the result. Global attention is one window of all
    tokens. `parameters` are those of the bias table.
    """
    shape, scores = (windows, tokens, channels), (windows, heads, tokens, tokens)
    return LayerCost(name, "attention", shape, parameters, 2 * windows * tokens ** 2 * channels,
                     2 * array_bytes(scores, dtype) + array_bytes(shape, dtype))


@takes()
def element_cost(name: str, kind: str, shape: tuple[int, ...], arrays: int = 1, parameters: int = 0,
                 dtype: type = np.float32) -> LayerCost:
    """A layer without products, such as GELU, a sum or a mean, that writes `arrays` arrays of this shape."""
    return LayerCost(name, kind, shape, parameters, 0, arrays * array_bytes(shape, dtype))
