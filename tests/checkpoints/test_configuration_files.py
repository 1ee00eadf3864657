"""Folders of transformers and timm: config.json tells what the tensors do not, and what it contradicts is refused."""

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import swin_np
from swin_np.baselines.swin_v2 import SwinTransformerV2, SwinV2Config
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.timm_architectures import NAMES
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.loading import identify
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, SwinWarning
from tests.matching import MODEL_TOLERANCE, assert_matches

SIZES = {"embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "patch_size": 2, "num_labels": 5}
V2 = SIZES | {"image_size": [32, 48], "window_size": 8, "pretrained_window_sizes": [6, 3]}
VIT = {"image_size": 32, "patch_size": 8, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
       "intermediate_size": 40, "num_labels": 5}
RESNET = {"embedding_size": 8, "hidden_sizes": [32, 64, 128, 256], "depths": [1, 2, 1, 1], "num_labels": 5}
UPERNET_BACKBONE = {"embed_dim": 8, "depths": [2, 2, 2, 2], "num_heads": [1, 2, 4, 4], "window_size": 7}
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def redraw(model):
    """A model of torch with large weights, in evaluation mode."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    for name, value in model.named_parameters():
        scale = value[0].numel() ** -0.5 if value.ndim in (2, 4) and "table" not in name else 0.5
        value.data = torch.randn(value.shape, generator=generator) * scale
    for name, value in model.named_buffers():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
    return model.eval()


def of_transformers(kind: str, **settings):
    """A live model of transformers with large weights."""
    transformers = pytest.importorskip("transformers")
    config = {"Swin": "SwinConfig", "Swinv2": "Swinv2Config", "ViT": "ViTConfig", "DeiT": "DeiTConfig",
              "ResNet": "ResNetConfig"}[kind]
    teacher = "WithTeacher" if kind == "DeiT" else ""
    model = getattr(transformers, f"{kind}ForImageClassification{teacher}")(getattr(transformers, config)(**settings))
    return redraw(model)


def upernet(**backbone):
    transformers = pytest.importorskip("transformers")
    swin = transformers.SwinConfig(**UPERNET_BACKBONE | backbone, out_features=STAGES)
    return redraw(transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=swin, hidden_size=12, num_labels=5, use_auxiliary_head=False)))


def of_timm(architecture: str, folder: Path, **settings):
    """A live model of timm with large weights, and the folder that timm saved it to."""
    timm = pytest.importorskip("timm")
    from timm.models._hub import save_for_hf

    model = redraw(timm.create_model(architecture, **settings))
    save_for_hf(model, folder, safe_serialization=True)
    return model


def output_of(model, images: np.ndarray) -> np.ndarray:
    import torch

    with torch.inference_mode():
        output = model.double()(torch.from_numpy(images))
    return getattr(output, "logits", output).numpy()


def with_entries(folder: Path, **changed) -> Path:
    """The folder with other entries in its config.json; `a__b` is b inside a."""
    path = folder / "config.json"
    values = json.loads(path.read_text())
    for name, value in changed.items():
        *outer, last = name.split("__")
        inside = values
        for part in outer:
            inside = inside[part]
        inside[last] = value
    path.write_text(json.dumps(values))
    return folder


@pytest.fixture
def silent():
    """Nothing is assumed: any warning of ours is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SwinWarning)
        yield


# The numbers of live models, by their folders alone.

