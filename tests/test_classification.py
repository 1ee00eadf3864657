"""From images to ranked classes: presets, names, ranking, and `swin-np classify`, called well and badly."""

import csv
import json
import sys
import warnings
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

import swin_np
from swin_np import images
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.classification import class_names, classify
from swin_np.commands import terminal
from swin_np.commands.classify import image_files
from swin_np.commands.cli import main, noted
from swin_np.errors import ConfigurationError, InputError, ShapeError, SwinWarning
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.plots.classes import classes_beside_photograph
from swin_np.plots.style import NUMERAL_SIZE
from swin_np.preprocessing.choice import default_preset
from swin_np.shape_policy import (
    MICROSOFT,
    MMDETECTION,
    SHAPE_POLICIES,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    TRANSFORMERS_BACKBONE,
)
from swin_np.variants import SwinConfig

TINY = SwinConfig(embed_dim=8, depths=(1, 2, 1, 1), num_heads=(2, 2, 4, 4), shape_policy=MICROSOFT)


def tiny(**changes) -> SwinTransformer:
    model = SwinTransformer.random(replace(TINY, **changes))
    redraw(model, seed=5)
    return model


def noise(seed, height, width):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def checkpoint(tmp_path):
    write_safetensors(tmp_path / "tiny.safetensors", tiny().state_dict(), {})
    return str(tmp_path / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, name in enumerate(("c.png", "a.jpg", "b.JPEG")):
        Image.fromarray(noise(number, 40 + number, 60)).save(folder / name)
    (folder / "notes.txt").write_text("no image, and by its ending none is expected")
    (folder / ".hidden.png").write_text("of a file system")
    (folder / "deeper.png").mkdir()
    return folder


def last_sentence(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


# The names

@pytest.mark.parametrize(("number", "name"), [
    (0, "tench"), (1, "goldfish"), (134, "crane (bird)"), (281, "tabby"), (457, "bow tie"), (517, "crane (machine)"),
    (652, "military uniform"), (999, "toilet tissue"),
])
def test_class_names_are_imagenets_in_its_order(number, name):
    assert class_names(1000)[number] == name


def test_every_class_has_a_name_of_its_own():
    names = class_names(1000)
    assert len(set(names)) == len(names) == 1000
    assert all(name.strip() == name and name.isascii() and name.isprintable() for name in names)


@pytest.mark.parametrize("count", [1, 999, 21841])
def test_other_numbers_of_classes_have_no_names(count):
    assert class_names(count) == ("",) * count


# The presets

@pytest.mark.parametrize(("changes", "name"), [
    ({"shape_policy": MICROSOFT}, "microsoft"),
    ({"shape_policy": MICROSOFT, "img_size": 384}, "microsoft_384"),
    ({"shape_policy": TIMM}, "timm"),
    ({"shape_policy": TIMM, "img_size": 384}, "timm_384"),
    ({"shape_policy": TRANSFORMERS}, "transformers"),
    ({"shape_policy": TRANSFORMERS, "img_size": 384}, "transformers_384"),
    ({"shape_policy": TORCHVISION}, "torchvision_swin_t"),
    ({"shape_policy": TORCHVISION, "depths": (2, 2, 18, 2)}, "torchvision_swin_s"),
    ({"shape_policy": TORCHVISION, "depths": (2, 2, 18, 2), "embed_dim": 128, "num_heads": (4, 8, 16, 32)},
     "torchvision_swin_b"),
    ({"shape_policy": MMDETECTION}, "microsoft"),
])
def test_the_preset_is_that_of_the_checkpoints_implementation_and_image_size(changes, name):
    assert default_preset(replace(SwinConfig(), **changes)) is images.PRESETS[name]


@pytest.mark.parametrize(("name", "expected"), [
    ("timm_384", (384, 384)), ("transformers", ((224, 224), 224)), ("transformers_384", ((384, 384), 384))])
def test_the_other_presets_have_the_published_sizes(name, expected):
    assert (images.PRESETS[name].name, images.PRESETS[name].resize, images.PRESETS[name].crop) == (name, *expected)


@pytest.mark.parametrize(("policy", "size", "resize"), [
    (MICROSOFT, 256, int(256 / 224 * 256)),            # the official code's own formula
    (MICROSOFT, 448, 512),
    (TIMM, 256, int(256 / 0.9)),
    (TIMM, 192, int(192 / 0.9)),
    (TRANSFORMERS, 256, (256, 256)),
    (TRANSFORMERS, (224, 448), (224, 448)),
])
@pytest.mark.filterwarnings("ignore::swin_np.SwinWarning")
def test_other_image_sizes_follow_the_formula_of_the_implementation(policy, size, resize):
    preset = default_preset(replace(SwinConfig(), img_size=size, shape_policy=policy))
    assert (preset.resize, preset.crop) == (resize, replace(SwinConfig(), img_size=size).img_size)


@pytest.mark.parametrize(("policy", "size"), [
    *product(SHAPE_POLICIES.values(), [224]),
    *((policy, size) for policy in SHAPE_POLICIES.values() if policy is not TORCHVISION for size in (384, 192)),
    *product((TIMM, TRANSFORMERS, TRANSFORMERS_BACKBONE), [(128, 256), (256, 128)]),        # the others have no formula
], ids=lambda value: getattr(value, "name", value))
@pytest.mark.filterwarnings("ignore::swin_np.SwinWarning")
def test_every_default_preset_gives_what_the_model_takes_without_a_black_border(policy, size):
    config = replace(SwinConfig(), img_size=size, shape_policy=policy)
    white = np.full((90, 170, 3), 255, np.uint8)
    seen = images.resize_and_crop(white, default_preset(config))
    assert seen.shape[:2] == config.img_size
    assert (seen == 255).all()


@pytest.mark.parametrize("preset", images.PRESETS.values(), ids=images.PRESETS)
@pytest.mark.parametrize(("height", "width"), [(333, 500), (500, 333), (224, 224), (150, 200), (260, 801)])
def test_every_preset_equals_torchvisions_steps_to_the_last_bit(preset, height, width):
    image, kernel = noise(1, height, width), Image.Resampling[preset.filter.upper()]
    if isinstance(preset.resize, int):                 # torchvision: the longer side is cut off to an integer
        shorter = min(height, width)
        size = (int(preset.resize * height / shorter), int(preset.resize * width / shorter))
    else:
        size = preset.resize
    resized = Image.fromarray(image).resize((size[1], height), kernel).resize((size[1], size[0]), kernel)
    halves = np.floor if preset.crop_rounding == "down" else np.rint   # to even, as Python's round
    top, left = (int(halves((side - preset.crop) / 2.0)) for side in size)
    cropped = resized.crop((left, top, left + preset.crop, top + preset.crop))
    assert np.array_equal(images.resize_and_crop(image, preset), np.asarray(cropped))


# Ranking

def test_classes_are_ranked_by_the_softmax_of_the_models_logits():
    model, image, preset = tiny(num_classes=12), noise(2, 70, 90), images.PRESETS["microsoft"]
    logits = model(images.preprocess(image, preset))[0].astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    ranked = classify(model, image, preset, top=12)
    assert [entry.number for entry in ranked] == sorted(range(12), key=lambda i: -probabilities[i])
    assert [entry.probability for entry in ranked] == pytest.approx(sorted(probabilities, reverse=True))


def test_of_equal_classes_the_lower_number_comes_first():
    model = tiny(num_classes=20)
    model.head.weight[...] = 0
    model.head.bias[...] = np.arange(20) % 2
    ranked = classify(model, noise(3, 50, 50), images.PRESETS["microsoft"], top=20)
    assert [entry.number for entry in ranked] == [*range(1, 20, 2), *range(0, 20, 2)]


def test_a_float64_model_classifies():
    model, image, preset = tiny(num_classes=9), noise(4, 60, 50), images.PRESETS["microsoft"]
    first, second = (classify(m, image, preset)[0] for m in (model, model.astype(np.float64)))
    assert first.number == second.number
    assert first.probability == pytest.approx(second.probability, rel=1e-4)


def test_a_model_without_a_head_is_refused():
    with pytest.raises(ConfigurationError, match="no head"):
        classify(tiny(num_classes=0), noise(0, 30, 30), images.PRESETS["microsoft"])


@pytest.mark.parametrize("top", [0, -1, 1001])
def test_more_classes_than_there_are_and_fewer_than_one_are_refused(top):
    with pytest.raises(InputError, match="ask for 1 to 1000"):
        classify(tiny(), noise(0, 30, 30), images.PRESETS["microsoft"], top)


def test_a_preset_of_another_size_is_refused_where_the_model_takes_one_size_only():
    with pytest.raises(ShapeError, match="384x384"):
        classify(tiny(), noise(0, 30, 30), images.PRESETS["microsoft_384"])


def test_weights_that_are_nan_give_an_error_and_no_class():
    model = tiny()
    model.norm.weight[3] = np.nan
    with pytest.raises(InputError, match="not finite"):
        classify(model, noise(0, 30, 30), images.PRESETS["microsoft"])


# The figure

@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_figure_shows_each_class_once_and_cuts_no_text_off(count):
    labels = ["American Staffordshire terrier", "crane (machine)", "tench", "class 20007", "bow tie"][:count]
    probabilities = [1.0, 0.25, 0.1, 0.05, 0.0][:count]
    figure = classes_beside_photograph(noise(0, 224, 224), labels, probabilities)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    bars = figure.axes[1].patches
    assert [bar.get_width() for bar in bars] == probabilities
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert [text.get_text() for text in texts if text.get_text() in labels] == labels
    for text in texts:
        box = text.get_window_extent(canvas.get_renderer())
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text
        assert text.get_fontsize() >= NUMERAL_SIZE


# The command line

def test_one_image_is_classified_with_names(capsys, checkpoint, folder):
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", checkpoint]) == 0
    text = capsys.readouterr().out
    expected = classify(tiny(), images.load(folder / "a.jpg"), images.PRESETS["microsoft"])
    assert ("preset microsoft: the shorter side resized to 256, cropped to 224x224, bicubic, "
            "mean 0.485 0.456 0.406, std 0.229 0.224 0.225") in text
    rows = [line for line in text.splitlines() if "%" in line]
    assert [row.split("%")[1].split(maxsplit=1) for row in rows] == [
        [str(entry.number), entry.name] for entry in expected]


def test_json_says_which_preset_was_taken(capsys, checkpoint, folder):
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", checkpoint, "--image-size", "224", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["preset"] == {
        "name": "microsoft", "resize": 256, "crop": 224, "filter": "bicubic", "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225], "cover": False, "crop_rounding": "half to even"}
    assert result["notes"] == []


PREPARED = {"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 224}, "resample": 2,
            "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}


@pytest.fixture
def told(tmp_path):
    """A checkpoint alone in a folder, with a file that says how its images are prepared."""
    write_safetensors(tmp_path / "model.safetensors", tiny().state_dict(), {})
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPARED))
    return tmp_path


def test_the_file_beside_a_checkpoint_is_followed(capsys, told, folder):
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", str(told), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    preset = images.Preset("preprocessor_config.json", (224, 224), (224, 224), "bilinear", (0.1, 0.2, 0.3),
                           (0.4, 0.5, 0.6), crop_rounding="down")
    expected = classify(tiny(), images.load(folder / "a.jpg"), preset)
    assert [entry["probability"] for entry in result["images"][0]["classes"]] == [e.probability for e in expected]
    assert (result["preset"]["name"], result["preset"]["mean"]) == (preset.name, [0.1, 0.2, 0.3])


