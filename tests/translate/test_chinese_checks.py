"""What `check` says in Chinese: the numbers of the English report, no English sentence, Chinese type, short lines."""

import json
import re
import sys
from collections import Counter
from textwrap import fill

import numpy as np
import pytest

from swin_np.exercises import check, intact, progress, registry
from swin_np.exercises.calling import Called, call
from swin_np.exercises.checking import examine
from swin_np.exercises.climbing import answered, steps
from swin_np.exercises.comparing import arguments_and_results, arguments_in_short, difference, value_text
from swin_np.exercises.naming import MISTAKES
from swin_np.exercises.picture import EXPECTED, GOT, grids, html
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import LONGEST, MOST_LINES, Result
from swin_np.exercises.running import run_cells, serve
from swin_np.language import speaking, table
from swin_np.text import columns, padded, shortened, wrapped

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.translate.wording import HAN, NUMBER, faults_of_type, parts
from tests.exercises.mutations import composite
from tests.exercises.wrong_answers import WRONG_ANSWERS

ALL = [(name, what) for name, answers in WRONG_ANSWERS.items() for what in answers]
SENTENCE = re.compile(r"[A-Za-z][a-z']+(?:,? [A-Za-z][a-z']+){3,}")     # four words or more in a row
RAISED = re.compile(r"(?<=Error): .*?(?=（单元格|。)|(?<=行)：.*(?=）)")   # what Python says, and the student's line
CODE = re.compile(r"\w+\[[^\]]*\][\w.^/-]*|\w+(?:\.\w+)+(?:\[\d+\])?|\[[\d, ]*\]|\([\d, ]*\)"
                  r"|[\w^*/+ -]+ \* [\w^*/+ -]+")
PRINTED, GIVEN = "你的函数打印了：", re.compile(r"^((应为|得到)\s|\w+ = |调用参数：)")


CATALOGUE = {text for mistake in MISTAKES.values() for text in (mistake.says, mistake.fix)}


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    """A Chinese text with the same numbers for each sentence of the catalogue that has no translation."""
    for text in CATALOGUE - table("zh").keys():
        monkeypatch.setitem(table("zh"), text, f"这一句里的数：{'，'.join(NUMBER.findall(text))}。")


@pytest.fixture
def lines(monkeypatch):
    """The lines of every report before they are wrapped and cut."""
    kept, of = [], Result.of.__func__

    def remembering(cls, exercise, outcome, lines, *others, **more):
        kept.append(lines)
        return of(cls, exercise, outcome, lines, *others, **more)

    monkeypatch.setattr(Result, "of", classmethod(remembering))
    return kept


def prose(lines):
    """The sentences of a report: without arrays, arguments, and what the student's function printed."""
    printed = lines.index(PRINTED) if PRINTED in lines else len(lines)
    return [RAISED.sub("", line) for line in lines[:printed] if not GIVEN.match(line)]


def faults(sentences):
    """English that was left, and faults of Chinese type."""
    english = [match[0] for line in sentences for match in SENTENCE.finditer(parts(line).prose)]
    without = [line for line in sentences if not re.search(f"[{HAN}]", line)]
    return english + without + [fault for line in map(without_catalogue, sentences)
                                for fault in faults_of_type(CODE.sub("\ue000", parts(line).prose))]


def without_catalogue(line):
    """The line without the catalogue's sentences, whose type has a test of its own."""
    for text in sorted(map(table("zh").__getitem__, CATALOGUE), key=len, reverse=True):
        line = line.replace(text, "")
    return line


def short(result):
    rows = result.report.split("\n")
    return len(rows) <= MOST_LINES and max(map(columns, rows)) <= LONGEST


def in_both(name, function, lines):
    """The results of an answer in English and in Chinese, and the lines of both reports."""
    results = []
    for code in ("en", "zh"):
        with speaking(code):
            results.append(examine(EXERCISES[name], function))
    return *results, *lines[-2:]


def compare(answers, lines):
    assert answers
    wrong = {}
    for name, what in answers:
        english, chinese, ours, theirs = in_both(name, composite(name).changed(WRONG_ANSWERS[name][what]), lines)
        assert (english.outcome, english.points, english.mistake, english.stages, english.grids) == (
            chinese.outcome, chinese.points, chinese.mistake, chinese.stages, chinese.grids)
        found = faults(prose(theirs))
        if Counter(NUMBER.findall("\n".join(ours))) != Counter(NUMBER.findall("\n".join(theirs))):
            found.append("other numbers than in English")
        if not short(chinese):
            found.append("long lines, or many")
        if found:
            wrong[name, what] = found, theirs
    assert wrong == {}, json.dumps([*wrong.items()], ensure_ascii=False, indent=1)


