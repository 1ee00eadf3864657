"""Notebook 8: three short ports with one mistake each; the mistake of the port itself is not named, others are."""

import numpy as np

from swin_np import attention
from swin_np.attention import WindowAttention
from swin_np.block import Mlp
from swin_np.exercises.attention import linear_layers_of_four
from swin_np.exercises.blocks import attention_weights, linear, norm
from swin_np.exercises.covering import alike, maps, one
from swin_np.exercises.exercise import Arguments, exercise
from swin_np.exercises.shifted_windows import sizes
from swin_np.functional import Array
from swin_np.layers import Linear
from swin_np.patches import PatchMerging
from swin_np.shape_policy import TORCHVISION

PLANTED = {"find_the_bug_1": "index-columns-first", "find_the_bug_2": "masks-repeated-in-the-wrong-order",
           "find_the_bug_3": "merge-row-major"}
"""The mistake of each port, which the exercise's check does not name."""


def windows_and_weights(rng: np.random.Generator) -> Arguments:
    """Windows, the weights of both linear layers, a bias table, the number of heads, and M."""
    window, heads, d = int(rng.integers(2, 5)), int(rng.integers(2, 4)), int(rng.integers(2, 5))
    windows = rng.standard_normal((int(rng.integers(2, 7)), window ** 2, heads * d))
    return windows, *attention_weights(rng, heads, d, window).values(), heads, window


def one_window_of_four() -> Arguments:
    """A window of 2 x 2 tokens of four channels, two heads; small whole numbers and a table counted through."""
    table = np.stack([np.arange(9.0), np.arange(9.0)[::-1] / 2], axis=1)
    return (np.array([[[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0], [0.0, 0.0, 2.0, 0.0]]]),
            *linear_layers_of_four(), table, 2, 2)


