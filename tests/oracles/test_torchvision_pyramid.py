"""The feature pyramid against torchvision's, with and without the levels that may follow the coarsest."""

from collections import OrderedDict

import numpy as np
import pytest

from swin_np.dense.fpn import FPN
from swin_np.layers import redraw
from tests.matching import MODEL_TOLERANCE, assert_matches

torch = pytest.importorskip("torch")
ops = pytest.importorskip("torchvision").ops

CHANNELS, WIDTH = (4, 6, 8, 12), 10
EXTRA = {
    "none": lambda: None,
    "pool": ops.feature_pyramid_network.LastLevelMaxPool,
    "p6p7": lambda: ops.feature_pyramid_network.LastLevelP6P7(WIDTH, WIDTH),
}
SIZES = {                                              # of the maps, the finest first
    "halves": [(24, 40), (12, 20), (6, 10), (3, 5)],
    "odd halves, rounded up": [(21, 30), (11, 15), (6, 8), (3, 4)],
    "no halves": [(20, 31), (9, 13), (7, 4), (2, 3)],
    "a single pixel at last": [(8, 5), (4, 3), (2, 2), (1, 1)],
}


def levels_of_both(extra: str, sizes: list[tuple[int, int]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    model = FPN.random(CHANNELS, WIDTH, extra)
    redraw(model, 1)
    model = model.astype(np.float64)
    theirs = ops.FeaturePyramidNetwork(list(CHANNELS), WIDTH, EXTRA[extra]()).double().eval()
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in model.state_dict().items()}, strict=True)
    rng = np.random.default_rng(3)
    maps = [rng.standard_normal((2, *size, c)) for size, c in zip(sizes, CHANNELS, strict=True)]
    with torch.inference_mode():
        levels = theirs(OrderedDict((str(i), torch.from_numpy(x).permute(0, 3, 1, 2)) for i, x in enumerate(maps)))
    return model(maps), [level.permute(0, 2, 3, 1).numpy() for level in levels.values()]


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("extra", EXTRA)
def test_every_level_is_torchvisions(extra, sizes):
    for ours, theirs in zip(*levels_of_both(extra, sizes), strict=True):
        assert_matches(ours, theirs, MODEL_TOLERANCE)


def test_smooth_upsampling_is_found(monkeypatch):
    nearest = torch.nn.functional.interpolate
    monkeypatch.setattr(torch.nn.functional, "interpolate",
                        lambda x, size, mode: nearest(x, size=size, mode="bilinear"))
    ours, theirs = levels_of_both("none", SIZES["odd halves, rounded up"])
    with pytest.raises(AssertionError, match="largest difference"):
        assert_matches(ours[0], theirs[0], MODEL_TOLERANCE)
