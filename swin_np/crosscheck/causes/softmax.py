"""Attention computed otherwise: cosine attention, another denominator of the softmax, masks that some images lack."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np

from swin_np.crosscheck.causes.cause import Cause
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.functional import Array, softmax
from swin_np.layers import Module, note
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import ATTENTION, Mistake

PLACE = "swin_np.attention.attention"
FIX = "Eq. 4: softmax(q k^T d^-1/2 + B + mask) v."
COSINE_SCALES = (1.0, 5.0, 10.0, 14.0, 16.0, 20.0, 30.0, 32.0, 64.0, 100.0)

Scores = Callable[[Array, Array, float], Array]


def attentions(stretch: Stretch) -> Iterator[Cause]:
    """Of the last block of the stretch."""
    name = next((name for name in stretch.modules if name.endswith(".attn")), "")
    if not name:
        return
    for tau in COSINE_SCALES:
        yield cause("cosine attention", name, f"The scores are cosines of queries and keys, times {tau:g}, as in Swin "
                    "V2: both are divided by their length", lambda q, k, scale, tau=tau: tau * cosines(q, k))
    yield cause("cosine attention", name, "Queries and keys are divided by their length and then scaled by d^-1/2 as "
                "well", lambda q, k, scale: scale * cosines(q, k))
    yield cause("one in the denominator", name, "1 is added to the denominator of the softmax, so the weights of a "
                "query sum to less than 1", right_scores, with_one)
    yield cause("softmax not normalised", name, "The softmax is not divided by its sum", right_scores,
                lambda s: np.exp(s - s.max(axis=-1, keepdims=True)))
    yield cause("sigmoid for softmax", name, "A sigmoid stands in place of the softmax", right_scores,
                lambda s: 1 / (1 + np.exp(-s)))
    yield cause("base 2", name, "The softmax is computed in base 2, without the factor log2(e)", right_scores,
                lambda s: softmax((np.log(2) * s).astype(s.dtype)))
    for keep in (0.9, 0.8, 0.5):
        yield cause("probabilities scaled", name, f"The probabilities are divided by {keep}, as by dropout",
                    right_scores, lambda s, keep=keep: softmax(s) / keep)


def right_scores(q: Array, k: Array, scale: float) -> Array:
    return (q * scale) @ k.swapaxes(-1, -2)


def with_one(s: Array) -> Array:
    e = np.exp(s)
    return e / (1 + e.sum(axis=-1, keepdims=True))


def cosines(q: Array, k: Array) -> Array:
    q, k = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12) for x in (q, k))
    return q @ k.swapaxes(-1, -2)


def cause(kind: str, module: str, says: str, scores: Scores, normalise: Callable[[Array], Array] = softmax) -> Cause:
    """Other scores, or another normalisation."""
    def wrong(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
        s = note("scores", scores(q, k, scale).astype(q.dtype))
        s = note("scores_with_bias", s + bias)
        if mask is not None and mask.any():
            s = note("scores_with_mask", s + mask)
        return note("probabilities", normalise(s).astype(q.dtype)) @ v

    def put(model: Module) -> AbstractContextManager[None]:
        return planted(Mistake(kind, PLACE, wrong, says, FIX, "", ATTENTION))

    return Cause(kind, module, f"{says}.", FIX, put)
