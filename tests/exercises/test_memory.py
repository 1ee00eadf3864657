"""What a function keeps from one call to the next is found, under every seed, and told in a sentence."""

import functools

import numpy as np
import pytest

from swin_np.exercises import memory
from swin_np.exercises.calling import call
from swin_np.exercises.checking import examine
from swin_np.exercises.exercise import copied
from swin_np.exercises.registry import EXERCISES
from tests.exercises.mutations import composite
from tests.exercises.seeds import SEEDS
from tests.exercises.solutions import solutions

SOFTMAX = EXERCISES["softmax"]


def kept_by(key, function):
    """The function with a cache that looks at `key(*arguments)` alone."""
    masks = {}

    def cached(*arguments):
        if key(*arguments) not in masks:
            masks[key(*arguments)] = function(*arguments)
        return copied(masks[key(*arguments)])
    return cached


def with_cached_helper(name, helper, key):
    """The solution of an exercise with such a cache around one of its helpers."""
    solution = composite(name)
    text = solution.sources[helper].replace(f"def {helper}(", f"def fresh_{helper}(")
    function = solution.with_text(text)
    own = function.__globals__
    own[helper] = kept_by(key, own[f"fresh_{helper}"])
    return function


def refused(name, make):
    """Whether a new function is refused under each seed; the report of the last one."""
    for seed in SEEDS:
        result = examine(EXERCISES[name], make(), seed)
        assert (result.outcome, result.points) != ("right", EXERCISES[name].points), seed
    return " ".join(result.report.split())


OF_A_MASK = {"window and shift": lambda map_size, window, shift: (window, shift),
             "map and window": lambda map_size, window, shift: (map_size, window),
             "map and shift": lambda map_size, window, shift: (map_size, shift),
             "the number of tokens": lambda map_size, window, shift: (map_size[0] * map_size[1], window, shift),
             "the height": lambda map_size, window, shift: (map_size[0], window, shift)}


@pytest.mark.parametrize("name", ["region_ids", "shifted_window_mask"])
@pytest.mark.parametrize("key", OF_A_MASK.values(), ids=OF_A_MASK)
def test_a_mask_that_is_kept_by_too_little_is_refused(name, key):
    assert "keeps something from one call to the next, in masks" in refused(
        name, lambda: kept_by(key, solutions()[name]))


@pytest.mark.parametrize("name", ["swin_block", "two_successive_blocks", "swin_transformer"])
@pytest.mark.parametrize("key", [OF_A_MASK["window and shift"], OF_A_MASK["the number of tokens"]],
                         ids=["window and shift", "the number of tokens"])
def test_a_helper_s_mask_that_is_kept_by_too_little_is_refused(name, key):
    refused(name, lambda: with_cached_helper(name, "shifted_window_mask", key))


@pytest.mark.parametrize("name", ["window_attention", "swin_block", "two_successive_blocks", "swin_transformer"])
@pytest.mark.parametrize("key", [lambda table, window: window, lambda table, window: (table.shape, window)],
                         ids=["window", "window and heads"])
def test_a_bias_that_is_kept_by_the_window_alone_is_refused(name, key):
    refused(name, lambda: with_cached_helper(name, "relative_position_bias", key))


@pytest.mark.parametrize("key", [lambda window: window[0], lambda window: window[1],
                                 lambda window: window[0] * window[1], lambda window: tuple(sorted(window))],
                         ids=["height", "width", "area", "sides"])
def test_an_index_that_is_kept_by_too_little_is_refused(key):
    refused("relative_position_index", lambda: kept_by(key, solutions()["relative_position_index"]))


def shapes(*arguments):
    return str([np.shape(x) if not isinstance(x, dict) else {n: v.shape for n, v in x.items()} for x in arguments])


