"""A backbone alone: its maps, normalised where that is asked for; built, walked through and counted as a system."""

from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.chain import stage_maps
from swin_np.dense.backbones import BackboneConfig
from swin_np.errors import ConfigurationError, InputError
from swin_np.systems.registry import layer_costs
from swin_np.systems.tour import walk
from tests.dense.tiny import RES2NET, RESNET, SIZES, SWIN, redrawn
from tests.matching import assert_matches

CONFIGS = {"swin": BackboneConfig(SWIN), "some norms": BackboneConfig(SWIN, map_norms=(1, 3)),
           "no norms": BackboneConfig(SWIN, map_norms=()), "V2": BackboneConfig(SwinV2Config(**SIZES), map_norms=()),
           "resnet": BackboneConfig(RESNET), "res2net": BackboneConfig(RES2NET)}
every_model = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 45, 70))


@every_model
def test_the_maps_are_those_of_the_model_normalised_where_there_are_norms(config, images):
    model = redrawn(config)
    for i, (one, other) in enumerate(zip(model(images), model.backbone.feature_maps(images), strict=True)):
        if i in config.normalised_stages:
            mean, deviation = other.mean(-1, keepdims=True), np.sqrt(other.var(-1, keepdims=True) + 1e-5)
            other = (other - mean) / deviation * model.norms[i].weight + model.norms[i].bias
        assert_matches(one, other)


@every_model
def test_the_results_of_the_chain_are_the_maps_in_their_order(config, images):
    model = redrawn(config)
    for one, other in zip(stage_maps(model.chain(), images), model(images), strict=True):
        np.testing.assert_array_equal(one, other)


@every_model
def test_tour_and_counting_agree_on_the_parameters(config, images):
    model = redrawn(config)
    steps = [step for step, _ in walk(model, images)]
    counted = sum(cost.parameters for cost in layer_costs(config, (45, 70)))
    assert sum(step.parameters for step in steps) == model.parameter_count() == counted
    assert len([step for step in steps if step.stage]) == len(config.map_channels)


def test_a_norm_of_a_map_is_traced_under_its_name(images):
    model = redrawn(CONFIGS["some norms"])
    with swin_np.trace(model) as activations:
        maps = model(images)
    assert {name for name in activations if name.startswith("norms")} == {"norms.1", "norms.3"}
    np.testing.assert_array_equal(activations["norms.3"], maps[3])


@pytest.mark.parametrize("norms", [(4,), (1, 0), (2, 2), (-1,), (0.5,)])
def test_stages_that_there_are_not_are_refused(norms):
    with pytest.raises(ConfigurationError, match="map_norms"):
        BackboneConfig(SWIN, map_norms=norms)


def test_another_backbone_takes_the_place_of_one_with_all_norms():
    config = replace(BackboneConfig(SWIN), backbone=replace(SWIN, depths=(1, 1), num_heads=(2, 4)))
    assert config.normalised_stages == (0, 1)


def test_images_that_are_not_finite_are_refused():
    with pytest.raises(InputError):
        redrawn(CONFIGS["swin"])(np.full((1, 3, 32, 64), np.nan))
