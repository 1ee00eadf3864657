"""The figures on the probes: the numbers they show."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from swin_np.attention import relative_position_bias
from swin_np.errors import ShapeError
from swin_np.functional import softmax
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.plots.probes import (
    accuracy_maps,
    attention_before_and_after_mask,
    bias_by_displacement,
    boards_with_answers,
    corner_attention,
    learned_bias_tables,
    strongest_displacement,
)
from swin_np.plots.style import NUMERAL_SIZE, WHITE
from swin_np.probes import TASKS, probe_config, results

WINDOW = (4, 4)


@pytest.fixture(scope="module")
def model():
    random = SwinTransformer.random(probe_config("flock"))
    redraw(random, seed=4)
    return random


@pytest.fixture(scope="module")
def boards():
    return TASKS["flock"].draw(3, np.random.default_rng(2))


def full_tables(task="flock"):
    return {f"seed {run['seed']}": run["first_stage_bias_tables"] for run in results()["runs"]
            if (run["task"], run["ablation"]) == (task, "full")}


FIGURES = {
    "boards": lambda model, boards: boards_with_answers(TASKS["flock"], boards, {"no_shift": [0, 1, 2]}),
    "maps": lambda model, boards: accuracy_maps({"full": np.ones((16, 16)), "no_shift": np.full((16, 16), np.nan)}),
    "tables": lambda model, boards: learned_bias_tables(full_tables(), WINDOW),
    "attention": lambda model, boards: attention_before_and_after_mask(model, boards.first(1), (15, 0), 1),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_or_overlaps_another_or_is_too_small(monkeypatch, model, boards, name):
    def draw_and_note(text, renderer, draw=Text.draw):
        if text.get_visible() and text.get_text().strip() and text not in texts:
            texts.append(text)
        draw(text, renderer)

    texts, figure = [], FIGURES[name](model, boards)
    monkeypatch.setattr(Text, "draw", draw_and_note)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes, whole = [text.get_window_extent(canvas.get_renderer()) for text in texts], figure.bbox
    for i, box in enumerate(boxes):
        assert texts[i].get_fontsize() >= NUMERAL_SIZE
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, texts[i]
        for j in range(i):
            assert not box.overlaps(boxes[j]), f"{texts[i]} overlaps {texts[j]}"


def test_every_board_has_its_right_answer_above_and_the_models_below(boards):
    answers = [int(answer) for answer in boards.answers]
    figure = boards_with_answers(TASKS["flock"], boards, {"full": answers, "no_bias": [(a + 1) % 4 for a in answers]})
    names = TASKS["flock"].answers
    for axes, answer, photograph in zip(figure.axes, answers, boards.photographs(), strict=True):
        assert axes.get_title() == f"right answer:\n{names[answer]}"
        assert axes.get_xlabel() == f"full: {names[answer]}\nno bias: {names[(answer + 1) % 4]} (wrong)"
        assert np.array_equal(axes.images[0].get_array(), photograph)


def test_the_maps_show_the_accuracies():
    maps = {name: np.random.default_rng(i).random((16, 16)) for i, name in enumerate(("full", "no_shift"))}
    axes = accuracy_maps(maps).axes[:2]
    assert [panel.get_title() for panel in axes] == ["full", "no shift"]
    for panel, accuracy in zip(axes, maps.values(), strict=True):
        assert np.array_equal(panel.images[0].get_array(), accuracy)


def test_a_table_by_displacement_is_the_bias_of_every_pair(rng):
    table = rng.standard_normal((49, 3))
    maps, bias = bias_by_displacement(table, WINDOW), relative_position_bias(table, WINDOW)
    for query, key in np.ndindex(16, 16):
        down, right = key // 4 - query // 4, key % 4 - query % 4
        assert np.array_equal(maps[:, 3 + down, 3 + right], bias[:, query, key])


def test_the_arrow_leads_to_the_key_with_the_largest_bias():
    bias = np.zeros((7, 7))
    bias[1, 5] = 1                                     # 2 rows above, 2 columns to the right
    assert strongest_displacement(bias) == (-2, 2)
    table = bias[::-1, ::-1].reshape(49, 1)
    arrows = [patch for patch in learned_bias_tables({"": [table]}, WINDOW).axes[0].patches
              if isinstance(patch, FancyArrowPatch)]
    assert [(arrow._posA_posB[0], arrow._posA_posB[1]) for arrow in arrows] == [((0, 0), (2, -2))]


def test_each_row_of_tables_is_a_model_and_each_column_a_head():
    tables = full_tables()
    axes = learned_bias_tables(tables, WINDOW).axes[:-1]
    assert len(axes) == 4 * len(tables)
    assert [panel.get_title() for panel in axes[:4]] == [f"block {b}, head {h}" for b in (1, 2) for h in (1, 2)]
    assert [panel.get_ylabel() for panel in axes[::4]] == [f"{name}\nrows" for name in tables]
    assert {panel.get_xlabel() for panel in axes[-4:]} == {"columns"}


QUERIES = [(15, 15), (0, 15), (14, 1), (1, 0)]         # one in each corner


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_attention_of_a_corner_query_sums_to_one_over_the_window_and_after_the_mask_over_its_corner(
        model, boards, query):
    before, after = corner_attention(model, boards.images[0], query)
    inside = np.isin(np.arange(16), (0, 1, 14, 15))
    assert np.array_equal(np.isfinite(before[0]), np.outer(inside, inside))
    own = (np.arange(16) < 8) == (query[0] < 8), (np.arange(16) < 8) == (query[1] < 8)
    for weights in (before, after):
        assert np.allclose(np.nansum(weights, axis=(1, 2)), 1, atol=1e-6)
    assert np.allclose(np.nansum(after[:, own[0]][:, :, own[1]], axis=(1, 2)), 1, atol=1e-6)
    assert (np.nansum(before[:, own[0]][:, :, own[1]], axis=(1, 2)) < 0.999).all()


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_attention_after_the_mask_is_that_of_the_corners_tokens_alone(model, boards, query):
    """By the definition: the four tokens of the query's corner, with the bias of their true displacements."""
    block = model.layers[0].blocks[1]
    x = model.layers[0].blocks[0](model.embed(boards.images[:1]))
    tokens = block.norm1(x)[0]
    rows, columns = ((0, 1) if place < 8 else (14, 15) for place in query)
    weight, bias = block.attn.qkv.weight, block.attn.qkv.bias
    table = block.attn.relative_position_bias_table
    after = corner_attention(model, boards.images[0], query)[1]
    for head in range(2):
        part = slice(8 * head, 8 * head + 8)
        q = tokens[query] @ weight[:16][part].T + bias[:16][part]
        scores = {}
        for key in ((row, column) for row in rows for column in columns):
            k = tokens[key] @ weight[16:32][part].T + bias[16:32][part]
            down, right = query[0] - key[0], query[1] - key[1]
            scores[key] = q @ k / np.sqrt(8) + table[7 * (down + 3) + right + 3, head]
        expected = softmax(np.array(list(scores.values())))
        assert np.allclose([after[(head, *key)] for key in scores], expected, atol=1e-5)


