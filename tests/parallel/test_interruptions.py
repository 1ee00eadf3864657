"""Exceptions that strike anywhere, as a KeyboardInterrupt does: no thread works on or is lost, and all is as before."""

import json
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextvars import copy_context

import pytest

from swin_np.layers import RECORDER, recording
from swin_np.parallel import blas, settings
from swin_np.parallel import pool as parallel
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from swin_np.parallel.pool import COUNT, INSIDE_PART, UNCUT, for_each, threads, uncut

FILES = {module.__file__ for module in (blas, parallel, settings)}
THREADS = 3
INTERRUPTIONS = 150                                    # of each child process; some strike during the clean-up

needs_threads = pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
needs_signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer that interrupts")


class Strike(BaseException):
    """What is raised at a chosen line."""


class Striker:
    """Raise Strike at line number `at` of those of the library that this thread goes through."""

    def __init__(self, at):
        self.at, self.seen = at, 0

    def follow(self, frame, event, _):
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            self.seen += 1
            if self.seen > self.at:
                raise Strike(f"{frame.f_code.co_name} {frame.f_lineno}")
        return self.follow

    def strikes(self, work):
        """Whether it struck while `work` was done."""
        before = sys.gettrace()
        sys.settrace(self.follow)
        try:
            work()
        except Strike:
            return True
        finally:
            sys.settrace(before)
        return False


def left_behind():
    """What is not as it should be outside of all calls, where the BLAS had two threads."""
    found = {"settings": [setting.get() for setting in (COUNT, UNCUT, RECORDER)], "inside": INSIDE_PART.get(),
             "regions": len(SINGLE_THREADED_BLAS.regions), "turn": dict(SINGLE_THREADED_BLAS.turn)}
    if SINGLE_THREADED_BLAS.steered:
        found["threads of the BLAS"] = SINGLE_THREADED_BLAS.get()
    return found


NOTHING = {"settings": [None, False, None], "inside": False, "regions": 0, "turn": {}}


@pytest.fixture
def two_threads_in_the_blas():
    """What is left behind where nothing is, while the BLAS has two threads."""
    if not SINGLE_THREADED_BLAS.steered:
        yield NOTHING
        return
    before = SINGLE_THREADED_BLAS.get()
    SINGLE_THREADED_BLAS.set(2)
    yield {**NOTHING, "threads of the BLAS": 2}
    SINGLE_THREADED_BLAS.set(before)


def all_threads_meet():
    """Three parts that wait for each other, which takes three threads."""
    barrier = threading.Barrier(THREADS, timeout=60)
    with threads(THREADS):
        for_each(lambda _: barrier.wait(), list(range(THREADS)))


at_work = []


def part(number):
    at_work.append(number)
    time.sleep(0.0005)                                 # as NumPy does, it lets the other threads go on
    at_work.remove(number)


def nested(number):
    for_each(part, [number, number + 1])


def many_parts():
    with threads(THREADS), recording(print):
        for_each(part, [0, 1, 2, 3])


def one_part_with_parts_inside():
    with threads(THREADS):
        for_each(nested, [0])


def whole():
    with uncut():
        for_each(part, [0, 1])


@needs_threads
@pytest.mark.parametrize("work", [many_parts, one_part_with_parts_inside, whole])
def test_an_exception_at_any_line_leaves_everything_as_it_was(work, two_threads_in_the_blas):
    all_threads_meet()
    alive, line = threading.active_count(), 0
    while Striker(line).strikes(work):
        assert not at_work, f"line {line}"
        assert left_behind() == two_threads_in_the_blas, f"line {line}"
        line += 1
    all_threads_meet()
    assert line > 50
    assert threading.active_count() == alive