WITH_ARRAYS = [name for name, exercise in EXERCISES.items() if exercise.parameters and exercise.parameters[0] not in (
    "h", "map_size", "window", "embed_dim")]


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_a_result_that_is_kept_by_the_arguments_shapes_is_refused(name):
    for seed in (0, 1, 2):
        result = examine(EXERCISES[name], kept_by(shapes, solutions()[name]), seed)
        assert not result.passed and "keeps something from one call to the next, in masks" in " ".join(
            result.report.split())


def test_a_cache_that_is_kept_by_all_is_right():
    for name in ("region_ids", "shifted_window_mask", "relative_position_index"):
        assert examine(EXERCISES[name], functools.cache(solutions()[name])).passed
    for name in ("swin_block", "swin_transformer"):
        function = with_cached_helper(name, "shifted_window_mask", lambda *arguments: arguments)
        assert examine(EXERCISES[name], function).passed


@pytest.mark.parametrize("wrong", [lambda n: n > 8, lambda n: n > 10, lambda n: n % 12 == 11, lambda n: n > 13],
                         ids=["after 8", "after 10", "once in 12", "after 13"])
def test_a_function_that_is_right_for_some_calls_only_is_refused_in_a_sentence(wrong):
    calls = []

    def softmax(x):
        calls.append(1)
        return solutions()["softmax"](x) + wrong(len(calls))

    report = " ".join(examine(SOFTMAX, softmax).report.split())
    assert "At first it was right for the same arguments: a result may depend on them alone, and yours keeps " \
           "something in calls." in report


def test_weights_that_are_kept_from_the_first_call_are_refused():
    first = []

    def gelu(x):
        first.append(x)
        return solutions()["gelu"](x) if len(first) < 9 else solutions()["gelu"](first[0])

    assert "a result may depend on them alone, and yours keeps something in first." in " ".join(
        examine(EXERCISES["gelu"], gelu).report.split())


def test_one_array_for_all_results_is_refused_in_a_sentence():
    room = np.empty(10 ** 5)

    def softmax(x):
        result = room[:x.size].reshape(x.shape)
        result[:] = solutions()["softmax"](x)
        return result

    report = " ".join(examine(SOFTMAX, softmax).report.split())
    assert "with this call the array has changed that your function gave before: make a new one" in report


def test_an_argument_that_is_changed_by_a_later_call_only_is_refused():
    calls = []

    def softmax(x):
        calls.append(1)
        result = solutions()["softmax"](x)
        if len(calls) > 9:
            x[:] = 0
        return result

    assert "called once more: your function changes x" in " ".join(examine(SOFTMAX, softmax).report.split())


counted, seen, number = {}, [], 0


def by_default(x, kept=[]):  # noqa: B006
    kept.append(x)
    return x


def by_attribute(x):
    by_attribute.calls = getattr(by_attribute, "calls", 0) + 1
    return x


def by_global_number(x):
    global number
    number += 1
    return x


def in_a_helper(x):
    return helper(x)


def helper(x):
    counted[len(counted)] = 1
    return x


@functools.cache
def cached_helper(size):
    return size


def by_cached_helper(x):
    return cached_helper(x.size)


@pytest.mark.parametrize(("function", "names"), [
    (by_default, ("a default value of by_default",)), (by_attribute, ("by_attribute.calls",)),
    (by_global_number, ("number",)), (in_a_helper, ("counted",)), (by_cached_helper, ("cached_helper",)),
    (lambda x: seen.append(x) or x, ("seen",)), (lambda x: np.exp(x), ()), (np.exp, ()), (abs, ()),
    (lambda x: [seen.append(i) for i in (1, 2)] and x, ("seen",))])
def test_what_a_function_has_put_something_into_is_named(function, names):
    assert call(function, (np.arange(3.0),), 5).keeps == names


def test_results_that_are_views_of_their_arguments_do_not_count_as_overwritten():
    arguments = (np.arange(6.0),)
    for _ in range(3):
        assert not call(np.reshape, (*copied(arguments), (2, 3)), 5).overwrites
    assert not memory.overwritten(np.reshape, np.zeros(3))
