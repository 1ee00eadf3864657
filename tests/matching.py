"""How closely two arrays must agree: one place for every tolerance of the tests, by dtype and relative to the scale.

In float64 a result is compared with an oracle's. In float32 no other library is asked, since its error depends on the
order in which its processor sums. A float32 result is right if it is what float64 gives for inputs and weights that are
each wrong by about as much as a sum in float32 makes them wrong; how far such results scatter is measured by drawing.
"""

from collections.abc import Callable, Sequence

import numpy as np

from swin_np.functional import Array
from swin_np.layers import Module

FLOAT64_TOLERANCE = 1e-12                              # of the largest value; a logic error is ten decades above it
MODEL_TOLERANCE = 1e-10                                # the same after a whole model

UNIT = 2.0**-24                                        # the unit roundoff of float32: half the distance from 1 upwards
LONGEST_CHAIN = 512                                    # products that a BLAS adds to one sum before it begins another
LEAST_TERMS = 6                                        # so few are wrong by one unit, see `chain_error`
DRAWS = 8
TYPICAL_FACTOR, LARGEST_FACTOR = 2.0, 3.0              # of the farthest draw: root mean square, and largest error


def largest_difference(ours, theirs) -> float:
    """max |ours - theirs|, of two arrays of the same shape, in float64."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shapes differ: {ours.shape} and {theirs.shape}"
    assert np.isfinite(ours).all(), "there are NaN or infinite values"
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())


def assert_matches(ours, theirs, tolerance: float = FLOAT64_TOLERANCE) -> None:
    """Two float64 results agree to rounding."""
    assert np.asarray(ours).dtype == np.asarray(theirs).dtype == np.float64
    difference, scale = largest_difference(ours, theirs), float(np.abs(theirs).max())
    assert difference <= tolerance * scale, f"largest difference {difference:.2e} at scale {scale:.2e}"


def chain_error(terms: int) -> float:
    """The relative error of a float32 sum of n products that are added one after the other, UNIT sqrt(n / 6).

    Products p of random signs have partial sums of size p sqrt(k). Rounding one errs by up to UNIT of it, evenly, so by
    UNIT p sqrt(k / 3) on average; all n together by UNIT p sqrt(n^2 / 6), and the sum is p sqrt(n). As far off is the
    exact sum of products that are each wrong by UNIT sqrt(n / 6). A BLAS that adds in several shorter chains, or in
    vectors, is nearer to the truth on every processor.
    """
    return UNIT * (min(max(terms, LEAST_TERMS), LONGEST_CHAIN) / 6) ** 0.5


def disturbed(value: Array, terms: int, rng: np.random.Generator) -> Array:
    """The array in float64, every element wrong by a normal draw of the size of `chain_error`."""
    return value * (1 + chain_error(terms) * rng.standard_normal(value.shape))


def disturbed_model(model: Module, rng: np.random.Generator) -> Module:
    """The model in float64 with every parameter disturbed; the sums of a weight (out, ...) have size / out terms."""
    twin = model.astype(np.float64)
    twin.place({name: disturbed(value, value.size // len(value) if value.ndim > 1 else 1, rng)
                for name, value in twin.state_dict().items()})
    return twin


def joined(outputs: Sequence[Array], truths: Sequence[Array]) -> Array:
    """All outputs as one vector in float64, each brought to the scale of 1 by a power of two, which is exact."""
    return np.concatenate([np.ldexp(np.float64(output), -np.frexp(np.abs(truth).max())[1]).ravel()
                           for output, truth in zip(outputs, truths, strict=True)])


def root_mean_square(x: Array) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).mean()))


def assert_within_draws(ours: Sequence[Array], truths: Sequence[Array], draw: Callable[[], Sequence[Array]],
                        draws: int = DRAWS) -> None:
    """Float32 results are no further from the truth than a small multiple of the farthest of some disturbed ones."""
    assert {output.dtype for output in ours} == {np.dtype(np.float32)}
    for output, truth in zip(ours, truths, strict=True):
        assert output.shape == truth.shape and np.isfinite(output).all()
    truth = joined(truths, truths)
    own, drawn = joined(ours, truths) - truth, [joined(draw(), truths) - truth for _ in range(draws)]
    for name, measure, factor in (("root mean square", root_mean_square, TYPICAL_FACTOR),
                                  ("largest", lambda errors: float(np.abs(errors).max()), LARGEST_FACTOR)):
        error, farthest = measure(own), max(map(measure, drawn))
        assert error <= factor * farthest, f"{name} error {error:.2e}, of disturbed float64 runs {farthest:.2e}"


def as_list(outputs: Array | Sequence[Array]) -> list[Array]:
    return [outputs] if isinstance(outputs, np.ndarray) else list(outputs)


def assert_model_rounds_as_float32(model: Module, run: Callable[[Module], Array | Sequence[Array]],
                                   draws: int = DRAWS) -> None:
    """run(model), one array or several, errs in float32 as rounding does; `run` takes the model in either dtype."""
    rng = np.random.default_rng(0)
    assert_within_draws(as_list(run(model.astype(np.float32))), as_list(run(model.astype(np.float64))),
                        lambda: as_list(run(disturbed_model(model, rng))), draws)


def assert_rounds_as_float32(function: Callable[..., Array], *inputs: Array, terms: int) -> None:
    """function(*inputs), whose longest sums have `terms` terms, errs in float32 as rounding does.

    The inputs are in float64 and such that float32 holds them exactly.
    """
    rng, single = np.random.default_rng(0), [value.astype(np.float32) for value in inputs]
    assert all(np.array_equal(value, exact) for value, exact in zip(single, inputs, strict=True))
    truth = function(*inputs)

    def draw() -> list[Array]:
        result = function(*(disturbed(value, terms, rng) for value in inputs))
        return [disturbed(result, 1, rng)]             # the result is rounded too

    assert_within_draws([function(*single)], [truth], draw)
