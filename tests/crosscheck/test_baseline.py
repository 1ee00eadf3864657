"""Against an earlier report: what is worse is said, rounding and better names for the same are not worse."""

import json
from copy import deepcopy

import numpy as np
import pytest

from swin_np import trace
from swin_np.crosscheck.baseline import SLACK, read_baseline, summary, worse
from swin_np.crosscheck.reference import displace
from swin_np.errors import InputError
from swin_np.mistakes.catalogue import CATALOGUE, planted
from tests.crosscheck.models import check, every_point, model_and_images, module_outputs


def report(*mistakes, kept=lambda points: points):
    return check(kept(every_point(*mistakes))).to_json()


def worse_than(new, old):
    return worse(summary(new), summary(old))


@pytest.mark.parametrize("mistakes", [(), ("no-mask",), ("merge-row-major", "scale-twice")])
def test_the_same_and_a_better_one_are_no_worse(mistakes):
    assert worse_than(report(*mistakes), report(*mistakes)) == []
    assert worse_than(report(), report(*mistakes)) == []


def test_a_new_mistake_is_said_with_its_module_and_the_points():
    new, *points = worse_than(report("no-mask"), report())
    assert new.startswith("New at layers.0.blocks.1.attn, layers.1.blocks.1.attn: There is no mask")
    assert points[0].startswith("In the whole run, points that agreed and differ now: ")
    assert "first layers.0.blocks.1.attn.probabilities, from 0." in points[0]
    assert points[1].startswith("Alone, points that agreed and differ now: 2, first layers.0.blocks.1.attn.prob")


def test_another_mistake_in_the_place_of_one_is_worse():
    found = worse_than(report("scale-twice"), report("no-mask"))
    assert found[0].startswith("New at layers.0.blocks.0.attn")


def test_the_same_mistake_at_one_more_module_is_worse():
    old = report("no-mask")
    finding, = old["findings"]
    finding["modules"] = finding["modules"][:1]
    assert worse_than(report("no-mask"), old)[0].startswith("New at layers.1.blocks.1.attn: There is no mask")


def test_a_finding_inside_or_around_the_module_that_had_it_is_not_new():
    inside, around = report("no-mask"), report("no-mask")
    around["findings"][0]["modules"] = ["layers.0.blocks.1", "layers.1"]
    assert worse_than(inside, around) == worse_than(around, inside) == []


def test_what_was_unexplained_and_has_a_name_now_is_not_new():
    old = report("no-mask")
    old["findings"][0] |= {"kind": "unexplained", "mistake": "unknown"}
    assert worse_than(report("no-mask"), old) == []
    assert worse_than(old, report("no-mask"))[0].startswith("New at")


@pytest.mark.parametrize(("growth", "is_worse"), [(0, False), (0.99 * SLACK, False), (1.01 * SLACK, True), (-3, False)])
def test_an_error_may_grow_by_the_rounding_of_two_builds(growth, is_worse):
    old = report("no-mask")
    new = deepcopy(old)
    point = next(point for point in new["points"] if point["whole"]["verdict"] != "rounding"
                 and point["whole"]["excess"] > 5)
    point["whole"]["excess"] += growth
    found = worse_than(new, old)
    assert bool(found) == is_worse
    assert not is_worse or found[0].startswith("In the whole run, points that differed and differ more now: 1, first ")


@pytest.mark.parametrize("name", ["norm-eps-outside-the-root", "softmax-over-queries", "no-shift", "gelu-by-tanh"])
def test_a_port_with_a_mistake_is_no_worse_when_it_rounds_otherwise(name):
    def build(seed):
        """A run whose weights, images and so all results are rounded otherwise."""
        rng = np.random.default_rng(seed)
        model, images = model_and_images()
        model = model.astype(np.float32)
        model.place({key: displace(value, rng) for key, value in model.state_dict().items()})
        with planted(CATALOGUE[name]), trace(model) as points:
            model(displace(images, rng))
        return check(module_outputs(points)).to_json()

    builds = [build(seed) for seed in range(3)]
    assert all(found["verdict"] == "differ" for found in builds)
    assert [worse_than(new, old) for new in builds for old in builds] == [[]] * 9


def test_nan_is_worse_than_a_number():
    points = every_point("no-mask")
    points["output"] = np.full_like(points["output"], np.nan)
    assert any("first output, from" in found and "to inf times" in found
               for found in worse_than(check(points).to_json(), report("no-mask")))


def test_a_point_that_is_missing_and_a_coarser_precision_are_worse():
    assert worse_than(report(kept=module_outputs), report())[0].startswith("Points that are not compared any more: ")
    half = report(kept=lambda points: {name: value.astype(np.float16) for name, value in points.items()})
    sentence, = worse_than(half, report())
    assert sentence.startswith("The arithmetic is coarser: float32, stored in float16, and was float32, stored in "
                               "float32, so the tolerances are ")
    assert worse_than(report(), half) == []


def test_the_same_error_in_a_finer_precision_is_no_worse():
    half = report("scale-left-out", kept=lambda points: {
        name: value.astype(np.float16) for name, value in points.items()})
    assert half["precision"] == "float16" and half["verdict"] == "differ"
    assert not [found for found in worse_than(report("scale-left-out"), half) if "differ more" in found]


def test_a_report_is_read_back(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**report("no-mask"), "notes": [], "worse": []}))
    assert read_baseline(path) == summary(report("no-mask"))


NOISE = b'"precision": "float32", "noise": {"arithmetic": "float32"}}'


@pytest.mark.parametrize(("content", "words"), [
    (None, "cannot be read"), (b"", "is no report"), (b"[]", "is no report"), (b"{}", "is no report"),
    (b'{"schema": 2, "points": 5, "findings": [], ' + NOISE, "is no report"),
    (b'{"schema": 2, "points": [5], "findings": [], ' + NOISE, "is no report"),
    (b'{"schema": 2, "points": [], "findings": [{"mistake": []}], ' + NOISE, "is no report"),
    (b'{"schema": 2, "points": [], "findings": [], "noise": null}', "is no report"),
    (b'{"schema": 99}', "has the schema 99, expected 2"), (b"\xff\x00", "is no report")])
def test_another_file_is_refused_in_a_sentence(tmp_path, content, words):
    path = tmp_path / "old.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_baseline(path)
