"""No wrong answer that was thought of passes, whatever the seed: the random sizes alone catch each."""

import pytest

from swin_np.exercises.checking import answered, examine
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import FOLLOWED, LONGEST, MOST_LINES
from tests.exercises.mutations import composite
from tests.exercises.seeds import SEEDS, random_steps
from tests.exercises.wrong_answers import WRONG_ANSWERS
from tests.lengths import long_but

ALL = [(name, what) for name, answers in WRONG_ANSWERS.items() for what in answers]


@pytest.mark.parametrize("answer", long_but(ALL[::4], ALL), ids=": ".join)
def test_a_wrong_answer_is_caught_by_the_random_sizes_of_every_seed(answer):
    name, what = answer
    exercise, function = EXERCISES[name], composite(name).changed(WRONG_ANSWERS[name][what])
    for seed in SEEDS:
        assert any(answered(exercise, function, step)[1] for step in random_steps(name, seed)), seed


@pytest.mark.parametrize("answer", long_but(ALL[::7], ALL), ids=": ".join)
def test_a_wrong_answer_gets_no_points_unless_a_helper_is_wrong_and_a_short_report(answer):
    name, what = answer
    result = examine(EXERCISES[name], composite(name).changed(WRONG_ANSWERS[name][what]))
    if result.outcome == FOLLOWED:
        helper = next(one for one in EXERCISES[name].helpers if f"calls your {one}" in " ".join(result.report.split()))
        changed = composite(name).sources[helper]
        assert any(before in changed for before in WRONG_ANSWERS[name][what])
    else:
        assert (result.outcome, result.points) in (("wrong", 0), ("error", 0))
    lines = result.report.split("\n")
    assert len(lines) <= MOST_LINES and max(map(len, lines)) <= LONGEST


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_the_answer_without_a_change_is_right(name):
    assert examine(EXERCISES[name], composite(name).changed({})).passed


def test_the_large_exercises_have_many_wrong_answers():
    assert {name for name, answers in WRONG_ANSWERS.items() if len(answers) >= 10} >= {
        name for name, exercise in EXERCISES.items() if exercise.points >= 4 and exercise.minutes >= 25}
