"""timm's and torchvision's models with the weights of ours, in our dtype, and what both compute.

A twin is loaded strictly, through the names of `swin_np.checkpoints`: what is renamed wrongly does not load.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import timm
import torch
import torchvision
from torch.overrides import TorchFunctionMode

from swin_np.baselines.res2net import Res2Net, Res2NetConfig
from swin_np.baselines.resnet import ResNet, ResNetConfig
from swin_np.baselines.swin_v2 import CosineWindowAttention, SwinTransformerV2, SwinV2Config
from swin_np.baselines.vit import VisionTransformer, ViTConfig
from swin_np.checkpoints.dialects.dialect import COUNTERS, Dialect, State
from swin_np.checkpoints.dialects.resnet import RES2NET_DIALECTS, RESNET_DIALECTS
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.checkpoints.loading import convert
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.systems.registry import Config, architecture_of
from swin_np.variants import SwinConfig


@dataclass
class Outputs:
    """logits (B, num_classes); maps: of every stage (B, h, w, C), or a ViT's tokens after the last norm (B, n, D)."""

    logits: Array
    maps: list[Array]


def builder(library: str, name: str, **options) -> Callable[[], torch.nn.Module]:
    """What builds a registered model of "timm" or "torchvision", with other values for some of its settings."""
    if library == "timm":
        return partial(timm.create_model, name, **options)
    return partial(torchvision.models.get_model, name, weights=None, **options)


def timm_swin(config: SwinConfig, **options) -> Callable[[], torch.nn.Module]:
    """What builds timm's Swin Transformer, or V2, of any configuration."""
    settings = {"img_size": config.img_size, "patch_size": config.patch_size, "in_chans": config.in_chans,
                "num_classes": config.num_classes, "embed_dim": config.embed_dim, "depths": config.depths,
                "num_heads": config.num_heads, "window_size": config.window_size, "mlp_ratio": config.mlp_ratio,
                "qkv_bias": config.qkv_bias, **options}
    if not isinstance(config, SwinV2Config):
        return partial(timm.models.swin_transformer.SwinTransformer, **settings)
    pretrained = config.pretrained_window_sizes or (0,) * len(config.depths)
    return partial(timm.models.swin_transformer_v2.SwinTransformerV2, pretrained_window_sizes=pretrained, **settings)


def torchvision_swin(config: SwinConfig) -> Callable[[], torch.nn.Module]:
    """What builds torchvision's Swin Transformer, or V2, of any configuration."""
    module = torchvision.models.swin_transformer
    parts = ({"block": module.SwinTransformerBlockV2, "downsample_layer": module.PatchMergingV2}
             if isinstance(config, SwinV2Config) else {})
    return partial(module.SwinTransformer, list(config.patch_size), config.embed_dim, list(config.depths),
                   list(config.num_heads), list(config.window(0)), config.mlp_ratio, num_classes=config.num_classes,
                   **parts)


def torchvision_vit(config: ViTConfig) -> Callable[[], torch.nn.Module]:
    """What builds torchvision's ViT of any configuration with square images and patches."""
    return partial(torchvision.models.VisionTransformer, config.img_size[0], config.patch_size[0], config.depth,
                   config.num_heads, config.embed_dim, config.hidden, num_classes=config.num_classes)


def timm_vit(config: ViTConfig) -> Callable[[], torch.nn.Module]:
    """What builds timm's ViT, or its distilled DeiT, of any configuration."""
    models = timm.models
    kind = models.deit.VisionTransformerDistilled if config.distilled else models.vision_transformer.VisionTransformer
    return partial(kind, img_size=config.img_size, patch_size=config.patch_size, in_chans=config.in_chans,
                   num_classes=config.num_classes, embed_dim=config.embed_dim, depth=config.depth,
                   num_heads=config.num_heads, mlp_ratio=config.mlp_ratio, qkv_bias=config.qkv_bias)


def timm_res2net(config: Res2NetConfig) -> Callable[[], torch.nn.Module]:
    """What builds timm's Res2Net or Res2NeXt of any configuration with one convolution as its stem."""
    return partial(timm.models.resnet.ResNet, timm.models.res2net.Bottle2neck, config.layers, config.num_classes,
                   cardinality=config.cardinality, base_width=config.base_width, block_args={"scale": config.scale})


