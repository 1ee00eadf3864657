"""UPerNet (Xiao et al., ECCV 2018), the head of the Swin paper's section 4.3: pyramid pooling and an FPN.

Names and order of computation are those of transformers' UperNetForSemanticSegmentation. Its auxiliary head, which only
training needs, is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from swin_np.chain import Step, run
from swin_np.convolution.functional import adaptive_avg_pool2d, interpolate_bilinear
from swin_np.convolution.layers import Conv2d
from swin_np.dense.convolution_module import ConvModule
from swin_np.dense.maps import check_maps
from swin_np.functional import Array
from swin_np.layers import Module

POOL_SCALES = (1, 2, 3, 6)                             # Zhao et al. 2017 (PSPNet), section 3.2


def add_coarser(lateral: Array, coarser: Array) -> Array:
    """The top-down path: the next coarser level is stretched and added to a lateral map (B, h, w, channels)."""
    return lateral + interpolate_bilinear(coarser, lateral.shape[1:3])


@dataclass(eq=False, repr=False)
class BoxMeans(Module):
    """Means over `bins` x `bins` nearly equal boxes, (B, h, w, C) -> (B, bins, bins, C)."""

    bins: int

    def forward(self, x: Array) -> Array:
        return adaptive_avg_pool2d(x, self.bins)


@dataclass(eq=False, repr=False)
class UPerHead(Module):
    """Fig. 4: maps (B, h, w, C_i), the finest first, to scores (B, h, w, num_classes) at the size of the finest."""

    psp_modules: list[list[Module]]                    # for each pool scale: BoxMeans, then a 1x1 ConvModule
    bottleneck: ConvModule                             # 3x3
    lateral_convs: list[ConvModule]                    # 1x1, for all maps but the coarsest
    fpn_convs: list[ConvModule]                        # 3x3
    fpn_bottleneck: ConvModule                         # 3x3
    classifier: Conv2d                                 # 1x1

    @classmethod
    def random(cls, map_channels: Sequence[int], num_classes: int = 150, channels: int = 512,
               pool_scales: Sequence[int] = POOL_SCALES, seed: int | None = 0) -> "UPerHead":
        """For maps of these channels, the finest first; `channels` inside the head. seed None: placeholders."""
        rng = None if seed is None else np.random.default_rng(seed)
        *finer, coarsest = map_channels
        return cls([[BoxMeans(bins), ConvModule.random(coarsest, channels, 1, rng)] for bins in pool_scales],
                   ConvModule.random(coarsest + len(pool_scales) * channels, channels, 3, rng),
                   [ConvModule.random(inputs, channels, 1, rng) for inputs in finer],
                   [ConvModule.random(channels, channels, 3, rng) for _ in finer],
                   ConvModule.random(len(map_channels) * channels, channels, 3, rng),
                   Conv2d.random(channels, num_classes, 1, rng, bias=True))

    def forward(self, maps: Sequence[Array]) -> Array:
        """Raises ShapeError unless the maps are as many, as wide and as the model's dtype, the finest first."""
        coarsest = self.psp_modules[0][1].conv.weight.shape[1]
        check_maps(maps, [*(lateral.conv.weight.shape[1] for lateral in self.lateral_convs), coarsest], self.dtype)
        return run(self.chain(maps), maps[-1])

    def chain(self, maps: Sequence[Array]) -> list[Step]:
        """Fig. 4 from the coarsest map to the finest, then levels and fusion; `maps` are looked at one by one."""
        merged: dict[int, Array] = {}                  # by the number of the map
        coarsest = len(self.lateral_convs)

        def pool(_: Array) -> Array:
            merged[coarsest] = self.pyramid_pooling(maps[-1])
            return merged[coarsest]

        def lateral(i: int, _: Array) -> Array:
            merged[i] = self.top_down(i, maps, merged)
            return merged[i]

        def level(i: int, _: Array) -> Array:
            merged[i] = self.fpn_convs[i](merged[i])
            return merged[i]

        name = "decode_head"
        return [Step("pyramid pooling", (f"{name}.psp_modules", f"{name}.bottleneck"), pool),
                *(Step(f"lateral {i + 1}, top-down", (f"{name}.lateral_convs.{i}",), partial(lateral, i))
                  for i in reversed(range(coarsest))),
                *(Step(f"level {i + 1}", (f"{name}.fpn_convs.{i}",), partial(level, i)) for i in range(coarsest)),
                Step("fusion", (f"{name}.fpn_bottleneck",), lambda _: self.fuse([merged[i] for i in sorted(merged)])),
                Step("classifier", (f"{name}.classifier",), self.classifier)]

    def pyramid_pooling(self, x: Array) -> Array:      # (B, h, w, C) -> (B, h, w, channels)
        """Zhao et al. 2017: the map beside its means over ever smaller boxes, stretched to the map's size."""
        means = [interpolate_bilinear(conv(pool(x)), x.shape[1:3]) for pool, conv in self.psp_modules]
        return self.bottleneck(np.concatenate([x, *means], axis=-1))

    def top_down(self, i: int, maps: Sequence[Array], merged: Mapping[int, Array]) -> Array:
        """Level i of the FPN's path, (B, h, w, channels): its lateral map and the next coarser level."""
        return add_coarser(self.lateral_convs[i](maps[i]), merged[i + 1])

    def fuse(self, levels: Sequence[Array]) -> Array:  # (B, h, w, channels), the finest first -> that of the finest
        """All levels side by side, the coarser ones stretched to the finest, and a 3x3 over them."""
        finest, *coarser = levels
        stretched = [interpolate_bilinear(level, finest.shape[1:3]) for level in coarser]
        return self.fpn_bottleneck(np.concatenate([finest, *stretched], axis=-1))
