"""A small model of every system with large random weights, images that are not square, and mistakes to plant."""

from dataclasses import replace
from functools import cache

import numpy as np

from swin_np import trace
from swin_np.baselines import swin_v2, vit
from swin_np.baselines.res2net import Bottle2neck, Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.convolution.functional import avg_pool2d, batch_norm, interpolate_nearest, relu
from swin_np.crosscheck.isolate import units
from swin_np.crosscheck.reference import Reference
from swin_np.dense.backbones import BackboneConfig
from swin_np.dense.pyramid import FPNConfig
from swin_np.dense.segmentation import UNetConfig, UPerNetConfig
from swin_np.functional import Array, softmax
from swin_np.layers import Module, note, redraw
from swin_np.mistakes import baselines as known
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import ATTENTION, Mistake
from swin_np.shape_policy import TRANSFORMERS_BACKBONE
from swin_np.systems.registry import Config, architecture_of, image_size
from swin_np.variants import SwinConfig

SETTINGS = {"img_size": (32, 48), "patch_size": 2, "num_classes": 5, "embed_dim": 8, "depths": (2, 2),
            "num_heads": (2, 4), "window_size": 4, "mlp_ratio": 2}
SWIN, V2 = SwinConfig(**SETTINGS, shape_policy=TRANSFORMERS_BACKBONE), SwinV2Config(**SETTINGS)
VIT = ViTConfig((16, 24), 4, num_classes=5, embed_dim=12, depth=2, num_heads=3, mlp_ratio=2)
RESNET = ResNetConfig(layers=(2, 1, 1, 1), inplanes=8, num_classes=5)
RES2NET = Res2NetConfig(layers=(2, 1, 1, 1), inplanes=8, base_width=32, num_classes=5, scale=3)

CONFIGS: dict[str, Config] = {
    "Swin V2": V2,
    "ViT": VIT,
    "DeiT": replace(VIT, distilled=True),
    "DeiT without classes": replace(VIT, distilled=True, num_classes=0),
    "ResNet": RESNET,
    "ResNet, basic": ResNetConfig("basic", (1, 2, 1, 1), inplanes=8, num_classes=5),
    "ResNeXt": replace(RESNET, cardinality=4, base_width=16, inplanes=16, num_classes=0),
    "Res2Net": RES2NET,
    "Res2Net v1b": replace(RES2NET, stem_type="deep", avg_down=True),
    "UPerNet": UPerNetConfig(SWIN, num_classes=5, channels=8),
    "UPerNet on V2": UPerNetConfig(V2, num_classes=5, channels=8),
    "UPerNet on ResNet": UPerNetConfig(RESNET, num_classes=5, channels=8),
    "U-Net": UNetConfig(RESNET, num_classes=5),
    "FPN": FPNConfig(SWIN, channels=8),
    "FPN on ResNet": FPNConfig(RESNET, channels=8, extra="p6p7"),
    "backbone": BackboneConfig(SWIN, map_norms=(1,)),
}


def drawn(config: Config, seed: int = 3) -> tuple[Module, Array]:
    """A model with large weights and a batch of two images, of 64x96 pixels where the model takes any."""
    model = architecture_of(config).model.random(config)
    redraw(model, seed)
    size = image_size(config)
    size = (64, 96) if size == (224, 224) else size
    return model, np.random.default_rng(0).standard_normal((2, 3, *size), np.float32)


@cache
def model_and_images(name: str) -> tuple[Module, Array]:
    return drawn(CONFIGS[name])


@cache
def reference(name: str) -> Reference:
    return Reference.of(*model_and_images(name))


def every_point(name: str, *mistakes: Mistake) -> dict[str, Array]:
    """The trace in float32, with these mistakes planted."""
    model, images = model_and_images(name)
    with planted(*mistakes), trace(model) as recorded:
        model(images)
    return dict(recorded)


