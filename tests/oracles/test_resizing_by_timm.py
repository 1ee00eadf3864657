"""Tables and positions for another size against timm's own functions."""

import numpy as np
import pytest

from swin_np.checkpoints.resizing import resize_bias_table, resize_positions
from tests.matching import assert_matches

torch = pytest.importorskip("torch")
layers = pytest.importorskip("timm").layers

FLOAT32_TOLERANCE = 1e-5                               # of the largest value: timm interpolates in float32


@pytest.mark.parametrize(("old", "new"), [((7, 7), (12, 12)), ((8, 8), (16, 16)), ((4, 6), (7, 9)), ((5, 3), (6, 8))])
def test_a_bias_table_on_a_geometric_grid_is_timms(old, new):
    table = np.random.default_rng(1).standard_normal(((2 * old[0] - 1) * (2 * old[1] - 1), 3))
    theirs = layers.resize_rel_pos_bias_table(
        torch.from_numpy(table), new, ((2 * new[0] - 1) * (2 * new[1] - 1), 3), old).numpy()
    assert_matches(resize_bias_table(table, old, new, "geometric"), theirs, 1e-4)    # timm bisects to 1e-6


@pytest.mark.parametrize(("old", "new"), [((4, 6), (7, 5)), ((14, 14), (24, 24)), ((5, 3), (5, 9))])
@pytest.mark.parametrize("prefix", [1, 2])
def test_positions_are_timms_without_its_antialiasing(old, new, prefix):
    positions = np.random.default_rng(1).standard_normal((1, prefix + old[0] * old[1], 8))
    theirs = layers.resample_abs_pos_embed(torch.from_numpy(positions), new, old, prefix, antialias=False).numpy()
    assert_matches(resize_positions(positions, old, new), theirs, FLOAT32_TOLERANCE)
