"""ResNet and ResNeXt: transformers and torch.nn.functional run live, published counts, the two papers' rules."""

import re
from dataclasses import replace

import numpy as np
import pytest

from swin_np import trace
from swin_np.baselines.resnet import RESNET_VARIANTS, ResNet, ResNetConfig
from swin_np.errors import ConfigurationError, InputError, ShapeError, StateDictError
from swin_np.layers import placeholder, redraw
from swin_np.parallel.pool import threads
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

NARROW = ResNetConfig(layers=(1, 2, 1, 1), inplanes=8, num_classes=50)
CONFIGS = {
    "bottleneck": NARROW,
    "basic": replace(NARROW, block="basic", layers=(2, 1, 1, 1)),
    "grouped": replace(NARROW, inplanes=16, cardinality=4, base_width=32),
    "grouped by one channel": replace(NARROW, inplanes=16, cardinality=16, base_width=4),
    "wide": replace(NARROW, base_width=100),
    "grey": replace(NARROW, in_chans=1),
}
COUNTS = {
    "resnet_18": 11_689_512, "resnet_34": 21_797_672, "resnet_50": 25_557_032, "resnet_101": 44_549_160,
    "resnet_152": 60_192_808, "resnext_50_32x4d": 25_028_904, "resnext_101_32x8d": 88_791_336,
    "resnext_101_64x4d": 83_455_272,
}


def redrawn(config: ResNetConfig, dtype: type = np.float64) -> ResNet:
    model = ResNet.random(config)
    redraw(model, 3)
    return model.astype(dtype)


def seeded_images(config: ResNetConfig, size=(64, 96), batch: int = 2) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((batch, config.in_chans, *size), np.float32)


def torch_outputs(model: ResNet, images: np.ndarray) -> list[np.ndarray]:
    """The four maps and the logits as torch.nn.functional computes them, in the dtype of the model."""
    from oracle.torch_layers import Network

    config = model.config
    maps, logits = Network(model.state_dict()).outputs(images.astype(model.dtype), config.layers, config.cardinality)
    return [*maps, logits]


def our_outputs(model: ResNet, images: np.ndarray) -> list[np.ndarray]:
    images = images.astype(model.dtype)
    return [*model.feature_maps(images), model(images)]


