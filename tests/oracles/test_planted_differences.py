"""The comparisons with timm and torchvision can fail: each finds a difference that is planted in it."""

from dataclasses import replace

import pytest

from oracle.registered_models import REGISTERED
from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.layers import Module
from swin_np.shape_policy import MMDETECTION, TIMM, TORCHVISION, TRANSFORMERS
from swin_np.systems.registry import Config, architecture_of
from swin_np.variants import SwinConfig
from tests.oracles.comparing import assert_equals_its_twin, twins

PADDED, COVERED = (72, 88), (64, 32)                   # 18x22 and 9x11 tokens; 16x8 and 8x4: window 4 covers one axis
SWINS = {"V1": SwinConfig, "V2": SwinV2Config}
CONVOLUTIONAL = {"ResNet": ("resnet50", ResNetConfig), "ResNeXt": ("resnext50_32x4d", ResNetConfig),
                 "Res2Net": ("res2net50_26w_4s", Res2NetConfig)}


def assert_found(model: Module, library: str, theirs, size: tuple[int, int]) -> None:
    """The comparison fails, and not for the shapes."""
    with pytest.raises(AssertionError, match="largest difference"):
        assert_equals_its_twin(model, library, theirs, size)


def with_weights_of(model: Module, config: Config) -> Module:
    """A model of another configuration with the weights of `model`."""
    other = architecture_of(config).model.random(config, seed=None)
    other.place(model.state_dict())
    return other


def swin_and_twin(version: str, policy, size: tuple[int, int]) -> tuple[Module, object]:
    library = policy.name
    config = SWINS[version](size, num_classes=10, embed_dim=8, depths=(2, 2), num_heads=(1, 2), window_size=4,
                            shape_policy=policy)
    model = twins.redrawn(config)
    build = twins.timm_swin(config) if library == "timm" else twins.torchvision_swin(config)
    return model, twins.twin(model, library, build)


@pytest.mark.parametrize(("right", "wrong", "size"), [
    (TIMM, TORCHVISION, PADDED), (TIMM, TRANSFORMERS, PADDED), (TIMM, MMDETECTION, PADDED),
    (TORCHVISION, TIMM, PADDED), (TORCHVISION, TRANSFORMERS, COVERED), (TORCHVISION, MMDETECTION, COVERED),
], ids=lambda value: getattr(value, "name", None))
@pytest.mark.parametrize("version", SWINS)
def test_another_shape_policy(version, right, wrong, size):
    model, theirs = swin_and_twin(version, right, size)
    assert_found(with_weights_of(model, replace(model.config, shape_policy=wrong)), right.name, theirs, size)


@pytest.mark.parametrize("policy", [TIMM, TORCHVISION], ids=lambda policy: policy.name)
@pytest.mark.parametrize("version", SWINS)
def test_patch_merging_in_another_order(version, policy):
    model, theirs = swin_and_twin(version, policy, PADDED)
    weight = model.layers[0].downsample.reduction.weight
    quarters = weight.reshape(len(weight), 4, -1)[:, [0, 2, 1, 3]]
    model.layers[0].downsample.reduction.weight = quarters.reshape(weight.shape)
    assert_found(model, policy.name, theirs, PADDED)


def test_another_window_of_the_first_training():
    model, theirs = swin_and_twin("V2", TIMM, PADDED)
    assert_found(with_weights_of(model, replace(model.config, pretrained_window_sizes=(3, 3))), "timm", theirs, PADDED)


def test_the_eps_of_transformers_in_a_vit():
    config = replace(REGISTERED["timm"]["vit_tiny_patch16_224"], img_size=(48, 64), depth=2)
    model = twins.redrawn(config)
    theirs = twins.twin(model, "timm", twins.builder("timm", "vit_tiny_patch16_224", img_size=(48, 64), depth=2))
    assert isinstance(config, ViTConfig)
    assert_found(with_weights_of(model, replace(config, eps=1e-12)), "timm", theirs, (48, 64))


@pytest.mark.parametrize(("name", "config"), CONVOLUTIONAL.values(), ids=CONVOLUTIONAL)
def test_the_stride_in_the_first_convolution_of_a_bottleneck(name, config):
    small = config(layers=(1, 1, 1, 1), **{field: getattr(REGISTERED["timm"][name], field)
                                           for field in ("cardinality", "base_width")})
    model = twins.redrawn(small)
    theirs = twins.twin(model, "timm", twins.builder("timm", name, layers=(1, 1, 1, 1)))
    block = theirs.layer2[0]
    convolutions = block.convs if config is Res2NetConfig else [block.conv2]
    block.conv1.stride = (2, 2)
    for convolution in convolutions:
        convolution.stride = (1, 1)
    if config is Res2NetConfig:
        block.pool.stride = (1, 1)
    assert_found(model, "timm", theirs, (64, 96))


def test_an_average_in_res2net_that_leaves_out_the_padding():
    model = twins.redrawn(Res2NetConfig(layers=(1, 1, 1, 1)))
    theirs = twins.twin(model, "timm", twins.builder("timm", "res2net50_26w_4s", layers=(1, 1, 1, 1)))
    theirs.layer3[0].pool.count_include_pad = False
    assert_found(model, "timm", theirs, (64, 96))
