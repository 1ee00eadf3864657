"""The counts of the dense models: PyTorch's counter and hooks, a trace's shapes, the paper's Table 3."""

import numpy as np
import pytest

import swin_np
from swin_np import TRANSFORMERS, SwinConfig
from swin_np.costs import LayerCost, total
from swin_np.dense.segmentation import UPERNET_VARIANTS, UPerNetConfig
from swin_np.errors import ShapeError
from swin_np.systems.registry import layer_costs
from tests.dense.test_fpn import torch_levels
from tests.dense.test_unet import torch_scores
from tests.dense.tiny import CONFIGS, redrawn
from tests.lengths import long_but

SIZES = [(64, 96), (72, 100), (33, 47)]                # the last two fit neither patches, windows nor mergings


def of(costs: list[LayerCost], *prefixes: str) -> list[LayerCost]:
    """The layers whose names begin so."""
    return [cost for cost in costs if cost.name.startswith(prefixes)]


def upernet_in_transformers():
    """transformers' UPerNet without an auxiliary head, and our configuration of the same."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    shared = {"embed_dim": 8, "depths": (2, 2, 1, 1), "num_heads": (1, 2, 4, 4)}
    swin = transformers.SwinConfig(image_size=(64, 96), patch_size=4, window_size=2,
                                   out_features=["stage1", "stage2", "stage3", "stage4"], **shared)
    twin = transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=swin, hidden_size=12, num_labels=5, use_auxiliary_head=False)).eval()
    twin.set_attn_implementation("eager")              # the counter does not see into the fused one
    return twin, UPerNetConfig(SwinConfig((64, 96), window_size=2, shape_policy=TRANSFORMERS, **shared), 5, 12)


@pytest.mark.parametrize("size", long_but([SIZES[-1]], SIZES))
def test_the_multiply_adds_of_upernet_are_those_that_pytorch_counts(size):
    """Half of its operations in products, and one for each element that a layer norm of transformers' gives."""
    twin, config = upernet_in_transformers()
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    normalised = []
    for name, module in twin.named_modules():
        if isinstance(module, torch.nn.LayerNorm) and name != "backbone.swin.layernorm":
            module.register_forward_hook(lambda module, inputs, output: normalised.append(output.numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        twin(torch.zeros(2, 3, *size))
    counted = counter.get_total_flops() // 2 + sum(normalised)
    assert 2 * total(layer_costs(config, size)).multiply_adds == counted


@pytest.mark.parametrize("size", long_but([SIZES[-1]], SIZES))
def test_the_activation_bytes_of_upernets_head_are_what_transformers_writes(size, monkeypatch):
    """The outputs of its modules and of every interpolation, and the three sums of the top-down path."""
    twin, config = upernet_in_transformers()
    import torch

    written, laterals, interpolate = [], [], torch.nn.functional.interpolate
    leaf = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.ReLU, torch.nn.AdaptiveAvgPool2d)
    for name, module in twin.decode_head.named_modules():
        if isinstance(module, leaf):
            module.register_forward_hook(lambda module, inputs, output: written.append(output.nbytes))
        if name.startswith("lateral_convs.") and name.count(".") == 1:
            module.register_forward_hook(lambda module, inputs, output: laterals.append(output.nbytes))

    def recorded(*arguments, **settings):
        output = interpolate(*arguments, **settings)
        written.append(output.nbytes)
        return output

    monkeypatch.setattr(torch.nn.functional, "interpolate", recorded)
    with torch.no_grad():
        twin(torch.zeros(1, 3, *size))
    ours = total(of(layer_costs(config, size), "decode_head", "scores")).activation_bytes
    assert len(laterals) == 3 and ours == sum(written) + sum(laterals)


@pytest.mark.parametrize("size", long_but([SIZES[-1]], SIZES))
@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("upernet") and "two" not in name])
def test_the_multiply_adds_of_other_heads_are_those_that_pytorch_counts(name, size):
    pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    model = redrawn(CONFIGS[name])
    maps = model.feature_maps(np.zeros((1, 3, *size)))
    with FlopCounterMode(display=False) as counter:
        if name.startswith("fpn"):
            torch_levels(model.fpn, maps)
        else:
            torch_scores(model.decode_head, maps)
    ours = total(of(layer_costs(model.config, size), "fpn", "decode_head", "scores")).multiply_adds
    assert ours == counter.get_total_flops() // 2