@exercise("A port of window attention", place="section 3.2, Eq. 4", points=4, minutes=25,
          toy=one_window_of_four, draw=windows_and_weights,
          covers={"heads, channels in each, M and windows all different":
                  one(lambda windows, heads, window:
                      len({heads, windows.shape[2] // heads, window, len(windows)}) == 4),
                  "two windows for one number of heads": alike(lambda heads: heads, lambda window: window),
                  "two numbers of heads for one M": alike(lambda window: window, lambda heads: heads),
                  "other weights for the same M and heads":
                  alike(lambda window, heads: (window, heads), lambda windows: windows.shape)},
          axes="window token channel", helpers=("softmax",), planted=PLANTED["find_the_bug_1"],
          mistakes=("index-transposed", "index-factor-2m", "index-factor-m", "index-not-shifted", "bias-left-out",
                    "bias-scaled", "bias-after-softmax", "bias-reshaped", "bias-heads-reversed", "qkv-split-by-head",
                    "heads-interleaved", "heads-merged-without-transpose", "scale-left-out", "scale-twice",
                    "scale-of-all-channels", "linear-bias-left-out",
                    "softmax-over-queries", "probabilities-transposed", "proj-left-out", "proj-transposed"))
def find_the_bug_1(windows: Array, qkv_weight: Array, qkv_bias: Array, proj_weight: Array, proj_bias: Array,
                   table: Array, heads: int, window: int) -> Array:
    """Eq. 4 in every window, (nW, M^2, C) -> (nW, M^2, C)."""
    module = WindowAttention(table, Linear(qkv_weight, qkv_bias), Linear(proj_weight, proj_bias), (window, window),
                             heads)
    return module(windows)


def map_window_and_shift(rng: np.random.Generator) -> Arguments:
    """Two maps to five, of more windows in one direction, M, and a shift that is not half of it."""
    map_size, window, shift = sizes(rng, most=3)
    b, c = rng.integers((2, 2), (6, 7))
    return rng.standard_normal((b, *map_size, c)), window, shift


@exercise("A port of shifted windows", place="section 3.2, Fig. 4", points=4, minutes=25,
          toy=lambda: ((np.arange(54.0) * 5 % 11 / 4).reshape(2, 3, 9, 1), 3, 1), draw=map_window_and_shift,
          covers={**maps("x"), "more images than M, on several windows each way":
                  one(lambda x, window: len(x) > window < min(x.shape[1:3])),
                  "more channels than M, on several windows each way":
                  one(lambda x, window: x.shape[3] > window < min(x.shape[1:3])),
                  "fewer images than M": one(lambda x, window: len(x) < window),
                  "fewer channels than M": one(lambda x, window: x.shape[3] < window),
                  "H / C that does not divide the rows of windows":
                  one(lambda x, window: x.shape[1] // window % (x.shape[1] // x.shape[3] or 1)),
                  "a map of one row of windows": one(lambda x, window: x.shape[1] == window),
                  "a map of one column of windows": one(lambda x, window: x.shape[2] == window),
                  "a map of three columns of windows": one(lambda x, window: x.shape[2] == 3 * window),
                  "M = 4, on three rows and two columns of windows":
                  one(lambda x, window: window == 4 and x.shape[1:3] == (12, 8)),
                  "a shift of less than half of the window": one(lambda window, shift: 2 * shift < window),
                  "a shift of more than half of the window": one(lambda window, shift: 2 * shift > window),
                  "two maps for one M and shift": alike(lambda window, shift: (window, shift), lambda x: x.shape[1:3]),
                  "a map upright and lying": alike(lambda x, window, shift: (*sorted(x.shape[1:3]), window, shift),
                                                   lambda x: x.shape[1:3]),
                  "two numbers of images for one map":
                  alike(lambda x, window: (x.shape[1:3], window), lambda x: len(x)),
                  "two shifts on one map": alike(lambda x, window: (x.shape[1:3], window), lambda shift: shift)},
          axes="image row column channel", helpers=("softmax",),
          unseen=("qkv", "proj"), planted=PLANTED["find_the_bug_2"],
          mistakes=("no-mask", "mask-for-the-other-roll", "mask-cut-at-the-rest-of-the-window", "mask-inverted",
                    "mask-of-minus-one", "mask-multiplied", "mask-after-softmax", "mask-height-and-width-exchanged",
                    "roll-direction", "no-reverse-roll", "reverse-roll-direction", "partition-without-transpose",
                    "windows-reversed-column-major", "scale-left-out", "scale-twice", "softmax-over-queries"))
def find_the_bug_2(x: Array, window: int, shift: int) -> Array:
    """Shifted-window attention of tokens that are query, key and value as they are, (B, H, W, C) -> (B, H, W, C)."""
    c = x.shape[-1]
    identity = np.eye(c, dtype=x.dtype)
    module = WindowAttention(np.zeros(((2 * window - 1) ** 2, 1), x.dtype), Linear(np.tile(identity, (3, 1)), None),
                             Linear(identity, None), (window, window), num_heads=1)
    return attention.shifted_window_attention(x, module, window, shift)


def map_and_weights(rng: np.random.Generator) -> Arguments:
    """A map and the weights of a norm, an MLP and a patch merging, by the official names."""
    b, c, hidden = int(rng.integers(2, 4)), int(rng.integers(4, 8)), int(rng.integers(6, 13))
    h, w = map(int, 2 * rng.permutation([1, 2, 3, 4])[:2])
    weights = {"norm2.weight": rng.uniform(0.5, 1.5, c), "norm2.bias": rng.standard_normal(c),
               "mlp.fc1.weight": rng.standard_normal((hidden, c)), "mlp.fc1.bias": rng.standard_normal(hidden),
               "mlp.fc2.weight": rng.standard_normal((c, hidden)), "mlp.fc2.bias": rng.standard_normal(c),
               "norm.weight": rng.uniform(0.5, 1.5, 4 * c), "norm.bias": rng.standard_normal(4 * c),
               "reduction.weight": rng.standard_normal((2 * c, 4 * c)) * c ** -0.5}
    return rng.standard_normal((b, h, w, c)) * 10.0 ** rng.integers(-2, 1, (b, h, w, 1)), weights


def one_merging() -> Arguments:
    """A map of 2 x 4 tokens of three channels, of whose neighbours six numbers are kept."""
    x = np.array([[[[1.0, 2.0, 4.0], [0.0, 3.0, 1.0], [2.0, 2.0, 0.0], [5.0, 1.0, 3.0]],
                   [[4.0, 0.0, 1.0], [1.0, 1.0, 6.0], [0.0, 2.0, 7.0], [3.0, 5.0, 0.0]]]])
    fc1 = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    return x, {"norm2.weight": np.array([1.0, 2.0, 1.0]), "norm2.bias": np.array([0.0, 0.0, 1.0]),
               "mlp.fc1.weight": fc1, "mlp.fc1.bias": np.array([0.0, 0.5]),
               "mlp.fc2.weight": 3 * fc1.T, "mlp.fc2.bias": np.array([0.0, 0.0, 1.0]),
               "norm.weight": np.array([1.0, 2.0] * 6), "norm.bias": np.array([0.0, 0.0, 1.0] * 4),
               "reduction.weight": np.eye(12)[[1, 4, 8, 9, 11, 3]]}


@exercise("A port of a stage's end", place="section 3.1, patch merging, and section 3.2, Eq. 3", points=3, minutes=20,
          toy=one_merging, draw=map_and_weights,
          covers={**maps("x"),
                  "a hidden width other than 2C":
                  one(lambda x, weights: len(weights["mlp.fc1.bias"]) != 2 * x.shape[3]),
                  "a token so nearly constant that the place of eps shows": one(lambda x: (x.var(-1) < 1e-3).any()),
                  "a map of several groups of four each way": one(lambda x: min(x.shape[1:3]) > 2)},
          axes="image row column channel", helpers=("layer_norm", "gelu"), planted=PLANTED["find_the_bug_3"],
          mistakes=("merge-quadrants", "merge-unfold", "norm-after-reduction", "merging-norm-left-out",
                    "norm-eps-1e-3", "variance-unbiased", "norm-eps-outside-the-root", "norm-without-mean",
                    "gelu-by-tanh", "quick-gelu", "relu-for-gelu", "activation-left-out", "linear-bias-left-out"))
def find_the_bug_3(x: Array, weights: dict[str, Array]) -> Array:
    """The second half of a block, x + MLP(LN(x)), and patch merging, (B, H, W, C) -> (B, H/2, W/2, 2C)."""
    x = x + Mlp(linear(weights, "mlp.fc1"), linear(weights, "mlp.fc2"))(norm(weights, "norm2")(x))
    return PatchMerging(Linear(weights["reduction.weight"], None), norm(weights, "norm"), TORCHVISION)(x)
