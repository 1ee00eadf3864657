"""Feature pyramid networks (Lin et al., CVPR 2017): semantically strong maps at every size, for detection.

Names and order of computation are those of torchvision's FeaturePyramidNetwork.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.convolution.functional import interpolate_nearest, max_pool2d, relu
from swin_np.convolution.layers import Conv2d
from swin_np.dense.maps import check_maps
from swin_np.functional import Array
from swin_np.layers import Module


def top_down(laterals: list[Array]) -> list[Array]:
    """Section 3, Fig. 3: from the coarsest map to the finest, add each, its pixels doubled, to the next finer one."""
    merged = [laterals[-1]]
    for lateral in reversed(laterals[:-1]):
        merged.insert(0, lateral + interpolate_nearest(merged[0], lateral.shape[1:3]))
    return merged


@dataclass(eq=False, repr=False)
class PooledLevel(Module):
    """Footnote 2 of the paper: every second pixel of the coarsest level is one level more."""

    names: ClassVar[tuple[str, ...]] = ("pool",)

    def forward(self, coarsest: Array) -> list[Array]:
        return [max_pool2d(coarsest, 1, 2)]


@dataclass(eq=False, repr=False)
class StridedLevels(Module):
    """RetinaNet (Lin et al. 2017), section 4: P6 by a 3x3 of stride 2 on the coarsest level, P7 by another on P6."""

    p6: Conv2d
    p7: Conv2d
    names: ClassVar[tuple[str, ...]] = ("p6", "p7")

    @classmethod
    def random(cls, channels: int, rng: np.random.Generator | None) -> "StridedLevels":
        return cls(*(Conv2d.random(channels, channels, 3, rng, bias=True, stride=2, padding=1) for _ in cls.names))

    def forward(self, coarsest: Array) -> list[Array]:
        p6 = self.p6(coarsest)
        return [p6, self.p7(relu(p6))]


EXTRA_LEVELS = {
    "none": lambda channels, rng: None,
    "pool": lambda channels, rng: PooledLevel(),
    "p6p7": StridedLevels.random,
}
"""What may follow the coarsest map: nothing, a pooled level, or RetinaNet's two."""


@dataclass(eq=False, repr=False)
class FPN(Module):
    """Maps (B, h, w, C_i), the finest first, to maps of the same sizes with `channels` each, and the extra levels."""

    inner_blocks: list[list[Conv2d]]                   # 1x1, C_i -> channels: the lateral connections
    layer_blocks: list[list[Conv2d]]                   # 3x3, channels -> channels: against the aliasing of upsampling
    extra_blocks: PooledLevel | StridedLevels | None

    @classmethod
    def random(cls, map_channels: Sequence[int], channels: int = 256, extra: str = "pool",
               seed: int | None = 0) -> "FPN":
        """For maps of these channels, the finest first; `extra` is one of EXTRA_LEVELS. seed None: placeholders."""
        check_name("extra levels", extra, EXTRA_LEVELS)
        rng = None if seed is None else np.random.default_rng(seed)
        return cls([[Conv2d.random(inputs, channels, 1, rng, bias=True)] for inputs in map_channels],
                   [[Conv2d.random(channels, channels, 3, rng, bias=True, padding=1)] for _ in map_channels],
                   EXTRA_LEVELS[extra](channels, rng))

    def forward(self, maps: Sequence[Array]) -> list[Array]:
        """Raises ShapeError unless the maps are as many, as wide and as the model's dtype, the finest first."""
        check_maps(maps, [conv.weight.shape[1] for conv, in self.inner_blocks], self.dtype)
        merged = top_down([conv(x) for (conv,), x in zip(self.inner_blocks, maps, strict=True)])
        levels = [conv(x) for (conv,), x in zip(self.layer_blocks, merged, strict=True)]
        return levels if self.extra_blocks is None else levels + self.extra_blocks(levels[-1])
