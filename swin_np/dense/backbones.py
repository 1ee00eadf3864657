"""What all dense models share: a hierarchical backbone, a norm for each map of a Swin Transformer, and their counts.

The backbone without a head is a model too: what detectors and segmenters take their maps from.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np

from swin_np.arguments.config_fields import check_fields
from swin_np.arguments.image_batches import finite
from swin_np.baselines.architectures import RES2NET, RESNET, SWIN, SWIN_MIXER, SWIN_V2
from swin_np.baselines.resnet import ResNetConfig
from swin_np.chain import Step, run
from swin_np.costs import LayerCost, layer_norm_cost
from swin_np.errors import ConfigurationError
from swin_np.functional import Array, Size, pair
from swin_np.layers import LayerNorm, Module
from swin_np.model import SwinTransformer
from swin_np.variants import VARIANTS, SwinConfig

Hierarchical = SwinConfig | ResNetConfig               # configurations
MapShape = tuple[int, int, int]                        # (h, w, C) of one image's map

BACKBONES = {backbone.config: backbone for backbone in (SWIN, SWIN_V2, SWIN_MIXER, RESNET, RES2NET)}
"""The architectures whose maps form a hierarchy, by the class of their configuration."""

POOLED_END = ("norm", "avgpool")                       # layers of a backbone that come after its last map


@dataclass(frozen=True)
class DenseConfig:
    """Everything that defines a dense model: its backbone's configuration, and what a head adds to it.

    backbone: a SwinConfig, SwinV2Config, SwinMixerConfig, ResNetConfig or Res2NetConfig of at least two stages; it has
    no classes, whatever its num_classes was.
    map_norms: the stages, counted from 0, whose maps get a layer norm; without it all of a Swin Transformer, and none
    of a convolutional network.

    Raises ConfigurationError for values that no model can have.
    """

    backbone: Hierarchical
    map_norms: tuple[int, ...] | None = field(default=None, kw_only=True)
    may_be_zero: ClassVar[tuple[str, ...]] = ("map_norms",)

    def __post_init__(self) -> None:
        if type(self.backbone) not in BACKBONES:
            raise ConfigurationError(f"a {type(self.backbone).__name__} was given as backbone: give one whose maps "
                                     f"form a hierarchy, {', '.join(config.__name__ for config in BACKBONES)}")
        check_fields(self, self.may_be_zero)
        object.__setattr__(self, "backbone", replace(self.backbone, num_classes=0))
        if len(self.map_channels) < 2:
            raise ConfigurationError("the backbone has one stage, and a pyramid needs maps of two sizes: give a "
                                     "backbone of more stages")
        stages = self.normalised_stages
        if list(stages) != sorted({stage for stage in stages if stage < len(self.map_channels)}):
            raise ConfigurationError(f"map_norms is {stages}: give stages from 0 to {len(self.map_channels) - 1}, each "
                                     "once and in their order")

    @property
    def normalised_stages(self) -> tuple[int, ...]:
        """The stages whose maps get a layer norm."""
        if self.map_norms is not None:
            return self.map_norms
        return tuple(range(len(self.map_channels))) if isinstance(self.backbone, SwinConfig) else ()

    @property
    def in_chans(self) -> int:
        """Channels of the images."""
        return self.backbone.in_chans

    @property
    def map_channels(self) -> list[int]:
        """Channels of each of the backbone's maps, the finest first."""
        config = self.backbone
        stages = len(config.layers if isinstance(config, ResNetConfig) else config.depths)
        return [config.channels(stage) for stage in range(stages)]

    def map_shapes(self, img_size: Size) -> list[MapShape]:
        """(h, w, C) of each of the backbone's maps, the finest first, for images of this size in pixels."""
        sizes = self.backbone.map_sizes(pair(img_size))
        return [(*size, channels) for size, channels in zip(sizes, self.map_channels, strict=True)]


