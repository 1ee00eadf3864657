"""ViT and DeiT files of real libraries and in the names of timm and torchvision: logits, configurations, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import swin_np
from oracle.twins import vit_twin
from swin_np.baselines.vit import VIT_VARIANTS, VisionTransformer, ViTConfig
from swin_np.checkpoints.dialects.translation import from_official, to_official
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import identify
from swin_np.checkpoints.resizing import resize_positions
from swin_np.errors import CheckpointError, ConfigurationError
from tests.baselines.vit_oracle import redrawn
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

PLAIN = ViTConfig(32, 8, 3, 5, 24, 2, 3)
DISTILLED = replace(PLAIN, distilled=True)
ONE_HEAD = replace(DISTILLED, distillation_head=False)

BLOCK = {                                              # of a published file: official name in a block, theirs
    "timm": {name: f"blocks.1.{name}" for name in (
        "norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias",
        "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias")},
    "torchvision": {official: f"encoder.layers.encoder_layer_1.{name}" for official, name in {
        "norm1.weight": "ln_1.weight", "norm1.bias": "ln_1.bias", "attn.qkv.weight": "self_attention.in_proj_weight",
        "attn.qkv.bias": "self_attention.in_proj_bias", "attn.proj.weight": "self_attention.out_proj.weight",
        "attn.proj.bias": "self_attention.out_proj.bias", "norm2.weight": "ln_2.weight", "norm2.bias": "ln_2.bias",
        "mlp.fc1.weight": "mlp.0.weight", "mlp.fc1.bias": "mlp.0.bias", "mlp.fc2.weight": "mlp.3.weight",
        "mlp.fc2.bias": "mlp.3.bias"}.items()},
}
AROUND = {                                             # the same outside the blocks
    "timm": {name: name for name in ("cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias",
                                     "norm.weight", "norm.bias", "head.weight", "head.bias")},
    "torchvision": {
        "cls_token": "class_token", "pos_embed": "encoder.pos_embedding", "patch_embed.proj.weight": "conv_proj.weight",
        "patch_embed.proj.bias": "conv_proj.bias", "norm.weight": "encoder.ln.weight", "norm.bias": "encoder.ln.bias",
        "head.weight": "heads.head.weight", "head.bias": "heads.head.bias"},
}


def as_stored(config: ViTConfig, dialect: str, **changed) -> StoredCheckpoint:
    """A checkpoint in a dialect's names; `changed` replaces tensors, None removes one."""
    tensors = from_official(redrawn(config).state_dict(), VIT_DIALECTS[dialect]) | changed
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


def places_of(dialect: str) -> ViTConfig:
    return ONE_HEAD if "one-head" in dialect else DISTILLED if "deit" in dialect else PLAIN


# Files of the real libraries.


def save_in_memory_names(model, folder):
    import torch
    torch.save(model.state_dict(), folder / "model.pth")
    return folder / "model.pth"


def save_pretrained(model, folder):
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("config", [PLAIN, DISTILLED, ONE_HEAD], ids=["vit", "deit", "deit with one head"])
@pytest.mark.parametrize("save", [save_pretrained, save_in_memory_names])
def test_a_model_saved_by_transformers_gives_its_logits(config, save, tmp_path, rng):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    images = rng.standard_normal((2, 3, 32, 32))
    twin = vit_twin(redrawn(replace(config, eps=1e-12)))
    path = save(twin, tmp_path)
    with torch.inference_mode():
        double = twin.double()(torch.from_numpy(images)).logits.numpy()
    ours = swin_np.load(path, num_heads=3, dtype=np.float64)
    assert ours.config == replace(config, eps=1e-12)
    assert_matches(ours(images), double, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(swin_np.load(path, num_heads=(3,)),
                                   lambda model: model(np.float32(images).astype(model.dtype)))


@pytest.mark.parametrize("kind", ["ViT", "DeiT"])
@pytest.mark.parametrize("save", [save_pretrained, save_in_memory_names])
def test_a_model_without_a_classifier_gives_its_tokens(kind, save, tmp_path, rng):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    twin = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(
        image_size=32, patch_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=96)).eval()
    path, images = save(twin, tmp_path), rng.standard_normal((2, 3, 32, 32))
    ours = swin_np.load(path, num_heads=3, dtype=np.float64)
    with torch.inference_mode():
        tokens = twin.double()(torch.from_numpy(images)).last_hidden_state.numpy()
    prefix = 2 if kind == "DeiT" else 1
    assert ours.config.num_classes == 0
    assert_matches(ours(images), tokens[:, :prefix].mean(axis=1), MODEL_TOLERANCE)
    notes = identify(read(path), num_heads=3).notes
    assert any("pooler.dense.weight" in note and "classification has no use for it" in note for note in notes)


