"""NumPy's BLAS among all that a process has loaded, and its number of threads, also in a forked process."""

import contextlib
import os
import threading
import warnings
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl

from swin_np.parallel import blas
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from swin_np.parallel.pool import for_each, threads

PACKAGES = Path(np.__file__).resolve().parents[1]
OF_NUMPY = "numpy.libs/libscipy_openblas64_-1.so"

needs_blas = pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


@dataclass
class Library:
    """What threadpoolctl knows of a library, with a number of threads for the process or for every thread of it."""

    filepath: str
    user_api: str = "blas"
    threading_layer: str = "pthreads"

    def __post_init__(self):
        self.everywhere, self.here = {"count": 4}, threading.local()

    @property
    def numbers(self):
        if self.threading_layer != "openmp":
            return self.everywhere
        self.here.__dict__.setdefault("count", 4)
        return self.here.__dict__

    @property
    def num_threads(self):
        return self.numbers["count"]

    def set_num_threads(self, count):
        self.numbers["count"] = count


@pytest.fixture
def loaded(monkeypatch):
    """Let these libraries be all that the process has loaded."""
    def load(*libraries):
        class Controller:
            lib_controllers = libraries

        monkeypatch.setattr(blas, "ThreadpoolController", Controller)
        blas.library.cache_clear()

    yield load
    blas.library.cache_clear()


def library(path, *rest):
    return Library(str(PACKAGES / path), *rest)


@pytest.mark.parametrize(("paths", "expected"), [
    ([OF_NUMPY], OF_NUMPY),
    (["scipy.libs/libscipy_openblas-2.so", OF_NUMPY, "torch/lib/libopenblas.so"], OF_NUMPY),
    (["numpy/.dylibs/libscipy_openblas64_.dylib", "scipy/.dylibs/libscipy_openblas.dylib"],
     "numpy/.dylibs/libscipy_openblas64_.dylib"),
    (["/opt/conda/lib/libmkl_rt.so.2"], "/opt/conda/lib/libmkl_rt.so.2"),
    (["/usr/lib/libopenblasp-r0.3.21.so", "scipy.libs/libscipy_openblas-2.so"], "/usr/lib/libopenblasp-r0.3.21.so"),
    ([OF_NUMPY, "/usr/lib/libblis.so.4"], OF_NUMPY),
    (["/usr/lib/libblis.so.4", "/usr/lib/libopenblasp-r0.3.21.so"], None),
    (["torch/lib/libmkl_rt.so"], None),
    (["numpy_of_another/libopenblas.so"], None),
    ([], None),
])
def test_numpys_own_blas_is_found_among_those_of_other_packages(loaded, paths, expected):
    loaded(*map(library, paths))
    found = blas.library()
    assert (found and found.filepath) == (expected and str(PACKAGES / expected))
    assert SINGLE_THREADED_BLAS.steered == (expected is not None)


@pytest.mark.parametrize("problem", [PermissionError("/proc/self/maps"), AttributeError("LDSO")])
def test_a_system_that_does_not_tell_its_libraries_has_no_known_blas(problem, monkeypatch, loaded):
    def controller():
        raise problem

    loaded()
    monkeypatch.setattr(blas, "ThreadpoolController", controller)
    done = []
    with threads(2):
        for_each(done.append, [1, 2, 3])
    assert done == [1, 2, 3]
    assert not SINGLE_THREADED_BLAS.steered


@pytest.mark.filterwarnings("error")
def test_warnings_about_libraries_of_others_are_kept_back(monkeypatch, loaded):
    class Controller:
        def __init__(self):
            warnings.warn("about another library", RuntimeWarning, stacklevel=1)
            self.lib_controllers = [library(OF_NUMPY)]

    loaded()
    monkeypatch.setattr(blas, "ThreadpoolController", Controller)
    assert SINGLE_THREADED_BLAS.steered


@pytest.mark.parametrize(("openmp", "own"), [("torch/lib/libgomp.so.1", OF_NUMPY),
                                             ("/usr/lib/libgomp.so.1", "/usr/lib/libopenblasp-r0.3.21.so")])
def test_openmp_is_left_alone(loaded, openmp, own):
    openmp, own = library(openmp, "openmp"), library(own)
    loaded(openmp, own)
    seen = []
    for_each(lambda part: seen.append((openmp.num_threads, own.num_threads)), [1])
    assert seen == [(4, 1)]
    assert (openmp.num_threads, own.num_threads) == (4, 4)


