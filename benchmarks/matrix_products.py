"""The floor of the running time: a model's matrix products alone through np.matmul, and nothing between them.

Linear layers are 2-D products with the model's own weights, which come from memory as in the model; attention's are
one small product for every window and head, which the BLAS does not divide among threads.
"""

import math

import numpy as np

from swin_np import SwinTransformer
from swin_np.complexity import layer_costs
from swin_np.costs import LayerCost
from swin_np.functional import Array

KINDS = ("linear", "attention")

Product = tuple[Array, Array, Array]
"""The left factor, the right factor, and the array for the result."""


class Buffers:
    """Arrays of random numbers, one for each use and shape, so that layers of the same shape share them."""

    def __init__(self) -> None:
        self.rng, self.arrays = np.random.default_rng(0), {}

    def __call__(self, use: str, *shape: int) -> Array:
        if (use, shape) not in self.arrays:
            self.arrays[use, shape] = self.rng.standard_normal(shape, np.float32)
        return self.arrays[use, shape]


def linear_product(cost: LayerCost, weight: Array, batch: int, buffers: Buffers) -> Product:
    """x W^T of one layer for the whole batch; a convolution's weight (out, in, p, p) counts as (out, in p p)."""
    weight = weight.reshape(len(weight), -1)           # (out, in)
    rows = batch * math.prod(cost.output_shape[:-1])
    return buffers("x", rows, weight.shape[1]), weight.T, buffers("y", rows, len(weight))


def attention_products(cost: LayerCost, heads: int, batch: int, buffers: Buffers) -> list[Product]:
    """q k^T and the product of its result with v, for all windows and heads of one layer."""
    windows, tokens, channels = cost.output_shape
    shape = (batch * windows, heads, tokens, channels // heads)
    q, k, v, y = (buffers(use, *shape) for use in ("q", "k", "v", "y"))
    scores = buffers("scores", *shape[:2], tokens, tokens)
    return [(q, k.swapaxes(-1, -2), scores), (scores, v, y)]


def matrix_products(model: SwinTransformer, images: Array, kinds: tuple[str, ...] = KINDS) -> list[Product]:
    """Every product that the model computes for images (B, 3, H, W), in its order; `kinds` of layers only."""
    state, buffers, batch = model.state_dict(), Buffers(), len(images)
    products = []
    for cost in layer_costs(model.config, images.shape[2:]):
        if cost.kind in kinds and cost.kind == "linear":
            products.append(linear_product(cost, state[f"{cost.name}.weight"], batch, buffers))
        elif cost.kind in kinds and cost.kind == "attention":
            heads = state[f"{cost.name}.relative_position_bias_table"].shape[1]
            products += attention_products(cost, heads, batch, buffers)
    return products


def multiply_adds(products: list[Product]) -> int:
    """One for each term of each sum."""
    return sum(result.size * left.shape[-1] for left, _, result in products)


def compute(products: list[Product]) -> None:
    """All products, one after the other."""
    for left, right, result in products:
        np.matmul(left, right, out=result)
