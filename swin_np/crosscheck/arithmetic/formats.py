"""Number formats of accelerators, emulated: what gives the nearest numbers of each, in float32."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from swin_np.functional import Array

LARGEST_E4M3, LARGEST_E5M2 = 448.0, 57344.0            # float8 has no infinity where it saturates, as accelerators do
SMALLEST_SCALE = 1e-30                                 # of a row of zeros


@dataclass(frozen=True)
class Format:
    """A format by its name; called with a float32 array it gives the nearest numbers, with rows on the last axis.

    biased: its errors shrink what they round, as a wrong scale does.
    """

    name: str
    nearest: Callable[[Array], Array]
    biased: bool = False

    def __call__(self, x: Array) -> Array:
        return self.nearest(x)


def mantissa(x: Array, bits: int, halfway_up: bool = False, truncated: bool = False) -> Array:
    """Keep the first bits of the 23 behind the point: rounded to even, or halfway cases away from 0, or cut off."""
    x = np.ascontiguousarray(x, np.float32)
    dropped = 23 - bits
    raw = x.view(np.uint32)
    if truncated:
        raw = raw.copy()
    elif halfway_up:
        raw = raw + np.uint32(1 << (dropped - 1))
    else:
        raw = raw + np.uint32((1 << (dropped - 1)) - 1) + ((raw >> np.uint32(dropped)) & np.uint32(1))
    raw &= np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)
    return np.where(np.isfinite(x), raw.view(np.float32), x)


def float16(x: Array) -> Array:
    """Five bits of exponent, ten of mantissa; what is beyond 65504 becomes infinite."""
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(np.float32)


def float8(x: Array, bits: int, smallest: float, largest: float, scaled: bool) -> Array:
    """A float of 8 bits: so many of mantissa, multiples of `smallest` near 0, saturated at the largest number.

    scaled: the tensor is first scaled to have its largest number there.
    """
    scale = np.float32(max(float(np.abs(x).max()), SMALLEST_SCALE) / largest if scaled else 1)
    x = np.clip(x / scale, -largest, largest).astype(np.float32)
    y = mantissa(x, bits)
    normal = np.float32(smallest * 2**bits)
    return np.where(np.abs(x) < normal, np.rint(x / np.float32(smallest)) * np.float32(smallest), y) * scale


def integers(x: Array, bits: int, per_row: bool = False, wide: bool = False) -> Array:
    """Symmetric integers of so many bits, with a scale for the tensor or for each row.

    wide: the range of the numbers is spread over all 2^bits integers, of which there is one more below 0 than above.
    """
    largest = np.abs(x).max(axis=-1, keepdims=True) if per_row else np.abs(x).max()
    most = 2 ** (bits - 1) - 1
    scale = (np.maximum(largest, SMALLEST_SCALE) / (most + 0.5 * wide)).astype(np.float32)
    return np.clip(np.rint(x / scale), -most - wide, most) * scale


def affine(x: Array, bits: int) -> Array:
    """Unsigned integers of so many bits between the tensor's smallest number (or 0) and its largest (or 0)."""
    low, high, most = min(float(x.min()), 0.0), max(float(x.max()), 0.0), 2**bits - 1
    scale = np.float32(max(high - low, SMALLEST_SCALE) / most)
    zero = np.rint(np.float32(-low) / scale)
    return (np.clip(np.rint(x / scale) + zero, 0, most) - zero) * scale


def groups(x: Array, bits: int, size: int) -> Array:
    """Symmetric integers with a scale for so many neighbours of a row, or for all where they do not divide it."""
    if x.shape[-1] % size:
        return integers(x, bits, per_row=True)
    return integers(x.reshape(*x.shape[:-1], -1, size), bits, per_row=True).reshape(x.shape)


TF32 = Format("TF32", partial(mantissa, bits=10, halfway_up=True))
TF32_TRUNCATED = Format("TF32, truncated", partial(mantissa, bits=10, truncated=True), biased=True)
FLOAT16 = Format("float16", float16)
BFLOAT16 = Format("bfloat16", partial(mantissa, bits=7))
INT8 = Format("int8, a scale for each tensor", partial(integers, bits=8))
INT8_ROWS = Format("int8, a scale for each row", partial(integers, bits=8, per_row=True))
E4M3 = Format("float8 (e4m3)", partial(float8, bits=3, smallest=2.0**-9, largest=LARGEST_E4M3, scaled=True))
E4M3_UNSCALED = Format("float8 (e4m3) without a scale",
                       partial(float8, bits=3, smallest=2.0**-9, largest=LARGEST_E4M3, scaled=False), biased=True)
E5M2 = Format("float8 (e5m2)", partial(float8, bits=2, smallest=2.0**-16, largest=LARGEST_E5M2, scaled=True))

OF_BOTH_OPERANDS = (TF32, TF32_TRUNCATED, FLOAT16, BFLOAT16, INT8, INT8_ROWS, E4M3, E4M3_UNSCALED, E5M2)

OF_ACTIVATIONS = (*OF_BOTH_OPERANDS, *(Format(f"uint{bits} with a zero point", partial(affine, bits=bits))
                                       for bits in (8, 7)))

OF_WEIGHTS = (
    *OF_BOTH_OPERANDS,
    Format("int8, a scale for each tensor, -128 included", partial(integers, bits=8, wide=True)),
    Format("int8, a scale for each row, -128 included", partial(integers, bits=8, per_row=True, wide=True)),
    Format("int4, a scale for each row", partial(integers, bits=4, per_row=True)),
    *(Format(f"int4, a scale for every {size}", partial(groups, bits=4, size=size)) for size in (16, 32, 64, 128)))

OF_RESULTS = (FLOAT16, BFLOAT16)
