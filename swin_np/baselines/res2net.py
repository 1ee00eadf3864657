"""Res2Net (Gao et al., TPAMI 2021): residual-like connections, one above the other, between splits of one block.

The frame is ResNet's. Sections, equations and figures are those of the Res2Net paper; v1b is its authors' later stem
and shortcut, after He et al., "Bag of Tricks" (CVPR 2019), section 4.2.
"""

from dataclasses import dataclass, replace

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.baselines.resnet import ResidualBlock, ResNet, ResNetConfig, projection
from swin_np.convolution.functional import relu
from swin_np.convolution.layers import AvgPool2d, BatchNorm2d, Conv2d, Relu
from swin_np.errors import ConfigurationError
from swin_np.functional import Array
from swin_np.layers import Module


@dataclass(frozen=True)
class Res2NetConfig(ResNetConfig):
    """Everything that defines a Res2Net or Res2NeXt; the fields of ResNetConfig and three more.

    scale: s, into how many splits the channels inside a block are cut (section 3.1). base_width: channels of a split
        where planes are 64 and cardinality is 1 ("26w" is base_width 26).
    stem_type: "", one 7x7 convolution, or "deep", three 3x3. avg_down: the shortcut averages before its 1x1, which
        then has no stride. v1b has both.

    Raises ConfigurationError for values that no model can have.
    """

    base_width: int = 26
    scale: int = 4
    stem_type: str = ""
    avg_down: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name("stem_type", self.stem_type, ("", "deep"))
        if self.block != "bottleneck":
            raise ConfigurationError(f"block {self.block!r} was given, Res2Net's is a bottleneck: leave it out")
        if self.scale < 2:
            raise ConfigurationError(f"scale {self.scale!r} was given: give a whole number of splits from 2 on "
                                     "(1 is ResNet's own block)")


RES2NET_50 = Res2NetConfig()

RES2NET_VARIANTS = {
    "res2net_50_26w_4s": RES2NET_50,
    "res2net_50_48w_2s": replace(RES2NET_50, base_width=48, scale=2),
    "res2net_50_14w_8s": replace(RES2NET_50, base_width=14, scale=8),
    "res2net_50_26w_6s": replace(RES2NET_50, scale=6),
    "res2net_50_26w_8s": replace(RES2NET_50, scale=8),
    "res2net_101_26w_4s": replace(RES2NET_50, layers=(3, 4, 23, 3)),
    "res2net_50_v1b_26w_4s": replace(RES2NET_50, stem_type="deep", avg_down=True),
    "res2next_50": replace(RES2NET_50, cardinality=8, base_width=4),
}
"""The models of the experiments, by width and scale; v1b and Res2NeXt as their authors published them."""


@dataclass(eq=False, repr=False)
class Bottle2neck(ResidualBlock):
    """Fig. 2b: 1x1, then s splits with a 3x3 each but for one, then 1x1 over all splits together.

    The first block of a stage, where the map may shrink, adds no split to the next; its last split is averaged
    instead of being passed on.
    """

    conv1: Conv2d
    bn1: BatchNorm2d
    convs: list[Conv2d]
    bns: list[BatchNorm2d]
    pool: AvgPool2d | None
    conv3: Conv2d
    bn3: BatchNorm2d
    downsample: list[Module] | None

    @classmethod
    def random(cls, config: Res2NetConfig, stage: int, inputs: int, stride: int, first: bool,
               rng: np.random.Generator | None) -> "Bottle2neck":
        width, outputs = config.width(stage), config.channels(stage)
        shortcut = averaged_projection if config.avg_down else projection
        return cls(
            Conv2d.random(inputs, width * config.scale, 1, rng), BatchNorm2d.identity(width * config.scale),
            [Conv2d.random(width, width, 3, rng, stride=stride, padding=1, groups=config.cardinality)
             for _ in range(config.scale - 1)],
            [BatchNorm2d.identity(width) for _ in range(config.scale - 1)],
            AvgPool2d(3, stride, 1) if first else None,
            Conv2d.random(width * config.scale, outputs, 1, rng), BatchNorm2d.identity(outputs),
            shortcut(inputs, outputs, stride, rng))

    def branch(self, x: Array) -> Array:
        x = self.bn1(self.conv1(x))
        y = self.multi_scale(relu(x, out=x))
        return self.bn3(self.conv3(y))

    def multi_scale(self, x: Array) -> Array:
        """Eq. 1, (B, H, W, s width) -> (B, H/stride, W/stride, s width).

        The equation passes x_1 on and adds from y_2 to x_3 on; the code passes the last split on and adds from the
        first to the second on, which is the same up to the order of the channels.
        """
        *splits, last = np.split(x, len(self.convs) + 1, axis=-1)
        outputs = []
        for i, (split, conv, bn) in enumerate(zip(splits, self.convs, self.bns, strict=True)):
            if i and self.pool is None:
                split = split + outputs[-1]            # x_i + y_(i-1)
            y = bn(conv(split))                        # K_i
            outputs.append(relu(y, out=y))
        outputs.append(last if self.pool is None else self.pool(last))
        return np.concatenate(outputs, axis=-1)


