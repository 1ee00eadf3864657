"""The names of the classes, as live transformers and timm write them, and as files may say them otherwise."""

import json

import pytest
from test_configuration_files import SIZES, of_timm, of_transformers

from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.labels import labels_of
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.classification import class_names, names_of
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError
from swin_np.model import SwinTransformer
from swin_np.plots.classes import classes_beside_photograph
from swin_np.variants import SwinConfig

ANIMALS = ("cat", "dog", "tench, Tinca tinca", "hen", "pig")
TIMM = {"architecture": "swin_tiny_patch4_window7_224"}


def labels(**entries):
    return labels_of(Entries("config.json", entries))


# As the libraries write them

def test_transformers_names_its_classes(tmp_path):
    settings = SIZES | {"image_size": 32, "window_size": 4}
    of_transformers("Swin", **settings, id2label=dict(enumerate(ANIMALS))).save_pretrained(tmp_path)
    assert read(tmp_path).labels == ANIMALS


def test_transformers_placeholders_are_no_names(tmp_path):
    of_transformers("Swin", **SIZES | {"num_labels": 3}, image_size=32, window_size=4).save_pretrained(tmp_path)
    assert read(tmp_path).labels is None


SYNSETS = {"n1": "cat", "n2": "dog", "n3": "cow"}


@pytest.mark.parametrize(("named", "expected"), [
    ({"label_names": ["n1", "n2", "n3"]}, ("n1", "n2", "n3")),
    ({"label_names": ["n1", "n2", "n3"], "label_descriptions": SYNSETS}, ("cat", "dog", "cow")),
    ({"label_names": {0: "n3", 2: "n1", 1: "n2"}, "label_descriptions": SYNSETS}, ("cow", "dog", "cat")),
    ({"pretrained_cfg": {"num_classes": 3, "label_names": ["n2", "n1", "n3"], "label_descriptions": SYNSETS}},
     ("dog", "cat", "cow")),
    ({}, None)], ids=["names", "described", "numbered", "inside", "none"])
def test_timm_names_its_classes(tmp_path, named, expected):
    pytest.importorskip("timm")
    from timm.models._hub import save_for_hf

    model = of_timm("swin_tiny_patch4_window7_224", tmp_path, num_classes=3, img_size=56, depths=(1, 1),
                    num_heads=(2, 4), embed_dim=8)
    save_for_hf(model, tmp_path, model_config=named, safe_serialization=True)
    assert read(tmp_path).labels == expected


# As they may be

@pytest.mark.parametrize(("entries", "expected"), [
    ({}, None), ({"id2label": {}}, None), ({"id2label": None}, None),
    ({"id2label": {"0": "0", "1": "1"}}, ("0", "1")),
    ({"id2label": {"1": "b", "0": "a"}}, ("a", "b")),
    ({"id2label": {"1": "b", "2": "c"}}, ("", "b")),                    # there are two classes, 0 and 1
    ({"id2label": {"0": "LABEL_0", "1": "dog"}}, ("LABEL_0", "dog")),
    ({"id2label": ["a", "b"]}, ("a", "b")),
    ({"id2label": {"0": "$5 \x1b[31m\n\ud800"}}, ("$5 \x1b[31m\n\ud800",)),
    (TIMM | {"label_names": []}, None), (TIMM | {"label_descriptions": {"a": "b"}}, None),
    (TIMM | {"label_names": ["a", "b"], "label_descriptions": {"b": "beta"}}, ("a", "beta")),
    (TIMM | {"label_names": ["a"], "pretrained_cfg": {"label_names": ["b"]}}, ("a",)),
    (TIMM | {"id2label": {"0": "a"}}, None)])
def test_what_a_file_says_is_taken_by_number(entries, expected):
    assert labels(**entries) == expected


@pytest.mark.parametrize("entries", [
    {"id2label": {"0": 3}}, {"id2label": {"0": ["a"]}}, {"id2label": "cat"}, {"id2label": 3}, {"id2label": [1]},
    TIMM | {"label_names": "cat"}, TIMM | {"label_names": [{}]}, TIMM | {"pretrained_cfg": 3},
    TIMM | {"label_names": ["a"], "label_descriptions": ["b"]},
    TIMM | {"label_names": ["a"], "label_descriptions": {"a": 3}}])
