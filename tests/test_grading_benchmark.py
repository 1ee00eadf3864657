"""The benchmark of grading makes a class as it says, and times it."""

import pytest

from benchmarks.grading import main, make_class


def test_a_class_is_made_whose_files_all_differ(tmp_path):
    make_class(tmp_path, 3)
    files = [path.read_bytes() for path in tmp_path.rglob("*.ipynb")]
    assert len(files) == 30 and len(set(files)) == 30


@pytest.mark.long
def test_it_prints_the_seconds(capsys):
    main(["--students", "2", "--processes", "2"])
    assert "2 students, 20 notebooks, 2 processes:" in capsys.readouterr().out
