"""Small arrays as a picture of plain HTML: what was expected, what came back, and where they differ."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from swin_np.exercises.comparing import equal
from swin_np.language import phrase

MOST = 16                                              # rows and columns of a grid
DIGITS = 3
EXPECTED, GOT, DIFFER = "expected", "got", "they differ"
MARK = "x"

CELL = "padding:1px 5px;border:1px solid #9aa0a8;text-align:right;"
WRONG_CELL = CELL + "background:#f6c9a0;color:#5a2300;font-weight:bold;"


def grids(expected: Any, got: Any, dtype: np.dtype) -> dict[str, list[list[str]]]:
    """The numerals of both arrays, and a mark where they differ; none where they are too large or of another shape."""
    if not (isinstance(expected, np.ndarray) and isinstance(got, np.ndarray) and got.shape == expected.shape
            and got.dtype.kind in "iuf" and expected.size):
        return {}
    wrong = ~equal(got, expected, dtype)
    flat = [np.squeeze(x).reshape(-1, expected.shape[-1]) if np.squeeze(x).ndim < 2 else as_rows(x)
            for x in (expected, got, wrong)]
    if max(flat[0].shape) > MOST:
        flat = [part(x, wrong) for x in (expected, got, wrong)]
    if max(flat[0].shape) > MOST:
        return {}
    right, yours, differ = flat
    return {EXPECTED: numerals(right), GOT: numerals(yours), DIFFER: [[MARK * bool(one) for one in row]
                                                                      for row in differ]}


def as_rows(x: np.ndarray) -> np.ndarray:
    """An array as a grid: the axes before the last one below each other."""
    x = np.squeeze(x)
    return x.reshape(-1, x.shape[-1])


def part(x: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """The grid of the two longest axes in which the first wrong number is."""
    first = np.argwhere(wrong)[0]
    rows, columns = sorted(sorted(range(x.ndim), key=lambda axis: -x.shape[axis])[:2])
    return np.atleast_2d(x[tuple(slice(None) if axis in (rows, columns) else int(first[axis])
                                 for axis in range(x.ndim))])


def numerals(x: np.ndarray) -> list[list[str]]:
    """Every number with few digits."""
    return [[str(int(one)) if x.dtype.kind in "iu" else f"{one:.{DIGITS}g}" for one in row] for row in x.tolist()]


def html(shown: dict[str, list[list[str]]]) -> str:
    """The grids side by side, with what is wrong marked by colour, weight and the text for who sees no picture."""
    wrong = shown[DIFFER]
    tables = "".join(table(name, shown[name], wrong) for name in (EXPECTED, GOT))
    style = "display:flex;flex-wrap:wrap;gap:2.5em;align-items:flex-start;font-family:monospace;font-size:0.8em"
    return f'<div style="{style}">{tables}</div>'


def table(name: str, rows: Sequence[Sequence[str]], wrong: Sequence[Sequence[str]]) -> str:
    """One grid."""
    count = sum(map(bool, (one for row in wrong for one in row)))
    said = phrase("{name}, {rows} by {columns} numbers, of which {count} differ", name=phrase(name), rows=len(rows),
                  columns=len(rows[0]), count=count)
    lines = "".join("<tr>" + "".join(cell(text, bool(mark)) for text, mark in zip(row, marks, strict=True)) + "</tr>"
                    for row, marks in zip(rows, wrong, strict=True))
    return (f'<table aria-label="{escape(said)}" style="border-collapse:collapse;width:auto"><caption '
            f'style="text-align:left;white-space:nowrap">{escape(phrase(name))}</caption>{lines}</table>')


def cell(text: str, is_wrong: bool) -> str:
    """One number."""
    said = escape(phrase("{number}, differs", number=text))
    style, label = (WRONG_CELL, f' aria-label="{said}"') if is_wrong else (CELL, "")
    return f'<td style="{style}"{label}>{escape(text)}</td>'
