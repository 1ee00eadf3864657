"""Where the points of each architecture lie: on a map, in windows, in a sequence, among the scores of a picture."""

import re
from dataclasses import dataclass

from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.vit import ViTConfig
from swin_np.dense.backbones import DenseConfig
from swin_np.variants import SwinConfig

Shape = tuple[int, ...]
Size = tuple[int, int]
BACKBONE = "backbone."


@dataclass(frozen=True)
class Place:
    """Where a point lies.

    kind: "map" (B, h, w, C), "windows" (B nW, M^2, C), "heads" and "pairs" of those; "sequence" (B, n, C), "sequence
    heads" (B, heads, n, d) and "sequence pairs" (B, heads, n, n); "vector" (B, C); "image" (B, C, H, W), "scores" of an
    image alike; or "table" ((2M-1)^2, C), of the displacements in a window, which are no image's. map_size: (h, w) of
    the map, which windows of this size tile. length: n.
    """

    kind: str
    map_size: Size = (1, 1)
    window: Size = (1, 1)
    length: int = 0


def swin_place(name: str, shape: Shape, config: SwinConfig, image_size: Size) -> Place:
    """Of a Swin Transformer of either version."""
    if name in ("head", "output"):
        return Place("vector")
    stage, step = stage_and_step(name, config)
    map_size = config.map_sizes(image_size)[stage]
    window, _ = config.shape_policy.window_and_shift(map_size, config.window(stage), (0, 0))
    if ".cpb_mlp." in name:
        return Place("table", window=window)
    if re.search(r"\.attn(\.|$)", name) and step != "rolled_back":
        map_size = tuple(side + -side % m for side, m in zip(map_size, window, strict=True))
    if any(side % m for side, m in zip(map_size, window, strict=True)):
        window = (1, 1)                                # no windows tile this map
    kind = ("heads" if step in ("q", "k", "v") else
            "pairs" if step.startswith("scores") or step == "probabilities" else
            "windows" if step in ("windows", "attn", "qkv", "attn.proj") else "map")
    return Place(kind, map_size, window)


def stage_and_step(name: str, config: SwinConfig) -> tuple[int, str]:
    """(the stage whose map the point lies on, counted from 0; the last part of its name)."""
    last = len(config.depths) - 1
    found = re.match(r"layers\.(\d+)(?:\.(.*))?", name)
    if not found:
        return (0 if name.startswith("patch_embed") else last), name
    stage, rest = int(found[1]), found[2] or ""
    if rest.startswith("blocks"):
        return stage, "attn.proj" if rest.endswith("attn.proj") else rest.rpartition(".")[2]
    return min(stage + 1, last), rest                  # after the merging


def swin_shift(name: str, config: SwinConfig, image_size: Size) -> Size:
    """The shift of the block to which the point belongs, (0, 0) outside of blocks."""
    parts = name.split(".")
    if name.endswith(".reversed"):                     # the map is still rolled
        return (0, 0)
    if parts[0] != "layers" or parts[2:3] != ["blocks"] or int(parts[3]) % 2 == 0:
        return (0, 0)
    stage = int(parts[1])
    m, n = config.window(stage)
    return config.shape_policy.window_and_shift(config.map_sizes(image_size)[stage], (m, n), (m // 2, n // 2))[1]


def no_shift(name: str, config: object, image_size: Size) -> Size:
    """Where nothing is shifted."""
    return (0, 0)


def vit_place(name: str, shape: Shape, config: ViTConfig, image_size: Size) -> Place:
    """Of a ViT or DeiT: one sequence, the prefix tokens first."""
    step = name.rpartition(".")[2]
    if name.startswith("patch_embed"):
        return Place("map", config.grid)
    if step in ("q", "k", "v", "scores", "probabilities"):
        return Place("sequence heads" if step in ("q", "k", "v") else "sequence pairs", length=config.tokens)
    return Place("vector") if name in ("head", "head_dist", "output") else Place("sequence", length=config.tokens)


def convolution_place(name: str, shape: Shape, config: ResNetConfig | DenseConfig, image_size: Size) -> Place:
    """Of a convolutional network: its maps are of the shape that they have."""
    return Place("map", shape[1:3]) if len(shape) == 4 else Place("vector")


def dense_place(name: str, shape: Shape, config: DenseConfig, image_size: Size) -> Place:
    """Of a dense model: its backbone's points, the maps of its head, the scores of every pixel in the end."""
    if name == "output":
        return Place("scores", image_size)
    if name.startswith(BACKBONE) and isinstance(config.backbone, SwinConfig):
        return swin_place(name.removeprefix(BACKBONE), shape, config.backbone, image_size)
    return convolution_place(name, shape, config, image_size)


def dense_shift(name: str, config: DenseConfig, image_size: Size) -> Size:
    """The shift of the backbone's block to which the point belongs."""
    if isinstance(config.backbone, SwinConfig):
        return swin_shift(name.removeprefix(BACKBONE), config.backbone, image_size)
    return (0, 0)
