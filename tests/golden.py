"""The reference activations in tests/golden: the model of a file, and what every module of it must give."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np

from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import to_official
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig

FOLDER = Path(__file__).parent / "golden"
OFFICIAL = ("v1_ape_nobias", "v1_basic", "v1_deep", "v1_features", "v1_rect", "v1_window7", "v1_window_fits")
TIMM = ("timm_even", "timm_odd", "timm_small_map")
TORCHVISION = ("torchvision_even", "torchvision_odd", "torchvision_small_map")
SWIN_V2 = ("v2_basic", "v2_pretrained_window")         # used in tests/baselines/test_swin_v2.py

CONVOLUTIONAL = ("fpn", "res2net_stage_scale8", "res2net_stage_stride1", "res2net_stage_stride2", "res2net_v1b_stage",
                 "res2net_v1b_stem", "res2next_stage")                  # in tests/dense and tests/baselines


def dialect_of(name: str) -> str:
    """Which implementation computed the file."""
    return "microsoft" if name.startswith("v1") else name.split("_")[0]


@cache
def stored(name: str) -> dict[str, np.ndarray]:
    """All arrays of a file."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


def config(name: str) -> SwinConfig:
    """The configuration of the stored model, with the shape policy of the implementation that computed it."""
    meta = json.loads(stored(name)["meta"].item())
    fields = {"img_size": meta["image"], **meta["config"]} if "image" in meta else meta["config"]
    return SwinConfig(**fields, shape_policy=DIALECTS[dialect_of(name)].shape_policy)


def official_state(name: str) -> dict[str, np.ndarray]:
    """The stored parameters and buffers in official names."""
    state = {key.removeprefix("state/"): value for key, value in stored(name).items() if key.startswith("state/")}
    return to_official(state, DIALECTS[dialect_of(name)])


def model(name: str, dtype: type) -> SwinTransformer:
    """The stored model."""
    built = SwinTransformer.random(config(name), dtype=dtype)
    built.load_state_dict(official_state(name))
    return built


def module_outputs(name: str) -> dict[str, np.ndarray]:
    """What every stored module gave in float64, by official module name.

    timm and torchvision count stages without their patch merging: a stage's output is there its last block's. timm's
    `layers.0.downsample` is the identity, and torchvision's `features.0.1` a change of layout.
    """
    dialect = DIALECTS[dialect_of(name)]
    outputs = {}
    for key, value in stored(name).items():
        theirs = key.removeprefix("float64/")
        if theirs == key:
            continue
        if (name in TIMM and theirs == "layers.0.downsample") or (name in TORCHVISION and theirs == "features.0.1"):
            official = "patch_embed" if name in TIMM else "patch_embed.proj"
        elif name in TIMM and re.fullmatch(r"layers\.\d", theirs):
            official = f"{theirs}.blocks.1"
        elif name in TORCHVISION and re.fullmatch(r"features\.[13]", theirs):
            official = f"layers.{int(theirs[-1]) // 2}.blocks.1"
        else:
            official, _, _ = dialect.to_official(theirs)
        outputs[f"{official} ({theirs})"] = value
    return outputs
