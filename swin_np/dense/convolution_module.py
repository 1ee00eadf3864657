"""What dense heads are built of: a convolution, a batch norm and a ReLU, called ConvModule since mmsegmentation."""

from dataclasses import dataclass

import numpy as np

from swin_np.convolution.functional import relu
from swin_np.convolution.layers import BatchNorm2d, Conv2d
from swin_np.functional import Array
from swin_np.layers import Module


@dataclass(eq=False, repr=False)
class ConvModule(Module):
    """Convolution of stride 1 that keeps the size of the map, batch norm, ReLU; (B, h, w, C) -> (B, h, w, out)."""

    conv: Conv2d
    batch_norm: BatchNorm2d

    @classmethod
    def random(cls, inputs: int, outputs: int, kernel: int, rng: np.random.Generator | None) -> "ConvModule":
        return cls(Conv2d.random(inputs, outputs, kernel, rng, padding=kernel // 2), BatchNorm2d.identity(outputs))

    def forward(self, x: Array) -> Array:
        y = self.batch_norm(self.conv(x))
        return relu(y, out=y)
