"""Notebook 1: softmax, layer normalisation, GELU, one head of attention, and several (Eq. 3 and 4 without windows)."""

import numpy as np

from swin_np import attention, functional
from swin_np.attention import WindowAttention
from swin_np.exercises.covering import alike, differ, one, uneven
from swin_np.exercises.exercise import Arguments, exercise
from swin_np.functional import Array
from swin_np.layers import LayerNorm, Linear


def scores(rng: np.random.Generator) -> Arguments:
    """Scores from small to huge, on two to four axes: a softmax that overflows shows."""
    shape = rng.integers(2, 6, rng.integers(2, 5))
    return (rng.standard_normal(shape) * 10.0 ** rng.integers(-1, 4, (*shape[:-1], 1)),)


@exercise("Softmax", place="section 3.2, Eq. 4", points=2, minutes=10,
          toy=lambda: (np.log([[1.0, 2.0, 1.0], [1.0, 3.0, 4.0]]),), draw=scores,
          golden=lambda: ((np.array([[1000.0, 1000.0, -1000.0]]),), np.array([[0.5, 0.5, 0.0]])),
          covers={"a row with a score too far above its mean for exp":
                  one(lambda x: (x.max(-1) - x.mean(-1)).max() > 710),
                  "a row too far below the largest score of all": one(lambda x: x.max() - x.max(-1).min() > 750),
                  "a row of small scores": one(lambda x: np.abs(x).max(-1).min() < 1),
                  "arrays of two numbers of axes": differ(lambda x: x.ndim), **uneven("x")},
          mistakes=("softmax-overflows", "softmax-over-everything", "softmax-over-the-first-axis",
                    "softmax-not-normalised"))
def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) over the last axis."""
    return functional.softmax(x)


def tokens_and_norm(rng: np.random.Generator) -> Arguments:
    """Tokens of which some are nearly constant, so that the place of eps shows, with weights and bias."""
    *others, c = rng.integers(3, 8, rng.integers(2, 5))
    x = rng.standard_normal((*others, c)) + rng.standard_normal((*others, 1))
    x = x * 10.0 ** rng.integers(-3, 2, (*others, 1))
    return x, rng.uniform(0.5, 1.5, c), rng.standard_normal(c)


def normalising(x: Array, weight: Array, bias: Array) -> dict[str, Array]:
    """What layer normalisation has on its way."""
    return {"x minus its mean": x - x.mean(-1, keepdims=True), "the variance": x.var(-1),
            "x normalised, before weight and bias": LayerNorm(np.ones_like(weight), np.zeros_like(bias))(x)}


@exercise("Layer normalisation", place="section 3.2, Eq. 3 (LN)", points=2, minutes=10,
          toy=lambda: (np.array([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 4.0, 4.0]]), np.array([1.0, 1.0, 1.0, 2.0]),
                       np.array([0.0, 10.0, 0.0, 0.0])), draw=tokens_and_norm,
          golden=lambda: ((np.array([[-1.0, 1.0]]) * 3e-5 ** 0.5, np.ones(2), np.zeros(2)),
                          np.array([[-1.0, 1.0]]) * 0.75 ** 0.5),      # variance 3e-5, and eps a third of that
          covers={"a token so nearly constant that the place of eps shows":
                  one(lambda x: ((x.var(-1) > 1e-7) & (x.var(-1) < 1e-4)).any()),
                  "a token of large numbers": one(lambda x: x.var(-1).max() > 10),
                  "a token far from 0": one(lambda x: (np.abs(x.mean(-1)) > 2 * x.std(-1)).any()),
                  "arrays of two numbers of axes": differ(lambda x: x.ndim), **uneven("x")},
          inside=normalising,
          mistakes=("norm-eps-1e-6", "norm-eps-1e-3", "norm-without-weights", "variance-unbiased",
                    "norm-eps-outside-the-root", "norm-without-mean"))
def layer_norm(x: Array, weight: Array, bias: Array) -> Array:
    """Mean 0 and variance 1 over the last axis, eps 1e-5, then times weight plus bias."""
    return LayerNorm(weight, bias)(x)


@exercise("GELU", place="section 3.1", points=1, minutes=5,
          toy=lambda: (np.array([[-2.0, -1.0, 0.0], [1.0, 2.0, 3.0]]),),
          draw=lambda rng: (3 * rng.standard_normal(rng.integers(2, 7, 3)),),
          golden=lambda: ((np.array([0.0, 1.0, -10.0]),), np.array([0.0, 0.8413447460685429, 0.0])),
          covers={"large numbers of both signs": one(lambda x: x.min() < -3 and x.max() > 3),
                  "small numbers": one(lambda x: (np.abs(x) < 1).any()), **uneven("x")},
          mistakes=("gelu-by-tanh", "quick-gelu", "relu-for-gelu", "activation-left-out"))
def gelu(x: Array) -> Array:
    """x Phi(x) with the normal distribution's Phi."""
    return functional.gelu(x)


