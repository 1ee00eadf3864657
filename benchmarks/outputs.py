"""What commands that measure share: their numbers, and where the results go: tables or JSON, and JSON into a file."""

import argparse
from collections.abc import Callable
from pathlib import Path

from swin_np.commands.options import output_file
from swin_np.errors import InputError
from swin_np.writing import write_text

STANDARD_OUTPUT = Path("-")
ENDINGS = (".json",)


def whole_number(text: str) -> int:
    """From 1 on, for the command line."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r:.40} was given, expected a whole number from 1 on: give one")
    return int(text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json: a file, or standard output."""
    parser.add_argument("--json", type=Path, nargs="?", const=STANDARD_OUTPUT, metavar="FILE",
                        help="write one JSON object to FILE; without FILE print it in place of the tables")


def check_json(path: Path | None) -> None:
    """Raise InputError, before the measurements, for a file that cannot be written after them."""
    if path != STANDARD_OUTPUT:
        output_file(path, ENDINGS)


def keep(text: str, path: Path) -> None:
    """Write a text to the file; where that cannot be written, print it so that it is not lost and raise InputError."""
    try:
        write_text(text + "\n", path)
    except InputError:
        print(text)
        raise


def give(results: object, path: Path | None, as_json: Callable[..., str], report: Callable[..., str]) -> None:
    """Print the results, and write them to the file if there is one; InputError where that cannot be written."""
    print(as_json(results) if path == STANDARD_OUTPUT else report(results))
    if path not in (None, STANDARD_OUTPUT):
        write_text(as_json(results) + "\n", path)
