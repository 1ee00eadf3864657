"""Convolution, pooling and resizing against torch.nn.functional, in float32 and float64, on oblong maps."""

from itertools import product

import numpy as np
import pytest

from swin_np.convolution import functional as convolution
from swin_np.convolution.layers import AvgPool2d, BatchNorm2d, Conv2d
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.parallel.pool import threads
from tests.matching import assert_matches, assert_rounds_as_float32

torch = pytest.importorskip("torch")
F = torch.nn.functional

MAP = (2, 11, 14, 12)                                  # (B, H, W, C)
KERNELS = [                                            # kernel, stride, padding, dilation
    (1, 1, 0, 1), (1, 2, 0, 1), (1, 1, 1, 1), (3, 1, 1, 1), (3, 2, 1, 1), (3, 2, 0, 1), (3, 1, 2, 2), (2, 2, 0, 1),
    (7, 2, 3, 1), ((3, 5), (2, 1), (0, 2), (1, 2)), ((1, 4), 3, (2, 1), 1), ((11, 14), 1, 0, 1),
]
CHANNELS = [                                           # out, groups
    (8, 1), (1, 1), (40, 1), (8, 2), (24, 4), (9, 3), (6, 6), (12, 6), (12, 12), (36, 12)]
RESIZES = [(11, 14), (22, 28), (33, 14), (5, 7), (1, 1), (3, 20), (40, 9)]


