"""The porter's page: its programs compile, run and write what is read back, and its names are the reference's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import swin_np.crosscheck
from swin_np.crosscheck.candidates import candidate_of
from tests.crosscheck.models import reference

PAGE = (Path(swin_np.crosscheck.__file__).parent / "PORTING.md").read_text(encoding="utf-8")
EXPECTED = np.array([[0.5, -1.25, 2.0], [3.5, 0.125, -4.0]], np.float32)
COMPILERS = {"c": ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "port", "port.c"],
             "rust": ["rustc", "-D", "warnings", "-o", "port", "port.rs"]}


def program(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def read_back(folder: Path) -> None:
    points = candidate_of(folder / "dumps").points
    assert list(points) == ["layers.0.blocks.1.attn"]
    assert points["layers.0.blocks.1.attn"].dtype == np.float32
    assert np.array_equal(points["layers.0.blocks.1.attn"], EXPECTED)
    assert np.array_equal(np.load(folder / "dumps" / "layers.0.blocks.1.attn.npy"), EXPECTED)


@pytest.mark.parametrize("language", COMPILERS)
def test_the_compiled_example_writes_a_point_that_is_read_back(language, tmp_path):
    if not shutil.which(COMPILERS[language][0]):
        pytest.skip(f"there is no {COMPILERS[language][0]}")
    (tmp_path / COMPILERS[language][-1]).write_text(program(language), encoding="utf-8")
    (tmp_path / "dumps").mkdir()
    subprocess.run(COMPILERS[language], cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "port")], cwd=tmp_path, check=True)
    read_back(tmp_path)


def test_the_python_example_writes_a_point_that_is_read_back(tmp_path):
    subprocess.run([sys.executable, "-c", program("python")], cwd=tmp_path, check=True)
    read_back(tmp_path)


def test_every_example_fits_twenty_five_lines():
    for language in ("python", "c", "rust"):
        assert len(program(language).splitlines()) <= 25


def test_the_points_of_the_page_are_points_of_the_reference():
    rows = re.findall(r"^\| (`.*?) \|", PAGE.split("## Python")[0], re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(.*?)`", row)]
    assert "layers.I.blocks.J" in names
    for name in names:
        name = name if not name.startswith(".") else f"layers.I.blocks.J{name}"
        assert name.replace("I", "0").replace("J", "1") in reference().points
    for step in re.findall(r"`((?:attn|mlp)\.\w+)`", PAGE):
        assert f"layers.0.blocks.1.{step}" in reference().points
