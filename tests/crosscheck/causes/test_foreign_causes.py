"""What others got wrong in their ports is named, or described so that the line to change is clear."""

from functools import cache

import pytest

from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from tests.lengths import long_but

pytest.importorskip("torch")

from benchmarks.foreign import judge
from oracle.foreign_causes import CAUSES
from oracle.foreign_port import PATTERNS, Port, tiny_model

SHORT = ("norm-weight-and-bias-exchanged", "merging-pads-at-the-top-left", "padding-masked",
         "mask-of-the-first-image-only", "shift-by-one", "drop-path-active", "attention-lost", "block-repeated",
         "v-bias-lost", "cosine-attention", "erf-of-three-terms", "clipped-before-a-linear-layer", "tile-of-zeros",
         "clamped-to-two", "pooling-divides-by-49")
LOCATED = ("bias-table-resampled",)                    # needs the scores before and after the bias


@cache
def reference(seed, image_size):
    return Reference.of(*tiny_model(seed, image_size))


def answer(cause, depth, seed=11):
    model, images = tiny_model(seed, cause.image_size)
    port = Port(model)
    cause.plant(port)
    report = crosscheck(reference(seed, cause.image_size), Candidate(port.dump(images, PATTERNS[depth])))
    return judge(report, cause), report


@pytest.mark.parametrize("depth", ["blocks", "main", "all"])
@pytest.mark.parametrize("name", long_but(SHORT, CAUSES))
def test_a_foreign_cause_is_named_or_described(name, depth):
    outcome, report = answer(CAUSES[name], depth)
    if name in LOCATED and depth != "all":
        assert outcome == "located"
    else:
        assert outcome in ("named", "described"), report.findings


def test_a_table_that_was_resampled_is_read_off_the_scores():
    finding, = answer(CAUSES["bias-table-resampled"], "all", seed=5)[1].findings
    assert "correlates with the reference's at 0.9" in finding.sentence


def test_one_cause_in_a_block_is_one_finding():
    for name in ("drop-path-active", "attention-lost", "skip-from-the-second-norm"):
        assert len(answer(CAUSES[name], "main")[1].findings) == 1
