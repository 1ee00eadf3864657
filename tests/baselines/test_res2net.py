"""Res2Net: timm's stored stages and stem, torch.nn.functional from the paper's Eq. 1, measured receptive fields."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from swin_np import trace
from swin_np.baselines.res2net import (
    RES2NET_VARIANTS,
    Bottle2neck,
    Res2Net,
    Res2NetConfig,
    receptive_fields,
)
from swin_np.baselines.resnet import ResNetConfig
from swin_np.convolution.functional import relu
from swin_np.convolution.layers import BatchNorm2d
from swin_np.errors import ConfigurationError
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.parallel.pool import threads
from tests import golden
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

NARROW = Res2NetConfig(layers=(1, 2, 1, 1), inplanes=16, num_classes=50)
CONFIGS = {
    "scale 4": NARROW,
    "scale 2": replace(NARROW, base_width=48, scale=2),
    "scale 8": replace(NARROW, scale=8),
    "normal blocks in every stage": replace(NARROW, layers=(2, 2, 3, 2), scale=3),
    "v1b": replace(NARROW, stem_type="deep", avg_down=True),
    "v1b's stem alone": replace(NARROW, stem_type="deep"),
    "grouped": replace(NARROW, cardinality=4, base_width=8),
}
STAGES = {                                             # stored stage: planes are 16, width is 16 base_width / 64
    "res2net_stage_stride1": (Res2NetConfig(inplanes=16, base_width=32), 1),
    "res2net_stage_stride2": (Res2NetConfig(inplanes=16, base_width=32), 2),
    "res2net_stage_scale8": (Res2NetConfig(inplanes=16, base_width=26, scale=8), 2),
    "res2next_stage": (Res2NetConfig(inplanes=16, base_width=8, cardinality=4), 2),
    "res2net_v1b_stage": (Res2NetConfig(inplanes=16, base_width=32, avg_down=True), 2),
}
COUNTS = {
    "res2net_50_26w_4s": 25_699_120, "res2net_50_48w_2s": 25_287_304, "res2net_50_14w_8s": 25_059_816,
    "res2net_50_26w_6s": 37_051_448, "res2net_50_26w_8s": 48_403_776, "res2net_101_26w_4s": 45_206_688,
    "res2net_50_v1b_26w_4s": 25_718_352, "res2next_50": 24_671_464,
}


@dataclass(eq=False, repr=False)
class Stage(Module):
    """The blocks of one stored stage."""

    blocks: list[Bottle2neck]

    def forward(self, x: Array) -> Array:
        for block in self.blocks:
            x = block(x)
        return x


@dataclass(eq=False, repr=False)
class Stem(Module):
    """The stored stem, as far as the max-pooling."""

    conv1: list[Module]
    bn1: BatchNorm2d


def stored_state(name: str, prefix: str = "") -> dict[str, Array]:
    return {prefix + key.removeprefix("state/"): value for key, value in golden.stored(name).items()
            if key.startswith("state/")}


def channels_last(x: Array) -> Array:
    return np.moveaxis(x, 1, -1)


def redrawn(config: Res2NetConfig, dtype: type = np.float64) -> Res2Net:
    model = Res2Net.random(config)
    redraw(model, 3)
    return model.astype(dtype)


def seeded_images(config: ResNetConfig, size=(64, 96), batch: int = 2) -> Array:
    return np.random.default_rng(5).standard_normal((batch, config.in_chans, *size), np.float32)


def our_outputs(model: Res2Net, images: Array) -> list[Array]:
    images = images.astype(model.dtype)
    return [*model.feature_maps(images), model(images)]


def torch_outputs(model: Res2Net, images: Array) -> list[Array]:
    """The four maps and the logits as torch.nn.functional computes them, in the dtype of the model."""
    from oracle.torch_layers import Network

    config = model.config
    maps, logits = Network(model.state_dict()).outputs(images.astype(model.dtype), config.layers, config.cardinality)
    return [*maps, logits]


@pytest.mark.parametrize("name", STAGES)
def test_the_stored_stages_of_timm_are_reproduced(name):
    config, stride = STAGES[name]
    stored = golden.stored(name)
    stage = Stage([Bottle2neck.random(config, 0, 24, stride, True, None),
                   Bottle2neck.random(config, 0, 64, 1, False, None)])
    stage.load_state_dict(stored_state(name, "blocks."))
    double, x = stage.astype(np.float64), channels_last(stored["input"])
    with trace(double) as ours:
        double(x.astype(np.float64))
    assert_matches(ours["blocks.0"], channels_last(stored["output64/0"]), MODEL_TOLERANCE)
    assert_matches(ours["blocks.1"], channels_last(stored["output64"]), MODEL_TOLERANCE)
    assert_model_rounds_as_float32(stage, lambda stage: stage(x.astype(stage.dtype)))


def test_the_stored_stem_of_v1b_is_reproduced():
    stored = golden.stored("res2net_v1b_stem")
    whole = Res2Net.random(replace(RES2NET_VARIANTS["res2net_50_v1b_26w_4s"], layers=(1, 1, 1, 1)))
    stem = Stem(whole.conv1, whole.bn1)
    stem.load_state_dict(stored_state("res2net_v1b_stem"))
    assert set(stem.state_dict()) < set(whole.state_dict())
    whole.conv1, whole.bn1 = stem.conv1, stem.bn1
    truth = channels_last(stored["output64"])
    assert_matches(whole.astype(np.float64).embed(stored["input"].astype(np.float64)), truth, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(whole, lambda model: model.embed(stored["input"].astype(model.dtype)))


@pytest.mark.parametrize("size", long_but([(49, 70)], [(64, 96), (49, 70)]))
@pytest.mark.parametrize("name", CONFIGS)
def test_every_map_and_the_logits_equal_torch(name, size):
    pytest.importorskip("torch")
    model = redrawn(CONFIGS[name])
    images = seeded_images(model.config, size)
    for ours, truth in zip(our_outputs(model, images), torch_outputs(model, images), strict=True):
        assert_matches(ours, truth, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(model, lambda model: our_outputs(model, images), draws=4)


@pytest.mark.parametrize("variant", long_but(["res2net_50_v1b_26w_4s"],
                                             ["res2net_50_26w_4s", "res2net_50_v1b_26w_4s", "res2next_50"]))
def test_the_papers_models_equal_torch(variant):
    pytest.importorskip("torch")
    model = redrawn(RES2NET_VARIANTS[variant])
    images = seeded_images(model.config, (64, 96), batch=1)
    for ours, truth in zip(our_outputs(model, images), torch_outputs(model, images), strict=True):
        assert_matches(ours, truth, MODEL_TOLERANCE)


@pytest.mark.parametrize(("variant", "count"), COUNTS.items())
def test_the_variants_have_the_published_number_of_parameters(variant, count):
    assert COUNTS.keys() == RES2NET_VARIANTS.keys()
    assert Res2Net.random(RES2NET_VARIANTS[variant], None).parameter_count() == count


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_receptive_field_of_every_split_is_what_a_changed_pixel_reaches(scale, first):
    """An output pixel sees what changes it: by symmetry as many pixels as one changed pixel reaches."""
    block = Bottle2neck.random(Res2NetConfig(inplanes=16, base_width=8, scale=scale), 0, 64, 1, first,
                               np.random.default_rng(0)).astype(np.float64)
    for conv in block.convs:
        conv.weight = np.abs(conv.weight)              # nothing cancels, and no ReLU hides a path
    measured, side = np.zeros((scale, scale), int), 2 * scale + 3
    for j in range(scale):
        x = np.ones((1, side, side, scale, 2))
        before = block.multi_scale(x.reshape(1, side, side, -1))
        x[0, side // 2, side // 2, j] += 1
        changed = (block.multi_scale(x.reshape(1, side, side, -1)) != before).reshape(side, side, scale, 2).any(axis=-1)
        for i in range(scale):
            rows, columns = (changed[..., i].any(axis=axis).sum() for axis in (1, 0))
            assert rows == columns and changed[..., i].sum() == rows * columns
            measured[i, j] = rows
    assert np.array_equal(receptive_fields(scale, first), measured)


def test_the_receptive_fields_of_scale_4_grow_by_two_with_every_split():
    assert receptive_fields(4).tolist() == [[3, 0, 0, 0], [5, 3, 0, 0], [7, 5, 3, 0], [0, 0, 0, 1]]
    assert receptive_fields(4, first=True).tolist() == (3 * np.eye(4, dtype=int)).tolist()
    assert receptive_fields(3, kernel=5).tolist() == [[5, 0, 0], [9, 5, 0], [0, 0, 1]]


def test_a_trace_names_the_convolutions_of_the_splits(rng):
    model = redrawn(NARROW)
    with trace(model, "layer2.*") as activations:
        model(rng.standard_normal((2, 3, 32, 48)))
    names = [name for name in activations if name.startswith("layer2.1.") and name.count(".") == 3]
    assert names == [f"layer2.1.{kind}.{k}" for k in range(3) for kind in ("convs", "bns")]
    assert activations["layer2.0.pool"].shape == activations["layer2.0.convs.0"].shape == (2, 4, 6, 13)


@pytest.mark.parametrize("name", CONFIGS)
def test_each_image_of_a_batch_gives_what_it_gives_alone_on_any_number_of_threads(name, rng):
    model = redrawn(CONFIGS[name])
    batch = rng.standard_normal((3, 3, 40, 56))
    logits = model(batch)
    for count in (1, 2, 3):
        with threads(count):
            for i, image in enumerate(batch):
                assert_matches(model(image)[0], logits[i], MODEL_TOLERANCE)


def test_the_stem_can_be_drawn_without_weights():
    model = Res2Net.random(CONFIGS["v1b"], None)
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in Res2Net.random(CONFIGS["v1b"]).state_dict().items()}


def test_one_wide_split_would_be_resnets_block():
    """A normal block with nothing to add is a bottleneck: the first split alone, the others silent."""
    block = Bottle2neck.random(Res2NetConfig(inplanes=16, base_width=32, scale=2), 0, 64, 1, False,
                               np.random.default_rng(1))
    redraw(block, 1)
    block = block.astype(np.float64)
    block.conv3.weight[:, 8:] = 0                      # the split that is passed on
    x = np.random.default_rng(2).standard_normal((2, 6, 5, 64))
    y = relu(block.bn1(block.conv1(x)))[..., :8]
    y = relu(block.bns[0](block.convs[0](y)))
    y = block.bn3(y @ block.conv3.weight[:, :8, 0, 0].T)
    assert_matches(block(x), np.maximum(x + y, 0))


@pytest.mark.parametrize(("changes", "words"), [
    ({"scale": 1}, "from 2 on"), ({"scale": 2.5}, "whole number"), ({"stem_type": "deeper"}, "deep"),
    ({"block": "basic"}, "bottleneck"), ({"base_width": 3}, "no channel"),
])
def test_configurations_that_no_model_can_have_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(NARROW, **changes)
