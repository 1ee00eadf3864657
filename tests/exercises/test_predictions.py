"""Predictions are marked, and explained where they are wrong; the answer is nowhere to be read."""

import re

import numpy as np
import pytest

from swin_np.exercises.checking import examine
from swin_np.exercises.naming import MISTAKES
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.sealing import fits, plain, seal
from tests.exercises.wrong_answers import PREDICTED

QUESTIONS = {name: exercise for name, exercise in EXERCISES.items() if exercise.question}


def report(name, answer):
    return " ".join(examine(QUESTIONS[name], lambda: answer).report.split())


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_report_on_a_wrong_prediction_explains_it_and_does_not_say_the_answer(name):
    right, _ = PREDICTED[name.removeprefix("predict_")]
    for mistake in QUESTIONS[name].mistakes:
        said = report(name, MISTAKES[mistake].wrong())
        assert f"The prediction is that of a known mistake ({mistake})" in said and MISTAKES[mistake].fix in said
        for text in (MISTAKES[mistake].says, MISTAKES[mistake].fix):
            assert plain(eval(right)) not in text.replace(",", "").replace(".", "").split()


def test_a_report_on_a_prediction_is_short():
    assert report("predict_windows", 81) == "predict_windows: right, 1 of 1 point your prediction: right"
    assert report("predict_windows", 80) == (
        "predict_windows: wrong, 0 of 1 point your prediction: it is not 80. Draw a small case and count, or run the "
        "cell below, and find where you went another way.")
    assert report("predict_windows", np.zeros((2, 3))).endswith(
        "an array of shape (2, 3) came back, expected a number, or a tuple of numbers.")
    assert report("predict_windows", True).endswith("True came back, expected a number, or a tuple of numbers.")
    assert "number True" not in report("predict_windows", True)
    assert "81" not in report("predict_windows", None) + report("predict_windows", 1 / 7)


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_that_is_sealed_does_not_pass_for_the_answer(name):
    reference = QUESTIONS[name].reference
    assert not examine(QUESTIONS[name], lambda: reference()).passed
    assert re.fullmatch(rf"{name}:[0-9a-f]{{64}}", reference())


@pytest.mark.parametrize(("answer", "text"), [
    (81, "81"), (81.0, "81"), (np.int32(81), "81"), (13.809, "13.8"), (np.float32(0.4375), "0.438"), (" Both ", "both"),
    ((1, 2.0), "(1, 2)"), ([1, np.int64(2)], "(1, 2)"), (np.array([1, 2]), "(1, 2)"), (np.array(9.0), "9"),
    ([81], "81"), ((9.0,), "9"),
    (None, ""), (True, ""), (np.True_, ""), ((1, None), ""), ((1, (2,)), ""), (1j, ""), (np.zeros((2, 2)), ""),
    (float("nan"), "a number beyond all others"), (10 ** 400, "a number beyond all others"), ((), "()")])
def test_an_answer_as_text(answer, text):
    assert plain(answer) == text


def test_an_answer_is_sealed_for_its_question():
    assert fits(81.0, seal("one", 81)) and not fits(82, seal("one", 81))
    assert seal("one", 81).partition(":")[2] != seal("two", 81).partition(":")[2]
