"""The calls of a forward pass, for the model of benchmarks.lock: every line of swin_np timed, on one thread.

The pass is cut into parts as for several threads, and one thread computes all of them in turn. A line that takes more
than twice what a call of NumPy must lets go of the lock for the rest; all shorter ones hold it. What the watch itself
takes at every line is measured on lines that do nothing, and taken off.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from statistics import median
from time import perf_counter
from types import FrameType
from typing import Any
from unittest.mock import patch

from benchmarks.lock import Call, Part, Region
from swin_np import threads
from swin_np.parallel import pool

RUNS = 5                                               # of which medians are taken
LINES = 1000                                           # that do nothing, to time the watch


class Recorder:
    """One pass: the seconds of its lines, and with which of them the parts of each region begin."""

    def __init__(self) -> None:
        self.lines: list[float] = []
        self.regions: list[list[int]] = [[0]]
        self.since = 0.0

    def share(self, compute: Callable[[Any], None], parts: list[Any]) -> None:
        """In place of `for_each`: the parts in turn; a region of their own where several threads would take them."""
        if len(parts) == 1 or pool.free_threads() == 1:
            for part in parts:
                compute(part)
            return
        region = []
        self.regions.append(region)
        token = pool.INSIDE_PART.set(True)
        for part in parts:
            region.append(len(self.lines))
            compute(part)
        pool.INSIDE_PART.reset(token)
        self.regions.append([len(self.lines)])

    def trace(self, frame: FrameType, event: str, argument: object) -> Callable | None:
        """Note what passed since the last line; what is not of swin_np counts as part of the line that calls it."""
        if not frame.f_globals["__name__"].startswith("swin_np."):
            return None
        self.lines.append(perf_counter() - self.since)
        self.since = perf_counter()
        return self.trace

    def run(self, work: Callable[[], object], count: int) -> None:
        """The pass for `count` threads."""
        sharers = [module for name, module in list(sys.modules.items())
                   if name.startswith("swin_np.") and vars(module).get("for_each") is pool.for_each]
        with ExitStack() as stack:
            stack.enter_context(threads(count))
            for module in sharers:
                stack.enter_context(patch.object(module, "for_each", self.share))
            before, self.since = sys.gettrace(), perf_counter()
            sys.settrace(self.trace)
            try:
                work()
            finally:
                sys.settrace(before)
            self.lines.append(perf_counter() - self.since)


def recorded(work: Callable[[], object], count: int, call: float) -> list[Region]:
    """The regions of a pass for `count` threads; call: seconds with the lock in every call of NumPy."""
    recorders = [Recorder() for _ in range(RUNS + 1)]

    def passes() -> None:
        for recorder in recorders:
            recorder.run(work, count)

    pool.for_each(lambda _: passes(), [None])          # a single part: only the BLAS keeps to one thread
    regions, watch = recorders[-1].regions, seconds_of_the_watch()
    lines = [max(0.0, median(times) - watch)           # the first pass warms up
             for times in zip(*(recorder.lines for recorder in recorders[1:]), strict=True)]
    starts = [*(start for region in regions for start in region), len(lines)]
    parts = iter([calls(lines[start:end], call) for start, end in pairwise(starts)])
    return [[next(parts) for _ in region] for region in regions]


def seconds_of_the_watch() -> float:
    """What timing adds to every line: the median of lines that do nothing."""
    space: dict[str, Any] = {"__name__": "swin_np.nothing"}
    exec("def nothing():\n" + "    pass\n" * LINES, space)
    recorder = Recorder()
    recorder.run(space["nothing"], 1)
    return median(recorder.lines)


def calls(lines: list[float], call: float) -> Part:
    """Lines of code as calls: those that take twice as long as a call must, with the shorter ones before them."""
    part, held = [], 0.0
    for seconds in lines:
        if seconds < 2 * call:
            held += seconds
        else:
            part.append(Call(held + call, seconds - call))
            held = 0.0
    return [*part, Call(held, 0.0)]
