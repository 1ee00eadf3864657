"""UPerNet files of transformers, and UPerNet, U-Net and FPN files in our own names: numbers, shapes, refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.checkpoints.dialects.dense import UPERNET_DIALECTS
from swin_np.checkpoints.dialects.translation import from_official, to_official
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert, identify
from swin_np.commands.cli import main
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.errors import CheckpointError, ConfigurationError, SwinWarning
from swin_np.images import sample_photograph
from swin_np.shape_policy import TORCHVISION, TRANSFORMERS_BACKBONE
from swin_np.variants import SwinConfig
from tests.dense.tiny import CONFIGS, RESNET, SWIN, redrawn
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

CONFIG = UPerNetConfig(SwinConfig((64, 64), embed_dim=8, depths=(2, 2, 1, 1), num_heads=(1, 2, 4, 4), window_size=2,
                                  shape_policy=TRANSFORMERS_BACKBONE), 5, 12)
STORED = {name: config for name, config in CONFIGS.items() if getattr(config, "extra", "") != "none"}
STORED["upernet_swin"] = replace(CONFIGS["upernet_swin"], backbone=replace(SWIN, shape_policy=TRANSFORMERS_BACKBONE))


def transformers_twin(config: UPerNetConfig):
    """transformers' model with the numbers of `redrawn(config)`, and an auxiliary head of its own."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    swin = config.backbone
    twin = transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=transformers.SwinConfig(
            image_size=swin.img_size, embed_dim=swin.embed_dim, depths=swin.depths, num_heads=swin.num_heads,
            window_size=swin.window_size[0], out_features=["stage1", "stage2", "stage3", "stage4"]),
        hidden_size=config.channels, num_labels=config.num_classes)).eval()
    state = from_official(redrawn(config, np.float32).state_dict(), UPERNET_DIALECTS["transformers"])
    _, unexpected = twin.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=False)
    assert not unexpected
    return twin


def as_stored(config, **changed) -> StoredCheckpoint:
    """A checkpoint in our names; `changed` replaces tensors, None removes one."""
    tensors = redrawn(config, np.float32).state_dict()
    tensors |= {name.replace("__", "."): value for name, value in changed.items()}
    return StoredCheckpoint("npz", {name: value for name, value in tensors.items() if value is not None}, [], {})


def untold(config) -> dict[str, object]:
    """What a file does not tell of this model's backbone."""
    sizes = {"image_size": (32, 64)} if hasattr(config.backbone, "img_size") else {}
    untold_of_v2 = {"window_size": 4, "pretrained_window_sizes": 0}
    return sizes | (untold_of_v2 if isinstance(config.backbone, SwinV2Config) else {})


@pytest.mark.parametrize("way", ["save_pretrained", "state dict"])
def test_a_upernet_saved_by_transformers_gives_its_numbers(way, tmp_path, rng):
    twin = transformers_twin(CONFIG)
    import torch

    path = tmp_path
    if way == "save_pretrained":
        twin.save_pretrained(path)
    else:
        path = tmp_path / "model.pth"
        torch.save(twin.state_dict(), path)
    images = rng.standard_normal((2, 3, 72, 100))
    with torch.inference_mode():
        double = twin.double()(torch.from_numpy(images)).logits.numpy()
    ours = swin_np.load(path, dtype=np.float64)
    assert ours.config == CONFIG
    assert_matches(ours(images), double, MODEL_TOLERANCE)
    assert_model_rounds_as_float32(swin_np.load(path), lambda model: model(np.float32(images).astype(model.dtype)))


def test_what_a_upernet_file_of_transformers_holds_beside_the_model_is_said(tmp_path):
    twin = transformers_twin(CONFIG)
    import torch

    twin.save_pretrained(tmp_path)
    notes = identify(read(tmp_path)).notes
    assert any("Set aside" in note and "auxiliary_head." in note and "backbone.swin.layernorm" in note
               and "serves training only" in note for note in notes)
    assert any("counters num_batches_tracked" in note for note in notes)
    assert not any("boxes of the pyramid pooling" in note for note in notes)              # config.json tells them
    torch.save(twin.state_dict(), tmp_path / "model.pth")
    assert any("boxes of the pyramid pooling are not in the file" in note
               for note in identify(read(tmp_path / "model.pth")).assumed)


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_file_in_our_names_gives_the_model_it_was_saved_from(name, ending, tmp_path, rng):
    model, path = redrawn(STORED[name], np.float32), tmp_path / f"model{ending}"
    if ending == ".npz":
        np.savez(path, **model.state_dict())
    else:
        write_safetensors(path, model.state_dict(), {})
    images = rng.standard_normal((2, 3, 45, 70), np.float32)
    loaded, expected = swin_np.load(path, **untold(STORED[name]))(images), model(images)
    assert type(loaded) is type(expected) and len(loaded) == len(expected)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(loaded, expected, strict=True))


