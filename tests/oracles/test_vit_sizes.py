"""ViT and DeiT at other sizes and settings against timm, and ViT against torchvision, whose images are square."""

from dataclasses import replace

import pytest

from oracle.registered_models import REGISTERED
from swin_np.baselines.vit import ViTConfig
from tests.oracles.comparing import assert_equals_its_twin, twins

TINY = ViTConfig((32, 48), 8, num_classes=10, embed_dim=12, depth=3, num_heads=3)
SETTINGS = {
    "a wide image": {"img_size": (16, 104)},
    "a high image of one column": {"img_size": (72, 8)},
    "one patch": {"img_size": 8},
    "patches of 7": {"img_size": (35, 49), "patch_size": 7},
    "oblong patches": {"patch_size": (8, 4)},
    "grey images": {"in_chans": 1},
    "one head": {"num_heads": 1},
    "a narrow MLP": {"mlp_ratio": 1.4},
    "no bias of queries, keys and values": {"qkv_bias": False},
    "no head": {"num_classes": 0},
    "one block": {"depth": 1},
}


def timm_settings(config: ViTConfig) -> dict[str, object]:
    """The configuration in timm's words."""
    names = ("img_size", "patch_size", "in_chans", "num_classes", "embed_dim", "depth", "num_heads", "mlp_ratio",
             "qkv_bias")
    return {name: getattr(config, name) for name in names}


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_of_the_configuration_is_timms(changes, name):
    model = twins.redrawn(replace(TINY, distilled=REGISTERED["timm"][name].distilled, **changes))
    theirs = twins.twin(model, "timm", twins.builder("timm", name, **timm_settings(model.config)))
    assert_equals_its_twin(model, "timm", theirs, model.config.img_size, batch=3)


@pytest.mark.parametrize(("side", "patch"), [(32, 8), (56, 8), (8, 8), (35, 7), (64, 32)])
def test_square_images_of_every_size_are_torchvisions(side, patch):
    model = twins.redrawn(replace(TINY, img_size=side, patch_size=patch))
    build = twins.torchvision_vit(model.config)
    assert_equals_its_twin(model, "torchvision", twins.twin(model, "torchvision", build), (side, side), batch=3)
