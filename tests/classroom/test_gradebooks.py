"""The tables that are written: for spreadsheets, Moodle and Canvas."""

import csv
import io

import pytest

from swin_np.classroom import gradebooks
from swin_np.classroom.class_grades import Grade
from swin_np.classroom.grade_table import as_csv, columns, harmless, most_frequent, rows
from swin_np.classroom.integrity import Finding
from swin_np.errors import SwinWarning
from swin_np.exercises.result import Result
from swin_np.plots.classroom import what_went_wrong


def result(name, points, possible, outcome="right", mistake=""):
    return Result(name, outcome, points, possible, mistake, f"{name}: {outcome}")


ANN = Grade("ann", {"softmax": result("softmax", 2, 2), "gelu": result("gelu", 1, 1)}, ())
BEN = Grade("=ben", {"softmax": result("softmax", 0, 2, "wrong", "softmax-overflows")}, ("-x", "late, again"), 2)
WEI = Grade("王伟", {}, ("has handed in nothing",))
CLASS = [ANN, BEN, WEI]


def table(text):
    assert text.startswith("\ufeff") and text.count("\ufeff") == 1
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_the_table_has_a_line_for_everybody():
    lines = table(as_csv(CLASS, [Finding(("ann", "=ben"), "softmax", "the same code")]))
    assert [line["student"] for line in lines] == ["ann", "'=ben", "王伟"]
    assert [line["points"] for line in lines] == ["3", "0", "0"]
    assert lines[1]["softmax outcome"] == "softmax-overflows" and lines[1]["gelu outcome"] == "missing"
    assert lines[1]["days late"] == "2" and lines[1]["problems"] == "'-x; late, again"
    assert lines[0]["to look at"] == "ann, =ben: softmax: the same code" and lines[2]["to look at"] == ""


def test_a_spreadsheet_takes_no_text_for_a_formula():
    assert harmless("=1+1") == "'=1+1" and harmless("ann") == "ann"
    assert all(harmless(sign + "1").startswith("'") for sign in "=+-@\t\r")


def test_the_table_on_the_screen_and_the_counts():
    lines = list(rows(CLASS))
    assert lines[1].split()[:4] == ["ann", "3", "2", "0"]
    assert "softmax (softmax-overflows), 2 days late" in lines[2] and lines[3] == "    -x"
    assert most_frequent(CLASS) == [("softmax", "softmax-overflows", 1)]


def test_chinese_names_keep_the_columns_in_line():
    assert columns("王伟") == 4 and columns("ann") == 3
    lines = [line for line in rows(CLASS) if not line.startswith("    ")]
    assert len({columns(line[:line.index(" of")]) for line in lines[:1]}) == 1
    assert lines[3].startswith("王伟     ")


def moodle_row(number, name):
    return {"Identifier": f"Participant {number}", "Full name": name, "Email address": f"{number}@x.edu", "Grade": "",
            "Maximum Grade": "100.00", "Last modified (grade)": "-", "Feedback comments": ""}


def test_a_worksheet_of_moodle_keeps_its_columns_and_gets_grades():
    grades = [Grade("Ann Smith", ANN.results, (), row=moodle_row(7, "Ann Smith")), WEI]
    lines = table(gradebooks.moodle(grades))
    assert list(lines[0]) == list(moodle_row(7, "x"))
    assert (lines[0]["Identifier"], lines[0]["Grade"], lines[0]["Maximum Grade"]) == ("Participant 7", "3", "100.00")
    assert lines[0]["Feedback comments"] == "softmax: 2 of 2 (right); gelu: 1 of 1 (right)"
    assert lines[1]["Full name"] == "王伟" and lines[1]["Grade"] == "0"


def test_a_worksheet_with_another_maximum_is_told(recwarn):
    row = moodle_row(7, "Ann")
    for text in ("3.00", "3", "", "Distinction"):
        gradebooks.tell_of_another_maximum([Grade("Ann", ANN.results, (), row=row | {"Maximum Grade": text}), WEI])
    assert not recwarn.list
    with pytest.warns(SwinWarning, match=r"Maximum Grade is 100\.00, and the exercises have 3 points: set it to 3"):
        gradebooks.tell_of_another_maximum([Grade("Ann", ANN.results, (), row=row), WEI])


def test_without_a_roster_moodle_gets_the_numbers_of_its_own_names():
    lines = table(gradebooks.moodle([Grade("Ann", ANN.results, (), ids={"moodle": "7"}), BEN]))
    assert lines[0]["Identifier"] == "Participant 7" and lines[0]["Maximum Grade"] == "3"
    assert lines[1]["Full name"] == "'=ben" and lines[1]["Identifier"] == ""


def test_canvas_gets_its_five_columns_and_one_assignment():
    row = {"Student": "Smith, Ann", "ID": "12345", "SIS User ID": "s1", "SIS Login ID": "asmith", "Section": "A",
           "Exercises (55)": "", "Other (56)": "9"}
    lines = table(gradebooks.canvas([Grade("Smith, Ann", ANN.results, (), row=row), WEI], "Exercises"))
    assert list(lines[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercises (55)"]
    assert lines[0]["Student"].strip() == "Points Possible" and lines[0]["Exercises (55)"] == "3"
    assert lines[1]["SIS Login ID"] == "asmith" and lines[1]["Exercises (55)"] == "3"
    assert lines[2]["Student"] == "王伟" and lines[2]["Exercises (55)"] == "0"


def test_without_a_roster_canvas_gets_the_numbers_of_its_own_names():
    lines = table(gradebooks.canvas([Grade("annsmith", ANN.results, (), ids={"canvas": "12345"})]))
    assert lines[1]["ID"] == "12345" and lines[1]["swin_np exercises"] == "3"


@pytest.mark.parametrize("write", [as_csv, gradebooks.moodle, gradebooks.canvas])
def test_a_class_without_results_has_its_lines(write):
    assert "王伟" in write([WEI])


def test_the_chart_has_a_bar_for_each_of_the_most_frequent():
    frequent = [(f"exercise {i}", "wrong", 30 - i) for i in range(30)]
    axes, = what_went_wrong(frequent, 40).axes
    assert [bar.get_width() for bar in axes.patches] == [30 - i for i in range(20)]
    assert what_went_wrong([], 0).axes[0].get_title() == "Nothing went wrong"
