"""The images of the probes, read back from their pixels by rules of their own."""

import itertools
import math

import numpy as np
import pytest

from swin_np.errors import ConfigurationError, InputError
from swin_np.probes import TASKS, accuracy_by_position, cross_entropy, is_right, straddles, task_named
from swin_np.probes.tasks import PAIRS, render

TILES = np.array([(0.865, 0.865, 0.865), (0.9, 0.25, 0.2), (0.2, 0.75, 0.3), (0.25, 0.4, 0.95)])   # plain, R, G, B
STEPS = {"right": (0, 2), "below": (2, 0), "left": (0, -2), "above": (-2, 0)}


def drawn(task, count=300, seed=11):
    return TASKS[task].draw(count, np.random.default_rng(seed))


def read(boards):
    """What a viewer sees on every tile, 0 to 3, from the pixels alone: the nearest of the four mean colours."""
    pixels = boards.images.astype(np.float64) / 4 + 0.45                # (B, 3, 32, 32)
    tiles = np.stack([pixels[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).mean(axis=0)       # (B, 3, 16, 16)
    return np.abs(tiles[:, None] - TILES[:, :, None, None]).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("task", TASKS)
def test_the_image_shows_the_marks(task):
    boards = drawn(task)
    assert np.array_equal(read(boards), boards.marks)


@pytest.mark.parametrize("task", TASKS)
def test_images_are_what_the_models_take(task):
    boards = drawn(task, 5)
    assert boards.images.shape == (5, 3, 32, 32) and boards.images.dtype == np.float32
    assert boards.images.min() >= -0.45 * 4 - 1e-6 and boards.images.max() <= 0.55 * 4 + 1e-6


def test_the_photograph_is_the_image_before_normalisation():
    boards = drawn("same", 3)
    assert np.allclose((boards.photographs().transpose(0, 3, 1, 2) - 0.45) * 4, boards.images, atol=1e-6)
    assert boards.photographs().min() >= 0 and boards.photographs().max() <= 1


def test_the_answer_to_same_tells_whether_the_two_marks_have_one_colour():
    boards = drawn("same")
    for marks, answer in zip(read(boards), boards.answers, strict=True):
        colours = marks[marks > 0]
        assert len(colours) == 2
        assert TASKS["same"].answers[answer] == ("same" if colours[0] == colours[1] else "different")


def test_the_marks_of_same_are_2_to_4_tiles_apart():
    found = set()
    for marks in read(drawn("same")):
        (row, column), (other_row, other_column) = np.argwhere(marks)
        found.add(max(abs(row - other_row), abs(column - other_column)))
    assert found == {2, 3, 4}


def test_every_pair_of_places_2_to_4_tiles_apart_can_occur():
    places = [(row, column) for row in range(16) for column in range(16)]
    expected = {(16 * r + c, 16 * s + d) for r, c in places for s, d in places if 2 <= max(abs(r - s), abs(c - d)) <= 4}
    assert {tuple(pair) for pair in PAIRS.tolist()} == expected


def test_all_colours_are_equally_likely_in_same():
    marks = read(drawn("same", 3000))
    counts = np.bincount(marks[marks > 0], minlength=4)[1:]
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(2 * 6000 / 9)      # pairs of one colour double the variance


def test_the_answer_to_flock_is_the_displacement_from_every_red_mark_to_its_blue_one():
    boards = drawn("flock")
    for marks, answer in zip(read(boards), boards.answers, strict=True):
        down, right = STEPS[TASKS["flock"].answers[answer]]
        red = {(row + down, column + right) for row, column in np.argwhere(marks == 1)}
        assert red == {tuple(place) for place in np.argwhere(marks == 3)}
        assert len(red) == 8 and not (marks == 2).any()


def test_no_other_answer_to_flock_would_be_right():
    boards = drawn("flock")
    centres = [np.array([np.argwhere(marks == colour).mean(axis=0) for marks in boards.marks]) for colour in (1, 3)]
    assert np.array_equal(centres[1] - centres[0], np.array(list(STEPS.values()))[boards.answers])


@pytest.mark.parametrize("task", TASKS)
def test_all_answers_are_equally_likely(task):
    kinds, count = len(TASKS[task].answers), 2000
    counts = np.bincount(drawn(task, count).answers, minlength=kinds)
    assert np.abs(counts - count / kinds).max() < 4 * np.sqrt(count * (kinds - 1)) / kinds


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_boards_and_another_seed_others(task):
    one, again, other = drawn(task, 4, 1), drawn(task, 4, 1), drawn(task, 4, 2)
    assert np.array_equal(one.images, again.images) and np.array_equal(one.answers, again.answers)
    assert not np.array_equal(one.images, other.images)


def test_tiles_and_pixels_vary_as_stated():
    marks = np.zeros((400, 16, 16), int)
    marks[:, 0] = 1
    tiles = (render(marks, np.random.default_rng(0)).astype(float) / 4 + 0.45).reshape(400, 3, 16, 2, 16, 2)
    pixel = np.sqrt(tiles[:, 1:, 0].var(axis=(2, 4)).mean() * 4 / 3)    # green and blue of red marks, far from 0 and 1
    assert np.isclose(pixel, 0.03, rtol=0.05)
    assert np.isclose(tiles[:, 1:, 0].mean(axis=(2, 4)).std(axis=(0, 2)), np.hypot(0.08, 0.015), rtol=0.08).all()


def test_an_unknown_task_is_answered_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="did you mean 'flock'"):
        task_named("flok")


@pytest.mark.parametrize("count", [0, -3])
def test_no_images_is_an_error(count):
    with pytest.raises(InputError, match="from 1 on"):
        TASKS["same"].draw(count, np.random.default_rng(0))


def test_cross_entropy_is_minus_the_logarithm_of_the_right_answers_probability():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    logits = np.log(probabilities) + np.array([[2000], [-2000]])        # of which the softmax sees nothing
    assert np.allclose(cross_entropy(logits, np.array([0, 2])), [np.log(2), np.log(10)])
    assert is_right(logits, np.array([0, 2])).tolist() == [True, False]


def test_marks_in_two_quadrants_straddle():
    boards = drawn("same")
    for marks, across in zip(boards.marks, straddles(boards.marks), strict=True):
        (row, column), (other_row, other_column) = np.argwhere(marks)
        assert across == (row // 8 != other_row // 8 or column // 8 != other_column // 8)


def test_accuracy_by_position_counts_each_image_around_its_middle():
    boards = drawn("same")
    right = np.random.default_rng(3).random(300) < 0.6
    lists = {}
    for marks, correct in zip(boards.marks, right, strict=True):
        row, column = np.argwhere(marks).mean(axis=0)
        for tile in itertools.product((math.floor(row), math.ceil(row)), (math.floor(column), math.ceil(column))):
            lists.setdefault(tile, []).append(correct)
    accuracy = accuracy_by_position(boards.marks, right)
    assert accuracy.shape == (16, 16)
    for place in np.ndindex(16, 16):
        expected = np.mean(lists[place]) if place in lists else np.nan
        assert np.isclose(accuracy[place], expected, equal_nan=True)
