"""How closely two arrays must agree: one place for every tolerance of the tests, by dtype and relative to the scale."""

import numpy as np

FLOAT64_TOLERANCE = 1e-12                              # of the largest value; a logic error is ten decades above it
MODEL_TOLERANCE = 1e-10                                # the same after a whole model
OWN_ERROR_FACTOR = 1.5                                 # float32: how much further from the truth than the oracle's own


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


def assert_as_accurate(ours, theirs, truth) -> None:
    """Our float32 result is no further from the float64 truth than 1.5 times the oracle's float32 result is."""
    assert np.asarray(ours).dtype == np.asarray(theirs).dtype == np.float32
    own, other = largest_difference(ours, truth), largest_difference(theirs, truth)
    floor = 2 * float(np.finfo(np.float32).eps * np.abs(truth).max())   # three logits may be exact by luck
    assert own <= OWN_ERROR_FACTOR * max(other, floor), f"error {own:.2e}, the oracle's {other:.2e}"
