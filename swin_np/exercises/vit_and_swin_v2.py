"""Notebook 9: ViT's attention and positions, and Swin V2's cosine attention and continuous position bias."""

import math

import numpy as np

from swin_np.baselines import swin_v2
from swin_np.baselines.swin_v2 import LARGEST_LOGIT_SCALE, CosineWindowAttention, log_spaced_coordinates
from swin_np.baselines.vit import Attention, Block
from swin_np.block import Mlp
from swin_np.checkpoints import resizing
from swin_np.convolution.layers import Relu
from swin_np.exercises.attention import linear_layers, linear_layers_of_four
from swin_np.exercises.blocks import Weights, linear
from swin_np.exercises.covering import alike, differ, one, uneven
from swin_np.exercises.exercise import Arguments, exercise, of_other_systems
from swin_np.functional import Array
from swin_np.layers import LayerNorm, Linear, recording


def tokens_and_weights(rng: np.random.Generator) -> Arguments:
    """A class token and the patches of a map, the weights of norm and attention, the heads and the map's size."""
    h, w = map(int, rng.permutation([2, 3, 4, 5])[:2])
    heads, d = map(int, rng.integers(2, 6, 2))
    c = heads * d
    x = rng.standard_normal((int(rng.integers(2, 4)), 1 + h * w, c))
    x = x * 10.0 ** rng.integers(-3, 1, (*x.shape[:2], 1))              # some tokens nearly constant: eps shows
    names = ("attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias")
    return x, {"norm1.weight": rng.uniform(0.5, 1.5, c), "norm1.bias": rng.standard_normal(c),
               **dict(zip(names, linear_layers(rng, c), strict=True))}, heads, (h, w)


def class_token_and_two_patches() -> Arguments:
    """A class token and a map of 1 x 2 patches, four channels, two heads; small whole numbers."""
    weights = dict(zip(("attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"),
                       linear_layers_of_four(), strict=True))
    x = np.array([[[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0]]])
    return x, {"norm1.weight": np.ones(4), "norm1.bias": np.zeros(4), **weights}, 2, (1, 2)


def attended_by_timm() -> tuple[Arguments, tuple[Array, Array]]:
    """The first half of a block of timm's ViT."""
    stored = of_other_systems("vit")
    weights = {name.removeprefix("weights/"): value for name, value in stored.items() if name.startswith("weights/")}
    return (stored["x"], weights, 2, (2, 3)), (stored["output"], stored["class_attention"])


def of_the_class_token(probabilities: Array, grid: tuple[int, int]) -> Array:
    """How much the class token attends to each patch, (B, heads, n, n) -> (B, heads, h, w)."""
    return probabilities[:, :, 0, 1:].reshape(*probabilities.shape[:2], *grid)


def attended(x: Array, weights: Weights, heads: int) -> tuple[Array, dict[str, Array]]:
    """x + MSA(LN(x)), and what is computed on the way to it, by name."""
    c = x.shape[-1]
    zeros = np.zeros(c, x.dtype)
    nothing = Linear(np.zeros((c, c), x.dtype), zeros)
    block = Block(LayerNorm(weights["norm1.weight"], weights["norm1.bias"], 1e-6),
                  Attention(linear(weights, "attn.qkv"), linear(weights, "attn.proj"), heads),
                  LayerNorm(zeros, zeros), Mlp(nothing, nothing))       # an MLP that adds 0
    names = {(block.norm1, ""): "what norm1 gives", (block.attn.qkv, ""): "what attn.qkv gives",
             (block.attn, "scores"): "the scaled product q k^T",
             (block.attn, "probabilities"): "the softmax of the scores", (block.attn.proj, ""): "what attn.proj gives"}
    seen: dict[str, Array] = {}
    with recording(lambda module, step, value: seen.update(
            {names[module, step]: value.copy()} if (module, step) in names else {})):
        output = block(x)
    return output, seen