LIVE = {
    "Swin": ("Swin", SIZES | {"image_size": 32, "window_size": 4}, (32, 32)),
    "Swin, another eps": ("Swin", SIZES | {"image_size": 32, "window_size": 4, "layer_norm_eps": 1e-1}, (48, 64)),
    "Swin, grey, no bias": ("Swin", SIZES | {"image_size": 32, "window_size": 4, "num_channels": 1, "qkv_bias": False,
                                             "mlp_ratio": 1.5, "use_absolute_embeddings": True}, (32, 32)),
    "V2": ("Swinv2", V2 | {"image_size": 32, "window_size": 4, "pretrained_window_sizes": [0, 0]}, (32, 32)),
    "V2, first trained on others": ("Swinv2", V2, (32, 48)),
    "V2, clamped, another eps": ("Swinv2", V2 | {"image_size": 32, "window_size": 16, "layer_norm_eps": 0.1}, (32, 32)),
    "ViT, heads of 8 channels": ("ViT", VIT, (32, 32)),
    "ViT, another eps": ("ViT", VIT | {"layer_norm_eps": 1e-2, "image_size": [32, 48]}, (32, 48)),
    "DeiT": ("DeiT", VIT | {"num_attention_heads": 6, "layer_norm_eps": 1e-3}, (32, 32)),
    "ResNet": ("ResNet", RESNET, (40, 56)),
    "ResNet, basic": ("ResNet", RESNET | {"layer_type": "basic", "hidden_sizes": [8, 16, 32, 64]}, (40, 56)),
}


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("setting", LIVE)
def test_a_folder_of_transformers_gives_its_models_numbers(setting, tmp_path, rng):
    kind, settings, size = LIVE[setting]
    model = of_transformers(kind, **settings)
    model.save_pretrained(tmp_path)
    images = rng.standard_normal((2, settings.get("num_channels", 3), *size))
    assert_matches(swin_np.load(tmp_path, dtype=np.float64)(images), output_of(model, images), MODEL_TOLERANCE)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("settings", [{}, {"layer_norm_eps": 1e-2}], ids=str)
def test_a_folder_of_a_upernet_gives_its_numbers(settings, tmp_path, rng):
    model, images = upernet(**settings), rng.standard_normal((2, 3, 96, 224))
    model.save_pretrained(tmp_path)
    assert_matches(swin_np.load(tmp_path, dtype=np.float64)(images), output_of(model, images), MODEL_TOLERANCE)


SMALL_VIT = {"embed_dim": 48, "num_heads": 4, "depth": 1, "depths": None}
TINY = {"embed_dim": 16, "num_heads": (1, 2, 4, 8), "num_classes": 5}
IN_TIMM = {
    "V2, window 16": ("swinv2_tiny_window16_256", TINY),
    "V2, window 12 to 16": ("swinv2_base_window12to16_192to256", TINY | {"depths": (1, 2, 1, 1)}),
    "V2, window 12 to 24": ("swinv2_large_window12to24_192to384", TINY | {"depths": (1, 1, 2, 1), "img_size": 192}),
    "V2, an oblong window": ("swinv2_tiny_window8_256", TINY | {"img_size": (64, 96), "window_size": (8, 4),
                                                                "pretrained_window_sizes": (6, 6, 3, 0)}),
    "V2, two stages": ("swinv2_tiny_window8_256", TINY | {"depths": (2, 2), "num_heads": (1, 2), "img_size": 64,
                                                          "pretrained_window_sizes": (4, 0)}),
    "Swin": ("swin_tiny_patch4_window7_224", TINY | {"img_size": (96, 128)}),
    "Swin, all windows clamped": ("swin_tiny_patch4_window7_224", TINY | {"img_size": 16, "depths": (2,),
                                                                          "num_heads": (2,)}),
    "Swin, a window for each stage": ("swin_s3_tiny_224", TINY | {"img_size": (240, 272)}),
    "Swin, a window for each stage, clamped": ("swin_s3_base_224", TINY | {"img_size": (96, 128),
                                                                           "depths": (1, 2, 3, 2)}),
    "Swin, a window for each stage, one of them smaller": ("swin_s3_small_224", TINY | {"depths": (2, 1, 2, 1)}),
    "Swin, other windows": ("swin_s3_tiny_224", TINY | {"img_size": (64, 96), "window_size": (4, (3, 5), 4, (2, 1))}),
    "Swin, other windows of a usual model": ("swin_tiny_patch4_window7_224", TINY | {
        "img_size": (64, 96), "window_size": (4, 4, 2, 2)}),
    "V2, a window for each stage": ("swinv2_tiny_window8_256", TINY | {
        "img_size": (64, 96), "window_size": (8, (4, 6), 4, 2), "pretrained_window_sizes": (6, 6, 3, 0)}),
    "Swin, grey": ("swin_base_patch4_window12_384", TINY | {"img_size": 96, "in_chans": 1, "depths": (1, 2, 1, 1)}),
    "ViT, heads of 12 channels": ("vit_tiny_patch16_224", {"embed_dim": 48, "num_heads": 4, "depth": 2, "img_size": 32,
                                                           "num_classes": 5}),
    "DeiT": ("deit_small_distilled_patch16_224", {"embed_dim": 48, "depth": 2, "img_size": 48, "num_classes": 5}),
    "ResNet": ("resnet18", {"num_classes": 5}),
}


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("setting", IN_TIMM)
def test_a_folder_of_timm_gives_its_models_numbers(setting, tmp_path, rng):
    architecture, settings = IN_TIMM[setting]
    model = of_timm(architecture, tmp_path, **settings)
    size = model.pretrained_cfg["input_size"] if architecture == "resnet18" else json.loads(
        (tmp_path / "config.json").read_text())["pretrained_cfg"]["input_size"]
    images = rng.standard_normal((2, size[0], *(size[1:] if architecture != "resnet18" else (40, 56))))
    assert_matches(swin_np.load(tmp_path, dtype=np.float64)(images), output_of(model, images), MODEL_TOLERANCE)


