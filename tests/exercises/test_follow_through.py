"""A function that is right but for another one of the student's gets its points, and the other is named."""

import pytest

from swin_np.exercises import progress
from swin_np.exercises.checking import check, examine
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import FOLLOWED, WRONG
from tests.exercises.mutations import composite
from tests.exercises.wrong_answers import WRONG_ANSWERS

OVER_ALL = {"exponentials / exponentials.sum(axis=-1, keepdims=True)": "exponentials / exponentials.sum()"}
BLANK = {"exponentials = np.exp(x - x.max(axis=-1, keepdims=True))\n": "raise NotImplementedError\n"}
TRANSPOSED = {"softmax(scores) @ v": "softmax(scores).T @ v"}


def result_of(name, changes):
    return examine(EXERCISES[name], composite(name).changed(changes))


@pytest.mark.parametrize("changes", [OVER_ALL, BLANK])
def test_a_function_that_calls_a_wrong_or_empty_helper_gets_its_points(changes):
    result = result_of("attention_head", changes)
    assert (result.outcome, result.points, result.passed) == (FOLLOWED, 3, False)
    assert "Your attention_head is right, but it calls your softmax, which is wrong" in " ".join(result.report.split())


def test_a_function_that_is_wrong_too_gets_none():
    result = result_of("attention_head", {**OVER_ALL, **TRANSPOSED})
    assert (result.outcome, result.points) == (WRONG, 0)


def test_the_innermost_wrong_helper_is_named_alone():
    report = " ".join(result_of("two_successive_blocks", OVER_ALL).report.split())
    assert "it calls your softmax, which is wrong" in report


def test_a_helper_that_is_right_is_not_blamed_for_what_the_reference_forgives():
    what = "the height decides on the shift"           # a shift that the library's block leaves out by itself
    result = result_of("swin_transformer", WRONG_ANSWERS["swin_transformer"][what])
    assert (result.outcome, result.points) == (WRONG, 0)


def test_the_student_s_own_helper_is_there_again_afterwards():
    function = composite("attention_head").changed(OVER_ALL)
    before = function.__globals__["softmax"]
    examine(EXERCISES["attention_head"], function)
    assert function.__globals__["softmax"] is before


@pytest.mark.parametrize("name", EXERCISES)
def test_the_helpers_of_an_exercise_are_those_that_its_notebook_calls(name):
    own = composite(name)
    called = [one for one in own.reached if one in EXERCISES and one != name
              and len(own.texts[one].args.args) == len(EXERCISES[one].parameters)]      # ViT's norm takes its eps too
    assert sorted(EXERCISES[name].helpers) == sorted(called)
    assert all(list(EXERCISES).index(one) < list(EXERCISES).index(name) for one in called)


def test_its_points_count_in_the_progress(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("swin_np.exercises.registry.DONE", {})
    attention_head = composite("attention_head").changed(OVER_ALL)
    assert check(attention_head).points == 3
    progress()
    out = capsys.readouterr().out
    assert "right but for a helper, 3 of 3 points" in out and f"3 of {sum(e.points for e in EXERCISES.values())}" in out


def test_a_helper_is_asked_in_numbers_of_one_precision():
    mixed = {"/ math.sqrt(q.shape[-1])": "/ math.sqrt(q.shape[-1]) + np.zeros(len(k))"}
    result = result_of("attention_head", {**OVER_ALL, **mixed})
    assert result.outcome == FOLLOWED
