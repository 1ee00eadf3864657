"""Feature pyramid networks (Lin et al., CVPR 2017): semantically strong maps at every size, for detection.

Names and order of computation are those of torchvision's FeaturePyramidNetwork.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.chain import Step, stage_maps
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

    def forward(self, coarsest: Array) -> list[Array]:
        return stage_maps(self.chain(), coarsest)

    def chain(self) -> list[Step]:
        """From the coarsest level on."""
        return [Step("level pool", ("fpn.extra_blocks.pool",), lambda coarsest: max_pool2d(coarsest, 1, 2), True)]


@dataclass(eq=False, repr=False)
class StridedLevels(Module):
    """RetinaNet (Lin et al. 2017), section 4: P6 by a 3x3 of stride 2 on the coarsest level, P7 by another on P6."""

    p6: Conv2d
    p7: Conv2d

    @classmethod
    def random(cls, channels: int, rng: np.random.Generator | None) -> "StridedLevels":
        return cls(*(Conv2d.random(channels, channels, 3, rng, bias=True, stride=2, padding=1) for _ in range(2)))

    def forward(self, coarsest: Array) -> list[Array]:
        return stage_maps(self.chain(), coarsest)

    def chain(self) -> list[Step]:
        """From the coarsest level on."""
        return [Step("level p6", ("fpn.extra_blocks.p6",), self.p6, True),
                Step("level p7", ("fpn.extra_blocks.p7",), lambda p6: self.p7(relu(p6)), True)]


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
        levels = stage_maps(self.level_chain(maps), maps[-1])
        return levels if self.extra_blocks is None else levels + self.extra_blocks(levels[-1])

    def chain(self, maps: Sequence[Array]) -> list[Step]:
        """The levels of the maps, which are looked at one by one, then the extra ones."""
        return [*self.level_chain(maps), *(() if self.extra_blocks is None else self.extra_blocks.chain())]

    def level_chain(self, maps: Sequence[Array]) -> list[Step]:
        """Fig. 3 of the paper from the coarsest map to the finest, then a level for each."""
        merged: dict[int, Array] = {}                  # by the number of the map
        coarsest = len(self.inner_blocks) - 1

        def lateral(i: int, _: Array) -> Array:
            merged[i] = self.inner_blocks[i][0](maps[i])
            if i < coarsest:
                merged[i] = top_down([merged[i], merged[i + 1]])[0]
            return merged[i]

        def level(i: int, _: Array) -> Array:
            return self.layer_blocks[i][0](merged[i])

        return [*(Step(f"lateral {i + 1}" + ", top-down" * (i < coarsest), (f"fpn.inner_blocks.{i}",),
                       partial(lateral, i)) for i in reversed(range(coarsest + 1))),
                *(Step(f"level {i + 1}", (f"fpn.layer_blocks.{i}",), partial(level, i), True)
                  for i in range(coarsest + 1))]
