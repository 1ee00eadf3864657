"""Every function of the ground floor against PyTorch, at ordinary and at extreme values, in float32 and float64."""

import math

import numpy as np
import pytest

from swin_np import functional
from tests.matching import (
    UNIT,
    assert_matches,
    assert_rounds_as_float32,
    chain_error,
    largest_difference,
    root_mean_square,
)

torch = pytest.importorskip("torch")

GELU_FLOAT32_ERROR = 2.5e-7                            # absolute; or two units in the last place where that is more
DTYPES = [np.float32, np.float64]

SHAPES = [(1, 1), (3, 7), (2, 5, 7, 12), (2, 3, 49, 49), (4, 1), (7,), (2, 6, 5, 1000)]
FEW_ROWS = [1, 2, 8, 15]                               # products of so few are summed in float64


def drawn(shape: tuple[int, ...], seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Normal numbers that float32 holds exactly, in float64."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32).astype(np.float64)


def assert_equals_torch(ours, theirs, *inputs: np.ndarray) -> None:
    """ours(*inputs) is theirs(*tensors) in float64; in float32, where the last axis is summed, it errs as rounding."""
    with torch.inference_mode():
        assert_matches(ours(*inputs), theirs(*map(torch.from_numpy, inputs)).numpy())
    assert_rounds_as_float32(ours, *inputs, terms=inputs[0].shape[-1])


def normalised(x, weight, bias):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-5)


def gelu_points() -> np.ndarray:
    """-40 to 40 densely, both zeros, and steps towards zero down to the denormals of float32, in float64."""
    small = np.float32(2.0) ** -np.arange(1, 150, dtype=np.float32)
    points = np.concatenate([np.linspace(-40, 40, 200_001), np.linspace(-6, 6, 200_001), [0.0, -0.0], small, -small])
    return points.astype(np.float32).astype(np.float64)


# linear

@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outputs", [1, 5, 96])
def test_linear_equals_torch(shape, outputs):
    weight, bias = drawn((outputs, shape[-1]), 1), drawn((outputs,), 2)
    assert_equals_torch(functional.linear, torch.nn.functional.linear, drawn(shape), weight, bias)


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_without_bias_equals_torch(shape):
    assert_equals_torch(functional.linear, torch.nn.functional.linear, drawn(shape), drawn((5, shape[-1]), 1))


@pytest.mark.parametrize("rows", [16, 49, 127, 128, 196, 784, 1600])
def test_linear_of_any_number_of_rows_equals_torch(rows):
    x, weight, bias = drawn((rows, 768)), drawn((1000, 768), 1, 768**-0.5), drawn((1000,), 2)
    assert_equals_torch(functional.linear, torch.nn.functional.linear, x, weight, bias)


@pytest.mark.parametrize("rows", [16, 60, 127, 196, 784])
@pytest.mark.parametrize("inputs", [768, 1536, 3072, 4096])
def test_long_sums_of_linear_are_taken_in_several_chains(rows, inputs):
    """In one chain of 3072 or 4096 products they would err by 1.7 or 2 times the bound: it is for chains of 512."""
    x, weight = drawn((rows, inputs)), drawn((96, inputs), 1)
    truth = x @ weight.T
    error = root_mean_square(functional.linear(x.astype(np.float32), weight.astype(np.float32)) - truth)
    assert error <= chain_error(inputs) * root_mean_square(truth)       # of 1500 sums and more: their scatter is small


@pytest.mark.parametrize("inputs", [12, 768, 4096])
@pytest.mark.parametrize("rows", FEW_ROWS)
def test_linear_sums_the_products_of_few_rows_in_float64(rows, inputs):
    x, weight, bias = drawn((rows, inputs)), drawn((1000, inputs), 1, inputs**-0.5), drawn((1000,), 2)
    truth = x @ weight.T + bias
    ours = functional.linear(*(value.astype(np.float32) for value in (x, weight, bias)))
    bound = UNIT * (np.abs(x @ weight.T) + np.abs(truth))               # the sum is rounded, and that with the bias
    assert (np.abs(ours - truth) <= bound * (1 + 1e-6)).all()


def test_linear_takes_an_array_that_is_not_contiguous():
    x, weight, bias = drawn((2, 5, 7, 12)).transpose(0, 2, 1, 3)[:, ::2], drawn((5, 12), 1), drawn((5,), 2)
    assert_equals_torch(functional.linear, torch.nn.functional.linear, x, weight, bias)


# softmax

@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_equals_torch(shape, scale):
    assert_equals_torch(functional.softmax, lambda x: torch.softmax(x, -1), drawn(shape, scale=scale))


