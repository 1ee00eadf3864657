"""A failing check says how, where and from which line on a result is wrong, and nothing that is not so."""

import linecache

import numpy as np
import pytest

from swin_np.exercises.broadcasting import lost_axis
from swin_np.exercises.checking import examine
from swin_np.exercises.find_the_bug import PLANTED
from swin_np.exercises.marks import mark_of, orders, same_numbers, same_order
from swin_np.exercises.naming import MISTAKES, planted
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.watching import of_message, to_message, watching
from tests.exercises.messages import kind, wrong_answers
from tests.exercises.mutations import composite
from tests.exercises.wrong_answers import WRONG_ANSWERS

LEAST = 0.75                                           # the share of those without a name that get a sentence


def said_of(name, what):
    return said(name, composite(name).changed(WRONG_ANSWERS[name][what]))


def said(name, function):
    return " ".join(examine(EXERCISES[name], function).report.split())


@pytest.mark.parametrize(("name", "what", "sentence"), [
    ("multi_head_attention", "the second image attends to the first", "image 0 is right, all others are wrong"),
    ("window_attention", "a mask that is used for the first image only", "image 0 is right, all others are wrong"),
    ("window_attention", "the bias only where there is a mask", "wrong whenever there is no mask"),
    ("window_attention", "the root of the heads in place of d", "the scaled product q k^T times 0."),
    ("window_attention", "keys and queries the other way round", "q k^T with two axes exchanged"),
    ("window_attention", "values of the first head for all", "right up to the softmax of the scores"),
    ("swin_block", "a roll by the window", "It has the windows of attn with its numbers in another order"),
    ("swin_transformer", "no shift in the second stage", "It has the windows of layers.1.blocks.1.attn"),
    ("swin_transformer", "the bias of the head left out", 'lacks state["head.bias"], and is right otherwise'),
    ("swin_transformer", "the sum for the mean", "It is right up to what norm gives: line 14 of swin_transformer"),
    ("find_the_bug_2", "no mask in the corner's window", "wrong in the last window only, that of the corner"),
    ("find_the_bug_2", "the mask on the first image only", "wrong in the windows of the last row and column only"),
    ("find_the_bug_2", "no mask in a map of one row of windows", "whenever the map has a single row of windows"),
    ("sliding_window_attention", "the last row of queries left out", "only the last row is wrong"),
    ("sliding_window_attention", "the right border cut off", "only the last M // 2 columns are right"),
    ("relative_position_index", "the height in place of the width", "this is not so: H and W differ. There it may"),
    ("relative_position_index", "counted from 1", "off by 1, everywhere by the same number"),
    ("region_ids", "one axis forgotten", "off by a number that depends on the column alone"),
    ("shifted_window_mask", "-1000", "10 times the right one"),
    ("patch_merging", "clockwise", "the four neighbours side by side with its numbers in another order"),
    ("block_multiply_adds", "GELU counted", "4 * h * w * channels too much"),
    ("window_msa_multiply_adds", "a window of 7 for the products", "each of its arguments is wrong: window (it does"),
    ("count_parameters", "a thousand classes", "classes (it does not depend on it)"),
    ("msa_multiply_adds", "counted in float32", "the rounding of float32")])
def test_a_wrong_answer_is_told_where_it_is_wrong(name, what, sentence):
    assert sentence in said_of(name, what)


def test_most_wrong_answers_get_a_sentence():
    kinds = [kind(result) for _, _, result in wrong_answers(every=9)]
    unnamed = [one for one in kinds if one != "named"]
    assert len(unnamed) > 20 and unnamed.count("numbers only") <= (1 - LEAST) * len(unnamed)


@pytest.mark.long
def test_most_of_all_wrong_answers_get_a_sentence():
    kinds = [kind(result) for _, _, result in wrong_answers()]
    unnamed = [one for one in kinds if one != "named"]
    assert len(kinds) > 400 and unnamed.count("numbers only") <= (1 - LEAST) * len(unnamed)


def test_two_mistakes_at_once_are_both_named():
    exercise = EXERCISES["multi_head_attention"]

    def wrong(*arguments):
        with planted(MISTAKES["scale-left-out"], MISTAKES["proj-left-out"]):
            return exercise.reference(*arguments)

    report = said("multi_head_attention", wrong)
    assert "two mistakes together (scale-left-out and proj-left-out)" in report
    assert MISTAKES["scale-left-out"].fix in report and MISTAKES["proj-left-out"].fix in report


def test_a_transposed_result_is_told_its_axes_before_any_name():
    def relative_position_bias(table, window):
        return EXERCISES["relative_position_bias"].reference(table, window).transpose(0, 2, 1)

    report = said("relative_position_bias", relative_position_bias)
    assert 0 < report.index("axes 1 and 2 exchanged") < report.index("those of a known mistake (index-transposed)")


