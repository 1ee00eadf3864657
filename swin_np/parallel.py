"""The ground floor on several cores: parts of an array in threads, every product of matrices on one core.

NumPy lets go of the interpreter's lock while it computes, so threads are enough. How an array is cut into parts depends
on the number of threads, and with it the last digits of the result.
"""

import contextlib
import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator

from numpy.linalg import _umath_linalg

from swin_np.errors import ConfigurationError

VARIABLE = "SWIN_NP_THREADS"                           # the environment variable that sets the number of threads


class Here(threading.local):
    """What holds in one thread of the program: its number of threads, whether it computes a part, and may cut any."""

    count: int | None = None                           # None: what default_threads says
    inside_part = False
    uncut = False


class Helper:
    """A waiting thread that does one job at a time; a lock wakes it several times as fast as an executor's queue."""

    def __init__(self) -> None:
        self.job, self.error = None, None
        self.begun, self.ended = threading.Lock(), threading.Lock()
        self.begun.acquire()
        self.ended.acquire()
        threading.Thread(target=self.serve, name="swin_np", daemon=True).start()

    def serve(self) -> None:
        """Wait for a job and do it, for ever."""
        while True:
            self.begun.acquire()
            try:
                self.job()
            except BaseException as error:             # the caller raises it
                self.error = error
            self.job = None                            # which holds large arrays
            self.ended.release()

    def begin(self, job: Callable[[], None]) -> None:
        """Let the thread do the job."""
        self.job = job
        self.begun.release()

    def end(self) -> BaseException | None:
        """Wait until the job is done; the error that it ended with, if any."""
        self.ended.acquire()
        error, self.error = self.error, None
        return error


class Pool:
    """The idle helpers, started when they are first needed; a forked process has none of its parent's."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Forget all helpers."""
        self.idle = deque()

    def take(self) -> Helper:
        """A helper for the caller alone, until it is put back among the idle ones."""
        try:
            return self.idle.pop()
        except IndexError:
            return Helper()


HERE = Here()
POOL = Pool()


def default_threads() -> int:
    """What SWIN_NP_THREADS says, or else the number of cores that this process may use."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"the environment variable {VARIABLE} is {text!r}: give a number of threads from 1 on")
    return int(text)


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with `count` threads inside the `with` block (None: the default); ConfigurationError if it is below 1.

    Without it there are as many as SWIN_NP_THREADS says, or as many as the process has cores.

    >>> with swin_np.threads(2):
    ...     logits = model(images)
    """
    if count is not None and count < 1:
        raise ConfigurationError(f"{count} threads were asked for: give a number from 1 on")
    before, HERE.count = HERE.count, count
    try:
        yield
    finally:
        HERE.count = before


@contextlib.contextmanager
def uncut() -> Iterator[None]:
    """Compute every array whole inside the `with` block, on one thread: a trace then sees what a reader expects."""
    before, HERE.uncut = HERE.uncut, True
    try:
        yield
    finally:
        HERE.uncut = before


class SingleThreadedBlas:
    """A context in which NumPy's OpenBLAS uses one thread; `steered` is False where NumPy has another BLAS.

    Such a BLAS keeps to its own environment variables, and parts are then computed one after the other.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(_umath_linalg.__file__)  # finds what this extension module is linked to
        names = [f"{prefix}openblas_{{}}_num_threads{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")]
        found = [name for name in names if hasattr(library, name.format("set"))]
        self.steered = bool(found)
        if found:
            self.get, self.set = (getattr(library, found[0].format(verb)) for verb in ("get", "set"))
        self.lock, self.depth, self.before = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self.lock:
            self.depth += 1
            if self.steered and self.depth == 1:
                self.before = self.get()
                self.set(1)

    def __exit__(self, *error) -> None:
        with self.lock:
            self.depth -= 1
            if self.steered and self.depth == 0:
                self.set(self.before)


SINGLE_THREADED_BLAS = SingleThreadedBlas()


def free_threads() -> int:
    """Among how many threads `for_each` would share its parts: 1 inside a part, since all cores are then at work."""
    alone = HERE.uncut or HERE.inside_part or not SINGLE_THREADED_BLAS.steered
    return 1 if alone else HERE.count or default_threads()


def for_each(compute: Callable[[object], None], parts: list) -> None:
    """compute(part) for every part, by as many threads as are allowed; the order is not defined.

    A part that cuts its own work into parts computes them itself. A single part may use threads inside.
    """
    if HERE.inside_part:
        for part in parts:
            compute(part)
        return
    with SINGLE_THREADED_BLAS:
        if len(parts) == 1:
            compute(parts[0])
            return
        waiting = deque(parts)
        helpers = [POOL.take() for _ in range(min(free_threads(), len(parts)) - 1)]
        for helper in helpers:
            helper.begin(lambda: work_off(compute, waiting))
        try:
            work_off(compute, waiting)
        finally:
            waiting.clear()                            # after an error nothing more is begun
            errors = [error for helper in helpers if (error := helper.end()) is not None]
            POOL.idle.extend(helpers)
        if errors:
            raise errors[0]


def work_off(compute: Callable[[object], None], waiting: deque) -> None:
    """Take parts until none is left."""
    HERE.inside_part = True
    try:
        while True:
            try:
                part = waiting.popleft()
            except IndexError:
                return
            compute(part)
    finally:
        HERE.inside_part = False
