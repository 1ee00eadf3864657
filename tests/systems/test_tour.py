"""The tour: the same numbers as the model's own forward pass, and a true description of every step."""

import numpy as np

from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.systems.tour import walk
from swin_np.variants import SwinConfig


def test_the_steps_are_those_of_the_forward_pass(rng):
    config = SwinConfig((40, 72), 4, embed_dim=8, depths=(2, 3), num_heads=(2, 4), window_size=5, num_classes=6)
    model = SwinTransformer.random(config)
    redraw(model, 2)
    images = rng.standard_normal((2, 3, 40, 72)).astype(np.float32)
    steps, outputs = zip(*walk(model, images), strict=True)
    assert [step.name for step in steps] == [
        "patch embedding", "stage 1, 2 blocks", "patch merging", "stage 2, 3 blocks", "norm, mean, head"]
    assert np.array_equal(outputs[-1], model(images))
    assert [step.map_size for step in steps] == [(10, 18), (10, 18), (5, 9), (5, 9), ()]
    assert [step.windows for step in steps] == [0, 2 * 4, 0, 1 * 2, 0]
    assert steps[1].shifts == ((0, 0), (2, 2))
    assert steps[3].shifts == ((0, 0), (0, 2), (0, 0))
    assert sum(step.parameters for step in steps) == model.parameter_count()
    for output, maps in zip((outputs[1], outputs[3]), model.feature_maps(images), strict=True):
        assert np.array_equal(output, maps)
