"""Small arrays are pictures of plain HTML, in a notebook and on the pages of feedback."""

import html.parser

import numpy as np
import pytest

from swin_np.classroom.class_grades import Grade
from swin_np.classroom.feedback import pages
from swin_np.exercises.checking import check, examine
from swin_np.exercises.picture import DIFFER, EXPECTED, GOT, MOST, grids
from swin_np.exercises.picture import html as picture_of
from swin_np.exercises.registry import EXERCISES
from tests.exercises.solutions import solutions

FLOAT64 = np.dtype(np.float64)
A = np.arange(12.0).reshape(3, 4)


class Tags(html.parser.HTMLParser):
    """The tags that are open, and how many cells there are."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], 0

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_picture_has_every_number_and_marks_those_that_differ():
    found = grids(A, np.where(A == 5, 7.25, A), FLOAT64)
    assert found[EXPECTED][1] == ["4", "5", "6", "7"] and found[GOT][1] == ["4", "7.25", "6", "7"]
    assert found[DIFFER][1] == ["", "x", "", ""] and not any(found[DIFFER][0])


def test_the_html_is_whole_and_says_in_words_what_colours_show():
    text = picture_of(grids(A, A + (A > 9), FLOAT64))
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and tags.cells == 24
    assert 'aria-label="got, 3 by 4 numbers, of which 2 differ"' in text and 'aria-label="11, differs"' in text


@pytest.mark.parametrize("shape", [(16, 16), (1, 4, 6, 1), (6, 2, 2, 1), (5,), (1, 16, 16, 3), (2, 20, 3)])
def test_what_fits_is_shown_and_of_larger_arrays_the_part_that_is_wrong(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    y = x.copy()
    y[-1] = 9
    found = grids(x, y, FLOAT64)
    if found:
        assert all(0 < len(grid) <= MOST and 0 < len(grid[0]) <= MOST for grid in found.values())
        assert any("x" in row for row in found[DIFFER])
    assert bool(found) == (shape != (2, 20, 3))


@pytest.mark.parametrize("got", [None, 3, A[0], A.astype(complex), np.zeros((3, 4), object), "text"])
def test_there_is_no_picture_of_anything_else(got):
    assert grids(A, got, FLOAT64) == {}


def wrong(x, window):
    return solutions()["window_partition"](x, window)[::-1]


def test_a_notebook_shows_it_and_a_page_has_it():
    result = examine(EXERCISES["window_partition"], wrong)
    assert result._repr_html_().count("<table") == 2
    page = dict(pages([Grade("ann", {"window_partition": result}, ())]))["ann.html"]
    assert result._repr_html_() in page
    assert examine(EXERCISES["window_partition"], solutions()["window_partition"])._repr_html_() is None


def test_check_displays_it_in_ipython(monkeypatch, tmp_path):
    shown = []
    shell = type("Shell", (), {"get_ipython": lambda: True, "display": type("D", (), {"display": shown.append})})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "IPython", shell)

    def window_partition(x, window):
        return wrong(x, window)

    assert shown == [] and [check(window_partition)] == shown
