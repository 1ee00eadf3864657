"""The dialects' names: exact keys and shapes of the real libraries, bit-exact round trips, the order of Unfold."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np import VARIANTS, CheckpointError, SwinConfig
from swin_np.checkpoints.dialects.swin import DIALECTS, recognise
from swin_np.checkpoints.dialects.translation import official_to_unfold, to_official, unfold_to_official
from swin_np.checkpoints.loading import convert
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.patches import patch_merging
from tests import golden
from tests.matching import assert_matches

CONFIG = SwinConfig((32, 48), 2, 2, 5, 8, (2, 1, 2, 1), (2, 4, 8, 2), 2, ape=True)
SWIN_T_KEYS = {"microsoft": 190, "timm": 173, "torchvision": 185, "transformers": 221, "transformers-files": 221}


def drawn(config: SwinConfig) -> SwinTransformer:
    model = SwinTransformer.random(config)
    redraw(model, 1)
    return model


def places_of(dialect: str, state: dict) -> dict:
    """The parameters that the dialect has a place for."""
    return {name: value for name, value in state.items() if DIALECTS[dialect].from_official(name)}


def assert_same_bits(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].dtype == theirs[name].dtype and np.array_equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("name", DIALECTS)
def test_a_round_trip_through_every_dialect_is_bit_exact(name):
    state = places_of(name, drawn(CONFIG).state_dict())
    assert len(state) >= 94                            # of 96: no head, or no position embedding
    assert_same_bits(to_official(convert(state, DIALECTS[name]), DIALECTS[name]), state)


@pytest.mark.parametrize("first", DIALECTS)
@pytest.mark.parametrize("second", DIALECTS)
def test_a_way_through_two_dialects_is_bit_exact(first, second):
    state = places_of(first, places_of(second, drawn(CONFIG).state_dict()))
    there = to_official(convert(state, DIALECTS[first]), DIALECTS[first])
    assert_same_bits(to_official(convert(there, DIALECTS[second]), DIALECTS[second]), state)


@pytest.mark.parametrize("name", golden.OFFICIAL + golden.TIMM + golden.TORCHVISION)
def test_converted_names_shapes_and_buffers_are_those_of_the_real_library(name):
    theirs = {key.removeprefix("state/"): value for key, value in golden.stored(name).items()
              if key.startswith("state/")}
    config = golden.config(name)
    ours = convert(drawn(config).state_dict(), DIALECTS[golden.dialect_of(name)], config)
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}
    for key in ours:
        if key.endswith(("relative_position_index", "attn_mask")):
            np.testing.assert_array_equal(ours[key], theirs[key])


@pytest.mark.parametrize("name", SWIN_T_KEYS)
def test_swin_t_has_as_many_keys_as_in_the_real_library(name):
    config = VARIANTS["swin_t"]
    assert len(convert(SwinTransformer.random(config).state_dict(), DIALECTS[name], config)) == SWIN_T_KEYS[name]


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
@pytest.mark.parametrize("classes", [0, 5])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_recognised_from_the_names(name, stages, classes):
    config = replace(CONFIG, num_classes=classes, depths=CONFIG.depths[:stages], num_heads=CONFIG.num_heads[:stages])
    state = places_of(name, SwinTransformer.random(config).state_dict())
    found, _, _ = recognise(convert(state, DIALECTS[name]))
    indistinguishable = name == "timm" and stages == 1 and not classes     # no merging and no head: microsoft's names
    assert found.name == ("microsoft" if indistinguishable else name)


def test_the_note_for_microsofts_names_says_what_was_assumed():
    _, _, (note,) = recognise(SwinTransformer.random(CONFIG).state_dict())
    assert "timm before 0.9" in note and "microsoft's was assumed" in note


def test_the_norms_of_a_detectors_maps_are_set_aside():
    state = convert(places_of("mmdetection", drawn(CONFIG).state_dict()), DIALECTS["mmdetection"])
    norms = {f"norm{i}.{ending}": np.ones(8 * 2**i, np.float32) for i in range(3) for ending in ("weight", "bias")}
    dialect, tensors, (note,) = recognise(state | norms)
    assert dialect.name == "mmdetection" and tensors.keys() == state.keys()
    assert note.startswith("Set aside 'norm0.weight', 'norm0.bias', 'norm1.weight'")


@pytest.mark.parametrize(("names", "guess"), [
    (("cls_token", "pos_embed", "blocks.0.attn.qkv.weight"), "it seems to be a ViT or DeiT, as it has 'cls_token'"),
    (("vit.embeddings.cls_token", "vit.encoder.layer.0.output.dense.weight"), "a ViT or DeiT"),
    (("class_token", "conv_proj.weight"), "a ViT or DeiT"),
    (("conv1.weight", "layer1.0.conv1.weight", "fc.weight"), "a ResNet"),
    (("resnet.encoder.stages.0.layers.0.layer.0.convolution.weight",), "a ResNet"),
    (("stem.0.weight", "stages.0.blocks.0.conv_dw.weight"), "a ConvNeXt"),
    (("layers.0.blocks.0.attn.qkv.weight", "layers.0.blocks.0.attn.logit_scale"), "a Swin Transformer V2"),
    (("swinv2.encoder.layers.0.blocks.0.attention.self.continuous_position_bias_mlp.0.weight",), "Transformer V2"),
    (("features.0.weight", "classifier.1.weight"), "its names are of no known Swin Transformer, it has 'features.0"),
])
def test_another_architecture_is_refused_with_a_guess_and_some_names(names, guess):
    with pytest.raises(CheckpointError, match=guess):
        recognise({name: np.zeros(1) for name in names})


def test_a_query_without_its_key_is_refused():
    state = convert(drawn(CONFIG).state_dict(), DIALECTS["transformers"])
    del state["swin.encoder.layers.0.blocks.1.attention.k_proj.weight"]
    with pytest.raises(CheckpointError, match=r"q_proj.weight, .*k_proj.weight, .* are float32 \(8, 8\), missing, "):
        to_official(state, DIALECTS["transformers"])


@pytest.mark.parametrize("key", [np.zeros((), np.float32), np.zeros((3, 8), np.float32), np.zeros((8, 8), np.int64)])
def test_a_key_of_another_shape_or_dtype_than_its_query_is_refused(key):
    state = convert(drawn(CONFIG).state_dict(), DIALECTS["transformers"])
    state["swin.encoder.layers.0.blocks.1.attention.k_proj.weight"] = key
    with pytest.raises(CheckpointError, match="must all be there and of one dtype and shape"):
        to_official(state, DIALECTS["transformers"])


@pytest.mark.parametrize(("dialect", "name"), [("timm", "head.weight"), ("microsoft", "layers.00.blocks.0.norm1.bias")])
def test_two_spellings_of_one_parameter_are_refused(dialect, name):
    state = convert(drawn(replace(CONFIG, ape=False)).state_dict(), DIALECTS[dialect])
    with pytest.raises(CheckpointError, match="two spellings"):
        to_official({**state, name: np.zeros(8, np.float32)}, DIALECTS[dialect])


@pytest.mark.parametrize("shape", [(), (6,)])
def test_a_merging_that_cannot_be_reordered_is_refused(shape):
    with pytest.raises(CheckpointError, match="multiple of 4"):
        to_official({"stages.0.downsample.norm.bias": np.zeros(shape)}, DIALECTS["mmdetection"])


def test_a_parameter_without_a_place_in_the_dialect_is_refused():
    with pytest.raises(CheckpointError, match=r"mmdetection has no place for head.weight, head.bias"):
        convert(drawn(CONFIG).state_dict(), DIALECTS["mmdetection"])


def test_the_order_of_unfold_is_torchs(rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 6, 10, 5))             # (B, H, W, C)
    unfolded = torch.nn.functional.unfold(torch.from_numpy(x).permute(0, 3, 1, 2), 2, stride=2)
    unfolded = unfolded.transpose(1, 2).reshape(2, 3, 5, 20).numpy()
    np.testing.assert_array_equal(official_to_unfold(patch_merging(x)), unfolded)
    np.testing.assert_array_equal(unfold_to_official(unfolded), patch_merging(x))


def test_an_unfolding_merge_with_mmdetections_weights_gives_our_merging(rng):
    torch = pytest.importorskip("torch")
    model = drawn(replace(CONFIG, num_classes=0)).astype(np.float64)
    theirs = convert(model.state_dict(), DIALECTS["mmdetection"])
    weight, scale, offset = (torch.from_numpy(theirs[f"stages.0.downsample.{name}"])
                             for name in ("reduction.weight", "norm.weight", "norm.bias"))
    x = rng.standard_normal((2, 6, 10, 8))
    unfolded = torch.nn.functional.unfold(torch.from_numpy(x).permute(0, 3, 1, 2), 2, stride=2).transpose(1, 2)
    merged = torch.nn.functional.layer_norm(unfolded, (32,), scale, offset) @ weight.T
    assert_matches(model.layers[0].downsample(x), merged.reshape(2, 3, 5, 16).numpy())
