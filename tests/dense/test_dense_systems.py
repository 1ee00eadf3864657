"""The dense models as systems: built, walked through, traced and described by the commands that take any system."""

import json

import numpy as np
import pytest

import swin_np
from swin_np.baselines.vit import ViTConfig
from swin_np.commands.cli import main
from swin_np.commands.systems import counted
from swin_np.dense.pyramid import FPNConfig
from swin_np.dense.segmentation import UNetConfig, UPerNetConfig
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.systems.measurement import measure_here
from swin_np.systems.registry import SYSTEMS, for_image_size, image_size
from swin_np.systems.tour import walk
from tests.dense.tiny import CONFIGS, RESNET, SWIN, redrawn

every_model = pytest.mark.parametrize("name", CONFIGS)


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 45, 70))         # H != W, no multiple of the patch


@every_model
def test_the_steps_of_the_tour_are_those_of_the_forward_pass(name, images):
    model = redrawn(CONFIGS[name])
    steps, outputs = zip(*walk(model, images), strict=True)
    ours, theirs = [output for step, output in zip(steps, outputs, strict=True) if step.stage], model(images)
    for one, other in zip(ours, theirs if isinstance(theirs, list) else [theirs.transpose(0, 2, 3, 1)], strict=True):
        assert np.array_equal(one, other)
    assert sum(step.parameters for step in steps) == model.parameter_count()
    assert [step.stage for step in steps][-1] and outputs[-1] is ours[-1]


@every_model
def test_the_maps_of_every_backbone_are_those_of_the_backbone_alone(name, images):
    """And normalised where it is a Swin Transformer."""
    model = redrawn(CONFIGS[name])
    maps = model.backbone.feature_maps(images)
    for i, (one, other) in enumerate(zip(model.feature_maps(images), maps, strict=True)):
        assert np.array_equal(one, other if model.norms[i] is None else model.norms[i](other))
    assert (model.norms == [None] * 4) == name.endswith(("resnet", "res2net"))
    assert [x.shape[1:] for x in maps] == model.config.map_shapes(images.shape[2:])


@every_model
def test_every_module_that_computes_is_traced_under_its_official_name(name, images):
    model = redrawn(CONFIGS[name])
    with swin_np.trace(model) as activations:
        outputs = model(images)
    if isinstance(outputs, list):
        assert all(np.array_equal(activations[f"output.{i}"], level) for i, level in enumerate(outputs))
        assert all(np.array_equal(activations[f"fpn.{i}"], level) for i, level in enumerate(outputs))
    else:
        assert np.array_equal(activations["output"], outputs)
    with_parameters = {key for key, module in model.named_modules() if any(True for _ in module.own_parameters())}
    assert with_parameters <= set(activations)


def test_a_trace_of_several_maps_is_saved_with_the_whole_configuration(images, tmp_path):
    model = redrawn(CONFIGS["fpn_swin"])
    with swin_np.trace(model, "output*") as activations:
        levels = model(images)
    activations.save(tmp_path / "levels.npz")
    with np.load(tmp_path / "levels.npz") as stored:
        assert all(np.array_equal(stored[f"output.{i}"], level) for i, level in enumerate(levels))
        meta = json.loads(stored["meta"].item())
    assert json.loads(meta["config"])["backbone"]["embed_dim"] == 8


