"""Swin V2 beside V1: branches that are normalised cannot grow, and a network knows displacements it never saw."""

import numpy as np
import pytest

from swin_np.baselines.swin_v2 import CosineWindowAttention, SwinTransformerV2, SwinV2Config
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.plots.version_2 import (
    along_a_row,
    bias_for_larger_window,
    bias_table,
    for_window,
    growth_by_depth,
    louder,
    main_path,
)
from swin_np.variants import SwinConfig


def small(model_class, config_class):
    config = config_class(img_size=32, window_size=4, embed_dim=8, depths=(4,), num_heads=(2,), num_classes=0)
    model = model_class.random(config, dtype=np.float64)
    redraw(model, seed=0)
    return model


@pytest.fixture
def images(rng):
    return rng.standard_normal((1, 3, 32, 32))


def test_louder_branches_change_version_1_and_not_version_2(images):
    first, second = small(SwinTransformer, SwinConfig), small(SwinTransformerV2, SwinV2Config)
    assert main_path(louder(first, 100), images, 0)[-1] > 20 * main_path(first, images, 0)[-1]
    np.testing.assert_allclose(main_path(louder(second, 100), images, 0), main_path(second, images, 0), rtol=1e-4)


def test_louder_leaves_the_model_as_it_was(images):
    model = small(SwinTransformer, SwinConfig)
    before = main_path(model, images, 0)
    louder(model, 3)
    assert main_path(model, images, 0) == before


def test_louder_makes_the_last_layer_of_every_branch_larger_and_nothing_else(images):
    model = small(SwinTransformer, SwinConfig)
    redraw(model, seed=0)
    before, after = model.state_dict(), louder(model, 4).state_dict()
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values * (4 if ".attn.proj." in name or ".fc2." in name else 1))


def test_the_main_path_is_the_root_mean_square_after_each_block(images):
    model = small(SwinTransformer, SwinConfig)
    x, sizes = model.embed(images), []
    for block in model.layers[0].blocks:
        x = block(x)
        sizes.append(np.sqrt((x ** 2).mean()))
    np.testing.assert_allclose(main_path(model, images, 0), sizes)


def test_every_model_is_a_panel_and_every_factor_a_line():
    figure = growth_by_depth({"one": {1: [1, 2], 4: [3, 4]}, "other": {1: [5, 6]}})
    assert [axes.get_title() for axes in figure.axes] == ["one", "other"]
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[1, 2], [3, 4]]


@pytest.fixture
def attn():
    attn = CosineWindowAttention.random(8, (4, 4), (4, 4), 2, np.random.default_rng(0))
    redraw(attn, 0)
    return attn


def test_the_table_holds_the_bias_of_every_pair(attn):
    table, bias = bias_table(attn), attn.position_bias()
    assert table.shape == (49, 2)
    for query, key in ((0, 0), (3, 12), (15, 0), (6, 9)):
        down, right = query // 4 - key // 4, query % 4 - key % 4
        np.testing.assert_array_equal(table[(down + 3) * 7 + right + 3], bias[:, query, key])


def test_a_displacement_has_the_same_bias_in_a_larger_window(attn):
    large = bias_table(for_window(attn, (9, 9))).reshape(17, 17, 2)
    np.testing.assert_allclose(large[5:12, 5:12], bias_table(attn).reshape(7, 7, 2), rtol=1e-5)


def test_the_lines_are_the_network_the_stretched_table_and_the_window_of_training(attn):
    network, stretched, trained = bias_for_larger_window(attn, 8, head=1).axes[0].lines
    assert network.get_xdata().tolist() == stretched.get_xdata().tolist() == list(range(-7, 8))
    np.testing.assert_allclose(network.get_ydata()[4:11], trained.get_ydata(), rtol=1e-5)
    assert np.abs(stretched.get_ydata()[4:11] - trained.get_ydata()).max() > 1e-3
    assert stretched.get_ydata()[7] == pytest.approx(trained.get_ydata()[3])                # the middle stays


def test_along_a_row_the_rows_are_equal_and_the_columns_counted():
    table = np.arange(25.0)[:, None]                   # M = 3
    displacements, values = along_a_row(table, 3, 0)
    assert displacements.tolist() == [-2, -1, 0, 1, 2] and values.tolist() == [10, 11, 12, 13, 14]
