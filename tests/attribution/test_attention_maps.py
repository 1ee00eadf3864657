"""Attention on the map: right places, sums of 1, nothing across a ragged window, equal to timm's own probabilities."""

import numpy as np
import pytest

from swin_np.attention import relative_position_bias
from swin_np.attribution.attention_maps import allowed_pairs, attention_of, attentions, window_tokens
from swin_np.attribution.spread import follow
from swin_np.baselines.swin_v2 import SwinTransformerV2
from swin_np.crosscheck.record import trace
from swin_np.dense.backbones import Backbone, BackboneConfig
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.functional import layer_norm, softmax
from swin_np.ragged import ragged_windows
from swin_np.shape_policy import TIMM
from swin_np.systems.registry import build
from tests.attribution.small_attending import SWINS, places, swin, vit
from tests.matching import assert_matches

MASKED = 1e-40                                         # exp(-100) is 4e-44
UNPADDED = [((6, 9), (3, 3), (1, 2)), ((8, 12), (4, 3), (2, 0)), ((4, 4), (2, 2), (1, 1)), ((9, 6), (3, 3), (0, 0))]


@pytest.mark.parametrize(("map_size", "window", "shift"), UNPADDED)
def test_tokens_that_may_attend_to_each_other_are_those_of_a_ragged_window(map_size, window, shift):
    tokens, allowed = window_tokens(map_size, window, shift), allowed_pairs(map_size, window, shift)
    assert sorted(tokens.ravel()) == list(range(map_size[0] * map_size[1]))
    numbers = np.arange(map_size[0] * map_size[1]).reshape(map_size)
    expected = {frozenset(numbers[place].ravel()) for place in ragged_windows(map_size, window, shift)}
    found = {frozenset(of_window[row]) for of_window, pairs in zip(tokens, allowed, strict=True) for row in pairs}
    assert found == expected


@pytest.mark.parametrize("pads_before_roll", [True, False])
def test_padding_is_told_apart_and_no_token_is_lost(pads_before_roll):
    tokens = window_tokens((5, 7), 4, 2, pads_before_roll)
    assert tokens.shape == (4, 16)
    assert sorted(tokens[tokens >= 0]) == list(range(35))
    assert np.count_nonzero(tokens == -1) == 64 - 35
    corner = tokens[-1].reshape(4, 4)                  # of the rolled map: its last token was (1, 1) before the roll
    assert corner[-1, -1] == (1 * 7 + 1 if pads_before_roll else -1)


MODELS = {**{name: lambda name=name: swin(name) for name in SWINS}, "version 2": lambda: swin("padded, then rolled", 2),
          "ViT": vit, "distilled DeiT": lambda: vit(distilled=True)}


@pytest.mark.parametrize("name", MODELS)
def test_a_row_with_what_is_off_the_map_sums_to_one(name):
    model, image = MODELS[name]()
    blocks = [block for stage in attentions(model, image) for block in stage]
    for block in blocks:
        for place in places(block.map_size):
            sums = block.row(*place).sum(axis=(1, 2)) + block.off_the_map(*place)
            assert_matches(sums, np.ones(block.heads))
    padded = any((block.off_the_map(*place) > 1e-3).any() for block in blocks for place in places(block.map_size))
    assert padded == (name != "even")


@pytest.mark.parametrize("name", [*SWINS, "version 2"])
def test_no_attention_leaves_the_ragged_window(name):
    model, image = MODELS[name]()
    for stage in attentions(model, image):
        for block in stage:
            for place in places(block.map_size):
                window = block.window(*place)
                assert window[place]
                assert block.row(*place)[:, ~window].max(initial=0) < MASKED
                assert block.row(*place)[:, window].min() > MASKED