def drawn(*shape: int) -> np.ndarray:
    """Normal numbers that float32 holds exactly, in float64."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32).astype(np.float64)


def channels_last(x: torch.Tensor) -> np.ndarray:
    return np.moveaxis(x.numpy(), 1, -1)


def assert_equals_torch(ours, theirs, x: np.ndarray, *parameters: np.ndarray, terms: int = 1) -> None:
    """ours(x, ...) is theirs(x as (B, C, H, W), ...) in float64; in float32, with sums of `terms`, it rounds."""
    tensors = [torch.from_numpy(value) for value in (np.moveaxis(x, -1, 1).copy(), *parameters)]
    kept, result = x.copy(), ours(x, *parameters)
    assert result.flags.c_contiguous and np.array_equal(x, kept)
    assert_matches(result, channels_last(theirs(*tensors)))
    if terms:
        assert_rounds_as_float32(ours, x, *parameters, terms=terms)
    else:                                              # nothing is computed, so nothing rounded
        assert np.array_equal(ours(x.astype(np.float32), *parameters), result.astype(np.float32))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("outputs", "groups"), CHANNELS)
@pytest.mark.parametrize("settings", KERNELS, ids=str)
def test_conv2d_equals_torch(settings, outputs, groups, bias):
    kernel, *settings = settings
    parameters = [drawn(outputs, MAP[-1] // groups, *np.broadcast_to(kernel, 2))] + [drawn(outputs)] * bias

    def ours(x, weight, bias=None):
        return convolution.conv2d(x, weight, bias, *settings, groups)

    def theirs(x, weight, bias=None):
        return F.conv2d(x, weight, bias, *settings, groups)

    assert_equals_torch(ours, theirs, drawn(*MAP), *parameters, terms=parameters[0][0].size)


@pytest.mark.parametrize(("side", "channels", "outputs", "groups"), [
    (56, 64, 64, 1), (7, 512, 512, 1), (29, 24, 16, 1), (40, 64, 64, 16), (30, 96, 96, 3), (33, 48, 48, 48)])
@pytest.mark.parametrize("batch", [1, 3])
def test_large_maps_are_cut_into_parts_that_fit_together_again(batch, side, channels, outputs, groups):
    x, weight, bias = drawn(batch, side, side + 3, channels), drawn(outputs, channels // groups, 3, 3), drawn(outputs)
    for count in (1, 2, 3):
        with threads(count):
            assert_equals_torch(lambda *inputs: convolution.conv2d(*inputs, padding=1, groups=groups),
                                lambda *inputs: F.conv2d(*inputs, padding=1, groups=groups), x, weight, bias,
                                terms=weight[0].size)


def test_a_transposed_map_gives_the_same(rng):
    x, weight = rng.standard_normal((2, 5, 9, 8)), rng.standard_normal((4, 5, 3, 3))
    view = x.transpose(0, 2, 3, 1)                     # as images come in
    for padding in (0, 1):
        assert_matches(convolution.conv2d(view, weight, padding=padding),
                       convolution.conv2d(np.ascontiguousarray(view), weight, padding=padding))


@pytest.mark.parametrize("channels", [1, 12, 300])
def test_batch_norm_equals_torch(channels):
    x, mean, weight, bias = drawn(2, 11, 14, channels), drawn(channels), drawn(channels) + 2, drawn(channels, 1)[:, 0]
    variance = np.abs(drawn(channels, 1, 1)[:, 0, 0]) * np.logspace(-6, 3, channels)
    weight, variance = (value.astype(np.float32).astype(np.float64) for value in (weight, variance))

    def theirs(x, weight, bias, mean, variance):
        return F.batch_norm(x, mean, variance, weight, bias, eps=1e-5)

    assert_equals_torch(convolution.batch_norm, theirs, x, weight, bias, mean, variance)


def test_batch_norm_takes_its_scale_and_offset_in_float64():
    weight, mean, variance = drawn(5000), 1000 * drawn(5000, 1)[:, 0], np.abs(drawn(1, 5000)[0]).astype(np.float32)
    scale = weight / np.sqrt(variance.astype(np.float64) + 1e-5)
    bias = (mean * scale).astype(np.float32)           # so that the offset is what rounding left
    single = [value.astype(np.float32) for value in (weight, bias, mean, variance)]
    assert np.array_equal(convolution.batch_norm(np.zeros((1, 5000), np.float32), *single)[0],
                          (bias - mean.astype(np.float32) * scale).astype(np.float32))
    single[1:3] = np.zeros((2, 5000), np.float32)
    assert np.array_equal(convolution.batch_norm(np.ones((1, 5000), np.float32), *single)[0], scale.astype(np.float32))


def test_adaptive_avg_pool_takes_its_means_in_float64():
    values = drawn(1, 1, 1, 300).astype(np.float32)
    assert np.array_equal(convolution.adaptive_avg_pool2d(np.broadcast_to(values, (1, 13, 11, 300)), 1), values)


def test_relu_equals_torch_in_place_and_not():
    x = drawn(*MAP)
    assert_equals_torch(convolution.relu, torch.relu, x, terms=0)
    assert_equals_torch(convolution.relu, torch.relu, np.moveaxis(x, 1, 2), terms=0)
    positive = convolution.relu(x)
    assert convolution.relu(x, out=x) is x and np.array_equal(x, positive)
    with pytest.raises(ShapeError, match="not contiguous"):
        convolution.relu(x, out=x[:, ::2])


@pytest.mark.parametrize(("kernel", "stride", "padding"), [
    (3, 2, 1), (2, 2, 0), (3, 1, 1), ((3, 2), (1, 2), (1, 0)), (11, 1, 0), (1, 2, 0), (1, 1, 0)])
def test_max_pool_equals_torch_and_padding_never_wins(kernel, stride, padding):
    x = drawn(*MAP) - 10                               # below the zeros of another padding
    assert_equals_torch(lambda x: convolution.max_pool2d(x, kernel, stride, padding),
                        lambda x: F.max_pool2d(x, kernel, stride, padding), x, terms=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_norm_relu_and_max_pool_of_large_maps_are_the_same_in_parts(count):
    x = drawn(3, 113, 120, 64)                         # more than LEAST_ELEMENTS for each thread
    weight, bias, mean, variance = drawn(64), drawn(64, 1)[:, 0], drawn(64, 1, 1)[:, 0, 0], np.arange(64.0)
    scale = weight / np.sqrt(variance + 1e-5)
    offset = bias - mean * scale
    with threads(count):
        assert np.array_equal(convolution.batch_norm(x, weight, bias, mean, variance), x * scale + offset)
        assert np.array_equal(convolution.relu(x), np.maximum(x, 0))
        assert np.array_equal(convolution.max_pool2d(x, 3, 2, 1),
                              F.max_pool2d(torch.from_numpy(x).permute(0, 3, 1, 2), 3, 2, 1).permute(0, 2, 3, 1))


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [
    *product((2, 3), (1, 2, 3), (0, 1)), (1, 1, 0), (2, 5, 1), ((3, 2), (2, 3), (1, 0)), (5, 4, 2)])
def test_avg_pool_equals_torch(kernel, stride, padding, ceil_mode, count_include_pad):
    for size in ((11, 14), (12, 13), (10, 15)):
        assert_equals_torch(
            lambda x: convolution.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad),
            lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad), drawn(2, *size, 3),
            terms=9)


@pytest.mark.parametrize("size", RESIZES, ids=str)
def test_adaptive_avg_pool_equals_torch(size):
    assert_equals_torch(lambda x: convolution.adaptive_avg_pool2d(x, size),
                        lambda x: F.adaptive_avg_pool2d(x, size), drawn(*MAP))


@pytest.mark.parametrize("size", RESIZES, ids=str)
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_interpolation_equals_torch(mode, size):
    ours = convolution.interpolate_bilinear if mode == "bilinear" else convolution.interpolate_nearest
    assert_equals_torch(lambda x: ours(x, size), lambda x: F.interpolate(x, size, mode=mode), drawn(*MAP),
                        terms=mode == "bilinear")


def test_nearest_takes_the_row_that_exact_arithmetic_names():
    for side, count in product(range(1, 60), repeat=2):
        rows = convolution.interpolate_nearest(np.arange(side, dtype=np.float64).reshape(1, side, 1, 1), (count, 1))
        theirs = F.interpolate(torch.arange(side, dtype=torch.float64)[None, None], count)
        assert np.array_equal(rows.ravel(), theirs.numpy().ravel()), (side, count)


@pytest.mark.parametrize(("inputs", "weight", "settings", "words"), [
    ((2, 9, 9, 4), (8, 5, 3, 3), {}, "has 4 channels"), ((2, 9, 9, 4), (8, 4, 3, 3), {"groups": 2}, "takes 8"),
    ((2, 9, 9, 4), (7, 2, 3, 3), {"groups": 2}, "must divide"), ((2, 9, 9, 4), (8, 4, 3, 3), {"groups": 0}, "groups"),
    ((9, 9, 4), (8, 4, 3, 3), {}, r"expected \(B, H, W, C\)"), ((2, 9, 9, 4), (8, 4), {}, "the weight"),
    ((2, 2, 9, 4), (8, 4, 3, 3), {}, "padded map is 2x9"), ((2, 9, 9, 4), (8, 4, 3, 3), {"dilation": 5}, "11x11"),
    ((2, 9, 9, 4), (8, 4, 3, 3), {"stride": 0}, "start at 1"), ((2, 9, 9, 4), (8, 4, 3, 3), {"padding": -1}, "at 0"),
    ((2, 9, 9, 4), (8, 4, 3, 3), {"stride": 1.5}, "whole number"),
    ((2, 9, 9, 4), (8, 4, 3, 3), {"bias": np.zeros(7)}, "bias"),
])
def test_what_does_not_fit_is_refused(inputs, weight, settings, words):
    with pytest.raises(ShapeError, match=words):
        convolution.conv2d(np.zeros(inputs), np.zeros(weight), **settings)


@pytest.mark.parametrize("call", [
    lambda x: convolution.max_pool2d(x, 4, 1), lambda x: convolution.avg_pool2d(x, 3, 0),
    lambda x: convolution.max_pool2d(x, 3, 1, 2), lambda x: convolution.avg_pool2d(x, 2, 1, 2),
    lambda x: convolution.adaptive_avg_pool2d(x, 0), lambda x: convolution.interpolate_bilinear(x, (3, 0)),
    lambda x: convolution.interpolate_nearest(x, -1), lambda x: convolution.interpolate_nearest(x, (1, 2, 3)),
    lambda x: convolution.batch_norm(x, *np.ones((4, 5))),
])
def test_windows_sizes_and_channels_that_cannot_be_are_refused(call):
    with pytest.raises(ShapeError, match=r"give|expected"):
        call(np.zeros((1, 3, 3, 2)))


def test_modules_compute_what_the_functions_do_and_count_only_what_was_learned(rng):
    x = rng.standard_normal((2, 9, 7, 6)).astype(np.float32)
    conv = Conv2d.random(6, 9, (3, 1), rng, True, 2, 1, (1, 2), 3)
    assert np.array_equal(conv(x), convolution.conv2d(x, conv.weight, conv.bias, 2, 1, (1, 2), 3))
    norm = BatchNorm2d(*rng.uniform(0.5, 1.5, (4, 6)).astype(np.float32), eps=0.1)
    assert np.array_equal(norm(x), convolution.batch_norm(
        x, norm.weight, norm.bias, norm.running_mean, norm.running_var, 0.1))
    assert np.array_equal(AvgPool2d(3, 2, 1, True, False)(x), convolution.avg_pool2d(x, 3, 2, 1, True, False))
    fresh = BatchNorm2d.identity(6)
    assert np.array_equal(fresh(x), x * np.float32((1 + 1e-5) ** -0.5)) and list(fresh.state_dict()) == [
        "weight", "bias", "running_mean", "running_var"]
    with pytest.raises(ConfigurationError, match="4 groups do not divide"):
        Conv2d.random(6, 8, 3, rng, groups=4)
