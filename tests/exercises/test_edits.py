"""Random edits of the solutions that change the result are caught by the check."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np.exercises.calling import call
from swin_np.exercises.checking import examine
from swin_np.exercises.comparing import difference
from swin_np.exercises.covering import drawn
from swin_np.exercises.exercise import copied
from swin_np.exercises.registry import EXERCISES
from tests.exercises.edits import edited
from tests.exercises.solutions import solution_cells

EDITS = -(-300 // len(EXERCISES))                      # for each exercise, so that there are 300 in all
OTHER_SEED, OTHER_DRAWS = 77, 6
SECONDS = 2.0                                          # for a call; an edit may have made a loop without end


def changes_the_result(exercise, function) -> bool:
    """Whether the edited function gives something else for arguments that the check does not use."""
    for number in range(OTHER_DRAWS):
        arguments = drawn(exercise, OTHER_SEED, number)
        called = call(function, copied(arguments), exercise.seconds)
        if called.error or difference(called.value, exercise.reference(*copied(arguments)), np.dtype(np.float64)):
            return True
    return False


def compiled(text, name, namespace):
    own = dict(namespace)
    exec(compile(text, "<edited>", "exec"), own)
    return own[name]


@pytest.mark.parametrize("name", EXERCISES)
def test_random_edits_are_caught(name):
    exercise = replace(EXERCISES[name], seconds=SECONDS, mistakes=())
    text, namespace = solution_cells()[name]
    caught = 0
    for edit in edited(text, name, np.random.default_rng(5)):
        function = compiled(edit, name, namespace)
        if changes_the_result(exercise, function):
            assert not examine(exercise, function).passed, edit
            caught += 1
        if caught == EDITS:
            return
    assert caught >= 10                                # a short function may have fewer edits
