"""A U-Net-style decoder (Ronneberger et al., MICCAI 2015, section 2) on the maps of any hierarchical backbone.

The contracting path of the paper's Fig. 1 is the backbone. As in most later versions, and unlike the paper, the 3x3
convolutions keep the size of their map and have a batch norm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from swin_np.chain import Step, run
from swin_np.convolution.layers import Conv2d
from swin_np.dense.convolution_module import ConvModule
from swin_np.dense.maps import check_maps
from swin_np.errors import ShapeError
from swin_np.functional import Array, linear
from swin_np.layers import Module, draw


def up_convolution(x: Array, weight: Array, bias: Array) -> Array:
    """Fig. 1's "up-conv 2x2": every pixel becomes 2x2, (B, h, w, C) -> (B, 2h, 2w, out).

    weight (C, out, 2, 2) and bias (out,) as in PyTorch's ConvTranspose2d of kernel and stride 2, where no two kernels
    overlap: each of the four pixels is a linear map of the one it comes from.
    """
    (b, h, w, c), outputs = x.shape, weight.shape[1]
    y = linear(x, weight.transpose(2, 3, 1, 0).reshape(4 * outputs, c))  # (B, h, w, 4 out), row by row
    y = y.reshape(b, h, w, 2, 2, outputs).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(b, 2 * h, 2 * w, outputs) + bias


@dataclass(eq=False, repr=False)
class UpConvolution(Module):
    """`up_convolution`; weight (C, out, 2, 2), bias (out,)."""

    weight: Array
    bias: Array

    @classmethod
    def random(cls, inputs: int, outputs: int, rng: np.random.Generator | None) -> "UpConvolution":
        return cls(draw(rng, inputs, outputs, 2, 2), np.zeros(outputs, np.float32))

    def forward(self, x: Array) -> Array:
        return up_convolution(x, self.weight, self.bias)


@dataclass(eq=False, repr=False)
class UpBlock(Module):
    """One step of the expansive path: up-convolution, the backbone's map beside it, two 3x3 convolutions."""

    up: UpConvolution
    convs: list[ConvModule]

    @classmethod
    def random(cls, inputs: int, channels: int, rng: np.random.Generator | None) -> "UpBlock":
        """From the channels below to those of the backbone's map."""
        return cls(UpConvolution.random(inputs, channels, rng),
                   [ConvModule.random(2 * channels, channels, 3, rng), ConvModule.random(channels, channels, 3, rng)])

    def forward(self, below: Array, skip: Array) -> Array:
        """(B, h, w, inputs) and the map (B, H, W, C) of about twice the size -> (B, H, W, C).

        A map with an odd side came from one row or column less than twice as many; they are cut off again.
        """
        h, w = skip.shape[1:3]
        if any(side not in (2 * half, 2 * half - 1) for half, side in zip(below.shape[1:3], (h, w), strict=True)):
            raise ShapeError(f"a {below.shape[1]}x{below.shape[2]} map lies below one of {h}x{w}: each map must have "
                             "half the sides of the one before, rounded up")
        x = np.concatenate([skip, self.up(below)[:, :h, :w]], axis=-1)
        for conv in self.convs:
            x = conv(x)
        return x


@dataclass(eq=False, repr=False)
class UNetDecoder(Module):
    """Maps (B, h, w, C_i), the finest first, to scores (B, h, w, num_classes) at the size of the finest."""

    up_blocks: list[UpBlock]                           # from the coarsest map to the finest
    classifier: Conv2d                                 # 1x1

    @classmethod
    def random(cls, map_channels: Sequence[int], num_classes: int, seed: int | None = 0) -> "UNetDecoder":
        """For maps of these channels, the finest first; seed None: placeholders."""
        rng = None if seed is None else np.random.default_rng(seed)
        channels = list(map_channels)[::-1]
        return cls([UpBlock.random(below, skip, rng) for below, skip in pairwise(channels)],
                   Conv2d.random(channels[-1], num_classes, 1, rng, bias=True))

    def forward(self, maps: Sequence[Array]) -> Array:
        """Raises ShapeError unless the maps are as many, as wide and as the model's dtype, the finest first."""
        channels = [block.up.weight.shape[1] for block in self.up_blocks[::-1]]
        coarsest = self.up_blocks[0].up.weight.shape[0] if self.up_blocks else self.classifier.weight.shape[1]
        check_maps(maps, [*channels, coarsest], self.dtype)
        return run(self.chain(maps), maps[-1])

    def chain(self, maps: Sequence[Array]) -> list[Step]:
        """Fig. 1 on the right, from the coarsest map upwards; `maps` are looked at one by one."""
        ups = [Step(f"up, beside map {len(self.up_blocks) - i}", (f"decode_head.up_blocks.{i}",),
                    lambda x, i=i, block=block: block(x, maps[-2 - i])) for i, block in enumerate(self.up_blocks)]
        return [*ups, Step("classifier", ("decode_head.classifier",), self.classifier)]
