"""What `swin-np convert` writes where, and what it refuses: a folder or a file, with config.json beside it."""

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.loading import identify, load
from swin_np.commands.cli import main
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.errors import SwinWarning
from swin_np.shape_policy import MICROSOFT
from swin_np.systems.registry import Config, architecture_of
from swin_np.variants import SwinConfig

SWIN = SwinConfig(32, 2, 3, 5, 8, (2, 2), (1, 2), 4, shape_policy=MICROSOFT)
V2 = SwinV2Config(32, 2, 3, 5, 8, (2, 2), (1, 2), 4)
VIT = ViTConfig(32, 8, 3, 5, 24, 2, 3)
RESNET = ResNetConfig("bottleneck", (1, 1, 1, 1), num_classes=5, inplanes=8)


def stored(config: Config, path: Path) -> Path:
    """A file with a model in official names, in a folder of its own."""
    model = architecture_of(config).model.random(config)
    path.parent.mkdir(exist_ok=True)
    write_npz(path, model.state_dict() | (model.derived_buffers() if isinstance(config, SwinConfig) else {}), {})
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return stored(SWIN, tmp_path / "in" / "swin.npz")


def content(folder: Path) -> dict[str, bytes]:
    """Every file under a folder by its path."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


def sentence(capsys, *arguments: object) -> str:
    """What is said where a command is refused: one sentence."""
    assert main(["convert", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    return line


# A folder, or a file.

@pytest.mark.parametrize("dialect", ["timm", "transformers", "torchvision"])
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_is_made_or_filled_with_weights_and_configuration(there, dialect, source, tmp_path):
    target = tmp_path / "out"
    if there:
        target.mkdir()
        (target / "README.md").write_text("a model")
    assert main(["convert", str(source), str(target), "--to", dialect]) == 0
    expected = {"model.safetensors"} | ({"README.md"} if there else set())
    assert {path.name for path in target.iterdir()} == expected | (
        set() if dialect == "torchvision" else {"config.json"})
    assert identify(read(target)).dialect.name == dialect


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_a_file_gets_its_configuration_beside_it(ending, source, tmp_path):
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / f"swin.{ending}"
    assert main(["convert", str(source), str(target), "--to", "transformers"]) == 0
    assert read(target).configuration.values["model_type"] == "swin"


def test_in_a_folder_of_several_checkpoints_no_configuration_is_written_and_that_is_said(source, tmp_path, capsys):
    target = source.with_name("new.safetensors")
    assert main(["convert", str(source), str(target), "--to", "timm", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == [] and {path.name for path in source.parent.iterdir()} == {"swin.npz", "new.safetensors"}
    assert any(change.startswith("No config.json was written") for change in said["changes"])


def test_what_is_printed_names_the_changes_and_the_files(source, tmp_path, capsys):
    assert main(["convert", str(source), str(tmp_path / "out"), "--to", "transformers"]) == 0
    out = capsys.readouterr().out
    assert "How images are prepared was not written" in out and out.endswith("config.json beside it\n")


@pytest.mark.parametrize(("config", "dialect"), [
    (SWIN, "timm"), (SWIN, "transformers"), (SWIN, "torchvision"), (V2, "timm"), (V2, "transformers"),
    (V2, "torchvision"), (VIT, "timm"), (VIT, "transformers"), (VIT, "torchvision"), (RESNET, "transformers")])
def test_what_is_read_back_gives_the_same_numbers_to_the_bit(config, dialect, tmp_path, rng):
    config = replace(config, img_size=64) if isinstance(config, SwinConfig) else config
    heads = ["--num-heads", "3"] if config is VIT else []
    source, target = stored(config, tmp_path / "in" / "model.npz"), tmp_path / "out"
    assert main(["convert", str(source), str(target), "--to", dialect, *heads]) == 0
    heads = {"num_heads": 3} if config is VIT else {}
    told = (target / "config.json").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error" if told else "ignore", SwinWarning)
        read_back = load(target, **({} if told else heads))
    images = rng.standard_normal((2, 3, *getattr(config, "img_size", (64, 64))), np.float32)
    np.testing.assert_array_equal(read_back(images), load(source, **heads)(images))


# What is there is not lost.

def test_an_old_configuration_is_overwritten_with_force_alone(source, tmp_path, capsys):
    target = tmp_path / "out" / "swin.safetensors"
    target.parent.mkdir()
    (target.parent / "config.json").write_text("{}")
    assert "config.json exists already" in sentence(capsys, source, target, "--to", "timm")
    assert content(target.parent) == {str(target.parent / "config.json"): b"{}"}
    assert main(["convert", str(source), str(target), "--to", "timm", "--force"]) == 0
    assert read(target).configuration.values["architecture"].startswith("swin_tiny")


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(("dialect", "name"), [
    ("timm", "preprocessor_config.json"), ("torchvision", "config.json"), ("transformers", "preprocessor_config.json")])
def test_a_configuration_that_would_be_taken_for_the_new_models_is_refused(dialect, name, force, source, tmp_path,
                                                                           capsys):
    target = tmp_path / "out"
    target.mkdir()
    (target / name).write_text("{}")
    said = sentence(capsys, source, target, "--to", dialect, *force)
    assert name in said and ("would be taken to be about" in said or "exists already" in said)
    assert content(target) == {str(target / name): b"{}"}


def test_the_place_is_checked_before_the_source_is_read(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    said = sentence(capsys, tmp_path / "no such file", tmp_path, "--to", "torchvision")
    assert "config.json would be taken to be about" in said


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors.index.json", "old.pth"])
def test_a_folder_with_another_checkpoint_is_refused(name, source, tmp_path, capsys):
    target = tmp_path / "out"
    target.mkdir()
    (target / name).write_text("old")
    assert f"holds {name}, which may be read in the place" in sentence(
        capsys, source, target, "--to", "timm", "--force")


@pytest.mark.parametrize("target", ["", "model.safetensors", "config.json", "new.npz", "link/model.safetensors"])
def test_the_folder_of_the_source_keeps_its_weights_and_configuration(target, source, tmp_path, capsys):
    folder = tmp_path / "converted"
    assert main(["convert", str(source), str(folder), "--to", "transformers"]) == 0
    (tmp_path / "link").symlink_to(folder)
    target = tmp_path / target if "link" in target else folder / target
    capsys.readouterr()
    before = content(tmp_path)
    arguments = ["convert", str(folder), str(target), "--to", "timm", "--force"]
    status = main(arguments)
    after = content(tmp_path)
    assert all(after[path] == kept for path, kept in before.items())
    assert status == (0 if target.name == "new.npz" else 2)


def test_a_file_that_is_read_with_its_configuration_stays_the_only_one(source, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    alone = tmp_path / "out" / "alone.safetensors"
    assert main(["convert", str(source), str(alone), "--to", "transformers"]) == 0
    capsys.readouterr()
    assert "would no longer be the only checkpoint beside its config.json" in sentence(
        capsys, alone, alone.with_name("new.npz"), "--to", "timm")


@pytest.mark.parametrize(("there", "fails"), [(False, 1), (False, 2), (False, 3), (True, 1), (True, 2)])
def test_a_full_disk_leaves_everything_as_it_was(there, fails, source, tmp_path, capsys, monkeypatch):
    target = tmp_path / "out"
    if there:
        assert main(["convert", str(source), str(target), "--to", "timm"]) == 0
    before, calls, synchronise = content(tmp_path), [], os.fsync

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == fails:                        # of the configuration, of the weights, of the former once more
            raise OSError(28, "No space left on device")
        synchronise(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    capsys.readouterr()
    status = main(["convert", str(source), str(target), "--to", "transformers", "--force"])
    assert status == 2 and "No space left on device" in capsys.readouterr().err
    assert content(tmp_path) == before


# Called badly.

@pytest.mark.parametrize(("target", "words"), [
    ("file", "is a file without an ending: give a folder"), ("nowhere/out", "the folder {tmp}/nowhere/out cannot be"),
    ("file/out", "the folder {tmp}/file/out cannot be made"), ("out.pth", "expected .safetensors or .npz"),
    ("x" * 300, "File name too long"), ("folder.npz", "is a folder"),
])
def test_a_place_where_nothing_can_be_written_is_refused(target, words, source, tmp_path, capsys):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder.npz").mkdir()
    before = content(tmp_path)
    assert words.format(tmp=tmp_path) in sentence(capsys, source, tmp_path / target, "--to", "timm")
    assert content(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser writes everywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(source, tmp_path, capsys):
    (tmp_path / "out").mkdir(mode=0o500)
    assert "cannot be written" in sentence(capsys, source, tmp_path / "out", "--to", "timm")
    assert "cannot be made" in sentence(capsys, source, tmp_path / "out" / "deep", "--to", "timm")


DEIT, HALF = replace(VIT, distilled=True), replace(VIT, distilled=True, distillation_head=False)


@pytest.mark.parametrize(("config", "dialect", "words"), [
    (SWIN, "transformers-deit", "unknown dialect of a Swin Transformer 'transformers-deit'"),
    (VIT, "microsoft", "unknown dialect of a ViT or DeiT 'microsoft'"),
    (replace(SWIN, in_chans=1), "torchvision", "its in_chans is 1, and models of torchvision have 3"),
    (replace(SWIN, qkv_bias=False), "torchvision", "its qkv_bias is False"),
    (replace(SWIN, patch_norm=False), "timm", "its patch_norm is False, and models of timm have True"),
    (replace(SWIN, patch_norm=False), "transformers", "its patch_norm is False"),
    (replace(SWIN, ape=True), "timm", "no place for absolute_pos_embed"),
    (replace(V2, window_size=(4, 2), img_size=(32, 16)), "transformers", "its window_size is 4x2"),
    (replace(VIT, img_size=(32, 48)), "torchvision", "its img_size is 32x48, and in torchvision it is one number"),
    (replace(VIT, qkv_bias=False), "torchvision", "its qkv_bias is False"),
    (DEIT, "torchvision", "torchvision has no DeiT"),
    (DEIT, "transformers-files", "choose the dialect transformers-deit-files"),
    (DEIT, "transformers-deit-one-head", "choose the dialect transformers-deit"),
    (HALF, "transformers-deit", "choose the dialect transformers-deit-one-head"),
    (HALF, "timm", "averages the scores of two heads"),
    (VIT, "transformers-deit", "choose the dialect transformers"),
    (RESNET, "timm", "its inplanes is 8, and models of timm have 64"),
    (replace(RESNET, cardinality=4, base_width=32), "transformers", "its cardinality is 4"),
    (UPerNetConfig(V2, num_classes=3, channels=8), "transformers", "no place for norms.0.weight"),
    (UPerNetConfig(RESNET, num_classes=3, channels=8), "transformers", "no place for backbone.conv1.weight"),
    (replace(SWIN, img_size=(48, 32)), "transformers", None),
])
def test_what_the_other_implementation_cannot_hold_is_refused_by_name(config, dialect, words, tmp_path, capsys):
    source = stored(config, tmp_path / "in" / "model.npz")
    options = ["--num-heads", "3"] if isinstance(config, ViTConfig) else []
    options += ["--image-size", *map(str, config.img_size)] if isinstance(config, ViTConfig) else []
    if isinstance(getattr(config, "backbone", None), SwinV2Config):
        options = ["--image-size", "32", "--window-size", "4", "--pretrained-window-sizes", "0"]
    arguments = [source, tmp_path / "out", "--to", dialect, *options]
    if words is None:
        assert main(["convert", *map(str, arguments)]) == 0
        return
    assert words in sentence(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_an_image_that_the_other_implementation_refuses_is_said(tmp_path, capsys):
    config = replace(SWIN, img_size=24, shape_policy=replace(MICROSOFT, window="pad then roll"))
    model = architecture_of(config).model.random(config)
    (tmp_path / "in").mkdir()
    write_npz(tmp_path / "in" / "a.npz", model.state_dict(), {})
    assert main(["convert", str(tmp_path / "in" / "a.npz"), str(tmp_path / "hf"), "--to", "transformers"]) == 0
    capsys.readouterr()
    told = json.loads((tmp_path / "hf" / "config.json").read_text()) | {"image_size": 24}
    (tmp_path / "hf" / "config.json").write_text(json.dumps(told))
    said = sentence(capsys, tmp_path / "hf", tmp_path / "out", "--to", "microsoft")
    assert "microsoft takes no images of 24x24 pixels with it, since" in said
