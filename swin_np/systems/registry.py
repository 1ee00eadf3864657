"""Every system that can be built, by name: the paper's models and those that it and its readers compare with them."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from swin_np.arguments.door import takes
from swin_np.arguments.names import check_name
from swin_np.baselines.architectures import RES2NET, RESNET, SWIN, SWIN_MIXER, SWIN_V2, TRANSFORMER, VIT, Architecture
from swin_np.costs import LayerCost
from swin_np.dense.backbones import BACKBONE_VARIANTS, Backbone, BackboneConfig, DenseConfig, backbone_costs
from swin_np.dense.complexity import fpn_costs, unet_costs, upernet_costs
from swin_np.dense.pyramid import FPN_VARIANTS, FeaturePyramid, FPNConfig
from swin_np.dense.segmentation import UNET_VARIANTS, UPERNET_VARIANTS, UNet, UNetConfig, UPerNet, UPerNetConfig
from swin_np.errors import ConfigurationError
from swin_np.functional import Size, pair
from swin_np.shape_policy import TORCHVISION, ShapePolicy

Config = Any                                           # SwinConfig, ViTConfig, ...
Model = Any                                            # SwinTransformer, VisionTransformer, ..., by the configuration
USUAL_SIZE = (224, 224)                                # pixels, of a model that is configured for no size

BACKBONE = Architecture("backbone", Backbone, BackboneConfig, BACKBONE_VARIANTS, backbone_costs)
FPN = Architecture("FPN", FeaturePyramid, FPNConfig, FPN_VARIANTS, fpn_costs)
UNET = Architecture("U-Net", UNet, UNetConfig, UNET_VARIANTS, unet_costs)
UPERNET = Architecture("UPerNet", UPerNet, UPerNetConfig, UPERNET_VARIANTS, upernet_costs)

ARCHITECTURES = (SWIN, SWIN_V2, SWIN_MIXER, VIT, TRANSFORMER, RESNET, RES2NET, BACKBONE, FPN, UNET, UPERNET)

SYSTEMS = {name: config for architecture in ARCHITECTURES for name, config in architecture.variants.items()}
"""The configuration of every system by name; of Swin's own models they are swin_np.VARIANTS."""

COMPARED = ("swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_mixer_t_c24", "deit_s", "deit_b", "vit_b_16", "resnet_50",
            "resnet_101", "resnext_50_32x4d", "resnext_101_32x8d", "res2net_50_26w_4s", "fpn_swin_t", "fpn_resnet_50",
            "upernet_swin_t")
"""The systems of the table of comparison: those of the paper's tables, and what its readers put beside them."""


def architecture_of(config: Config) -> Architecture:
    """The architecture whose configuration this is; ConfigurationError for anything else."""
    for architecture in ARCHITECTURES:
        if type(config) is architecture.config:
            return architecture
    raise ConfigurationError(f"a {type(config).__name__} was given: give a configuration of one of the systems, "
                             f"{', '.join(architecture.config.__name__ for architecture in ARCHITECTURES)}")


def configuration(name: str, **changes: object) -> Config:
    """The configuration of a system with other values for some of its fields; ConfigurationError for unknown names."""
    check_name("variant", name, SYSTEMS)
    config = SYSTEMS[name]
    for change in changes:
        check_name(f"field of {type(config).__name__}", change, (field.name for field in fields(config)))
    return replace(config, **changes)


@takes()
def build(variant: str, seed: int | None = 0, dtype: type = np.float32, **changes: object) -> Model:
    """One of `SYSTEMS`, of the paper or beside it, with seeded initial weights; `changes` replace fields of its config.

    >>> [x.shape for x in build("swin_t", num_classes=10).feature_maps(images)]
    [(1, 56, 56, 96), (1, 28, 28, 192), (1, 14, 14, 384), (1, 7, 7, 768)]
    >>> build("vit_b_16", img_size=448).config.img_size
    (448, 448)
    """
    config = configuration(variant, **changes)
    return architecture_of(config).model.random(config, seed, dtype)


def image_size(config: Config) -> tuple[int, int]:
    """(height, width) in pixels that a model is configured for; 224x224 where it takes any, as a ResNet does.

    Of a dense model those of its backbone.
    """
    return getattr(config.backbone if isinstance(config, DenseConfig) else config, "img_size", USUAL_SIZE)


@takes()
def for_image_size(config: Config, size: Size, shape_policy: ShapePolicy = TORCHVISION) -> Config:
    """The configuration of the same model for images of another size.

    A ViT gets positions for them. A Swin gets a shape policy that pads a map which the window does not divide. A ResNet
    is as it is, and so is a Transformer, whose sequences are then longer. A dense model gets such a backbone, but keeps
    its shape policy: where it pads, it is the one of the model's implementation.
    """
    if isinstance(config, DenseConfig):
        own = getattr(config.backbone, "shape_policy", None)
        kept = own if own is not None and own.image == "any" else shape_policy
        return replace(config, backbone=for_image_size(config.backbone, size, kept))
    changes = {"img_size": pair(size), "shape_policy": shape_policy}
    known = {field.name for field in fields(config)}
    return replace(config, **{name: value for name, value in changes.items() if name in known})


def layer_costs(config: Config, img_size: Size | None = None, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of any system in the order of computation, for one image of `img_size` pixels or the configured size.

    Counted as in swin_np.complexity. Raises ShapeError or ConfigurationError for sizes that the model refuses.
    """
    return architecture_of(config).layer_costs(config, image_size(config) if img_size is None else img_size, dtype)