def one_head(rng: np.random.Generator) -> Arguments:
    """Queries, keys and values of one head; as many values' channels as the keys'."""
    n, d = rng.integers(3, 8, 2)
    return tuple(2 * rng.standard_normal((n, d)) for _ in range(3))


@exercise("One attention head", place="section 3.2, Eq. 4", points=3, minutes=15,
          toy=lambda: (np.array([[2.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
                       np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]),
                       np.array([[0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 0.0, 1.0], [0.0, 3.0, 0.0, 1.0]])),
          draw=one_head,
          covers={"more tokens than channels": one(lambda q: len(q) > q.shape[1]),
                  "more channels than tokens": one(lambda q: len(q) < q.shape[1]),
                  "another number of channels than 4": one(lambda q: q.shape[1] != 4)},
          axes="token channel", helpers=("softmax",),
          mistakes=("scale-left-out", "scale-twice", "softmax-over-queries", "probabilities-transposed",
                    "softmax-not-normalised"))
def attention_head(q: Array, k: Array, v: Array) -> Array:
    """softmax(q k^T / sqrt(d)) v for one head, without a bias."""
    d = q.shape[-1]
    module = WindowAttention(np.zeros((1, 1)), None, Linear(np.zeros((d, d)), None), (1, 1), num_heads=1)
    return attention.attention(q, k, v, np.zeros(1, q.dtype), None, module.scale())


def linear_layers(rng: np.random.Generator, c: int) -> tuple[Array, ...]:
    """Random weight and bias of qkv, and of proj."""
    return (rng.standard_normal((3 * c, c)) * c ** -0.5, rng.standard_normal(3 * c),
            rng.standard_normal((c, c)) * c ** -0.5, rng.standard_normal(c))


def linear_layers_of_four() -> tuple[Array, ...]:
    """The same for four channels: all queries are the channels twice over, proj exchanges channels."""
    identity = np.eye(4)
    return (np.concatenate([2 * identity, identity[[1, 0, 2, 3]], identity]), np.repeat([0.0, 0.0, 1.0], 4),
            identity[[0, 2, 3, 1]], np.array([0.0, 0.0, 0.0, 10.0]))


def several_heads(rng: np.random.Generator) -> Arguments:
    """Tokens, the weights of both linear layers, and the number of heads."""
    heads, d = map(int, rng.integers(2, 6, 2))
    b, n = rng.integers(2, 6, 2)
    return rng.standard_normal((b, n, heads * d)), *linear_layers(rng, heads * d), heads


def two_heads_of_two() -> Arguments:
    """Three tokens of four channels, two heads; small whole numbers."""
    return (np.array([[[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0]]]),
            *linear_layers_of_four(), 2)


@exercise("Several heads", place="section 3.2, Eq. 4", points=4, minutes=25, toy=two_heads_of_two, draw=several_heads,
          covers={"B, n, heads and d all different":
                  one(lambda x, heads: len({*x.shape[:2], heads, x.shape[2] // heads}) == 4),
                  "more heads than channels in each": one(lambda x, heads: heads > x.shape[2] // heads),
                  "more channels in each head than heads": one(lambda x, heads: heads < x.shape[2] // heads),
                  "four heads or more": one(lambda heads: heads > 3),
                  "two numbers of heads for one number of channels": alike(lambda x: x.shape[2], lambda heads: heads),
                  "tokens, by which C is divided into other parts than by the heads":
                  one(lambda x, heads: x.shape[2] // x.shape[1] != x.shape[2] // heads)},
          axes="image token channel", helpers=("softmax",),
          mistakes=("qkv-split-by-head", "heads-interleaved", "queries-and-keys-swapped", "keys-and-values-swapped",
                    "heads-merged-without-transpose", "heads-merged-interleaved", "scale-left-out", "scale-twice",
                    "scale-of-all-channels", "softmax-over-queries", "probabilities-transposed", "proj-left-out",
                    "proj-transposed", "linear-bias-left-out"))
def multi_head_attention(x: Array, qkv_weight: Array, qkv_bias: Array, proj_weight: Array, proj_bias: Array,
                         heads: int) -> Array:
    """Eq. 4 for every head, without a bias table: qkv, split, attention, merge, proj."""
    module = WindowAttention(np.zeros((1, heads)), Linear(qkv_weight, qkv_bias), Linear(proj_weight, proj_bias),
                             (1, 1), heads)
    return module.attend(x, np.zeros(1, x.dtype), None)
