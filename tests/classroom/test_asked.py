"""Following through while grading: the submission's process asks for what is right, and is told small things alone."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np.classroom.asked import LONGEST_AXIS, MOST_QUESTIONS, Asked
from swin_np.classroom.grading import Grader
from swin_np.exercises.covering import drawn
from swin_np.exercises.follow_through import right
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import ERROR, FOLLOWED, NOT_IMPLEMENTED, RIGHT, WRONG

HEAD = ("import numpy as np, math\n\ndef softmax(x):\n    e = np.exp(x - x.max(-1, keepdims=True))\n"
        "    return {softmax}\n\ndef attention_head(q, k, v):\n    return {head}\n")
OWN = "e / e.sum(-1, keepdims=True)"
CALLS = "softmax(q @ k.T / math.sqrt(q.shape[-1])) @ v"


@pytest.fixture(scope="module")
def grader():
    one = Grader()
    yield one
    one.close()


def graded(grader, softmax=OWN, head=CALLS, more=""):
    text = HEAD.format(softmax=softmax, head=head) + more
    return grader.grade("attention.py", text.encode()).results


def test_a_wrong_helper_costs_its_own_points_alone(grader):
    results = graded(grader, softmax="e / e.sum()")
    assert (results["softmax"].outcome, results["softmax"].points) == (WRONG, 0)
    assert (results["attention_head"].outcome, results["attention_head"].points) == (FOLLOWED, 3)


def test_an_empty_helper_too(grader):
    results = graded(grader, softmax="None")
    assert (results["softmax"].outcome, results["attention_head"].outcome) == (NOT_IMPLEMENTED, FOLLOWED)


@pytest.mark.parametrize("softmax", ["sum(range(10**13))", "[0 for _ in iter(int, 1)]", "__import__('os')._exit(0)"])
def test_a_helper_that_never_ends_or_ends_the_process_too(grader, softmax, monkeypatch):
    for name in ("softmax", "attention_head"):
        monkeypatch.setitem(EXERCISES, name, replace(EXERCISES[name], seconds=0.3))
    results = graded(grader, softmax=softmax)
    assert (results["softmax"].outcome, results["softmax"].points) == (ERROR, 0)
    assert (results["attention_head"].outcome, results["attention_head"].points) == (FOLLOWED, 3)


@pytest.mark.parametrize("head", ["softmax(k @ q.T / math.sqrt(q.shape[-1])) @ v", "__import__('os')._exit(0)"])
def test_a_wrong_function_gets_nothing_for_such_a_helper(grader, head):
    results = graded(grader, softmax="__import__('os')._exit(0)", head=head)
    assert (results["attention_head"].outcome, results["attention_head"].points) == (ERROR, 0)


def test_where_the_function_is_wrong_a_line_is_told(grader):
    result = graded(grader, head=CALLS.replace("q @ k.T", "k @ q.T"))["attention_head"]
    said = " ".join(result.report.split())
    assert result.outcome == WRONG and "It has the scaled product q k^T with two axes exchanged: look at line " in said


def test_a_helper_cannot_be_used_as_an_oracle_for_itself(grader):
    cheat = ("\nimport __main__\ntrue_softmax = []\ndef attention_head(q, k, v):\n    true_softmax.append(softmax)\n"
             "    return softmax(q @ k.T / math.sqrt(q.shape[-1])) @ v\n")
    results = graded(grader, softmax="true_softmax[-1](x) if true_softmax else e / e.sum()", more=cheat)
    assert results["softmax"].points == 0


@pytest.mark.long
def test_a_question_without_end_costs_the_exercise_alone(grader):
    results = graded(grader, softmax="e / e.sum()", head="[softmax(q) for _ in iter(int, 1)]")
    assert results["attention_head"].outcome in ("error", WRONG) and results["attention_head"].points == 0
    assert graded(grader)["attention_head"].outcome == RIGHT


def asked(**more):
    return Asked({"softmax": lambda *arguments: right("softmax", *arguments), **more}, (np.zeros(3),))


def test_small_questions_are_answered():
    assert np.allclose(asked().answer("softmax", (np.zeros((2, 4)),), {}, 5)["value"], 0.25)


@pytest.mark.parametrize(("name", "arguments"), [
    ("gelu", (np.zeros(3),)), ("softmax", [np.zeros(3)]), ("softmax", (np.zeros(LONGEST_AXIS + 1),)),
    ("softmax", (np.zeros((2000, 2000)),)), ("softmax", (10 ** 9,)), ("softmax", (-10 ** 9,)),
    ("softmax", (float("inf"),)), ("softmax", (np.zeros(3, object),)), ("softmax", ({"a": (1, 10 ** 6)},)),
    (["softmax"], ()), ("softmax", ("text",))])
def test_other_questions_are_refused(name, arguments):
    assert "error" in asked().answer(name, arguments, {}, 5)


def test_a_question_may_have_twice_the_numbers_of_the_call():
    one = Asked({}, (np.zeros(40_000),))
    assert one.is_small((np.zeros((40, 2000)),)) and not one.is_small((np.zeros((41, 2000)),))
    assert asked().is_small((np.zeros((25, 2000)),)) and not asked().is_small((np.zeros((26, 2000)),))


def test_questions_are_counted():
    one = asked()
    answers = [one.answer("softmax", (np.zeros(2),), {}, 5) for _ in range(MOST_QUESTIONS + 1)]
    assert "value" in answers[0] and "error" in answers[-1]


@pytest.mark.parametrize("name", ["swin_transformer", "two_successive_blocks", "shifted_window_mask"])
def test_what_a_right_function_asks_is_small_enough(name):
    for seed in range(3):
        arguments = drawn(EXERCISES[name], 7, seed)
        assert Asked({}, arguments).is_small(arguments)
