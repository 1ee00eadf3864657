"""Progress on standard error."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from swin_np.language import phrase

Item = TypeVar("Item")

BAR_WIDTH = 30                                         # characters
SILENCE = 1.0                                          # seconds: what takes less needs no bar


ERASE_LINE = "\r\x1b[K"                                # of a terminal


def progress(line: str) -> None:
    """Say what is going on beside the result, which goes to standard output."""
    print(f"{ERASE_LINE if sys.stderr.isatty() else ''}{line}", file=sys.stderr, flush=True)


def erase_bar() -> None:
    """Take away what `time_bar` has drawn."""
    if sys.stderr.isatty():
        print(ERASE_LINE, end="", file=sys.stderr, flush=True)


def time_bar(passed: float, seconds: float) -> None:
    """On a terminal, how much of a budget of seconds has passed, until a line of progress or erase_bar comes."""
    if sys.stderr.isatty():
        bar = "#" * min(BAR_WIDTH, int(BAR_WIDTH * passed / seconds))
        line = phrase("{passed:.0f} of {all:g} seconds", passed=passed, all=seconds)
        print(f"{ERASE_LINE}[{bar:{BAR_WIDTH}}] {line}", end="", file=sys.stderr, flush=True)


def with_progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items one by one; meanwhile a bar on standard error, or a line for each tenth where that is no terminal.

    Work of less than a second, and a single item, get none. what: the items, in the reader's language.
    """
    total, terminal, start = len(items), sys.stderr.isatty(), time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if total == 1 or time.monotonic() - start < SILENCE:
            continue
        line = phrase("{done} of {total} {what}", done=done, total=total, what=what)
        if terminal:
            bar = "#" * (BAR_WIDTH * done // total)
            print(f"\r[{bar:{BAR_WIDTH}}] {line}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif 10 * done // total > 10 * (done - 1) // total:
            print(line, file=sys.stderr)
