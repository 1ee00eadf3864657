"""Output files are checked before the work begins, by one check and with the same sentences for every command."""

import os
from pathlib import Path

import pytest

import swin_np
from benchmarks import attention_time, depth, shifted_not_sliding, speed
from swin_np.classroom import class_grades
from swin_np.commands import classify, convert, crosscheck, dump, probe
from swin_np.commands.cli import main
from swin_np.commands.options import FIGURE, output_file, output_folder
from swin_np.errors import InputError


@pytest.mark.parametrize("name", ["new.png", "old.png", "dangling.svg", "folder/new.svg", "linked folder/new.svg",
                                  "x" * 251 + ".png"])
def test_files_that_can_be_written_are_taken_and_nothing_is_written(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.png").write_text("old")
    (tmp_path / "dangling.svg").symlink_to(tmp_path / "nothing.svg")
    (tmp_path / "linked folder").symlink_to(tmp_path / "folder")
    before = sorted(tmp_path.rglob("*"))
    output_file(tmp_path / name, FIGURE, [tmp_path / "folder", tmp_path / "not there.png"])
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "old.png").read_text() == "old"


BAD = {"a.pdf": r"ends in '\.pdf', expected \.svg or \.png: choose another ending", "": r"expected \.svg or \.png",
       "folder.png": r"folder\.png is a folder: give the path of a file to write",
       "link to folder.png": "is a folder",
       "no folder/a.png": "cannot be written: choose a folder that exists and that you can write to",
       "file/a.png": r"cannot be written \(Not a directory\)", "x" * 300 + ".png": r"cannot be written \(File name too"}


@pytest.mark.parametrize("name", BAD)
def test_files_that_cannot_be_written_are_refused_in_a_sentence(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link to folder.png").symlink_to(tmp_path / "folder.png")
    with pytest.raises(InputError, match=BAD[name]):
        output_file(tmp_path / name, FIGURE)


@pytest.mark.parametrize("link", [None, os.link, os.symlink])
def test_a_file_that_is_read_is_never_written(tmp_path, link):
    (tmp_path / "photo.png").write_text("a photo")
    path = tmp_path / ("alias.png" if link else "photo.png")
    if link:
        link(tmp_path / "photo.png", path)
    with pytest.raises(InputError, match="is a file that is read: choose another name"):
        output_file(path, FIGURE, [tmp_path / "other.png", tmp_path / "photo.png"])


@pytest.mark.parametrize("source", ["shards", "shards/model.safetensors.index.json"])
def test_no_file_beside_shards_is_written(tmp_path, source):
    (tmp_path / "shards").mkdir()
    for name in ("one.safetensors", "model.safetensors.index.json"):
        (tmp_path / "shards" / name).write_text("")
    with pytest.raises(InputError, match="is a file that is read"):
        output_file(tmp_path / "shards" / "one.safetensors", (".safetensors",), [tmp_path / source])
    output_file(tmp_path / "shards" / "new.safetensors", (".safetensors",), [tmp_path / source])


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path, monkeypatch):
    if os.geteuid() == 0:                              # root may write anywhere
        monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="choose a folder that exists and that you can write to"):
        output_file(tmp_path / "a.png", FIGURE)
    tmp_path.chmod(0o700)


def test_a_folder_for_files_is_made_and_none_of_them_may_be_read(tmp_path):
    output_folder(tmp_path / "new" / "figures", ["a.svg", "b.png"])
    assert (tmp_path / "new" / "figures").is_dir()
    (tmp_path / "b.png").write_text("a photo")
    with pytest.raises(InputError, match=r"b\.png is a file that is read"):
        output_folder(tmp_path, ["a.svg", "b.png"], [tmp_path / "b.png"])
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(InputError, match=r"a\.svg is a folder"):
        output_folder(tmp_path, ["a.svg", "b.png"])


