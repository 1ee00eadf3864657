"""The comparison of Table 5: what its rows compute, what they touch, and how they are reported; no time is asserted."""

import json
import os

import numpy as np
import pytest

from benchmarks import shifted_not_sliding
from benchmarks.shifted_not_sliding import CYCLIC, METHODS, Results, Timing, as_json, report, time_in_turn, time_stage
from swin_np import SwinConfig
from swin_np.attention import WindowAttention
from swin_np.layers import redraw
from swin_np.ragged import ragged_window_attention
from tests.matching import assert_matches

SLIDING = [name for name in METHODS if name.startswith("sliding")]
SHIFTED = [name for name in METHODS if name.startswith("shifted")]
SMALL = SwinConfig((24, 36), embed_dim=6, depths=(2, 2), num_heads=(1, 2), window_size=3)
SWIN_T_STAGES = [((56, 56), 96), ((28, 28), 192), ((14, 14), 384), ((7, 7), 768)]


@pytest.fixture
def results():
    """Made-up numbers in stages 1 and 4: the first method takes 1 s (median), the next 2 s and so on; 9 MB each."""
    timings = [Timing(name, stage, SWIN_T_STAGES[stage - 1][0], 96, 3, 9_000_000, [number, 9.0, 0.0])
               for stage in (1, 4) for number, name in enumerate(METHODS, start=1)]
    return Results({"processor": "an abacus"}, 1, timings)


@pytest.fixture
def attn():
    attn = WindowAttention.random(12, 3, 2, np.random.default_rng(0))
    redraw(attn, 1)
    return attn.astype(np.float64)


def test_the_three_sliding_rows_compute_the_same(attn, rng):
    x = rng.standard_normal((2, 6, 9, 12))
    first, *others = (METHODS[name].run(x, attn) for name in SLIDING)
    assert len(others) == 2
    for other in others:
        assert_matches(other, first)


@pytest.mark.parametrize("name", SHIFTED)
def test_a_shifted_row_computes_regular_and_then_shifted_windows(name, attn, rng):
    x = rng.standard_normal((2, 6, 9, 12))
    definition = ragged_window_attention(ragged_window_attention(x, attn, (0, 0)), attn, (1, 1))
    assert_matches(METHODS[name].run(x, attn), definition)


def test_the_row_without_shift_computes_regular_windows_twice(attn, rng):
    x = rng.standard_normal((2, 6, 9, 12))
    definition = ragged_window_attention(ragged_window_attention(x, attn, (0, 0)), attn, (0, 0))
    assert_matches(METHODS["window, no shift"].run(x, attn), definition)


@pytest.mark.parametrize(("map_size", "channels"), SWIN_T_STAGES)
def test_a_sliding_window_touches_49_times_what_a_shifted_one_does(map_size, channels):
    touched = {name: method.bytes_of_two_blocks(map_size, channels, (7, 7)) for name, method in METHODS.items()}
    keys_and_values = 2 * 4 * channels * map_size[0] * map_size[1]
    assert touched[CYCLIC] == touched["window, no shift"] == 2 * keys_and_values
    assert touched["sliding, gathered"] == touched["sliding, banded"] == 49 * touched[CYCLIC]
    assert touched["sliding, naive"] < touched["sliding, banded"]       # what is beyond the border is not read


@pytest.mark.parametrize(("map_size", "ratio"), [((56, 56), 145 / 128), ((28, 28), 41 / 32), ((14, 14), 13 / 8),
                                                 ((7, 7), 5 / 2)])
def test_padding_touches_one_more_window_on_each_axis_in_every_second_block(map_size, ratio):
    padding, cyclic = (METHODS[name].bytes_of_two_blocks(map_size, 96, (7, 7)) for name in SHIFTED)
    assert padding / cyclic == ratio


def test_every_method_runs_equally_often_in_turn():
    calls = []
    times = time_in_turn({name: lambda name=name: calls.append(name) for name in "ab"}, repeats=3)
    assert calls == ["a", "a", "b", "b"] * 3
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 3, "b": 3}


def test_a_stage_is_timed_at_its_own_size():
    timings = time_stage(SMALL, stage=2, repeats=1)
    assert [timing.method for timing in timings] == list(METHODS)
    assert {(timing.map_size, timing.channels, timing.heads) for timing in timings} == {((3, 5), 12, 2)}


def test_ratios_are_those_of_the_medians_beside_the_paper(results):
    entries = {(entry["method"], entry["stage"]): entry for entry in json.loads(as_json(results))["timings"]}
    assert len(entries) == 2 * len(METHODS)
    naive, padding = entries["sliding, naive", 1], entries["shifted, padding", 4]
    assert (naive["median"], naive["to_cyclic"]) == pytest.approx((1.0, 1 / 6))
    assert (naive["paper_milliseconds"], naive["paper_to_cyclic"]) == pytest.approx((122.5, 122.5 / 3.0))
    assert (padding["to_cyclic"], padding["paper_to_cyclic"]) == pytest.approx((5 / 6, 2.2))


def test_the_paper_text_gives_the_same_ratios_of_its_table():
    """Section 4.4: 40.8, 20.2, 9.3 and 7.6 times as fast as sliding naively, 2.5, 2.5, 2.1 and 1.8 as the kernel."""
    cyclic = METHODS[CYCLIC].paper_times
    for name, ratios in (("sliding, naive", [40.8, 20.2, 9.3, 7.6]), ("sliding, banded", [2.5, 2.5, 2.1, 1.8])):
        quotients = [time / of_cyclic for time, of_cyclic in zip(METHODS[name].paper_times, cyclic, strict=True)]
        assert np.round(quotients, 1).tolist() == ratios


def test_the_report_shows_every_stage_beside_the_paper(results):
    text = report(results)
    assert "6000.0, 6000.0 ms, medians of 3" in text
    assert "| sliding, naive | 0.17 (40.83) | 0.17 (7.60) | sliding window (naive) |" in text
    assert "| shifted, padding | 9.00 (1.00) | 9.00 (1.00) |" in text


def test_one_stage_can_be_measured_and_kept_as_json(tmp_path, capsys):
    path = tmp_path / "shifted.json"
    assert shifted_not_sliding.main(["--stages", "4", "--repeats", "1", "--json", str(path)]) == 0
    captured = capsys.readouterr()
    assert "stage 4: 7x7x768" in captured.out and "1 of 1: stage 4" in captured.err
    found = json.loads(path.read_text())
    assert [entry["method"] for entry in found["timings"]] == list(METHODS)
    assert found["threads"] == 1


def test_a_folder_that_is_not_there_is_noticed_before_the_measurements(capsys):
    assert shifted_not_sliding.main(["--json", "no such folder/shifted.json"]) == 2
    captured = capsys.readouterr()
    assert "cannot be written" in captured.err and captured.err.count("\n") == 1 and not captured.out


def test_a_file_that_cannot_be_written_leaves_the_tables_and_one_sentence(tmp_path, capsys, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "shifted.json"
    assert shifted_not_sliding.main(["--stages", "4", "--repeats", "1", "--json", str(path)]) == 2
    captured = capsys.readouterr()
    assert list(tmp_path.iterdir()) == []
    assert "cannot be written" in captured.err.splitlines()[-1] and "stage 4: 7x7x768" in captured.out


@pytest.mark.parametrize("options", [["--stages", "5"], ["--repeats", "0"], ["--threads", "x"]])
def test_numbers_that_make_no_sense_are_refused(options, capsys):
    with pytest.raises(SystemExit) as stop:
        shifted_not_sliding.main(options)
    assert stop.value.code == 2 and options[0] in capsys.readouterr().err
