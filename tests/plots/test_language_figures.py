"""The figures of attention on a few tokens, and of what is to be seen in an image, by their data."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from swin_np.errors import ShapeError
from swin_np.plots.attention_steps import attention_steps, numeral, step_arrays
from swin_np.plots.gallery import cropped_photograph
from swin_np.plots.language_and_vision import (
    ENTITIES,
    entities_on_grid,
    pairs_of_tokens,
    tokens_by_patch_size,
    tokens_of,
)
from swin_np.plots.style import BLUE, ORANGE


@pytest.fixture
def qkv(rng):
    return rng.standard_normal((3, 4)), rng.standard_normal((3, 4)), rng.standard_normal((3, 2))


def test_the_steps_of_attention_are_those_of_its_equation(qkv):
    q, k, v = qkv
    steps = step_arrays(q, k, v)
    weights = np.exp(q @ k.T / 2) / np.exp(q @ k.T / 2).sum(axis=1, keepdims=True)
    assert np.allclose(steps["scores"], q @ k.T / 2)
    assert np.allclose(steps["probabilities"], weights)
    assert np.allclose(steps["output"], weights @ v)


def test_every_number_of_every_step_stands_in_its_cell(qkv):
    steps = step_arrays(*qkv)
    panels = attention_steps(*qkv).axes
    for axes, name in zip(panels, ("q", "k", "scores", "probabilities", "v", "output"), strict=True):
        assert [text.get_text() for text in axes.texts] == [numeral(value) for value in steps[name].ravel()], name


def test_zero_is_white_in_every_step_and_the_sign_has_a_colour_of_its_own(qkv):
    for values, axes in zip((qkv[0], qkv[1]), attention_steps(*qkv).axes, strict=False):
        colours = axes.images[0].get_array()
        darkest = np.abs(values) == np.abs(values).max()
        assert np.allclose(colours[darkest], to_rgb(BLUE if values[darkest] > 0 else ORANGE))
    q = np.array([[0.0, -2, 1], [4, 0, 0]])
    colours = attention_steps(q, q, q).axes[0].images[0].get_array()
    assert (colours[q == 0] == 1).all() and np.allclose(colours[1, 0], to_rgb(BLUE))
    assert np.allclose(colours[0, 1], (1 + np.array(to_rgb(ORANGE))) / 2)


def test_numerals_are_whole_or_have_two_decimals():
    assert [numeral(value) for value in (2.0, 3 + 1e-12, 0.666, -1.0)] == ["2", "3", "0.67", "-1"]


def test_frames_lie_where_the_entities_are():
    for axes in entities_on_grid(cropped_photograph()).axes:
        boxes = {(*patch.get_xy(), patch.get_width(), patch.get_height())
                 for patch in axes.patches if isinstance(patch, Rectangle)}
        assert boxes == set(ENTITIES.values())


def test_the_label_gives_sizes_in_tokens():
    left, right = entities_on_grid(cropped_photograph()).axes
    assert "1 person: 182" in left.get_xlabel() and "5 eye: 0.6" in left.get_xlabel()
    assert "1 person: 2912" in right.get_xlabel() and "5 eye: 9.4" in right.get_xlabel()
    assert tokens_of((0, 0, 32, 16), 16) == 2


def test_an_entity_outside_of_the_image_is_refused():
    with pytest.raises(ShapeError, match="'kite' is not within the 224x224 image"):
        entities_on_grid(cropped_photograph(), entities={"kite": (200, 10, 30, 5)})


def test_pairs_are_the_square_of_the_tokens_that_are_drawn(rng):
    image = rng.integers(0, 256, (32, 64, 3), np.uint8)
    for axes, patch in zip(tokens_by_patch_size(image).axes, (32, 16, 8, 4), strict=True):
        h, w = 32 // patch, 64 // patch
        assert axes.images[0].get_extent() == [-0.5, w - 0.5, h - 0.5, -0.5]
        assert [len(lines.get_segments()) for lines in axes.collections] == [w - 1, h - 1]
        assert pairs_of_tokens((32, 64), patch) == (h * w) ** 2
        assert f"{(h * w) ** 2:,} pairs" in axes.get_xlabel()
