"""What timm reads beside its weights, the config.json of a model here: `timm.create_model("local-dir:FOLDER", ...)`."""

import math
import re
from collections.abc import Iterator

from swin_np.baselines.resnet import EXPANSION, ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.config_files.timm_architectures import NAMES, S3_SIZES, SWIN_SIZES, VIT_SIZES, by_name
from swin_np.functional import pair
from swin_np.preprocessing.presets import Preset
from swin_np.systems.registry import Config, architecture_of
from swin_np.variants import SwinConfig

Json = dict[str, object]

USUAL = {"patch_size": (4, 4), "mlp_ratio": 4.0, "qkv_bias": True}       # of a Swin, whatever its name
HEAD_CHANNELS = 32                                     # of a Swin's heads, whatever its name

SWIN_NAMES = [*(f"swin_{size}_patch4_window{windows}" for windows, sizes in
                (("7_224", SWIN_SIZES), ("12_384", ("base", "large"))) for size in sizes),
              *(f"swin_s3_{size}_224" for size in S3_SIZES)]
SWIN_V2_NAMES = [f"swinv2_{size}_window{windows}" for size, several in (
    ("tiny", ("8_256", "16_256")), ("small", ("8_256", "16_256")),
    ("base", ("8_256", "16_256", "12_192", "12to16_192to256", "12to24_192to384")),
    ("large", ("12_192", "12to16_192to256", "12to24_192to384"))) for windows in several]
RESNET_NAMES = {("basic", (2, 2, 2, 2)): "resnet18", ("basic", (3, 4, 6, 3)): "resnet34",
                ("bottleneck", (3, 4, 6, 3)): "resnet50", ("bottleneck", (3, 4, 23, 3)): "resnet101",
                ("bottleneck", (3, 8, 36, 3)): "resnet152"}
"""Registered names of timm's, the smallest models first; all their arguments can be given other values."""

CONVOLUTIONS = {ViTConfig: ("patch_embed.proj", "head"), ResNetConfig: ("conv1", "fc")}
"""The first convolution and the classifier, which timm replaces for other colours and classes; else a Swin's."""


def configuration(config: Config, names: tuple[str, ...] | None, preset: Preset | None) -> Json:
    """The content of config.json: a registered architecture, and the arguments in which this model differs from it.

    names: of the classes, if known. preset: how images are prepared, or None, and then timm takes what is usual there.
    """
    architecture, arguments = (resnet if isinstance(config, ResNetConfig) else vit if isinstance(config, ViTConfig)
                               else swin)(config)
    convolution, head = CONVOLUTIONS.get(type(config), ("patch_embed.proj", "head.fc"))
    fixed = not isinstance(config, ResNetConfig)       # whether its images have one size
    size = pair(config.img_size) if fixed else pair(preset.crop) if preset else (224, 224)
    two_heads = isinstance(config, ViTConfig) and config.distilled
    told: Json = {"input_size": [config.in_chans, *size], "fixed_input_size": fixed, "num_classes": config.num_classes,
                  "first_conv": convolution, "classifier": [head, "head_dist"] if two_heads else head}
    entries = {"architecture": architecture, "num_classes": config.num_classes, "num_features": features(config),
               "global_pool": "token" if isinstance(config, ViTConfig) else "avg", "model_args": arguments,
               "pretrained_cfg": told | (preprocessing(preset) if preset else {})}
    return entries | ({"label_names": names} if names else {})


def features(config: Config) -> int:
    """Channels of what is classified."""
    if isinstance(config, ViTConfig):
        return config.embed_dim
    return config.channels(len(config.layers if isinstance(config, ResNetConfig) else config.depths) - 1)


