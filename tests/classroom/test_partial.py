"""Partial credit: the stages of a check that a wrong function passes count as the teacher says."""

import json

import pytest

from swin_np.classroom import class_grades, gradebooks
from swin_np.classroom.class_grades import Rules
from swin_np.classroom.feedback import pages
from swin_np.classroom.grade_table import as_csv
from swin_np.classroom.grading import FileGrade
from swin_np.classroom.partial import NOTHING, partial_of
from swin_np.errors import SwinError
from swin_np.exercises.checking import examine
from swin_np.exercises.climbing import STAGES
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import WRONG
from tests.exercises.mutations import composite
from tests.exercises.solutions import solutions

SOFTMAX, MASK = EXERCISES["softmax"], EXERCISES["window_attention"]
WITHOUT_MAXIMUM = ("import numpy as np\ndef softmax(x):\n    e = np.exp(x)\n"
                   "    return e / e.sum(-1, keepdims=True)\n")


def of_mask_of_two_images():
    changes = {"np.tile(mask, (count // len(mask), 1, 1))": "np.tile(mask, (2, 1, 1))[:count]"}
    return examine(MASK, composite("window_attention").changed(changes))


def test_the_stages_that_a_function_passes_are_kept():
    assert examine(SOFTMAX, solutions()["softmax"]).stages == list(STAGES)
    assert examine(SOFTMAX, lambda x: x).stages == ["shape"]
    assert examine(SOFTMAX, lambda x: x[0]).stages == []
    assert examine(SOFTMAX, lambda x: None).stages == []
    assert of_mask_of_two_images().stages == ["shape", "example"]


def test_points_are_the_percents_of_what_is_passed():
    result = partial_of("shape=10, example=20,sizes=40").credited(of_mask_of_two_images())
    assert (result.points, result.possible, result.outcome) == (1.5, 5, "error")
    assert result.report.startswith("window_attention: error, 1.5 of 5 points\n")
    assert NOTHING.credited(result) is result


def test_points_are_rounded_down_and_never_more_than_possible():
    result = examine(SOFTMAX, lambda x: x)
    assert partial_of("shape=33.3").credited(result).points == 0.66
    assert partial_of("shape=100").credited(result).points == 2
    assert partial_of("shape=50").credited(examine(SOFTMAX, solutions()["softmax"])).points == 2


@pytest.mark.parametrize(("text", "sentence"), [
    ("exmaple=20", "did you mean 'example'"), ("example", "expected a stage and its percent"),
    ("example=many", "expected a stage and its percent"), ("example=-1", "expected 0 to 100"),
    ("example=nan", "expected 0 to 100"), ("example=60,sizes=60", "gives 120 percent in all"),
    ("example=1,example=2", "two numbers for example"), ("", "names no stage")])
def test_what_cannot_be_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(SwinError, match=sentence):
        partial_of(text)


def test_partial_points_are_in_every_table_and_page_without_grading_again(tmp_path):
    (tmp_path / "ann.py").write_text(WITHOUT_MAXIMUM)
    rules = Rules(partial=partial_of("shape=10,example=40"))
    grades, _ = class_grades.grade(tmp_path, rules=rules, processes=1)
    assert grades[0].points == 1 and grades[0].results["softmax"].outcome == WRONG
    assert "softmax-overflows" in as_csv(grades) and ",1,1," in as_csv(grades)
    assert "1 of 2 (softmax-overflows)" in gradebooks.moodle(grades)
    text = dict(pages(grades))["ann.html"]
    assert "1 of 2 points" in text and "softmax: wrong, 1 of 2 points" in text


def test_stages_and_pictures_survive_the_file_of_results():
    def window_partition(x, window):
        return solutions()["window_partition"](x, window)[::-1]

    result = examine(EXERCISES["window_partition"], window_partition)
    assert result.grids and result.stages == ["shape"]
    stored = json.loads(json.dumps(FileGrade({"window_partition": result}).as_json()))
    assert FileGrade.of_json(stored).results["window_partition"] == result
