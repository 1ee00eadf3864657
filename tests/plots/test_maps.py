"""Feature maps as pictures: how far a token is from the mean is what is drawn, once for each map and with its shape."""

import numpy as np
import pytest

from swin_np.errors import InputError
from swin_np.plots.maps import distinctness, maps_by_distinctness


@pytest.fixture
def maps(rng):
    return [rng.standard_normal((1, 6, 8, 3)), rng.standard_normal((1, 3, 4, 5))]


def test_it_is_the_distance_from_the_mean_token_and_the_largest_is_one():
    x = np.zeros((1, 1, 4, 2)) + 5                     # what all tokens share does not count
    x[0, 0, 0] += (3, 4)
    x[0, 0, 1] -= (3, 4)
    x[0, 0, 2] += (1.5, 2)
    x[0, 0, 3] -= (1.5, 2)
    np.testing.assert_allclose(distinctness(x), [[1, 1, 0.5, 0.5]])


def test_equal_tokens_are_not_distinct():
    assert not distinctness(np.ones((1, 2, 2, 4))).any()


def test_every_map_is_drawn_by_its_distinctness_with_its_shape_below(maps):
    figure = maps_by_distinctness({"one": maps, "other": maps[:1]}, image=np.zeros((6, 8, 3), np.uint8))
    drawn = {axes.get_xlabel(): axes.images[0].get_array() for axes in figure.axes if axes.images}
    assert set(drawn) == {"6 x 8 x 3", "3 x 4 x 5"}
    np.testing.assert_array_equal(drawn["3 x 4 x 5"], distinctness(maps[1]))
    assert sum(bool(axes.images) for axes in figure.axes) == 5          # 2 images, 3 maps


def test_one_bar_tells_what_the_colours_of_all_maps_mean(maps):
    *panels, bar = maps_by_distinctness({"one": maps, "other": maps}).axes
    assert "distance from the mean token" in bar.get_xlabel() and bar.get_xlim() == (0, 1)
    assert {(*axes.images[0].get_clim(), axes.images[0].cmap.name) for axes in panels} == {(0, 1, "cividis")}


def test_every_row_has_its_name_above_its_first_map(maps):
    figure = maps_by_distinctness({"one": maps, "other": maps})
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == ["one", "", "other", ""]


@pytest.mark.parametrize("rows", [{}, {"one": []}])
def test_no_maps_are_refused(rows):
    with pytest.raises(InputError, match="no maps to draw"):
        maps_by_distinctness(rows)
