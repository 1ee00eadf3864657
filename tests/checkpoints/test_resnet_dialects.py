"""ResNet, ResNeXt and Res2Net files of real libraries and in published names: logits, configurations, refusals."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.resnet import RESNET_DIALECTS
from swin_np.checkpoints.dialects.translation import from_official, to_official
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.loading import identify
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.images import sample_photograph
from swin_np.layers import redraw
from swin_np.systems.registry import architecture_of
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

BOTTLENECK = ResNetConfig(layers=(2, 1, 1, 3), inplanes=8, num_classes=5)
BASIC = replace(BOTTLENECK, block="basic")
NARROW = Res2NetConfig(layers=(2, 1, 1, 2), inplanes=16, num_classes=5)
CONFIGS = (
    BOTTLENECK, BASIC, replace(BASIC, in_chans=1, num_classes=0),
    replace(BOTTLENECK, inplanes=64, cardinality=32, base_width=4), replace(BOTTLENECK, cardinality=4, base_width=32),
    NARROW, replace(NARROW, scale=8, base_width=14), replace(NARROW, stem_type="deep", avg_down=True),
    replace(NARROW, avg_down=True), replace(NARROW, inplanes=64, cardinality=8, base_width=4),
)


def redrawn(config):
    """A model with large weights."""
    model = architecture_of(config).model.random(config)
    redraw(model, 4)
    return model


def as_stored(config, **changed) -> StoredCheckpoint:
    """A checkpoint as PyTorch would have it, counters included; `changed` replaces tensors, None removes one."""
    tensors = redrawn(config).state_dict()
    counters = {name.replace("running_var", "num_batches_tracked"): np.array(7) for name in tensors
                if name.endswith("running_var")}
    tensors = {**tensors, **counters, **{name.replace("__", "."): value for name, value in changed.items()}}
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


def settings_for_transformers(config: ResNetConfig) -> dict[str, object]:
    return {"num_channels": config.in_chans, "embedding_size": config.inplanes, "depths": list(config.layers),
            "hidden_sizes": [config.channels(stage) for stage in range(4)], "layer_type": config.block,
            "num_labels": config.num_classes}


@pytest.fixture
def images(rng):
    return rng.standard_normal((2, 3, 40, 56))


@pytest.mark.parametrize("config", [BOTTLENECK, BASIC], ids=["bottleneck", "basic"])
@pytest.mark.parametrize("whole", [True, False], ids=["classifier", "bare"])
def test_a_model_saved_by_transformers_gives_its_numbers(config, whole, tmp_path, images):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    kind = transformers.ResNetForImageClassification if whole else transformers.ResNetModel
    twin = kind(transformers.ResNetConfig(**settings_for_transformers(config))).eval()
    state = from_official(redrawn(config).state_dict(), RESNET_DIALECTS["transformers"])
    if not whole:
        state = {name.removeprefix("resnet."): value for name, value in state.items() if "classifier" not in name}
    twin.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=True)
    twin.save_pretrained(tmp_path)
    with torch.inference_mode():
        found = twin.double()(torch.from_numpy(images))
        double = (found.logits if whole else found.pooler_output.flatten(1)).numpy()
    ours = swin_np.load(tmp_path, dtype=np.float64)
    assert ours.config == replace(config, num_classes=5 if whole else 0)
    assert_matches(ours(images), double, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(swin_np.load(tmp_path), lambda model: model(np.float32(images).astype(model.dtype)))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_configuration_is_read_off_the_shapes(config):
    identified = identify(as_stored(config))
    assert identified.config == config and type(identified.config) is type(config)
    assert any(re.fullmatch(r"Left out \d+ counters num_batches_tracked, .*", note) for note in identified.notes)


@pytest.mark.parametrize("config", CONFIGS[:5], ids=str)
@pytest.mark.parametrize("dialect", RESNET_DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_dialect_gives_the_same_parameters_back(config, dialect):
    state = redrawn(config).state_dict()
    again = to_official(from_official(state, dialect), dialect)
    assert again.keys() == state.keys() and all(again[name] is value or np.array_equal(again[name], value)
                                                for name, value in state.items())


def test_the_names_are_those_of_the_published_files():
    """Of torchvision's resnet50 and of transformers' microsoft/resnet-50, at one block that shrinks the map."""
    state = redrawn(BOTTLENECK).state_dict()
    table = {"layer2.0.conv3.weight": "resnet.encoder.stages.1.layers.0.layer.2.convolution.weight",
             "layer2.0.bn1.running_mean": "resnet.encoder.stages.1.layers.0.layer.0.normalization.running_mean",
             "layer2.0.downsample.0.weight": "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight",
             "layer2.0.downsample.1.running_var": "resnet.encoder.stages.1.layers.0.shortcut.normalization.running_var",
             "bn1.bias": "resnet.embedder.embedder.normalization.bias", "fc.bias": "classifier.1.bias"}
    for official, theirs in table.items():
        assert official in from_official(state, RESNET_DIALECTS["torchvision"])
        assert np.array_equal(from_official(state, RESNET_DIALECTS["transformers"])[theirs], state[official])


@pytest.mark.parametrize("config", [BASIC, NARROW], ids=["resnet", "res2net"])
def test_a_pytorch_file_gives_the_model_it_was_saved_from(config, tmp_path, images):
    torch = pytest.importorskip("torch")
    stored = as_stored(config).tensors
    torch.save({name: torch.from_numpy(np.array(value)) for name, value in stored.items()}, tmp_path / "model.pth")
    images = images.astype(np.float32)
    np.testing.assert_array_equal(swin_np.load(tmp_path / "model.pth")(images), redrawn(config)(images))


@pytest.mark.parametrize(("config", "changed", "words"), [
    (BOTTLENECK, {"layer3__0__bn2__bias": None}, r"layer3.0.bn2.bias \(32,\) is missing"),
    (BOTTLENECK, {"layer3__0__se__fc1__weight": np.zeros((2, 3, 1, 1), np.float32)}, "has no place"),
    (BOTTLENECK, {"conv1__weight": None}, "conv1.weight is missing"),
    (BASIC, {"fc__weight": np.zeros((5, 7), np.float32)}, r"fc.weight has shape \(5, 7\)"),
    (BASIC, {"layer4__0__conv2__weight": np.zeros((0, 8, 3, 3), np.float32)}, "layer4.0.conv2.weight is of shape"),
    (NARROW, {"layer2__0__convs__1__weight": None}, "layer2.0.convs.1.weight .* is missing"),
])
def test_what_is_no_whole_model_is_refused(config, changed, words):
    with pytest.raises(CheckpointError, match=words):
        identify(as_stored(config, **changed))


def test_stages_that_are_missing_are_named():
    tensors = {name: value for name, value in as_stored(BASIC).tensors.items() if not name.startswith("layer4.")}
    with pytest.raises(CheckpointError, match="the stages layer1, layer2, layer3, and layer1 to layer4 were expected"):
        identify(StoredCheckpoint("npz", tensors, [], {}))


def test_heads_and_image_sizes_are_refused_and_so_is_another_systems_configuration(tmp_path):
    for given in ({"num_heads": 3}, {"image_size": 224}):
        with pytest.raises(CheckpointError, match="leave both out"):
            identify(as_stored(BASIC), **given)
    np.savez(tmp_path / "model.npz", **as_stored(BASIC).tensors)
    with pytest.raises(ConfigurationError, match="give a ResNetConfig"):
        swin_np.load(tmp_path / "model.npz", config=NARROW)
    assert swin_np.load(tmp_path / "model.npz", config=BASIC).config == BASIC


PREPARED = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 2,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


@pytest.mark.parametrize(("config", "given", "told"), [
    (BASIC, ["--preset", "torchvision_resnet"], {}), (NARROW, [], {}),
    (ViTConfig(32, 8, 3, 5, 64, 2, 1), ["--num-heads", "1"], PREPARED),
], ids=["resnet", "res2net", "vit"])
def test_classify_names_classes_once_it_is_told_how_images_are_prepared(config, given, told, tmp_path, capsys):
    np.savez(tmp_path / "model.npz", **redrawn(config).state_dict())
    command = ["classify", sample_photograph(), "--checkpoint", str(tmp_path / "model.npz"), "--json"]
    if given or told:
        assert main(command + (given if told else [])) == 2            # nothing is assumed
        assert "how images are prepared" in capsys.readouterr().err
    if told:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    assert main(command + given) == 0
    classes = json.loads(capsys.readouterr().out)["images"][0]["classes"]
    assert sorted(entry["number"] for entry in classes) == [0, 1, 2, 3, 4]
    assert sum(entry["probability"] for entry in classes) == pytest.approx(1)


def test_inspect_and_convert_know_them(tmp_path, capsys, images):
    source, target = tmp_path / "model.npz", tmp_path / "converted.safetensors"
    np.savez(source, **as_stored(BOTTLENECK).tensors)
    assert main(["inspect", str(source)]) == 0
    assert "ResNet or ResNeXt" in capsys.readouterr().out
    assert main(["convert", str(source), str(target), "--to", "transformers"]) == 0
    images = images.astype(np.float32)
    np.testing.assert_array_equal(swin_np.load(target)(images), redrawn(BOTTLENECK)(images))
    assert main(["convert", str(source), str(tmp_path / "other.npz"), "--to", "mmdetection"]) == 2
    np.savez(source, **as_stored(NARROW).tensors)
    capsys.readouterr()
    assert main(["inspect", str(source), "--json"]) == 0
    assert '"Res2Net"' in capsys.readouterr().out
