"""Rollout: the product of dense matrices built another way, 1 in sum, and non-zero exactly where the masks reach."""

import numpy as np
import pytest

from swin_np.attribution.attention_maps import attentions
from swin_np.attribution.rollout import merging, rollout, rollout_steps
from swin_np.attribution.spread import reach_by_map
from swin_np.errors import InputError
from tests.attribution.small_attending import SWINS, places, swin, vit
from tests.matching import assert_matches

MASKED = 1e-40                                         # exp(-100) is 4e-44, and products of it are smaller


def dense_step(block):
    """(A + I) / 2 from the rows of a block's attention, as the paper has it."""
    rows = [block.row(*place).mean(axis=0).ravel() for place in places(block.map_size)]
    return (np.array(rows) + np.eye(len(rows))) / 2


def dense_merging(h, w):
    """The mean of each 2x2 group of an h x w map, what lies beyond an odd side left out: (h/2 w/2, h w)."""
    rows = []
    for i, j in np.ndindex(-(-h // 2), -(-w // 2)):
        group = np.zeros((h, w))
        group[2 * i:2 * i + 2, 2 * j:2 * j + 2] = 0.25
        rows.append(group.ravel())
    return np.array(rows)


@pytest.mark.parametrize("map_size", [(4, 6), (5, 6), (3, 7), (1, 1)])
def test_merging_takes_a_quarter_of_each_of_the_four(map_size):
    assert np.array_equal(merging(map_size).dense(), dense_merging(*map_size))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", SWINS)
def test_it_is_the_product_of_the_dense_matrices_through_both_stages(name, version):
    model, image = swin(name, version)
    stages = attentions(model, image)
    product = np.eye(np.prod(stages[0][0].map_size))
    for i, stage in enumerate(stages):
        if i:
            product = dense_merging(*stages[i - 1][0].map_size) @ product
        for block in stage:
            product = dense_step(block) @ product
    (h, w), start = stages[1][0].map_size, stages[0][0].map_size
    for row, column in places((h, w)):
        assert_matches(rollout(stages, 1, (row, column)).weights, product[row * w + column].reshape(start))
    assert_matches(rollout(stages, 1).weights, product.mean(axis=0).reshape(start))


def test_through_one_stage_alone_its_blocks_are_multiplied_the_first_last():
    stages = attentions(*swin("even"))
    first, second = map(dense_step, stages[1])
    through = rollout(stages, 1, (2, 5), first=1).weights
    assert_matches(through, (second @ first)[2 * 12 + 5].reshape(6, 12))
    assert not np.allclose(through.ravel(), (first @ second)[2 * 12 + 5])
    assert len(rollout_steps(stages, 0, 1)) == 5       # two blocks, merging, two blocks


@pytest.mark.parametrize("name", SWINS)
def test_weights_and_what_is_off_the_map_sum_to_one(name):
    model, image = swin(name)
    stages, lost = attentions(model, image), 0.0
    for place in places(stages[1][0].map_size):
        held = rollout(stages, 1, place)
        assert held.weights.min() >= 0 and held.off_the_map > -1e-12
        assert_matches(np.array(held.weights.sum() + held.off_the_map), np.array(1.0))
        lost = max(lost, held.off_the_map)
    assert (lost > 1e-3) == (name != "even")           # padding is in every other one's windows


@pytest.mark.parametrize("name", SWINS)
def test_it_is_not_zero_exactly_where_the_masks_let_a_pixel_reach(name):
    model, image = swin(name)
    stages = attentions(model, image)
    held = {place: rollout(stages, 1, place).weights for place in places(stages[1][0].map_size)}
    for source in places(stages[0][0].map_size):
        *_, last = reach_by_map(model, image.shape[2:], (2 * source[0], 2 * source[1])).values()
        for place in places(last.shape):
            assert (held[place][source] > MASKED) == last[place]


@pytest.mark.parametrize("distilled", [False, True])
def test_in_a_vit_it_starts_at_the_class_token_and_keeps_tokens_without_a_place(distilled):
    model, image = vit(distilled)
    stages, prefix = attentions(model, image), 1 + distilled
    product = np.eye(12 + prefix)
    for block in stages[0]:
        product = (block.probabilities[0].mean(axis=0) + np.eye(12 + prefix)) / 2 @ product
    held = rollout(stages, 0)
    assert_matches(held.weights, product[0, prefix:].reshape(3, 4))
    assert held.off_the_map == pytest.approx(product[0, :prefix].sum())
    assert_matches(rollout(stages, 0, (1, 2)).weights, product[prefix + 6, prefix:].reshape(3, 4))


@pytest.mark.parametrize(("last", "first", "place", "sentence"), [
    (2, 0, None, "rollout from stage 2 back to stage 0 was asked for, there are 2"), (0, 1, None, "the later first"),
    (1, -1, None, "the later first"),
    (1, 0, (6, 0), r"row 6, column 0 is not on the 6x12 map of layers\.1\.blocks\.1")])
def test_stages_and_places_that_are_not_there_are_refused(last, first, place, sentence):
    stages = attentions(*swin("even"))
    with pytest.raises(InputError, match=sentence):
        rollout(stages, last, place, first)
