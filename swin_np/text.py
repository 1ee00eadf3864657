"""Text that people read: safe to print, and sizes in words."""

from collections.abc import Iterable


def printable(text: str) -> str:
    """The text with all that is not printable escaped: a name in a file may hold codes that steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def size(sides: Iterable[int]) -> str:
    """(56, 56) -> '56x56'."""
    return "x".join(map(str, sides))
