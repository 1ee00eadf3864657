"""The model of the interpreter's lock in cases that can be followed by hand, and the commands that measure with it."""

import json
import math

import numpy as np
import pytest

from benchmarks import float64, scaling
from benchmarks.lock import Call, Costs, simulate
from benchmarks.recorded_calls import calls, recorded
from swin_np import SwinConfig, SwinTransformer, functional
from swin_np.parallel import parts, pool
from swin_np.parallel.blas import SINGLE_THREADED_BLAS

COSTS = Costs(signal=1.0, wake=2.0, call=0.5)
SMALL = SwinConfig(img_size=(64, 64), patch_size=(2, 2), embed_dim=8, depths=(2, 2), num_heads=(2, 4),
                   window_size=(4, 4), num_classes=5)


def test_one_thread_takes_the_sum_of_all_calls():
    program = [[[Call(1, 10), Call(2, 20)]], [[Call(3, 30)], [Call(4, 40)]]]
    outcome = simulate(program, 1, COSTS)
    assert (outcome.seconds, outcome.computing, outcome.holding) == (110, 100, 10)
    assert outcome.waiting == outcome.signalling == outcome.idle == 0


def test_a_helper_takes_a_part_when_it_has_woken_and_wakes_the_main_thread_at_the_end():
    outcome = simulate([[[Call(0, 10)], [Call(0, 10)]]], 2, COSTS)
    # at 1 the main thread has signalled and begins; at 3 the helper runs, until 13, signals, and at 16 the main runs
    assert outcome.seconds == 1 + 2 + 10 + 1 + 2
    assert outcome.computing == 20 and outcome.signalling == 2 and outcome.idle == 2 * 16 - 20 - 2


def test_a_helper_that_wakes_too_late_finds_no_part():
    assert simulate([[[Call(0, 0.5)], [Call(0, 0.5)]]], 2, COSTS).seconds == 1 + 0.5 + 0.5


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_python_is_not_shared_but_without_the_lock_it_is(threads):
    program = [[[Call(1000, 0)] for _ in range(threads)]]
    assert simulate(program, threads, COSTS).seconds >= 1000 * threads
    assert simulate(program, threads, COSTS, locked=False).seconds <= 1000 + 3 * threads + 3


def test_who_finds_the_lock_taken_sleeps_and_may_find_it_taken_again():
    # The helper runs at 3 and finds the lock taken, until 5. It runs again at 8, when the main thread has it for the
    # second call, from 7 to 11, and at 14, when that has it for the other part, from 13 to 17. At 20 it finds no part.
    outcome = simulate([[[Call(4, 1), Call(4, 1)], [Call(4, 1)]]], 2, COSTS)
    assert (outcome.waiting, outcome.signalling, outcome.seconds) == (20 - 3, 5, 20 + 3)


def test_what_threads_do_adds_up_to_their_time(rng):
    program = [[[Call(*rng.exponential((1, 10))) for _ in range(50)] for _ in range(count)] for count in (1, 5, 8, 2)]
    for threads in (1, 2, 4, 8):
        for locked in (False, True):
            outcome = simulate(program, threads, COSTS, locked)
            every = [call for region in program for part in region for call in part]
            assert outcome.computing == pytest.approx(sum(call.free for call in every))
            assert outcome.holding == pytest.approx(sum(call.held for call in every))
            assert outcome.idle >= -1e-9 and (locked or outcome.waiting == 0)
            assert outcome.seconds <= simulate(program, 1, COSTS).seconds + 50


def test_lines_become_calls_with_the_short_ones_before_them():
    assert calls([0.25, 3.0, 0.75, 1.0, 0.125], 0.5) == [Call(0.75, 2.5), Call(1.25, 0.5), Call(0.125, 0.0)]


@pytest.mark.skipif(not SINGLE_THREADED_BLAS.steered, reason="threadpoolctl does not know this BLAS")
def test_a_recorded_pass_has_the_regions_that_threads_would_share(monkeypatch, rng):
    model, images = SwinTransformer.random(SMALL), rng.standard_normal((3, 3, 64, 64), np.float32)
    shared = []

    def count(compute, items):
        if len(items) > 1 and pool.free_threads() > 1:
            shared.append(len(items))
        return for_each(compute, items)

    for_each = pool.for_each
    with monkeypatch.context() as patched, pool.threads(3):
        for module in (functional, parts):
            patched.setattr(module, "for_each", count)
        expected = model(images)
    found = []
    program = recorded(lambda: found.append(model(images)), 3, call=1e-6)
    assert [len(region) for region in program if len(region) > 1] == shared and max(shared) >= 3
    assert all(np.array_equal(logits, expected) for logits in found)
    assert functional.for_each is for_each and pool.free_threads() == pool.default_threads()


def test_the_command_simulates_more_threads_than_it_measures(monkeypatch, capsys):
    monkeypatch.setattr(scaling, "ROUND", 2_000_000)
    monkeypatch.setattr(scaling, "TIMES", 20)
    monkeypatch.setitem(scaling.VARIANTS, "swin_t", SMALL)
    monkeypatch.setattr(scaling, "SIZE", 64)
    assert scaling.main(["--batches", "2", "--threads", "2", "999", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(case["batch"], case["threads"]) for case in found["cases"]] == [(2, 1), (2, 2), (2, 999)]
    assert found["cases"][0]["measured"] and found["cases"][2]["measured"] is None
    assert found["lock"] is scaling.has_lock() and found["machine"]["kernels"] is not None
    assert scaling.main(["--batches", "2", "--threads", "2"]) == 0
    out, err = capsys.readouterr()
    assert "| 2 | 1 |" in out and "1.00 | 1.00 | 1.00" in out and "3 of 3: batch 2, 2 threads" in err


@pytest.mark.parametrize("command", [scaling, float64])
def test_a_model_that_there_is_not_is_refused_in_a_sentence(command, capsys):
    assert command.main(["--variant", "swin_x"]) == 2
    out, err = capsys.readouterr()
    assert not out and "swin_x" in err and err.count("\n") == 1


def test_erf_one_by_one_is_the_same_function(rng):
    x = rng.standard_normal((3, 4))
    assert float64.erf_one_by_one(x).tolist() == [[math.erf(value) for value in row] for row in x]


def test_the_cost_of_float64_is_given_for_every_way(monkeypatch, capsys):
    monkeypatch.setattr(float64, "ROUNDS", 2)
    monkeypatch.setitem(float64.VARIANTS, "swin_t", SMALL)
    erf = functional.erf
    assert float64.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [set(case["seconds"]) for case in found["cases"]] == [set(float64.WAYS)] * len(found["cases"])
    assert functional.erf is erf
    assert float64.main([]) == 0 and "| 1 |" in capsys.readouterr().out
