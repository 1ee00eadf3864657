"""A small dense model of every kind, on every kind of backbone, its weights drawn large."""

from dataclasses import replace

import numpy as np

from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_mixer import SwinMixerConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.dense.backbones import DenseConfig, DenseModel
from swin_np.dense.pyramid import FPNConfig
from swin_np.dense.segmentation import UNetConfig, UPerNetConfig
from swin_np.layers import redraw
from swin_np.shape_policy import TORCHVISION
from swin_np.systems.registry import architecture_of
from swin_np.variants import SwinConfig

SIZES = {"img_size": (32, 64), "embed_dim": 8, "depths": (2, 1, 1, 2), "num_heads": (2, 4, 4, 4), "window_size": 4,
         "shape_policy": TORCHVISION}
SWIN, RESNET = SwinConfig(**SIZES), ResNetConfig("basic", (1, 2, 1, 1), inplanes=8)
RES2NET = Res2NetConfig(layers=(2, 1, 1, 1), inplanes=16)

CONFIGS = {
    "upernet_swin": UPerNetConfig(SWIN, 6, 10), "upernet_resnet": UPerNetConfig(RESNET, 6, 10),
    "unet_swin": UNetConfig(SWIN, 6), "unet_res2net": UNetConfig(RES2NET, 6),
    "unet_swin_mixer": UNetConfig(SwinMixerConfig(**SIZES), 6),
    "fpn_swin": FPNConfig(SWIN, 10), "fpn_swin_v2": FPNConfig(SwinV2Config(**SIZES), 10),
    "fpn_resnet": FPNConfig(RESNET, 10, "p6p7"), "fpn_res2net": FPNConfig(RES2NET, 10, "none"),
    "fpn_two_maps": FPNConfig(replace(SWIN, depths=(1, 1), num_heads=(2, 4)), 10),
}


def redrawn(config: DenseConfig, dtype: type = np.float64) -> DenseModel:
    """A model with large weights."""
    model = architecture_of(config).model.random(config)
    redraw(model, 4)
    return model.astype(dtype)
