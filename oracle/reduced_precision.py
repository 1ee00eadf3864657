"""Correct candidates in other arithmetic: `oracle.foreign_port` with operands, weights or results rounded."""

import re
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from oracle.foreign_port import Port

Rounding = Callable[[Tensor], Tensor]

GROUP = 16                                             # weights that share a scale in int4
STORED = r"layers\.1\.blocks\.0|.*\.norm2"             # the points that are kept in float16 alone


def tf32(x: Tensor, truncated: bool) -> Tensor:
    """Ten bits of mantissa, as tensor cores take them: rounded half away from zero, or cut off."""
    bits = x.contiguous().view(torch.int32)
    return ((bits if truncated else bits + 0x1000) & ~0x1FFF).view(torch.float32)


def through(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype).to(x.dtype)


def float8(x: Tensor) -> Tensor:
    """e4m3 with one scale for the tensor, whose largest number becomes 448."""
    scale = x.abs().max().clamp(min=1e-30) / 448
    return through(x / scale, torch.float8_e4m3fn) * scale


def integers(x: Tensor, bits: int, per_row: bool) -> Tensor:
    """Symmetric integers of so many bits, with a scale for the tensor or for each row (token or output channel)."""
    largest = x.abs().amax(-1, keepdim=True) if per_row else x.abs().max()
    scale = largest.clamp(min=1e-30) / (2 ** (bits - 1) - 1)
    return (x / scale).round() * scale


def int4_groups(x: Tensor) -> Tensor:
    """Four bits, with a scale for every sixteen neighbouring inputs."""
    return integers(x.unflatten(-1, (-1, GROUP)), 4, per_row=True).flatten(-2)


def rounding_operands(rounding: Rounding) -> Callable[[Port], None]:
    """Both operands of every product of matrices are rounded; sums are float32."""
    def apply(port: Port) -> None:
        port.product = lambda name, a, b: rounding(a) @ rounding(b).mT

    return apply


def rounding_weights(rounding: Rounding, all_of_them: bool) -> Callable[[Port], None]:
    """The weights are rounded: all of them, or those of the linear layers alone."""
    def apply(port: Port) -> None:
        for name, value in port.w.items():
            if all_of_them or re.search(r"(qkv|proj|fc1|fc2|reduction|head)\.weight", name):
                port.w[name] = rounding(value.flatten(1)).reshape(value.shape) if value.ndim > 1 else rounding(value)

    return apply


def storing_in_float16(port: Port) -> None:
    """A few points are kept in float16, and what follows goes on with them."""
    port.changes.append((STORED, partial(through, dtype=torch.float16)))


def summing_in_another_order(port: Port) -> None:
    """Every product in four pieces, added from the last to the first."""
    port.product = lambda name, a, b: sum(
        x @ y.mT for x, y in reversed(list(zip(a.chunk(4, -1), b.chunk(4, -1), strict=True))))


SCHEMES: dict[str, Callable[[Port], None]] = {
    "float32, other order of sums": summing_in_another_order,
    "products of TF32, rounded": rounding_operands(partial(tf32, truncated=False)),
    "products of TF32, truncated": rounding_operands(partial(tf32, truncated=True)),
    "products of bfloat16": rounding_operands(partial(through, dtype=torch.bfloat16)),
    "products of float16": rounding_operands(partial(through, dtype=torch.float16)),
    "products of int8, a scale for each tensor": rounding_operands(partial(integers, bits=8, per_row=False)),
    "products of int8, a scale for each channel": rounding_operands(partial(integers, bits=8, per_row=True)),
    "products of float8 (e4m3)": rounding_operands(float8),
    "weights of float16": rounding_weights(partial(through, dtype=torch.float16), True),
    "weights of bfloat16": rounding_weights(partial(through, dtype=torch.bfloat16), True),
    "weights of int8": rounding_weights(partial(integers, bits=8, per_row=True), False),
    "weights of int4, in groups": rounding_weights(int4_groups, False),
    "a few points of float16": storing_in_float16,
}
"""Functions that let a port compute in another arithmetic, by its name."""
