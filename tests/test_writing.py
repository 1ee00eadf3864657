"""Files appear whole or not at all, whatever interrupts the writing."""

import os

import pytest

from swin_np.errors import InputError
from swin_np.writing import check_ending, make_folder, replacing, write_text


@pytest.fixture
def old(tmp_path):
    """A file with content, alone in its folder."""
    (tmp_path / "result.csv").write_text("old")
    return tmp_path / "result.csv"


def test_the_new_text_takes_the_place_of_the_old_one(old):
    write_text("größer\n", old)
    assert old.read_bytes() == "größer\n".encode()
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError, MemoryError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(old, interruption):
    with pytest.raises(interruption), replacing(old) as stream:
        stream.write(b"half of")
        stream.flush()
        raise interruption
    assert [(path, path.read_text()) for path in old.parent.iterdir()] == [(old, "old")]


def test_until_all_is_written_the_old_file_is_there(old):
    with replacing(old) as stream:
        stream.write(b"new")
        stream.flush()
        assert old.read_text() == "old"
    assert old.read_text() == "new"


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(old, monkeypatch, function):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, full)
    with pytest.raises(InputError, match=r"result\.csv cannot be written \(No space left on device\): choose"):
        write_text("new", old)
    assert [(path, path.read_text()) for path in old.parent.iterdir()] == [(old, "old")]


def test_a_file_that_grows_too_large_is_one_sentence(old):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**4, hard))            # bytes
    try:
        with pytest.raises(InputError, match=r"cannot be written \(File too large\)"):
            write_text("new" * 10**5, old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(path, path.read_text()) for path in old.parent.iterdir()] == [(old, "old")]


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".csv")
    write_text("long", path)
    assert path.read_text() == "long"


@pytest.mark.parametrize("name", ["x" * 300, "no folder/a.csv", "file/a.csv", "folder"])
def test_where_nothing_can_be_written_it_is_one_sentence_and_no_file(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="cannot be written"):
        write_text("new", tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_that_is_no_utf_8_stops_no_writing(tmp_path):
    write_text("ann\udcff", tmp_path / "grades.csv")
    assert (tmp_path / "grades.csv").read_bytes() == b"ann\\udcff"


@pytest.mark.parametrize("name", ["a.pdf", "a", ".svg", "a.svg.txt", "a.SVG"])
def test_another_ending_is_refused_with_those_that_can_be(tmp_path, name):
    with pytest.raises(InputError, match=r"expected \.svg or \.png: choose another ending"):
        check_ending(tmp_path / name, (".svg", ".png"))
    check_ending(tmp_path / "a.png", (".svg", ".png"))


def test_folders_are_made_or_it_is_one_sentence(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "one" / "two")
    assert (tmp_path / "one" / "two").is_dir()
    (tmp_path / "file").write_text("")
    for path in ("file", "file/folder", "x" * 300):
        with pytest.raises(InputError, match="cannot be made"):
            make_folder(tmp_path / path)
