"""How well a model answers: its logits on many boards, accuracy and loss over all of them and by position."""

from collections.abc import Callable, Iterable

import numpy as np

from swin_np.functional import Array
from swin_np.model import SwinTransformer
from swin_np.probes.tasks import SIDE, Boards

BATCH = 128                                            # images


def logits_of(model: SwinTransformer, boards: Boards, watch: Callable[[range], Iterable[int]] = iter) -> Array:
    """The model's class scores (B, answers) for all the boards, a batch of 128 at a time.

    watch: is given the first board of every batch, to show how far the work is.
    """
    starts = range(0, len(boards.images), BATCH)
    return np.concatenate([model(boards.images[start:start + BATCH].astype(model.dtype, copy=False))
                           for start in watch(starts)])


def is_right(logits: Array, answers: Array) -> Array:
    """Whether the largest logit is that of the right answer, (B,) bool."""
    return logits.argmax(axis=1) == answers


def cross_entropy(logits: Array, answers: Array) -> Array:
    """The loss of every image (B,) float64, in nats: minus the logarithm of the right answer's probability."""
    logits = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), answers]


def straddles(marks: Array) -> Array:
    """Whether the marks of each board (B, 16, 16) lie in more than one quadrant, (B,) bool."""
    quadrants = marks.reshape(-1, 2, SIDE // 2, 2, SIDE // 2).any(axis=(2, 4))
    return quadrants.sum(axis=(1, 2)) > 1


def accuracy_by_position(marks: Array, right: Array) -> Array:
    """The share of right answers by the tile midway between the two marks of each board: (16, 16), NaN where none was.

    A middle between tiles counts for the tiles on both sides.
    """
    places = np.argwhere(marks)[:, 1:].reshape(-1, 2, 2)                # (B, marks, axes)
    doubled = places.sum(axis=1)                       # twice the middle
    shown, correct = np.zeros((2, SIDE, SIDE))
    for up in np.ndindex(2, 2):
        tile = tuple(((doubled + up) // 2).T)
        np.add.at(shown, tile, 1)
        np.add.at(correct, tile, right)
    return np.divide(correct, shown, out=np.full_like(shown, np.nan), where=shown > 0)