def test_a_preset_that_is_given_goes_before_the_file(capsys, told, folder):
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", str(told), "--preset", "timm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["preset"]["name"] == "timm"


@pytest.mark.parametrize(("change", "words"), [
    ({"size": {"height": 256, "width": 256}}, "crops to 256x256, and the model takes 224x224"),
    ({"image_mean": None}, "does not say the mean"), ({"resample": 1}, "lanczos"),
    ({"image_processor_type": "LevitImageProcessor"}, "LevitImageProcessor"),
])
def test_a_file_that_cannot_be_followed_is_one_sentence(capsys, told, folder, change, words):
    (told / "preprocessor_config.json").write_text(json.dumps(PREPARED | change))
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", str(told)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err and "--preset NAME" in captured.err
    assert len(captured.err.strip().splitlines()) == 1 and captured.out == ""


def test_what_was_assumed_is_a_sentence_and_a_note_once(capsys, tmp_path, folder):
    write_safetensors(tmp_path / "model.safetensors", tiny(img_size=448).state_dict(), {})
    command = ["classify", str(folder / "a.jpg"), "--checkpoint", str(tmp_path / "model.safetensors"),
               "--image-size", "448"]
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    notes = json.loads(captured.out)["notes"]
    assert len(notes) == 1 and "images of 448x448" in notes[0] and "its formula" in notes[0]
    assert captured.err == ""
    assert main(command) == 0
    assert capsys.readouterr().err == f"swin-np: note: {notes[0]}\n"