def test_names_of_another_kind_are_refused(entries):
    with pytest.raises(CheckpointError, match=r"its config\.json says .*mend config\.json"):
        labels(**entries)


def test_the_names_of_a_file_count_more_than_the_number_of_classes():
    assert names_of(None, 1000) == (class_names(1000), "ImageNet-1k")
    birds = tuple(f"bird {i}" for i in range(1000))
    assert names_of(birds, 1000) == (birds, "config.json")
    assert names_of(ANIMALS, 1000) == (("",) * 1000, "")
    assert names_of(None, 5) == (("",) * 5, "")


# On the command line

@pytest.fixture
def folder(tmp_path):
    """A local folder with a model of five classes, which its config.json names."""
    config = SwinConfig(img_size=32, num_classes=5, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4,
                        patch_size=2)
    write_safetensors(tmp_path / "model.safetensors", SwinTransformer.random(config).state_dict(), {})
    told = {"model_type": "swin", "image_size": 32, "patch_size": 2, "window_size": 4, "num_heads": [2, 4],
            "id2label": dict(enumerate(ANIMALS))}
    (tmp_path / "config.json").write_text(json.dumps(told))
    prepared = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 2,
                "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(prepared))
    return tmp_path


def with_labels(folder, names):
    told = json.loads((folder / "config.json").read_text()) | {"id2label": dict(enumerate(names))}
    (folder / "config.json").write_text(json.dumps(told))


def test_a_local_folder_names_its_classes_and_that_is_said(capsys, folder):
    assert main(["classify", "--checkpoint", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "The 5 classes are named by the config.json beside the checkpoint." in text
    rows = [line.split("%")[1].split(maxsplit=1) for line in text.splitlines() if "%" in line]
    assert {int(number): name for number, name in rows} == dict(enumerate(ANIMALS))
    assert main(["classify", "--checkpoint", str(folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["names_from"], result["classes"]) == ("config.json", "config.json")
    assert {each["number"]: each["name"] for each in result["images"][0]["classes"]} == dict(enumerate(ANIMALS))


def test_names_by_the_number_of_classes_are_said_to_be_that(capsys, tmp_path):
    config = SwinConfig(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8))
    write_safetensors(tmp_path / "m.safetensors", SwinTransformer.random(config).state_dict(), {})
    assert main(["classify", "--checkpoint", str(tmp_path / "m.safetensors")]) == 0
    assert "taken for those of ImageNet-1k, since nothing beside the checkpoint names them" in capsys.readouterr().out


def test_inspect_shows_the_names(capsys, folder):
    assert main(["inspect", str(folder)]) == 0
    assert "class names    cat; dog; tench, Tinca tinca; ... (5)" in capsys.readouterr().out
    assert main(["inspect", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == list(ANIMALS)


def test_names_can_neither_steer_the_terminal_nor_break_the_figure(capsys, folder):
    with_labels(folder, ["$\\frac{$", "red \x1b[31m", "two\nlines", "half \ud800", "long " * 1000])
    arguments = ["--plot", str(folder / "p.svg"), "--csv", str(folder / "t.csv")]
    assert main(["classify", "--checkpoint", str(folder), *arguments]) == 0
    assert main(["inspect", str(folder)]) == 0
    captured = capsys.readouterr()
    assert all(line.isprintable() for line in (captured.out + captured.err).split("\n"))
    assert all(line.isprintable() for line in (folder / "t.csv").read_text().split("\n"))


def test_a_name_in_the_figure_is_as_it_was_given():
    names = ["$5 note", "a^2 $x$ \\alpha"]
    figure = classes_beside_photograph([[[0, 0, 0]]], names, [0.5, 0.5])
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == names
    assert not any(text.get_parse_math() for text in figure.axes[1].get_yticklabels())