CHILD = """
import json, random, signal, threading
import numpy as np
import swin_np
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from tests.parallel.test_interruptions import THREADS, all_threads_meet, left_behind

def interrupt(number, frame):
    while frame is not None:
        if frame.f_code is forward_passes.__code__:    # not where the interruption is handled
            raise KeyboardInterrupt
        frame = frame.f_back

def forward_passes():
    global wrong
    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 1e-2), rng.choice([0, 0.0005, 0.002]))
    with swin_np.threads(THREADS):
        while True:
            wrong += not np.array_equal(model(images), expected)
            with swin_np.trace(model, "head"):
                model(images)

rng = random.Random({seed})
signal.signal(signal.SIGALRM, interrupt)
SINGLE_THREADED_BLAS.set(2)
model = swin_np.build("swin_t", depths=(1, 1), num_heads=(3, 6), img_size=64)
images = np.random.default_rng(0).standard_normal((1, 3, 64, 64), np.float32)
with swin_np.threads(THREADS):
    expected = model(images)
all_threads_meet()
alive, wrong, left = threading.active_count(), 0, []
for _ in range({interruptions}):
    try:
        forward_passes()
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    left.append(left_behind())
all_threads_meet()
print(json.dumps([wrong, left, threading.active_count() - alive]))
"""


@needs_threads
@needs_signals
@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_interrupted_forward_passes_leave_everything_as_it_was(seed, two_threads_in_the_blas):
    program = CHILD.format(seed=seed, interruptions=INTERRUPTIONS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    wrong, left, more_threads = json.loads(done.stdout)
    assert [each for each in left if each != two_threads_in_the_blas] == []
    assert len(left) == INTERRUPTIONS
    assert (wrong, more_threads) == (0, 0)


@needs_threads
@needs_signals
@pytest.mark.parametrize("again", [False, True], ids=["while waiting", "again"])
def test_whoever_interrupts_waits_until_the_other_threads_are_done(again, two_threads_in_the_blas):
    caller, ended, rung = threading.current_thread(), [], []
    both = threading.Barrier(2, timeout=60)

    def interrupt(number, frame):
        rung.append(number)
        raise KeyboardInterrupt

    def long_in_a_helper(number):
        both.wait()
        if threading.current_thread() is caller:
            if again:
                raise KeyboardInterrupt
            return
        while len(rung) < 5:
            time.sleep(0.001)
        ended.append(number)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), threads(2):
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            try:
                for_each(long_in_a_helper, [1, 2])
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(ended) == 1
    assert left_behind() == two_threads_in_the_blas


@needs_threads
def test_a_region_ends_with_its_object_even_if_nobody_leaves_it(two_threads_in_the_blas):
    class Region:
        pass

    region, other = Region(), Region()
    for each in (region, other):
        SINGLE_THREADED_BLAS.enter(each)
    del region, each
    assert SINGLE_THREADED_BLAS.get() == 2 - 1         # the other one goes on
    SINGLE_THREADED_BLAS.turn["owner"] = id(other)     # as after an interruption while it is entered
    del other
    assert left_behind() == two_threads_in_the_blas


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_where_no_thread_can_be_started_the_caller_computes_every_part(error, monkeypatch):
    def refuse(*_):
        raise error

    monkeypatch.setattr(parallel, "POOL", parallel.Pool())
    monkeypatch.setattr(parallel._thread, "start_new_thread", refuse)
    done = []
    with threads(4):
        for_each(lambda part: done.append((part, threading.current_thread())), list(range(10)))
    assert done == [(part, threading.current_thread()) for part in range(10)]
    assert all(helper.calls.empty() for helper in parallel.POOL.row)


def test_with_an_unknown_blas_everything_runs_on_one_thread(monkeypatch):
    monkeypatch.setattr(blas, "library", lambda: None)
    done = []
    with threads(4):
        assert parallel.free_threads() == 1
        for_each(lambda part: done.append((part, threading.current_thread())), list(range(10)))
    assert done == [(part, threading.current_thread()) for part in range(10)]


@needs_threads
def test_of_several_threads_that_are_started_for_a_helper_one_stays():
    helper, alive = parallel.Helper(), threading.active_count()
    for _ in range(3):
        parallel._thread.start_new_thread(helper.serve, ())
    done = threading.Event()
    call = parallel.Call(lambda part: done.set(), [1])
    helper.calls.put((copy_context(), weakref.ref(call)))
    assert done.wait(60)
    deadline = time.monotonic() + 60
    while threading.active_count() > alive + 1 and time.monotonic() < deadline:
        time.sleep(0.01)                               # for the others to end
    assert threading.active_count() == alive + 1


@needs_threads
def test_idle_helpers_are_used_again(monkeypatch):
    all_threads_meet()
    monkeypatch.setattr(parallel._thread, "start_new_thread", None)
    all_threads_meet()