def test_what_load_assumed_is_a_note_too(capsys, checkpoint, folder):
    with pytest.warns(SwinWarning, match="was assumed") as warned:
        swin_np.load(checkpoint)
    sentences = [str(warning.message) for warning in warned]
    command = ["classify", str(folder / "a.jpg"), "--checkpoint", checkpoint]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == sentences
    assert main(command) == 0
    assert capsys.readouterr().err.splitlines() == [f"swin-np: note: {sentence}" for sentence in sentences]


def test_other_warnings_keep_their_form(monkeypatch, recwarn):
    notes = []
    with noted(notes):
        warnings.warn("assumed \x1b[31m", SwinWarning, stacklevel=1)
        warnings.warn("of another library", RuntimeWarning, stacklevel=1)
    assert notes == ["assumed \x1b[31m"]
    assert [str(warning.message) for warning in recwarn] == ["of another library"]


def test_a_folder_is_classified_in_the_order_of_its_names(capsys, checkpoint, folder):
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--json", "--top", "3", "--threads", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [entry["image"] for entry in result["images"]] == [
        str(folder / name) for name in ("a.jpg", "b.JPEG", "c.png")]
    assert [len(entry["classes"]) for entry in result["images"]] == [3, 3, 3]
    assert (result["classes"], result["failed"]) == ("ImageNet-1k", [])


