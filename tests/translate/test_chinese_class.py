"""Grading in Chinese: table, problems, findings, gradebooks and pages; the points and what programs read stay."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser

import pytest

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.translate.languages import find_language
from notebooks.translate.wording import OTHER, faults_of_type
from swin_np.classroom import judges
from swin_np.classroom.class_grades import Grade, grade
from swin_np.classroom.feedback import pages
from swin_np.classroom.grading import Grader, spoken
from swin_np.classroom.sandbox import Limits
from swin_np.commands.cli import main
from swin_np.exercises.apart import CAN_COPY
from swin_np.exercises.checking import BLANK
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import ERROR, FOLLOWED, NOT_IMPLEMENTED, RIGHT, WRONG, Result
from swin_np.language import VARIABLE, phrase, speaking, table
from tests.classroom.hand_ins import GELU, OVERFLOWS, STUB, answer, check, code, notebook, put
from tests.classroom.hand_ins import RIGHT as SOFTMAX
from tests.exercises.solutions import solution_cells
from tests.notebooks.browser import needs_chromium

LIMITS = Limits(60, 2048)
OUTCOMES = (RIGHT, WRONG, ERROR, NOT_IMPLEMENTED, FOLLOWED)
LONG, _ = solution_cells()["multi_head_attention"]
HAN = re.compile(r"[\u4e00-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z']+(?:[ ,:]+[A-Za-z']+){3,}|\b(?:right|wrong|error|missing)\b")
CODE = re.compile(r"[\w./-]*[._/][\w./-]*|`[^`]*`|!\w+", re.ASCII)      # names of files and in code
TEXT = {"cell_type": "markdown", "source": "def gelu(x):\n    return x"}
CLASS = {
    "ann/x.ipynb": notebook(SOFTMAX, LONG), "ben/x.ipynb": notebook(OVERFLOWS, LONG, "!ls", "import os\nos._exit(3)"),
    "cid.py": f"{SOFTMAX}\n\nimport os\nos._exit(3)\n\n{SOFTMAX}\n\ndef f():\n    import torch\n".encode(),
    "dan/report.pdf": b"", "eve.ipynb": b"no notebook", "fay.ipynb": notebook("x = 1"),
    "gus_LATE_7_8_x.ipynb": notebook("gelu = 3"),
    "ivy_01_attention.ipynb": notebook(
        answer("softmax", SOFTMAX), answer("softmax", STUB), check("softmax", "1"), code(GELU), TEXT,
        "from swin_np.exercises.registry import EXERCISES\nlayer_norm = EXERCISES['layer_norm'].reference",
        "def check(f):\n    return 1", "name = 'swin_np.functional'",
        "import swin_np.exercises\nswin_np.exercises.check = print"),
    "jon.ipynb": notebook("import ctypes\ndef softmax(x):\n    ctypes.string_at(0)")}


def english_in(text):
    """The English sentences in a text, four words in a row outside code, and the words for outcomes."""
    return SENTENCE.findall(CODE.sub(OTHER, text))


def badly_set(text):
    """What is wrong with the punctuation and the spaces of a line."""
    return faults_of_type(CODE.sub(OTHER, text.strip()))


class Reader(HTMLParser):
    """The texts of a page outside its reports, which are the check's own, and its `lang`."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.lang = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.lang = dict(attributes).get("lang", self.lang)

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not {"pre", "style", "div", "a"} & set(self.open):
            self.texts.append(data)


def printed(*arguments):
    """What `swin-np grade` prints on both streams."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        assert main(["grade", *map(str, arguments)]) == 0
    return out.getvalue(), err.getvalue()


class Run:
    """What `swin-np grade` prints and writes."""

    def __init__(self, place, folder):
        folder.mkdir()
        given = [place / "in", "--results", place / "kept.jsonl", "--roster", place / "roster.csv", "--deadline",
                 "2026-05-28 20:00", "--late-days", "4", "--compare", place / "old"]
        files = {name: folder / f"{name}.csv" for name in ("csv", "moodle", "canvas")}
        self.out, self.err = printed(*given, *(part for name, path in files.items() for part in (f"--{name}", path)),
                                     "--feedback", folder / "pages")
        self.json = json.loads(printed(*given, "--json")[0])
        self.tables = {name: list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
                       for name, path in files.items()}
        self.pages = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "pages").iterdir()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The class in Chinese, then in English, then in Chinese again, with one file of results."""
    place = tmp_path_factory.mktemp("class")
    put(place / "in", CLASS)
    put(place, {"old/zoe/x.ipynb": notebook(LONG), "roster.csv": "name\nann\n王伟\n".encode()})
    for number, path in enumerate(sorted(path for path in place.rglob("*") if path.is_file())):
        os.utime(path, (1780000000 + 40000 * number,) * 2)
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for number, language in enumerate(("zh", "en", "zh")):
            patch.setenv(VARIABLE, language)
            found.append(Run(place, place / str(number)))
            if number == 1:
                patch.setattr("swin_np.classroom.grading.Grader.grade", None)   # the third finds all that it needs
    return found


