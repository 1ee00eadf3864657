"""`swin-np dump` and `swin-np crosscheck`: files in, a table or JSON and a status out; bad input is a sentence."""

import argparse
import json
import sys

import numpy as np
import pytest

from swin_np.checkpoints.formats.npz import write_npz
from swin_np.commands import crosscheck, dump
from swin_np.crosscheck import onnx_models
from swin_np.crosscheck.candidates import Candidate
from swin_np.errors import SwinError
from tests.crosscheck.models import CONFIG, every_point, model_and_images, module_outputs

SIZE = [str(side) for side in CONFIG.img_size]


def run(*arguments) -> int:
    """The exit status of a command; an error of the user's input is raised."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for command in (dump, crosscheck):
        command.add_command(commands)
    options = parser.parse_args([str(argument) for argument in arguments])
    return options.run(options) or 0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A checkpoint in the names of transformers, an array of images, and two candidates."""
    from swin_np.checkpoints.dialects.swin import DIALECTS
    from swin_np.checkpoints.dialects.translation import from_official

    folder = tmp_path_factory.mktemp("files")
    model, images = model_and_images()
    write_npz(folder / "model.npz", from_official(model.state_dict(), DIALECTS["transformers"]), {})
    np.save(folder / "images.npy", images)
    np.savez(folder / "good.npz", **module_outputs(every_point()))
    np.savez(folder / "bad.npz", **module_outputs(every_point("no-mask")))
    return folder


@pytest.fixture(scope="module")
def dumped(files):
    run("dump", files / "model.npz", files / "images.npy", "-o", files / "ref.npz", "--image-size", *SIZE)
    return files / "ref.npz"


def test_a_dumped_reference_agrees_with_a_correct_candidate(files, dumped, capsys):
    assert run("crosscheck", dumped, files / "good.npz") == 0
    assert "They agree" in capsys.readouterr().out


def test_a_mistake_is_printed_with_its_fix_and_the_status_is_1(files, dumped, capsys):
    assert run("crosscheck", dumped, files / "bad.npz") == 1
    printed = capsys.readouterr().out
    assert "There is no mask" in printed
    assert "section 3.2, Fig. 4" in printed


def test_the_plot_is_written(files, dumped, tmp_path):
    pytest.importorskip("matplotlib")
    assert run("crosscheck", dumped, files / "bad.npz", "--plot", tmp_path / "plot.svg") == 1
    assert "layers.0.blocks.1.attn" in (tmp_path / "plot.svg").read_text()


def test_a_checkpoint_with_an_array_of_images_is_a_reference_too(files, capsys):
    status = run("crosscheck", files / "model.npz", files / "bad.npz", "--image", files / "images.npy", "--image-size",
                 *SIZE, "--json")
    report = json.loads(capsys.readouterr().out)
    assert (status, report["verdict"], report["findings"][0]["mistake"]) == (1, "differ", "no-mask")


def test_the_page_is_written_with_names_notes_and_findings(files, dumped, tmp_path):
    assert run("crosscheck", dumped, files / "bad.npz", "--html", tmp_path / "report.html") == 1
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<code>ref.npz</code>" in html and "<code>bad.npz</code>" in html
    assert "There is no mask" in html and 'data-point="layers.0.blocks.1.attn"' in html


def test_the_json_has_the_notes_of_the_report(files, dumped, tmp_path, capsys):
    np.savez(tmp_path / "more.npz", **module_outputs(every_point()), extra=np.ones(3))
    run("crosscheck", dumped, tmp_path / "more.npz", "--json")
    note, = json.loads(capsys.readouterr().out)["notes"]
    assert "not compared, as the reference has no such point: extra" in note


@pytest.mark.parametrize(("before", "now", "status", "words"), [
    ("good", "good", 0, "Nothing is worse than in"), ("bad", "bad", 0, "Nothing is worse than in"),
    ("bad", "good", 0, "Nothing is worse than in"), ("good", "bad", 1, "New at layers.0.blocks.1.attn")])
def test_against_an_earlier_report_the_status_says_whether_anything_is_worse(
        before, now, status, words, files, dumped, tmp_path, capsys):
    run("crosscheck", dumped, files / f"{before}.npz", "--json")
    (tmp_path / "old.json").write_text(capsys.readouterr().out)
    given = ("crosscheck", dumped, files / f"{now}.npz", "--baseline", tmp_path / "old.json")
    assert run(*given, "--html", tmp_path / "report.html") == status
    assert words in capsys.readouterr().out
    assert "Against the earlier report" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run(*given, "--json") == status
    assert bool(json.loads(capsys.readouterr().out)["worse"]) == bool(status)


