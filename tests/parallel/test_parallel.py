"""Work in parts and on threads: every part once, the same result, errors passed on, the BLAS left as it was."""

import gc
import os
import threading
import tracemalloc
import weakref
from multiprocessing import get_context

import numpy as np
import pytest

import swin_np
from swin_np import functional
from swin_np.block import Mlp
from swin_np.errors import ConfigurationError, ShapeError
from swin_np.layers import redraw
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from swin_np.parallel.parts import by_heads, by_images, sum_by_parts
from swin_np.parallel.pool import MOST_THREADS, Call, default_threads, for_each, free_threads, threads
from tests.lengths import long_but
from tests.matching import LARGEST_FACTOR, assert_matches, disturbed_model, largest_difference

MIB = 2 ** 20


@pytest.fixture(scope="module")
def swin_t() -> swin_np.SwinTransformer:
    model = swin_np.build("swin_t")
    redraw(model, 1)
    return model


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 64, 783, 784, 3136, 25088])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize(("size", "least"), [(1, 1), (16, 2), (784, 98), (10 ** 6, 1)])
def test_parts_cover_every_item_once_and_are_never_empty(count, workers, size, least):
    with threads(workers):
        cut = functional.parts(count, size, least)
    assert [i for part in cut for i in range(part.start, part.stop)] == list(range(count))
    assert all(part.start < part.stop for part in cut)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_part_is_computed_once(workers):
    done = []
    with threads(workers):
        for_each(done.append, list(range(100)))
    assert sorted(done) == list(range(100))


@pytest.fixture(scope="module")
def rounding(swin_t) -> float:
    """How far rounding takes the logits of a float32 run, relative to the largest: the farthest of a few draws."""
    images, rng = np.random.default_rng(1).standard_normal((3, 3, 64, 96)), np.random.default_rng(2)
    truth = swin_t.astype(np.float64)(images)
    return max(largest_difference(disturbed_model(swin_t, rng)(images), truth) for _ in range(4)) / np.abs(truth).max()


@pytest.mark.long
@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("size", long_but([(64, 96)], [(64, 96), (224, 224)]))
def test_the_result_depends_on_the_number_of_threads_no_more_than_on_rounding(swin_t, rounding, batch, size):
    images = np.random.default_rng(0).standard_normal((batch, 3, *size)).astype(np.float32)
    with threads(1):
        one = swin_t(images)
    for workers in (2, 3, 4):
        with threads(workers):                         # two results, each as far from the truth as rounding takes it
            assert largest_difference(swin_t(images), one) <= 2 * LARGEST_FACTOR * rounding * np.abs(one).max()


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_in_float64_it_depends_on_nothing(swin_t, workers):
    model, images = swin_t.astype(np.float64), np.random.default_rng(0).standard_normal((3, 3, 96, 64))
    with threads(1):
        one = model(images)
    with threads(workers):
        assert_matches(model(images), one)