def test_advice_on_the_index_is_right_for_windows_that_are_not_square():
    def relative_position_index(window):
        n = window[1]
        down, right = np.divmod(EXERCISES["relative_position_index"].reference(window), 2 * n - 1)
        return down * n + right

    report = said("relative_position_index", relative_position_index)
    assert "(index-factor-m)" in report and "Multiply by 2N-1" in report


def test_a_small_number_in_the_denominator_is_not_called_1_times_the_right_one():
    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / (e.sum(-1, keepdims=True) + 1e-6)

    report = said("softmax", softmax)
    assert " 1 times" not in report and "denominator" in report


def test_division_by_d_is_told_as_that():
    def attention_head(q, k, v):
        return EXERCISES["softmax"].reference(q @ k.T / q.shape[-1]) @ v

    assert "is divided by d instead of sqrt(d)" in said("attention_head", attention_head)


@pytest.mark.parametrize("name", PLANTED)
def test_the_bug_of_a_port_is_not_told_line_by_line(name):
    what = {"find_the_bug_1": "the port itself", "find_the_bug_2": "masks repeated for each window",
            "find_the_bug_3": "the order of the port"}[name]
    report = said_of(name, what)
    assert "right up to" not in report and "look at" not in report


def test_arrays_are_known_again_in_every_order_of_their_axes():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    mark = mark_of(x)
    for other in (x, x.transpose(2, 0, 1), x.transpose(1, 2, 0).reshape(12, 2)):
        assert same_numbers(mark_of(other), mark) and same_order(mark_of(other), mark, list(orders(x)))
    shuffled = np.random.default_rng(1).permuted(x)
    assert same_numbers(mark_of(shuffled), mark) and not same_order(mark_of(shuffled), mark, list(orders(x)))
    assert not same_numbers(mark_of(x + 1e-6), mark)
    assert mark_of(np.full(9, np.nan)) is mark_of(np.ones(9)) is mark_of(x > 0) is mark_of("text") is None


def test_what_a_function_makes_is_seen_with_its_line_and_survives_a_message():
    seen = []
    function = composite("multi_head_attention").changed({})
    arguments = EXERCISES["multi_head_attention"].draw(np.random.default_rng(0))
    value = watching(function, arguments, seen)
    assert np.array_equal(value, function(*arguments))
    last = seen[-1]
    assert (last.function, last.mark) == ("multi_head_attention", mark_of(value))
    assert {one.helper for one in seen} == {"", "softmax"}
    assert [of_message(to_message(one)) for one in seen] == seen


def test_what_raises_an_error_is_told_how_far_it_was_right():
    report = said_of("window_attention", "the mask of two images")
    assert "It is right up to the scores with the bias" in report and "ValueError" in report


def test_of_a_result_of_several_values_the_wrong_one_is_looked_at():
    reference = EXERCISES["vit_attention"].reference
    report = said("vit_attention", lambda *arguments: (reference(*arguments)[0], 2 * reference(*arguments)[1]))
    assert "Your result is 2 times the right one" in report and "in value 1 of the 2 that came back" in report


def written(name, text):
    """The answer with this text in place of the solution's, as a notebook has it: its lines can be read."""
    file = f"<{name} in a cell>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace = composite(name).changed({}).__globals__
    exec(compile(text, file, "exec"), namespace)
    return namespace[name]


def test_a_line_that_is_right_and_calls_a_helper_is_not_called_wrong():
    report = said("attention_head", written("attention_head", """def attention_head(q, k, v):
    s = q @ k.T / math.sqrt(q.shape[-1])
    p = softmax(s)
    return p[::-1] @ v
"""))
    assert "line 3 of attention_head, by softmax, `p = softmax(s)`, has it" in report
    assert "The mistake is in what follows, from `return p[::-1] @ v` on" in report


def test_a_line_that_goes_on_behind_the_helper_is_where_the_mistake_may_be():
    report = said("attention_head", written("attention_head", """def attention_head(q, k, v):
    s = q @ k.T / math.sqrt(q.shape[-1])
    return softmax(s)[::-1] @ v
"""))
    assert "The mistake is in what follows, from `return softmax(s)[::-1] @ v` on" in report


