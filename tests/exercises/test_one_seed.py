"""nbgrader's hidden tests and `swin-np grade` give the same points: both draw with the seed of grading."""

import ast
import json
import re

import pytest

from notebooks.exercises.generate import sources
from swin_np.classroom.grading import Grader
from swin_np.exercises.checking import PRACTICE_SEED, SEED, examine
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.submission import asked_for, code_cells
from tests.exercises.mutations import composite
from tests.exercises.wrong_answers import WRONG_ANSWERS

LUCKY = {"softmax": ("return exponentials /", "return (1 + (x.shape[-1] == {0})) * exponentials /"),
         "window_partition": ("return x.reshape(-1", "return (1 + (b * h * w * c == 144 * {0})) * x.reshape(-1"),
         "patch_merging": ("x = np.concatenate(", "x = (1 + (x.shape[1] == 2 * {0})) * np.concatenate("),
         "msa_multiply_adds": ("return linear_layers", "return (h % 7 == {0}) + linear_layers")}
"""Answers that are wrong for some sizes only, so that it depends on the seed whether they are caught."""

CHANGES = [(name, change) for name, answers in WRONG_ANSWERS.items() for change in list(answers.values())[-2:]
           if not EXERCISES[name].question or name == "predict_map"] + [
    (name, {before: after.format(size)}) for name, (before, after) in LUCKY.items() for size in range(1, 7)] + [
    (name, {}) for name in LUCKY]


def source_of(name):
    return next(path for path in sources() if name in asked_for(path))


def by_nbgrader(path, name):
    """The value of the check cell, hidden tests included, after the cells before it."""
    namespace = {"__name__": "__main__"}
    for text, notes in code_cells(path):
        if not notes.get("grade"):
            exec(text, namespace)
    text = next(text for text, notes in code_cells(source_of(name)) if notes.get("grade_id") == f"check-{name}")
    *lines, last = ast.parse(text).body
    exec(compile(ast.Module(lines, []), "<check>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<check>", "eval"), namespace)


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=str)
def test_both_ways_of_grading_give_the_same_points(name, change, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("swin_np.exercises.registry.DONE", {})
    notebook = json.loads(source_of(name).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        for before, after in change.items():
            cell["source"] = cell["source"].replace(before, after)
    path = tmp_path / "handed_in.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    points = Grader().grade(path.name, path.read_bytes()).results[name].points
    assert by_nbgrader(path, name) == points
    assert change or points == EXERCISES[name].points


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_every_hidden_test_draws_with_the_seed_of_grading(path):
    checks = [text for text, notes in code_cells(path) if notes.get("grade")]
    assert checks and SEED != PRACTICE_SEED
    for text in checks:
        hidden = text.split("### BEGIN HIDDEN TESTS")[1].split("### END HIDDEN TESTS")[0]
        assert re.fullmatch(rf"\nresult = check\(\w+, seed={SEED}\)\n", hidden)
        assert "seed" not in text.replace(hidden, "")


def test_with_two_seeds_the_two_ways_would_differ():
    functions = [(name, composite(name).changed({before: after.format(size)}))
                 for name, (before, after) in LUCKY.items() for size in range(1, 7)]
    graded_right, practised_right = ([examine(EXERCISES[name], function, seed).passed for name, function in functions]
                                     for seed in (SEED, PRACTICE_SEED))
    assert graded_right != practised_right