def test_deits_own_file_is_read(tmp_path, rng):
    torch = pytest.importorskip("torch")
    model = redrawn(DISTILLED)
    state = {name: torch.from_numpy(value) for name, value in model.state_dict().items()}
    torch.save({"model": state}, tmp_path / "deit.pth")
    images = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    np.testing.assert_array_equal(swin_np.load(tmp_path / "deit.pth", num_heads=3)(images), model(images))


# Names.


@pytest.mark.parametrize("dialect", BLOCK)
def test_the_names_are_those_of_the_published_files(dialect):
    converted = from_official(VisionTransformer.random(PLAIN).state_dict(), VIT_DIALECTS[dialect])
    spelled = list(BLOCK[dialect].values())
    first = [name.replace("1", "0", 1) if dialect == "timm" else name.replace("_1", "_0", 1) for name in spelled]
    assert converted.keys() == {*AROUND[dialect].values(), *spelled, *first}
    for official, name in BLOCK[dialect].items():
        assert to_official({name: np.zeros(1)}, VIT_DIALECTS[dialect]).keys() == {f"blocks.1.{official}"}


def test_torchvisions_older_spelling_of_the_mlp_is_read():
    stored = as_stored(PLAIN, "torchvision")
    older = {name.replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2"): value
             for name, value in stored.tensors.items()}
    assert older.keys() != stored.tensors.keys()
    found = identify(replace(stored, tensors=older), num_heads=3)
    np.testing.assert_array_equal(found.state["blocks.1.mlp.fc2.weight"],
                                  stored.tensors["encoder.layers.encoder_layer_1.mlp.3.weight"])


@pytest.mark.parametrize("dialect", VIT_DIALECTS)
def test_a_round_trip_is_bit_exact_and_the_dialect_is_recognised(dialect):
    config = places_of(dialect)
    stored, found = as_stored(config, dialect), identify(as_stored(config, dialect), num_heads=3)
    assert found.dialect.name == dialect and found.reader.name == "ViT or DeiT"
    own = redrawn(config).state_dict()
    assert found.state.keys() == own.keys()
    for name, value in own.items():
        assert np.array_equal(found.state[name], value), name
    assert from_official(found.state, found.dialect).keys() == stored.tensors.keys()


# The configuration.


@pytest.mark.parametrize("changes", [
    {}, {"qkv_bias": False}, {"in_chans": 1}, {"mlp_ratio": 1.5}, {"depth": 11},
    {"img_size": 64, "patch_size": 16}, {"embed_dim": 21, "mlp_ratio": 2.7},
])
@pytest.mark.parametrize("dialect", VIT_DIALECTS)
def test_the_configuration_is_inferred(dialect, changes):
    config = replace(places_of(dialect), eps=VIT_DIALECTS[dialect].eps, **changes)
    found = identify(as_stored(config, dialect), num_heads=3).config
    assert found.hidden == config.hidden
    assert replace(found, mlp_ratio=config.mlp_ratio) == config


@pytest.mark.parametrize("dialect", VIT_DIALECTS)
def test_without_a_head_both_tokens_are_averaged(dialect):
    config = replace(places_of(dialect), eps=VIT_DIALECTS[dialect].eps, num_classes=0, distillation_head=True)
    found = identify(as_stored(config, dialect), num_heads=3).config
    assert found == config and found.read_tokens == found.prefix_tokens


@pytest.mark.parametrize("variant", ["deit_ti", "deit_s_distilled"])
def test_heads_of_64_channels_are_assumed_and_said(variant):
    config = replace(VIT_VARIANTS[variant], num_classes=3)
    found = identify(as_stored(config, "timm"))
    assert found.config == config
    with pytest.raises(CheckpointError, match=r"give num_heads \(--num-heads\)"):
        identify(as_stored(replace(config, depth=1), "timm"))
    assert f"The number of heads is not in the file: {config.num_heads} of 64 channels were assumed." in found.assumed


def test_eps_follows_the_implementation_and_it_is_said():
    for dialect in ("timm", "torchvision"):
        found = identify(as_stored(PLAIN, dialect), num_heads=3)
        assert found.config.eps == 1e-6
        assert found.assumed == [f"The eps of the layer norms is not in the file: 1e-06 was assumed, as in {dialect}, "
                                 "and that the class token is classified."]
    found = identify(as_stored(PLAIN, "transformers"), num_heads=3)
    assert found.config.eps == 1e-12 and any("1e-12 was assumed" in note for note in found.assumed)


def test_an_oblong_image_is_a_question():
    config = replace(PLAIN, img_size=(32, 48))
    with pytest.raises(CheckpointError, match=r"24 patches, which is no square.* give image_size"):
        identify(as_stored(config, "timm"), num_heads=3)
    assert identify(as_stored(config, "timm"), num_heads=3, image_size=(32, 48)).config == config