@pytest.mark.parametrize("name", ["even"])
def test_the_window_of_a_token_is_the_one_that_the_definition_cuts_out(name):
    model, image = swin(name)
    shifts = set()
    for stage in attentions(model, image):
        for block in stage:
            for rows, columns in ragged_windows(block.map_size, (3, 3), block.shift):
                expected = np.zeros(block.map_size, bool)
                expected[rows, columns] = True
                assert np.array_equal(block.window(rows.start, columns.stop - 1), expected)
            shifts.add(block.shift)
    assert shifts == {(0, 0), (1, 1)}


@pytest.mark.parametrize("place", [(0, 0), (5, 23), (11, 7)])
def test_a_row_is_the_softmax_of_the_scores_with_the_tokens_of_the_ragged_window(place):
    model, image = swin("even")
    block = model.layers[0].blocks[1]
    with trace(model, "layers.0.blocks.0") as found:
        model(image)
    x = layer_norm(found["layers.0.blocks.0"], block.norm1.weight, block.norm1.bias)[0]     # (12, 24, C)
    rows, columns = next((r, c) for r, c in ragged_windows((12, 24), (3, 3), (1, 1))
                         if r.start <= place[0] < r.stop and c.start <= place[1] < c.stop)
    q, k, _ = np.split(x @ block.attn.qkv.weight.T + block.attn.qkv.bias, 3, axis=-1)
    bias = relative_position_bias(block.attn.relative_position_bias_table, (3, 3))
    expected = np.zeros((2, 12, 24))
    for head in range(2):
        mine = slice(4 * head, 4 * head + 4)
        scores = k[rows, columns, mine] @ q[place][mine] / 2           # d = 4
        for i, j in np.ndindex(scores.shape):
            up, left = place[0] - rows.start - i, place[1] - columns.start - j              # query minus key
            query, key = max(up, 0) * 3 + max(left, 0), max(-up, 0) * 3 + max(-left, 0)     # any pair so far apart
            scores[i, j] += bias[head, query, key]
        expected[head, rows, columns] = softmax(scores.ravel()).reshape(scores.shape)
    assert_matches(attention_of(model, image, 0, 1).row(*place), expected)


@pytest.mark.parametrize("name", ["even", "rolled, then padded"])
def test_it_equals_what_timm_computes_rolls_and_cuts(name):
    pytest.importorskip("timm")
    import torch
    from timm.models.swin_transformer import window_partition

    from oracle.vision_twins import timm_swin, twin

    model, image = swin(name)
    for stage in model.layers:
        for block in stage.blocks:
            block.shape_policy = TIMM                  # on an even map nothing is padded
    theirs, found = twin(model, "timm", timm_swin(model.config, strict_img_size=False)), {}
    for module_name, module in theirs.named_modules():
        if module_name.endswith(".attn"):
            module.fused_attn = False
            module.attn_drop.register_forward_hook(
                lambda _, inputs, output, module_name=module_name: found.__setitem__(module_name, output.numpy()))
    with torch.no_grad():
        theirs(torch.from_numpy(image))
    for i, stage in enumerate(attentions(model, image)):
        for j, block in enumerate(stage):
            h, w = block.map_size
            their_block = theirs.layers[i].blocks[j]
            (m, n), shift = their_block.window_size, their_block.shift_size
            numbers = torch.roll(torch.arange(1, h * w + 1).reshape(1, h, w, 1), (-shift[0], -shift[1]), (1, 2))
            numbers = torch.nn.functional.pad(numbers, (0, 0, 0, -w % n, 0, -h % m))        # 0 is padding
            numbers = window_partition(numbers, (m, n)).reshape(-1, m * n).numpy()
            probabilities = found[f"layers.{i}.blocks.{j}.attn"]
            assert any(shift) == any(block.shift)
            for place in places((h, w)):
                window, query = np.argwhere(numbers == 1 + place[0] * w + place[1])[0]
                expected = np.zeros((block.heads, h * w + 1))
                np.add.at(expected, (slice(None), numbers[window]), probabilities[window, :, query])
                assert_matches(block.row(*place), expected[:, 1:].reshape(-1, h, w), 1e-10)
                np.testing.assert_allclose(block.off_the_map(*place), expected[:, 0], atol=1e-12)


