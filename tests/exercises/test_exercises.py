"""Every exercise: its solution and others pass, the blank says so, and each of its mistakes is caught and named."""

import inspect
from functools import cache

import numpy as np
import pytest

from swin_np.exercises.checking import examine, steps
from swin_np.exercises.exercise import arrays
from swin_np.exercises.naming import MISTAKES, planted
from swin_np.exercises.registry import EXERCISES, NOTEBOOKS
from tests.exercises.solutions import in_other_styles, solution_cells, solutions

LEAST_NAMED = 0.95                                     # the share of all mistakes


def each_exercise(function):
    return pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)(function)


def with_mistake(exercise, mistake):
    """The right function with the mistake in it, as a student's; of a question the wrong answer."""
    if exercise.question:
        return mistake.wrong

    def wrong(*arguments):
        with planted(mistake):
            return exercise.reference(*arguments)
    return wrong


@cache
def mistaken(exercise_name, name):
    exercise = EXERCISES[exercise_name]
    return examine(exercise, with_mistake(exercise, MISTAKES[name]))


@each_exercise
def test_an_exercise_is_well_described(exercise):
    assert exercise.title and exercise.place
    assert 1 <= exercise.points <= 10 and 5 <= exercise.minutes <= 30
    assert inspect.getdoc(exercise.reference)
    assert len(set(exercise.mistakes)) == len(exercise.mistakes)


@each_exercise
def test_the_solution_passes_with_any_seed(exercise):
    for seed in (0, 2103, 2022):
        result = examine(exercise, solutions()[exercise.name], seed)
        assert result.passed and result.points == exercise.points, result.report


@each_exercise
def test_the_solution_has_the_parameters_that_the_exercise_names(exercise):
    assert tuple(inspect.signature(solutions()[exercise.name]).parameters) == exercise.parameters


@each_exercise
def test_right_answers_in_two_other_styles_pass(exercise):
    others = in_other_styles()[exercise.name]
    assert len(others) >= 2
    for function in others:
        result = examine(exercise, function)
        assert result.passed, f"{function.__name__}\n{result.report}"


@each_exercise
def test_a_blank_is_not_implemented_yet(exercise):
    def raises(*arguments):
        raise NotImplementedError

    for blank in (raises, lambda *arguments: None, lambda *arguments: ...):
        result = examine(exercise, blank)
        assert (result.outcome, result.points) == ("not implemented yet", 0)
        assert "Traceback" not in result.report


@pytest.mark.parametrize(("exercise", "name"),
                         [(exercise, name) for exercise in EXERCISES.values() for name in exercise.mistakes],
                         ids=lambda value: getattr(value, "name", value))
def test_every_mistake_is_caught(exercise, name):
    result = mistaken(exercise.name, name)
    assert not result.passed and result.points == 0


def test_mistakes_are_named():
    asked = [(exercise, name) for exercise in EXERCISES.values() for name in exercise.mistakes]
    unnamed = [(exercise.name, name) for exercise, name in asked if mistaken(exercise.name, name).mistake != name]
    assert len(asked) >= 60
    assert len(unnamed) <= (1 - LEAST_NAMED) * len(asked), unnamed


@each_exercise
def test_a_report_of_a_mistake_does_not_show_the_solution(exercise):
    text, _ = solution_cells()[exercise.name]          # cells of several notebooks share their names in linecache
    lines = [line.strip() for line in text.splitlines()]
    code = [line.split("#")[0].strip() for line in lines if "=" in line or line.startswith("return")]
    for name in exercise.mistakes:
        report = mistaken(exercise.name, name).report
        assert not [line for line in code if len(line) > 12 and line in report]


@pytest.mark.parametrize("exercise", [exercise for exercise in EXERCISES.values() if not exercise.question])
def test_the_sizes_of_random_arguments_differ(exercise):
    shapes = [tuple(x.shape for x in arrays(step.arguments)) or step.arguments for step in steps(exercise, 0)]
    assert len(set(shapes)) >= 4


def values(result):
    return result if isinstance(result, tuple) else (result,)


@each_exercise
def test_the_golden_value_is_the_reference_s(exercise):
    if exercise.golden is not None:
        arguments, expected = exercise.golden()
        for ours, theirs in zip(values(exercise.reference(*arguments)), values(expected), strict=True):
            assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_names_are_unique_and_every_notebook_has_exercises():
    assert len(EXERCISES) == sum(len(exercises) for exercises in NOTEBOOKS.values())
    assert all(NOTEBOOKS.values())
