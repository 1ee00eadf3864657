"""The calls of a forward pass, for the model of benchmarks.lock: every line of swin_np timed, on one thread.

The pass is cut into parts as for several threads, and one thread computes all of them in turn. A line that takes more
than twice what a call of NumPy must lets go of the lock for the rest; all shorter ones hold it. Timing takes time too:
by that what holds the lock is shortened in the end, so that all adds up to the pass without a watch.
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

    def run(self, work: Callable[[], object], count: int, traced: bool) -> float:
        """The pass for `count` threads; its seconds."""
        sharers = [module for name, module in list(sys.modules.items())
                   if name.startswith("swin_np.") and vars(module).get("for_each") is pool.for_each]
        with ExitStack() as stack:
            stack.enter_context(threads(count))
            for module in sharers:
                stack.enter_context(patch.object(module, "for_each", self.share))
            begun = self.since = perf_counter()
            if traced:
                sys.settrace(self.trace)
            try:
                work()
            finally:
                sys.settrace(None)
            ended = perf_counter()
            self.lines.append(ended - self.since)
            return ended - begun


def recorded(work: Callable[[], object], count: int, call: float) -> list[Region]:
    """The regions of a pass for `count` threads; call: seconds with the lock in every call of NumPy."""
    def passes(traced: bool) -> tuple[list[Recorder], float]:
        recorders = [Recorder() for _ in range(RUNS)]
        return recorders, median(recorder.run(work, count, traced) for recorder in recorders)

    def whole() -> None:                               # the BLAS on one thread, as in `for_each`
        nonlocal seconds, recorders
        recorders[0].run(work, count, traced=False)    # warms up
        seconds = passes(traced=False)[1]
        recorders = passes(traced=True)[0]

    seconds, recorders = 0.0, [Recorder()]
    pool.for_each(lambda _: whole(), [None])
    lines = [median(times) for times in zip(*(recorder.lines for recorder in recorders), strict=True)]
    starts = [*(start for region in recorders[0].regions for start in region), len(lines)]
    parts = iter([calls(lines[start:end], call) for start, end in pairwise(starts)])
    return shortened([[next(parts) for _ in region] for region in recorders[0].regions], seconds)


def calls(lines: list[float], call: float) -> Part:
    """Lines of code as calls: those that take twice as long as a call must, with the shorter ones before them."""
    part, held = [], 0.0
    for seconds in lines:
        held += min(seconds, call) if seconds >= 2 * call else seconds
        if seconds >= 2 * call:
            part.append(Call(held, seconds - call))
            held = 0.0
    return [*part, Call(held, 0.0)]


def shortened(regions: list[Region], seconds: float) -> list[Region]:
    """The same with less held, so that all of it takes so many seconds."""
    everything = [call for region in regions for part in region for call in part]
    held, free = sum(call.held for call in everything), sum(call.free for call in everything)
    share = min(1.0, max(0.0, seconds - free) / held)
    return [[[Call(share * call.held, call.free) for call in part] for part in region] for region in regions]