def test_many_threads_of_a_program_may_use_one_model(swin_t):
    images = np.random.default_rng(0).standard_normal((4, 3, 64, 64)).astype(np.float32)
    expected, results = swin_t(images), {}
    callers = [threading.Thread(target=lambda i=i: results.update({i: swin_t(images)})) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(np.array_equal(results[i], expected) for i in range(4))


def logits_in_a_child(connection, images):
    connection.send(swin_np.build("swin_t", depths=(1, 1), num_heads=(3, 6))(images))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_computes_too():
    images = np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32)
    with threads(2):
        expected = swin_np.build("swin_t", depths=(1, 1), num_heads=(3, 6))(images)         # the pool is running now
        ours, theirs = get_context("fork").Pipe()
        child = get_context("fork").Process(target=logits_in_a_child, args=(theirs, images))
        child.start()
        assert ours.poll(60)
        assert np.array_equal(ours.recv(), expected)
        child.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_part_reaches_the_caller_and_nothing_more_is_begun(workers):
    begun = []

    def fail(part):
        begun.append(part)
        raise ShapeError("this part")

    with threads(workers), pytest.raises(ShapeError, match="this part"):
        for_each(fail, list(range(100)))
    assert len(begun) <= workers
    done = []
    for_each(done.append, [1, 2, 3])
    assert sorted(done) == [1, 2, 3]


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
def test_an_error_in_another_thread_reaches_the_caller():
    caller, both = threading.current_thread(), threading.Barrier(2, timeout=60)

    def fail_elsewhere(part):
        both.wait()
        if threading.current_thread() is not caller:
            raise ShapeError("the other part")

    with threads(2), pytest.raises(ShapeError, match="the other part"):
        for_each(fail_elsewhere, [1, 2])


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
def test_after_an_error_in_another_thread_the_caller_begins_nothing_more(monkeypatch):
    begun, both, failed = [], threading.Barrier(2, timeout=60), threading.Event()
    caller, original = threading.current_thread(), Call.help

    def help_and_tell(call):
        original(call)
        failed.set()

    def fail_elsewhere(part):
        begun.append(part)
        both.wait()
        if threading.current_thread() is not caller:
            raise ShapeError("the other part")
        failed.wait(60)

    monkeypatch.setattr(Call, "help", help_and_tell)
    with threads(2), pytest.raises(ShapeError, match="the other part"):
        for_each(fail_elsewhere, list(range(100)))
    assert len(begun) == 2


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
def test_waiting_threads_hold_no_arrays():
    class Large:
        pass

    large = Large()
    still_there = weakref.ref(large)

    def compute(part, large=large):
        return large, part

    with threads(2):
        for_each(compute, [1, 2])
    del large, compute
    gc.collect()
    assert still_there() is None


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
@pytest.mark.parametrize(("images", "workers", "parts"), [
    (1, 2, [1]), (2, 2, [1, 1]), (3, 2, [3]), (4, 2, [1] * 4), (7, 2, [7]), (9, 2, [1] * 9), (3, 1, [1] * 3),
    (2, 4, [2]), (4, 4, [1] * 4), (6, 8, [6])])
def test_a_few_images_that_would_leave_a_core_idle_stay_together(images, workers, parts, rng):
    x, given = rng.standard_normal((images, 30, 30, 2)), []

    def double(part):
        given.append(len(part))
        return 2 * part

    with threads(workers):
        assert np.array_equal(by_images(double, x), 2 * x) and given == parts


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
@pytest.mark.parametrize(("heads", "workers"), [(3, 2), (12, 5), (12, 8)])
def test_heads_are_shared_out_also_where_they_do_not_go_evenly_into_the_threads(heads, workers, rng):
    q, given = rng.standard_normal((1, heads, 785, 2)), []

    def first(q, k, v):
        given.append(q.shape[1])
        return q

    with threads(workers):
        assert np.array_equal(by_heads(first, q, q, q), q) and given == [1] * heads


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_sums_by_parts_are_sums(workers, rng):
    x = rng.standard_normal((20, 5))
    with threads(workers):
        assert_matches(sum_by_parts(lambda part: x[part].sum(axis=0), len(x)), x.sum(axis=0))


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_an_mlp_whose_hidden_units_are_shared_out_gives_the_same(workers, rng):
    mlp = Mlp.random(6, 23, None)
    redraw(mlp, 1)
    mlp, x = mlp.astype(np.float64), rng.standard_normal((2, 3, 6))
    with threads(workers):
        ours = mlp(x)
    assert_matches(ours, functional.gelu(x @ mlp.fc1.weight.T + mlp.fc1.bias) @ mlp.fc2.weight.T + mlp.fc2.bias)


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
def test_the_blas_uses_one_thread_inside_and_as_many_as_before_afterwards():
    before, seen = SINGLE_THREADED_BLAS.get(), []
    SINGLE_THREADED_BLAS.set(2)
    for_each(lambda part: seen.append(SINGLE_THREADED_BLAS.get()), [1, 2, 3])
    assert (seen, SINGLE_THREADED_BLAS.get()) == ([1, 1, 1], 2)
    SINGLE_THREADED_BLAS.set(before)


