"""The ports of notebook 8: each has the one mistake that it should, and the check does not say which."""

import inspect

import numpy as np
import pytest

from notebooks.exercises.generate import FOLDER
from swin_np.exercises.checking import examine
from swin_np.exercises.covering import drawn
from swin_np.exercises.exercise import copied
from swin_np.exercises.find_the_bug import PLANTED
from swin_np.exercises.naming import MISTAKES, planted
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.submission import code_cells, defined_by
from tests.matching import assert_matches

SOURCE = FOLDER / "source" / "08_find_the_bug" / "08_find_the_bug.ipynb"


@pytest.fixture(scope="module")
def ports():
    """The three ports of the notebook, by their exercises."""
    namespace, problems = defined_by(SOURCE)
    assert not problems
    return dict(zip(PLANTED, (value for name, value in namespace.items() if name.startswith("port_of_")), strict=True))


@pytest.mark.parametrize(("name", "mistake"), PLANTED.items())
def test_a_port_computes_with_the_mistake_that_is_planted_in_it(ports, name, mistake):
    for number in range(5):
        arguments = drawn(EXERCISES[name], 11, number)
        with planted(MISTAKES[mistake]):
            expected = EXERCISES[name].reference(*copied(arguments))
        assert_matches(ports[name](*arguments), expected)


@pytest.mark.parametrize(("name", "mistake"), PLANTED.items())
def test_the_check_refuses_a_port_without_saying_what_is_wrong_with_it(ports, name, mistake):
    result = examine(EXERCISES[name], ports[name])
    assert (result.outcome, result.points, result.mistake) == ("wrong", 0, "")
    for word in (mistake, MISTAKES[mistake].says, MISTAKES[mistake].fix):
        assert word not in " ".join(result.report.split())
    assert mistake not in EXERCISES[name].mistakes


@pytest.mark.parametrize("name", PLANTED)
def test_a_port_is_no_longer_than_a_page(ports, name):
    assert list(inspect.signature(ports[name]).parameters) == list(EXERCISES[name].parameters)
    cell = next(text for text, _ in code_cells(SOURCE) if f"def {ports[name].__name__}(" in text)
    assert 10 <= len(cell.splitlines()) <= 32


def test_the_second_port_is_right_for_a_single_image(ports):
    x, window, shift = drawn(EXERCISES["find_the_bug_2"], 3, 0)
    expected = EXERCISES["find_the_bug_2"].reference(x[:1], window, shift)
    assert_matches(ports["find_the_bug_2"](x[:1], window, shift), expected)
    assert np.abs(ports["find_the_bug_2"](x, window, shift)[:1] - expected).max() > 1e-3