def test_a_wanted_configuration_gets_resized_positions_and_all_else_as_it_is(tmp_path):
    stored = as_stored(DISTILLED, "timm")
    write_safetensors(tmp_path / "deit.safetensors", stored.tensors, {})
    state = swin_np.load(tmp_path / "deit.safetensors", config=replace(DISTILLED, img_size=(40, 64))).state_dict()
    for name, value in stored.tensors.items():
        expected = resize_positions(value, 4, (5, 8)) if name == "pos_embed" else value
        np.testing.assert_array_equal(state[name], expected)


# What is refused.


def test_heads_that_nothing_tells_are_asked_for():
    with pytest.raises(CheckpointError, match=r"24 channels, 2 blocks and 96 hidden units are those of no published"):
        identify(as_stored(PLAIN, "timm"))
    with pytest.raises(CheckpointError, match="one number of heads for all blocks"):
        identify(as_stored(PLAIN, "timm"), num_heads=(3, 3))
    with pytest.raises(CheckpointError, match="5 heads do not divide 24 channels"):
        identify(as_stored(PLAIN, "timm"), num_heads=5)


@pytest.mark.parametrize("size", [48, (32, 33), 0])
def test_an_image_size_that_the_positions_are_not_for_is_refused(size):
    with pytest.raises(CheckpointError, match="give the ViTConfig that you want as config"):
        identify(as_stored(PLAIN, "timm"), num_heads=3, image_size=size)


@pytest.mark.parametrize("dialect", long_but(["torchvision"], VIT_DIALECTS))
def test_every_missing_misshapen_or_integer_parameter_is_refused(dialect):
    config = replace(places_of(dialect), num_classes=0)
    stored = as_stored(config, dialect)
    for name, value in stored.tensors.items():
        rest = {other: kept for other, kept in stored.tensors.items() if other != name}
        for wrong in ({}, *({name: array} for array in (value[None], np.zeros((), np.float32), value[:0],
                                                        value.astype(np.int64)))):
            with pytest.raises(CheckpointError):
                identify(replace(stored, tensors=rest | wrong), num_heads=3)


def test_a_parameter_of_another_model_is_refused_by_its_name():
    with pytest.raises(CheckpointError, match=r"do not make one ViT or DeiT: blocks.0.ls1.gamma \(24,\) has no"):
        identify(as_stored(PLAIN, "timm", **{"blocks.0.ls1.gamma": np.zeros(24, np.float32)}), num_heads=3)


def test_a_distilled_model_with_the_class_tokens_head_alone_is_read_by_it():
    found = identify(as_stored(DISTILLED, "timm", **{"head_dist.weight": None, "head_dist.bias": None}), num_heads=3)
    assert found.config == ONE_HEAD


@pytest.mark.parametrize("missing", ["head.weight", "head.bias", "head_dist.bias"])
def test_a_distilled_model_that_lacks_a_part_of_its_heads_is_refused(missing):
    with pytest.raises(CheckpointError, match=r"head(_dist)?\.(weight|bias) \(5,.*(is missing|has no place)"):
        identify(as_stored(DISTILLED, "timm", **{missing: None}), num_heads=3)


def test_a_class_token_alone_makes_no_vit():
    with pytest.raises(CheckpointError, match="one of the dialects timm, torchvision, transformers"):
        identify(StoredCheckpoint("npz", {"cls_token": np.zeros((1, 1, 4))}, [], {}))


def test_the_configuration_of_another_system_is_refused(tmp_path):
    write_safetensors(tmp_path / "vit.safetensors", as_stored(PLAIN, "timm").tensors, {})
    with pytest.raises(ConfigurationError, match="is a ViT or DeiT, and a SwinConfig was given: give a ViTConfig"):
        swin_np.load(tmp_path / "vit.safetensors", config=swin_np.SwinConfig())


def test_what_is_of_no_known_system_is_told_which_there_are():
    with pytest.raises(CheckpointError, match="give the file of a Swin Transformer, its V2, a Swin-Mixer, Transformer"):
        identify(StoredCheckpoint("npz", {"fc.weight": np.zeros((2, 2))}, [], {}))


@pytest.mark.parametrize("options", [{"reg_tokens": 4}, {"pre_norm": True}, {"no_embed_class": True}], ids=str)
def test_a_relative_of_a_vit_is_refused_as_what_it_is(tmp_path, options):
    torch = pytest.importorskip("torch")
    timm = pytest.importorskip("timm")
    model = timm.models.VisionTransformer(img_size=32, patch_size=8, embed_dim=12, depth=2, num_heads=3, **options)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match=r"registers|norm before its blocks|DeiT III"):
        swin_np.load(tmp_path / "model.pth", num_heads=3)
