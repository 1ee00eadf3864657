"""The time that may go into the search for causes."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

SECONDS = 8.0                                          # the answer then takes ten at most


class Clock:
    """A budget of seconds, from now on.

    show: called at most twice a second with the seconds that have passed. ran_out: whether a search was cut short.
    """

    def __init__(self, seconds: float = SECONDS, show: Callable[[float], None] = lambda passed: None):
        self.seconds, self.show, self.start = seconds, show, monotonic()
        self.shown, self.ran_out, self.stopped = 0.0, False, False

    def over(self) -> bool:
        """Whether no further search may begin."""
        passed = monotonic() - self.start
        if passed >= self.shown + 0.5:
            self.shown = passed
            self.show(passed)
        if self.stopped or passed < self.seconds:
            return False
        self.ran_out = True
        return True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the `with` block time does not run out: what was found is put in order."""
        self.stopped = True
        try:
            yield
        finally:
            self.stopped = False


UNLIMITED = Clock(math.inf)
