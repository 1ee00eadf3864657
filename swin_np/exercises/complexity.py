"""Notebook 6: the multiply-adds of attention and of a block, and the parameters of a model (Eq. 1 and 2, Table 1)."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from swin_np import complexity, costs
from swin_np.costs import LayerCost
from swin_np.exercises.covering import differ, one
from swin_np.exercises.exercise import Arguments, exercise
from swin_np.variants import SwinConfig


@cache
def rounded(count: Callable, *sizes: Any) -> bool:
    """Whether float32 has no such number."""
    return int(np.float32(count(*sizes))) != count(*sizes)


def attention_layers(windows: int, tokens: int, channels: int) -> list[LayerCost]:
    """The two linear layers of attention and what is between them, for windows of so many tokens."""
    return [costs.linear_cost("attn.qkv", (windows, tokens), channels, 3 * channels),
            costs.attention_cost("attn", windows, tokens, channels, 1),
            costs.linear_cost("attn.proj", (windows, tokens), channels, channels)]


def map_and_channels(rng: np.random.Generator) -> Arguments:
    """Height and width of a map, which differ, and its channels."""
    h, w = map(int, rng.permutation(np.arange(3, 80))[:2])
    return h, w, int(rng.integers(2, 97))


@exercise("Global attention", place="section 3.2, Eq. 1", points=2, minutes=10,
          toy=lambda: (2, 3, 10), draw=map_and_channels, golden=lambda: ((56, 56, 96), 2003828736),
          covers={"a map that is wider than high": one(lambda h, w: h < w),
                  "a map that is higher than wide": one(lambda h, w: h > w),
                  "a count that float32 does not hold":
                  one(lambda h, w, channels: rounded(msa_multiply_adds.reference, h, w, channels)),
                  "a count of more than 31 bits": one(lambda h, w, channels: 2 * (h * w) ** 2 * channels >= 2 ** 31)},
          mistakes=("product-with-the-values-not-counted", "output-projection-not-counted",
                    "one-of-queries-keys-and-values", "one-key-for-each-query", "linear-layers-for-one-token",
                    "additions-counted-apart"))
def msa_multiply_adds(h: int, w: int, channels: int) -> int:
    """Eq. 1: multiply-adds of multi-head self-attention on a map of h x w tokens."""
    return costs.total(attention_layers(1, h * w, channels)).multiply_adds


def map_channels_and_window(rng: np.random.Generator) -> Arguments:
    """Height and width, which M divides, channels and M."""
    window = int(rng.integers(3, 8))
    rows, columns = map(int, rng.permutation(np.arange(2, 12))[:2])
    return rows * window, columns * window, int(rng.integers(2, 193)), window


@exercise("Attention in windows", place="section 3.2, Eq. 2", points=1, minutes=5,
          toy=lambda: (6, 9, 10, 3), draw=map_channels_and_window, golden=lambda: ((56, 56, 96, 7), 145108992),
          covers={"a map that is wider than high": one(lambda h, w: h < w),
                  "a map that is higher than wide": one(lambda h, w: h > w),
                  "an M that does not divide the channels": one(lambda channels, window: channels % window),
                  "a count that float32 does not hold":
                  one(lambda h, w, channels, window: rounded(
                      window_msa_multiply_adds.reference, h, w, channels, window))},
          helpers=("msa_multiply_adds",),
          mistakes=("side-of-the-window-for-its-area", "whole-map-for-the-window",
                    "product-with-the-values-not-counted", "output-projection-not-counted",
                    "one-of-queries-keys-and-values", "one-key-for-each-query", "linear-layers-for-one-token",
                    "additions-counted-apart"))
def window_msa_multiply_adds(h: int, w: int, channels: int, window: int) -> int:
    """Eq. 2: multiply-adds of self-attention in M x M windows."""
    return costs.total(attention_layers(h * w // window ** 2, window ** 2, channels)).multiply_adds


@exercise("A whole block", place="section 3.2, Eq. 2 and 3", points=3, minutes=15,
          toy=lambda: (6, 9, 10, 3), draw=map_channels_and_window, golden=lambda: ((56, 56, 96, 7), 376922112),
          covers={"a map that is wider than high": one(lambda h, w: h < w),
                  "a map that is higher than wide": one(lambda h, w: h > w),
                  "an M that does not divide the channels": one(lambda channels, window: channels % window),
                  "a count that float32 does not hold":
                  one(lambda h, w, channels, window: rounded(
                      block_multiply_adds.reference, h, w, channels, window))},
          helpers=("msa_multiply_adds", "window_msa_multiply_adds"),
          mistakes=("norms-not-counted", "one-norm-of-the-block", "one-linear-layer-of-the-mlp",
                    "side-of-the-window-for-its-area", "whole-map-for-the-window",
                    "product-with-the-values-not-counted", "output-projection-not-counted",
                    "one-of-queries-keys-and-values", "additions-counted-apart"))
def block_multiply_adds(h: int, w: int, channels: int, window: int) -> int:
    """Multiply-adds of a block: two norms, attention in windows, and an MLP of ratio 4."""
    config = SwinConfig(embed_dim=channels, depths=(1,), num_heads=(1,), window_size=window)
    return costs.total(complexity.block_costs("block", config, 0, (h, w))).multiply_adds


def architecture(rng: np.random.Generator) -> Arguments:
    """Channels of the first stage, depths and heads of a few stages, M, and classes."""
    stages = int(rng.integers(2, 5))
    channels = 24 * int(rng.integers(1, 7))
    depths = tuple(int(depth) for depth in rng.integers(1, 7, stages))
    heads = tuple(int(number) for number in rng.choice([1, 2, 3, 4], stages))                # each divides the channels
    return channels, depths, heads, *map(int, rng.integers((2, 3), (9, 200)))


@exercise("Parameters of a model", place="section 3.3, Table 1", points=5, minutes=30,
          toy=lambda: (4, (1, 2), (1, 2), 2, 3), draw=architecture,
          golden=lambda: ((96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 1000), 28288354),
          covers={"two numbers of stages": differ(lambda depths: len(depths)),
                  "depths that all differ": one(lambda depths: len(set(depths)) == len(depths) > 2),
                  "a stage of a single block": one(lambda depths: 1 in depths),
                  "heads that do not double from stage to stage":
                  one(lambda heads: any(b != 2 * a for a, b in pairwise(heads))),
                  "an even M": one(lambda window: window % 2 == 0), "an odd M": one(lambda window: window % 2),
                  "a count that float32 does not hold": one(lambda embed_dim, depths, heads, window, classes: rounded(
                  count_parameters.reference, embed_dim, depths, heads, window, classes))},
          mistakes=("bias-tables-not-counted", "patch-norm-not-counted", "final-norm-not-counted",
                    "linear-biases-not-counted", "reduction-with-a-bias", "head-not-counted", "merging-norm-of-2c",
                    "bias-table-of-the-window-s-size", "bias-of-every-pair-counted", "bias-table-of-one-head",
                    "norms-not-counted", "one-norm-of-the-block", "one-linear-layer-of-the-mlp",
                    "output-projection-not-counted"))
def count_parameters(embed_dim: int, depths: tuple[int, ...], heads: tuple[int, ...], window: int,
                     classes: int) -> int:
    """Learned numbers of a Swin Transformer with patches of 4 x 4 pixels in three colours and MLPs of ratio 4."""
    config = SwinConfig(embed_dim=embed_dim, depths=depths, num_heads=heads, window_size=window, num_classes=classes)
    return costs.total(complexity.layer_costs(config)).parameters