@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_softmax_of_scores_far_from_zero_equals_torch(offset):
    assert_equals_torch(functional.softmax, lambda x: torch.softmax(x, -1), np.round(drawn((3, 7)) * 64) / 64 + offset)


@pytest.mark.parametrize("distance", [5.0, 20.0, 60.0, 90.0, 1e4])
def test_softmax_of_rows_far_below_others_of_their_matrix_equals_torch(distance):
    scores = np.round(drawn((2, 3, 7, 9)) * 64) / 64
    scores[..., 1:3, :] -= distance
    assert_equals_torch(functional.softmax, lambda x: torch.softmax(x, -1), scores)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_of_a_softmax_depends_on_no_other_row(dtype):
    scores = drawn((6, 9)).astype(dtype)
    alone = functional.softmax(scores[:1])
    scores[1:] *= 20
    np.testing.assert_array_equal(functional.softmax(scores)[:1], alone)


@pytest.mark.parametrize("mask", [-100.0, -1e9, -1e30, -np.inf])
def test_softmax_of_masked_scores_equals_torch(mask):
    scores = drawn((2, 3, 49, 49))
    scores[..., np.arange(49)[:, None] % 3 != np.arange(49) % 3] += mask
    scores = scores.astype(np.float32).astype(np.float64)
    assert_equals_torch(functional.softmax, lambda x: torch.softmax(x, -1), scores)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_gives_masked_scores_no_weight_at_all(dtype):
    scores = np.array([[1.0, -np.inf, 2.0, -1e9]], dtype)
    assert (functional.softmax(scores)[0, [1, 3]] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("score", [0.0, 1e4, -1e4, 1e30])
def test_softmax_of_equal_scores_is_uniform(score, dtype):
    np.testing.assert_array_equal(functional.softmax(np.full((2, 4), score, dtype)), np.full((2, 4), 0.25, dtype))


# layer norm

@pytest.mark.parametrize("scale", [1e-18, 1e-6, 1e-3, 1.0, 1e3, 1e12])
@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm_equals_torch(shape, scale):
    weight, bias = drawn(shape[-1:], 1), drawn(shape[-1:], 2)
    assert_equals_torch(functional.layer_norm, normalised, drawn(shape, scale=scale), weight, bias)


@pytest.mark.parametrize("eps", [1e-12, 1e-6, 1e-5, 0.1])
def test_layer_norm_takes_its_eps(eps):
    x, weight, bias = drawn((2, 5, 7, 12), scale=1e-2), drawn((12,), 1), drawn((12,), 2)
    assert_equals_torch(lambda *arrays: functional.layer_norm(*arrays, eps),
                        lambda x, *rest: torch.nn.functional.layer_norm(x, (12,), *rest, eps), x, weight, bias)


@pytest.mark.parametrize("mean", [10.0, -1000.0])
def test_layer_norm_far_from_zero_equals_torch(mean):
    x, weight, bias = drawn((2, 5, 7, 96)) + mean, drawn((96,), 1), drawn((96,), 2)
    assert_equals_torch(functional.layer_norm, normalised, x.astype(np.float32).astype(np.float64), weight, bias)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.0, 3.0, -1024.0])
def test_layer_norm_of_a_constant_is_the_bias(value, dtype):
    weight, bias = drawn((12,), 1).astype(dtype), drawn((12,), 2).astype(dtype)
    ours = functional.layer_norm(np.full((2, 3, 12), value, dtype), weight, bias)
    np.testing.assert_array_equal(ours, np.broadcast_to(bias, ours.shape))


@pytest.mark.parametrize("value", [12345.678, -0.1, 1e-3, 3.3e7, 1 / 3, 1e-20])
@pytest.mark.parametrize("channels", [3, 96, 768, 3072])
def test_layer_norm_of_any_constant_is_the_bias_to_the_last_digit(value, channels):
    for dtype in DTYPES:
        bias = drawn((channels,), 2).astype(dtype)
        ours = functional.layer_norm(np.full((5, channels), value, dtype), drawn((channels,), 1).astype(dtype), bias)
        np.testing.assert_array_equal(ours, np.broadcast_to(bias, ours.shape))


@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_norm_of_nearly_constant_rows_keeps_what_the_dtype_holds(dtype):
    x = (12345.678 + np.round(drawn((7, 768)) * 64) / 64).astype(dtype)
    weight, bias = np.ones(768, dtype), np.zeros(768, dtype)
    centred = x.astype(np.longdouble) - x.astype(np.longdouble).mean(axis=-1, keepdims=True)
    truth = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
    ours = functional.layer_norm(x, weight, bias)
    assert np.abs(ours - truth).max() <= 8 * np.finfo(dtype).eps * np.abs(truth).max()


