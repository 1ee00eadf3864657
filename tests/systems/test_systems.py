"""The registry of all systems: one way to build, count, walk through and trace any of them."""

import numpy as np
import pytest

import swin_np
from swin_np.costs import total
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.layers import redraw
from swin_np.systems import registry as systems
from swin_np.systems.registry import (
    ARCHITECTURES,
    COMPARED,
    SYSTEMS,
    architecture_of,
    configuration,
    for_image_size,
    layer_costs,
)
from swin_np.systems.tour import chain_of, walk

TINY = {                                               # one of every architecture and of every kind of its parts
    "swin_t": {"img_size": (32, 64), "embed_dim": 8, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4},
    "swin_v2_t": {"img_size": (32, 64), "embed_dim": 8, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4},
    "swin_mixer_t_c24": {"img_size": (32, 64), "embed_dim": 8, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4},
    "vit_b_16": {"img_size": (32, 64), "embed_dim": 8, "depth": 3, "num_heads": 2},
    "deit_s_distilled": {"img_size": (32, 64), "embed_dim": 8, "depth": 3, "num_heads": 2},
    "resnet_18": {"inplanes": 8},
    "resnext_50_32x4d": {"inplanes": 16, "layers": (1, 2, 1, 1), "cardinality": 2, "base_width": 32},
    "res2net_50_26w_4s": {"inplanes": 16, "layers": (2, 1, 1, 1)},
    "res2net_50_v1b_26w_4s": {"inplanes": 16, "layers": (2, 1, 1, 1)},
}
every_tiny_system = pytest.mark.parametrize("name", TINY)


def tiny(name: str):
    """A small relative of a system, its weights drawn large, in float64."""
    model = swin_np.build(name, num_classes=6, dtype=np.float64, **TINY[name])
    redraw(model, 2)
    return model


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 32, 64))         # H != W


def test_no_two_architectures_share_a_name():
    assert len(SYSTEMS) == sum(len(architecture.variants) for architecture in ARCHITECTURES)
    assert set(COMPARED) <= set(SYSTEMS) and set(swin_np.VARIANTS) < set(SYSTEMS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_counted_parameters_of_every_system_are_those_of_its_model(name):
    """At another size than the configured one as well, where a ViT has other positions."""
    for config in (SYSTEMS[name], for_image_size(SYSTEMS[name], (448, 192))):
        model = architecture_of(config).model.random(config, None)
        assert total(layer_costs(config)).parameters == model.parameter_count()


@every_tiny_system
def test_every_system_is_built_from_its_name_seed_and_dtype(name):
    model, again = (swin_np.build(name, seed=5, **TINY[name]) for _ in range(2))
    double = swin_np.build(name, seed=5, dtype=np.float64, **TINY[name])
    assert type(model) is architecture_of(SYSTEMS[name]).model
    for key, value in model.state_dict().items():
        assert np.array_equal(value, again.state_dict()[key]) and value.dtype == np.float32
        assert np.array_equal(value, double.state_dict()[key]) and double.state_dict()[key].dtype == np.float64


def test_unknown_names_and_fields_are_answered_with_the_nearest():
    for name, nearest in (("swin_tiny", "swin_t"), ("swin_v2_tiny", "swin_v2_t"), ("vit_b16", "vit_b_16"),
                          ("resnet50", "resnet_50"), ("res2net_50_26w4s", "res2net_50_26w_4s"),
                          ("swin_mixer_t_d24", "swin_mixer_t_c24")):
        with pytest.raises(ConfigurationError, match=f"unknown variant '{name}': did you mean '{nearest}'"):
            swin_np.build(name)
    for name, field, nearest in (("swin_mixer_b", "depth", "depths"), ("resnet_50", "classes", "num_classes"),
                                 ("res2next_50", "basewidth", "base_width"), ("deit_ti", "num_class", "num_classes")):
        with pytest.raises(ConfigurationError, match=f"unknown field of .* '{field}': did you mean '{nearest}'"):
            configuration(name, **{field: 2})


def test_a_configuration_of_no_system_is_refused():
    with pytest.raises(ConfigurationError, match="a dict was given"):
        layer_costs({})


def test_another_image_size_gives_positions_for_it_or_padding_and_leaves_a_resnet():
    assert for_image_size(SYSTEMS["vit_b_16"], 448).tokens == 28 * 28 + 1
    assert for_image_size(SYSTEMS["swin_v2_t"], 448).shape_policy is swin_np.TORCHVISION
    assert for_image_size(SYSTEMS["resnet_50"], 448) == SYSTEMS["resnet_50"]
    assert systems.image_size(SYSTEMS["swin_v2_t"]) == (256, 256)
    assert systems.image_size(SYSTEMS["resnet_50"]) == (224, 224)


@every_tiny_system
def test_the_steps_of_the_tour_are_those_of_the_forward_pass(name, images):
    model = tiny(name)
    steps, outputs = zip(*walk(model, images), strict=True)
    assert np.array_equal(outputs[-1], model(images))
    costs = total(layer_costs(model.config, images.shape[2:]))
    assert sum(step.multiply_adds for step in steps) == costs.multiply_adds > 0
    assert sum(step.parameters for step in steps) == costs.parameters
    stages = [output for part, output in zip(chain_of(model), outputs, strict=True) if part.stage]
    for output, feature_map in zip(stages, model.feature_maps(images), strict=True):
        if output.ndim == 4:
            assert np.array_equal(output, feature_map)


@every_tiny_system
def test_every_module_of_every_system_is_traced_under_its_official_name(name, images):
    model = tiny(name)
    with swin_np.trace(model) as activations:
        logits = model(images)
    assert np.array_equal(activations["output"], logits)
    never_called = {key for key, module in model.named_modules() if key and key not in activations}
    assert not never_called
    state = model.state_dict()
    for key, value in activations.items():
        if f"{key}.weight" in state and value.ndim == 4 and state[f"{key}.weight"].ndim == 4 and key != "patch_embed":
            assert value.shape[-1] == len(state[f"{key}.weight"])       # a convolution's output channels


@every_tiny_system
@pytest.mark.parametrize(("spoil", "error", "words"), [
    (lambda images: images.astype(np.float32), InputError, "images are float32, the model is float64"),
    (lambda images: images[:0], InputError, "empty"),
    (lambda images: images.transpose(0, 2, 3, 1), ShapeError, r"expected \(B, 3, H, W\)"),
    (lambda images: np.where(images > 2, np.nan, images), InputError, "NaN"),
    (lambda images: (255 * images).astype(np.uint8), InputError, "pixels are uint8"),
])
def test_every_system_has_the_same_door(name, images, spoil, error, words):
    with pytest.raises(error, match=words):
        tiny(name)(spoil(images))
