"""Attention rollout (Abnar and Zuidema 2020, "Quantifying attention flow in Transformers") through a hierarchy.

Each block counts as (A + I) / 2: half its attention, the mean over the heads, and half its residual path. Their product
tells how much of each token of an early map is in a token of a late one, if nothing but attention mixed tokens. Patch
merging does too: a merged token takes a quarter of each of its four. MLPs, norms and values are left out, as in the
paper, so rollout is a summary of where attention went, and no attribution of the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from swin_np.attribution.attention_maps import OFF_THE_MAP, BlockAttention
from swin_np.attribution.block_sparse import BlockSparse
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.patches import patch_merging


@dataclass(frozen=True)
class Rollout:
    """How much of each token of a map is in a later token, (h, w), and how much is off the map; 1 in sum.

    off_the_map: what went to padding on the way, and to tokens without a place, such as the class token.
    """

    weights: Array
    off_the_map: float


def with_residual(attention: BlockAttention) -> BlockSparse:
    """(A + I) / 2, the step of rollout for a block."""
    matrix = attention.matrix()
    return replace(matrix, values=(matrix.values + np.eye(matrix.values.shape[1])) / 2)


def merging(map_size: tuple[int, int]) -> BlockSparse:
    """Patch merging of a map (h, w): each merged token takes a quarter of each of its four.

    An odd map is padded at the bottom and right; the quarters of the padding are missing in the rows' sums.
    """
    h, w = map_size
    numbers = np.pad(np.arange(h * w).reshape(1, h, w, 1), ((0, 0), (0, h % 2), (0, w % 2), (0, 0)),
                     constant_values=OFF_THE_MAP)
    columns = patch_merging(numbers).reshape(-1, 4)    # (h/2 w/2, 4)
    return BlockSparse(np.full((len(columns), 1, 4), 0.25), np.arange(len(columns))[:, None], columns,
                       (len(columns), h * w))


def rollout_steps(attentions: Sequence[Sequence[BlockAttention]], first: int, last: int) -> list[BlockSparse]:
    """The steps from the map that enters stage `first` to the one that leaves `last`, before its merging."""
    steps = []
    for stage in range(first, last + 1):
        steps += [with_residual(attention) for attention in attentions[stage]]
        if stage < last:
            steps.append(merging(attentions[stage][0].map_size))
    return steps


def rollout(attentions: Sequence[Sequence[BlockAttention]], last: int, place: tuple[int, int] | None = None,
            first: int = 0) -> Rollout:
    """What a token after stage `last` holds of the map that enters stage `first`, both counted from 0.

    attentions: of all blocks, as `attentions(model, image)` gives them. place: row and column of the token on its map;
    without it what is classified is followed: the mean of all tokens, in a ViT the class token.
    Raises InputError for stages or a place that are not there.
    """
    if not 0 <= first <= last < len(attentions):
        raise InputError(f"rollout from stage {last} back to stage {first} was asked for, there are {len(attentions)}, "
                         "counted from 0: give two of them, the later first")
    start, end = attentions[last][-1], attentions[first][0]
    held = np.zeros((1, start.count))
    if place is not None:
        held[0, start.token(*place)] = 1
    elif start.prefix:
        held[0, 0] = 1                                 # the class token
    else:
        held[:] = 1 / start.count
    for step in reversed(rollout_steps(attentions, first, last)):
        held = held @ step
    weights = held[0, end.prefix:].reshape(end.map_size)
    return Rollout(weights, float(1 - weights.sum()))
