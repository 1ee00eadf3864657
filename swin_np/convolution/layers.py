"""The modules of convolutional networks: convolution, batch norm, average pooling and ReLU, on functional.py."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from swin_np.convolution import functional
from swin_np.errors import ConfigurationError
from swin_np.functional import Array, Size, pair
from swin_np.layers import Module, placeholder


@dataclass(eq=False, repr=False)
class Conv2d(Module):
    """Convolution, with groups = C the depth-wise one; weight (out, C / groups, kh, kw), bias (out,) or None."""

    weight: Array
    bias: Array | None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @classmethod
    def random(cls, inputs: int, outputs: int, kernel: Size, rng: np.random.Generator | None, bias: bool = False,
               stride: Size = 1, padding: Size = 0, dilation: Size = 1, groups: int = 1) -> "Conv2d":
        """He et al. 2015: normal of variance 2 / (out kh kw), bias 0; without rng a placeholder.

        Raises ConfigurationError for groups that do not divide the channels.
        """
        if groups < 1 or inputs % groups or outputs % groups:
            raise ConfigurationError(f"{groups} groups do not divide {inputs} channels in and {outputs} out: "
                                     "choose a number that divides both")
        shape = (outputs, inputs // groups, *pair(kernel))
        deviation = np.float32((2 / (outputs * shape[2] * shape[3])) ** 0.5)
        weight = placeholder(*shape) if rng is None else rng.standard_normal(shape, np.float32) * deviation
        return cls(weight, np.zeros(outputs, np.float32) if bias else None, pair(stride), pair(padding),
                   pair(dilation), groups)

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, h, w, out)
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


@dataclass(eq=False, repr=False)
class BatchNorm2d(Module):
    """Batch normalisation at inference over the last axis; all four (C,), the running ones measured, not learned."""

    weight: Array
    bias: Array
    running_mean: Array
    running_var: Array
    eps: float = 1e-5
    buffers: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")
    unused: ClassVar[tuple[str, ...]] = ("num_batches_tracked",)        # how long it was trained

    @classmethod
    def identity(cls, channels: int) -> "BatchNorm2d":
        """As it is before training: scale 1, offset 0, mean 0, variance 1."""
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        return cls(ones, zeros, zeros.copy(), ones.copy())

    def forward(self, x: Array) -> Array:
        return functional.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.eps)


@dataclass(eq=False, repr=False)
class Relu(Module):
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        return functional.relu(x)


@dataclass(eq=False, repr=False)
class AvgPool2d(Module):
    """The mean of each window of a map."""

    kernel_size: int
    stride: int
    padding: int = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def forward(self, x: Array) -> Array:
        return functional.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                                      self.count_include_pad)
