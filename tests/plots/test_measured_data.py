"""The benchmarks that measure what two figures show: their files are read back, and bad input gets one sentence."""

import json
import os

import numpy as np
import pytest

from benchmarks import attention_time, depth
from swin_np.plots.complexity import read_attention_times
from swin_np.plots.depth import read_layer_errors
from swin_np.shape_policy import TRANSFORMERS
from swin_np.variants import SwinConfig
from tests.matching import assert_matches


def test_attention_is_timed_in_windows_and_globally_where_the_scores_fit(tmp_path):
    path = tmp_path / "times.json"
    assert attention_time.main(["--sizes", "28", "56", "60", "--rounds", "1", "--json", str(path), "--megabytes",
                                "0.1"]) == 0
    times = read_attention_times(path)
    assert [(time.stage, time.size, time.windows) for time in times] == [
        (0, 28, True), (0, 28, False), (0, 56, True), (1, 56, True), (1, 56, False)]
    assert all(time.seconds > 0 for time in times)


@pytest.mark.parametrize("benchmark", [attention_time, depth])
def test_an_unknown_variant_is_refused_in_one_sentence(benchmark, capsys):
    assert benchmark.main(["--variant", "swin_x"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_times_that_cannot_be_written_are_printed_after_all(tmp_path, capsys, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert attention_time.main(["--sizes", "28", "--rounds", "1", "--json", str(tmp_path / "times.json")]) == 2
    captured = capsys.readouterr()
    assert "times.json cannot be written (No space left on device)" in captured.err.splitlines()[-1]
    assert [time["size"] for time in json.loads(captured.out)["times"]] == [28, 28]
    assert list(tmp_path.iterdir()) == []


def test_the_layers_are_those_of_pytorch_in_float64(rng):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from oracle.swin_twin import redrawn_model

    config = SwinConfig((48, 64), 4, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=3, num_classes=5,
                        shape_policy=TRANSFORMERS)
    model, images = redrawn_model(config, 0), rng.standard_normal((2, 3, 48, 64))
    ours = depth.our_layers(model.astype(np.float64), images)
    theirs = depth.their_layers(model, images, np.float64)
    assert list(ours) == ["patch_embed", "layers.0.blocks.0", "layers.0.blocks.1", "layers.0.downsample",
                          "layers.1.blocks.0", "layers.1.blocks.1", "norm", "head"]
    for name, value in ours.items():
        assert_matches(value, theirs[name])


def test_the_stored_errors_are_written_as_the_figure_reads_them(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    rows = [{"name": "norm", "ours_float32": 1e-7, "theirs_float32": 2e-7, "theirs_float64": 3e-16}]
    monkeypatch.setattr(depth, "measure", lambda variant, seed: [depth.LayerError(**row) for row in rows])
    assert depth.main(["--json", str(tmp_path / "depth.json")]) == 0
    assert read_layer_errors(tmp_path / "depth.json")[0].theirs_float64 == 3e-16
    assert json.loads((tmp_path / "depth.json").read_text())["variant"] == "swin_t"
    assert depth.main(["--json", str(tmp_path)]) == 2
