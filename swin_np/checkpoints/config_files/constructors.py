"""How torchvision and microsoft build a model: they read no config.json, so their constructor is told in words."""

from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.functional import pair
from swin_np.systems.registry import Config
from swin_np.variants import SwinConfig

VIT_EPS = 1e-6                                         # of torchvision's and timm's ViT, if nothing else is given


def call(constructor: str, *arguments: str, **named: object) -> str:
    """The call as Python has it."""
    given = [*arguments, *(f"{name}={list(value) if isinstance(value, tuple) else value!r}"
                           for name, value in named.items())]
    return f"{constructor}({', '.join(given)})"


def with_eps(eps: float) -> str:
    """The argument that gives a ViT of torchvision's or timm's another eps."""
    return f"norm_layer=functools.partial(torch.nn.LayerNorm, eps={eps!r})"


def of_torchvision(config: Config) -> str:
    """What builds torchvision's model."""
    if isinstance(config, ViTConfig):
        return call("torchvision.models.VisionTransformer", *([with_eps(config.eps)] if config.eps != VIT_EPS else []),
                    image_size=config.img_size[0], patch_size=config.patch_size[0], num_layers=config.depth,
                    num_heads=config.num_heads, hidden_dim=config.embed_dim, mlp_dim=config.hidden,
                    num_classes=config.num_classes)
    if isinstance(config, ResNetConfig):
        block = {"basic": "BasicBlock", "bottleneck": "Bottleneck"}[config.block]
        return call("torchvision.models.ResNet", f"torchvision.models.resnet.{block}", layers=config.layers,
                    num_classes=config.num_classes, groups=config.cardinality, width_per_group=config.base_width)
    module = "torchvision.models.swin_transformer"
    second = ([f"block={module}.SwinTransformerBlockV2", f"downsample_layer={module}.PatchMergingV2"]
              if isinstance(config, SwinV2Config) else [])
    return call("torchvision.models.SwinTransformer", *second, patch_size=pair(config.patch_size),
                embed_dim=config.embed_dim, depths=config.depths, num_heads=config.num_heads,
                window_size=pair(config.window_size), mlp_ratio=config.mlp_ratio, num_classes=config.num_classes)


def of_microsoft(config: SwinConfig) -> str:
    """What builds the model of microsoft/Swin-Transformer's own code."""
    named = {"img_size": config.img_size, "patch_size": pair(config.patch_size)[0], "in_chans": config.in_chans,
             "num_classes": config.num_classes, "embed_dim": config.embed_dim, "depths": config.depths,
             "num_heads": config.num_heads, "window_size": pair(config.window_size)[0],
             "mlp_ratio": config.mlp_ratio, "qkv_bias": config.qkv_bias, "ape": config.ape,
             "patch_norm": config.patch_norm}
    if not isinstance(config, SwinV2Config):
        return call("SwinTransformer", **named)
    sizes = config.pretrained_window_sizes or (0,) * len(config.depths)
    return call("SwinTransformerV2", **named, pretrained_window_sizes=sizes)
