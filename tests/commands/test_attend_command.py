"""`swin-np attend`, called as its users call it, well and badly."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import swin_np
from swin_np import images, plots
from swin_np.attribution import attention_of, attentions, rollout
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.commands.cli import main
from swin_np.images import PRESETS, Preset, place_in_crop, resize_and_crop
from swin_np.layers import redraw
from swin_np.probes.models import FOLDER
from swin_np.systems.registry import architecture_of

PROBE = str(FOLDER / "weights" / "flock_full.safetensors")
AS_PROBE = ["--checkpoint", PROBE, "--image-size", "32"]


@pytest.fixture
def photo(tmp_path, rng):
    """A photograph of 60 columns and 40 rows."""
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return path


def attend(capsys, *arguments):
    """The JSON of the command."""
    assert main(["attend", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def opened(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


def test_it_draws_and_gives_the_weights_of_the_tokens_window(capsys, photo, tmp_path):
    result = attend(capsys, photo, "--at", "30,20", *AS_PROBE, "--block", "2", "-o", tmp_path / "out.png")
    model = swin_np.load(PROBE, image_size=(32, 32))
    preset = Preset(**result["preset"])
    batch = images.preprocess(images.load(photo), preset)
    block = attention_of(model, batch, 0, 1)
    place = block.place(place_in_crop((40, 60), preset, (20, 30)))
    assert result["token"] == list(place) and result["block"] == "layers.0.blocks.1" and result["shift"] == [2, 2]
    assert result["keys"] == np.argwhere(block.window(*place)).tolist()
    for head, weights in zip(result["heads"], result["weights"], strict=True):
        assert weights == block.row(*place)[head - 1][block.window(*place)].tolist()
        assert sum(weights) == pytest.approx(1)
    assert not result["random_weights"] and opened(tmp_path / "out.png")[0] > 500


def test_one_head_of_another_stage(capsys, photo, tmp_path):
    result = attend(capsys, photo, "--at", "30,20", *AS_PROBE, "--stage", "2", "--head", "3", "-o", tmp_path / "o.svg")
    assert result["block"] == "layers.1.blocks.0" and result["heads"] == [3] and result["map_size"] == [8, 8]
    assert (tmp_path / "o.svg").read_text().startswith("<?xml")


def test_rollout_is_that_of_the_library(capsys, photo, tmp_path):
    result = attend(capsys, photo, "--at", "30,20", *AS_PROBE, "--rollout", "-o", tmp_path / "out.png")
    stages = attentions(swin_np.load(PROBE, image_size=(32, 32)),
                        images.preprocess(images.load(photo), Preset(**result["preset"])))
    for i, place in enumerate(result["tokens"]):
        assert result["rollout"][i] == rollout(stages, i, tuple(place)).weights.tolist()
    assert result["classified"] == rollout(stages, 1).weights.tolist()


@pytest.mark.parametrize(("chosen", "heads"), [([], None), (["--head", "2"], [1]), (["--rollout"], None)])
def test_it_draws_on_what_the_model_sees_from_where_the_pixel_went(capsys, photo, tmp_path, monkeypatch, chosen, heads):
    drawn, name = [], "rollout_by_stage" if "--rollout" in chosen else "attention_on_image"
    draw = getattr(plots, name)
    monkeypatch.setattr(plots, name, lambda *arguments: drawn.append(arguments) or draw(*arguments))
    result = attend(capsys, photo, "--at", "24,11", *AS_PROBE, *chosen, "-o", tmp_path / "out.png")
    preset = Preset(**result["preset"])
    [(seen, of_what, place, *rest)] = drawn
    assert np.array_equal(seen, resize_and_crop(images.load(photo), preset))
    pixel = place_in_crop((40, 60), preset, (11, 24))
    if "--rollout" in chosen:
        assert place == pixel and rest == [""]
    else:
        assert place == of_what.place(pixel) == tuple(result["token"]) and rest == [heads, ""]


def test_without_a_checkpoint_it_says_that_the_picture_means_nothing(capsys, photo, tmp_path):
    assert main(["attend", str(photo), "--at", "30,20", "-o", str(tmp_path / "out.svg")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("No checkpoint is given: the weights are random, and the picture means nothing.\n")
    assert "stage 1, block 1: token (28, 28) of 56x56 attends to 49 tokens" in text
    assert "head  3: most," in text
    assert "written: " in text and (tmp_path / "out.svg").stat().st_size > 10_000


def saved(path, config):
    """A checkpoint of a model with such a configuration, and the model."""
    model = architecture_of(config).model.random(config)
    redraw(model, 0)
    write_npz(path, model.state_dict(), {})
    return model


def test_a_vit_attends_everywhere_and_has_one_stage(capsys, photo, tmp_path):
    saved(tmp_path / "vit.npz", ViTConfig(224, 32, embed_dim=16, depth=3, num_heads=2, num_classes=4))
    same = [photo, "--at", "30,20", "--checkpoint", tmp_path / "vit.npz", "--num-heads", "2", "-o", tmp_path / "o.png"]
    result = attend(capsys, *same, "--preset", "timm_vit", "--block", "3")
    assert result["block"] == "blocks.2" and result["map_size"] == [7, 7] and len(result["keys"]) == 49
    assert sum(result["weights"][0]) + result["off_the_map"][0] == pytest.approx(1)
    assert result["off_the_map"][0] > 0                # to the class token
    for wrong, sentence in ((["--preset", "timm_vit", "--stage", "2"], "--stage 2 was given, there are 1"),
                            ([], "give --preset NAME, one of")):
        assert main(["attend", *map(str, same), *wrong]) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["microsoft", "transformers", "timm_384", "transformers_deit"])
@pytest.mark.parametrize("size", [(300, 500), (700, 260)])
def test_a_pixel_is_found_where_a_spot_of_the_photograph_goes(name, size):
    preset = PRESETS[name]
    for pixel in [(size[0] // 2, size[1] // 2), (size[0] * 2 // 5, size[1] // 2 + 40)]:
        spot = np.zeros((*size, 3), np.uint8)
        spot[pixel[0] - 2:pixel[0] + 3, pixel[1] - 2:pixel[1] + 3] = 255
        seen = resize_and_crop(spot, preset)[..., 0].astype(float)
        centre = [np.average(np.arange(n), weights=seen.sum(axis=1 - axis)) for axis, n in enumerate(seen.shape)]
        assert np.abs(np.subtract(place_in_crop(size, preset, pixel), centre)).max() < 1


def test_the_first_and_last_pixels_that_are_seen_are_those_that_the_sentence_gives():
    preset, size = PRESETS["microsoft"], (600, 512)
    with pytest.raises(swin_np.InputError, match="give a column from 32 to 479 and a row from 76 to 523"):
        place_in_crop(size, preset, (0, 0))
    assert place_in_crop(size, preset, (76, 32)) == (0, 0)
    assert place_in_crop(size, preset, (523, 479)) == (223, 223)
    for pixel in ((75, 32), (76, 31), (524, 479), (523, 480), (-1, 40), (600, 40)):
        with pytest.raises(swin_np.InputError, match="is not in what the model sees"):
            place_in_crop(size, preset, pixel)


@pytest.mark.parametrize("rounding", ["half to even", "down"])
@pytest.mark.parametrize("cut", [(0, 0), (1, 2), (3, 5), (6, 7), (9, 4)])
def test_where_nothing_is_resized_a_marked_pixel_is_found_exactly(rounding, cut):
    size = (11 + cut[0], 16 + cut[1])
    preset = Preset("own", size, (11, 16), crop_rounding=rounding)
    found = set()
    for pixel in np.ndindex(size):
        marked = np.zeros((*size, 3), np.uint8)
        marked[pixel] = 255
        shown = [tuple(place) for place in np.argwhere(resize_and_crop(marked, preset)[..., 0]).tolist()]
        if shown:
            assert place_in_crop(size, preset, pixel) == shown[0]
            found.add(shown[0])
        else:
            with pytest.raises(swin_np.InputError, match="is not in what the model sees"):
                place_in_crop(size, preset, pixel)
    assert found == set(np.ndindex(11, 16))


def test_no_preset_resizes_to_less_than_its_crop_so_nothing_is_padded(rng):
    sizes = [tuple(size) for size in rng.integers(1, 2000, (100, 2)).tolist()]
    covering = [Preset("covering", crop, crop, cover=True) for crop in ((224, 224), (97, 301), (301, 97), (1, 2))]
    for preset in [*PRESETS.values(), *covering]:
        for old in [(1, 1), (1, 2), (640, 479), *sizes]:
            try:
                new = images.resized(old, images.resize_to(old, preset))
            except swin_np.InputError:                 # more pixels than Pillow takes for safe
                continue
            assert np.greater_equal(new, images.pair(preset.crop)).all(), (preset.name, old)


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (1, 1000)])
def test_an_image_so_small_that_the_crop_holds_the_centre_of_no_pixel_is_refused(size):
    with pytest.raises(swin_np.InputError, match=f"{size[1]} columns and {size[0]} rows, so few"):
        place_in_crop(size, PRESETS["microsoft"], (0, 0))
    assert place_in_crop((1, 1), PRESETS["microsoft"], (0, 0)) == (112, 112)


BAD = [
    (["--at", "0,0"], "is not in what the model sees of the image, which has 60 columns and 40 rows: give"),
    (["--at", "60,20"], "is not in what the model sees"), (["--at", "30"], "such as 120,80"),
    (["--at", "30,x"], "such as 120,80"), (["--at", "30,20,10"], "such as 120,80"), (["--at", ""], "such as 120,80"),
    (["--at=-3,20"], "such as 120,80"), (["--at", "3.5,20"], "such as 120,80"),
    (["--at", "99999999999999999999,1"], "such as 120,80"), (["--at", "\N{ARABIC-INDIC DIGIT THREE},20"], "such as"),
    (["--stage", "3"], "--stage 3 was given, there are 2: give one from 1 to 2"), (["--stage", "0"], "--stage 0"),
    (["--block", "3"], "--block 3 was given, there are 2"), (["--block", "-1"], "--block -1"),
    (["--head", "0"], "--head 0 was given, there are 2"), (["--head", "3"], "give one from 1 to 2"),
    (["--rollout", "--head", "1"], "leave --stage, --block and --head out"),
    (["--rollout", "--stage", "0"], "leave --stage, --block and --head out"),
    (["--preset", "no"], "unknown preset 'no'"), (["--preset", "timm"], "the model takes images of 32x32"),
    (["--threads", "0"], "0 threads were asked for"), (["--image-size", "0"], "--image-size 0"),
    (["--checkpoint", "nothing.pth"], "nothing.pth"), (["--checkpoint", "."], ""),
    (["-o", "out.pdf"], "expected .svg or .png"), (["-o", "missing/out.png"], "cannot be written"),
    (["-o", "photo.png"], "is a file that is read"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_bad_input_gives_one_sentence_and_exit_status_2(capsys, photo, monkeypatch, arguments, sentence):
    monkeypatch.chdir(photo.parent)
    assert main(["attend", "photo.png", "--at", "30,20", *AS_PROBE, "-o", "out.png", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("swin-np: ") and sentence in said.err
    assert not Path("out.png").exists()


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["nothing.jpg"], "there is no file nothing.jpg"), (["."], "is a folder"),
    (["photo.png", "--num-heads", "3"], "give --checkpoint FILE, or leave them out")])
def test_bad_photographs_and_options_without_a_checkpoint_are_refused(capsys, photo, monkeypatch, arguments, sentence):
    monkeypatch.chdir(photo.parent)
    assert main(["attend", *arguments, "--at", "30,20", "-o", "out.png"]) == 2
    assert sentence in capsys.readouterr().err


def test_models_that_do_not_attend_on_a_map_of_colours_are_refused(capsys, photo, tmp_path):
    saved(tmp_path / "resnet.npz", ResNetConfig(layers=(1, 1, 1, 1), num_classes=3))
    saved(tmp_path / "grey.npz", swin_np.SwinConfig(32, 2, 1, 3, 16, (2, 2), (2, 4), 4))
    nan = saved(tmp_path / "nan.npz", swin_np.SwinConfig(32, 2, 3, 3, 16, (2, 2), (2, 4), 4)).state_dict()
    nan["layers.0.blocks.0.attn.qkv.weight"][0] = np.nan
    write_npz(tmp_path / "nan.npz", nan, {})
    for name, sentence in (("resnet", "give one of these"), ("grey", "images of 1 channels"), ("nan", "not finite")):
        size = [] if name == "resnet" else ["--image-size", "32"]
        assert main(["attend", str(photo), "--at", "30,20", "--checkpoint", str(tmp_path / f"{name}.npz"), *size,
                     "-o", str(tmp_path / "out.png")]) == 2
        said = capsys.readouterr().err
        assert sentence in said and said.count("\n") == 1


def test_the_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["attend", "--help"])
    assert ended.value.code == 0
    assert "example: swin-np attend photo.jpg --at 120,80" in capsys.readouterr().out