def test_reports_on_wrong_answers_are_chinese_with_the_numbers_of_the_english_ones(lines):
    compare(ALL[::18], lines)


@pytest.mark.long
def test_all_reports_on_wrong_answers_are_chinese_with_the_numbers_of_the_english_ones(lines):
    compare([one for number, one in enumerate(ALL) if number % 18], lines)


@pytest.mark.parametrize("left_out", ["It is right up to {what}: {place} has it.", "{steps}: right",
                                      "the softmax of the scores", "error"])
def test_a_phrase_that_is_left_out_is_found(lines, monkeypatch, left_out):
    function = composite("window_attention").changed(WRONG_ANSWERS["window_attention"]["the mask of two images"])
    name, what = "window_attention", "values of the first head for all"
    assert not faults(prose(in_both(name, composite(name).changed(WRONG_ANSWERS[name][what]), lines)[3]))
    monkeypatch.delitem(table("zh"), left_out)
    with speaking("zh"):
        reports = [examine(EXERCISES[name], function).report,
                   examine(EXERCISES[name], composite(name).changed(WRONG_ANSWERS[name][what])).report]
    assert left_out.split("{")[0] in " ".join(reports) or faults(
        [line for found in lines[-2:] for line in prose(found)])


def forever(x):
    while True:
        pass


def keeping(x, seen=[]):                                 # noqa: B006 (that is the mistake)
    seen.append(1)
    return EXERCISES["softmax"].reference(x) if len(seen) < 9 else x


def changing(x):
    x += 1
    return EXERCISES["softmax"].reference(x)


def raising(x):
    raise ValueError("some words of Python that stay")


def printing(x):
    print("what a student prints stays as it is")
    return x


def replacing(x):
    np.exp = np.log
    return x


ODD = [lambda x: None, lambda x: 3, lambda x: "text", lambda x: [1, 2], lambda x: x > 0, lambda x: 1j * x,
       lambda x: x.astype(np.float32), lambda x: x[0], lambda x, y: x, lambda x: x.astype("U8"), lambda x: True,
       lambda x: 1.5 * EXERCISES["softmax"].reference(x), lambda x: object(), changing, raising, printing, replacing]


@pytest.mark.parametrize("function", ODD, ids=[f"{number} {one.__name__}" for number, one in enumerate(ODD)])
def test_whatever_a_function_does_is_told_in_chinese(lines, function):
    _, chinese, ours, theirs = in_both("softmax", function, lines)
    assert not faults(prose(theirs)) and short(chinese)
    assert Counter(NUMBER.findall("\n".join(ours))) == Counter(NUMBER.findall("\n".join(theirs)))


def test_what_a_function_keeps_is_told_in_chinese(lines):
    with speaking("zh"):
        examine(EXERCISES["softmax"], keeping)
    assert not faults(prose(lines[0])) and any("存在：keeping 的默认值" in line for line in lines[0])


def test_a_call_that_does_not_end_is_told_in_chinese():
    with speaking("zh"):
        assert call(forever, (1,), 0.1).error == "0.1 秒后还没有结束：找一找有没有死循环"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there are no copies of processes")
def test_check_prints_chinese_from_its_copy_and_keeps_english_data(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "DONE", {})

    def softmax(x):
        return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)

    with speaking("zh"):
        result = check(softmax)
        softmax.__code__ = (lambda x: sys.modules["os"]._exit(3)).__code__
        ended = check(softmax)
    said = capsys.readouterr().out
    assert "softmax：不对，0 分（满分 2 分）" in said and "（softmax-overflows）的结果" in said
    assert "它让进程结束了（退出状态 3）" in said and (result.outcome, ended.outcome) == ("wrong", "error")
    assert json.loads((tmp_path / "exercise_progress.json").read_text()) == {"softmax": "error"}