@pytest.mark.parametrize("size", long_but([(49, 70)], [(64, 96), (49, 70), (1, 33)]))
@pytest.mark.parametrize("name", CONFIGS)
def test_every_map_and_the_logits_equal_torch(name, size):
    pytest.importorskip("torch")
    model = redrawn(CONFIGS[name])
    images = seeded_images(model.config, size)
    for ours, truth in zip(our_outputs(model, images), torch_outputs(model, images), strict=True):
        assert_matches(ours, truth, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(model, lambda model: our_outputs(model, images), draws=4)


@pytest.mark.parametrize("variant", long_but(["resnet_18"], ["resnet_18", "resnet_50", "resnext_50_32x4d"]))
def test_the_papers_models_equal_torch(variant):
    pytest.importorskip("torch")
    model = redrawn(RESNET_VARIANTS[variant])
    images = seeded_images(model.config, (64, 96))
    for ours, truth in zip(our_outputs(model, images), torch_outputs(model, images), strict=True):
        assert_matches(ours, truth, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(model, lambda model: our_outputs(model, images), draws=3)


def transformers_name(name: str) -> str:
    """`layer2.0.bn1.weight` is `resnet.encoder.stages.1.layers.0.layer.0.normalization.weight`."""
    name = re.sub(r"^conv1\.", "resnet.embedder.embedder.convolution.", name)
    name = re.sub(r"^bn1\.", "resnet.embedder.embedder.normalization.", name)
    name = re.sub(r"^fc\.", "classifier.1.", name)
    name = re.sub(r"^layer(\d)\.(\d+)", lambda m: f"resnet.encoder.stages.{int(m[1]) - 1}.layers.{m[2]}", name)
    name = name.replace("downsample.0", "shortcut.convolution").replace("downsample.1", "shortcut.normalization")
    kinds = {"conv": "convolution", "bn": "normalization"}
    return re.sub(r"\.(conv|bn)(\d)\.", lambda m: f".layer.{int(m[2]) - 1}.{kinds[m[1]]}.", name)


@pytest.mark.parametrize("name", ["bottleneck", "basic", "grey"])
def test_every_map_and_the_logits_equal_transformers(name):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = redrawn(CONFIGS[name])
    config, images = model.config, seeded_images(model.config, (49, 70))
    theirs = transformers.ResNetForImageClassification(transformers.ResNetConfig(
        num_channels=config.in_chans, embedding_size=config.inplanes, layer_type=config.block,
        hidden_sizes=[config.channels(stage) for stage in range(4)], depths=list(config.layers),
        num_labels=config.num_classes)).double().eval()
    state = {transformers_name(key): torch.from_numpy(value) for key, value in model.state_dict().items()}
    missing, unexpected = theirs.load_state_dict(state, strict=False)
    assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing)
    with torch.inference_mode():
        output = theirs(torch.from_numpy(images).double(), output_hidden_states=True)
    maps = [np.moveaxis(value.numpy(), 1, -1) for value in output.hidden_states[1:]]
    for ours, truth in zip(our_outputs(model, images), [*maps, output.logits.numpy()], strict=True):
        assert_matches(ours, truth, MODEL_TOLERANCE)


@pytest.mark.parametrize(("variant", "count"), COUNTS.items())
def test_the_variants_have_the_published_number_of_parameters(variant, count):
    assert COUNTS.keys() == RESNET_VARIANTS.keys()
    assert ResNet.random(RESNET_VARIANTS[variant], None).parameter_count() == count


def test_resnext_doubles_the_width_and_cuts_it_into_32_groups():
    model = ResNet.random(RESNET_VARIANTS["resnext_50_32x4d"], None)
    assert [blocks[0].conv2.weight.shape for blocks in (model.layer1, model.layer2, model.layer3, model.layer4)] == [
        (128, 4, 3, 3), (256, 8, 3, 3), (512, 16, 3, 3), (1024, 32, 3, 3)]
    assert model.layer1[0].conv3.weight.shape == (256, 128, 1, 1)


def test_a_trace_shows_every_convolution_and_norm_before_the_relu(rng):
    model = redrawn(NARROW)
    images = rng.standard_normal((2, 3, 32, 48))
    with trace(model) as activations:
        logits = model(images)
    assert {"conv1", "bn1", "layer1.0.conv2", "layer2.0.downsample.1", "layer4.0", "fc"} < set(activations)
    assert activations["layer1.0.bn1"].min() < 0 <= activations["layer1.0"].min()
    assert_matches(np.maximum(activations["layer2.0.bn3"] + activations["layer2.0.downsample.1"], 0),
                   activations["layer2.0"])
    assert np.array_equal(activations["output"], logits)


@pytest.mark.parametrize("name", CONFIGS)
def test_each_image_of_a_batch_gives_what_it_gives_alone_on_any_number_of_threads(name, rng):
    model = redrawn(CONFIGS[name])
    batch = rng.standard_normal((3, model.config.in_chans, 40, 56))
    kept = batch.copy()
    logits = model(batch)
    for count in (1, 2, 3):
        with threads(count):
            for i, image in enumerate(batch):
                assert_matches(model(image)[0], logits[i], MODEL_TOLERANCE)
    assert np.array_equal(batch, kept)


def test_without_a_head_the_features_come_out(rng):
    model = redrawn(replace(NARROW, num_classes=0))
    images = rng.standard_normal((2, 3, 40, 56))
    assert_matches(model(images), model.feature_maps(images)[-1].mean(axis=(1, 2)))
    assert np.array_equal(model(images), model.features(images))


def test_the_pool_takes_its_mean_in_float64(rng):
    values = rng.standard_normal((2, 1, 1, 300), np.float32)
    pooled = redrawn(NARROW, np.float32).pool(np.broadcast_to(values, (2, 13, 11, 300)))
    assert np.array_equal(pooled, values[:, 0, 0])


def test_the_counters_of_a_real_checkpoint_are_passed_over_and_nothing_else():
    source, model = redrawn(NARROW, np.float32), ResNet.random(NARROW)
    counters = {f"{name.removesuffix('running_var')}num_batches_tracked": np.array(7)
                for name in source.state_dict() if name.endswith("running_var")}
    assert len(counters) == 20
    model.load_state_dict(source.state_dict() | counters)
    assert all(np.array_equal(value, source.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(StateDictError, match=r"unexpected conv1\.num_batches_tracked"):
        model.load_state_dict(source.state_dict() | {"conv1.num_batches_tracked": np.array(7)})
    with pytest.raises(StateDictError, match=r"missing layer1\.0\.bn2\.running_var"):
        model.load_state_dict({name: value for name, value in source.state_dict().items()
                               if name != "layer1.0.bn2.running_var"})


def test_initial_weights_follow_he_and_are_the_same_in_either_dtype():
    model, double = (ResNet.random(ResNetConfig("basic", (1, 1, 1, 1)), 1, dtype) for dtype in (np.float32, np.float64))
    assert double.dtype == np.float64
    assert all(np.array_equal(value, double.state_dict()[name]) for name, value in model.state_dict().items())
    weight = model.layer2[0].conv2.weight
    assert abs(weight.std() / (2 / (128 * 9)) ** 0.5 - 1) < 0.01
    placeholders = ResNet.random(model.config, None)
    assert placeholders.conv1.weight.strides == placeholder(1, 1).strides * 2


@pytest.mark.parametrize(("changes", "words"), [
    ({"block": "botleneck"}, "bottleneck"), ({"layers": (1, 1, 1)}, "four numbers"),
    ({"layers": (1, 0, 1, 1)}, "positive"), ({"layers": (1, 1.5, 1, 1)}, "whole numbers"),
    ({"inplanes": 0}, "positive"), ({"num_classes": -1}, "positive"),
    ({"block": "basic", "cardinality": 2}, "leave cardinality 1"), ({"base_width": 4}, "no channel"),
])
def test_configurations_that_no_model_can_have_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(NARROW, **changes)


@pytest.mark.parametrize(("batch", "error", "words"), [
    (np.zeros((2, 48, 64, 3), np.float32), ShapeError, r"expected \(B, 3, H, W\)"),
    (np.zeros((0, 3, 48, 64), np.float32), InputError, "empty"),
    (np.zeros((2, 3, 48, 64), np.uint8), InputError, "normalise"),
    (np.zeros((2, 3, 48, 64)), InputError, "float64, the model is float32"),
    (np.full((2, 3, 48, 64), np.nan, np.float32), InputError, "NaN"),
])
def test_images_that_would_give_a_wrong_number_are_refused(batch, error, words):
    with pytest.raises(error, match=words):
        ResNet.random(NARROW)(batch)