def swin(config: SwinConfig) -> tuple[str, Json]:
    """(the nearest architecture, the other arguments) of a Swin Transformer or its V2."""
    own: dict[str, object] = {
        "patch_size": pair(config.patch_size), "embed_dim": config.embed_dim, "depths": tuple(config.depths),
        "num_heads": tuple(config.num_heads), "window_size": config.window_size, "mlp_ratio": config.mlp_ratio,
        "qkv_bias": config.qkv_bias}
    registered = SWIN_NAMES
    if isinstance(config, SwinV2Config):
        registered = SWIN_V2_NAMES
        own["pretrained_window_sizes"] = tuple(config.pretrained_window_sizes) or (0,) * len(config.depths)
    choices = [(name, different(own, registered_swin(config, name))) for name in registered]
    name, arguments = min(choices, key=lambda choice: len(choice[1]))
    return name, arguments


def registered_swin(config: SwinConfig, name: str) -> dict[str, object]:
    """The arguments of the Swin that timm registers by a name."""
    system = architecture_of(config)
    told = by_name(system, re.fullmatch(NAMES[system], name).groupdict())
    heads = tuple(told["embed_dim"] // HEAD_CHANNELS * 2**stage for stage in range(len(told["depths"])))
    if told.get("pretrained_window_sizes") == (0,):
        told["pretrained_window_sizes"] = (0,) * len(told["depths"])
    return USUAL | {"num_heads": heads} | told


def vit(config: ViTConfig) -> tuple[str, Json]:
    """The same of a ViT or DeiT."""
    own = {"patch_size": pair(config.patch_size), "embed_dim": config.embed_dim, "depth": config.depth,
           "num_heads": config.num_heads, "mlp_ratio": config.mlp_ratio, "qkv_bias": config.qkv_bias}
    registered = ("tiny", "small", "base") if config.distilled else ("tiny", "small", "base", "large")
    choices = []
    for size in registered:
        name = f"deit_{size}_distilled_patch16_224" if config.distilled else f"vit_{size}_patch16_224"
        usual = dict(zip(("embed_dim", "depth", "num_heads"), VIT_SIZES[size], strict=True))
        choices.append((name, different(own, USUAL | usual | {"patch_size": (16, 16)})))
    return min(choices, key=lambda choice: len(choice[1]))


def resnet(config: ResNetConfig) -> tuple[str, Json]:
    """The same of a ResNet or ResNeXt."""
    own = {"cardinality": config.cardinality, "base_width": config.base_width}
    arguments = different(own, {"cardinality": 1, "base_width": 64})
    if name := RESNET_NAMES.get((config.block, tuple(config.layers))):
        return name, arguments
    return "resnet50" if EXPANSION[config.block] > 1 else "resnet18", {"layers": list(config.layers), **arguments}


def different(own: dict[str, object], usual: dict[str, object]) -> Json:
    """The arguments with other values, as JSON has them; equal sides as one number, since two may be of two stages."""
    def entry(name: str, value: object) -> object:
        if not isinstance(value, tuple):
            return value
        if all(isinstance(each, tuple) for each in value):
            return [entry(name, each) for each in value]
        return value[0] if name in ("patch_size", "window_size") and len({*value}) == 1 else list(value)

    return {name: entry(name, value) for name, value in own.items() if value != usual.get(name)}


def preprocessing(preset: Preset) -> Json:
    """What timm's transform does with images, which crops them to the model's own size."""
    crop, resize = pair(preset.crop), pair(preset.resize)
    warped = not isinstance(preset.resize, int) and not preset.cover
    return {"crop_pct": min(percentages(crop, resize)), "crop_mode": "squash" if warped else "center",
            "interpolation": preset.filter, "mean": list(preset.mean), "std": list(preset.std)}


def percentages(crop: tuple[int, int], resize: tuple[int, int]) -> Iterator[float]:
    """The largest share of each resized side that is cropped, for timm rounds down what it divides by the share."""
    for kept, whole in zip(crop, resize, strict=True):
        share = kept / whole
        yield share if math.floor(kept / share) == whole else math.nextafter(share, 0)