def test_the_environment_sets_the_default(monkeypatch):
    monkeypatch.setenv("SWIN_NP_THREADS", "3")
    assert default_threads() == 3
    for wrong in ("0", "-1", "two", "", " 2", "2.0", "1e3", "²", "True", "1025", "9" * 5000, "0" * 10 ** 5):
        monkeypatch.setenv("SWIN_NP_THREADS", wrong)
        with pytest.raises(ConfigurationError, match=r"SWIN_NP_THREADS is '.*, expected a whole number") as error:
            default_threads()
        assert len(str(error.value)) < 300


def test_no_threads_at_all_are_refused():
    with pytest.raises(ConfigurationError, match="0 threads"), threads(0):
        pass


@pytest.mark.parametrize("wrong", [
    0, -1, MOST_THREADS + 1, 10 ** 9, 2 ** 64, pytest.param(-10 ** 5000, id="-huge"),
    pytest.param(10 ** 5000, id="huge"), True, False, np.True_, 2.0, np.float32(2), 2.5, float("nan"), float("inf"),
    "2", "two", b"2", pytest.param("x" * 10 ** 6, id="long"), [2], (2,), {}, np.array(2), np.array([2]), 2j, object(),
])
def test_numbers_of_threads_that_are_none_are_refused_in_one_sentence(wrong):
    with pytest.raises(ConfigurationError, match="expected a whole number from 1 to 1024") as error, threads(wrong):
        pass
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("right", [1, MOST_THREADS, np.int64(3), np.uint8(2)])
def test_whole_numbers_of_any_kind_are_numbers_of_threads(right):
    done = []
    with threads(right):
        for_each(done.append, [1, 2, 3])
    assert sorted(done) == [1, 2, 3]


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="errstate belongs to a thread in NumPy 1")
def test_helpers_compute_as_the_caller_has_set_numpy():
    both, caller = threading.Barrier(2, timeout=60), threading.current_thread()

    def divide_elsewhere(part):
        both.wait()
        if threading.current_thread() is not caller:
            np.array([1.0]) / np.array([0.0])

    with threads(2), np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        for_each(divide_elsewhere, [1, 2])


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_parts_inside_a_part_are_computed_by_the_same_thread(workers):
    inner, free, all_here = [], [], threading.Barrier(workers, timeout=60)

    def outer(part):
        all_here.wait()
        free.append(free_threads())
        for_each(lambda _: inner.append((part, threading.current_thread())), [1, 2, 3])

    with threads(workers):
        for_each(outer, list(range(workers)))
    assert len(inner) == 3 * workers
    assert len({thread for _, thread in inner}) == len(set(inner)) == workers
    assert free == [1] * workers


@pytest.mark.parametrize(("batch", "most"), [(1, 24), (8, 130)])
def test_one_forward_pass_holds_few_arrays_at_a_time(swin_t, batch, most):
    images = np.random.default_rng(0).standard_normal((batch, 3, 224, 224)).astype(np.float32)
    with threads(1):
        swin_t(images)                                 # the masks are made once
        tracemalloc.start()
        swin_t(images)
        peak = tracemalloc.get_traced_memory()[1] / MIB
        tracemalloc.stop()
    assert peak <= most                                # a whole hidden layer of stage 1 alone is 4.6 MiB an image


def test_softmax_and_gelu_take_any_memory_order(rng):
    x = rng.standard_normal((5, 6, 7))
    for function in (functional.softmax, functional.gelu):
        assert_matches(function(x.transpose(1, 2, 0)), function(x.transpose(1, 2, 0).copy()))


def test_gelu_refuses_to_write_where_it_would_be_lost(rng):
    x = rng.standard_normal((6, 4)).astype(np.float32)
    with pytest.raises(ShapeError, match="contiguous"):
        functional.gelu(x.T.copy(), out=np.empty((6, 4), np.float32).T)
