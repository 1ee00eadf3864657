"""Text that people read: safe to print, as wide as a terminal shows it, and sizes in words."""

import re
import unicodedata
from collections.abc import Iterable

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
