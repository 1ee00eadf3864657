"""The two tasks: boards of near-white tiles with a few coloured marks on them, and a question about each board."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.errors import InputError
from swin_np.functional import Array

SIDE = 16                                              # tiles on each side of a board
TILE = 2                                               # pixels on each side of a tile, the patch of the models
COLOURS = np.array([(0.90, 0.25, 0.20), (0.20, 0.75, 0.30), (0.25, 0.40, 0.95)])        # red, green, blue
MIDDLE, GAIN = 0.45, 4                                 # normalisation: (pixel - MIDDLE) * GAIN
RED, GREEN, BLUE = 1, 2, 3                             # of a mark; 0 is a tile without one
DIRECTIONS = np.array([(0, 2), (2, 0), (0, -2), (-2, 0)])               # right, below, left, above: (rows, columns)
REDS = 8                                               # red marks on a board of FLOCK
NEAREST, FARTHEST = 2, 4                               # tiles between the marks of SAME, Chebyshev distance

PLACES = np.indices((SIDE, SIDE)).reshape(2, -1).T     # (256, 2): row and column of every tile
DISTANCES = np.abs(PLACES[:, None] - PLACES).max(axis=2)
PAIRS = np.argwhere((DISTANCES >= NEAREST) & (DISTANCES <= FARTHEST))   # (pairs, 2): numbers of two tiles


@dataclass(frozen=True)
class Boards:
    """Images (B, 3, 32, 32) float32 as a model takes them, right answers (B,), and the marks (B, 16, 16), 0 to 3."""

    images: Array
    answers: Array
    marks: Array

    def photographs(self) -> Array:
        """The images as a viewer takes them, (B, 32, 32, 3), 0 to 1."""
        return np.clip(self.images.transpose(0, 2, 3, 1) / GAIN + MIDDLE, 0, 1)

    def first(self, count: int) -> "Boards":
        """The first `count` of them."""
        return Boards(self.images[:count], self.answers[:count], self.marks[:count])


@dataclass(frozen=True)
class Task:
    """A question with its possible answers; `place(count, rng)` draws marks (count, 16, 16) and right answers."""

    name: str
    question: str
    answers: tuple[str, ...]
    place: Callable[[int, np.random.Generator], tuple[Array, Array]]

    def draw(self, count: int, rng: np.random.Generator) -> Boards:
        """Fresh boards. Raises InputError for a count below 1."""
        if count < 1:
            raise InputError(f"{count} images were asked for: give a number from 1 on")
        marks, answers = self.place(count, rng)
        return Boards(render(marks, rng), answers, marks)

    def answer_text(self, answer: int, right: int) -> str:
        """'left', or 'left (wrong)'."""
        return self.answers[answer] if answer == right else f"{self.answers[answer]} (wrong)"


def same(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two coloured marks 2 to 4 tiles apart: of different colours (0) or the same (1)?"""
    marks, answers = np.zeros((count, SIDE * SIDE), int), rng.integers(2, size=count)
    first = rng.integers(3, size=count)
    second = (first + np.where(answers, 0, rng.integers(1, 3, size=count))) % 3
    places = PAIRS[rng.integers(len(PAIRS), size=count)]                # (count, 2)
    np.put_along_axis(marks, places, np.stack([first, second], axis=1) + 1, axis=1)
    return marks.reshape(count, SIDE, SIDE), answers


def flock(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """8 red marks, each with a blue one 2 tiles to the right (0), below (1), to the left (2) or above (3)."""
    marks, answers = np.zeros((count, SIDE, SIDE), int), rng.integers(4, size=count)
    for board, direction in zip(marks, DIRECTIONS[answers], strict=True):
        for place in PLACES[rng.permutation(len(PLACES))]:
            red, blue = tuple(place), tuple(place + direction)
            if min(blue) >= 0 and max(blue) < SIDE and not board[red] and not board[blue]:
                board[red], board[blue] = RED, BLUE
                if np.count_nonzero(board) == 2 * REDS:
                    break
    return marks, answers


def render(marks: Array, rng: np.random.Generator) -> Array:
    """Marks (B, 16, 16) as images (B, 3, 32, 32) float32, normalised; every tile and every pixel a little different."""
    shape = (*marks.shape, 3)
    grey = rng.uniform(0.78, 0.95, (*marks.shape, 1)) + 0.03 * rng.standard_normal(shape)
    coloured = COLOURS[marks - 1] + 0.08 * rng.standard_normal(shape)
    tiles = np.where(marks[..., None], coloured, grey)
    pixels = tiles.repeat(TILE, axis=1).repeat(TILE, axis=2)            # (B, 32, 32, 3)
    pixels = np.clip(pixels + 0.03 * rng.standard_normal(pixels.shape), 0, 1)
    return ((pixels - MIDDLE) * GAIN).transpose(0, 3, 1, 2).astype(np.float32)


TASKS = {task.name: task for task in (
    Task("same", "are the two marks of the same colour?", ("different", "same"), same),
    Task("flock", "where from each red mark is its blue one?", ("right", "below", "left", "above"), flock))}


def task_named(name: str) -> Task:
    """The task of this name; ConfigurationError, with the nearest name, if there is none."""
    check_name("task", name, TASKS)
    return TASKS[name]
