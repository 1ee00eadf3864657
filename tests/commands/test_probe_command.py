"""`swin-np probe`, called as its users call it, well and badly."""

import argparse
import json
import re

import numpy as np
import pytest

from swin_np.commands import probe as probe_command
from swin_np.errors import ConfigurationError, InputError
from swin_np.probes import ABLATIONS, TASKS, load_probe


def parsed(*arguments):
    top = argparse.ArgumentParser()
    probe_command.add_command(top.add_subparsers())
    return top.parse_args(["probe", *arguments])


def run(*arguments):
    options = parsed(*arguments)
    options.run(options)


@pytest.mark.parametrize("task", TASKS)
def test_json_gives_every_answer_and_the_accuracy_that_follows(capsys, task):
    run("--task", task, "--images", "40", "--seed", "3", "--json")
    result = json.loads(capsys.readouterr().out)
    boards = TASKS[task].draw(40, np.random.default_rng(3))
    assert result["right_answers"] == boards.answers.tolist()
    assert list(result["models"]) == list(ABLATIONS)
    for ablation, model in result["models"].items():
        assert model["answers"] == load_probe(task, ablation)(boards.images).argmax(axis=1).tolist()
        assert model["accuracy"] == pytest.approx(np.mean(np.equal(model["answers"], result["right_answers"])))


def test_same_is_also_counted_within_and_across_quadrants(capsys):
    run("--images", "60", "--json")
    models = json.loads(capsys.readouterr().out)["models"]
    assert models["no_shift"]["accuracy_within_a_quadrant"] > models["no_shift"]["accuracy_across_quadrants"]


def test_the_text_shows_the_marks_of_the_first_images(capsys):
    run("--task", "flock", "--images", "5")
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if re.fullmatch(r"\s+[.RGB]{16}(\s+[.RGB]{16}){3}", line)]
    boards = TASKS["flock"].draw(5, np.random.default_rng(0))
    assert len(rows) == 16
    for image in range(4):
        shown = np.array([[".RGB".index(letter) for letter in row[image]] for row in rows])
        assert np.array_equal(shown, boards.marks[image])


def test_the_text_names_every_answer_and_marks_the_wrong_ones(capsys):
    run("--task", "flock", "--images", "12")
    text = capsys.readouterr().out
    boards = TASKS["flock"].draw(12, np.random.default_rng(0))
    names = TASKS["flock"].answers
    for ablation in ABLATIONS:
        answers = load_probe("flock", ablation)(boards.images).argmax(axis=1)[:4]
        expected = [names[answer] + (" (wrong)" if answer != right else "")
                    for answer, right in zip(answers, boards.answers, strict=False)]
        line = next(line for line in text.splitlines() if line.startswith(ablation.replace("_", " ")))
        assert re.split(r"\s{2,}", line)[1:] == expected


def test_fewer_images_than_are_shown_are_no_obstacle(capsys):
    run("--images", "1")
    text = capsys.readouterr().out
    assert "image 1" in text and "image 2" not in text and "right answers to 1 image" in text


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_the_plot_is_written(tmp_path, ending):
    run("--images", "2", "--plot", str(tmp_path / f"boards{ending}"))
    assert (tmp_path / f"boards{ending}").stat().st_size > 5000


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--images", "0"], "ask for 1 to 4096"),
    (["--images", "5000"], "ask for 1 to 4096"),
    (["--seed", "-1"], "is negative"),
    (["--plot", "boards.pdf"], "expected .svg or .png"),
    (["--plot", "missing/boards.png"], "cannot be written"),
    (["--plot", "."], "expected .svg or .png"),
])
def test_bad_options_are_refused_before_the_work(monkeypatch, tmp_path, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(probe_command, "logits_of", None)
    with pytest.raises(InputError, match=re.escape(sentence)):
        run(*arguments)


def test_an_unknown_task_is_answered_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="did you mean 'flock'"):
        run("--task", "block")


def test_the_help_has_an_example_that_is_understood(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    example = re.search(r"example: swin-np probe (.*)", capsys.readouterr().out).group(1)
    assert parsed(*example.split()).task == "flock"
