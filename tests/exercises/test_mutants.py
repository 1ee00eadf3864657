"""Every small change of a solution is caught by the random sizes of every seed, or is equal in effect, for a reason."""

import ast
import json

import pytest

from benchmarks.mutants import main
from swin_np.exercises.registry import EXERCISES
from tests.exercises.mutations import Mutant, composite, mutants
from tests.exercises.seeds import SEEDS
from tests.exercises.trials import equal_in_effect, mutants_of, tried
from tests.lengths import long_but

QUICK = [name for name, exercise in EXERCISES.items() if exercise.points <= 2]
SAMPLE = 60                                            # every so manieth mutant, of the exercises that take long
PART, PART_OF_HELPERS = 9, 40
FEW_SEEDS = SEEDS[:4]


def missed(name, chosen, seeds):
    """The mutants that some seed lets pass, by what they change."""
    trials = [tried(name, mutant, seeds) for mutant in chosen]
    return [(trial.mutant.before, trial.mutant.after, trial.missed) for trial in trials if trial.outcome == "missed"]


@pytest.mark.parametrize("name", long_but(QUICK, EXERCISES))
def test_every_mutant_of_a_solution_is_caught_under_every_seed(name):
    chosen = list(mutants_of(name, helpers=False))     # of long ones a part, and all by python -m benchmarks.mutants
    assert missed(name, chosen if name in QUICK else chosen[::PART], SEEDS) == []


@pytest.mark.parametrize("name", EXERCISES)
def test_a_sample_of_the_mutants_of_a_solution_and_its_helpers_is_caught(name):
    assert missed(name, mutants_of(name, SAMPLE), FEW_SEEDS) == []


@pytest.mark.long
@pytest.mark.parametrize("name", EXERCISES)
def test_many_mutants_of_helpers_are_caught(name):
    assert missed(name, mutants_of(name, PART_OF_HELPERS), FEW_SEEDS) == []


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_many_mutants_and_none_is_the_solution(name):
    chosen = list(mutants(composite(name).texts[name]))
    assert len(chosen) > (3 if EXERCISES[name].question else 20)
    assert len({mutant.text for mutant in chosen}) == len(chosen)
    assert all(mutant.before != mutant.after for mutant in chosen)


def changes_of(text):
    function, = ast.parse(text).body
    return {mutant.after for mutant in mutants(function)}


@pytest.mark.parametrize(("line", "after"), [
    ("return a - b", {"return a + b", "return b - a", "return a", "return b"}), ("return x[1]", {"return x[0]"}),
    ("return x.sum(axis=-1)", {"return x.sum()", "return x.sum(axis=1)", "return x.sum(axis=-2)", "return x",
                               "return x.mean(axis=-1)"}),
    ("return f(a, b)", {"return f(b, a)", "return f(a)", "return a", "return f(b, b)", "return f(0, b)"}),
    ("return a if a < b else b", {"return a if a <= b else b", "return a if True else b", "return a if False else b"}),
    ("return x['a'] + x['b']", {"return x['b'] + x['b']"}), ("x = a", {"pass"}), ("return x[1:2]", {"return x[:2]"}),
    ("return (a, b)", {"return (b, a)"}), ("return -a", {"return a"}), ("a += b", {"a -= b", "a = b", "pass"})])
def test_the_changes_of_a_line(line, after):
    assert changes_of(f"def g(a, b, x):\n    {line}") >= after


def test_names_of_parameters_and_docstrings_are_left():
    assert changes_of('def g(a, b=2):\n    """Text 1."""\n    return a') == {
        "return b", "return 0", "return 1"}


@pytest.mark.long
def test_every_reason_belongs_to_mutants_that_there_are():
    there = {(name, mutant.function, mutant.after) for name in EXERCISES for mutant in mutants_of(name)}
    helpers = {("*", function, after) for name, function, after in there if name != function}
    assert set(equal_in_effect()) <= there | helpers
    assert all(reason.endswith(".") for reason in equal_in_effect().values())


def test_a_reason_for_a_helper_does_not_excuse_a_solution():
    trial = tried("softmax", Mutant("softmax", "", "exponentials = np.exp(x)", "def softmax(x):\n    return x"), [0])
    assert (trial.outcome, trial.reason) == ("caught", "")


def test_the_command_prints_counts(capsys):
    assert main(["--quick", "--only", "softmax", "--processes", "1"]) == 0
    assert "| softmax | 9 | 9 | 0 | 0 | 0 | 0 | 0 | 0 |" in capsys.readouterr().out
    assert main(["--quick", "--only", "gelu", "--json"]) == 0
    assert {trial["outcome"] for trial in json.loads(capsys.readouterr().out)} <= {"caught", "equal"}


def test_the_command_refuses_what_cannot_be(capsys):
    assert main(["--seeds", "0"]) == 2
    assert "expected 1 or more" in capsys.readouterr().err
