"""How images are prepared, as transformers' processors and timm write it beside a checkpoint."""

import json

import numpy as np
import pytest

from swin_np.checkpoints.config_files.preprocessing import RESAMPLINGS, StoredPreprocessing
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import identify
from swin_np.errors import CheckpointError
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig


@pytest.fixture
def folder(tmp_path):
    """A folder with a checkpoint and nothing beside it."""
    model = SwinTransformer.random(SwinConfig(32, 4, embed_dim=8, depths=(1,), num_heads=(2,), window_size=4))
    write_safetensors(tmp_path / "model.safetensors", model.state_dict(), {})
    return tmp_path


def with_json(folder, name, values):
    (folder / name).write_text(values if isinstance(values, str) else json.dumps(values))
    return folder


def test_where_nothing_is_told_there_is_none(folder):
    assert read(folder).preprocessing is None and identify(read(folder)).preprocessing is None


@pytest.mark.parametrize(("processor", "expected"), [
    ("ViTImageProcessor", {"resize": (224, 224), "interpolation": "bilinear"}),
    ("ConvNextImageProcessor", {"resize": 384, "crop_pct": 0.875, "interpolation": "bicubic"}),
    ("DeiTImageProcessor", {"resize": (256, 256), "crop": (224, 224), "do_center_crop": True,
                            "interpolation": "bicubic"}),
])
def test_what_transformers_saves_is_read(processor, expected, folder):
    transformers = pytest.importorskip("transformers")
    getattr(transformers, processor)(image_mean=[0.1, 0.2, 0.3]).save_pretrained(folder)
    assert identify(read(folder)).preprocessing == StoredPreprocessing(
        "preprocessor_config.json", processor, rescale_factor=1 / 255, mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5),
        do_resize=True, do_rescale=True, do_normalize=True, **expected)


def test_what_timm_saves_is_read(folder):
    timm = pytest.importorskip("timm")
    from timm.data import resolve_data_config
    from timm.models._hub import save_for_hf

    model = timm.create_model("vit_tiny_patch16_384", depth=1)
    save_for_hf(model, folder, safe_serialization=True)
    theirs, ours = resolve_data_config(model=model), read(folder).preprocessing
    assert ours == StoredPreprocessing(
        "config.json", "timm", crop=theirs["input_size"][1:], crop_pct=theirs["crop_pct"],
        crop_mode=theirs["crop_mode"], interpolation=theirs["interpolation"], mean=theirs["mean"], std=theirs["std"])
    assert (ours.crop, ours.crop_pct, ours.mean) == ((384, 384), 1.0, (0.5, 0.5, 0.5))


def test_timms_older_files_have_no_inner_part(folder):
    with_json(folder, "config.json", {"architecture": "swin_tiny_patch4_window7_224", "input_size": [3, 224, 224],
                                      "mean": [0.5, 0.5, 0.5], "crop_pct": 0.9})
    assert read(folder).preprocessing == StoredPreprocessing("config.json", "timm", crop=(224, 224), crop_pct=0.9,
                                                             mean=(0.5, 0.5, 0.5))


@pytest.mark.parametrize(("values", "expected"), [
    ({"size": 224}, {"resize": 224}), ({"size": {"shortest_edge": 256}}, {"resize": 256}),
    ({"size": {"height": 30, "width": 40}}, {"resize": (30, 40)}), ({"size": {"longest_edge": 9}}, {}),
    ({"crop_size": 200}, {"crop": (200, 200)}), ({"image_mean": 0.5}, {"mean": (0.5,)}), ({"resample": None}, {}),
    ({"feature_extractor_type": "ViTFeatureExtractor"}, {"processor": "ViTFeatureExtractor"}), ({}, {}),
    *(({"resample": number}, {"interpolation": name}) for number, name in enumerate(RESAMPLINGS)),
])
def test_older_spellings_are_read(values, expected, folder):
    with_json(folder, "preprocessor_config.json", values)
    assert read(folder).preprocessing == StoredPreprocessing("preprocessor_config.json", **expected)


@pytest.mark.parametrize("number", range(6))
def test_the_filters_are_numbered_as_pillows(number):
    image = pytest.importorskip("PIL.Image")
    assert image.Resampling(number).name.lower() == RESAMPLINGS[number]


@pytest.mark.parametrize("values", [
    {"size": "224"}, {"size": -1}, {"size": {"height": "a", "width": 1}}, {"size": [1, 2, 3]}, {"size": 2**40},
    {"image_mean": ["a"]}, {"image_mean": []}, {"image_mean": [1e999]}, {"image_std": [0.5, 0, 0.5]}, {"image_std": {}},
    {"resample": 6}, {"resample": -1}, {"resample": "bicubic"}, {"do_resize": 1}, {"crop_pct": 0},
    {"crop_pct": "0.9"}, {"image_processor_type": 3}, {"rescale_factor": -1}, {"crop_size": {"height": 1.5}},
    "[1]", "{", "", "{} {}", '{"a": 1, "a": 2}', '{"size": NaN}', "\\ud800", "[" * 100000, "null",
], ids=lambda values: str(values)[:40])
def test_what_is_no_preprocessing_is_refused(values, folder):
    with_json(folder, "preprocessor_config.json", values)
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json"):
        read(folder)


def test_a_broken_link_in_place_of_a_configuration_is_refused(folder):
    (folder / "config.json").symlink_to(folder / "nowhere")
    with pytest.raises(CheckpointError, match=r"config\.json beside it: there is no file of this name"):
        read(folder)


def test_a_configuration_longer_than_the_limit_is_refused(folder):
    with_json(folder, "config.json", " " * 2**22 + "{}")
    with pytest.raises(CheckpointError, match=r"config\.json beside it: its JSON text has .* more than the 4194304"):
        read(folder)


def test_inspect_shows_it(folder, capsys):
    from swin_np.commands.cli import main

    with_json(folder, "preprocessor_config.json", {"image_mean": [0.5, 0.5, 0.5]})
    assert main(["inspect", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["preprocessing"]["mean"] == [0.5, 0.5, 0.5]
    assert np.allclose(read(folder).preprocessing.mean, 0.5)
