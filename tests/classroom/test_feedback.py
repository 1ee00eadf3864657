"""The feedback pages: whole, offline, harmless, with names that every system takes."""

from html.parser import HTMLParser

import pytest

from swin_np.classroom.class_grades import Grade
from swin_np.classroom.feedback import file_name, pages
from swin_np.exercises.result import Result

VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def result(name, outcome, report):
    return Result(name, outcome, 2 if outcome == "right" else 0, 2, "", report)


GRADES = [
    Grade("ann", {"softmax": result("softmax", "right", "softmax: right")}, ()),
    Grade("<script>alert(1)</script>", {"softmax": result("softmax", "wrong", "x = <b>\n    1 < 2\x1b[31m")},
          ("x.ipynb, <i>", "second"), 3),
    Grade("王伟", {}, ("has handed in nothing",))]


def test_every_student_has_a_page_that_needs_no_network():
    made = dict(pages(GRADES))
    assert list(made) == ["ann.html", "_script_alert_1___script_.html", "王伟.html"]
    for text in made.values():
        assert "http" not in text and "<script" not in text and 'charset="utf-8"' in text
        reader = read(text)
        assert all(link.startswith("#") or link == "data:," for link in reader.links)


def test_a_page_has_points_outcomes_reports_problems_and_days():
    page = dict(pages(GRADES))["_script_alert_1___script_.html"]
    text = "".join(read(page).text)
    assert "0 of 2 points" in text and "Handed in 3 days late" in text
    assert "x = <b>\n    1 < 2\\x1b[31m" in text and "x.ipynb, <i>" in text and "second" in text
    assert "<details id=\"softmax\" open>" in page


def test_what_is_missing_is_called_so():
    assert "missing" in "".join(read(dict(pages(GRADES))["王伟.html"]).text)


def test_a_page_says_nothing_of_other_students():
    made = dict(pages(GRADES))
    assert "王伟" not in made["ann.html"] and "ann" not in made["王伟.html"].partition("</style>")[2]


@pytest.mark.parametrize(("student", "name"), [
    ("ann", "ann.html"), ("a/b\\c:d*e?", "a_b_c_d_e_.html"), ("..", "student.html"), ("", "student.html"),
    ("CON", "CON_.html"), ("ann. ", "ann.html"), ("x" * 300, "x" * 100 + ".html"), ("José", "José.html"),
    ("a\nb", "a_b.html"), ("ann (1)", "ann _1_.html")])
def test_a_name_becomes_one_that_every_system_takes(student, name):
    assert file_name(student, set()) == name


def test_two_students_never_share_a_page():
    grades = [Grade(name, {}, ()) for name in ("ann", "Ann", "a/n", "a:n", "a_n")]
    names = [name.casefold() for name, _ in pages(grades)]
    assert len(set(names)) == 5