@pytest.mark.parametrize(("query", "block"), [((8, 8), "layers.0.blocks.1"), ((0, 8), "layers.0.blocks.1"),
                                              ((15, 15), "layers.0.blocks.0")])
def test_a_query_outside_the_corner_window_or_a_block_without_shift_is_refused(model, boards, query, block):
    with pytest.raises(ShapeError, match="corner window"):
        corner_attention(model, boards.images[0], query, block)


def test_the_numerals_are_the_attention_in_percent(model, boards):
    figure = attention_before_and_after_mask(model, boards.first(1), (15, 0), 1)
    for axes, weights in zip(figure.axes[1:], corner_attention(model, boards.images[0], (15, 0)), strict=True):
        shown = {text.get_position(): text.get_text() for text in axes.texts}
        assert len(shown) == 16
        for (column, row), text in shown.items():
            assert text == f"{100 * weights[1, row, column]:.0f}"


def test_the_sentence_below_tells_how_much_the_mask_takes_away(model, boards):
    before, after = (weights[1] for weights in corner_attention(model, boards.images[0], (15, 0)))
    label = attention_before_and_after_mask(model, boards.first(1), (15, 0), 1).axes[1].get_xlabel()
    assert label.startswith(f"{100 * np.nansum(before[after == 0]):.0f} % ")


def test_four_pieces_and_one_query_are_framed(model, boards):
    axes = attention_before_and_after_mask(model, boards.first(1), (15, 0), 1).axes[0]
    white = {(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in axes.patches
             if to_hex(patch.get_edgecolor()).upper() == WHITE}
    assert white == {(x, y, 2, 2) for x in (-0.5, 13.5) for y in (-0.5, 13.5)}
