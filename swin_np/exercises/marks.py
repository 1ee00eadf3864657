"""A few numbers by which an array is known again in another order of its axes, or with its numbers in any order."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import prod
from typing import Any, NamedTuple

import numpy as np

from swin_np.language import phrase

FEWEST, MOST = 6, 200_000                              # numbers of an array that is marked
MOST_AXES = 4                                          # whose orders are all tried, of arrays that are not large:
LARGE = 20_000                                         # numbers
CLOSE = 1e-10                                          # of the largest number, times the root of how many there are
WEIGHTS = np.random.default_rng(0).standard_normal(MOST)


Name = tuple[str, dict[str, Any]]                      # a phrase and its fields, of which some are names again


class Mark(NamedTuple):
    """What an array is known by: its shape, the largest number, sums of powers, and a sum that order changes."""

    shape: tuple[int, ...]
    largest: float
    powers: tuple[float, float, float]
    order: float

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def mark_of(value: Any) -> Mark | None:
    """The mark of an array; None where it has too few numbers to be known again, or too many, or others than finite."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf" or not FEWEST <= value.size <= MOST:
        return None
    x = value.ravel().astype(np.float64)
    largest = float(np.abs(x).max())
    if not np.isfinite(largest) or x.min() == x.max():
        return None
    return Mark(value.shape, largest, (float(x.sum()), float(x @ x), float(x @ x ** 2)), order_of(x))


def order_of(x: np.ndarray) -> float:
    """A sum of all numbers that becomes another one where two of them change places."""
    return float(x.ravel() @ WEIGHTS[:x.size])


def orders(value: np.ndarray) -> Iterator[float]:
    """`order_of` for every order of the array's axes: how those of the same array can lie in memory."""
    x = np.squeeze(value).astype(np.float64)
    whole = tuple(range(x.ndim))
    ways = permutations(whole) if x.ndim <= MOST_AXES and x.size <= LARGE else [whole, (*whole[:-2], *whole[:-3:-1])]
    yield from (order_of(x.transpose(way)) for way in ways)


def same_numbers(one: Mark, other: Mark) -> bool:
    """Whether two arrays hold the same numbers, in whatever order."""
    if one.size != other.size:
        return False
    largest = max(one.largest, other.largest)
    return all(abs(a - b) <= CLOSE * one.size ** 0.5 * largest ** power
               for power, (a, b) in enumerate(zip(one.powers, other.powers, strict=True), start=1))


def same_order(one: Mark, other: Mark, ways: Sequence[float]) -> bool:
    """Whether an array of the same numbers has its axes in one of these orders of the other's."""
    near = CLOSE * one.size ** 0.5 * max(one.largest, other.largest)
    return any(abs(one.order - way) <= near for way in ways)


class Station(NamedTuple):
    """One array on the way. name: for a person, as `in_words` says it; orders: of its axes, as `orders` gives them.

    kind: "alone" where it can be right though what stands before it is not; "displaced" where, besides, a number may be
    added to all of it; "passing" where a right function may go on in the same line; "quiet" where it is not told to be
    wrong.
    """

    name: Name
    mark: Mark
    orders: tuple[float, ...]
    kind: str


def in_words(name: Name) -> str:
    """A name in the reader's language."""
    text, fields = name
    return phrase(text, **{field: in_words(value) if isinstance(value, tuple) else value
                           for field, value in fields.items()})


def station(name: Name, value: np.ndarray, kind: str = "") -> Station | None:
    """An array as a station; None where it cannot be known again."""
    mark = mark_of(value)
    return Station(name, mark, tuple(dict.fromkeys(orders(value))), kind) if mark else None
