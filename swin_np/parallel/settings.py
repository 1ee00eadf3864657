"""Settings that hold inside of `with` blocks, each thread and each coroutine for itself."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Block:
    """What holds inside of one `with` block, until that is over."""

    value: Any
    over: bool = False


class Setting:
    """A value that holds inside of `with` blocks: in this thread or task, and in the tasks that begin there.

    Of several blocks the last one counts that is not over; those of generators end in any order. Outside of all blocks,
    and in a new thread, it is `otherwise`.
    """

    def __init__(self, name: str, otherwise: Any = None):
        self.otherwise = otherwise
        self.blocks: ContextVar[tuple[Block, ...]] = ContextVar(name, default=())

    def get(self) -> Any:
        """What holds here."""
        for block in reversed(self.blocks.get()):
            if not block.over:
                return block.value
        return self.otherwise

    @contextlib.contextmanager
    def held(self, value: Any) -> Iterator[None]:
        """Let it be `value` inside the `with` block, whose end can be interrupted: one assignment ends it."""
        block = Block(value)
        try:
            try:
                self.blocks.set((*(each for each in self.blocks.get() if not each.over), block))
                yield
            finally:
                block.over = True
        finally:                                       # again, should an exception have struck in the line before
            block.over = True