@pytest.mark.parametrize("distilled", [False, True])
def test_in_a_vit_every_token_sees_all_and_prefix_tokens_have_no_place(distilled):
    model, image = vit(distilled)
    with trace(model, "blocks.1.attn.probabilities") as found:
        model(image)
    probabilities = found["blocks.1.attn.probabilities"][0]             # (heads, n, n)
    block, prefix = attention_of(model, image[0], 0, 1), 1 + distilled
    assert block.map_size == (3, 4)
    for row, column in places((3, 4)):
        of_query = probabilities[:, prefix + 4 * row + column]
        assert np.array_equal(block.row(row, column), of_query[:, prefix:].reshape(-1, 3, 4))
        assert_matches(block.off_the_map(row, column), of_query[:, :prefix].sum(axis=1))
        assert block.window(row, column).all()


def test_one_block_alone_is_the_same_as_among_all():
    model, image = swin("even")
    one, among_all = attention_of(model, image, 1, 0), attentions(model, image)[1][0]
    assert one.name == among_all.name == "layers.1.blocks.0"
    assert np.array_equal(one.probabilities, among_all.probabilities)


def test_version_2_is_taken_and_its_blocks_are_its_own():
    model, image = swin("even", 2)
    assert isinstance(model, SwinTransformerV2)
    assert [len(stage) for stage in attentions(model, image)] == [2, 2]


@pytest.mark.parametrize(("stage", "block", "sentence"), [
    (2, 0, "stage 2 was asked for, there are 2, counted from 0: give one from 0 to 1"), (-1, 0, "stage -1"),
    (0, 2, "block 2 was asked for, there are 2"),
    (0.5, 0, "stage 0.5"), ("x", 0, "stage 'x'"), (0, None, "block None")])
def test_a_stage_or_block_that_is_not_there_is_refused(stage, block, sentence):
    model, image = swin("even")
    with pytest.raises(InputError, match=sentence):
        attention_of(model, image, stage, block)


def test_a_place_beyond_the_map_is_refused():
    model, image = swin("even")
    block = attention_of(model, image, 0, 0)
    for place in ((12, 0), (0, 24), (-1, 0)):
        with pytest.raises(InputError, match=r"is not on the 12x24 map of layers\.0\.blocks\.0: give a row from 0 to"):
            block.row(*place)


@pytest.mark.parametrize("variant", ["resnet_50", "swin_mixer_t_c24", "fpn_swin_t"])
def test_a_model_without_attention_on_a_map_is_refused(variant):
    with pytest.raises(ConfigurationError, match="give one of these, or in Python the `backbone` of a dense model"):
        attentions(build(variant, seed=None), np.zeros((3, 224, 224), np.float32))


def test_the_backbone_of_a_dense_model_is_taken_as_the_sentence_says():
    model, image = swin("even")
    dense = BackboneConfig(model.config)
    backbone = Backbone.random(dense, dtype=np.float64).backbone
    backbone.layers = model.layers
    backbone.patch_embed = model.patch_embed
    assert backbone.norm is None
    for expected, found in zip(attentions(model, image), attentions(backbone, image), strict=True):
        assert [block.name for block in expected] == [block.name for block in found]
        assert all(np.array_equal(one.probabilities, other.probabilities)
                   for one, other in zip(expected, found, strict=True))
    for expected, found in zip(follow(model, image, (3, 3)), follow(backbone, image, (3, 3)), strict=True):
        assert np.array_equal(expected.influence, found.influence)
        assert expected.multiply_adds == found.multiply_adds


@pytest.mark.parametrize("shape", [(2, 3, 24, 48), (24, 48), (0, 3, 24, 48)])
def test_anything_but_one_image_is_refused(shape):
    with pytest.raises(ShapeError, match="expected one image"):
        attentions(swin("even")[0], np.zeros(shape))
    with pytest.raises(InputError, match="image"):
        attentions(swin("even")[0], "photo.jpg")
