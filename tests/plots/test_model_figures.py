"""Hierarchy, patches, architecture, complexity, depth and Res2Net: the data behind the figures and what they show."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from swin_np.baselines.res2net import RES2NET_VARIANTS, Bottle2neck, receptive_fields
from swin_np.baselines.resnet import RESNET_VARIANTS, Bottleneck
from swin_np.convolution.functional import conv2d
from swin_np.errors import InputError, ShapeError
from swin_np.model import SwinTransformer
from swin_np.patches import LinearEmbedding
from swin_np.plots import (
    architecture,
    complexity_curve,
    error_by_depth,
    hierarchy_beside_vit,
    patch_embedding,
    patch_merging_order,
    res2net_ladder,
)
from swin_np.plots.architecture import traced_shapes
from swin_np.plots.complexity import (
    SIZES,
    AttentionTime,
    attention_costs,
    counted_costs,
    rate,
    ratio_text,
    read_attention_times,
    stage_sizes,
)
from swin_np.plots.depth import LayerError, read_layer_errors
from swin_np.plots.gallery import DATA
from swin_np.plots.patches import embed_patch, group_places, merged_tokens
from swin_np.plots.res2net import describe, fields_of_split
from swin_np.variants import VARIANTS, SwinConfig
from tests.matching import assert_matches
from tests.plots.drawn import framed, numerals

SWIN_T = VARIANTS["swin_t"]
TIMES = [AttentionTime(0, 224, True, 0.01), AttentionTime(0, 448, True, 0.05), AttentionTime(1, 224, False, 0.02)]
ERRORS = [LayerError("patch_embed", 1e-7, 2e-7, 3e-16), LayerError("layers.0.blocks.0", 4e-7, 5e-7, 6e-16)]


def photograph(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def test_the_maps_of_all_stages_and_of_vit_are_drawn_with_their_tokens_and_windows(rng):
    image = photograph(rng, 224, 224)
    axes = hierarchy_beside_vit(image).axes
    for stage, (panel, side) in enumerate(zip(axes[:5], (56, 28, 14, 7, 14), strict=True)):
        assert np.array_equal(panel.images[0].get_array(), image)       # nothing is averaged
        assert panel.images[0].get_extent() == [-0.5, side - 0.5, side - 0.5, -0.5]
        down, across = ([segment.tolist() for segment in lines.get_segments()] for lines in panel.collections)
        last, borders = side - 0.5, np.arange(side - 1) + 0.5
        assert down == [[[border, -0.5], [border, last]] for border in borders]
        assert across == [[[-0.5, border], [last, border]] for border in borders]
        assert len(framed(panel)) == ((side // 7) ** 2 if stage < 4 else 1)
        assert f"{side} x {side} = {side ** 2} tokens" in panel.get_xlabel(), stage


def test_the_bars_of_the_tokens_are_as_high_as_there_are_tokens(rng):
    axes = hierarchy_beside_vit(photograph(rng, 224, 224)).axes[5]
    assert [bar.get_height() for bar in axes.patches] == [3136, 784, 196, 49, 196]
    assert axes.get_yscale() == "linear" and axes.get_ylim()[0] == 0


def test_a_photograph_of_another_size_has_no_hierarchy(rng):
    with pytest.raises(ShapeError, match="100x224"):
        hierarchy_beside_vit(photograph(rng, 100, 224))


@pytest.fixture
def embedding(rng):
    return LinearEmbedding(rng.standard_normal((5, 3, 4, 2)), rng.standard_normal(5))


def test_the_numbers_of_a_patch_are_the_pixels_and_its_features_the_convolution(embedding, rng):
    image = rng.uniform(size=(8, 10, 3))
    numbers, flat, features = embed_patch(image, embedding, (1, 3))
    assert np.array_equal(numbers, image[4:8, 6:8].transpose(2, 0, 1))
    assert np.array_equal(flat, numbers.ravel())
    convolved = conv2d(image[None], embedding.weight, embedding.bias, stride=(4, 2))        # (1, 2, 5, C)
    assert_matches(features, convolved[0, 1, 3])


def test_the_pixels_the_matrix_and_the_features_are_drawn(embedding, rng):
    image = photograph(rng, 8, 10)
    whole, *planes, matrix, vector, result = (
        axes for part in patch_embedding(image, embedding, (0, 1)).subfigs for axes in part.axes)
    assert framed(whole) == {(2 - 0.5 - 2, 0 - 0.5 - 2, 2 + 4, 4 + 4)}  # two pixels of margin around the patch
    for plane, channel in zip(planes, range(3), strict=True):
        assert np.array_equal(numerals(plane), image[0:4, 2:4, channel])
    assert np.array_equal(matrix.images[0].get_array(), embedding.weight.reshape(5, 24))
    product = embedding.weight.reshape(5, 24) @ vector.images[0].get_array().ravel() + embedding.bias
    assert_matches(result.images[0].get_array().data.ravel(), product)


@pytest.mark.parametrize("patch", [(2, 0), (0, 5), (-1, 0)])
def test_a_patch_outside_the_image_is_refused(embedding, rng, patch):
    with pytest.raises(ShapeError, match="outside"):
        patch_embedding(photograph(rng, 8, 10), embedding, patch)


def test_four_neighbours_are_merged_down_the_columns_first():
    assert merged_tokens((4, 6))[1, 2].tolist() == [16, 22, 17, 23]
    assert group_places((4, 6))[:2, :2].tolist() == [[0, 2], [1, 3]]


def test_the_merged_tokens_are_drawn_with_the_numbers_of_their_four():
    before, gathered, reduced = patch_merging_order((4, 6), 8).axes
    assert np.array_equal(numerals(before), np.arange(24).reshape(4, 6))
    assert np.array_equal(numerals(gathered).reshape(2, 3, 4), merged_tokens((4, 6)))
    for panel, each in ((gathered, 4), (reduced, 2)):
        assert {box[2:] for box in framed(panel)} == {(each, 1)}
        assert len(framed(panel)) == 6
    assert "4C = 32" in gathered.get_title()
    assert "2C = 16" in reduced.get_title()


def test_a_token_that_is_merged_keeps_its_colour():
    before, gathered, _ = patch_merging_order((4, 6)).axes
    colours, numbers = before.images[0].get_array(), numerals(gathered)
    for place, number in np.ndenumerate(numbers.astype(int)):
        assert np.array_equal(gathered.images[0].get_array()[place], colours[divmod(number, 6)])


def test_a_map_with_an_odd_side_has_no_merging():
    with pytest.raises(ShapeError, match="odd"):
        patch_merging_order((4, 5))


@pytest.fixture(scope="module")
def small():
    config = SwinConfig((48, 64), 4, embed_dim=4, depths=(2, 3), num_heads=(2, 4), window_size=3, num_classes=5)
    return SwinTransformer.random(config), np.zeros((2, 3, 48, 64), np.float32)             # maps 12x16 and 6x8


def test_the_shapes_on_the_arrows_are_those_of_the_forward_pass(small):
    model, images = small
    shapes = traced_shapes(model, images)
    texts = [[text.get_text() for text in axes.texts if " x " in text.get_text()]
             for axes in architecture(model, images).axes]
    assert texts[0] == ["2 x 3 x 48 x 64", "2 x 12 x 16 x 4", "2 x 12 x 16 x 4", "2 x 6 x 8 x 8", "2 x 6 x 8 x 8",
                        "2 x 6 x 8 x 8", "2 x 5"]
    for axes, name in ((texts[1], "layers.0.blocks.0"), (texts[2], "layers.0.blocks.1")):
        for part in ("norm1", "attn.windows", "attn.q", "attn.scores", "attn.probabilities", "attn", "mlp.fc1"):
            assert " x ".join(map(str, shapes[f"{name}.{part}"])) in axes
    assert shapes["layers.0.blocks.1.attn.windows"] == (2 * 4 * 6, 3, 3, 4)                 # 16 is padded to 18


def test_the_stages_are_drawn_with_their_numbers_of_blocks(small):
    drawn = [text.get_text() for text in architecture(*small).axes[0].texts]
    assert [text for text in drawn if "blocks" in text] == ["stage 1: 2 blocks", "stage 2: 3 blocks"]


def test_the_ratios_at_224_are_those_of_the_paper():
    costs = [attention_costs(SWIN_T, stage, [224]) for stage in range(4)]
    assert [ratio_text(msa[0] / window_msa[0]) for msa, window_msa in costs] == ["x 13.8", "x 2.70", "x 1.18", "x 1.00"]


@pytest.mark.parametrize("stage", range(4))
def test_the_costs_are_equations_1_and_2_and_are_what_is_counted(stage):
    sizes = stage_sizes(SWIN_T, stage, SIZES)
    tokens, channels = np.array([(size // 4 // 2 ** stage) ** 2 for size in sizes]), 96 * 2 ** stage
    msa, window_msa = attention_costs(SWIN_T, stage, sizes)
    assert np.array_equal(msa, 4 * tokens * channels ** 2 + 2 * tokens ** 2 * channels)
    assert np.array_equal(window_msa, 4 * tokens * channels ** 2 + 2 * 49 * tokens * channels)
    counted_msa, counted_window_msa = counted_costs(SWIN_T, stage, sizes)
    assert np.array_equal(msa, counted_msa)
    assert np.array_equal(window_msa, counted_window_msa)


def test_a_stage_begins_where_one_window_covers_its_map():
    assert [stage_sizes(SWIN_T, stage, SIZES)[0] for stage in range(4)] == [28, 56, 112, 224]
    assert stage_sizes(SWIN_T, 0, [2, 28, 32]) == [28]


def test_a_window_for_each_stage_counts_in_its_own():
    config = replace(SWIN_T, window_size=(7, 7, 14, 7))
    assert [stage_sizes(config, stage, SIZES)[0] for stage in range(4)] == [28, 56, 224, 224]
    for stage in range(4):
        assert [costs.tolist() for costs in attention_costs(config, stage, [448])] == [
            costs.tolist() for costs in counted_costs(config, stage, [448])]


def test_the_curves_are_the_costs_and_meet_where_one_window_covers_the_map():
    for stage, axes in enumerate(complexity_curve(measured=TIMES).axes):
        sizes = stage_sizes(SWIN_T, stage, SIZES)
        msa, window_msa = attention_costs(SWIN_T, stage, sizes)
        lines = {line.get_label(): line for line in axes.lines}
        for label, costs in (("MSA, Eq. 1", msa), ("W-MSA, Eq. 2", window_msa), ("MSA, counted", msa),
                             ("W-MSA, counted", window_msa)):
            assert np.array_equal(lines[label].get_xdata(), sizes)
            assert np.array_equal(lines[label].get_ydata(), costs)
        meeting = lines["they meet: one window\ncovers the map"]
        assert meeting.get_xdata().tolist() == [28 * 2 ** stage]
        assert meeting.get_ydata().tolist() == [msa[0]]
        ends = [ratio_text(msa[i] / window_msa[i]) for i in (sizes.index(224), -1)]
        assert [text.get_text() for text in axes.texts] == ends


def test_times_are_drawn_at_the_rate_of_the_first_stage_at_224():
    per_second = attention_costs(SWIN_T, 0, [224])[1][0] / 0.01
    assert rate(SWIN_T, TIMES) == per_second
    first, second = (({line.get_label(): line for line in axes.lines}) for axes in complexity_curve(
        measured=TIMES).axes[:2])
    assert first["W-MSA, measured"].get_xdata().tolist() == [224, 448]
    assert first["W-MSA, measured"].get_ydata() == pytest.approx([0.01 * per_second, 0.05 * per_second])
    assert second["MSA, measured"].get_ydata() == pytest.approx([0.02 * per_second])


def test_without_times_the_equations_are_drawn_alone():
    labels = [line.get_label() for line in complexity_curve().axes[0].lines]
    assert not any("measured" in label for label in labels)


def test_times_without_the_one_that_gives_the_rate_are_refused():
    with pytest.raises(InputError, match="224 pixels"):
        complexity_curve(measured=TIMES[1:])


def test_sizes_that_windows_do_not_tile_are_refused():
    with pytest.raises(ShapeError, match="does not divide"):
        attention_costs(SWIN_T, 0, [224, 256])


@pytest.mark.parametrize(("read", "key", "rows"), [(read_attention_times, "times", TIMES),
                                                   (read_layer_errors, "layers", ERRORS)])
def test_measurements_are_read_from_json(tmp_path, read, key, rows):
    path = tmp_path / "measured.json"
    path.write_text(json.dumps({"other": 1, key: [asdict(row) for row in rows]}))
    assert read(path) == rows


@pytest.mark.parametrize("read", [read_attention_times, read_layer_errors])
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"times": [1], "layers": [1]}',
                                  '{"times": [{"stage": 1}], "layers": [{"name": 1}]}', '{"times": 3, "layers": 3}'])
def test_other_files_are_refused_in_one_sentence(tmp_path, read, text):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(InputError, match=r"file\.json holds no .*python -m benchmarks\."):
        read(tmp_path / "file.json")


def test_a_file_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_attention_times(tmp_path / "none.json")


def test_the_stored_errors_are_rounding_in_every_layer():
    errors = read_layer_errors(DATA / "error_by_depth.json")
    assert [error.name for error in errors if error.name.startswith("layers.2.blocks")] == [
        f"layers.2.blocks.{j}" for j in range(6)]
    assert all(error.ours_float32 < 2e-6 for error in errors)
    assert all(error.theirs_float64 < 1e-14 for error in errors)


def test_every_layer_is_drawn_with_its_three_errors():
    axes = error_by_depth(ERRORS).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(lines["swin_np float32 - swin_np float64"]) == [1e-7, 4e-7]
    assert list(lines["PyTorch float32 - swin_np float64"]) == [2e-7, 5e-7]
    assert list(lines["PyTorch float64 - swin_np float64"]) == [3e-16, 6e-16]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["patch_embed", "layers.0.blocks.0"]


def test_a_figure_of_no_layers_is_refused():
    with pytest.raises(InputError, match="no layers"):
        error_by_depth([])


def bottlenecks(scale):
    resnet, resnext = (Bottleneck.random(RESNET_VARIANTS[name], 0, 256, 1, None)
                       for name in ("resnet_50", "resnext_50_32x4d"))
    config = replace(RES2NET_VARIANTS["res2net_50_26w_4s"], scale=scale)
    return resnet, resnext, Bottle2neck.random(config, 0, 256, 1, False, None)


def test_a_convolution_is_described_by_its_weight():
    resnet, resnext, res2net = bottlenecks(4)
    assert describe(resnet.conv2) == "3x3, 64 to 64"
    assert describe(resnext.conv2) == "3x3, 128 to 128\n32 groups"
    assert describe(res2net.conv1) == "1x1, 256 to 104"


@pytest.mark.parametrize(("scale", "expected"), [(2, ["3", "1"]), (4, ["3", "5, 3", "7, 5, 3", "1"])])
def test_the_splits_see_more_and_more(scale, expected):
    fields = receptive_fields(scale)
    assert [fields_of_split(fields, i) for i in range(scale)] == expected


@pytest.mark.parametrize("scale", [2, 4, 6])
def test_the_ladder_has_a_convolution_and_a_field_for_every_split(scale):
    *_, ladder, table = res2net_ladder(*bottlenecks(scale)).axes
    texts = [text.get_text() for text in ladder.texts]
    assert sum(text.startswith("3x3") for text in texts) == scale - 1
    assert [text.split("\n")[1] for text in texts if "sees" in text] == [
        fields_of_split(receptive_fields(scale), i) for i in range(scale)]
    assert texts.count("+") == (scale - 2) + 1         # between the splits, and around the block
    assert np.array_equal(np.nan_to_num(numerals(table)), receptive_fields(scale))
