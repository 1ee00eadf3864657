"""The JSON of a report: every field is documented, and the tolerance and its model are in it."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import swin_np.crosscheck
from swin_np.crosscheck.arithmetic.formats import INT8
from swin_np.crosscheck.arithmetic.schemes import Arithmetic
from swin_np.crosscheck.arithmetic.sensitivity import sensitivity
from swin_np.crosscheck.baseline import summary, worse
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.report import SCHEMA
from tests.crosscheck.models import check, every_point, model_and_images, reference

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
    found["sensitivity"] = {**asdict(sensitivity(reference(), Arithmetic(INT8, INT8), 0.1)), "layers": {}}
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    in_cells = {"typical", "tokens", "windows", "heads", "channels",
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


@pytest.mark.parametrize(("precision", "computing", "scale"), [
    ("float32", np.float32, 1), ("float64", np.float64, 2**-29), ("float16", np.float32, 1)])
def test_the_noise_model_gives_the_tolerance_from_the_rounding_of_the_reference(precision, computing, scale):
    model, images = model_and_images()
    found = check({"output": model.astype(computing)(images.astype(computing)).astype(precision)}).to_json()
    noise, own = found["noise"], reference().rounding["output"]
    assert (found["precision"], noise["computing"], noise["arithmetic"]) == (precision, computing.__name__, "float32")
    allowed, truth = found["points"][0]["whole"]["tolerance"], reference().points["output"]
    in_16_bits = precision == "float16"
    assert noise["stored"] == ({"output": "float16"} if in_16_bits else {})
    half_unit = 2**-11 * in_16_bits
    assert allowed["largest"] == pytest.approx(
        noise["largest_factor"] * scale * own.largest + half_unit * np.abs(truth).max(), rel=1e-4)
    assert allowed["typical"] == pytest.approx(
        noise["typical_factor"] * scale * own.typical + half_unit * root_mean_square(truth), rel=1e-4)