@pytest.mark.parametrize("name", STORED)
def test_the_configuration_is_read_off_the_shapes(name):
    config = STORED[name]
    found = identify(as_stored(config), **untold(config)).config
    assert found == config and type(found) is type(config)


def test_what_a_file_cannot_tell_is_assumed_in_a_sentence():
    notes = identify(as_stored(CONFIGS["fpn_swin"])).notes
    for words in ("The image size is not in the file", f"{TORCHVISION.name}'s was assumed", "a pooled level"):
        assert any(words in note for note in notes), words
    assert len(identify(as_stored(CONFIGS["fpn_swin"])).assumed) == 2   # the image size changes no number here


def test_a_pyramid_without_an_extra_level_can_be_asked_for(tmp_path):
    config = CONFIGS["fpn_res2net"]
    assert config.extra == "none"
    np.savez(tmp_path / "model.npz", **as_stored(config).tensors)
    assert swin_np.load(tmp_path / "model.npz").config == replace(config, extra="pool")
    assert swin_np.load(tmp_path / "model.npz", config=config).config == config


def test_the_bias_tables_of_the_backbone_are_resized_to_the_window_asked_for(tmp_path):
    config = CONFIGS["unet_swin"]
    np.savez(tmp_path / "model.npz", **as_stored(config).tensors)
    wanted = replace(config, backbone=replace(config.backbone, window_size=8))
    model = swin_np.load(tmp_path / "model.npz", config=wanted)
    assert model.backbone.layers[0].blocks[0].attn.window_size == (8, 8)
    assert np.array_equal(model.decode_head.classifier.weight,
                          redrawn(config, np.float32).decode_head.classifier.weight)


