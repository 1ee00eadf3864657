"""Text that people read: safe to print, in lines and columns as a terminal shows them, and sizes in words."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from textwrap import fill

WIDE = "\u2e80-\uffef"                                 # Chinese characters and their punctuation, two columns each
UNIT = re.compile(rf"\s+|[（《“]*(?:[^\s{WIDE}“”]+|[{WIDE}])[，。；：？！、）》”]*|\S")        # what stays together
FIELD = re.compile(r"\{:?(>?)(\d*)\}")                 # of a row of a table: {:20}, {:>8}, {}


def printable(text: str) -> str:
    """The text with all that is not printable escaped: a name in a file may hold codes that steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def size(sides: Iterable[int]) -> str:
    """(56, 56) -> '56x56'."""
    return "x".join(map(str, sides))


def columns(text: str) -> int:
    """How wide a terminal shows a text: Chinese characters take two columns."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def padded(text: str, width: int, side: str = "<") -> str:
    """The text with spaces up to a width in columns of a terminal, behind it or, with the side ">", before it."""
    space = " " * (width - columns(text))
    return space + text if side == ">" else text + space


def row(fields: str, *cells: object) -> str:
    """A row of a table: what `fields.format(*cells)` gives, in line on a terminal whatever the letters.

    >>> row("{:4}{:>4}|", "步骤", 7), row("{:4}{:>4}|", "map", 7)
    ('步骤   7|', 'map    7|')
    """
    texts = map(str, cells)
    return FIELD.sub(lambda field: padded(next(texts), int(field[2] or 0), field[1]), fields)


def shortened(text: str, width: int) -> str:
    """The text, or its start and an ellipsis where it takes more columns."""
    ends = list(accumulate(map(columns, text)))
    return text if not ends or ends[-1] <= width else text[:bisect_right(ends, width - 3)] + "..."


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most so many columns; Chinese ones end before any character but a punctuation mark."""
    if columns(text) == len(text):
        return fill(text, width)
    lines = [""]
    for unit in UNIT.findall(text):
        if columns(lines[-1] + unit.rstrip()) > width and lines[-1]:
            lines.append("")
        if unit.strip() or lines[-1] or len(lines) == 1:
            lines[-1] += unit
    return "\n".join(line.rstrip() for line in lines)
