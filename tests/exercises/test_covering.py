"""The draws of every seed contain what their exercise says, and lead the solution along each of its branches."""

import ast

import numpy as np
import pytest

from swin_np.exercises.covering import alike, differ, draws, maps, missing, one
from swin_np.exercises.exercise import copied
from swin_np.exercises.registry import EXERCISES
from tests.exercises.branches import watched
from tests.exercises.mutations import composite
from tests.exercises.seeds import SEEDS, random_steps

WITH_DRAWS = {name: exercise for name, exercise in EXERCISES.items() if not exercise.question}


def each_exercise(function):
    return pytest.mark.parametrize("exercise", WITH_DRAWS.values(), ids=WITH_DRAWS)(function)


@each_exercise
def test_the_random_steps_of_every_seed_contain_what_the_exercise_says(exercise):
    assert exercise.covers
    for seed in SEEDS:
        found = [step.arguments for step in random_steps(exercise.name, seed)]
        assert len(found) >= 4
        assert missing(exercise, found) == []


@each_exercise
def test_what_an_exercise_says_of_its_draws_is_not_true_of_any_draws(exercise):
    assert missing(exercise, []) == list(exercise.covers)


@each_exercise
def test_the_draws_of_every_seed_take_every_branch_of_the_solution(exercise):
    for seed in SEEDS:
        function, taken, ways = watched(composite(exercise.name))
        for arguments in draws(exercise, seed):
            function(*copied(arguments))
        assert taken == ways


def test_branches_are_those_of_ifs_loops_choices_and_comprehensions():
    solution = composite("swin_transformer")
    _, _, ways = watched(solution)
    conditions = [node for name in solution.reached for node in ast.walk(solution.texts[name])
                  if isinstance(node, ast.If | ast.IfExp | ast.While)]
    filters = [condition for name in solution.reached for node in ast.walk(solution.texts[name])
               if isinstance(node, ast.comprehension) for condition in node.ifs]
    assert len(ways) == 2 * len(conditions + filters) >= 12


@each_exercise
def test_the_draws_of_a_seed_are_always_the_same(exercise):
    one, other = draws(exercise, 3), draws(exercise, 3)
    np.testing.assert_equal(one, other)


def test_conditions_take_the_arguments_that_they_name():
    calls = [{"x": np.zeros((2, 3, 4, 5)), "window": 2}, {"x": np.zeros((1, 4, 4, 5)), "window": 2}]
    assert one(lambda window, x: x.shape[3] > window)(calls)
    assert not one(lambda window: window > 2)(calls)
    assert not differ(lambda window: window)(calls) and differ(lambda x: x.shape)(calls)
    assert alike(lambda window: window, lambda x: x.shape)(calls)
    assert not alike(lambda x: x.shape, lambda window: window)(calls)
    assert [what for what, holds in maps("x").items() if not holds(calls)] == ["a map that is higher than wide"]
