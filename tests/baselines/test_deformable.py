"""Deformable convolution: PyTorch's grid_sample, the definition in loops, and the cases where it is an ordinary one."""

import math
from itertools import product

import numpy as np
import pytest

from swin_np import trace
from swin_np.baselines.deformable import DeformableConv2d, deformable_conv2d
from swin_np.convolution.functional import conv2d, out_size
from swin_np.errors import ShapeError
from swin_np.layers import redraw
from swin_np.parallel.pool import threads
from tests.matching import assert_matches, assert_rounds_as_float32

CASES = [                                              # out, kernel, stride, padding, dilation, groups, offset groups
    (6, (3, 3), (1, 1), (1, 1), (1, 1), 1, 1), (6, (3, 3), (2, 1), (1, 0), (1, 2), 1, 2),
    (8, (2, 3), (1, 2), (0, 1), (2, 1), 2, 1), (8, (3, 1), (1, 1), (2, 0), (1, 1), 4, 4),
    (5, (1, 1), (1, 1), (0, 0), (1, 1), 1, 8),
]


def drawn(case: tuple, reach: float) -> dict[str, np.ndarray]:
    """Inputs in float64 that float32 holds exactly; offsets of `reach` pixels, many of them out of the map."""
    outputs, kernel, stride, padding, dilation, groups, offset_groups = case
    rng, size = np.random.default_rng(outputs), (7, 9)
    h, w = out_size(size, kernel, stride, padding, dilation)
    count = offset_groups * math.prod(kernel)
    arrays = {"x": rng.standard_normal((2, *size, 8)), "offsets": reach * rng.standard_normal((2, h, w, 2 * count)),
              "weight": rng.standard_normal((outputs, 8 // groups, *kernel)), "bias": rng.standard_normal(outputs),
              "mask": rng.uniform(0, 1, (2, h, w, count))}
    return {name: value.astype(np.float32).astype(np.float64) for name, value in arrays.items()}


def ours(case: tuple, x, offsets, weight, bias, mask) -> np.ndarray:
    _, _, stride, padding, dilation, groups, _ = case
    return deformable_conv2d(x, offsets, weight, bias, stride, padding, dilation, groups, mask)


def by_grid_sample(case: tuple, x, offsets, weight, bias, mask) -> np.ndarray:
    """Sample with torch at every kernel position, then multiply as a 1x1 convolution over positions and channels."""
    import torch
    from torch.nn.functional import conv2d, grid_sample

    _, (kh, kw), stride, padding, dilation, groups, offset_groups = case
    (b, height, width, c), (_, h, w, _) = x.shape, offsets.shape
    moved = torch.from_numpy(offsets).reshape(b, h, w, offset_groups, kh, kw, 2)
    shares = torch.ones(b, h, w, offset_groups, kh, kw) if mask is None else \
        torch.from_numpy(mask).reshape(b, h, w, offset_groups, kh, kw)
    image = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1))).reshape(b, offset_groups, -1, height, width)
    found = torch.empty(b, c, kh, kw, h, w, dtype=image.dtype)
    for g, i, j in product(range(offset_groups), range(kh), range(kw)):
        rows = torch.arange(h)[:, None] * stride[0] - padding[0] + i * dilation[0] + moved[..., g, i, j, 0]
        columns = torch.arange(w) * stride[1] - padding[1] + j * dilation[1] + moved[..., g, i, j, 1]
        grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
        channels = slice(g * c // offset_groups, (g + 1) * c // offset_groups)
        found[:, channels, i, j] = grid_sample(image[:, g], grid, align_corners=True) * shares[:, None, ..., g, i, j]
    matrix = torch.from_numpy(weight.reshape(len(weight), -1, 1, 1))
    y = conv2d(found.reshape(b, c * kh * kw, h, w), matrix, torch.from_numpy(bias), groups=groups)
    return np.moveaxis(y.numpy(), 1, -1)


def by_definition(case: tuple, x, offsets, weight, bias, mask) -> np.ndarray:
    """Eqs. 2 to 4: every output, kernel position and pixel of the map in loops."""
    _, (kh, kw), stride, padding, dilation, groups, offset_groups = case
    (_, height, width, c), (b, h, w, _), inputs = x.shape, offsets.shape, weight.shape[1]
    y = np.zeros((b, h, w, len(weight))) + bias
    for n, row, column, out, k, i, j in product(*map(range, (b, h, w, len(weight), inputs, kh, kw))):
        channel = out // (len(weight) // groups) * inputs + k
        at = (channel // (c // offset_groups) * kh + i) * kw + j
        down = row * stride[0] - padding[0] + i * dilation[0] + offsets[n, row, column, 2 * at]
        right = column * stride[1] - padding[1] + j * dilation[1] + offsets[n, row, column, 2 * at + 1]
        value = 0.0
        for q, r in product(range(height), range(width)):
            value += max(0, 1 - abs(down - q)) * max(0, 1 - abs(right - r)) * x[n, q, r, channel]
        y[n, row, column, out] += weight[out, k, i, j] * value * (1 if mask is None else mask[n, row, column, at])
    return y


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("reach", [0.4, 4.0, 1e30])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_versions_equal_grid_sample(case, reach, modulated):
    pytest.importorskip("torch")
    inputs = drawn(case, reach) | ({} if modulated else {"mask": None})
    assert_matches(ours(case, **inputs), by_grid_sample(case, **inputs))
    names = [name for name, value in inputs.items() if value is not None]
    assert_rounds_as_float32(lambda *arrays: ours(case, **(inputs | dict(zip(names, arrays, strict=True)))),
                             *(inputs[name] for name in names), terms=inputs["weight"][0].size)


@pytest.mark.parametrize("case", CASES[1:4], ids=str)
def test_both_versions_equal_the_definition(case):
    inputs = drawn(case, 2.0)
    inputs = {name: value[:1] if name in ("x", "offsets", "mask") else value for name, value in inputs.items()}
    assert_matches(ours(case, **inputs), by_definition(case, **inputs))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_offsets_it_is_the_ordinary_convolution(case):
    inputs = drawn(case, 0.0) | {"mask": None}
    _, _, *settings, _ = case
    assert_matches(ours(case, **inputs), conv2d(inputs["x"], inputs["weight"], inputs["bias"], *settings))


def test_positions_on_and_beyond_the_border_fade_to_nothing():
    x, weight = np.full((1, 1, 1, 1), 8.0), np.ones((1, 1, 1, 1))
    for offset, value in ((0, 8), (0.25, 6), (-0.25, 6), (1, 0), (-1, 0), (-1.5, 0), (2, 0)):
        for axis in (0, 1):
            offsets = np.zeros((1, 1, 1, 2))
            offsets[..., axis] = offset
            assert deformable_conv2d(x, offsets, weight) == value


@pytest.mark.parametrize("modulated", [False, True])
def test_the_layer_starts_as_a_convolution_and_moves_with_its_offsets(modulated, rng):
    x = rng.standard_normal((2, 9, 8, 6))
    layer = DeformableConv2d.random(6, 10, 3, rng, modulated, stride=2, padding=1, offset_groups=2).astype(np.float64)
    assert layer.conv_offset.weight.shape == ((54 if modulated else 36), 6, 3, 3)
    ordinary = conv2d(x, layer.weight, None, 2, 1)
    assert_matches(layer(x), ordinary * (0.5 if modulated else 1))
    redraw(layer, 1)
    with trace(layer, "*offsets") as steps:
        result = layer(x)
    found = conv2d(x, layer.conv_offset.weight, layer.conv_offset.bias, 2, 1)
    assert_matches(steps["offsets"], found[..., :36])
    mask = 1 / (1 + np.exp(-found[..., 36:])) if modulated else None
    assert_matches(result, deformable_conv2d(x, found[..., :36], layer.weight, layer.bias, 2, 1, mask=mask))


def test_the_number_of_threads_changes_nothing(rng):
    layer = DeformableConv2d.random(4, 5, 3, rng, padding=1)
    redraw(layer, 1)
    x = rng.standard_normal((2, 40, 43, 4))
    layer = layer.astype(np.float64)
    with threads(1):
        one = layer(x)
    with threads(3):
        assert_matches(layer(x), one)


@pytest.mark.parametrize(("offsets", "mask", "words"), [
    ((1, 5, 6, 17), None, r"expected \(1, 5, 6, 2 G 9\)"), ((1, 5, 5, 18), None, "offsets have shape"),
    ((2, 5, 6, 18), None, "offsets have shape"), ((1, 5, 6, 54), None, "divides the 4 channels"),
    ((1, 5, 6, 18), (1, 5, 6, 18), r"expected \(1, 5, 6, 9\)"), ((1, 5, 6, 0), None, "offsets have shape"),
])
def test_offsets_and_masks_that_do_not_fit_are_refused(offsets, mask, words):
    with pytest.raises(ShapeError, match=words):
        deformable_conv2d(np.zeros((1, 5, 6, 4)), np.zeros(offsets), np.zeros((3, 4, 3, 3)), padding=1,
                          mask=None if mask is None else np.zeros(mask))
