"""Deformable convolution (Dai et al., ICCV 2017) and its modulated form, v2 (Zhu et al., CVPR 2019): as single layers.

A kernel looks where the map tells it to: each of its K positions is moved by an offset that a second convolution
computes from the same map, and in v2 also weighted.
"""

import math
from dataclasses import dataclass

import numpy as np

from swin_np.convolution.functional import check_channels, out_size
from swin_np.convolution.layers import Conv2d
from swin_np.convolution.loops import kernel_matrices, kernel_products, rows_of_images
from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, pair, sigmoid
from swin_np.layers import Module, note
from swin_np.parallel.parts import PART_TOKENS, parts
from swin_np.parallel.pool import for_each


def bilinear_samples(x: Array, rows: Array, columns: Array) -> Array:
    """Dai et al., Eqs. 3 and 4: x (H, W, C) at real positions (...), 0 outside of the map; gives (..., C)."""
    h, w, c = x.shape
    rows, columns = np.clip(rows, -1, h), np.clip(columns, -1, w)       # further out there is nothing either
    top, left = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    pixels, samples = x.reshape(h * w, c), np.zeros((*rows.shape, c), x.dtype)
    for i, j in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
        share = (1 - np.abs(rows - i)) * (1 - np.abs(columns - j)) * inside     # G(q, p) of Eq. 4
        samples += pixels[np.clip(i, 0, h - 1) * w + np.clip(j, 0, w - 1)] * share[..., None].astype(x.dtype)
    return samples


def deformable_conv2d(x: Array, offsets: Array, weight: Array, bias: Array | None = None, stride: Size = 1,
                      padding: Size = 0, dilation: Size = 1, groups: int = 1, mask: Array | None = None) -> Array:
    """Dai et al., Eq. 2, and with a mask Zhu et al., Eq. 1: x (B, H, W, C) -> (B, h, w, out).

    offsets: (B, h, w, 2 G K), for each of G groups of channels and each of the K kernel positions, row by row, how many
        pixels further down and to the right to look. G follows from the shape.
    mask: (B, h, w, G K), the modulation, what is found there is multiplied by; None for v1.
    All else as in `conv2d`. torchvision.ops.deform_conv2d has the same channels. Raises ShapeError for shapes that do
    not fit each other.
    """
    check_channels(x, weight, bias, groups)
    stride, padding, dilation = pair(stride), pair(padding), pair(dilation)
    (b, *size, c), (kh, kw) = x.shape, weight.shape[2:]
    h, w = out_size(size, (kh, kw), stride, padding, dilation)
    offset_groups = max(1, offsets.shape[-1] // (2 * kh * kw))
    if offsets.shape != (b, h, w, 2 * offset_groups * kh * kw) or c % offset_groups:
        raise ShapeError(f"offsets have shape {offsets.shape}: expected ({b}, {h}, {w}, 2 G {kh * kw}) with a number "
                         f"G of offset groups that divides the {c} channels")
    if mask is not None and mask.shape != (b, h, w, offset_groups * kh * kw):
        raise ShapeError(f"the mask has shape {mask.shape}: expected {(b, h, w, offset_groups * kh * kw)}, half the "
                         "channels of the offsets")
    y, matrices = np.empty((b, h, w, len(weight)), x.dtype), kernel_matrices(weight, groups)
    offsets = offsets.reshape(b, h, w, offset_groups, kh, kw, 2)
    shares = None if mask is None else mask.reshape(b, h, w, offset_groups, kh, kw, 1)
    down, right = (np.arange(k) * d - p for k, d, p in zip((kh, kw), dilation, padding, strict=True))

    def compute(part: slice) -> None:
        for image, rows in rows_of_images(part, h):
            regular = (np.arange(h)[rows] * stride[0])[:, None, None, None] + down[:, None], \
                (np.arange(w) * stride[1])[:, None, None] + right
            seen = np.empty((rows.stop - rows.start, w, kh, kw, c), x.dtype)
            for g, channels in enumerate(np.split(np.arange(c), offset_groups)):
                moved = (grid + offsets[image, rows, :, g, :, :, axis] for axis, grid in enumerate(regular))
                found = bilinear_samples(x[image][..., channels], *moved)
                seen[..., channels] = found if shares is None else found * shares[image, rows, :, g]
            y[image, rows] = kernel_products(seen, matrices, bias)

    for_each(compute, parts(b * h, max(1, PART_TOKENS // w), math.ceil(PART_TOKENS / w)))
    return y


@dataclass(eq=False, repr=False)
class DeformableConv2d(Module):
    """Fig. 2 of Dai et al.: `conv_offset`, a convolution of the same kernel over the same map, tells where to look.

    modulated: v2, where a third of its channels, after a sigmoid, is the mask; the others are the offsets.
    """

    weight: Array                                      # (out, C / groups, kh, kw)
    bias: Array | None                                 # (out,)
    conv_offset: Conv2d
    groups: int
    modulated: bool

    @classmethod
    def random(cls, inputs: int, outputs: int, kernel: Size, rng: np.random.Generator | None, modulated: bool = True,
               bias: bool = True, stride: Size = 1, padding: Size = 0, dilation: Size = 1, groups: int = 1,
               offset_groups: int = 1) -> "DeformableConv2d":
        """Initial weights of a convolution; the offsets start at 0 and the mask at 1/2, as in both papers."""
        conv = Conv2d.random(inputs, outputs, kernel, rng, bias, stride, padding, dilation, groups)
        numbers = (3 if modulated else 2) * offset_groups * conv.weight[0, 0].size
        offset = Conv2d(np.zeros((numbers, inputs, *conv.weight.shape[2:]), np.float32), np.zeros(numbers, np.float32),
                        conv.stride, conv.padding, conv.dilation)
        return cls(conv.weight, conv.bias, offset, groups, modulated)

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, h, w, out)
        offsets, mask = self.conv_offset(x), None
        if self.modulated:
            offsets, logits = np.split(offsets, [offsets.shape[-1] // 3 * 2], axis=-1)
            mask = sigmoid(logits)
        offsets = note("offsets", offsets)
        return deformable_conv2d(x, offsets, self.weight, self.bias, self.conv_offset.stride, self.conv_offset.padding,
                                 self.conv_offset.dilation, self.groups, mask)
