"""Settings that hold inside of `with` blocks, each thread and each coroutine for itself."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

ATTEMPTS = 10_000                                      # an error that is no interruption comes back every time


def insist(clean_up: Callable, *arguments: Any) -> None:
    """Repeat a clean-up until no exception interrupts it, such as a second KeyboardInterrupt; only then raise the last.

    clean_up: done once or several times it comes to the same. It belongs in two `finally` clauses, one around the
    other, since an exception can also strike where this function begins.
    """
    interruption = None
    for _ in range(ATTEMPTS):
        try:
            clean_up(*arguments)
            break
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption


class Setting:
    """A value that holds inside of `with` blocks: in this thread or task, and in the tasks that begin there.

    Of several blocks the last one counts that has not ended; those of generators end in any order. Outside of all
    blocks, and in a new thread, it is `otherwise`.
    """

    def __init__(self, name: str, otherwise: Any = None):
        self.otherwise = otherwise
        self.blocks: ContextVar[tuple[list, ...]] = ContextVar(name, default=())

    def get(self) -> Any:
        """What holds here."""
        blocks = self.blocks.get()
        return blocks[-1][0] if blocks else self.otherwise

    @contextlib.contextmanager
    def held(self, value: Any) -> Iterator[None]:
        """Let it be `value` inside the `with` block."""
        block = [value]                                # a list, to be found again by its identity
        try:
            try:
                self.blocks.set((*self.blocks.get(), block))
                yield
            finally:
                insist(self.end, block)
        finally:
            insist(self.end, block)

    def end(self, block: list) -> None:
        """Forget a block, if it is not forgotten yet."""
        self.blocks.set(tuple(each for each in self.blocks.get() if each is not block))