def test_taken_for_another_window_the_numbers_would_be_others(tmp_path, rng):
    """So that the tests above could fail: what was assumed before is percents off."""
    model, images = of_transformers("Swinv2", **V2), rng.standard_normal((1, 3, 32, 48))
    model.save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    for window, pretrained in ((4, (6, 3)), (8, 0)):
        ours = swin_np.load(tmp_path, image_size=(32, 48), dtype=np.float64, window_size=window,
                            pretrained_window_sizes=pretrained)(images)
        assert np.abs(ours - output_of(model, images)).max() > 1e-3


# Which config.json is read.


def save_bin(model, folder):
    import torch
    model.save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def save_index(model, folder):
    model.save_pretrained(folder, max_shard_size="10KB")
    return folder / "model.safetensors.index.json"


def save_conventional_among_others(model, folder):
    model.save_pretrained(folder)
    (folder / "other.pth").write_bytes(b"x")
    return folder / "model.safetensors"


def save_alone(model, folder):
    import torch
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "mine.pth")
    return folder / "mine.pth"


@pytest.mark.parametrize("save", [save_bin, save_index, save_conventional_among_others, save_alone])
def test_the_configuration_beside_a_file_is_read(save, tmp_path):
    path = save(of_transformers("Swinv2", **V2), tmp_path)
    config = swin_np.load(path).config
    assert (config.window_size, config.pretrained_window_sizes, config.img_size) == ((8, 8), (6, 3), (32, 48))


def test_in_a_folder_of_several_checkpoints_it_may_be_another_ones(tmp_path):
    path = save_alone(of_transformers("Swinv2", **V2), tmp_path)
    (tmp_path / "other.pth").write_bytes(path.read_bytes())
    assert read(path).configuration is None
    with pytest.raises(CheckpointError, match="give window_size, image_size and pretrained_window_sizes"):
        swin_np.load(path)


def test_a_configuration_of_no_known_library_is_left_out_with_a_warning(tmp_path):
    of_transformers("Swin", **SIZES, image_size=32, window_size=4).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"lr": 0.1}')
    with pytest.warns(SwinWarning, match=r"config\.json is neither transformers' nor timm's, and was left out"):
        swin_np.load(tmp_path)


# What the models here cannot do.


@pytest.mark.parametrize(("kind", "settings", "words"), [
    ("Swin", {"hidden_act": "gelu_new"}, "hidden_act 'gelu_new', and a Swin Transformer has 'gelu'"),
    ("Swinv2", {"hidden_act": "quick_gelu"}, "hidden_act 'quick_gelu'"), ("ViT", {"hidden_act": "relu"}, "'relu'"),
    ("ResNet", {"hidden_act": "gelu"}, "hidden_act 'gelu'"),
    ("ResNet", {"downsample_in_first_stage": True}, "downsample_in_first_stage 'True'"),
    ("ResNet", {"downsample_in_bottleneck": True}, "downsample_in_bottleneck 'True'"),
])
def test_what_transformers_alone_can_do_is_refused_by_name(kind, settings, words, tmp_path):
    sizes = {"Swin": SIZES, "Swinv2": V2, "ViT": VIT, "ResNet": RESNET}[kind]
    of_transformers(kind, **sizes | settings).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(tmp_path)