@pytest.mark.parametrize(("make", "words"), [
    (lambda: UPerNetConfig(ViTConfig()), "a ViTConfig was given as backbone"),
    (lambda: UPerNetConfig(SWIN, 0), "num_classes 0 was given"),
    (lambda: UPerNetConfig(SWIN, 5, 2.5), "channels 2.5 was given"),
    (lambda: UNetConfig(RESNET, -1), "num_classes -1 was given"),
    (lambda: FPNConfig(RESNET, 0), "channels 0 was given"),
    (lambda: FPNConfig(RESNET, 8, "p6"), "did you mean 'p6p7'"),
    (lambda: FPNConfig(swin_np.SwinConfig(depths=(2,), num_heads=(3,))), "the backbone has one stage"),
    (lambda: swin_np.build("upernet_swint"), "did you mean 'upernet_swin_t'"),
    (lambda: swin_np.build("unet_swin_t", classes=3), "did you mean 'num_classes'"),
])
def test_configurations_that_no_model_can_have_are_refused(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


def test_a_dense_model_is_built_by_name_on_another_backbone():
    model = swin_np.build("upernet_swin_t", num_classes=3, channels=8, backbone=RESNET, dtype=np.float64)
    assert model(np.zeros((1, 3, 32, 48))).shape == (1, 3, 32, 48)
    assert model.backbone.fc is None


def test_another_image_size_is_the_backbones():
    assert for_image_size(SYSTEMS["fpn_swin_t"], (96, 64)).backbone.img_size == (96, 64)
    assert for_image_size(SYSTEMS["upernet_swin_t"], 448).backbone.shape_policy is swin_np.TRANSFORMERS_BACKBONE
    assert for_image_size(SYSTEMS["fpn_resnet_50"], 448) == SYSTEMS["fpn_resnet_50"]
    assert image_size(UNetConfig(SWIN)) == (32, 64) and image_size(UNetConfig(RESNET)) == (224, 224)


@every_model
@pytest.mark.parametrize(("spoil", "error", "words"), [
    (lambda images: images.astype(np.float32), InputError, "images are float32, the model is float64"),
    (lambda images: images[:0], InputError, "empty"),
    (lambda images: images.transpose(0, 2, 3, 1), ShapeError, r"expected \(B, 3, H, W\)"),
])
def test_every_dense_model_has_the_door_of_its_backbone(name, images, spoil, error, words):
    with pytest.raises(error, match=words):
        redrawn(CONFIGS[name])(spoil(images))


@pytest.mark.parametrize(("name", "shapes"), [
    ("upernet_swin_t", [(96, 64, 150)]), ("unet_resnet_50", [(96, 64, 150)]),
    ("fpn_res2net_50_26w_4s", [(24, 16, 256), (12, 8, 256), (6, 4, 256), (3, 2, 256), (2, 1, 256)]),
])
def test_the_maps_of_the_table_of_systems_are_the_output_maps(name, shapes):
    assert counted(name, (96, 64)).maps == shapes


def test_a_dense_model_is_measured():
    assert measure_here("fpn_resnet_50", (32, 32), 1).runs >= 3


@pytest.mark.parametrize(("name", "rows"), [
    ("fpn_resnet_50", ["stem", "stage 1, 3 blocks", "stage 2, 4 blocks", "stage 3, 6 blocks", "stage 4, 3 blocks",
                       "lateral 4", "lateral 3, top-down", "lateral 2, top-down", "lateral 1, top-down", "level 1",
                       "level 2", "level 3", "level 4", "level pool"]),
    ("unet_resnet_50", ["stem", "stage 1, 3 blocks", "stage 2, 4 blocks", "stage 3, 6 blocks", "stage 4, 3 blocks",
                        "up, beside map 3", "up, beside map 2", "up, beside map 1", "classifier", "scores"]),
])
def test_info_sums_up_the_parts_of_backbone_and_head(name, rows, capsys):
    assert main(["info", name]) == 0
    head, _, *lines, last = capsys.readouterr().out.splitlines()
    assert [line[:24].strip() for line in lines] == rows
    assert "on a ResNet or ResNeXt, block bottleneck" in head
    assert main(["info", name, "--layers", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert f"{result['parameters']:,}" in last
    assert sum(layer["multiply_adds"] for layer in result["layers"]) == result["multiply_adds"]


def test_the_columns_of_info_stand_below_each_other_for_long_names_too(capsys):
    assert main(["info", "unet_swin_t", "--layers"]) == 0
    assert len({len(line) for line in capsys.readouterr().out.splitlines()[1:]}) == 1


def test_the_tour_of_a_segmentation_ends_with_the_commonest_class(capsys):
    assert main(["tour", "--variant", "unet_swin_t"]) == 0
    assert "classes among the 224x224 pixels: class " in capsys.readouterr().out.splitlines()[-1]
    assert main(["tour", "--variant", "unet_swin_t", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert 0 <= result["top_class"] < 150 and 1 / 150 <= result["share_of_pixels"] <= 1
    assert result["steps"][-1]["map_size"] == [224, 224]


def test_the_tour_of_a_pyramid_ends_with_its_levels(capsys):
    assert main(["tour", "--variant", "fpn_resnet_50"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 maps, 56x56x256, 28x28x256, 14x14x256, 7x7x256, 4x4x256"
    assert main(["tour", "--variant", "fpn_resnet_50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["levels"] == [[side, side, 256] for side in (56, 28, 14, 7, 4)]