@pytest.mark.parametrize("dialect", UPERNET_DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_dialect_gives_the_same_parameters_back(dialect):
    state = redrawn(CONFIG, np.float32).state_dict()
    again = to_official(convert(state, dialect, CONFIG), dialect)
    assert again.keys() == state.keys() and all(np.array_equal(again[name], value) for name, value in state.items())


def test_the_names_are_those_of_the_published_files():
    """Of openmmlab/upernet-swin-tiny."""
    state = redrawn(CONFIG, np.float32).state_dict()
    table = {"backbone.patch_embed.proj.weight": "backbone.embeddings.patch_embeddings.projection.weight",
             "backbone.layers.1.blocks.0.mlp.fc1.bias": "backbone.encoder.layers.1.blocks.0.intermediate.dense.bias",
             "backbone.layers.0.downsample.norm.bias": "backbone.encoder.layers.0.downsample.norm.bias",
             "norms.2.weight": "backbone.hidden_states_norms.stage3.weight",
             "decode_head.psp_modules.3.1.batch_norm.running_var": "decode_head.psp_modules.3.1.batch_norm.running_var"}
    theirs = from_official(state, UPERNET_DIALECTS["transformers-files"])
    assert all(np.array_equal(theirs[name], state[official]) for official, name in table.items())


@pytest.mark.parametrize(("name", "changed", "words"), [
    ("upernet_swin", {"decode_head__bottleneck__conv__weight": None}, "decode_head.bottleneck.conv.weight is missing"),
    ("upernet_swin", {"norms__3__weight": None}, r"norms.3.weight \(64,\) is missing"),
    ("upernet_swin", {"decode_head__fpn_convs__0__batch_norm__bias": None}, "batch_norm.bias .* is missing"),
    ("upernet_resnet", {"backbone__layer3__0__bn2__bias": None}, r"layer3.0.bn2.bias \(32,\) is missing"),
    ("unet_swin", {"decode_head__up_blocks__0__up__bias": np.zeros(3, np.float32)}, r"has shape \(3,\)"),
    ("unet_swin", {"backbone__norm__weight": np.zeros(64, np.float32)}, "backbone.norm.weight .* has no place"),
    ("fpn_swin", {"fpn__inner_blocks__4__0__weight": np.zeros((10, 9, 1, 1), np.float32)}, "has no place"),
    ("fpn_resnet", {"fpn__extra_blocks__p7__weight": None}, "fpn.extra_blocks.p7.weight .* is missing"),
    ("fpn_resnet", {"fpn__inner_blocks__0__0__weight": np.zeros((0, 8, 1, 1), np.float32)}, "is of shape"),
])
def test_what_is_no_whole_model_is_refused(name, changed, words):
    with pytest.raises(CheckpointError, match=words):
        identify(as_stored(CONFIGS[name], **changed))


def test_a_head_without_a_backbone_is_refused():
    tensors = {name: value for name, value in as_stored(CONFIGS["unet_swin"]).tensors.items() if "decode_head" in name}
    with pytest.raises(CheckpointError, match="it is a U-Net on a backbone of no known names, as it has no tensor of"):
        identify(StoredCheckpoint("npz", tensors, [], {}))


def test_a_backbone_of_no_known_names_is_named():
    tensors = {name.replace("backbone.layer", "backbone.convnext.stage"): value
               for name, value in as_stored(CONFIGS["upernet_resnet"]).tensors.items()}
    with pytest.raises(CheckpointError, match=r"it is a UPerNet on a backbone of no known names, .*'convnext\.s"):
        identify(StoredCheckpoint("npz", tensors, [], {}))


def test_a_configuration_on_another_backbone_is_refused(tmp_path):
    np.savez(tmp_path / "model.npz", **as_stored(CONFIGS["fpn_swin"]).tensors)
    with pytest.raises(ConfigurationError, match="its backbone is a Swin Transformer, and a ResNetConfig was given"):
        swin_np.load(tmp_path / "model.npz", config=replace(CONFIGS["fpn_swin"], backbone=RESNET))
    with pytest.raises(ConfigurationError, match="give a FPNConfig"):
        swin_np.load(tmp_path / "model.npz", config=SWIN)


def test_a_detectors_backbone_is_still_taken_out_of_it(tmp_path):
    """A head of names that are not known here is left aside, as before."""
    backbone = redrawn(CONFIGS["upernet_resnet"], np.float32).backbone
    tensors = {**{f"backbone.{name}": value for name, value in backbone.state_dict().items()},
               "decode_head.conv_seg.weight": np.zeros((5, 4, 1, 1), np.float32)}
    np.savez(tmp_path / "model.npz", **tensors)
    with pytest.warns(SwinWarning, match="Left aside 'decode_head', not in the backbone"):
        model = swin_np.load(tmp_path / "model.npz")
    assert {name: value.tobytes() for name, value in model.state_dict().items()} == {
        name: value.tobytes() for name, value in backbone.state_dict().items()}


def test_inspect_tells_head_and_backbone_apart(tmp_path, capsys):
    for name, words in (("upernet_swin", ("UPerNet", "Swin Transformer", "window 4x4", "channels       10")),
                        ("fpn_resnet", ("FPN", "ResNet or ResNeXt", "extra          p6p7"))):
        np.savez(tmp_path / "model.npz", **as_stored(CONFIGS[name]).tensors)
        assert main(["inspect", str(tmp_path / "model.npz")]) == 0
        text = capsys.readouterr().out
        assert all(word in text for word in words), text
        assert main(["inspect", str(tmp_path / "model.npz"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["config"]["channels"] == 10


def test_convert_writes_a_upernet_that_transformers_reads(tmp_path, rng):
    twin = transformers_twin(CONFIG)
    import torch

    torch.save(twin.state_dict(), tmp_path / "theirs.pth")
    assert main(["convert", str(tmp_path / "theirs.pth"), str(tmp_path / "ours.npz"), "--to", "swin_np"]) == 0
    (tmp_path / "again").mkdir()
    target = tmp_path / "again" / "model.safetensors"
    assert main(["convert", str(tmp_path / "theirs.pth"), str(target), "--to", "transformers-files"]) == 0
    twin.config.save_pretrained(tmp_path / "again")
    again = type(twin).from_pretrained(tmp_path / "again").eval()
    images = torch.from_numpy(rng.standard_normal((2, 3, 64, 64)))
    with torch.inference_mode():
        assert_matches(again.double()(images).logits.numpy(), twin.double()(images).logits.numpy(), MODEL_TOLERANCE)
    own = swin_np.load(tmp_path / "ours.npz")
    assert own.config == CONFIG


@pytest.mark.parametrize(("name", "dialect", "words"), [
    ("fpn_swin", "transformers", "unknown dialect of a FPN 'transformers'"),
    ("upernet_resnet", "transformers", "the dialect transformers has no place for backbone.conv1.weight"),
])
def test_convert_refuses_dialects_that_have_no_such_model(name, dialect, words, tmp_path, capsys):
    np.savez(tmp_path / "model.npz", **as_stored(CONFIGS[name]).tensors)
    assert main(["convert", str(tmp_path / "model.npz"), str(tmp_path / "other.npz"), "--to", dialect]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and words in error[0]


@pytest.mark.parametrize("name", ["upernet_resnet", "fpn_resnet"])
def test_classify_refuses_them_in_a_sentence(name, tmp_path, capsys):
    np.savez(tmp_path / "model.npz", **as_stored(CONFIGS[name]).tensors)
    assert main(["classify", sample_photograph(), "--checkpoint", str(tmp_path / "model.npz")]) == 2
    assert "names no class of an image" in capsys.readouterr().err