def torchvision_resnet(config: ResNetConfig) -> Callable[[], torch.nn.Module]:
    """What builds torchvision's ResNet or ResNeXt of any configuration with its stem."""
    module = torchvision.models.resnet
    return partial(module.ResNet, {"basic": module.BasicBlock, "bottleneck": module.Bottleneck}[config.block],
                   list(config.layers), config.num_classes, groups=config.cardinality,
                   width_per_group=config.base_width)


def redrawn(config: Config, seed: int = 0) -> Module:
    """Our model in float64, its weights drawn large (`redraw`), so that every mistake shows."""
    model = architecture_of(config).model.random(config, seed=None)
    model.place({name: np.broadcast_to(np.float64(0), value.shape) for name, value in model.state_dict().items()})
    redraw(model, seed)
    return model


def dialect_of(model: Module, library: str) -> Dialect:
    """The names of a library for such a model."""
    if isinstance(model, Res2Net):
        return RES2NET_DIALECTS["res2net"]
    if isinstance(model, ResNet):
        return RESNET_DIALECTS["torchvision"]
    dialects = (VIT_DIALECTS if isinstance(model, VisionTransformer) else
                SWIN_V2_DIALECTS if isinstance(model, SwinTransformerV2) else DIALECTS)
    return dialects[library]


def converted(model: Module, library: str) -> State:
    """The model's parameters, and the derived buffers that a library stores with them, under the library's names."""
    dialect = dialect_of(model, library)
    return convert(model.state_dict(), dialect, model.config if dialect.buffers else None)


class NothingDrawn(TorchFunctionMode):
    """While it is in force, parameters keep what their memory holds: a model that is loaded next needs no others."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        in_place = function.__name__.endswith("_") and not function.__name__.endswith("__")
        if in_place and arguments and isinstance(arguments[0], torch.nn.Parameter):
            return arguments[0]
        return function(*arguments, **(options or {}))


def twin(model: Module, library: str, build: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """The library's model with the very arrays of ours as its weights, in evaluation mode.

    A Swin V2 of timm stores no coordinates; it gets ours, since PyTorch's logarithm in float32 may end in another bit.
    """
    with NothingDrawn():
        theirs = build().eval()
    state = {name: torch.from_numpy(np.require(value, None, "W")) for name, value in converted(model, library).items()}
    counters = {name: value for name, value in theirs.state_dict().items() if name.endswith(COUNTERS)}
    theirs.load_state_dict(state | counters, strict=True, assign=True)
    theirs.to(next(theirs.parameters()).dtype)         # what is no parameter, such as a mask, too
    if isinstance(model, SwinTransformerV2) and library == "timm":
        modules = dict(theirs.named_modules())
        for name, module in model.named_modules():
            if isinstance(module, CosineWindowAttention):
                modules[name].relative_coords_table.copy_(torch.from_numpy(module.relative_coords_table()[None]))
    return theirs


def our_outputs(model: Module, images: Array) -> Outputs:
    """Our side of the comparison."""
    if isinstance(model, VisionTransformer):
        tokens = model.run_blocks(model.embed(images))
        return Outputs(model.classify(tokens), [model.norm(tokens)])
    maps = model.feature_maps(images)
    return Outputs(model.classify(maps[-1]), maps)


def map_modules(model: Module, library: str) -> list[str]:
    """The modules of a library whose outputs are compared."""
    if isinstance(model, VisionTransformer):
        return ["norm"] if library == "timm" else ["encoder"]
    if isinstance(model, ResNet):
        return [f"layer{stage + 1}" for stage in range(4)]
    stages = range(len(model.config.depths))
    return [f"layers.{stage}" if library == "timm" else f"features.{2 * stage + 1}" for stage in stages]


def their_outputs(model: Module, library: str, theirs: torch.nn.Module, images: Array) -> Outputs:
    """The library's side of the comparison, for our model and its twin."""
    maps: list[Array] = []
    channels_first = isinstance(model, ResNet)

    def keep(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        maps.append((output.permute(0, 2, 3, 1) if channels_first else output).numpy())

    modules = dict(theirs.named_modules())
    hooks = [modules[name].register_forward_hook(keep) for name in map_modules(model, library)]
    with torch.inference_mode():
        logits = theirs(torch.from_numpy(images)).numpy()
    for hook in hooks:
        hook.remove()
    return Outputs(logits, maps)
