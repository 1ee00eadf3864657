"""Layouts: every known one of every point is recognised by its shape and undone."""

import numpy as np
import pytest

from swin_np.crosscheck.layouts import align, axes_of
from swin_np.errors import ShapeError
from swin_np.variants import SwinConfig

CONFIG = SwinConfig((64, 96), 4, num_classes=5, embed_dim=12, depths=(2, 2), num_heads=(3, 6), window_size=4)
SHAPES = {                                             # as a trace has them, for two images
    "patch_embed": (2, 16, 24, 12), "layers.0.blocks.1.mlp": (2 * 16 * 24, 12), "layers.0.downsample": (2, 8, 12, 24),
    "layers.0.blocks.1.attn": (2 * 24, 16, 12), "layers.0.blocks.1.attn.windows": (2 * 24, 4, 4, 12),
    "layers.1.blocks.0.attn.q": (2 * 6, 6, 16, 4), "layers.1.blocks.0.attn.scores": (2 * 6, 6, 16, 16),
    "layers.0.blocks.1.attn.rolled_back": (2, 16, 24, 12), "norm": (2, 8, 12, 24), "head": (2, 5),
    "input": (2, 3, 64, 96),
}


def laid_out(value, axes, layout):
    """The value in a layout, by the definition of the notation."""
    letters = layout.replace(" ", "")
    apart = value.reshape(axes.shape).transpose([list(axes.lengths).index(letter) for letter in letters])
    return apart.reshape([int(np.prod([axes.lengths[letter] for letter in group])) for group in layout.split()])


@pytest.mark.parametrize("name", SHAPES)
def test_every_layout_of_a_point_is_undone(name, rng):
    value = rng.standard_normal(SHAPES[name])
    axes = axes_of(name, value.shape, CONFIG, CONFIG.img_size)
    for title, layout in axes.layouts.items():
        found, apart = align(laid_out(value, axes, layout), value.reshape(axes.shape), axes)
        assert np.array_equal(apart, value.reshape(axes.shape)), f"{title} was taken for {found}"


def test_the_batch_axis_of_one_image_may_be_missing(rng):
    value = rng.standard_normal((1, 16, 24, 12))
    axes = axes_of("patch_embed", value.shape, CONFIG, CONFIG.img_size)
    found, apart = align(value[0].transpose(2, 0, 1), value.reshape(axes.shape), axes)
    assert found == "(B, C, H, W)"
    assert np.array_equal(apart.ravel(), value.ravel())


def test_a_layout_that_the_shape_leaves_open_is_the_one_that_is_nearer(rng):
    config = SwinConfig(32, 4, num_classes=5, embed_dim=8, depths=(1,), num_heads=(2,), window_size=4)
    value = rng.standard_normal((1, 8, 8, 8))          # channels as many as rows and columns
    axes = axes_of("patch_embed", value.shape, config, config.img_size)
    wrong = value + 0.1 * rng.standard_normal(value.shape)
    assert align(wrong.transpose(0, 3, 1, 2), value.reshape(axes.shape), axes)[0] == "(B, C, H, W)"
    assert align(wrong, value.reshape(axes.shape), axes)[0] == "(B, H, W, C)"


def test_a_shape_that_no_layout_has_is_refused_with_the_usual_ones(rng):
    axes = axes_of("patch_embed", (2, 16, 24, 12), CONFIG, CONFIG.img_size)
    with pytest.raises(ShapeError, match=r"\(2, 16, 24, 13\), expected \(B, H, W, C\) \(2, 16, 24, 12\)"):
        align(rng.standard_normal((2, 16, 24, 13)), np.zeros(axes.shape), axes)
