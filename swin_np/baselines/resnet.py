"""Deep residual learning (He et al., CVPR 2016) and ResNeXt (Xie et al., CVPR 2017): y = F(x) + x.

The blocks are version 1.5, as in torchvision and timm: a bottleneck strides in its 3x3 convolution, not in the first.
"""

from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from swin_np.arguments.config_fields import check_count, check_fields
from swin_np.arguments.image_batches import check_images, finite
from swin_np.arguments.names import check_name
from swin_np.chain import Step, run, stage_maps
from swin_np.convolution.functional import max_pool2d, relu
from swin_np.convolution.layers import BatchNorm2d, Conv2d
from swin_np.errors import ConfigurationError
from swin_np.functional import Array
from swin_np.layers import Linear, Module

EXPANSION = {"basic": 1, "bottleneck": 4}              # Fig. 5: channels after a block over `planes`


@dataclass(frozen=True)
class ResNetConfig:
    """Everything that defines a ResNet or ResNeXt; the names are those of timm's constructor.

    block: "basic", two 3x3, or "bottleneck", 1x1, 3x3, 1x1 (Fig. 5). layers: blocks of each of the stages.
    cardinality: groups of the bottleneck's 3x3; base_width: channels of each group where planes are 64 (ResNeXt's
    "32x4d" is cardinality 32, base_width 4). inplanes: channels of the stem, and planes of the first stage; each later
    stage has twice as many. num_classes: 0 for no head.

    Raises ConfigurationError for values that no model can have.
    """

    block: str = "bottleneck"
    layers: tuple[int, ...] = (3, 4, 6, 3)
    cardinality: int = 1
    base_width: int = 64
    inplanes: int = 64
    num_classes: int = 1000
    in_chans: int = 3

    def __post_init__(self) -> None:
        check_fields(self, may_be_zero=("num_classes",))
        check_name("block", self.block, EXPANSION)
        if len(self.layers) != 4:
            raise ConfigurationError(f"layers {self.layers} were given, expected four numbers, one for each stage: "
                                     "give four")
        check_count("inplanes, times the factor of stage 4,", self.channels(3))
        if self.block == "basic" and (self.cardinality, self.base_width) != (1, 64):
            raise ConfigurationError("a basic block has neither groups nor another width: leave cardinality 1 and "
                                     "base_width 64, or take the bottleneck")
        if self.width(0) < 1:
            raise ConfigurationError(f"base_width {self.base_width} leaves the first stage's {self.inplanes} planes no "
                                     "channel: give more of either")
        check_count("cardinality and base_width, with the width of stage 4", self.width(3))

    def check_image_size(self, size: tuple[int, int]) -> None:
        """Images of any size will do: no parameter is learned for one."""

    def map_sizes(self, img_size: tuple[int, int]) -> list[tuple[int, int]]:
        """(h, w) of the map that every stage gives, for images of this size in pixels: halves, rounded up."""
        return [tuple(-(-side // 2 ** (stage + 2)) for side in img_size) for stage in range(len(self.layers))]

    def planes(self, stage: int) -> int:
        """Channels of a stage, counted from 0, before the expansion."""
        return self.inplanes * 2 ** stage

    def channels(self, stage: int) -> int:
        """Channels of the map that a stage, counted from 0, gives."""
        return self.planes(stage) * EXPANSION[self.block]

    def width(self, stage: int) -> int:
        """Channels of the 3x3 convolution in the bottlenecks of a stage, all groups together."""
        return self.planes(stage) * self.base_width // 64 * self.cardinality


RESNET_50 = ResNetConfig()
RESNET_101 = ResNetConfig(layers=(3, 4, 23, 3))

RESNET_VARIANTS = {
    "resnet_18": ResNetConfig("basic", (2, 2, 2, 2)),
    "resnet_34": ResNetConfig("basic"),
    "resnet_50": RESNET_50,
    "resnet_101": RESNET_101,
    "resnet_152": ResNetConfig(layers=(3, 8, 36, 3)),
    "resnext_50_32x4d": replace(RESNET_50, cardinality=32, base_width=4),
    "resnext_101_32x8d": replace(RESNET_101, cardinality=32, base_width=8),
    "resnext_101_64x4d": replace(RESNET_101, cardinality=64, base_width=4),
}
"""Table 1 of either paper and their deeper relatives; 101_32x8d is not in the ResNeXt paper, but in torchvision."""


def residual(branch: Array, shortcut: Array) -> Array:
    """Eq. 1 and the ReLU after it, in place of the branch: F(x) + x, where x may have been projected (Eq. 2)."""
    branch += shortcut
    return relu(branch, out=branch)


@dataclass(eq=False, repr=False)
class ResidualBlock(Module):
    """What the two kinds of block share: a branch, and a shortcut that is x itself or a projection of it."""

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H/s, W/s, planes expansion)
        return residual(self.branch(x), self.shortcut(x))

    def shortcut(self, x: Array) -> Array:
        for layer in self.downsample or []:
            x = layer(x)
        return x


@dataclass(eq=False, repr=False)
class BasicBlock(ResidualBlock):
    """Fig. 5 left: two 3x3 convolutions; the first has the stride."""

    conv1: Conv2d
    bn1: BatchNorm2d
    conv2: Conv2d
    bn2: BatchNorm2d
    downsample: list[Module] | None

    @classmethod
    def random(cls, config: ResNetConfig, stage: int, inputs: int, stride: int,
               rng: np.random.Generator | None) -> "BasicBlock":
        planes = config.planes(stage)
        return cls(Conv2d.random(inputs, planes, 3, rng, stride=stride, padding=1), BatchNorm2d.identity(planes),
                   Conv2d.random(planes, planes, 3, rng, padding=1), BatchNorm2d.identity(planes),
                   projection(inputs, planes, stride, rng))

    def branch(self, x: Array) -> Array:
        x = self.bn1(self.conv1(x))
        return self.bn2(self.conv2(relu(x, out=x)))


@dataclass(eq=False, repr=False)
class Bottleneck(ResidualBlock):
    """Fig. 5 right: 1x1 to few channels, 3x3 (grouped in ResNeXt, its Fig. 3c), 1x1 to many."""

    conv1: Conv2d
    bn1: BatchNorm2d
    conv2: Conv2d
    bn2: BatchNorm2d
    conv3: Conv2d
    bn3: BatchNorm2d
    downsample: list[Module] | None

    @classmethod
    def random(cls, config: ResNetConfig, stage: int, inputs: int, stride: int,
               rng: np.random.Generator | None) -> "Bottleneck":
        width, outputs = config.width(stage), config.channels(stage)
        return cls(Conv2d.random(inputs, width, 1, rng), BatchNorm2d.identity(width),
                   Conv2d.random(width, width, 3, rng, stride=stride, padding=1, groups=config.cardinality),
                   BatchNorm2d.identity(width),
                   Conv2d.random(width, outputs, 1, rng), BatchNorm2d.identity(outputs),
                   projection(inputs, outputs, stride, rng))

    def branch(self, x: Array) -> Array:
        x = self.bn1(self.conv1(x))
        x = self.bn2(self.conv2(relu(x, out=x)))
        return self.bn3(self.conv3(relu(x, out=x)))


BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


def projection(inputs: int, outputs: int, stride: int, rng: np.random.Generator | None) -> list[Module] | None:
    """Option B of section 3.3: a 1x1 convolution where channels or size change, None (the identity) where not."""
    if stride == 1 and inputs == outputs:
        return None
    return [Conv2d.random(inputs, outputs, 1, rng, stride=stride), BatchNorm2d.identity(outputs)]


@dataclass(eq=False, repr=False)
class ResNet(Module):
    """Table 1. Images (B, 3, H, W) or (3, H, W) in, normalised, in the model's dtype; calling it gives the logits."""

    conv1: Conv2d
    bn1: BatchNorm2d
    layer1: list[ResidualBlock]
    layer2: list[ResidualBlock]
    layer3: list[ResidualBlock]
    layer4: list[ResidualBlock]
    fc: Linear | None
    config: ResNetConfig

    @classmethod
    def random(cls, config: ResNetConfig, seed: int | None = 0, dtype: type = np.float32) -> "ResNet":
        """A model with initial weights (He et al. 2015) drawn from `seed`; the same weights in either dtype.

        With seed None nothing is drawn: the weights are placeholders, for others to take their place (`place`).
        """
        rng = None if seed is None else np.random.default_rng(seed)
        model = cls(
            cls.random_stem(config, rng), BatchNorm2d.identity(config.inplanes),
            *(cls.random_stage(config, stage, rng) for stage in range(len(config.layers))),
            Linear.random(config.channels(3), config.num_classes, rng) if config.num_classes else None,
            config)
        return model if dtype == np.float32 else model.astype(dtype)

    @staticmethod
    def random_stem(config: ResNetConfig, rng: np.random.Generator | None) -> Conv2d:
        return Conv2d.random(config.in_chans, config.inplanes, 7, rng, stride=2, padding=3)

    @classmethod
    def random_stage(cls, config: ResNetConfig, stage: int, rng: np.random.Generator | None) -> list[ResidualBlock]:
        """The first block of a stage changes channels and, but for stage 0, halves the map."""
        inputs = config.channels(stage - 1) if stage else config.inplanes
        blocks = [cls.random_block(config, stage, inputs, 2 if stage else 1, rng)]
        while len(blocks) < config.layers[stage]:
            blocks.append(cls.random_block(config, stage, config.channels(stage), 1, rng))
        return blocks

    @staticmethod
    def random_block(config: ResNetConfig, stage: int, inputs: int, stride: int,
                     rng: np.random.Generator | None) -> ResidualBlock:
        return BLOCKS[config.block].random(config, stage, inputs, stride, rng)

    def __repr__(self) -> str:
        settings = [f"{field.name}={getattr(self.config, field.name)}" for field in fields(self.config)]
        return super().__repr__().replace("()", f"({', '.join(settings)})", 1)

    @finite
    def forward(self, images: Array) -> Array:
        """Class scores before the softmax (B, num_classes); with num_classes=0 the pooled features."""
        return run(self.chain(), images)

    @finite
    def features(self, images: Array) -> Array:
        """What the head sees: the last map, averaged over its positions, (B, channels)."""
        return self.pool(run(self.chain()[:-1], images))

    @finite
    def feature_maps(self, images: Array) -> list[Array]:
        """The map of every stage, (B, H/4, W/4, 64 expansion) to (B, H/32, W/32, 512 expansion), sides rounded up."""
        return stage_maps(self.chain()[:-1], images)

    def chain(self) -> list[Step]:
        """ResNet's Table 1; ResNeXt's and Res2Net's too."""
        stages = [Step(f"stage {i}, {len(blocks)} blocks", (f"layer{i}",), partial(run, blocks), True)
                  for i, blocks in enumerate((self.layer1, self.layer2, self.layer3, self.layer4), start=1)]
        return [Step("stem", ("conv1", "bn1", "relu", "maxpool"), self.embed), *stages,
                Step("mean, head", ("avgpool", "fc"), self.classify)]

    def embed(self, images: Array) -> Array:
        """Stage 1's input: the stem and a max-pooling, a stride of 2 each, (B, 3, H, W) -> (B, H/4, W/4, 64)."""
        batch = check_images(images, self.config.in_chans, self.dtype)
        x = self.bn1(self.stem(batch.transpose(0, 2, 3, 1)))
        return max_pool2d(relu(x, out=x), 3, 2, 1)

    def stem(self, x: Array) -> Array:                 # (B, H, W, 3) -> (B, H/2, W/2, 64)
        return self.conv1(x)

    def pool(self, x: Array) -> Array:                 # (B, h, w, C) -> (B, C)
        return x.mean(axis=(1, 2), dtype=np.float64).astype(x.dtype)

    def classify(self, x: Array) -> Array:             # (B, h, w, C) -> (B, num_classes)
        features = self.pool(x)
        return features if self.fc is None else self.fc(features)
