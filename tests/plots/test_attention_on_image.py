"""Attention, rollout, class maps and spread as pictures: every number drawn is the library's, where its token lies."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from swin_np.attribution import attentions, error_by_map, follow, rollout
from swin_np.errors import InputError
from swin_np.mistakes.catalogue import CATALOGUE
from swin_np.plots.attention_on_image import attention_on_image, border, rollout_by_stage
from swin_np.plots.class_maps import class_maps_on_image
from swin_np.plots.spread import error_through_stages, pixel_through_stages
from tests.attribution.small_attending import swin, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 48, 3)).astype(np.uint8)


def overlay(axes):
    """The values that are laid on a panel's image, NaN where there are none."""
    return np.ma.filled(axes.images[-1].get_array().astype(float), np.nan)


def sides(axes):
    """The sides of the lines of each colour in a panel, as a set of their ends in pixels."""
    found = {}
    for collection in axes.collections:
        if isinstance(collection, LineCollection):
            colour = tuple(collection.get_color()[0][:3])
            found[colour] = {tuple(map(tuple, segment)) for segment in collection.get_segments()}
    return found


def test_a_border_is_where_a_set_ends():
    inside = np.array([[True, True, False], [False, True, False]])
    assert set(border(inside)) == {((0, 0), (2, 0)), ((0, 1), (1, 1)), ((1, 2), (2, 2)),
                                   ((0, 0), (0, 1)), ((1, 1), (1, 2)), ((2, 0), (2, 2))}
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    assert set(border(ring)) == {((0, 0), (3, 0)), ((0, 3), (3, 3)), ((0, 0), (0, 3)), ((3, 0), (3, 3)),
                                 ((1, 1), (2, 1)), ((1, 2), (2, 2)), ((1, 1), (1, 2)), ((2, 1), (2, 2))}


@pytest.fixture(scope="module")
def stages():
    return attentions(*swin("even"))


def test_each_head_is_drawn_in_the_tokens_own_window_and_their_mean_last(stages):
    block, place = stages[0][1], (11, 5)
    figure = attention_on_image(IMAGE, block, place)
    whole, *panels, bar = figure.axes
    row, window = block.row(*place), block.window(*place)
    assert [axes.get_title() for axes in panels] == ["head 1", "head 2", "mean of the heads"]
    for axes, expected in zip(panels, [*row, row.mean(axis=0)], strict=True):
        assert np.array_equal(np.isfinite(overlay(axes)), window)
        assert np.array_equal(overlay(axes)[window], expected[window])
        assert axes.images[-1].get_extent() == [0, 48, 24, 0]
        assert axes.images[-1].norm.vmax == row.max()
    assert bar.get_ylabel() == "share of the token's attention"
    assert "stage 1, block 2, shifted by (1, 1)" in figure.texts[0].get_text()
    assert whole.get_xlabel() == "token (11, 5) of 12x24"


def test_the_query_and_its_window_are_framed_in_every_panel(stages):
    block, place = stages[1][1], (0, 11)
    for axes in attention_on_image(IMAGE, block, place).axes[:-1]:
        lines = sides(axes)
        white, orange = (1.0, 1.0, 1.0), (230 / 255, 159 / 255, 0.0)
        scaled = {tuple((4.0 * x, 4.0 * y) for x, y in side) for side in border(block.window(*place))}
        assert lines[white] == scaled
        assert lines[orange] == {((44, 0), (48, 0)), ((44, 4), (48, 4)), ((44, 0), (44, 4)), ((48, 0), (48, 4))}


def test_chosen_heads_alone_are_drawn_and_one_has_no_mean(stages):
    titles = [[axes.get_title() for axes in attention_on_image(IMAGE, stages[1][0], (2, 3), heads).axes[1:-1]]
              for heads in ([2], [3, 0])]
    assert titles == [["head 3"], ["head 4", "head 1", "mean of the heads"]]
    panel = attention_on_image(IMAGE, stages[1][0], (2, 3), [2]).axes[1]
    assert np.nanmax(overlay(panel)) == stages[1][0].row(2, 3)[2].max()


def test_a_head_that_is_not_there_is_refused(stages):
    with pytest.raises(InputError, match=r"head 2 was asked for, layers\.0\.blocks\.0 has 2, counted from 0"):
        attention_on_image(IMAGE, stages[0][0], (0, 0), [2])