@pytest.mark.parametrize(("changed", "words"), [
    ({"backbone_config__hidden_act": "relu"}, "hidden_act 'relu'"), ({"pool_scales": [1, 2, 3]}, "pool_scales"),
    ({"backbone_config__model_type": "convnext"}, "its backbone is of the type 'convnext'"),
    ({"hidden_size": 13}, "says channels 13, and its tensors are for 12"),
    ({"backbone_config__window_size": 6}, r"window_size \(6, 6\), and its tensors are for \(7, 7\)"),
])
def test_what_a_upernet_here_cannot_be_is_refused(changed, words, tmp_path):
    upernet().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(with_entries(tmp_path, **changed))


@pytest.mark.parametrize("architecture", ["resnetaa50", "resnetblur18"])
def test_relatives_with_the_tensors_of_a_resnet_are_refused_by_name(architecture, tmp_path):
    model = of_timm(architecture, tmp_path, num_classes=3)
    with pytest.raises(CheckpointError, match=rf"timm's '{architecture}', which is no ResNet or ResNeXt with the num"):
        swin_np.load(tmp_path)
    import torch

    torch.save(model.state_dict(), tmp_path / f"{architecture}_a1h-0123abcd.pth")
    with pytest.raises(CheckpointError, match=f"its name says that it is a {architecture}, which has the tensors of"):
        swin_np.load(tmp_path / f"{architecture}_a1h-0123abcd.pth")
    torch.save(model.state_dict(), tmp_path / "model.pth")
    with pytest.warns(SwinWarning, match="resnetaa50 and resnetblur50 of timm.*the ResNet of torchvision and timm was"):
        swin_np.load(tmp_path / "model.pth")


@pytest.mark.parametrize(("architecture", "settings", "words"), [
    ("swin_tiny_patch4_window7_224", {"always_partition": True}, "always_partition 'True'"),
    ("swin_tiny_patch4_window7_224", {"head_dim": 8}, "head_dim '8'"),
    ("swinv2_tiny_window8_256", {"act_layer": "gelu_tanh"}, "act_layer 'gelu_tanh'"),
    ("vit_tiny_patch16_224", SMALL_VIT | {"global_pool": "avg"}, "global_pool 'avg'"),
    ("vit_tiny_patch16_224", SMALL_VIT | {"act_layer": "relu"}, "act_layer 'relu'"),
    ("resnet18", {"embed_dim": None, "num_heads": None, "depths": None, "output_stride": 8}, "output_stride '8'"),
    ("swinv2_cr_tiny_224", {"img_size": 224}, "it seems to be timm's swinv2_cr, which is another network than Swin V2"),
])
def test_what_timm_alone_can_do_is_refused_by_name(architecture, settings, words, tmp_path):
    settings = TINY | {"depths": (1, 1, 1, 1)} | settings
    of_timm(architecture, tmp_path, **{name: value for name, value in settings.items() if value is not None})
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(tmp_path)