WORK = {                                               # a command, the ending of OUT, and what its work begins with
    "classify --plot": (["classify", "IN", "--checkpoint", "OTHER", "--plot", "OUT"], ".png", classify, "load"),
    "classify --csv": (["classify", "IN", "--checkpoint", "OTHER", "--csv", "OUT"], ".csv", classify, "load"),
    "classify --csv of the checkpoint": (["classify", "OTHER", "--checkpoint", "IN", "--csv", "OUT"], ".csv", classify,
                                         "load"),
    "convert": (["convert", "IN", "OUT", "--to", "timm", "--force"], ".npz", convert, "read"),
    "dump": (["dump", "OTHER", "IN", "-o", "OUT"], ".npz", dump, "reference_of"),
    "dump of the checkpoint": (["dump", "IN", "OTHER", "-o", "OUT"], ".npz", dump, "reference_of"),
    "crosscheck": (["crosscheck", "IN", "OTHER", "--plot", "OUT"], ".svg", crosscheck, "candidate_of"),
    "crosscheck of the candidate": (["crosscheck", "OTHER", "IN", "--plot", "OUT"], ".svg", crosscheck,
                                    "candidate_of"),
    "crosscheck of the image": (["crosscheck", "OTHER", "OTHER", "--image", "IN", "--plot", "OUT"], ".svg", crosscheck,
                                "candidate_of"),
    "crosscheck of the mapping": (["crosscheck", "OTHER", "OTHER", "--mapping", "IN", "--plot", "OUT"], ".svg",
                                  crosscheck, "candidate_of"),
    "crosscheck --html": (["crosscheck", "OTHER", "IN", "--html", "OUT"], ".html", crosscheck, "candidate_of"),
    "crosscheck --html of the baseline": (["crosscheck", "OTHER", "OTHER", "--baseline", "IN", "--html", "OUT"],
                                          ".html", crosscheck, "candidate_of"),
    "probe": (["probe", "--plot", "OUT"], ".png", probe, "logits_of"),
    "grade --csv": (["grade", "OTHER", "--csv", "OUT"], ".csv", class_grades, "grade"),
    "grade --moodle": (["grade", "OTHER", "--moodle", "OUT"], ".csv", class_grades, "grade"),
    "grade --canvas": (["grade", "OTHER", "--canvas", "OUT"], ".csv", class_grades, "grade"),
    "grade --csv of the roster": (["grade", "OTHER", "--roster", "IN", "--csv", "OUT"], ".csv", class_grades, "grade"),
    "grade --results": (["grade", "OTHER", "--results", "OUT"], ".jsonl", class_grades, "grade"),
    "grade --plot": (["grade", "OTHER", "--plot", "OUT"], ".png", class_grades, "grade"),
    "speed --json": (["--json", "OUT"], ".json", speed, "measure"),
    "speed --figure": (["--figure", "OUT"], ".png", speed, "measure"),
    "shifted_not_sliding": (["--json", "OUT"], ".json", shifted_not_sliding, "measure"),
    "depth": (["--json", "OUT"], ".json", depth, "measure"),
    "attention_time": (["--json", "OUT"], ".json", attention_time, "measure"),
}


OUTPUTS = ("other ending", "folder", "no folder/new", "x" * 300, "input", "link")


@pytest.mark.parametrize(("case", "output"), [
    (case, output) for case in WORK for output in OUTPUTS if output not in ("input", "link") or "IN" in WORK[case][0]])
def test_every_command_checks_its_output_before_the_work(case, output, tmp_path, monkeypatch, capsys):
    arguments, ending, module, work = WORK[case]
    monkeypatch.setattr(module, work, None)            # nothing is loaded, computed or executed
    source = tmp_path / f"input{ending}"
    source.write_text("read")
    (tmp_path / f"link{ending}").symlink_to(source)
    (tmp_path / f"folder{ending}").mkdir()
    (tmp_path / "other").mkdir()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    target = tmp_path / ("a.txt" if output == "other ending" else f"{output}{ending}")
    places = {"IN": str(source), "OTHER": str(tmp_path / "other file"), "OUT": str(target)}
    run = main if arguments[0] in ("classify", "convert", "dump", "crosscheck", "probe", "grade") else module.main
    assert run([places.get(argument, argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and captured.out == ""
    said = {"other ending": "expected .", "folder": "is a folder", "input": "is a file that is read",
            "link": "is a file that is read"}
    assert target.name in captured.err and said.get(output, "cannot be written") in captured.err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_tour_draws_over_no_photograph(tmp_path, capsys):
    from PIL import Image

    photo = tmp_path / "hierarchy.png"
    Image.new("RGB", (256, 256)).save(photo)
    before = photo.read_bytes()
    assert main(["tour", "--image", str(photo), "--figures", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "hierarchy.png is a file that is read" in captured.err and captured.out == ""
    assert photo.read_bytes() == before


def test_nothing_in_the_library_imports_the_commands():
    package = Path(swin_np.__file__).parent
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if "commands" not in path.parts
             and "swin_np.commands" in path.read_text(encoding="utf-8")}
    assert found == {"__main__.py"}
