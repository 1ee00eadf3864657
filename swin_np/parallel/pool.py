"""The ground floor on several cores: parts of an array in threads, every product of matrices on one core.

NumPy lets go of the interpreter's lock while it computes, so threads are enough. How an array is cut into parts depends
on the number of threads, and with it the last digits of the result.

An exception can strike between any two steps, such as the KeyboardInterrupt of whoever waits. So no helper is ever
taken out of the pool: a call is put in the helpers' queues, and they, whom no signal interrupts, note when they begin
and end with it.
"""

import _thread
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar, copy_context
from queue import SimpleQueue
from typing import Any

import numpy as np

from swin_np.errors import ConfigurationError
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from swin_np.parallel.settings import Setting

VARIABLE = "SWIN_NP_THREADS"                           # the environment variable that sets the number of threads
MOST_THREADS = 1024                                    # more than any machine has cores
ATTEMPTS = range(10_000)                               # an error that is no interruption comes back every time

COUNT = Setting("swin_np threads")                     # None: what default_threads says
UNCUT = Setting("swin_np uncut", False)
INSIDE_PART = ContextVar("swin_np inside a part", default=False)


def default_threads() -> int:
    """What SWIN_NP_THREADS says, or else the number of cores that this process may use."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not (text.isdecimal() and len(text) <= len(str(MOST_THREADS)) and 1 <= int(text) <= MOST_THREADS):
        raise ConfigurationError(f"the environment variable {VARIABLE} is {text!r:.40}, expected a whole number from 1 "
                                 f"to {MOST_THREADS}: set it to one, or remove it to use all cores")
    return int(text)


def threads(count: int | None) -> contextlib.AbstractContextManager[None]:
    """Compute with `count` threads inside the `with` block, in this thread or task of the program.

    count: from 1 to 1024, or None for the default: as many as SWIN_NP_THREADS says, or as many as the process has
    cores. ConfigurationError for anything else.

    >>> with swin_np.threads(2):
    ...     logits = model(images)
    """
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if count is not None and not (whole and 1 <= count <= MOST_THREADS):
        given = f"{count!r:.40}" if not whole or abs(count) < 10 ** 20 else "a huge number of"
        raise ConfigurationError(f"{given} threads were asked for, expected a whole number from 1 to {MOST_THREADS}: "
                                 "give one, or None for the default")
    return COUNT.held(None if count is None else int(count))


def uncut() -> contextlib.AbstractContextManager[None]:
    """Compute every array whole inside the `with` block, on one thread: a trace then sees what a reader expects."""
    return UNCUT.held(True)


def free_threads() -> int:
    """Among how many threads `for_each` would share its parts: 1 inside a part, since all cores are then at work."""
    alone = UNCUT.get() or INSIDE_PART.get() or not SINGLE_THREADED_BLAS.steered
    return 1 if alone else COUNT.get() or default_threads()


class Call:
    """One call of `for_each`: what waits to be computed, and how many helpers have begun and ended with it."""

    def __init__(self, compute: Callable[[Any], None], parts: Sequence[Any]):
        self.compute, self.parts, self.waiting = compute, parts, deque(parts)
        self.begun: list[None] = []                    # an entry for each helper, written by the helpers alone
        self.ended: list[None] = []
        self.errors: list[BaseException] = []
        self.news: SimpleQueue[None] = SimpleQueue()   # an entry whenever a helper ends
        self.over = False
        self.numpy_errors = np.geterr()                # a context has them in NumPy 2, in NumPy 1 a thread

    def run(self) -> None:
        """Compute all parts, with as many helpers as are allowed."""
        SINGLE_THREADED_BLAS.enter(self)
        if len(self.parts) == 1:
            self.compute(self.parts[0])
            return
        for helper in POOL.helpers(min(free_threads(), len(self.parts)) - 1):
            helper.offer(self)
        copy_context().run(self.work)

    def work(self) -> None:
        """Compute parts until none is left; the context is this thread's own, and ends with the work."""
        INSIDE_PART.set(True)
        while True:
            try:
                part = self.waiting.popleft()
            except IndexError:
                return
            self.compute(part)

    def help(self) -> None:
        """Work in a helper's thread; the caller raises the error, and after it nothing more is begun."""
        self.begun.append(None)                        # before the first part is taken: see `finish`
        try:
            with np.errstate(**self.numpy_errors):
                self.work()
        except BaseException as error:
            self.errors.append(error)
            self.waiting.clear()
        finally:
            self.ended.append(None)
            self.news.put(None)

    def finish(self) -> None:
        """Begin nothing more, and wait for the helpers that have begun. A helper that begins later finds no part.

        What interrupts the waiting is raised when they have ended.
        """
        interruption = None
        if not self.over:
            self.waiting.clear()
            while len(self.ended) < len(self.begun):
                try:
                    self.news.get()
                except BaseException as error:
                    interruption = error
            SINGLE_THREADED_BLAS.leave(self)
            self.over = True
        if interruption is not None:
            try:
                raise interruption
            finally:
                del interruption                       # or it would keep this frame, and with it the arrays


class Helper:
    """A thread that takes part in the calls in its queue, one after the other; it starts with the first of them."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[Context, weakref.ref[Call]]] = SimpleQueue()
        self.alive = threading.Lock()                  # the thread holds it as long as it lives

    def offer(self, call: Call) -> None:
        """Let the thread take part in a call, in the context of the caller; without threads it does not."""
        if not self.alive.locked():
            try:
                _thread.start_new_thread(self.serve, ())       # one step, unlike the start of a threading.Thread
            except (RuntimeError, MemoryError):        # no threads on this system, as in Pyodide, or no more of them
                return
        self.calls.put((copy_context(), weakref.ref(call)))    # weak: what the caller has given up is gone at once

    def serve(self) -> None:
        """Take part in calls, for ever; of two threads that are started the second ends at once."""
        if not self.alive.acquire(blocking=False):
            return
        try:
            threading.current_thread().name = "swin_np"
            if SINGLE_THREADED_BLAS.separate:
                SINGLE_THREADED_BLAS.set(1)
            while True:
                self.take_part(*self.calls.get())
        finally:
            self.alive.release()

    def take_part(self, context: Context, reference: "weakref.ref[Call]") -> None:
        """Help with a call, if the caller is still there."""
        call = reference()
        if call is not None:
            context.run(call.help)


class Pool:
    """The helpers, in a row; calls at the same time share them. A forked process has none of its parent's."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Forget all helpers."""
        self.row: list[Helper] = []

    def helpers(self, count: int) -> list[Helper]:
        """The first `count` of them."""
        while len(self.row) < count:
            self.row.append(Helper())
        return self.row[:count]


POOL = Pool()


def for_each(compute: Callable[[Any], None], parts: list[Any]) -> None:
    """compute(part) for every part, by as many threads as are allowed; the order is not defined.

    A part that cuts its own work into parts computes them itself. A single part may use threads inside. After any
    exception, a KeyboardInterrupt too, no thread is at work on the parts any more and all settings are as before.
    """
    if INSIDE_PART.get():
        for part in parts:
            compute(part)
        return
    call = Call(compute, parts)
    try:
        try:
            call.run()
        finally:
            call.finish()
    finally:                                           # again and again, for this can be interrupted as well
        for _ in ATTEMPTS:
            if call.over:
                break
            try:
                call.finish()
            except BaseException:                      # an earlier one is on its way to the caller already
                continue
    if call.errors:
        raise call.errors.pop()
