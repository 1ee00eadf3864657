"""The inner steps of convolution; they are given what `swin_np.convolution.functional` has checked."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from swin_np.functional import Array, linear
from swin_np.parallel.parts import PART_ELEMENTS, parts
from swin_np.parallel.pool import for_each

GROUP_CHANNELS = 16                                    # measured: narrower groups are multiplied several at a time


def windows(x: Array, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Array:
    """What the kernel sees at each output position: a view (B, h, w, kh, kw, C) of the padded map x (B, H, W, C)."""
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = sliding_window_view(x, reach, axis=(1, 2))  # (B, H', W', C, reach, reach), a window at every pixel
    seen = seen[:, ::stride[0], ::stride[1], :, ::dilation[0], ::dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3)


def rows_of_images(part: slice, h: int) -> list[tuple[int, slice]]:
    """Cut a slice of the rows of all images, h rows each, at the images' borders: (image, rows) pairs."""
    first, last = part.start // h, (part.stop - 1) // h
    return [(i, slice(max(part.start - i * h, 0), min(part.stop - i * h, h))) for i in range(first, last + 1)]


def kernel_matrices(weight: Array, groups: int) -> Array:
    """Weight (out, C / groups, kh, kw) as one matrix for each group, (groups, out / groups, kh kw C / groups).

    Narrow groups are put together, with zeros where a channel of one meets an output of another: an infinite channel
    makes its neighbours' outputs NaN.
    """
    outputs, inputs, kh, kw = weight.shape
    matrices = weight.transpose(0, 2, 3, 1).reshape(groups, outputs // groups, kh * kw, inputs)
    together = 1
    while groups % (2 * together) == 0 and together * inputs < GROUP_CHANNELS:
        together *= 2
    if together > 1:
        wide = np.zeros((groups // together, together, outputs // groups, kh * kw, together, inputs), weight.dtype)
        for i in range(together):
            wide[:, i, :, :, i] = matrices[i::together]
        matrices = wide
    return matrices.reshape(groups // together, together * outputs // groups, -1)


def kernel_products(seen: Array, matrices: Array, bias: Array | None) -> Array:
    """Multiply windows (h, w, kh, kw, C) by the matrices of `kernel_matrices`: (h, w, out)."""
    h, w, kh, kw, c = seen.shape
    groups, outputs, inputs = matrices.shape
    if groups == 1:
        return linear(seen.reshape(h, w, inputs), matrices[0], bias)
    columns = seen.reshape(h, w, kh, kw, groups, c // groups).transpose(4, 0, 1, 2, 3, 5)
    y = columns.reshape(groups, h * w, inputs) @ matrices.swapaxes(1, 2)
    y = y.swapaxes(0, 1).reshape(h, w, groups * outputs)
    return y if bias is None else y + bias


def depthwise(seen: Array, weight: Array, bias: Array | None) -> Array:
    """Every channel by itself: windows (B, h, w, kh, kw, C) and weight (C, 1, kh, kw) to (B, h, w, C)."""
    b, h, w, kh, kw, c = seen.shape
    y = np.empty((b, h, w, c), seen.dtype)
    offset = np.zeros(c, seen.dtype) if bias is None else bias

    def compute(part: slice) -> None:
        for image, rows in rows_of_images(part, h):
            total = y[image, rows]
            total[...] = offset
            for i in range(kh):
                along_row = seen[image, rows, :, i, 0] * weight[:, 0, i, 0]     # short sums lose the fewest digits
                for j in range(1, kw):
                    along_row += seen[image, rows, :, i, j] * weight[:, 0, i, j]
                total += along_row

    part_rows = -(-PART_ELEMENTS // (w * c))
    for_each(compute, parts(b * h, part_rows, part_rows))
    return y