def test_points_outcomes_and_mistakes_are_those_of_the_english_grading(runs):
    def essence(run):
        return [(one["student"], one["points"], one["days_late"], len(one["problems"]), [
            (name, result["outcome"], result["mistake"], result["points"], result["stages"])
            for name, result in one["results"].items()]) for one in run.json["grades"]]

    assert essence(runs[0]) == essence(runs[1])
    assert runs[0].json["most_frequent"] == runs[1].json["most_frequent"]
    assert [(one["students"], one["exercise"]) for one in runs[0].json["to_look_at"]] == [
        (one["students"], one["exercise"]) for one in runs[1].json["to_look_at"]]


def test_what_was_kept_in_one_language_is_not_shown_in_the_other(runs):
    chinese, english, again = runs
    assert not HAN.search(english.out.replace("王伟", "")) and not HAN.search(json.dumps(english.json["to_look_at"]))
    assert (again.out, again.json, again.tables, again.pages) == (
        chinese.out, chinese.json, chinese.tables, chinese.pages)


def test_the_table_and_what_to_look_at_have_no_english_sentence_and_are_set_well(runs):
    head, *lines = runs[0].out.splitlines()
    assert head.split() == ["学生", "得分（满分", "12）", "正确（共", "5", "题）", "没做", "不对"]
    assert len(lines) == len(runs[1].out.splitlines()) - 1
    assert {line: english_in(line) for line in lines if english_in(line)} == {}
    assert {line: badly_set(line) for line in lines if line.startswith(" ") and badly_set(line)} == {}
    assert all(HAN.search(line) for line in lines if line.startswith(" "))
    assert "10 个页面已写到" in runs[0].err


def test_every_problem_and_finding_is_in_chinese(runs):
    texts = [problem for one in runs[0].json["grades"] for problem in one["problems"]] + [
        finding["what"] for finding in runs[0].json["to_look_at"]]
    assert len(texts) > 25 and all(map(HAN.search, texts)) and not any(map(english_in, texts))


def test_a_python_file_has_lines_in_the_place_of_cells(runs):
    own = next(one for one in runs[0].json["grades"] if one["student"] == "cid")
    assert "cid.py：第 7 行的语句结束了自己的进程（" in "".join(own["problems"])
    assert "cid.py：softmax 写了 2 遍，在第 2 和第 10 行的语句里：算最后一遍" in own["problems"]
    assert not any("单元格" in problem for problem in own["problems"])


def test_what_the_student_s_process_says_of_a_python_file_names_its_line():
    grader = Grader(LIMITS)
    with speaking("zh"):
        problem, = grader.grade("x.py", f"1 / 0\n\n{SOFTMAX}".encode()).problems
        assert "单元格" not in problem and "ZeroDivisionError" in problem
        assert spoken("x.py", "第 7 个代码单元格导入了 torch") == "第 7 行的语句导入了 torch"
        assert spoken("x.ipynb", "第 7 个代码单元格导入了 torch") == "第 7 个代码单元格导入了 torch"
    grader.close()


def test_gradebooks_keep_their_columns_and_points_and_have_comments_in_chinese(runs):
    for name, columns in (("canvas", 6), ("moodle", 5)):
        assert [row[:columns] for row in runs[0].tables[name]] == [row[:columns] for row in runs[1].tables[name]]
    comments = [row[-1] for row in runs[0].tables["moodle"][1:]]
    assert all(map(HAN.search, comments)) and not any(map(english_in, comments))
    assert comments[0].startswith("softmax：2 / 2（正确）；")


def test_the_table_for_programs_has_english_columns_and_status_words(runs):
    chinese, english = (run.tables["csv"] for run in runs[:2])
    assert [row[:-2] for row in chinese] == [row[:-2] for row in english] and chinese[0] == english[0]
    assert not any(english_in(cell) for row in chinese for cell in row[-2:])


def test_a_page_is_chinese_but_for_the_reports(runs):
    for page in runs[0].pages.values():
        reader = Reader(page)
        assert reader.lang == "zh-CN" and not any(map(english_in, reader.texts))
        assert {text: badly_set(text) for text in reader.texts if HAN.search(text) and badly_set(text)} == {}
    assert {"练习", "结果", "得分", "报告"} <= set(Reader(runs[0].pages["ann"]).texts)
    assert "<title>练习：ann</title>" in runs[0].pages["ann"] and 'lang="en"' in runs[1].pages["ann"]


def test_chinese_type_is_that_of_the_notebooks_and_english_pages_have_none_of_it(runs):
    type_css = find_language("zh").style
    assert "PingFang" in type_css and type_css in runs[0].pages["ann"] and "PingFang" not in runs[1].pages["ann"]