@exercise("ViT's attention", place="ViT, Eq. 2 and appendix A", points=4, minutes=25,
          toy=class_token_and_two_patches, draw=tokens_and_weights, golden=attended_by_timm,
          helpers=("softmax",), inside=lambda x, weights, heads, grid: attended(x, weights, heads)[1],
          covers={"a map that is wider than high": one(lambda grid: grid[0] < grid[1]),
                  "a map that is higher than wide": one(lambda grid: grid[0] > grid[1]),
                  "several images": one(lambda x: len(x) > 1), "another number of images than of heads":
                  one(lambda x, heads: len(x) != heads),
                  "B, tokens, heads and channels in each all different":
                  one(lambda x, heads: len({*x.shape[:2], heads, x.shape[2] // heads}) == 4),
                  "more heads than channels in each": one(lambda x, heads: heads > x.shape[2] // heads),
                  "more channels in each head than heads": one(lambda x, heads: heads < x.shape[2] // heads),
                  "a token so nearly constant that eps shows": one(lambda x: (x.var(-1) < 1e-4).any()),
                  "two maps for one number of heads": alike(lambda heads: heads, lambda grid: grid),
                  "a map upright and lying": alike(lambda grid: tuple(sorted(grid)), lambda grid: grid),
                  **uneven("x")},
          mistakes=("eps-1e-5", "norm-left-out", "norm-without-weights", "path-from-behind-the-norm",
                    "residual-left-out", "qkv-split-by-head", "heads-interleaved", "queries-and-keys-swapped",
                    "keys-and-values-swapped", "qkv-bias-left-out", "heads-concatenated-without-transpose",
                    "product-not-scaled", "product-scaled-twice", "scale-of-the-whole-width",
                    "softmax-over-the-queries", "attention-to-the-class-token", "class-token-among-the-patches",
                    "attention-on-width-and-height"))
def vit_attention(x: Array, weights: Weights, heads: int, grid: tuple[int, int]) -> tuple[Array, Array]:
    """(B, 1 + h w, D) -> x + MSA(LN(x)), and how much the class token attends to each patch, (B, heads, h, w)."""
    output, seen = attended(x, weights, heads)
    return output, of_the_class_token(seen["the softmax of the scores"], grid)


def positions_and_grids(rng: np.random.Generator) -> Arguments:
    """A position embedding, the map that it was learned for, and another one."""
    (h, w), (m, n) = (tuple(map(int, rng.permutation(np.arange(2, 8))[:2])) for _ in range(2))
    return rng.standard_normal((1, 1 + h * w, int(rng.integers(2, 6)))), (h, w), (m, n)


def resized_by_torch() -> tuple[Arguments, Array]:
    """Bicubic interpolation by PyTorch, from 3 x 4 to 5 x 3."""
    stored = of_other_systems("positions")
    return (stored["pos_embed"], (3, 4), (5, 3)), stored["resized"]


@exercise("ViT's positions for another image size", place="ViT, section 3.2", points=4, minutes=30,
          toy=lambda: (np.array([[[100.0], [0.0], [4.0], [8.0], [16.0]]]), (2, 2), (2, 4)),
          draw=positions_and_grids, golden=resized_by_torch, axes="image token channel",
          covers={"a map that gets higher": one(lambda old_grid, new_grid: new_grid[0] > old_grid[0]),
                  "a map that gets lower": one(lambda old_grid, new_grid: new_grid[0] < old_grid[0]),
                  "a map that gets wider": one(lambda old_grid, new_grid: new_grid[1] > old_grid[1]),
                  "a map that gets narrower": one(lambda old_grid, new_grid: new_grid[1] < old_grid[1]),
                  "an old map that is wider than high": one(lambda old_grid: old_grid[0] < old_grid[1]),
                  "an old map that is higher than wide": one(lambda old_grid: old_grid[0] > old_grid[1]),
                  "a side of 4 or more that keeps its length no multiple":
                  one(lambda old_grid, new_grid: old_grid[0] > 3 and new_grid[0] % old_grid[0]),
                  "two numbers of channels": differ(lambda pos_embed: pos_embed.shape[2]),
                  "two new maps for one height": alike(lambda old_grid: old_grid[0], lambda new_grid: new_grid),
                  "all four sides and the channels different":
                  one(lambda pos_embed, old_grid, new_grid: len({*old_grid, *new_grid, pos_embed.shape[2]}) == 5)},
          mistakes=("positions-resized-linearly", "positions-resized-with-corners-aligned",
                    "positions-resized-as-a-row", "positions-resized-from-width-and-height",
                    "positions-resized-by-the-nearest", "class-token-s-position-last",
                    "class-token-s-position-put-last", "cubic-kernel-of-a-half", "cubic-kernel-cut-off-at-the-border",
                    "border-weights-written-over",
                    "positions-resized-from-the-corner", "corners-aligned-bicubically"))
def resize_positions(pos_embed: Array, old_grid: tuple[int, int], new_grid: tuple[int, int]) -> Array:
    """(1, 1 + h w, D) -> (1, 1 + h' w', D): bicubic on the map of patches, the class token's position as it is."""
    return resizing.resize_positions(pos_embed, old_grid, new_grid)


LARGEST = float(LARGEST_LOGIT_SCALE)                   # log(100), as the official code rounds it


def cosine_arguments(rng: np.random.Generator) -> Arguments:
    """Queries, keys and values, some of them short and one query of zeros; a bias and a scale for each head."""
    b, heads, n, d = map(int, rng.integers((2, 2, 3, 2), (4, 5, 6, 6)))
    q, k, v = (rng.standard_normal((b, heads, n, d)) for _ in range(3))
    q, k = (x * 10.0 ** rng.integers(-3, 2, (b, heads, n, 1)) for x in (q, k))
    q[-1, -1, int(rng.integers(n))] = 0
    logit_scale = np.log(rng.permutation([0.5, 3.0, 30.0, 300.0, 3000.0])[:heads])[:, None, None]
    return q, k, v, 3 * rng.standard_normal((heads, n, n)), logit_scale, LARGEST


def two_tokens_of_two_heads() -> Arguments:
    """Two tokens of two channels in two heads, the second of which has a scale beyond the limit."""
    q = np.array([[[[3.0, 4.0], [0.0, 2.0]], [[1.0, 0.0], [5.0, 12.0]]]])
    k = np.array([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [0.0, 3.0]]]])
    v = np.array([[[[10.0, 0.0], [0.0, 1.0]], [[10.0, 0.0], [0.0, 1.0]]]])
    return (q, k, v, np.array([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]]]),
            np.log([[[2.0]], [[1000.0]]]), LARGEST)


def attended_by_swin_v2() -> tuple[Arguments, Array]:
    """Cosine attention of timm's Swin V2, from the queries to what is handed on to proj."""
    stored = of_other_systems("swin_v2")
    return (*(stored[name] for name in ("q", "k", "v", "bias", "logit_scale")), LARGEST), stored["attended"]


@exercise("Cosine attention", place="Swin V2, section 3.2, Eq. 2", points=3, minutes=15, toy=two_tokens_of_two_heads,
          draw=cosine_arguments, golden=attended_by_swin_v2,
          axes="image head token channel", helpers=("softmax",),
          covers={"a scale beyond the limit": one(lambda logit_scale: logit_scale.max() > LARGEST),
                  "a scale below 1": one(lambda logit_scale: logit_scale.min() < 0),
                  "a scale between 1 and the limit": one(
                      lambda logit_scale: ((logit_scale > 0) & (logit_scale < LARGEST)).any()),
                  "a query of zeros": one(lambda q: (q == 0).all(-1).any()),
                  "a short query": one(lambda q: (np.abs(q).max(-1) < 0.01).any()),
                  "a short key": one(lambda k: (np.abs(k).max(-1) < 0.01).any()),
                  "more tokens than channels": one(lambda q: q.shape[2] > q.shape[3]),
                  "more channels than tokens": one(lambda q: q.shape[2] < q.shape[3]), **uneven("q")},
          mistakes=("vectors-not-normalised", "vectors-over-their-squared-length", "vectors-normalised-over-tokens",
                    "eps-added-to-the-length", "logit-scale-not-clamped", "logit-scale-clamped-from-below",
                    "logit-scale-without-exponential", "exponential-before-the-limit", "limit-in-more-digits",
                    "tau-for-its-inverse",
                    "scale-of-the-first-version-kept", "bias-over-the-temperature", "continuous-bias-left-out",
                    "zeros-of-length-zero"))
def cosine_attention(q: Array, k: Array, v: Array, bias: Array, logit_scale: Array, largest: float) -> Array:
    """softmax(cos(q, k) exp(min(logit_scale, largest)) + bias) v, (B, heads, n, d) each."""
    return swin_v2.cosine_attention(q, k, v, bias, None, logit_scale)


class InOneDtype(CosineWindowAttention):
    """Swin V2's attention with coordinates in the dtype of its weights; the official code has them in float32."""

    def relative_coords_table(self) -> Array:
        return log_spaced_coordinates(self.window_size, self.pretrained_window_size, self.dtype.type)


def position_network(rng: np.random.Generator) -> Arguments:
    """A window, that of the first training, the same one or another, and the weights of the network G."""
    window = tuple(map(int, rng.permutation([2, 3, 4])[:2]))
    pretrained = tuple(map(int, rng.permutation([3, 4, 5, 6])[:2])) if rng.integers(3) else window
    hidden, heads = map(int, rng.integers((5, 2), (9, 5)))
    return (window, pretrained, rng.standard_normal((hidden, 2)), rng.standard_normal(hidden),
            rng.standard_normal((heads, hidden)) * hidden ** -0.5)


def bias_by_timm() -> tuple[Arguments, Array]:
    """The bias of timm's Swin V2 for a window of 4 x 4."""
    stored = of_other_systems("swin_v2")
    return ((4, 4), (4, 4), *(stored[name] for name in ("fc1.weight", "fc1.bias", "fc2.weight"))), stored["bias"]


@exercise("Continuous position bias", place="Swin V2, section 3.3, Eq. 3 and 4", points=5, minutes=30,
          toy=lambda: ((2, 2), (3, 2), np.array([[1.0, 0.0], [0.0, -1.0]]), np.zeros(2),
                       np.array([[math.log(3), -math.log(3)]])),
          draw=position_network, golden=bias_by_timm,
          axes="head query key", helpers=("relative_position_index",),
          covers={"a window that is wider than high": one(lambda window: window[0] < window[1]),
                  "a window that is higher than wide": one(lambda window: window[0] > window[1]),
                  "a window upright and lying": alike(lambda window: tuple(sorted(window)), lambda window: window),
                  "the window of the first training":
                  one(lambda window, pretrained_window: window == pretrained_window),
                  "another window than in the first training, with other sides":
                  one(lambda window, pretrained_window: len({*window, *pretrained_window}) == 4),
                  "a window that is larger than in the first training":
                  one(lambda window, pretrained_window: any(
                      side > before for side, before in zip(window, pretrained_window, strict=True))),
                  "two first trainings for one window": alike(lambda window: window,
                                                              lambda pretrained_window: pretrained_window),
                  "two numbers of heads for one window": alike(lambda window: window,
                                                               lambda fc2_weight: len(fc2_weight)),
                  "another number of heads than of tokens in a row":
                  one(lambda window, fc2_weight: len(fc2_weight) not in window)},
          mistakes=("natural-logarithm", "logarithm-not-divided", "coordinates-not-times-8",
                    "coordinates-of-the-equation-alone", "coordinates-without-logarithm",
                    "coordinates-of-the-window-itself", "coordinates-right-before-down",
                    "coordinates-down-the-columns", "gelu-in-the-position-network",
                    "relu-left-out-of-the-position-network", "bias-without-sigmoid", "bias-not-times-16",
                    "continuous-bias-reshaped", "index-transposed", "index-columns-first"))
def continuous_position_bias(window: tuple[int, int], pretrained_window: tuple[int, int], fc1_weight: Array,
                             fc1_bias: Array, fc2_weight: Array) -> Array:
    """(heads, M N, M N): 16 sigmoid(G(log-spaced coordinates)) for each pair of tokens."""
    module = InOneDtype(np.zeros((len(fc2_weight), 1, 1), fc1_weight.dtype), None, None,
                        [Linear(fc1_weight, fc1_bias), Relu(), Linear(fc2_weight, None)], None, None, window,
                        pretrained_window)
    return module.position_bias()
