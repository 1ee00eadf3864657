"""The ground floor of convolutional networks: convolution, batch norm, pooling and resizing of maps (B, H, W, C)."""

import math

import numpy as np

from swin_np.arguments.checks import check_elements, check_eps, check_out
from swin_np.arguments.door import moves, takes
from swin_np.convolution.loops import depthwise, kernel_matrices, kernel_products, rows_of_images, windows
from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, linear, pair
from swin_np.parallel.parts import LEAST_ELEMENTS, PART_ELEMENTS, PART_TOKENS, parts
from swin_np.parallel.pool import for_each

OUTPUTS_A_POSITION = 4                                 # measured: with more, windows take the weight's order


@takes()
def out_size(size: tuple[int, int], kernel: Size, stride: Size = 1, padding: Size = 0,
             dilation: Size = 1) -> tuple[int, int]:
    """(h, w) of what a kernel leaves of a map of `size`: floor((size + 2 padding - reach) / stride) + 1.

    The kernel reaches over dilation (kernel - 1) + 1 pixels. Raises ShapeError for a kernel that reaches further than
    the padded map, and for sizes that are not positive.
    """
    kernel, stride, padding, dilation = pair(kernel), pair(stride), pair(padding), pair(dilation)
    if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
        raise ShapeError(f"kernel {kernel}, stride {stride}, dilation {dilation} and padding {padding} were given: "
                         "the first three start at 1, padding at 0")
    if min(size) < 1:
        raise ShapeError(f"the map is {size[0]}x{size[1]}: give one of at least 1x1")
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padded = [side + 2 * p for side, p in zip(size, padding, strict=True)]
    if any(r > side for r, side in zip(reach, padded, strict=True)):
        raise ShapeError(f"the kernel reaches over {reach[0]}x{reach[1]} pixels, the padded map is "
                         f"{padded[0]}x{padded[1]}: give a larger map, or more padding")
    check_elements("the padded map", *padded)
    h, w = ((side - r) // s + 1 for side, r, s in zip(padded, reach, stride, strict=True))
    return h, w


@takes(x="B H W C")
def pad(x: Array, padding: tuple[int, int], value: float = 0) -> Array:
    """x (B, H, W, C) with `padding` rows above and below and columns left and right, all of `value`."""
    if min(padding) < 0:
        raise ShapeError(f"padding {padding} was given: give numbers of pixels from 0 on")
    if padding == (0, 0):
        return x
    (b, h, w, c), (p, q) = x.shape, padding
    check_elements("the padded map", b, h + 2 * p, w + 2 * q, c)
    y = np.empty((b, h + 2 * p, w + 2 * q, c), x.dtype)
    y[:, :p] = y[:, p + h:] = y[:, p:p + h, :q] = y[:, p:p + h, q + w:] = value
    y[:, p:p + h, q:q + w] = x
    return y


@takes(x="any", weight="any", bias="any")
def check_channels(x: Array, weight: Array, bias: Array | None, groups: int) -> None:
    """Raise ShapeError where map (B, H, W, C), weight (out, C / groups, kh, kw) and bias (out,) do not fit."""
    if x.ndim != 4 or weight.ndim != 4 or not x.size or not weight.size:
        raise ShapeError(f"the map has shape {x.shape} and the weight {weight.shape}: expected (B, H, W, C) and "
                         "(out, C / groups, kh, kw), not empty")
    if groups < 1 or weight.shape[0] % groups or x.shape[-1] != groups * weight.shape[1]:
        raise ShapeError(f"the map has {x.shape[-1]} channels, a weight of shape {weight.shape} in {groups} groups "
                         f"takes {groups * weight.shape[1]}: the groups must divide the channels in and out")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"the bias has shape {bias.shape}, the weight {weight.shape}: expected ({len(weight)},)")


