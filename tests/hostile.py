"""Hostile values: what a caller may put in the place of an array, a number or a size, by mistake or on purpose."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np

from swin_np.costs import LayerCost
from swin_np.layers import Module
from swin_np.shape_policy import TIMM
from swin_np.variants import SwinConfig

TINY = SwinConfig((8, 12), 2, embed_dim=4, depths=(2, 1), num_heads=(2, 4), window_size=2, num_classes=3)


# Hostile values.

class Labelled(np.ndarray):
    """An array of another class, which changes nothing."""


NUMBERS = [
    None, True, False, np.True_, 0, -1, 1, 2, 3, 1.5, 2.0, float("nan"), float("inf"), -float("inf"), 1e-300, 1e300,
    10**9, 10**30, 10**400, 10**5000, np.int8(4), np.int32(3), np.uint8(2), np.int64(2**40), np.float16(2),
    np.float32(2), np.float64(0.5), np.array(7), np.array(2.5), "7", "timm", b"2", 2 + 0j, Fraction(1, 2), Decimal(2),
    object(), len, type, np.float32, "float32", np.datetime64(1, "s")]

SIZES = [
    (2, 1), [2, 1], (), (2,), (1, 2, 3), (0, 1), (-1, 2), (2, 1.0), (True, 1), ("2", 1), (None, 1), {2, 1},
    {2: 1, 1: 2}, range(1, 3), np.array([2, 1]), np.array([2.0, 1.0]), np.array([[2, 1]]), (10**30, 1), (2**31, 2**31),
    (10**5, 10**5), (np.int8(2), np.int8(1)), np.ma.array([2, 1], mask=[True, False]), [[2], [1]], (10**5000, 1), "21",
    ((2, 1), 1)]


def hostile_array(x: np.ndarray, rng) -> object:
    """The array as something that it should not be, or as something unusual that it may be."""
    huge = np.where(rng.random(x.shape) < 0.3, 1e30, x)
    axis = int(rng.integers(x.ndim))
    kinds = [
        lambda: x.astype(np.float16), lambda: x.astype(int), lambda: (x * 100).astype(np.uint8), lambda: x > 0,
        lambda: x.astype(complex), lambda: x.astype(object), lambda: x.astype(str), lambda: x.tolist(),
        lambda: np.ma.array(x, mask=x > 0), lambda: np.asmatrix(x.reshape(len(x), -1)),
        lambda: None, lambda: 0.5, lambda: "x", lambda: x.dtype.type(1), lambda: x[:0], lambda: x[..., :0],
        lambda: x[None], lambda: x[0], lambda: x[..., 0], lambda: x.ravel(),
        lambda: np.concatenate([x, x], axis), lambda: np.delete(x, 0, axis),
        lambda: np.full(x.shape, np.nan, x.dtype), lambda: np.where(x > 1, np.inf, x).astype(x.dtype),
        lambda: huge.astype(x.dtype), lambda: (x * 1e20).astype(x.dtype), lambda: (x * 1e-30).astype(x.dtype),
        lambda: np.zeros_like(x), lambda: np.full(x.shape, 12345.678, x.dtype), lambda: x.T,
        lambda: np.repeat(x, 2, -1)[..., ::2], lambda: x[::-1], lambda: x.astype(x.dtype.newbyteorder()),
        lambda: np.asfortranarray(x), lambda: x.view(Labelled), lambda: np.broadcast_to(x[:1], x.shape),
        lambda: x.astype(np.float32 if x.dtype == np.float64 else np.float64), lambda: x.astype(np.longdouble),
        lambda: np.array(0.5, x.dtype), lambda: np.zeros(x.shape, "M8[s]"),
        lambda: np.zeros(x.shape, [("a", "f4")]),
    ]
    return kinds[int(rng.integers(len(kinds)))]()


def hostile(value: object, rng: np.random.Generator) -> object:
    """Something else in the place of a right argument."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return replacement(value, rng)


def replacement(value: object, rng: np.random.Generator) -> object:
    if isinstance(value, np.ndarray) and rng.random() < 0.9:
        return hostile_array(value, rng)
    pool = [*NUMBERS, *SIZES, np.zeros(3), TIMM, TINY, [], {}, lambda *given: None, LayerCost("a", "b", (1,), 1, 2, 3),
            slice(0, 1), [LayerCost("a", "b", (1,), 1, 2, 3), 5], np.int8, np.dtype("float64"), Module()]
    chosen = pool[int(rng.integers(len(pool)))]
    return 5 if callable(value) and callable(chosen) else chosen        # what a callback raises is its own affair


def described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{type(value).__name__}{value.shape}{value.dtype}"
    try:
        return f"{value!r:.40}"
    except Exception:                                  # integers of thousands of digits, modules without fields
        return f"a {type(value).__name__}"
