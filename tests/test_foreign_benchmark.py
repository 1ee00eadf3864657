"""benchmarks.foreign judges answers as it says; no time is asserted."""

import json

import pytest

from swin_np.crosscheck.report import Finding, Report

pytest.importorskip("torch")

from benchmarks.foreign import judge, main
from oracle.foreign_causes import CAUSES

MLP, BLOCK = "layers.0.blocks.0.mlp", "layers.0.blocks.0"


@pytest.mark.parametrize(("cause", "findings", "outcome"), [
    ("gelu-by-tanh-everywhere", [("mistake", MLP, "gelu-by-tanh", "")], "named"),
    ("gelu-by-tanh-everywhere", [("mistake", BLOCK, "gelu-by-tanh", "")], "named"),
    ("gelu-by-tanh-everywhere", [("mistake", "layers.1.blocks.0", "gelu-by-tanh", "")], "elsewhere"),
    ("gelu-by-tanh-everywhere", [("mistake", MLP, "relu-for-gelu", "")], "wrong"),
    ("silu-for-gelu", [("solved", MLP, "another activation", "The activation is SiLU.")], "described"),
    ("silu-for-gelu", [("unexplained", MLP, "unknown", "the nearest is SiLU")], "located"),
    ("silu-for-gelu", [("weights", MLP, "other weights", "")], "wrong"),
    ("fc1-reshaped-for-transposed", [("weights", MLP, "other weights", "")], "located"),
    ("silu-for-gelu", [("solved", MLP, "another activation", "SiLU"), ("mistake", "norm", "no-mask", "")], "wrong")])
def test_an_answer_is_worth_what_it_says(cause, findings, outcome):
    found = [Finding(kind, module, (module,), mistake, sentence) for kind, module, mistake, sentence in findings]
    assert judge(Report("differ", None, "float32", "official", [], found), CAUSES[cause]) == outcome


def test_the_command_prints_every_candidate_and_depth(capsys):
    assert main(["--only", "tanh|other order", "--depth", "main", "--json"]) == 0
    found = {trial["what"]: trial["outcome"] for trial in json.loads(capsys.readouterr().out)}
    assert found == {"gelu-by-tanh-everywhere": "named", "float32, other order of sums": "agree"}
