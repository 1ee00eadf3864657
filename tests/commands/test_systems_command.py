"""`swin-np systems`, and `tour` and `info` of the systems beside Swin, called as their users call them."""

import json

import numpy as np
import pytest

from swin_np.commands import systems as systems_command
from swin_np.commands.cli import main
from swin_np.systems import resident_memory
from swin_np.systems.measurement import Measurement, measure, measure_here
from swin_np.systems.registry import COMPARED, SYSTEMS, architecture_of


def test_the_table_has_a_row_for_every_system_and_size(capsys):
    assert main(["systems", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["systems"]
    assert [(row["system"], row["image_size"]) for row in rows] == [
        (name, [side, side]) for name in COMPARED for side in (224, 448, 896)]
    by_case = {(row["system"], row["image_size"][0]): row for row in rows}
    assert by_case["swin_t", 224]["multiply_adds"] == 4_494_292_224
    assert by_case["vit_b_16", 896]["parameters"] - by_case["vit_b_16", 224]["parameters"] == 768 * (56**2 - 14**2)
    # four times the pixels: a convolution costs four times as much, attention to all tokens more
    for small, large in ((224, 448), (448, 896)):
        growth = {name: by_case[name, large]["multiply_adds"] / by_case[name, small]["multiply_adds"]
                  for name in ("swin_t", "resnet_50", "vit_b_16")}
        assert growth["swin_t"] == pytest.approx(4, rel=1e-3) and growth["resnet_50"] == pytest.approx(4, rel=1e-3)
        assert growth["vit_b_16"] > 4.4


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t", "swin_mixer_t_c24", "vit_b_32", "resnet_18",
                                  "res2net_50_v1b_26w_4s"])
def test_the_maps_of_the_table_are_those_the_model_gives(name):
    row = systems_command.counted(name, (96, 64))
    config = systems_command.for_image_size(SYSTEMS[name], (96, 64))
    maps = architecture_of(config).model.random(config).feature_maps(np.zeros((1, 3, 96, 64), np.float32))
    assert row.maps == [x.shape[1:] for x in maps]


def test_with_measure_every_system_has_a_time_and_a_peak(capsys, monkeypatch):
    peaks = {"swin_t": 164.4, "resnet_50": None}
    monkeypatch.setattr(systems_command, "measure", lambda name, size, cores: Measurement(0.25, 4, 1.0, peaks[name]))
    assert main(["systems", "swin_t", "resnet_50", "--sizes", "224", "--measure", "--threads", "1"]) == 0
    captured = capsys.readouterr()
    head, *rows = captured.out.splitlines()
    assert "time" in head and "peak" in head
    assert "250 ms" in rows[0] and "164 MiB" in rows[0] and rows[0].endswith("7x7x768")
    assert "250 ms" in rows[1] and rows[1].count("MiB") == 1
    assert "2 of 2: resnet_50 at 224x224" in captured.err


def test_a_measurement_that_did_not_come_to_its_end_leaves_its_cells_empty(capsys, monkeypatch):
    monkeypatch.setattr(systems_command, "measure", lambda name, size, cores: None)
    assert main(["systems", "vit_b_16", "--sizes", "896", "--measure", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["systems"][0]["measured"] is None
    assert "vit_b_16 at 896x896 did not come to its end" in captured.err


def test_a_measurement_runs_in_a_process_of_its_own():
    large = np.ones(1 << 26)                           # 512 MiB
    measured = measure("deit_ti", (32, 32), 1)
    assert measured.seconds > 0 and measured.runs >= 3
    if resident_memory.measurable():
        assert 0 < measured.loaded <= measured.peak < large.nbytes / 2**20
    assert measure("no such system", (32, 32)) is None


def test_a_measurement_counts_the_passes_after_the_first():
    assert measure_here("deit_ti", (32, 32), 1).runs >= 3


@pytest.mark.parametrize(("arguments", "words"), [
    (["systems", "swin"], "unknown system 'swin'"),
    (["systems", "vit_b_16", "--sizes", "225"], "vit_b_16 at 225x225: patch (16, 16) does not divide"),
    (["systems", "--sizes", "0"], "--sizes 0 was given"),
    (["systems", "resnet_50", "--threads", "0"], "--threads 0 was given"),
    (["tour", "--variant", "resnet50"], "did you mean 'resnet_50'"),
    (["info", "vit_b_16", "--image-size", "100", "100"], "patch (16, 16) does not divide"),
    (["info", "resnet_50", "--image-size", "-4", "8"], "-4"),
])
def test_bad_input_gives_one_sentence_and_exit_status_2(arguments, words, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and error[0].startswith("swin-np: ") and words in error[0]


@pytest.mark.parametrize(("name", "rows"), [
    ("vit_b_16", ["patch embedding", "12 blocks", "norm, head"]),
    ("resnet_50", ["stem", "stage 1, 3 blocks", "stage 2, 4 blocks", "stage 3, 6 blocks", "stage 4, 3 blocks",
                   "mean, head"]),
    ("swin_v2_t", ["patch embedding", "stage 1, 2 blocks", "patch merging", "stage 2, 2 blocks", "patch merging",
                   "stage 3, 6 blocks", "patch merging", "stage 4, 2 blocks", "norm, mean, head"]),
])
def test_info_sums_up_the_parts_of_a_system(name, rows, capsys):
    assert main(["info", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:24].strip() for line in lines[2:-1]] == rows
    assert main(["info", name, "--json"]) == 0
    assert f"{json.loads(capsys.readouterr().out)['parameters']:,}" in lines[-1]


def test_the_tour_of_a_vit_and_of_a_resnet_tells_their_steps(capsys):
    assert main(["tour", "--variant", "deit_ti"]) == 0
    text = capsys.readouterr().out
    assert "1 of 197" in text and "5,717,416" in text
    assert main(["tour", "--variant", "resnet_18", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [step["map_size"] for step in steps] == [[56, 56], [56, 56], [28, 28], [14, 14], [7, 7], []]
