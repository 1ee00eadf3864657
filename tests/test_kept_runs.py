"""Runs of benchmarks.speed are kept by processor, and docs/performance.md has the tables that they give."""

import json
import platform

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from benchmarks import kept
from benchmarks.contenders import EAGER, OURS, PRODUCTS, TIMM
from benchmarks.machine import processor
from benchmarks.peak_memory import Memory
from benchmarks.results import Results, Timing, as_json
from swin_np.errors import InputError

MACHINE = {"processor": "An Abacus(R) @ 2 Hz", "vectors": "AVX2", "cores": "2", "NumPy": "2.4", "BLAS": "beads",
           "kernels": "Wood", "variables": "BEADS=10", "torch": "2"}


def run(ours=3.0):
    """Made-up numbers: batch 1 on one and two threads."""
    timings = [Timing(name, 1, 224, threads, [seconds / threads]) for threads in (1, 2)
               for name, seconds in ((EAGER, 4.0), (TIMM, 2.0 + threads / 2), (PRODUCTS, 2.0), (OURS, ours))]
    beside = Results("resnet_50", {}, {}, [Timing(EAGER, 1, 224, 2, [2.0]), Timing(OURS, 1, 224, 2, [3.0])])
    memory = [Memory(name, 1, 224, 2, 1.0, peak) for name, peak in ((EAGER, 400.0), (OURS, 100.0))]
    return Results("swin_t", MACHINE, {}, timings, memory, beside=[beside])


def test_the_page_has_the_tables_of_the_kept_runs():
    page = kept.PAGE.read_text(encoding="utf-8")
    assert kept.with_tables(page) == page, "run python -m benchmarks.kept"


def test_every_kept_run_lies_in_the_file_of_its_processor():
    files = sorted(kept.FOLDER.glob("*.json"))
    assert files
    for file in files:
        assert kept.file_of(kept.FOLDER, kept.read(file).machine) == file


def test_a_run_survives_being_kept(tmp_path):
    file = kept.file_of(tmp_path, MACHINE)
    assert file.name == "an-abacus-r-2-hz-kernels-for-wood-2-cores.json"
    file.write_text(as_json(run()))
    assert kept.tables([kept.read(file)]) == kept.tables([run()])


def test_a_row_has_the_fastest_peer_of_each_number_of_threads():
    text = kept.tables([run()])
    assert ("| 1 | 224 | 1 | 1 / 2 | 1.20 (timm) / 1.00 (timm) | 0.75 / 0.75 |  | 1.20 / 1.00 |  | 1.50 / 1.50 | 0.25 |"
            in text)
    assert "| 1 | resnet_50 | 1 | 2 | 1.50 |" in text
    assert "1. An Abacus(R) @ 2 Hz, kernels for Wood: 2 cores, AVX2, NumPy 2.4, beads, BEADS=10, PyTorch 2\n" in text


@pytest.mark.parametrize("text", [
    "", "[]", json.dumps({"timings": []}), "{", as_json(Results("swin_t", {"processor": "An Abacus"}, {})),
    as_json(Results("swin_t", MACHINE, {}, [Timing(OURS, 1, 224, 1, [3.0])]))], ids=range(6))
def test_a_file_that_is_no_run_is_refused(tmp_path, text):
    (file := tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json is no run of benchmarks.speed"):
        kept.read(file)


def test_a_page_without_a_place_for_the_tables_is_refused():
    with pytest.raises(InputError, match="has no place for the tables"):
        kept.with_tables("no marks")


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no kept run: make one with"):
        kept.with_tables(kept.PAGE.read_text(encoding="utf-8"), tmp_path)


@pytest.mark.parametrize(("text", "name", "vectors"), [
    ("model name\t: An Abacus\ncpu family\t: 6\nmodel\t\t: 85\nflags\t\t: fpu avx2 avx512f\n\nmodel name\t: Another\n",
     "An Abacus (family 6, model 85)", "AVX-512"),
    ("model name\t: An Abacus\nflags\t\t: fpu avx2\n", "An Abacus", "AVX2"), ("CPU implementer\t: 0x41\n", None, "")])
def test_a_processor_is_named_as_linux_names_it(text, name, vectors, tmp_path):
    (about := tmp_path / "cpuinfo").write_text(text)
    found = processor(about)
    assert found["vectors"] == vectors and (found["processor"] == name or name is None)
    assert processor(tmp_path / "none") == {"processor": platform.processor() or platform.machine(), "vectors": ""}
