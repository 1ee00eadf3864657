"""Text that people read: safe to print, in lines and columns of Chinese too, and sizes in words."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from textwrap import fill

WIDE = "\u2e80-\uffef"                                 # Chinese characters and their punctuation, two columns each
UNIT = re.compile(rf"\s+|[（《]*(?:[^\s{WIDE}]+|[{WIDE}])[，。；：？！、）》]*")     # between which a line may end


def printable(text: str) -> str:
    """The text with all that is not printable escaped: a name in a file may hold codes that steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def size(sides: Iterable[int]) -> str:
    """(56, 56) -> '56x56'."""
    return "x".join(map(str, sides))


def columns(text: str) -> int:
    """The columns that a text takes in a font of one width, in which Chinese characters take two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def padded(text: str, width: int) -> str:
    """The text with spaces behind it, up to so many columns."""
    return text + " " * (width - columns(text))


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
