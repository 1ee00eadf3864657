"""Which cases of a test `make test` leaves to `make test-all`, since others show the same module and oracle."""

from collections.abc import Iterable

import pytest


def long_but(short: Iterable, cases: Iterable) -> list:
    """The cases for `parametrize`, all marked long but the short ones."""
    short = list(short)
    return [case if case in short else pytest.param(case, marks=pytest.mark.long) for case in cases]
