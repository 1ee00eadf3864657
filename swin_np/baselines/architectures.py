"""The architectures that stand on no other one: the paper's, and those that it and its readers compare with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from swin_np import complexity
from swin_np.baselines import convolution_complexity, patch_sequences, swin_mixer, swin_v2, transformer, vit
from swin_np.baselines.res2net import RES2NET_VARIANTS, Res2Net, Res2NetConfig
from swin_np.baselines.resnet import RESNET_VARIANTS, ResNet, ResNetConfig
from swin_np.baselines.swin_mixer import SWIN_MIXER_VARIANTS, SwinMixer, SwinMixerConfig
from swin_np.baselines.swin_v2 import SWIN_V2_VARIANTS, SwinTransformerV2, SwinV2Config
from swin_np.baselines.transformer import Transformer, TransformerConfig
from swin_np.baselines.vit import VIT_VARIANTS, VisionTransformer, ViTConfig
from swin_np.costs import LayerCost
from swin_np.functional import Size
from swin_np.layers import Module
from swin_np.model import SwinTransformer
from swin_np.variants import VARIANTS, SwinConfig


@dataclass(frozen=True, eq=False)
class Architecture:
    """What the variants of one architecture share.

    model, config: its classes; `model.random(config, seed, dtype)` has drawn weights.
    variants: configurations by name. layer_costs: (config, img_size, dtype) -> what every layer costs for one image.
    """

    name: str
    model: type[Module]
    config: type
    variants: dict[str, Any]
    layer_costs: Callable[[Any, Size, type], list[LayerCost]]


SWIN = Architecture("Swin Transformer", SwinTransformer, SwinConfig, VARIANTS, complexity.layer_costs)
SWIN_V2 = Architecture("Swin Transformer V2", SwinTransformerV2, SwinV2Config, SWIN_V2_VARIANTS, swin_v2.layer_costs)
SWIN_MIXER = Architecture("Swin-Mixer", SwinMixer, SwinMixerConfig, SWIN_MIXER_VARIANTS, swin_mixer.layer_costs)
VIT = Architecture("ViT or DeiT", VisionTransformer, ViTConfig, VIT_VARIANTS, vit.layer_costs)
TRANSFORMER = Architecture("Transformer", Transformer, TransformerConfig, transformer.VARIANTS,
                           patch_sequences.layer_costs)
RESNET = Architecture("ResNet or ResNeXt", ResNet, ResNetConfig, RESNET_VARIANTS, convolution_complexity.layer_costs)
RES2NET = Architecture("Res2Net", Res2Net, Res2NetConfig, RES2NET_VARIANTS, convolution_complexity.layer_costs)