def test_the_table_of_all_exercises_is_chinese_and_its_columns_are_straight(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "DONE", {"softmax": "right", "gelu": "not implemented yet"})
    with speaking("zh"):
        progress()
    rows = capsys.readouterr().out.splitlines()
    assert rows[-1] == "2 分（满分 128 分），1%"
    of_exercises = [row for row in rows if row.startswith("  [")]
    assert len(of_exercises) == len(EXERCISES)
    assert len({columns(re.split(r"\d+ 分", row)[0].rstrip()[:33]) for row in of_exercises}) == 1
    assert {columns(row[:row.index(" 分")]) for row in of_exercises} == {columns(of_exercises[0].split(" 分")[0])}
    assert "[x] softmax" in of_exercises[0] and of_exercises[2].endswith("还没有写")


def test_the_picture_speaks_chinese_and_its_data_do_not():
    shown = grids(np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3) // 2, np.dtype(np.float64))
    assert {EXPECTED, GOT} < set(shown)
    with speaking("zh"):
        text = html(shown)
    assert 'aria-label="应为，2 行 3 列，其中 5 个数不同"' in text and ">得到</caption>" in text
    assert 'aria-label="2，不同"' in text and "differ" not in text


def test_cells_that_fail_are_told_in_chinese():
    with speaking("zh"):
        said = [problem for _, problem in run_cells([(1, "1 / 0"), (2, "import numpy as np\nnp.sum = 3"), (3, "x = 1")],
                                                    {})]
    assert said[0] == "第 1 个代码单元格：抛出了 ZeroDivisionError: division by zero"
    assert said[1].startswith("第 2 个代码单元格替换了 np.sum，可是其他代码也都要用：") and not said[2]
    assert intact.restored() == []


def test_values_and_arguments_are_named_in_chinese():
    with speaking("zh"):
        assert arguments_in_short(("x", "n", "w"), (np.ones((2, 3)), 4, {"a": np.ones(2)})) == (
            "调用参数：x 的形状为 (2, 3)、n = 4、w = {'a': 数组 (2,)}")
        assert value_text({str(number): number for number in range(30)}) == "有 30 项的字典，从 '0' 到 '29'"
        assert value_text(-2 ** 2000) == "约 -2^2001"
        several = difference((1, 2), (1, 3), np.dtype(np.float64))
    assert (several.step, several.sentence) == ("values", "返回了 2 个值，其中编号为 1 的：应为 3，得到 2")


def test_the_rows_of_an_array_stand_below_each_other_in_fonts_that_are_not_of_one_width():
    with speaking("zh"):
        rows = arguments_and_results(("x",), (1,), np.eye(2), 3)
    assert rows == ["应为  3", "得到\n  [[1. 0.]\n   [0. 1.]]", "x = 1"]


def test_what_a_check_compares_does_not_depend_on_the_language():
    exercise = EXERCISES["softmax"]
    for code in ("en", "zh"):
        with speaking(code):
            called, found = answered(exercise, lambda x: x, next(steps(exercise, 0)))
            assert found.step == "values" and isinstance(called, Called) and serve
            transposed = examine(EXERCISES["relative_position_bias"], lambda table, window: EXERCISES[
                "relative_position_bias"].reference(table, window).transpose(0, 2, 1))
            assert transposed.mistake == "index-transposed"
            assert ("exchanged" if code == "en" else "对调") in transposed.report


TEXT = "算到模块 attn.qkv 的输出都是对的，它在 window_attention 的第 6 行（由 linear 算出：`x = linear(x)`）。" * 4


def test_chinese_is_wrapped_by_columns_and_nothing_is_lost():
    for width in range(30, 110):
        rows = wrapped(TEXT, width).split("\n")
        assert max(map(columns, rows)) <= width and not any(row[:1] in "，。：、）" or row[-1:] == "（" for row in rows)
        assert "".join(rows).replace(" ", "") == TEXT.replace(" ", "")
        assert "window_attention" in " ".join(rows)


def test_english_is_wrapped_as_ever_and_lines_are_cut_by_columns():
    english = "It is right up to what norm gives: line 14 has it. " * 5
    assert wrapped(english, 60) == fill(english, 60)
    assert shortened("x" * 20, 10) == "x" * 7 + "..." and shortened("词元" * 3, 12) == "词元" * 3
    assert shortened("词元" * 4, 12) == "词元词元..." and shortened("", 3) == ""
    assert padded("词元", 6) == "词元  " and columns("词元 M") == 6