@pytest.mark.long
def test_what_the_name_of_an_architecture_tells_is_what_timm_builds(tmp_path):
    torch, timm = pytest.importorskip("torch"), pytest.importorskip("timm")
    from timm.models._hub import save_config_for_hf

    assert {"swin_tiny_patch4_window7_224", "vit_base_patch16_224", "resnet50"} <= set(timm.list_models())
    for name in ("swinv2_base_window12to16_192to256", "swinv2_large_window12to24_192to384",
                 "swin_base_patch4_window12_384", "deit_small_patch16_224", "vit_huge_patch14_224",
                 "vit_giant_patch14_224"):
        with torch.device("meta"):
            model = timm.create_model(name)
        tensors = {key: np.zeros(tuple(value.shape), np.float32) for key, value in model.state_dict().items()}
        save_config_for_hf(model, tmp_path / "config.json")
        entries = Entries("config.json", json.loads((tmp_path / "config.json").read_text()))
        found = identify(StoredCheckpoint("npz", tensors, [], {}, configuration=entries))
        assert found.assumed == []
        if name.startswith("swinv2"):
            theirs = [layer.blocks[0].attn.pretrained_window_size[0] for layer in model.layers]
            assert list(found.config.pretrained_window_sizes) == theirs
            assert [layer.blocks[0].window_size for layer in model.layers] == [
                found.config.shape_policy.table_window(size, found.config.window_size)
                for size in found.config.map_sizes()]
        elif not name.startswith("swin"):
            assert (found.config.num_heads, found.config.eps) == (model.blocks[0].attn.num_heads, model.norm.eps)


def test_the_patterns_take_no_relative():
    timm = pytest.importorskip("timm")
    taken = {name for name in timm.list_models() for pattern in NAMES.values() if re.fullmatch(pattern, name)}
    relatives = {"resnetaa50", "resnetblur18", "resnetblur50", "resnet50_gn", "resnet50d", "resnext50d_32x4d",
                 "seresnet50", "swinv2_cr_tiny_224", "vit_base_patch16_clip_224", "flexivit_base",
                 "vit_base_patch16_clip_quickgelu_224", "vit_base_patch16_gap_224", "vit_base_patch16_rpn_224",
                 "vit_base_patch16_siglip_224", "deit3_small_patch16_224", "vit_base_patch16_plus_240"}
    assert relatives <= {*timm.list_models()} and not relatives & taken
    assert len(taken) == 74


@pytest.mark.parametrize(("windows", "words"), [
    ([7, 7, 7, 7], r"window_size \(\(7, 7\), .*, and its tensors are for \(\(7, 7\), \(7, 7\), \(14, 14\), \(7, 7\)\)"),
    (7, r"window_size \(7, 7\), and its tensors are for \(\(7, 7\), \(7, 7\), \(14, 14\), \(7, 7\)\)"),
    ([7, 14], r"window_size \(7, 14\), and its tensors are for"), ([7, 7, 14], r"\(14, 14\)\), and its t"),
    ([7, 7, None, 7], "expected a window, or one for each stage"), ([7, 7, "14", 7], "expected a positive whole"),
    ([7, 7, [14, 14, 14], 7], "or a height and a width"), ([[7] * 4], "or a height and a width"), ([], "or a height"),
    ([7, 7, 0, 7], "positive"), ([7] * 100, "expected a window, or one for each stage"), ({"a": 7}, "positive"),
])
def test_windows_that_no_stages_can_have_are_refused(windows, words, tmp_path):
    of_timm("swin_s3_tiny_224", tmp_path, **TINY | {"depths": (1, 1, 1, 1)})
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(with_entries(tmp_path, model_args__window_size=windows))


def test_windows_of_a_v2_that_were_given_count_against_those_of_the_configuration(tmp_path):
    of_timm("swinv2_tiny_window8_256", tmp_path, **TINY | {"depths": (1, 1, 1, 1), "window_size": (8, 8, 4, 2)})
    with pytest.raises(CheckpointError, match=r"window_size=\(8, 8\) was given, and its config.json says \(\(8, 8\), "):
        swin_np.load(tmp_path, window_size=8)
    assert swin_np.load(tmp_path, window_size=(8, 8, 4, (2, 2))).config.window(3) == (2, 2)


def test_the_name_of_an_argument_cannot_steer_the_terminal(tmp_path):
    of_timm("swin_tiny_patch4_window7_224", tmp_path, **TINY | {"img_size": 32})
    with pytest.raises(CheckpointError, match=r"says 'win\\x1b\[2J' '4'"):
        swin_np.load(with_entries(tmp_path, **{"model_args__win\x1b[2J": 4}))


# What it contradicts.