def test_an_image_given_twice_is_classified_once(folder):
    assert image_files([folder / "c.png", folder]) == [folder / name for name in ("c.png", "a.jpg", "b.JPEG")]


def test_progress_goes_to_standard_error_and_only_for_longer_work(capsys, checkpoint, folder, monkeypatch):
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--json"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(terminal, "SILENCE", 0)
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["1 of 3 images", "2 of 3 images", "3 of 3 images"]
    assert json.loads(captured.out)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--json"]) == 0
    assert capsys.readouterr().err.endswith(f"\r[{'#' * 30}] 3 of 3 images\n")


def test_csv_holds_what_is_printed(capsys, checkpoint, folder, tmp_path):
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--json", "--csv", str(tmp_path / "r.csv")]) == 0
    printed = json.loads(capsys.readouterr().out)["images"]
    with open(tmp_path / "r.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 15
    assert [(row["image"], row["rank"], row["class"], row["name"]) for row in rows] == [
        (entry["image"], str(rank), str(c["number"]), c["name"])
        for entry in printed for rank, c in enumerate(entry["classes"], start=1)]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_plot_writes_a_figure(checkpoint, folder, tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", checkpoint, "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


def test_a_broken_image_in_a_folder_is_reported_and_the_others_are_classified(capsys, checkpoint, folder, tmp_path):
    (folder / "b.JPEG").write_text("a text")
    assert main(["classify", str(folder), "--checkpoint", checkpoint, "--csv", str(tmp_path / "r.csv")]) == 2
    captured = capsys.readouterr()
    assert "a.jpg" in captured.out and "c.png" in captured.out and "b.JPEG" not in captured.out
    first, second = captured.err.strip().splitlines()
    assert "b.JPEG is no image" in first
    assert "1 of 3 images could not be read" in second
    assert "b.JPEG" not in (tmp_path / "r.csv").read_text()


def test_names_of_files_cannot_steer_the_terminal(capsys, checkpoint, folder):
    Image.fromarray(noise(0, 30, 30)).save(folder / "red\x1b[31m.png")
    (folder / "bell\x07.png").write_text("broken")
    assert main(["classify", str(folder), "--checkpoint", checkpoint]) == 2
    captured = capsys.readouterr()
    assert r"red\x1b[31m.png" in captured.out and r"bell\x07.png" in captured.err
    assert all(line.isprintable() for line in (captured.out + captured.err).splitlines())
    assert main(["classify", str(folder / "bell\x07.png"), "--checkpoint", checkpoint]) == 2
    assert r"bell\x07.png is no image" in last_sentence(capsys)


@pytest.mark.parametrize(("classes", "words", "meaning"), [
    (21841, "ImageNet-22k", "ImageNet-22k"), (10, "is not known here", "unknown")])
def test_other_classes_are_printed_by_number(capsys, tmp_path, folder, classes, words, meaning):
    path = str(tmp_path / "other.safetensors")
    write_safetensors(path, tiny(num_classes=classes).state_dict(), {})
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", path]) == 0
    text = capsys.readouterr().out
    assert words in text
    assert all(line.split("%")[1].strip().isdigit() for line in text.splitlines() if "%" in line)
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == meaning


@pytest.mark.parametrize(("arguments", "words"), [
    (["no such file.jpg"], "no such file.jpg"),
    (["{folder}/notes.txt"], "is no image"),
    (["{folder}/deeper.png"], "holds no image file"),
    (["{folder}/a.jpg", "--top", "0"], "--top 0"),
    (["{folder}/a.jpg", "--top", "5000"], "ask for 1 to 1000"),
    (["{folder}/a.jpg", "--preset", "torchvison_swin_t"], "did you mean 'torchvision_swin_t'"),
    (["{folder}/a.jpg", "--preset", "timm_384"], "384x384, and the model takes images of 224x224: give --preset NAME"),
    (["{folder}/a.jpg", "--preset", "timm_vit"], "this is a Swin Transformer, whose images are prepared otherwise"),
    (["{folder}/a.jpg", "--preset", ""], "unknown preset ''"),
    (["{folder}/long.png"], "more than the"),
    (["{folder}/float.tif"], "32-bit pixels"),
    (["{folder}/a.jpg/b.jpg"], "no file"),
    (["{folder}/a.jpg", "--checkpoint", "no such file.pth"], "no such file.pth"),
    (["{folder}/a.jpg", "--checkpoint", "{folder}/a.jpg"], "a.jpg"),
    (["{folder}/a.jpg", "--csv", "{folder}/a.txt"], "expected .csv"),
    (["{folder}/a.jpg", "--csv", "{folder}/nowhere/a.csv"], "cannot be written"),
    (["{folder}/a.jpg", "--csv", "{folder}/folder.csv"], "is a folder"),
    (["{folder}/a.jpg", "--plot", "{folder}/a.pdf"], "expected .svg or .png"),
    (["{folder}", "--plot", "{folder}/new.svg"], "--plot draws one image"),
    (["{folder}/c.png", "--plot", "{folder}/c.png"], "is a file that is read"),
    (["{folder}/a.jpg", "--plot", "{folder}/notes.txt/a.svg"], "cannot be written"),
    (["{folder}/a.jpg", "--threads", "0"], "0"),
    (["{folder}/a.jpg", "--image-size", "-4"], "--image-size -4"),
    (["{folder}/a.jpg", "--num-heads", "0", "2"], "--num-heads 0 2"),
])
def test_bad_input_gives_one_sentence_and_leaves_no_file(capsys, checkpoint, folder, arguments, words):
    (folder / "folder.csv").mkdir()
    Image.new("L", (1, 40_000)).save(folder / "long.png")              # its shorter side would become 256 times larger
    Image.new("F", (5, 4)).save(folder / "float.tif")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    arguments = [text.format(folder=folder) for text in arguments]
    if "--checkpoint" not in arguments:
        arguments += ["--checkpoint", checkpoint]
    assert main(["classify", *arguments]) == 2
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("swin-np: ") and words in lines[0]
    assert captured.out == ""
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(("mode", "size"), [("L", (60, 50)), ("LA", (60, 50)), ("RGBA", (60, 50)), ("P", (60, 50)),
                                           ("1", (60, 50)), ("I;16", (60, 50)), ("RGB", (1, 1)), ("RGB", (1000, 2))])
def test_images_of_every_kind_and_shape_are_classified(capsys, checkpoint, tmp_path, mode, size):
    Image.new(mode, size, 1).save(tmp_path / "image.png")
    assert main(["classify", str(tmp_path / "image.png"), "--checkpoint", checkpoint, "--json", "--top", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["images"][0]["classes"][0]["probability"] > 0


def test_a_model_of_other_channels_is_refused(capsys, tmp_path, folder):
    write_safetensors(tmp_path / "grey.safetensors", tiny(in_chans=1).state_dict(), {})
    assert main(["classify", str(folder / "a.jpg"), "--checkpoint", str(tmp_path / "grey.safetensors")]) == 2
    assert "images of 1 channels" in last_sentence(capsys)


def test_a_checkpoint_without_a_head_is_refused(capsys, tmp_path, folder):
    write_safetensors(tmp_path / "backbone.safetensors", tiny(num_classes=0).state_dict(), {})
    assert main(["classify", str(folder), "--checkpoint", str(tmp_path / "backbone.safetensors")]) == 2
    assert "no head" in last_sentence(capsys)


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["classify", "--help"])
    assert stop.value.code == 0
    assert "example: swin-np classify" in capsys.readouterr().out
