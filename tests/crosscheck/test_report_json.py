"""The JSON of a report: every field is documented, and the tolerance and its model are in it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import swin_np.crosscheck
from swin_np.crosscheck.baseline import summary, worse
from swin_np.crosscheck.report import SCHEMA
from tests.crosscheck.models import check, every_point, reference

TEXT = (Path(swin_np.crosscheck.__file__).parent / "PORTING.md").read_text(encoding="utf-8").partition("## The JSON")[2]


def fields(value) -> set[str]:
    """The names of all fields, at any depth."""
    if isinstance(value, dict):
        return {*value, *(name for each in value.values() for name in fields(each))}
    return {name for each in value for name in fields(each)} if isinstance(value, list) else set()


def report(*mistakes, **options):
    return check(every_point(*mistakes), **options).to_json()


def test_every_field_is_documented_and_every_documented_field_is_there():
    found = {**report("no-mask"), "worse": worse(summary(report("no-mask")), summary(report()))}
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    in_cells = {"unit", "largest_factor", "typical_factor", "typical", "tokens", "windows", "heads", "channels",
                "phrase"}
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)} | {
        name for name in in_cells if f"`{name}`" in TEXT}
    assert fields(found) == documented


def test_it_has_the_schema_and_plain_json():
    found = report("no-mask")
    assert found["schema"] == SCHEMA
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_excess_is_the_error_over_the_tolerance_of_the_report():
    for point in report("no-mask")["points"]:
        for found in (point["whole"], point["alone"]):
            typical = found["relative"] * float(np.sqrt(np.mean(reference().points[point["name"]] ** 2)))
            by_largest = found["largest"] / found["tolerance"]["largest"]
            assert found["excess"] >= by_largest * (1 - 1e-12)
            if found is point["whole"] and not point["name"].endswith("scores_with_mask"):
                expected = max(by_largest, typical / found["tolerance"]["typical"])
                assert found["excess"] == pytest.approx(expected)


def test_the_noise_model_gives_the_tolerance_from_the_rounding_of_the_reference():
    for precision, points in (("float32", every_point()), ("float16", {
            name: value.astype(np.float16) for name, value in every_point().items()})):
        found = check(points).to_json()
        noise, rounding = found["noise"], reference().rounding
        assert found["precision"] == precision
        assert noise["unit"] == np.finfo(precision).eps
        scale = noise["unit"] / np.finfo(np.float32).eps
        for point in found["points"]:
            allowed, own = point["whole"]["tolerance"], rounding[point["name"]]
            assert allowed["largest"] == pytest.approx(noise["largest_factor"] * scale * own.largest)
            assert allowed["typical"] == pytest.approx(noise["typical_factor"] * scale * own.typical)