def test_what_goes_to_padding_or_to_tokens_without_a_place_is_written_below():
    block = attentions(*swin("padded, then rolled"))[0][0]
    share = 100 * block.off_the_map(10, 16)
    figure = attention_on_image(IMAGE[:22, :34], block, (10, 16))
    assert [axes.get_xlabel() for axes in figure.axes[1:3]] == [f"{of_head:.0f} % to padding" for of_head in share]
    of_vit = attention_on_image(IMAGE[:12, :16], attentions(*vit())[0][0], (0, 0))
    assert of_vit.axes[1].get_xlabel().endswith("% to tokens without place")
    assert of_vit.texts[0].get_text() == "block 1, global attention"


def test_a_note_stands_below_the_title(stages):
    for figure in (attention_on_image(IMAGE, stages[0][0], (0, 0), note="it means nothing"),
                   rollout_by_stage(IMAGE, stages, (0, 0), note="it means nothing"),
                   class_maps_on_image(IMAGE, {"one": np.ones((2, 2))}, note="it means nothing")):
        assert figure.texts[0].get_text().endswith("it means nothing")


def test_rollout_is_drawn_from_the_token_at_the_pixel_after_each_stage(stages):
    figure = rollout_by_stage(IMAGE, stages, (23, 20))
    places = (11, 10), (5, 5)
    held = [rollout(stages, 0, places[0]), rollout(stages, 1, places[1]), rollout(stages, 1)]
    for axes, expected in zip(figure.axes[:3], held, strict=True):
        weights = expected.weights
        drawn = overlay(axes)
        assert np.array_equal(np.isfinite(drawn), weights > 1e-37)
        np.testing.assert_allclose(drawn[weights > 1e-37], (weights / weights.max())[weights > 1e-37])
        assert f"largest share {weights.max():.2g}" in axes.get_xlabel()
    assert not np.isfinite(overlay(figure.axes[0])).all()               # the masks let nothing come from far
    assert [axes.get_title() for axes in figure.axes[:3]] == ["after stage 1", "after stage 2", "what is classified"]


def test_a_pixel_of_no_token_is_refused(stages):
    with pytest.raises(InputError, match="is not on the 12x24 map"):
        rollout_by_stage(IMAGE, stages, (24, 0))


def test_class_maps_are_drawn_on_their_own_symmetric_scales():
    maps = {"one": np.array([[1.0, -3.0]]), "other": np.zeros((2, 2))}
    figure = class_maps_on_image(IMAGE, maps)
    panels = [axes for axes in figure.axes if axes.get_title() in maps]
    for axes, values, largest in zip(panels, maps.values(), (3, 1), strict=True):
        assert np.array_equal(overlay(axes), values)
        assert (axes.images[-1].norm.vmin, axes.images[-1].norm.vmax) == (-largest, largest)
        assert axes.images[-1].get_extent() == [0, 48, 24, 0]
    with pytest.raises(InputError, match="no class maps to draw"):
        class_maps_on_image(IMAGE, {})


def test_a_followed_pixel_is_drawn_with_its_reach_and_every_cost():
    model, image = swin("even")
    followed = follow(model, image, (3, 3))
    figure = pixel_through_stages(followed)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.images}
    assert list(panels) == ["stage 1, block 1", "stage 1, block 2", "merging 1", "stage 2, block 1", "stage 2, block 2"]
    for axes, step in zip(panels.values(), followed, strict=True):
        assert np.array_equal(np.isfinite(overlay(axes)), step.influence > 0)
        assert {tuple(zip(line.get_xdata() + 0.5, line.get_ydata() + 0.5, strict=True)) for line in axes.lines} == set(
            border(step.reach))
    adds, written = [axes for axes in figure.axes if axes.patches and not axes.images][-2:]
    assert [bar.get_height() for bar in adds.patches] == [step.multiply_adds / 1e6 for step in followed]
    assert [bar.get_height() for bar in written.patches] == [step.activation_bytes / 1e6 for step in followed]


def test_an_error_is_drawn_white_where_there_is_none_and_counted_below():
    model, image = swin("even")
    errors = error_by_map(model, image, [CATALOGUE["no-mask"]])
    panels = [axes for axes in error_through_stages(errors, "no-mask").axes if axes.images]
    for axes, error in zip(panels, errors.values(), strict=True):
        assert np.array_equal(np.isfinite(overlay(axes)), error > 0)
        assert axes.get_xlabel() == f"{np.count_nonzero(error)} of {error.size}\n{error.max():.1g}"


def test_nothing_to_draw_is_refused():
    for draw in (lambda: pixel_through_stages([]), lambda: error_through_stages({}, "no-mask")):
        with pytest.raises(InputError, match=r"call swin_np\.attribution"):
            draw()