@pytest.mark.parametrize(("kind", "changed", "words"), [
    ("Swin", {"window_size": 5}, r"window_size \(5, 5\), and its tensors are for \(4, 4\)"),
    ("Swin", {"depths": [2, 4]}, r"depths \(2, 4\), and its tensors are for \(2, 2\)"),
    ("Swin", {"num_heads": [4, 4]}, r"num_heads \(4, 4\), and its tensors are for \(2, 4\)"),
    ("Swin", {"embed_dim": 16}, "embed_dim 16, and its tensors are for 8"),
    ("Swin", {"mlp_ratio": 2.0}, r"mlp_ratio 2\.0, and its tensors are for 4\.0"),
    ("Swin", {"num_channels": 1}, "in_chans 1, and its tensors are for 3"),
    ("Swin", {"patch_size": 4}, r"patch_size \(4, 4\), and its tensors are for \(2, 2\)"),
    ("Swin", {"qkv_bias": False}, "qkv_bias False, and its tensors are for True"),
    ("Swin", {"use_absolute_embeddings": True}, "ape True, and its tensors are for False"),
    ("Swin", {"id2label": {"0": "a"}}, "num_classes 1, and its tensors are for 5"),
    ("Swin", {"model_type": "vit"}, "of a model of the type 'vit', and its tensors are those of a Swin Transformer"),
    ("Swin", {"model_type": "swinv2"}, "of the type 'swinv2', and its tensors"),
    ("ViT", {"image_size": 64}, r"img_size \(64, 64\), and its tensors are for \(32, 32\)"),
    ("ViT", {"num_attention_heads": 5}, "5 heads do not divide 24 channels"),
    ("ViT", {"num_hidden_layers": 3}, "depth 3, and its tensors are for 2"),
    ("ViT", {"intermediate_size": 41}, "hidden 41, and its tensors are for 40"),
    ("ViT", {"model_type": "vit_msn"}, "of the type 'vit_msn'"),
    ("ResNet", {"depths": [3, 4, 6, 3]}, r"layers \(3, 4, 6, 3\), and its tensors are for \(1, 2, 1, 1\)"),
    ("ResNet", {"layer_type": "basic"}, "block basic, and its tensors are for bottleneck"),
    ("Swinv2", {"pretrained_window_sizes": [6, 3, 3]}, "3 pretrained window sizes for 2 stages"),
    ("Swinv2", {"window_size": 0}, "expected a positive whole number"),
])
def test_a_configuration_that_contradicts_the_tensors_is_refused_with_both_values(kind, changed, words, tmp_path):
    sizes = {"Swin": SIZES | {"image_size": 32, "window_size": 4}, "Swinv2": V2, "ViT": VIT, "ResNet": RESNET}[kind]
    of_transformers(kind, **sizes).save_pretrained(tmp_path)
    swin_np.load(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(with_entries(tmp_path, **changed))


@pytest.mark.parametrize(("given", "words"), [
    ({"window_size": 16}, r"window_size=\(16, 16\) was given, and its config.json says \(8, 8\): leave window"),
    ({"image_size": 64}, r"image_size=\(64, 64\) was given, and its config.json says \(32, 48\)"),
    ({"pretrained_window_sizes": 6}, r"pretrained_window_sizes=\(6,\) was given, and its config.json says \(6, 3\)"),
    ({"num_heads": (4, 4)}, r"num_heads=\(4, 4\) was given, and its config.json says \(2, 4\)"),
])
def test_an_argument_that_contradicts_the_configuration_is_refused(given, words, tmp_path):
    of_transformers("Swinv2", **V2).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        swin_np.load(tmp_path, **given)
    assert swin_np.load(tmp_path, window_size=8, image_size=(32, 48), pretrained_window_sizes=(6, 3))


def test_stored_coordinates_and_masks_count_against_the_configuration(tmp_path):
    config = SwinV2Config(32, 2, 3, 5, 8, (2, 2), (2, 4), 4, pretrained_window_sizes=(6, 0))
    model = SwinTransformerV2.random(config)
    np.savez(tmp_path / "model.npz", **model.state_dict(), **model.derived_buffers())
    entries = {"model_type": "swinv2", "window_size": 4, "image_size": 32, "pretrained_window_sizes": [6, 4]}
    for changed, words in (({}, ""), ({"window_size": 8}, r"window_size \(8, 8\), and its tensors are for \(4, 4\)"),
                           ({"pretrained_window_sizes": [0, 0]}, r"\(0, 0\), and its tensors are for \(6, 0\)"),
                           ({"image_size": 64}, r"img_size \(64, 64\), and its tensors are for \(32, 32\)")):
        (tmp_path / "config.json").write_text(json.dumps(entries | changed))
        if not words:
            assert swin_np.load(tmp_path / "model.npz").config == replace(config, pretrained_window_sizes=(6, 4))
            continue
        with pytest.raises(CheckpointError, match=words):
            swin_np.load(tmp_path / "model.npz")


# What is said.


def test_a_warning_points_at_the_caller_and_can_be_made_an_error(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(of_transformers("ViT", **VIT).state_dict(), tmp_path / "model.pth")
    with pytest.warns(SwinWarning, match=r"model\.pth: The eps of the layer norms .* 1e-12 was assumed") as caught:
        swin_np.load(tmp_path / "model.pth", num_heads=3)
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", SwinWarning)
        with pytest.raises(SwinWarning):
            swin_np.load(tmp_path / "model.pth", num_heads=3)


def test_inspect_and_convert_tell_what_was_assumed_apart(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    torch.save(of_transformers("ViT", **VIT).state_dict(), tmp_path / "model.pth")
    arguments = [str(tmp_path / "model.pth"), "--num-heads", "3"]
    assert main(["inspect", *arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["assumed"]) == 1 and set(result["assumed"]) < {*result["notes"], ""}
    assert main(["inspect", *arguments]) == 0
    assert "assumed        The eps of the layer norms" in capsys.readouterr().out
    assert main(["convert", arguments[0], str(tmp_path / "new.npz"), "--to", "timm", *arguments[1:]]) == 0
    captured = capsys.readouterr()
    assert "1e-12 was assumed" in captured.err and "1e-12 was assumed" not in captured.out


def test_the_commands_read_the_configuration_of_a_folder(tmp_path, capsys):
    of_transformers("Swinv2", **V2).save_pretrained(tmp_path)
    assert main(["inspect", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["config"]["window_size"], found["config"]["pretrained_window_sizes"]) == ([8, 8], [6, 3])
    (tmp_path / "config.json").unlink()
    assert main(["convert", str(tmp_path), str(tmp_path / "new.npz"), "--to", "microsoft"]) == 2
    assert "(--window-size, --image-size, --pretrained-window-sizes)" in capsys.readouterr().err


# Configurations that were asked for.


def test_a_wanted_configuration_counts_more_than_the_files(tmp_path, rng):
    of_transformers("Swinv2", **V2).save_pretrained(tmp_path)
    wanted = replace(swin_np.load(tmp_path).config, img_size=(64, 64), window_size=4)
    assert swin_np.load(tmp_path, config=wanted).config == wanted


def test_a_wanted_configuration_keeps_the_eps_of_the_file(tmp_path, rng):
    model = of_transformers("Swin", **SIZES, image_size=32, window_size=4, layer_norm_eps=1e-1)
    model.save_pretrained(tmp_path)
    images, config = rng.standard_normal((1, 3, 32, 32)), swin_np.load(tmp_path).config
    assert_matches(swin_np.load(tmp_path, dtype=np.float64, config=config)(images), output_of(model, images),
                   MODEL_TOLERANCE)


def test_inspect_tells_another_eps_and_convert_does_not_lose_it(tmp_path, capsys):
    of_transformers("Swin", **SIZES, image_size=32, window_size=4, layer_norm_eps=1e-1).save_pretrained(tmp_path)
    assert main(["inspect", str(tmp_path)]) == 0
    assert "eps            0.1 in the norms of the blocks" in capsys.readouterr().out
    assert main(["convert", str(tmp_path), str(tmp_path / "new.npz"), "--to", "timm"]) == 2
    assert "the eps of its norms is 0.1" in capsys.readouterr().err
