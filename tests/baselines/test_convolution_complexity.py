"""The counts of the convolutional networks: PyTorch's own counter, a trace's shapes, and the published totals."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np import trace
from swin_np.baselines.convolution_complexity import layer_costs
from swin_np.baselines.res2net import RES2NET_VARIANTS, Res2Net, Res2NetConfig
from swin_np.baselines.resnet import RESNET_VARIANTS, ResNet, ResNetConfig
from swin_np.costs import total
from swin_np.errors import ShapeError
from tests.lengths import long_but

NARROW = {"layers": (2, 1, 2, 1), "inplanes": 16, "num_classes": 10}
CONFIGS = {
    "basic": ResNetConfig("basic", **NARROW), "bottleneck": ResNetConfig(**NARROW),
    "grouped": ResNetConfig(cardinality=4, base_width=32, **NARROW),
    "no head": ResNetConfig(**NARROW | {"num_classes": 0}),
    "res2net": Res2NetConfig(**NARROW), "scale 3": Res2NetConfig(scale=3, cardinality=2, **NARROW),
    "v1b": Res2NetConfig(stem_type="deep", avg_down=True, **NARROW),
}
PUBLISHED = {                                          # 10^9 multiply-adds at 224x224
    "resnet_18": 1.814, "resnet_34": 3.664, "resnet_50": 4.089, "resnet_101": 7.801, "resnet_152": 11.514,
    "resnext_50_32x4d": 4.230, "resnext_101_32x8d": 16.414, "resnext_101_64x4d": 15.46,
}


def built(config: ResNetConfig) -> ResNet:
    return (Res2Net if isinstance(config, Res2NetConfig) else ResNet).random(config)


@pytest.mark.parametrize("size", long_but([(49, 70)], [(64, 96), (49, 70)]))
@pytest.mark.parametrize("name", CONFIGS)
def test_multiply_adds_are_half_of_the_operations_that_pytorch_counts(name, size):
    pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from oracle.torch_layers import Network

    config = CONFIGS[name]
    state = built(replace(config, num_classes=10)).state_dict()         # the oracle always has a head
    with FlopCounterMode(display=False) as counter:
        Network(state).outputs(np.zeros((1, 3, *size), np.float32), config.layers, config.cardinality)
    head = 0 if config.num_classes else 10 * config.channels(3)
    assert total(layer_costs(config, size)).multiply_adds == counter.get_total_flops() // 2 - head


@pytest.mark.parametrize("name", CONFIGS)
def test_shapes_are_those_of_a_trace_and_every_traced_layer_is_counted(name, rng):
    model = built(CONFIGS[name])
    with trace(model) as activations:
        model(rng.standard_normal((2, 3, 49, 70)).astype(np.float32))
    costs = layer_costs(model.config, (49, 70))
    shapes = {cost.name: cost.output_shape for cost in costs}
    for layer, value in activations.items():
        if layer != "output":
            assert shapes[layer] == value.shape[1:], layer
    assert total(costs).parameters == model.parameter_count()
    assert total(layer_costs(model.config, (49, 70), np.float64)).activation_bytes == 2 * total(costs).activation_bytes
    assert all(cost.activation_bytes == 4 * np.prod(cost.output_shape) for cost in costs)


def test_only_normal_res2net_blocks_add_split_to_split():
    added = [cost.name for cost in layer_costs(CONFIGS["res2net"], 64) if cost.kind == "sum" and "convs" in cost.name]
    assert added == [f"layer{stage}.1.convs.{k}" for stage in (1, 3) for k in (1, 2)]
    assert sum(cost.kind == "sum" for cost in layer_costs(CONFIGS["res2net"], 64)) == 6 + len(added)


@pytest.mark.parametrize(("variant", "giga"), PUBLISHED.items())
def test_the_totals_of_the_papers_models_are_the_published_ones(variant, giga):
    costs = layer_costs(RESNET_VARIANTS[variant])
    assert abs(total(costs).multiply_adds / 1e9 - giga) < 0.0055
    assert total(costs).parameters == ResNet.random(RESNET_VARIANTS[variant], None).parameter_count()


@pytest.mark.parametrize("variant", RES2NET_VARIANTS)
def test_res2net_costs_about_what_resnet_costs_where_its_width_was_chosen_so(variant):
    costs = total(layer_costs(RES2NET_VARIANTS[variant]))
    assert costs.parameters == Res2Net.random(RES2NET_VARIANTS[variant], None).parameter_count()
    if variant in ("res2net_50_26w_4s", "res2net_50_48w_2s", "res2net_50_14w_8s", "res2next_50"):
        assert 4.1e9 < costs.multiply_adds < 4.3e9     # the paper's 4.2 G


@pytest.mark.parametrize("size", [0, (224, -1), 10.5])
def test_sizes_that_no_image_has_are_refused(size):
    with pytest.raises(ShapeError, match="give"):
        layer_costs(ResNetConfig(), size)
