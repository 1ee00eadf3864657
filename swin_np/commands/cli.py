"""The command line, `swin-np` or `python -m swin_np`: it prints results, or one sentence on what was wrong."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from swin_np import __version__
from swin_np.commands import (
    attend,
    classify,
    convert,
    crosscheck,
    dump,
    grade,
    info,
    inspect,
    pretrained,
    probe,
    systems,
    tour,
)
from swin_np.commands.parser import Parser
from swin_np.errors import SwinError, SwinWarning
from swin_np.language import phrase
from swin_np.text import printable


def parser() -> Parser:
    """All commands and options."""
    top = Parser(
        prog="swin-np",
        description=phrase("Swin Transformer in pure NumPy: a forward-only reference implementation."),
        epilog=phrase("example: {call}", call="swin-np tour --variant swin_t --image photo.jpg"))
    top.add_argument("--version", action="version", version=f"swin_np {__version__}",
                     help=phrase("show program's version number and exit"))
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for module in (tour, info, systems, pretrained, inspect, convert, classify, attend, dump, crosscheck, probe, grade):
        module.add_command(commands)
    return top


@contextmanager
def noted(notes: list[str]) -> Iterator[None]:
    """Inside the `with` block the sentences of SwinWarnings are added to `notes`, each once, and shown nowhere else."""
    show = warnings.showwarning

    def note(message: Warning | str, category: type[Warning], *place) -> None:
        if not issubclass(category, SwinWarning):
            show(message, category, *place)
        elif str(message) not in notes:
            notes.append(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", SwinWarning)
        warnings.showwarning = note
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it worked, 2 (and one sentence on standard error) if the user's input did not allow it.

    A command whose result is also a status, as crosscheck's, gives its own. What was assumed about files follows the
    result as notes on standard error; with --json it is in the object, as "notes".
    """
    if hasattr(sys.stdout, "reconfigure"):             # a console of ASCII or Windows shows other letters escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    status = None
    try:
        options = parser().parse_args(arguments)       # its words are in a language, of which there may be none
        options.notes = []
        with noted(options.notes):
            status = options.run(options)
        if sys.stdout is not None:                     # it was closed before we began
            sys.stdout.flush()
        for note in () if getattr(options, "json", False) else options.notes:
            print(f"swin-np: note: {printable(note)}", file=sys.stderr)
    except SwinError as error:
        print(f"swin-np: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:                            # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print(f"swin-np: {phrase('interrupted')}", file=sys.stderr)
        return 130
    return status or 0
