"""The error function in float64, against the C library's and the truth."""

import math

import numpy as np
import pytest

from swin_np import functional


def test_erf_is_the_c_librarys_to_two_units_in_the_last_place_on_a_million_points(rng):
    """Of all sizes: where it is all but x, where GELU needs it, where it turns to 1, and between the two formulas."""
    x = np.concatenate([rng.standard_normal(400_000) * 1.5, rng.uniform(-7, 7, 300_000),
                        np.geomspace(1e-310, 7, 200_000), 1 + rng.uniform(-1e-3, 1e-3, 50_000),
                        5.9 + rng.uniform(-0.2, 0.2, 50_000)])
    truth = np.fromiter(map(math.erf, x.tolist()), np.float64, len(x))
    assert (np.abs(functional.erf(x) - truth) <= 2 * np.spacing(np.abs(truth))).all()


def test_erf_at_its_limits():
    x = np.array([0.0, -0.0, 1.0, -1.0, 6.0, -6.0, 1e308, -np.inf, np.inf, 5e-324, np.nan])
    ours, truth = functional.erf(x), np.array([math.erf(value) for value in x])
    np.testing.assert_array_equal(ours, truth)
    np.testing.assert_array_equal(np.signbit(ours[:-1]), np.signbit(truth[:-1]))
    assert functional.erf(np.zeros((2, 0, 3))).shape == (2, 0, 3)


def test_erf_of_a_number_depends_on_no_other(rng):
    x = rng.standard_normal(10_000) * 2
    alone = np.array([functional.erf(x[i:i + 1])[0] for i in range(0, 10_000, 97)])
    np.testing.assert_array_equal(functional.erf(x)[::97], alone)


def test_the_polynomials_of_erf_are_those_that_chebyshevs_points_give():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        centre = mpmath.mpf(functional.ERF_CENTRE)

        def near(square):
            root = mpmath.sqrt(square)
            return (mpmath.erf(root) / root if square > 0 else 2 / mpmath.sqrt(mpmath.pi)) - 1

        def far(t):
            x = centre * (1 + t) / (1 - t)
            return mpmath.exp(x * x) * mpmath.erfc(x)

        ends = [(x - centre) / (x + centre) for x in (1, 6)]
        for coefficients, function, interval in ((functional.ERF_NEAR, near, [mpmath.mpf(0), mpmath.mpf(1)]),
                                                 (functional.ERF_FAR, far, ends)):
            fitted = mpmath.chebyfit(function, interval, len(coefficients))
            assert tuple(map(float, fitted)) == coefficients