@pytest.mark.parametrize("size", long_but([SIZES[-1]], SIZES))
@pytest.mark.parametrize("name", CONFIGS)
def test_shapes_are_those_of_a_trace_and_every_layer_with_parameters_is_counted(name, size, rng):
    model = redrawn(CONFIGS[name])
    with swin_np.trace(model) as activations:
        model(rng.standard_normal((2, 3, *size)))
    costs = layer_costs(model.config, size)
    shapes = {cost.name: cost.output_shape for cost in costs}
    for layer, module in model.named_modules():
        if layer.startswith(("norms", "decode_head", "fpn")) and any(True for _ in module.own_parameters()):
            assert shapes[layer] == activations[layer].shape[1:], layer
    assert total(costs).parameters == model.parameter_count()
    assert total(layer_costs(model.config, size, np.float64)).activation_bytes == 2 * total(costs).activation_bytes


@pytest.mark.parametrize("name", ["fpn_swin", "fpn_resnet", "fpn_res2net"])
def test_the_activation_bytes_of_a_pyramid_are_its_convolutions_sums_and_extra_levels(name, rng):
    model = redrawn(CONFIGS[name], np.float32)
    with swin_np.trace(model) as activations:
        model(rng.standard_normal((1, 3, 33, 47), np.float32))
    laterals, levels = ([activations[f"fpn.{kind}_blocks.{i}.0"].nbytes for i in range(4)]
                        for kind in ("inner", "layer"))
    extra = {"pool": ("extra_blocks.0",), "p6p7": ("extra_blocks.p6",) * 2 + ("extra_blocks.p7",), "none": ()}
    written = sum(laterals + laterals[:3] + levels)    # a ReLU writes p6 once more
    written += sum(activations[f"fpn.{layer}"].nbytes for layer in extra[model.config.extra])
    assert total(of(layer_costs(model.config, (33, 47)), "fpn")).activation_bytes == written


def test_the_activation_bytes_of_a_unet_decoder_are_its_layers_and_the_scores(rng):
    model = redrawn(CONFIGS["unet_swin"], np.float32)
    with swin_np.trace(model) as activations:
        model(rng.standard_normal((1, 3, 33, 47), np.float32))
    blocks = {f"decode_head.up_blocks.{i}" for i in range(3)}           # what they give is their last layer's
    layers = {name for name in activations if name.startswith("decode_head.")} - blocks
    written = sum(activations[name].nbytes for name in (*layers, "output"))
    assert total(of(layer_costs(model.config, (33, 47)), "decode_head", "scores")).activation_bytes == written


@pytest.mark.parametrize(("name", "millions", "giga"), [("upernet_swin_t", 60, 945), ("upernet_swin_s", 81, 1038)])
def test_upernet_costs_what_the_papers_table_says(name, millions, giga):
    """Images of 512x2048; the table's parameters include the auxiliary head: 3x3 on stage 3, batch norm, classifier."""
    costs = total(layer_costs(UPERNET_VARIANTS[name], (512, 2048)))
    auxiliary = 9 * 384 * 256 + 2 * 256 + (256 + 1) * 150
    assert abs((costs.parameters + auxiliary) / 1e6 - millions) < 0.5
    assert abs(costs.multiply_adds / 1e9 - giga) < 0.6


@pytest.mark.parametrize("name", ["upernet_swin", "unet_res2net", "fpn_resnet"])
@pytest.mark.parametrize("size", [0, (224, -1), 10.5])
def test_sizes_that_no_image_has_are_refused(name, size):
    with pytest.raises(ShapeError, match="give"):
        layer_costs(CONFIGS[name], size)
