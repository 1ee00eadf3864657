"""What check says of functions that do what no function should, and how it climbs."""

import contextlib
import json
import threading
import time

import numpy as np
import pytest

from swin_np.errors import ConfigurationError
from swin_np.exercises import check, progress
from swin_np.exercises.calling import Called, TooLong, call, within
from swin_np.exercises.checking import examine
from swin_np.exercises.comparing import difference
from swin_np.exercises.exercise import Step
from swin_np.exercises.naming import MISTAKES, explains
from swin_np.exercises.plain import explained
from swin_np.exercises.registry import EXERCISES
from tests.exercises.solutions import solutions

SOFTMAX, PARTITION = EXERCISES["softmax"], EXERCISES["window_partition"]
FLOAT64 = np.dtype(np.float64)


def right(x):
    return solutions()["softmax"](x)


class Odd:
    """An object of which nothing can be asked."""

    def __eq__(self, other):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError

    def __array__(self, *options, **more):
        raise RuntimeError

    __hash__ = None


class Subclass(np.ndarray):
    """An array that compares in its own way."""

    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("swin_np.exercises.registry.DONE", {})


@pytest.mark.parametrize("value", [
    [1.0, 2.0], [[0.25, 0.5, 0.25]], "text", 3, 0.5, True, 1j, Odd(), object, np.float64(1), np.array(None), {}, (),
    (np.zeros(3),), np.zeros(0), np.array("text"), np.full((2, 3), np.nan), np.full((2, 3), np.inf),
    np.zeros((2, 3), complex), np.zeros((2, 3), object), np.zeros((2, 3), bool), np.zeros((2, 3), int),
    np.zeros((2, 3), np.float16), np.zeros((2, 3), "datetime64[s]"), np.ma.masked_all((2, 3)), np.zeros((2, 3)).view(
        Subclass), iter([1]), np.zeros((2, 3), [("a", int)]), b"", float("nan")],
    ids=lambda value: type(value).__name__)
def test_whatever_comes_back_is_told_in_a_sentence(value):
    result = examine(SOFTMAX, lambda x: value)
    assert (result.outcome, result.points) == ("wrong", 0)
    assert "Traceback" not in result.report and len(result.report.splitlines()) > 1


@pytest.mark.parametrize("name", ["relative_position_index", "window_partition"])
@pytest.mark.parametrize("value", [np.zeros((6, 6)), np.full((6, 2, 2, 1), np.nan), np.zeros((6, 2, 2, 1), object), 1])
def test_whole_numbers_are_compared_with_anything(name, value):
    assert examine(EXERCISES[name], lambda *arguments: value).outcome == "wrong"


@pytest.mark.parametrize(("error", "sentence"), [
    (ValueError("two\nlines"), "ValueError: two"), (SystemExit(), "SystemExit"), (KeyError("k"), "KeyError: 'k'"),
    (RecursionError("deep"), "RecursionError"), (MemoryError(), "MemoryError"), (StopIteration(), "StopIteration"),
    (GeneratorExit(), "GeneratorExit"), (Exception("x" * 1000), "x" * 200)], ids=lambda value: type(value).__name__)
def test_an_error_is_one_sentence_with_the_line(error, sentence):
    def function(x):
        raise error

    called = call(function, (1,), 5)
    assert sentence in called.error
    assert "raise error" in called.error and "\n" not in called.error


def test_an_error_deep_in_numpy_names_the_student_s_line():
    def softmax(x):
        return np.concatenate([x, x[0]])

    result = examine(SOFTMAX, softmax)
    assert result.outcome == "error"
    assert "np.concatenate([x, x[0]])" in result.report.replace("\n    ", " ")


def test_a_wrong_number_of_arguments_is_said():
    result = examine(SOFTMAX, lambda: None)
    assert result.outcome == "error" and "takes 0 positional arguments" in result.report