def test_with_openmp_each_thread_has_a_number_of_its_own(loaded):
    loaded(own := library(OF_NUMPY, "blas", "openmp"))
    both, seen, inside, outside = threading.Barrier(2, timeout=60), [], threading.Event(), threading.Event()

    def part(_):
        both.wait()
        seen.append(own.num_threads)

    def other_caller():
        for_each(lambda _: (inside.set(), outside.wait(60)), [1])
        seen.append(own.num_threads)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("swin_np.parallel.pool.POOL.row", [])  # these helpers end up with the numbers of this test
        with threads(2):
            for_each(part, [1, 2])
    assert seen == [1, 1]
    thread = threading.Thread(target=other_caller, daemon=True)
    thread.start()
    assert inside.wait(60)
    for_each(lambda _: None, [1])
    assert own.num_threads == 4                        # although the other one is still inside
    outside.set()
    thread.join()
    assert seen == [1, 1, 4]


@needs_blas
def test_the_blas_that_is_steered_is_the_one_that_multiplies():
    path = Path(blas.library().filepath)
    assert blas.library().user_api == "blas"
    assert path in {Path(each["filepath"]).resolve() for each in threadpoolctl.threadpool_info()}


@pytest.fixture
def two_threads():
    before = SINGLE_THREADED_BLAS.get()
    SINGLE_THREADED_BLAS.set(2)
    yield
    SINGLE_THREADED_BLAS.set(before)


@needs_blas
def test_of_several_callers_the_last_one_sets_it_back_though_the_first_has_set_it(two_threads):
    class Caller:
        def __init__(self):
            self.inside, self.leave, self.outside, self.end = (threading.Event() for _ in range(4))
            self.thread = threading.Thread(target=self.call, daemon=True)
            self.thread.start()
            self.inside.wait(60)

        def call(self):
            for_each(lambda _: (self.inside.set(), self.leave.wait(60)), [1])
            self.outside.set()
            self.end.wait(60)

    callers = [Caller(), Caller()]
    for each, expected in zip(callers, (1, 2), strict=True):
        assert SINGLE_THREADED_BLAS.get() == 1
        each.leave.set()
        each.outside.wait(60)
        assert SINGLE_THREADED_BLAS.get() == expected
    for each in callers:                               # until here both threads are alive
        each.end.set()
        each.thread.join()


@needs_blas
def test_a_limit_of_the_caller_holds_afterwards_and_ends_with_its_block(two_threads):
    with threadpoolctl.threadpool_limits(3):
        before = SINGLE_THREADED_BLAS.get()
        for_each(lambda _: None, [1])
        assert SINGLE_THREADED_BLAS.get() == before
    assert SINGLE_THREADED_BLAS.get() == 2


@needs_blas
def test_a_limit_that_another_thread_ends_in_the_meantime_does_not_come_back(two_threads):
    limited, inside, ended = threading.Event(), threading.Event(), threading.Event()

    def other():
        with threadpoolctl.threadpool_limits(1, user_api="blas"), threadpoolctl.threadpool_limits(4, user_api="blas"):
            limited.set()
            inside.wait(60)
        ended.set()

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    limited.wait(60)
    for_each(lambda _: (inside.set(), ended.wait(60)), [1])
    thread.join()
    assert SINGLE_THREADED_BLAS.get() == 2


@needs_blas
def test_in_other_threads_limits_can_be_set_afterwards(two_threads):
    for_each(lambda _: None, [1])
    seen = []

    def other():
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            seen.append(SINGLE_THREADED_BLAS.get())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [1]
    assert SINGLE_THREADED_BLAS.get() == 2


def compute_in_a_child(connection):
    before, done, both = SINGLE_THREADED_BLAS.get(), [], threading.Barrier(2, timeout=60)

    def part(number):
        both.wait()
        done.append((number, SINGLE_THREADED_BLAS.get()))

    with threads(2):
        for_each(part, [1, 2])
    connection.send((before, sorted(done), SINGLE_THREADED_BLAS.get()))


@needs_blas
@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("held", [False, True], ids=["inside", "entering"])
def test_a_process_forked_while_another_thread_computes_starts_afresh(held, two_threads):
    inside, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: for_each(lambda _: (inside.set(), go.wait(60)), [1]), daemon=True)
    thread.start()
    inside.wait(60)
    ours, theirs = get_context("fork").Pipe()
    child = get_context("fork").Process(target=compute_in_a_child, args=(theirs,))
    if held:
        SINGLE_THREADED_BLAS.turn["owner"] = -1        # as if the other thread were about to enter a region
    try:
        child.start()
        SINGLE_THREADED_BLAS.turn.pop("owner", None)
        answered = ours.poll(30)
    finally:
        with contextlib.suppress(KeyError):
            del SINGLE_THREADED_BLAS.turn["owner"]
        go.set()
        thread.join()
        child.kill()
        child.join()
    assert answered
    assert ours.recv() == (2, [(1, 1), (2, 1)], 2)
    assert SINGLE_THREADED_BLAS.get() == 2