def averaged_projection(inputs: int, outputs: int, stride: int, rng: np.random.Generator | None) -> list[Module] | None:
    """The shortcut of v1b: average where the map shrinks, whole windows or not, then a 1x1 convolution."""
    layers = projection(inputs, outputs, 1, rng)
    return layers and [AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False), *layers]


class Res2Net(ResNet):
    """Section 3: the whole model. Images (B, 3, H, W) or (3, H, W) in, normalised; calling it gives the logits."""

    @staticmethod
    def random_stem(config: Res2NetConfig, rng: np.random.Generator | None) -> Conv2d | list[Module]:
        if config.stem_type != "deep":
            return ResNet.random_stem(config, rng)
        width = config.inplanes // 2
        return [Conv2d.random(config.in_chans, width, 3, rng, stride=2, padding=1), BatchNorm2d.identity(width), Relu(),
                Conv2d.random(width, width, 3, rng, padding=1), BatchNorm2d.identity(width), Relu(),
                Conv2d.random(width, config.inplanes, 3, rng, padding=1)]

    @classmethod
    def random_stage(cls, config: Res2NetConfig, stage: int, rng: np.random.Generator | None) -> list[Bottle2neck]:
        """The first block of a stage is of its own kind; it changes channels and, but for stage 0, halves the map."""
        inputs, outputs = config.channels(stage - 1) if stage else config.inplanes, config.channels(stage)
        blocks = [Bottle2neck.random(config, stage, inputs, 2 if stage else 1, True, rng)]
        while len(blocks) < config.layers[stage]:
            blocks.append(Bottle2neck.random(config, stage, outputs, 1, False, rng))
        return blocks

    def stem(self, x: Array) -> Array:                 # (B, H, W, 3) -> (B, H/2, W/2, 64)
        for layer in self.conv1 if isinstance(self.conv1, list) else [self.conv1]:
            x = layer(x)
        return x


def receptive_fields(scale: int, first: bool = False, kernel: int = 3) -> Array:
    """Section 3.1: what y_i sees of x_j, in pixels on a side, 0 where nothing: (s, s), outputs down, inputs right.

    first: for the first block of a stage, whose splits are not added. Walks the same ladder as `multi_scale`; a
    kernel of k sees k - 1 pixels more than what it looks at.
    """
    fields = np.zeros((scale, scale), int)
    for i in range(scale - 1):
        seen = np.eye(scale, dtype=int)[i]             # x_i sees one pixel of itself
        if i and not first:
            seen = np.maximum(seen, fields[i - 1])     # x_i + y_(i-1)
        fields[i] = np.where(seen, seen + kernel - 1, 0)
    fields[-1, -1] = kernel if first else 1            # averaged, or passed on
    return fields