def test_somebody_at_the_keyboard_can_interrupt():
    def function(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(function, (1,), 5)


def forever(x):
    while True:
        x = x + 1


def forever_and_deaf(x):
    with contextlib.suppress(BaseException):
        forever(x)
    return forever(x)


def asleep(x):
    time.sleep(100)


@pytest.mark.parametrize("function", [forever, forever_and_deaf, asleep])
def test_a_loop_without_end_is_stopped(function):
    called = call(function, (1,), 0.2)
    assert called.too_long and "0.2 seconds" in called.error


def test_a_loop_without_end_is_left_behind_in_another_thread():
    problems = []

    def work():
        try:
            within(0.2, lambda: time.sleep(2))
        except TooLong as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert len(problems) == 1


def test_values_and_errors_come_out_of_another_thread():
    found = []

    def work():
        found.append(call(lambda x: x + 1, (1,), 5).value)
        found.append(call(lambda x: x[0], (1,), 5).error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert found[0] == 2 and "TypeError" in found[1]


def test_an_argument_that_is_changed_is_said():
    def softmax(x):
        x -= x.max(axis=-1, keepdims=True)
        return right(x)

    result = examine(SOFTMAX, softmax)
    assert result.outcome == "wrong" and "your function changes x" in result.report


def test_a_view_of_the_argument_is_no_problem():
    assert examine(EXERCISES["window_reverse"], lambda windows, map_size: windows).outcome == "wrong"
    assert examine(PARTITION, lambda x, window: x[:0]).outcome == "wrong"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_subclass_of_arrays_is_compared_as_an_array():
    assert examine(SOFTMAX, lambda x: right(x).view(Subclass)).passed
    assert examine(SOFTMAX, lambda x: np.matrix(x[..., 0])).outcome == "wrong"


def test_a_memory_of_the_first_call_is_wrong():
    memory = []

    def softmax(x):
        memory.append(right(x))
        return memory[0]

    assert examine(SOFTMAX, softmax).outcome == "wrong"


def test_wider_numbers_than_asked_for_are_right_and_narrower_ones_are_not():
    assert examine(SOFTMAX, lambda x: right(x.astype(np.float64))).passed
    report = examine(SOFTMAX, lambda x: right(x.astype(np.float32))).report
    assert "float64 went in and float32 came out" in report


def test_none_after_the_first_call_is_wrong_and_not_blank():
    result = examine(SOFTMAX, lambda x: right(x) if x.ndim == 2 else None)
    assert result.outcome == "wrong" and "None came back" in result.report


def test_prints_of_the_student_are_shown_up_to_ten_lines():
    def softmax(x):
        for i in range(1000):
            print("line", i)
        return x

    report = examine(SOFTMAX, softmax).report
    assert "line 9" in report and "line 10" not in report


def test_the_first_wrong_index_is_shown_with_expected_and_got():
    right = solutions()["window_partition"]            # its notebook prints, so not within the check

    def window_partition(x, window):
        result = right(x, window)
        result[1, 0, 1, 0] = 77
        return result

    report = examine(PARTITION, window_partition).report
    assert "1 of 24 values are wrong, the first at index [1, 0, 1, 0]: expected 3, got 77" in report
    assert "window = 2" in report and "18 19 20 21 22 23" in report


def test_numbers_that_differ_late_are_shown_with_enough_digits():
    sentence = difference(np.array([1.0 + 1e-8]), np.array([1.0]), FLOAT64).sentence
    assert "expected 1, got 1.00000001" in sentence


@pytest.mark.parametrize(("got", "expected", "dtype"), [
    (np.array([1, 2], np.int32), np.array([1, 2]), np.float64), (3, 3, np.float64), (np.int64(3), 3, np.float64),
    (3.0, 3, np.float64), (np.array(3), 3, np.float64), (0.1 + 0.2, 0.3, np.float64),
    ((1, np.ones(2)), (1, np.ones(2)), np.float64), ([1, np.ones(2)], (1, np.ones(2)), np.float64),
    (np.array([1 + 1e-6], np.float32), np.array([1.0]), np.float32)])
def test_no_difference(got, expected, dtype):
    assert difference(got, expected, np.dtype(dtype)) is None


@pytest.mark.parametrize(("got", "expected", "step"), [
    (4, 3, "values"), (float("nan"), 3, "values"), (True, 1, "type"), ("3", 3, "type"), (None, 3, "type"),
    ((1,), (1, 2), "type"), ((1, 3), (1, 2), "values"), (np.ones((2, 1)), np.ones(2), "shape"),
    (np.float32(2 ** 24), 2 ** 24 + 1, "values"), (np.int32(-1), 2 ** 32 - 1, "values"),
    (np.ones(2), np.ones(2, int), "dtype"), (np.ones(2, int), np.ones(2), "dtype"), (1, np.ones(2), "type"),
    (np.array([1 + 1e-6]), np.array([1.0]), "values"), (np.array([1, 3]), np.array([1, 2]), "values")])
def test_differences(got, expected, step):
    assert difference(got, expected, FLOAT64).step == step


X = np.random.default_rng(0).standard_normal((3, 4, 5))
ARGUMENT = np.random.default_rng(1).standard_normal((4, 5))


@pytest.mark.parametrize(("got", "sentence"), [
    (X.transpose(0, 2, 1), "axes 1 and 2 exchanged"), (X.transpose(1, 2, 0), "in the order (2, 0, 1)"),
    (X[:, ::-1], "axis 1 reversed"), (-X, "opposite sign"), (2.5 * X, "2.5 times"), (X - 3, "off by -3"),
    (X.reshape(3, 20), "only the shape"), (X * (1 + 1e-8), "nearly right"),
    (X * (1 - 1e-6), "too small by a share of 1e-06"), (np.roll(X, 2, 1), "rolled by 2 along axis 1"),
    (X + ARGUMENT, "has x once too much"), (X - ARGUMENT, "lacks x"),
    (X * [1, 2, 3, 4, 5], "a factor of its own"), (X + [[1], [2], [3], [4]], "depends on the index of axis 1 alone"),
    (X - X.mean(-1, keepdims=True), "another one for each place"), (X / X.max(-1, keepdims=True), "another one for"),
    (X[:, [2, 0, 1, 3]], "yours number 0 is the right result's number 2"),
    (np.sort(X, None).reshape(X.shape), "right, but in another order")])
def test_plain_transformations_are_recognised(got, sentence):
    assert sentence in explained(SOFTMAX, [(Step("", (ARGUMENT,), X, FLOAT64), got)])[1]


def test_what_explains_one_call_alone_gets_no_sentence():
    pairs = [(Step("", (ARGUMENT,), X, FLOAT64), -X), (Step("", (ARGUMENT,), X, FLOAT64), X ** 2)]
    assert explained(SOFTMAX, pairs[:1])[1] and explained(SOFTMAX, pairs) == (None, "")


def test_a_factor_that_follows_from_the_sizes_is_told_as_such():
    pairs = [(Step("", (x,), x, FLOAT64), x / x.shape[1] ** 0.5) for x in (X, X[:, :2], X[:, :3])]
    assert "that is x.shape[1]^-1/2 times it in every call" in explained(SOFTMAX, pairs)[1]


def test_a_mistake_that_does_not_show_in_any_call_is_not_named():
    arguments = SOFTMAX.toy()
    evidence = [(Step("", arguments, right(*arguments), FLOAT64), Called(right(*arguments)))]
    assert not explains(SOFTMAX, [MISTAKES["softmax-overflows"]], evidence)


def test_what_is_no_plain_transformation_gets_no_sentence():
    for got in (X ** 2, np.full_like(X, np.nan)):
        assert explained(SOFTMAX, [(Step("", (ARGUMENT,), X, FLOAT64), got)]) == (None, "")


def test_a_function_of_an_unknown_name_is_refused_with_the_nearest():
    def sofmax(x):
        return x

    with pytest.raises(ConfigurationError, match="did you mean 'softmax'"):
        check(sofmax)


def test_check_prints_its_report_and_gives_the_points(capsys):
    def softmax(x):
        return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)

    result = check(softmax)
    assert capsys.readouterr().out == result.report + "\n"
    assert (result.points, result.possible, result.mistake) == (0, 2, "softmax-overflows")
    assert check(solutions()["softmax"]).points == 2


def test_the_check_leaves_the_library_as_it_was():
    before = EXERCISES["window_partition"].reference(np.arange(16).reshape(1, 4, 4, 1), 2)
    examine(PARTITION, lambda x, window: x)
    after = EXERCISES["window_partition"].reference(np.arange(16).reshape(1, 4, 4, 1), 2)
    assert np.array_equal(before, after)


def test_no_warning_of_numpy_reaches_the_student(recwarn):
    examine(SOFTMAX, lambda x: np.log(x - 1e9) / 0)
    assert not recwarn


def test_progress_is_kept_in_a_file_beside_the_notebook(capsys, monkeypatch):
    check(solutions()["softmax"])
    monkeypatch.setattr("swin_np.exercises.registry.DONE", {})          # as in a new kernel
    capsys.readouterr()
    progress()
    out = capsys.readouterr().out
    assert "[x] softmax" in out and "[ ] layer_norm" in out
    assert f"2 of {sum(exercise.points for exercise in EXERCISES.values())} points" in out


@pytest.mark.parametrize("text", ["", "[]", "{", '{"softmax": 3, "other": "right"}', "\x00"])
def test_a_spoiled_file_of_progress_is_as_none(text, tmp_path, capsys):
    (tmp_path / "exercise_progress.json").write_text(text)
    progress()
    assert "[ ] softmax" in capsys.readouterr().out
    check(solutions()["softmax"])
    assert json.loads((tmp_path / "exercise_progress.json").read_text()) == {"softmax": "right"}


def test_progress_works_where_nothing_can_be_written(tmp_path, capsys):
    (tmp_path / "exercise_progress.json").mkdir()
    check(solutions()["softmax"])
    progress()
    assert "[x] softmax" in capsys.readouterr().out


def test_right_answers_are_told_what_was_checked():
    report = examine(SOFTMAX, right).report
    assert all(step in report for step in ("worked example", "random sizes 4 of 4", "float32", "golden value"))