@takes(x="any", weight="any", bias="any")
def conv2d(x: Array, weight: Array, bias: Array | None = None, stride: Size = 1, padding: Size = 0,
           dilation: Size = 1, groups: int = 1) -> Array:
    """Correlate x (B, H, W, C) with weight (out, C / groups, kh, kw), plus bias (out,); gives (B, h, w, out).

    With g groups the g-th part of the outputs sees the g-th part of the channels only. Raises ShapeError for channels
    that do not fit the weight, and for a kernel that reaches further than the padded map.
    """
    check_channels(x, weight, bias, groups)
    kernel, stride, padding, dilation = weight.shape[2:], pair(stride), pair(padding), pair(dilation)
    h, w = out_size(x.shape[1:3], kernel, stride, padding, dilation)
    x = pad(x, padding)
    if kernel == (1, 1) and groups == 1:
        return linear(x[:, ::stride[0], ::stride[1]], weight[:, :, 0, 0], bias)
    seen = windows(x, kernel, stride, dilation)        # (B, h, w, kh, kw, C)
    if weight.shape[:2] == (groups, 1):
        return depthwise(seen, weight, bias)
    if groups == 1 and len(weight) > OUTPUTS_A_POSITION * len(x) * h * w:
        seen = seen.transpose(0, 1, 2, 5, 3, 4)        # (B, h, w, C, kh, kw), the weight's order
        return linear(seen.reshape(len(x), h, w, -1), weight.reshape(len(weight), -1), bias)
    y = np.empty((len(x), h, w, len(weight)), x.dtype)
    matrices = kernel_matrices(weight, groups)

    def compute(part: slice) -> None:
        for image, rows in rows_of_images(part, h):
            y[image, rows] = kernel_products(seen[image, rows], matrices, bias)

    for_each(compute, parts(len(x) * h, max(1, PART_TOKENS // w), math.ceil(PART_TOKENS / w)))
    return y


@takes(x="... C", weight="any", bias="any", mean="any", variance="any")
def batch_norm(x: Array, weight: Array, bias: Array, mean: Array, variance: Array, eps: float = 1e-5) -> Array:
    """Ioffe & Szegedy 2015, at inference: (x - mean) / sqrt(variance + eps) weight + bias, (C,) each; x (..., C)."""
    if not weight.shape == bias.shape == mean.shape == variance.shape == x.shape[-1:]:
        raise ShapeError(f"weight {weight.shape}, bias {bias.shape}, mean {mean.shape} and variance {variance.shape} "
                         f"were given for {x.shape[-1]} channels: expected ({x.shape[-1]},) of each")
    check_eps(eps)
    scale = weight / np.sqrt(variance.astype(np.float64) + eps)
    offset = (bias - mean * scale).astype(x.dtype)
    scale = scale.astype(x.dtype)
    rows = x.reshape(-1, x.shape[-1])
    y = np.empty(rows.shape, x.dtype)

    def compute(part: slice) -> None:
        np.multiply(rows[part], scale, out=y[part])
        y[part] += offset

    for_each(compute, parts(len(rows), -(-PART_ELEMENTS // x.shape[-1]), -(-LEAST_ELEMENTS // x.shape[-1])))
    return y.reshape(x.shape)


@takes(x="...", out="any")
def relu(x: Array, out: Array | None = None) -> Array:
    """max(x, 0). out: where the result goes, x itself perhaps; without it a new array."""
    check_out(x, out)
    y = np.empty(x.shape, x.dtype) if out is None else out
    elements, results = x.reshape(-1), y.reshape(-1)
    for_each(lambda part: np.clip(elements[part], 0, np.inf, out=results[part]),
             parts(x.size, PART_ELEMENTS, LEAST_ELEMENTS))
    return y


@takes()
def pool_size(size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
              padding: tuple[int, int]) -> tuple[int, int]:
    """`out_size` of a pooling; ShapeError also where the padding could fill a window of its own."""
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ShapeError(f"padding {padding} was given for the window {kernel}: give at most half of the window")
    return out_size(size, kernel, stride, padding)


@takes(x="B H W C")
def max_pool2d(x: Array, kernel: Size, stride: Size, padding: Size = 0) -> Array:
    """The largest value of each window, of every channel of x (B, H, W, C); padding never wins."""
    kernel, stride, padding = pair(kernel), pair(stride), pair(padding)
    pool_size(x.shape[1:3], kernel, stride, padding)
    seen = windows(pad(x, padding, -np.inf), kernel, stride)            # (B, h, w, kh, kw, C)
    y = np.array(seen[:, :, :, 0, 0])
    b, h, w, c = y.shape

    def compute(part: slice) -> None:
        for image, rows in rows_of_images(part, h):
            for i, j in np.ndindex(kernel):
                np.maximum(y[image, rows], seen[image, rows, :, i, j], out=y[image, rows])

    for_each(compute, parts(b * h, -(-PART_ELEMENTS // (w * c)), -(-LEAST_ELEMENTS // (w * c))))
    return y


@takes(x="B H W C")
def avg_pool2d(x: Array, kernel: Size, stride: Size, padding: Size = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Array:
    """The mean of each window, of every channel of x (B, H, W, C).

    ceil_mode: windows that reach over the lower and right border count too, with what they have inside.
    count_include_pad: the zeros of the padding count as values.
    """
    kernel, stride, padding = pair(kernel), pair(stride), pair(padding)
    size, counts = list(pool_size(x.shape[1:3], kernel, stride, padding)), []
    for axis, (side, k, s, p) in enumerate(zip(x.shape[1:3], kernel, stride, padding, strict=True)):
        if ceil_mode and (side + 2 * p - k) % s and size[axis] * s < side + p:
            size[axis] += 1
        start = np.arange(size[axis]) * s - p
        stop = np.minimum(start + k, side + p)
        if not count_include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, side)
        counts.append(stop - start)
    beyond = [(n - 1) * s + k - side - 2 * p for n, s, k, side, p in zip(
        size, stride, kernel, x.shape[1:3], padding, strict=True)]
    padded = np.pad(pad(x, padding), ((0, 0), (0, max(0, beyond[0])), (0, max(0, beyond[1])), (0, 0)))
    seen = windows(padded, kernel, stride)
    y = np.zeros(seen.shape[:3] + x.shape[3:], x.dtype)
    for i, j in np.ndindex(kernel):
        y += seen[:, :, :, i, j]
    y /= (counts[0][:, None, None] * counts[1][:, None]).astype(x.dtype)
    return y


@takes()
def checked_size(size: Size) -> tuple[int, int]:
    """(h, w) of a map to be made; ShapeError unless both are positive whole numbers."""
    if min(pair(size)) < 1:
        raise ShapeError(f"a map of size {size} was asked for: give numbers of pixels from 1 on")
    check_elements("the map", *pair(size))
    return pair(size)


@takes(x="B H W C")
def adaptive_avg_pool2d(x: Array, size: Size) -> Array:
    """Means over size h x w nearly equal, possibly overlapping boxes that cover x (B, H, W, C): (B, h, w, C)."""
    for axis, count in zip((1, 2), checked_size(size), strict=True):
        side = x.shape[axis]
        boxes = [slice(side * i // count, -(-side * (i + 1) // count)) for i in range(count)]
        x = np.stack([x[(slice(None),) * axis + (box,)].mean(axis=axis, dtype=np.float64).astype(x.dtype)
                      for box in boxes], axis=axis)
    return x


@takes(x="B H W C")
def interpolate_bilinear(x: Array, size: Size) -> Array:
    """Resize x (B, H, W, C) to `size` (h, w) between the centres of pixels, PyTorch's align_corners=False."""
    for axis, count in zip((1, 2), checked_size(size), strict=True):
        side = x.shape[axis]
        at = np.clip((np.arange(count) + 0.5) * side / count - 0.5, 0, side - 1)
        low = at.astype(np.intp)
        share = (at - low).astype(x.dtype).reshape((-1,) + (1,) * (3 - axis))
        x = x.take(low, axis) * (1 - share) + x.take(np.minimum(low + 1, side - 1), axis) * share
    return x


@moves(x="B H W C")
def interpolate_nearest(x: Array, size: Size) -> Array:
    """Resize x (B, H, W, C) to `size` (h, w), each pixel a copy: row i is row floor(i H / h) of x.

    PyTorch rounds the fraction in float32, and there takes another row for a few sizes (26 to 22, 14 to 46), though not
    where one is a multiple of the other.
    """
    for axis, count in zip((1, 2), checked_size(size), strict=True):
        x = x.take(np.arange(count) * x.shape[axis] // count, axis)
    return x