@pytest.mark.parametrize("large", [1e20, 3e37, np.inf, np.nan])
def test_layer_norm_of_a_row_whose_variance_overflows_is_nan_and_other_rows_are_as_before(large):
    x, weight, bias = (drawn(shape, i).astype(np.float32) for i, shape in enumerate([(6, 96), (96,), (96,)]))
    before = functional.layer_norm(x, weight, bias)
    x[2] *= np.float32(large)
    with np.errstate(all="raise"):
        ours = functional.layer_norm(x, weight, bias)
    assert np.isnan(ours[2]).all()
    np.testing.assert_array_equal(np.delete(ours, 2, 0), np.delete(before, 2, 0))


def test_a_row_of_layer_norm_depends_on_no_other_row():
    x, weight, bias = (drawn(shape, i).astype(np.float32) for i, shape in enumerate([(6, 96), (96,), (96,)]))
    before = functional.layer_norm(x, weight, bias)
    x[3] += 1e4                                        # is centred twice
    np.testing.assert_array_equal(np.delete(functional.layer_norm(x, weight, bias), 3, 0), np.delete(before, 3, 0))


# erf and gelu

def test_erf_equals_torch():
    x = gelu_points()
    assert_matches(functional.erf(x), torch.special.erf(torch.from_numpy(x)).numpy())


def test_erf_keeps_its_relative_accuracy_near_zero():
    x = 2.0 ** -np.arange(1, 1000)
    slope = 2 / math.sqrt(math.pi)                     # erf(x) = slope (x - x^3 / 3 + x^5 / 10 - ...)
    small = x[x < 1e-3]
    np.testing.assert_allclose(functional.erf(small), slope * (small - small ** 3 / 3), rtol=1e-12)


def test_gelu_equals_torch_in_float64():
    x = gelu_points()
    assert_matches(functional.gelu(x), torch.nn.functional.gelu(torch.from_numpy(x)).numpy())


def test_gelu_in_float32_is_within_its_stated_error_of_the_truth():
    x = gelu_points()
    truth = torch.nn.functional.gelu(torch.from_numpy(x)).numpy()
    error = np.abs(functional.gelu(x.astype(np.float32)).astype(np.float64) - truth)
    last_place = np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)   # of the result in float32
    assert (error <= np.maximum(GELU_FLOAT32_ERROR, 2 * last_place)).all(), f"largest error {error.max():.2e}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_of_zero_is_zero(dtype):
    assert (functional.gelu(np.array([0.0, -0.0], dtype)) == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_is_the_identity_far_right_and_zero_far_left(dtype):
    x = np.linspace(12, 40, 57).astype(dtype)
    ours = functional.gelu(np.concatenate([x, -x]))
    assert largest_difference(ours, np.concatenate([x, 0 * x])) == pytest.approx(0, abs=GELU_FLOAT32_ERROR)


# all of them

def calls(dtype: type) -> dict:
    """Every function on arrays with the arguments that it takes."""
    x, weight, bias = (drawn(shape, i).astype(dtype) for i, shape in enumerate([(2, 5, 7, 12), (12,), (12,)]))
    matrix = drawn((5, 12), 3).astype(dtype)
    return {"linear": (x, matrix, drawn((5,), 4).astype(dtype)), "softmax": (x,), "layer_norm": (x, weight, bias),
            "gelu": (x,), "erf": (x,)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["linear", "softmax", "layer_norm", "gelu"])
def test_the_dtype_is_kept(name, dtype):
    assert getattr(functional, name)(*calls(dtype)[name]).dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_is_in_float64_whatever_comes_in(dtype):
    assert functional.erf(*calls(dtype)["erf"]).dtype == np.float64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", calls(np.float32))
def test_the_inputs_are_not_modified(name, dtype):
    inputs = calls(dtype)[name]
    before = [value.copy() for value in inputs]
    getattr(functional, name)(*inputs)
    for value, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(value, copy)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", calls(np.float32))
def test_the_result_shares_no_memory_with_the_inputs(name, dtype):
    inputs = calls(dtype)[name]
    result = getattr(functional, name)(*inputs)
    assert not any(np.shares_memory(result, value) for value in inputs)


@pytest.mark.parametrize(("size", "expected"), [(7, (7, 7)), ((7, 12), (7, 12)), ([3, 4], (3, 4)),
                                                (np.int64(5), (5, 5))])
def test_pair_repeats_one_number_and_keeps_two(size, expected):
    assert functional.pair(size) == expected
