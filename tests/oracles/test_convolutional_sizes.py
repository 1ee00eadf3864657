"""ResNet, ResNeXt and Res2Net on images of every size against timm and torchvision, one block a stage or two."""

from functools import cache

import pytest

from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.layers import Module
from tests.lengths import long_but
from tests.oracles.comparing import assert_equals_its_twin, twins

LAYERS = (1, 2, 1, 1)
SIZES = [(65, 97), (64, 96), (33, 62)]
SMALL_SIZES = [(7, 5), (31, 200), (1, 40)]
NOT_SMALL = "Res2Net v1b"                              # its shortcut averages 2x2 pixels, and ours not of a single one
TORCHVISIONS = ("basic", "bottleneck", "wide", "grouped")
MODELS = {                                             # our configuration, the name in timm
    "basic": (ResNetConfig("basic", LAYERS), "resnet18"),
    "bottleneck": (ResNetConfig(layers=LAYERS), "resnet50"),
    "wide": (ResNetConfig(layers=LAYERS, base_width=96), "resnet50"),
    "grouped": (ResNetConfig(layers=LAYERS, cardinality=8, base_width=6), "resnext50_32x4d"),
    "Res2Net": (Res2NetConfig(layers=LAYERS), "res2net50_26w_4s"),
    "Res2Net of 2 splits": (Res2NetConfig(layers=LAYERS, base_width=10, scale=2), "res2net50_48w_2s"),
    "Res2Net of 5 splits": (Res2NetConfig(layers=LAYERS, base_width=7, scale=5), "res2net50_26w_4s"),
    "Res2NeXt": (Res2NetConfig(layers=LAYERS, cardinality=4, base_width=5), "res2next50"),
    "Res2Net v1b": (Res2NetConfig(layers=LAYERS, stem_type="deep", avg_down=True), "res2net50d"),
}


@cache
def timm_pair(kind: str) -> tuple[Module, object]:
    config, name = MODELS[kind]
    model = twins.redrawn(config)
    told = {"layers": LAYERS, "cardinality": config.cardinality, "base_width": config.base_width}
    if isinstance(config, Res2NetConfig):
        told["block_args"] = {"scale": config.scale}
    return model, twins.twin(model, "timm", twins.builder("timm", name, **told))


@cache
def torchvision_pair(kind: str) -> tuple[Module, object]:
    model = twins.redrawn(MODELS[kind][0])
    return model, twins.twin(model, "torchvision", twins.torchvision_resnet(model.config))


@pytest.mark.parametrize("size", long_but(SIZES[:1], SIZES), ids=str)
@pytest.mark.parametrize("kind", MODELS)
def test_images_of_every_size_give_timms_logits_and_maps(kind, size):
    model, theirs = timm_pair(kind)
    assert_equals_its_twin(model, "timm", theirs, size)


@pytest.mark.parametrize("size", long_but(SMALL_SIZES[:1], SMALL_SIZES), ids=str)
@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != NOT_SMALL])
def test_images_whose_last_map_is_one_row_give_timms_logits_and_maps(kind, size):
    model, theirs = timm_pair(kind)
    assert_equals_its_twin(model, "timm", theirs, size)


@pytest.mark.parametrize("size", long_but(SIZES[:1], SIZES + SMALL_SIZES), ids=str)
@pytest.mark.parametrize("kind", TORCHVISIONS)
def test_images_of_every_size_give_torchvisions_logits_and_maps(kind, size):
    model, theirs = torchvision_pair(kind)
    assert_equals_its_twin(model, "torchvision", theirs, size)
