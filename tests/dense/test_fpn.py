"""FPN: torchvision's stored pyramid, the same assembled in PyTorch, and what it refuses."""

import numpy as np
import pytest

from swin_np.dense.fpn import EXTRA_LEVELS, FPN, top_down
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.layers import redraw
from tests import golden
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

SIZES = ((21, 30), (11, 15), (6, 8), (3, 4))           # odd sides: a coarser map is not always half as large
CHANNELS = (4, 6, 8, 12)


def redrawn(extra: str, dtype: type = np.float64) -> FPN:
    model = FPN.random(CHANNELS, 10, extra)
    redraw(model, 1)
    return model.astype(dtype)


def draw_maps(rng, dtype: type = np.float64) -> list[np.ndarray]:
    return [rng.standard_normal((2, *size, c)).astype(dtype) for size, c in zip(SIZES, CHANNELS, strict=True)]


def torch_levels(model: FPN, maps: list[np.ndarray]) -> list[np.ndarray]:
    """The pyramid from PyTorch's own functions."""
    torch = pytest.importorskip("torch")
    interpolate, conv2d = torch.nn.functional.interpolate, torch.nn.functional.conv2d
    state = {name: torch.from_numpy(value.copy()) for name, value in model.state_dict().items()}
    xs = [torch.from_numpy(x).permute(0, 3, 1, 2) for x in maps]
    inner = [conv2d(x, state[f"inner_blocks.{i}.0.weight"], state[f"inner_blocks.{i}.0.bias"])
             for i, x in enumerate(xs)]
    for i in (2, 1, 0):
        inner[i] = inner[i] + interpolate(inner[i + 1], size=inner[i].shape[2:], mode="nearest")
    levels = [conv2d(x, state[f"layer_blocks.{i}.0.weight"], state[f"layer_blocks.{i}.0.bias"], padding=1)
              for i, x in enumerate(inner)]
    if "extra_blocks.p6.weight" in state:
        for name, x in (("p6", lambda: levels[-1]), ("p7", lambda: torch.relu(levels[-1]))):
            levels.append(conv2d(x(), state[f"extra_blocks.{name}.weight"], state[f"extra_blocks.{name}.bias"],
                                 stride=2, padding=1))
    return [x.permute(0, 2, 3, 1).numpy() for x in levels]


def test_torchvisions_stored_pyramid_is_reproduced():
    stored = golden.stored("fpn")
    model = FPN.random((8, 16, 32), 12).astype(np.float64)
    model.load_state_dict({key.removeprefix("state/"): value for key, value in stored.items()
                           if key.startswith("state/")})
    levels = model([stored[f"input/{i}"].transpose(0, 2, 3, 1).astype(np.float64) for i in range(3)])
    assert len(levels) == 4
    for name, level in zip(("0", "1", "2", "pool"), levels, strict=True):
        assert_matches(level, stored[f"output64/{name}"].transpose(0, 2, 3, 1), MODEL_TOLERANCE)


@pytest.mark.parametrize("extra", ["none", "p6p7"])
def test_equals_pytorch_at_odd_sizes(extra, rng):
    model, maps = redrawn(extra), draw_maps(rng)
    theirs = torch_levels(model, maps)
    for ours, level in zip(model(maps), theirs, strict=True):
        assert_matches(ours, level, MODEL_TOLERANCE)


def test_float32_errs_as_rounding_does(rng):
    maps = draw_maps(rng, np.float32)
    assert_model_rounds_as_float32(redrawn("p6p7"), lambda model: model([x.astype(model.dtype) for x in maps]))


def test_the_coarsest_map_reaches_every_pixel_of_the_finest():
    laterals = [np.zeros((1, 8, 12, 1)), np.zeros((1, 4, 6, 1)), np.ones((1, 2, 3, 1))]
    assert all((level == 1).all() for level in top_down(laterals))


@pytest.mark.parametrize("extra", EXTRA_LEVELS)
def test_a_placeholder_has_the_shapes_of_a_drawn_model(extra):
    drawn, empty = FPN.random(CHANNELS, 10, extra).state_dict(), FPN.random(CHANNELS, 10, extra, None).state_dict()
    assert {name: value.shape for name, value in drawn.items()} == {name: value.shape for name, value in empty.items()}


def test_wrong_maps_are_refused_in_a_sentence(rng):
    model, maps = redrawn("none"), draw_maps(rng)
    for wrong, error, says in (
            (maps[:3], ShapeError, "expected 4 maps"), (maps[::-1], ShapeError, r"\[4, 6, 8, 12\] channels"),
            ([maps[0][:1], *maps[1:]], ShapeError, "one batch"),
            ([maps[0][0], *maps[1:]], ShapeError, "expected 4 maps"),
            ([x.astype(np.float32) for x in maps], InputError, "float32, the head is float64")):
        with pytest.raises(error, match=says):
            model(wrong)
    with pytest.raises(ConfigurationError, match="p6p7"):
        FPN.random(CHANNELS, 10, "p6")
