"""Notebook 5: W-MSA and SW-MSA with bias and mask, and two successive blocks (section 3.2, Eq. 3)."""

import math
from collections.abc import Callable

import numpy as np

from swin_np import windows as library
from swin_np.attention import WindowAttention
from swin_np.block import Mlp, SwinTransformerBlock
from swin_np.exercises.attention import linear_layers
from swin_np.exercises.covering import Condition, alike, differ, maps, one
from swin_np.exercises.exercise import Arguments, exercise, official
from swin_np.functional import Array
from swin_np.layers import LayerNorm, Linear
from swin_np.model import Stage
from swin_np.shape_policy import MICROSOFT

Weights = dict[str, Array]                             # by the names of the official checkpoints


def part(weights: Weights, prefix: str) -> Weights:
    """The weights whose names begin with `prefix`, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def linear(weights: Weights, name: str) -> Linear:
    """The linear layer of that name."""
    return Linear(weights[f"{name}.weight"], weights[f"{name}.bias"])


def norm(weights: Weights, name: str) -> LayerNorm:
    """The layer norm of that name."""
    return LayerNorm(weights[f"{name}.weight"], weights[f"{name}.bias"])


def attention_of(weights: Weights, heads: int, window: int) -> WindowAttention:
    """The attention of a block with these weights."""
    return WindowAttention(weights["relative_position_bias_table"], linear(weights, "qkv"), linear(weights, "proj"),
                           (window, window), heads)


def block_of(weights: Weights, heads: int, window: int, shift: int) -> SwinTransformerBlock:
    """The block with these weights."""
    mlp = part(weights, "mlp.")
    return SwinTransformerBlock(norm(weights, "norm1"), attention_of(part(weights, "attn."), heads, window),
                                norm(weights, "norm2"), Mlp(linear(mlp, "fc1"), linear(mlp, "fc2")),
                                (window, window), (shift, shift), MICROSOFT)


def attention_weights(rng: np.random.Generator, heads: int, d: int, window: int) -> Weights:
    """Random weights of an attention, large enough for the bias to matter."""
    names = ("qkv.weight", "qkv.bias", "proj.weight", "proj.bias")
    return {**dict(zip(names, linear_layers(rng, heads * d), strict=True)),
            "relative_position_bias_table": rng.standard_normal(((2 * window - 1) ** 2, heads))}


def block_weights(rng: np.random.Generator, heads: int, d: int, window: int) -> Weights:
    """Random weights of a block, in the order of their use."""
    c = heads * d
    hidden = 2 * c
    attn = attention_weights(rng, heads, d, window)
    return {"norm1.weight": rng.uniform(0.5, 1.5, c), "norm1.bias": rng.standard_normal(c) / 2,
            **{f"attn.{name}": value for name, value in attn.items()},
            "norm2.weight": rng.uniform(0.5, 1.5, c), "norm2.bias": rng.standard_normal(c) / 2,
            "mlp.fc1.weight": rng.standard_normal((hidden, c)) * c ** -0.5, "mlp.fc1.bias": rng.standard_normal(hidden),
            "mlp.fc2.weight": rng.standard_normal((c, hidden)) * hidden ** -0.5, "mlp.fc2.bias": rng.standard_normal(c)}


def windows_and_weights(rng: np.random.Generator) -> Arguments:
    """Windows of two images or three, weights, and in most cases the mask of shifted windows."""
    heads, d, window = map(int, rng.integers((2, 2, 2), (5, 4, 5)))
    rows, columns = map(int, rng.permutation([1, 2, 3])[:2])
    shift = int(rng.integers(0, window))
    images = int(rng.integers(2, 4))
    windows = rng.standard_normal((images * rows * columns, window ** 2, heads * d))
    mask = library.attention_mask((rows * window, columns * window), window, shift)
    mask = None if mask is None else mask.astype(np.float64)
    return windows, attention_weights(rng, heads, d, window), heads, window, mask


def whole_numbers(rng: np.random.Generator, *shape: int) -> Array:
    """Numbers from -2 to 2, for a worked example."""
    return rng.integers(-2, 3, shape).astype(np.float64)


def six_windows() -> Arguments:
    """Two images of three windows of four tokens; two heads of one channel each; whole numbers."""
    rng = np.random.default_rng(2)
    weights = {"qkv.weight": whole_numbers(rng, 6, 2), "qkv.bias": whole_numbers(rng, 6),
               "proj.weight": np.array([[1.0, 0.0], [1.0, 2.0]]), "proj.bias": np.array([0.0, 10.0]),
               "relative_position_bias_table": whole_numbers(rng, 9, 2)}
    mask = library.shifted_window_mask((2, 6), 2, 1).astype(np.float64)
    return whole_numbers(rng, 6, 4, 2), weights, 2, 2, mask


@exercise("Window attention", place="section 3.2, Eq. 4", points=5, minutes=30, toy=six_windows,
          draw=windows_and_weights,
          covers={"a mask": one(lambda mask: mask is not None), "no mask": one(lambda mask: mask is None),
                  "other numbers of windows, heads, channels in a head and M":
                  one(lambda windows, heads, window, mask: mask is not None and len(
                  {len(mask), heads, windows.shape[2] // heads, window}) == 4),
                  "two numbers of windows in an image": differ(lambda mask: None if mask is None else len(mask)),
                  "two windows for one number of heads": alike(lambda heads: heads, lambda window: window),
                  "two numbers of heads for one M": alike(lambda window: window, lambda heads: heads),
                  "other weights for the same M and heads":
                  alike(lambda window, heads: (window, heads), lambda windows: windows.shape),
                  "a mask for images of another number than M^2 / nW":
                  one(lambda windows, window, mask: mask is not None and len(windows) // len(mask) not in (
                  window ** 2 // len(mask), len(windows) // 5)),
                  "a mask for three images":
                  one(lambda windows, mask: mask is not None and len(windows) == 3 * len(mask))},
          axes="window token channel", helpers=("softmax", "relative_position_bias"),
          mistakes=("mask-not-added", "masks-repeated-in-the-wrong-order", "mask-multiplied", "mask-after-softmax",
                    "bias-left-out", "scale-left-out", "qkv-split-by-head", "heads-merged-without-transpose"))
def window_attention(windows: Array, weights: Weights, heads: int, window: int, mask: Array | None) -> Array:
    """(B nW, M^2, C) -> (B nW, M^2, C): W-MSA, with a mask (nW, M^2, M^2) SW-MSA."""
    return attention_of(weights, heads, window)(windows, mask)


OF_A_BLOCK = ("softmax", "layer_norm", "gelu", "window_partition", "window_reverse", "relative_position_bias",
              "shifted_window_mask", "window_attention")
"""The exercises of which a block consists."""


def undivided(other: Callable[[int, int, int, int], int]) -> Condition:
    """That the rows of windows of all images are no multiple of another number, of H, W, C and M."""
    return one(lambda x, window: len(x) * (x.shape[1] // window) % (other(*x.shape[1:], window) or math.inf))


def map_and_block(rng: np.random.Generator) -> Arguments:
    """A map of two windows or more on either side, the weights of a block, and a shift or none."""
    heads, d, window = map(int, rng.integers((2, 2, 2), (6, 4, 5)))
    rows, columns = rng.permutation([2, 3, 4, 6])[:2]
    x = rng.standard_normal((2, rows * window, columns * window, heads * d))
    return x, block_weights(rng, heads, d, window), heads, window, int(rng.integers(0, window))


def twenty_four_tokens() -> Array:
    """A map of 4 x 6 tokens of two channels."""
    return whole_numbers(np.random.default_rng(1), 1, 4, 6, 2)


def few_digits(weights: Weights) -> Weights:
    """The weights with one digit after the point, so that they can be read."""
    return {name: value.round(1) for name, value in weights.items()}


def block_officially() -> tuple[Arguments, Array]:
    """The second block of the official code, which shifts its windows of 4 by 2."""
    outputs, weights = official("output/layers.0."), official("layers.0.blocks.1.")
    del weights["attn_mask"]                           # a buffer, which follows from the sizes
    return (outputs["blocks.0"], weights, 2, 4, 2), outputs["blocks.1"]


@exercise("The Swin Transformer block", place="section 3.2, Eq. 3", points=5, minutes=30,
          toy=lambda: (twenty_four_tokens(), few_digits(block_weights(np.random.default_rng(3), 1, 2, 2)), 1, 2, 1),
          draw=map_and_block, golden=block_officially,
          covers={"no shift": one(lambda shift: shift == 0),
                  "a shift of half a window": one(lambda window, shift: 2 * shift == window),
                  "a shift of less": one(lambda window, shift: 0 < 2 * shift < window),
                  "a shift of more, of 2 at least": one(lambda window, shift: 2 * shift > window and shift > 1),
                  "two maps for one M and shift":
                  alike(lambda window, shift: (window, shift) if shift else None, lambda x: x.shape[1:3]),
                  "a shifted map upright and lying":
                  alike(lambda x, window, shift: (*sorted(x.shape[1:3]), window, shift) if shift else None,
                        lambda x: x.shape[1:3]),
                  "two shifts on one map": alike(lambda x, window: (x.shape[1:3], window), lambda shift: shift),
                  **maps("x"),
                  "a shift, and heads and channels other than M":
                  one(lambda x, heads, window, shift: shift and len({heads, x.shape[3], window}) == 3),
                  "tokens that the heads do not divide": one(lambda x, heads, window: x[..., 0].size // window % heads),
                  "tokens that the channels do not divide":
                  one(lambda x, window: x[..., 0].size // window % x.shape[3]),
                  "M = 4, or a larger one": one(lambda window: window > 3), "an odd M": one(lambda window: window % 2),
                  "another number of heads than of channels in each": one(lambda x, heads: x.shape[3] != heads ** 2),
                  "a shift, and M = 3 that divides no side of the map in windows":
                  one(lambda x, window, shift: shift and window == 3 and all(side // 3 % 3 for side in x.shape[1:3])),
                  "rows of windows that their columns do not divide": undivided(lambda h, w, c, m: w // m),
                  "rows of windows that C / M does not divide": undivided(lambda h, w, c, m: c // m),
                  "rows of windows that H / C does not divide": undivided(lambda h, w, c, m: h // c)},
          axes="image row column channel", helpers=OF_A_BLOCK,
          mistakes=("no-mask", "mask-on-regular-windows", "no-reverse-roll", "roll-direction", "post-norm",
                    "residual-after-the-norm", "attention-residual-left-out", "mlp-residual-left-out",
                    "second-residual-from-the-input", "first-norm-twice"))
def swin_block(x: Array, weights: Weights, heads: int, window: int, shift: int) -> Array:
    """(B, H, W, C) -> (B, H, W, C): one line pair of Eq. 3."""
    return block_of(weights, heads, window, shift)(x)


def map_and_two_blocks(rng: np.random.Generator) -> Arguments:
    """A map of two windows or more on either side, and the weights of two blocks."""
    x, first, heads, window, _ = map_and_block(rng)
    second = block_weights(rng, heads, x.shape[-1] // heads, window)
    return x, numbered(first, second), heads, window


def numbered(*blocks: Weights) -> Weights:
    """The weights of several blocks under the names that they have in a stage."""
    return {f"blocks.{number}.{name}": value for number, block in enumerate(blocks) for name, value in block.items()}


def two_small_blocks() -> Weights:
    """Two blocks of one head and two channels."""
    return numbered(*(few_digits(block_weights(np.random.default_rng(seed), 1, 2, 2)) for seed in (3, 4)))


def two_blocks_officially() -> tuple[Arguments, Array]:
    """The first two blocks of the official code."""
    outputs = official("output/")
    weights = numbered(official("layers.0.blocks.0."), official("layers.0.blocks.1."))
    del weights["blocks.1.attn_mask"]
    return (outputs["patch_embed"], weights, 2, 4), outputs["layers.0.blocks.1"]


@exercise("Two successive blocks", place="section 3.2, Eq. 3 and Fig. 2", points=3, minutes=15,
          toy=lambda: (twenty_four_tokens(), two_small_blocks(), 1, 2), draw=map_and_two_blocks,
          golden=two_blocks_officially,
          covers={**maps("x"),
                  "a number of heads other than M": one(lambda heads, window: heads != window),
                  "tokens that the heads do not divide": one(lambda x, heads, window: x[..., 0].size // window % heads),
                  "tokens that the channels do not divide":
                  one(lambda x, window: x[..., 0].size // window % x.shape[3]),
                  "M = 4, or a larger one": one(lambda window: window > 3), "an odd M": one(lambda window: window % 2),
                  "two maps for one M": alike(lambda window: window, lambda x: x.shape[1:3]),
                  "a map upright and lying": alike(lambda x, window: (*sorted(x.shape[1:3]), window),
                                                   lambda x: x.shape[1:3]),
                  "two M on one map": alike(lambda x: x.shape[1:3], lambda window: window),
                  "heads of which half is another number than half of M":
                  one(lambda heads, window: heads // 2 != window // 2),
                  "another number of heads than of channels in each": one(lambda x, heads: x.shape[3] != heads ** 2),
                  "M = 3 that divides no side of the map in windows":
                  one(lambda x, window: window == 3 and all(side // 3 % 3 for side in x.shape[1:3])),
                  "rows of windows that their columns do not divide": undivided(lambda h, w, c, m: w // m),
                  "rows of windows that C / M does not divide": undivided(lambda h, w, c, m: c // m),
                  "rows of windows that H / C does not divide": undivided(lambda h, w, c, m: h // c)},
          axes="image row column channel", helpers=(*OF_A_BLOCK, "swin_block"),
          mistakes=("no-shift", "shift-in-every-block", "shift-in-the-other-blocks", "shift-rounded-up",
                    "weights-of-the-first-block-in-all"))
def two_successive_blocks(x: Array, weights: Weights, heads: int, window: int) -> Array:
    """Eq. 3: (B, H, W, C) -> (B, H, W, C), a block with regular windows, then one with shifted windows."""
    return Stage([block_of(part(weights, f"blocks.{number}."), heads, window, shift)
                  for number, shift in enumerate((0, window // 2))], None)(x)