def results_of_units(name: str, points: dict[str, Array]) -> dict[str, Array]:
    """Of a trace what a port shows at least: the blocks, the maps and the end."""
    shown = {output for unit in units(model_and_images(name)[0]) for output in unit.outputs}
    return {point: value for point, value in points.items() if point in shown}


def keys_as_they_are(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, logit_scale: Array) -> Array:
    """Cosine attention whose keys keep their length."""
    scale = np.exp(np.minimum(logit_scale, swin_v2.LARGEST_LOGIT_SCALE))
    scores = note("scores", swin_v2.unit_length(q) @ k.swapaxes(-1, -2) * scale)
    scores = note("scores_with_bias", scores + bias)
    if mask is not None and mask.any():
        scores = note("scores_with_mask", scores + mask)
    return note("probabilities", softmax(scores)) @ v


def one_head(self: vit.VisionTransformer, x: Array) -> Array:
    return self.head(self.norm(x)[:, 0])


def large_eps(x: Array, weight: Array, bias: Array, mean: Array, variance: Array, eps: float = 1e-5) -> Array:
    return batch_norm(x, weight, bias, mean, variance + (1e-3 - eps), eps)


def mean_pool(x: Array, kernel: int, stride: int, padding: int) -> Array:
    return avg_pool2d(x, kernel, stride, padding)


def no_rungs(self: Bottle2neck, x: Array) -> Array:
    """A ladder none of whose splits is added to the next."""
    *splits, last = np.split(x, len(self.convs) + 1, axis=-1)
    steps = [relu(bn(conv(split))) for split, conv, bn in zip(splits, self.convs, self.bns, strict=True)]
    return np.concatenate([*steps, last if self.pool is None else self.pool(last)], axis=-1)


def nearest(lateral: Array, coarser: Array) -> Array:
    return lateral + interpolate_nearest(coarser, lateral.shape[1:3])


def mistake(name: str, replaces: str, wrong: object, modules: str) -> Mistake:
    return Mistake(name, f"swin_np.{replaces}", wrong, f"{name} was done wrong.", "Do it right.", "somewhere", modules)


NORMS = r"(.*\.)?(bn\d|bns\.\d+|downsample\.1|batch_norm)"
FIRST_BLOCK = r"blocks\.0(\.norm1)?"
TOP_DOWN = r"decode_head\.fpn_convs\.\d+(\.conv)?"

MISTAKES: dict[str, list[tuple[Mistake, str]]] = {
    "Swin V2": [(mistake("keys-as-they-are", "baselines.swin_v2.cosine_attention", keys_as_they_are, ATTENTION),
                 "layers.0.blocks.0")],
    "ViT": [(replace(known.class_token_last, modules=FIRST_BLOCK), "blocks.0"),
            (replace(known.position_embedding_left_out, modules=FIRST_BLOCK), "blocks.0")],
    "DeiT": [(mistake("one-head", "baselines.vit.VisionTransformer.classify", one_head, "output"), "output")],
    "ResNet": [(mistake("batch-norm-eps", "convolution.functional.batch_norm", large_eps, NORMS), "bn1"),
               (mistake("mean-pool", "convolution.functional.max_pool2d", mean_pool, r"layer1\.0(\..*)?"), "layer1.0")],
    "Res2Net": [(mistake("no-rungs", "baselines.res2net.Bottle2neck.multi_scale", no_rungs,
                         r"layer\d\.\d+\.(convs\.\d|conv3)"), "layer1.1")],
    "UPerNet": [(mistake("nearest", "dense.upernet.add_coarser", nearest, TOP_DOWN), "decode_head")],
    "UPerNet on ResNet": [(mistake("nearest", "dense.upernet.add_coarser", nearest, TOP_DOWN), "decode_head")],
}
"""By system: (a mistake, how the names of the modules begin in which it is)."""


def mistakes_of(name: str) -> dict[str, Mistake]:
    """A catalogue for a system: all that are there, whether they are planted or not."""
    return {entry.name: entry for entry, _ in MISTAKES[name]}