def test_an_answer_that_goes_another_way_is_not_told_that_its_first_lines_are_wrong():
    by_heads = """def multi_head_attention(x, qkv_weight, qkv_bias, proj_weight, proj_bias, heads):
    d = x.shape[-1] // heads
    q, k, v = np.split(x @ qkv_weight.T + qkv_bias, 3, -1)
    y = np.zeros_like(x)
    for h in range(heads - 1):
        s = slice(h * d, (h + 1) * d)
        y[..., s] = softmax(q[..., s] @ k[..., s].transpose(0, 2, 1) / math.sqrt(d)) @ v[..., s]
    return y @ proj_weight.T + proj_bias
"""
    report = said("multi_head_attention", written("multi_head_attention", by_heads))
    assert "unless you compute it in parts or inside a longer line" in report and "first lines" not in report
    named = said("layer_norm", written("layer_norm", """def layer_norm(x, weight, bias):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * weight + bias
"""))
    assert "(norm-eps-1e-3)" in named and "comes first" not in named


def test_arrays_that_are_no_maps_have_neither_images_nor_a_height():
    report = said("softmax", written("softmax", """def softmax(x):
    e = 2 ** (x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
"""))
    assert "image" not in report
    heads_and_tokens = composite("cosine_attention").changed(
        {"softmax(scores) @ v": "softmax(scores) @ v + (q.shape[1] != q.shape[2])"})
    assert "H and W" not in said("cosine_attention", heads_and_tokens)


def test_what_is_off_along_the_last_axis_is_told_for_any_number_of_axes():
    report = said("layer_norm", written("layer_norm", """def layer_norm(x, weight, bias):
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return weight * (y + bias)
"""))
    assert "off by a number that depends on the index of the last axis alone" in report


def test_weights_that_sum_to_1_along_another_axis_are_told_which():
    report = said("softmax", written("softmax", """def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(0)
"""))
    assert "Your result sums to 1 along axis 0, and should along the last one" in report


def test_calls_whose_results_overflow_hide_no_mistake_and_are_told():
    report = said("softmax", written("softmax", """def softmax(x):
    e = np.exp(x)
    return e / e.sum(0)
"""))
    assert "(softmax-over-the-first-axis)" in report
    assert "calls your result holds nan or infinity: does something overflow" in report
    alone = said("softmax", written("softmax", """def softmax(x):
    e = np.exp(x - x.mean(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
"""))
    assert "calls your result holds nan or infinity: does something overflow" in alone
    overflows = said("softmax", written("softmax", """def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)
"""))
    assert "(softmax-overflows)" in overflows and "holds nan or infinity" not in overflows


@pytest.mark.parametrize(("name", "text", "sentence"), [
    ("softmax", """def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1)
""", "The shape (2,) is (2, 3) without one axis: was it lost in a sum, a mean or a maximum? keepdims=True keeps it"),
    ("layer_norm", """def layer_norm(x, weight, bias):
    return (x - x.mean(-1)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight + bias
""", "The shape (2,) is (2, 4) without one axis")])
def test_an_axis_that_was_lost_in_a_sum_is_told(name, text, sentence):
    assert sentence in said(name, written(name, text))


def test_an_error_of_other_shapes_is_no_lost_axis():
    for error in ("ValueError: operands could not be broadcast together with shapes (2,3) (4,)",
                  "ValueError: operands could not be broadcast together with shapes (2,3) (3,2)", "", "TypeError: ()"):
        assert lost_axis(error) == ""
    assert "(5, 2) is (5, 7, 2) without" in lost_axis(
        "ValueError: operands could not be broadcast together with shapes (5,2) (5,7,2)")


@pytest.mark.parametrize("lines", ["q, k, v = (x @ qkv_weight.T + qkv_bias).reshape(B, n, 3, heads, d)",
                                   "qkv = (x @ qkv_weight.T + qkv_bias).reshape(B, n, 3, heads, d)"])
def test_what_is_computed_within_a_longer_line_is_not_blamed_for_what_follows(lines):
    names = ".transpose(2, 0, 3, 1, 4)" + ("" if lines.startswith("q,") else "; q, k, v = qkv")
    report = said("multi_head_attention", written("multi_head_attention", f"""def multi_head_attention(
        x, qkv_weight, qkv_bias, proj_weight, proj_bias, heads):
    B, n, C = x.shape
    d = C // heads
    {lines}{names}
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(d) * 1.1
    y = softmax(scores) @ v
    return y.transpose(0, 2, 1, 3).reshape(B, n, C) @ proj_weight.T + proj_bias
"""))
    assert "It has the scaled product q k^T times 1.1: look at line 6" in report and "linear layer" not in report


def test_a_named_mistake_is_not_told_as_another_order_first():
    report = said("cyclic_shift", written("cyclic_shift", """def cyclic_shift(x, shift):
    return np.roll(x, (shift, shift), (1, 2))
"""))
    assert "(roll-direction)" in report and "in another order" not in report