READS = "open('/etc/passwd')"


@pytest.mark.parametrize("text", [READS, f"import os\nos.environ['{VARIABLE}'] = 'en'\n{READS}",
                                  f"import builtins\nbuiltins.sorted = builtins.max = None\n{READS}"])
def test_the_student_s_process_speaks_the_grader_s_language(monkeypatch, text):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")          # is seen there, and not what counts
    grader = Grader(LIMITS)
    said = {}
    for language in ("en", "zh", "en"):
        with speaking(language):
            said.setdefault(language, grader.grade("x.ipynb", notebook(text, SOFTMAX)).problems)
            assert (grader.process is not None) == CAN_COPY    # it is there for the next file
    grader.close()
    if "sorted" not in text:                           # else the sentence is on what was replaced
        assert "提交的代码看不到自己文件夹以外的文件" in said["zh"][0]
        assert "files outside of its own folder are hidden from a submission" in said["en"][0]
    assert len(said["zh"]) == len(said["en"]) == 1


def test_an_exercise_that_was_left_out_is_told_in_the_grader_s_language(monkeypatch):
    monkeypatch.setitem(table("zh"), BLANK, "它还什么都没有给出。")
    grader = Grader(LIMITS)
    with speaking("zh"):
        results = grader.grade("01_attention.ipynb", notebook("x = 1")).results
    grader.close()
    assert len(results) == 5 and all("它还什么都没有给出。" in result.report for result in results.values())


@pytest.mark.parametrize("method", sorted({judges.METHOD, "spawn"}))
def test_processes_that_grade_have_the_language_of_the_first_one(tmp_path, monkeypatch, method):
    monkeypatch.setattr(judges, "METHOD", method)
    monkeypatch.setenv(VARIABLE, "en")
    put(tmp_path, {"ann.ipynb": notebook("softmax = 3")})
    with speaking("zh"):
        grades, _ = grade(tmp_path, LIMITS, processes=1)
    assert "softmax 不是函数：用 `def softmax(...)` 来定义它。" in grades[0].results["softmax"].report


@pytest.mark.parametrize(("encoding", "head"), [("cp936", "学生"), ("ascii", "student"), ("utf-8", "学生")])
def test_a_console_without_chinese_letters_has_an_english_table_and_chinese_pages(tmp_path, encoding, head):
    put(tmp_path / "in", {"ann.ipynb": notebook(SOFTMAX)})
    done = subprocess.run([sys.executable, "-m", "swin_np", "grade", tmp_path / "in", "--feedback", tmp_path / "pages"],
                          capture_output=True, check=False,
                          env={**os.environ, VARIABLE: "zh", "PYTHONIOENCODING": encoding})
    assert done.returncode == 0 and b"Error" not in done.stderr
    assert done.stdout.decode(encoding).startswith(head)
    assert 'lang="zh-CN"' in (tmp_path / "pages" / "ann.html").read_text(encoding="utf-8")


def test_the_help_is_chinese_and_keeps_its_defaults():
    told = io.StringIO()
    with speaking("zh"), redirect_stdout(told), pytest.raises(SystemExit):
        main(["grade", "--help"])
    text = told.getvalue()
    assert "给 Moodle 的 CSV" in text and "默认：120" in text and "%(" not in text
    for english, other in table("zh").items():
        assert sorted(re.findall(r"%\(\w+\)\w", english)) == sorted(re.findall(r"%\(\w+\)\w", other))


@pytest.fixture(scope="module")
def every_exercise():
    """A student with every exercise, and every outcome."""
    results = {name: Result(name, OUTCOMES[number % len(OUTCOMES)], 0, one.points, "", f"{name}: ...")
               for number, (name, one) in enumerate(EXERCISES.items()) if number % 7}
    return [Grade("王伟", results, ("x.ipynb",), 3), Grade("all", {name: results.get(name) or Result(
        name, RIGHT, 0, one.points, "", "") for name, one in EXERCISES.items()}, ())]


@needs_chromium
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_fits_the_window_and_breaks_no_outcome_and_no_points(tmp_path, browser, every_exercise, language, width):
    with speaking(language):
        file = tmp_path / "page.html"
        file.write_text(dict(pages(every_exercise))["王伟.html"], encoding="utf-8")
        outcomes = {phrase(outcome) for outcome in OUTCOMES}
    browser.open(file.as_uri(), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    lines = browser.evaluate("""[...document.querySelectorAll('td, thead th')].map(cell => {
        const texts = document.createRange(); texts.selectNodeContents(cell);
        return [cell.textContent, texts.getClientRects().length]; })""")
    words = {text: re.split(r"(?<=，)| ", text) for text, _ in lines}
    assert outcomes <= words.keys()
    assert [text for text, count in lines if count > (len(words[text]) if text in outcomes else 1)] == []
    assert browser.errors == browser.strangers() == []
