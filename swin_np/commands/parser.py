"""argparse's parser with its own words in the reader's language, and help that wraps where Chinese has no spaces.

Its errors stay English, as all errors.
"""

import argparse
import re
from typing import Any

from swin_np.language import phrase
from swin_np.text import WIDE, columns, wrapped

PIECE = re.compile(rf"\s+|[（“]*(?:[{WIDE}]|[^\s{WIDE}“”]+)[，。；：、？！）”]*")       # what is not taken apart
HEADING = re.compile(rf"(?<=[{WIDE}]):$", re.MULTILINE)


class Parser(argparse.ArgumentParser):
    """The parser of the command line, and of each command."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=Help, add_help=False)
        self._positionals.title, self._optionals.title = phrase("positional arguments"), phrase("options")
        self.add_argument("-h", "--help", action="help", help=phrase("show this help message and exit"))


class Help(argparse.HelpFormatter):
    """Help in the reader's language; what has no Chinese character is as argparse has it."""

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None) -> str:
        prefix = phrase("usage: ") if prefix is None else prefix
        room = " " * columns(prefix)                   # argparse indents the next lines by its letters
        return prefix + super()._format_usage(usage, actions, groups, room)[len(room):]

    def _split_lines(self, text: str, width: int) -> list[str]:
        return in_lines(text, width) if is_wide(text) else super()._split_lines(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(in_lines(text, width)) if is_wide(text) else super()._fill_text(text, width, indent)

    def format_help(self) -> str:
        """The help, with the colons of Chinese headings as wide as these."""
        return HEADING.sub("：", super().format_help())


def is_wide(text: str) -> bool:
    """Whether the text has characters of two columns."""
    return columns(text) > len(text)


def in_lines(text: str, width: int) -> list[str]:
    """The text, wrapped anew as argparse does it with English."""
    return wrapped(" ".join(text.split()), width).splitlines()