@dataclass(eq=False, repr=False)
class DenseModel(Module):
    """A backbone, whose maps a head takes. Only a Swin Transformer's maps come unnormalised and get norms.

    As in the paper's detection and segmentation code, there is a norm for each map that is taken (None for another
    one), and none at the backbone's end.
    """

    backbone: Module
    norms: list[LayerNorm | None]

    def feature_maps(self, images: Array) -> list[Array]:
        """What the head takes, of images (B, 3, H, W): (B, h, w, C_i), the finest first."""
        maps: list[Array] = []
        run(self.map_chain(maps), images)
        return maps

    def map_chain(self, maps: list[Array], results: bool = False) -> list[Step]:
        """The steps of the backbone up to its last map, and the norms; what the head takes is put into `maps`.

        results: whether the maps are what the model is for (Step.stage); then each is shown once more in the end.
        """
        def keep(stage: Step, x: Array) -> Array:
            maps.append(stage(x))
            return maps[-1]

        def normalise(i: int, _: Array) -> Array:
            maps[i] = self.normalised(i, maps[i])
            return maps[i]

        steps = []
        for step in self.backbone.chain()[:-1]:        # without what classifies
            if step.stage:
                step = replace(step, compute=partial(keep, step), stage=False, ends=None)
            steps.append(replace(step, layers=tuple(f"backbone.{name}" for name in step.layers)))
        for i, norm in enumerate(self.norms):
            if norm is not None:
                steps.append(Step(f"norm of map {i + 1}", (f"norms.{i}",), partial(normalise, i), results))
            elif results:
                steps.append(Step(f"map {i + 1}", (), lambda _, i=i: maps[i], True))
        return steps

    def normalised(self, i: int, x: Array) -> Array:   # (B, h, w, C_i) -> (B, h, w, C_i)
        """Map i, counted from the finest, through its norm."""
        return self.norms[i](x)


def random_backbone(config: DenseConfig, seed: int | None) -> tuple[Module, list[LayerNorm | None]]:
    """The first two parts of a DenseModel with initial weights; seed None: placeholders."""
    backbone = BACKBONES[type(config.backbone)].model.random(config.backbone, seed)
    if isinstance(backbone, SwinTransformer):
        backbone.norm = None                           # the norms of the maps take its place
    return backbone, [LayerNorm.identity(channels) if stage in config.normalised_stages else None
                      for stage, channels in enumerate(config.map_channels)]


def backbone_costs(config: DenseConfig, img_size: Size, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer that `DenseModel.maps` computes, in its order, for one image; errors as of the backbone's counts."""
    architecture = BACKBONES[type(config.backbone)]
    costs = [replace(cost, name=f"backbone.{cost.name}")
             for cost in architecture.layer_costs(config.backbone, img_size, dtype) if cost.name not in POOLED_END]
    return costs + [layer_norm_cost(f"norms.{i}", shape, dtype) for i, shape in enumerate(config.map_shapes(img_size))
                    if i in config.normalised_stages]


@dataclass(frozen=True)
class BackboneConfig(DenseConfig):
    """A backbone without a head; see DenseConfig."""


@dataclass(eq=False, repr=False)
class Backbone(DenseModel):
    """What a detector takes of images (B, 3, H, W): its maps (B, h, w, C_i), normalised where `map_norms` says."""

    config: BackboneConfig

    @classmethod
    def random(cls, config: BackboneConfig, seed: int | None = 0, dtype: type = np.float32) -> "Backbone":
        """A model with initial weights drawn from `seed`, the same in either dtype; seed None: placeholders."""
        model = cls(*random_backbone(config, seed), config)
        return model if dtype == np.float32 else model.astype(dtype)

    @finite
    def forward(self, images: Array) -> list[Array]:
        return self.feature_maps(images)

    def chain(self) -> list[Step]:
        """The backbone's steps and the norms of its maps, of which each is a result."""
        return self.map_chain([], results=True)


BACKBONE_VARIANTS = {"backbone_swin_t": BackboneConfig(VARIANTS["swin_t"])}
"""Section 4.2: what the paper's detectors stand on."""