def test_a_model_of_a_library_is_run_by_its_name(files, dumped, tmp_path, capsys):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    transformers.SwinConfig(
        image_size=CONFIG.img_size, patch_size=2, embed_dim=12, depths=CONFIG.depths, num_heads=CONFIG.num_heads,
        window_size=3, mlp_ratio=2).save_pretrained(tmp_path / "folder")
    assert run("crosscheck", files / "model.npz", f"transformers:{tmp_path / 'folder'}", "--image",
               files / "images.npy", "--image-size", *SIZE) == 0
    assert run("crosscheck", dumped, f"transformers:{tmp_path / 'folder'}", "--html", tmp_path / "report.html") == 0
    assert "Its names are those of transformers" in capsys.readouterr().out
    assert "transformers:" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_of_npy_files_and_a_mapping_are_taken(files, dumped, tmp_path, capsys):
    folder = tmp_path / "dumps"
    folder.mkdir()
    np.save(folder / "mine.npy", every_point()["layers.0.blocks.0"])
    (tmp_path / "names.json").write_text('{"mine": "layers.0.blocks.0"}')
    assert run("crosscheck", dumped, folder, "--mapping", tmp_path / "names.json") == 0
    assert "layers.0.blocks.0" in capsys.readouterr().out


def test_dump_prints_json(files, tmp_path, capsys):
    run("dump", files / "model.npz", files / "images.npy", "-o", tmp_path / "ref.npz", "--image-size", *SIZE, "--json",
        "--points", "layers.?")
    assert json.loads(capsys.readouterr().out)["points"] == ["layers.0", "layers.1"]


BAD = {
    "no such candidate": ("crosscheck", "{dumped}", "{files}/none.npz"),
    "no such reference": ("crosscheck", "{files}/none.npz", "{files}/good.npz"),
    "a reference without weights or points": ("crosscheck", "{files}/images.npy", "{files}/good.npz"),
    "no such image": ("dump", "{files}/model.npz", "{files}/none.npy", "-o", "{tmp}/ref.npz"),
    "another ending": ("dump", "{files}/model.npz", "{files}/images.npy", "-o", "{tmp}/ref.txt"),
    "onto its own input": ("dump", "{files}/model.npz", "{files}/images.npy", "-o", "{files}/model.npz"),
    "a plot of another ending": ("crosscheck", "{dumped}", "{files}/good.npz", "--plot", "{tmp}/plot.txt"),
    "a page of another ending": ("crosscheck", "{dumped}", "{files}/good.npz", "--html", "{tmp}/page.txt"),
    "a page in no folder": ("crosscheck", "{dumped}", "{files}/good.npz", "--html", "{tmp}/none/page.html"),
    "no such baseline": ("crosscheck", "{dumped}", "{files}/good.npz", "--baseline", "{tmp}/none.json"),
    "a baseline that is none": ("crosscheck", "{dumped}", "{files}/good.npz", "--baseline", "{files}/good.npz"),
    "a model that no library has": ("crosscheck", "{dumped}", "timm:swin_none"),
    "no such mapping": ("crosscheck", "{dumped}", "{files}/good.npz", "--mapping", "{tmp}/none.json"),
    "an empty folder": ("crosscheck", "{dumped}", "{tmp}"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_sentence(what, files, dumped, tmp_path):
    with pytest.raises(SwinError) as error:
        run(*(argument.format(dumped=dumped, files=files, tmp=tmp_path) for argument in BAD[what]))
    assert "Traceback" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_an_image_is_told_what_is_missing(files):
    with pytest.raises(SwinError, match="it is a checkpoint, which needs an image too: give it with --image"):
        run("crosscheck", files / "model.npz", files / "bad.npz")


def test_an_onnx_file_is_run_on_the_images_of_the_reference(files, dumped, tmp_path, monkeypatch, capsys):
    def record(path, images):
        assert np.array_equal(images.astype(np.float32), model_and_images()[1])
        return Candidate(module_outputs(every_point()))

    monkeypatch.setattr(onnx_models, "packages", lambda path: None)
    monkeypatch.setattr(onnx_models, "record", record)
    assert run("crosscheck", dumped, tmp_path / "port.onnx") == 0
    assert "They agree" in capsys.readouterr().out


def test_an_onnx_file_without_onnxruntime_or_without_images_is_refused(files, dumped, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SwinError, match="is not installed"):
        run("crosscheck", dumped, tmp_path / "port.onnx")
    monkeypatch.setattr(onnx_models, "packages", lambda path: None)
    np.savez(tmp_path / "trace.npz", output=every_point()["output"])
    with pytest.raises(SwinError, match="without its images"):
        run("crosscheck", tmp_path / "trace.npz", tmp_path / "port.onnx")
