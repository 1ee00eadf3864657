"""Run one submission in a process that may do little: `python -m swin_np.exercises.submission NOTEBOOK SECONDS MIB`.

`swin-np grade` starts it, in an empty folder and with limits on time and memory. It executes the notebook's cells,
checks the functions that they define, and writes one JSON object. The limits are against accidents: a loop without end,
an array that fills the memory, a forgotten download, a file in the wrong place. The check runs in the same process as
the student's code, so code that is made to deceive it can.
"""

import json
import linecache
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from swin_np.errors import InputError
from swin_np.exercises.calling import TooLong, described, within
from swin_np.exercises.checking import examine
from swin_np.exercises.registry import EXERCISES

FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile",
             "pty.spawn", "webbrowser.", "ftplib.", "smtplib.", "urllib.")
"""The beginnings of Python's audit events that a submission has no need of: networks and other programs."""

HARMLESS = ("socket.gethostname", "socket.__new__")    # importing some packages raises these
WRITING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link",
           "os.symlink", "shutil.rmtree", "shutil.move")
"""The audit events that change files; they and `open` are allowed in the submission's own folder."""

CELL_SECONDS = 20.0                                    # after which a cell is left, and the next one begun
LARGEST_FILE = 16 * 2 ** 20                            # bytes, for what a submission writes


def code_cells(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Text and nbgrader's notes of every code cell; lines for IPython alone are left out.

    Raises InputError for a file that is no notebook.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                lines = "".join(cell["source"]).splitlines()
                python = ("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)
                yield "\n".join(python), cell.get("metadata", {}).get("nbgrader", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read as a notebook ({type(error).__name__}): save it again with "
                         "JupyterLab") from error


def asked_for(path: Path) -> list[str]:
    """The exercises in a notebook, by the notes of their cells."""
    return [str(notes.get("grade_id")) for _, notes in code_cells(path) if notes.get("grade_id") in EXERCISES]


def defined_by(path: Path) -> tuple[dict[str, Any], list[str]]:
    """What the cells of a notebook define, its graded cells left out, and a sentence on each cell that failed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    problems = []
    for number, (text, notes) in enumerate(code_cells(path), start=1):
        if notes.get("grade"):
            continue
        name = f"<code cell {number}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        try:
            within(CELL_SECONDS, partial(exec, compile(text, name, "exec"), namespace))
        except KeyboardInterrupt:
            raise
        except TooLong:
            problems.append(f"code cell {number} had not finished after {CELL_SECONDS:g} seconds")
        except BaseException as error:
            problems.append(f"code cell {number}: {described(error, exec, ())}")
    return namespace, problems


def graded(path: Path) -> dict[str, Any]:
    """What `swin-np grade` wants to know of a notebook: the result of every exercise, and the cells that failed.

    The exercises are those whose cells the notebook has; what it is given from other exercises counts no points. In a
    notebook without such cells they are the functions by name.
    """
    wanted = asked_for(path)
    namespace, problems = defined_by(path)
    found = wanted or [name for name in EXERCISES if callable(namespace.get(name))]
    results = [asdict(examine(EXERCISES[name], namespace.get(name, blank))) for name in found]
    return {"results": results, "problems": problems}


def blank(*arguments: Any) -> None:
    """What a student has who deleted the cell."""


def forbid_what_no_exercise_needs(folder: Path) -> None:
    """Let Python refuse networks, other programs and changes to files outside of the folder, for good."""
    def refuse(event: str, arguments: tuple) -> None:
        if event.startswith(FORBIDDEN) and event not in HARMLESS:
            raise PermissionError(f"{event} is not allowed in a submission")
        if event in WRITING or (event == "open" and writes(*arguments)):
            for path in arguments[:2] if event != "open" else arguments[:1]:
                if isinstance(path, str | bytes | os.PathLike) and not inside(folder, os.fsdecode(path)):
                    raise PermissionError("files outside of its own folder are not to be changed by a submission")

    sys.addaudithook(refuse)


def writes(path: Any, mode: str | None, flags: int) -> bool:
    """Whether a file that is opened like this can be changed."""
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return bool(isinstance(flags, int) and flags & changing)


def inside(folder: Path, path: str) -> bool:
    """Whether a path is in the folder, links followed."""
    return path == os.devnull or Path(os.path.realpath(path)).is_relative_to(folder)


def limit(seconds: float, mebibytes: int) -> list[str]:
    """Limit this process's time, memory and files as far as the system lets us; what it does not limit.

    Windows limits nothing, macOS no memory. Where the system itself allows less than is asked for, that holds.
    """
    limits = {"processor time": ("RLIMIT_CPU", math.ceil(seconds)), "memory": ("RLIMIT_AS", mebibytes * 2 ** 20),
              "the size of files": ("RLIMIT_FSIZE", LARGEST_FILE), "core dumps": ("RLIMIT_CORE", 0)}
    try:
        import resource
    except ImportError:
        return [*limits]
    refused = []
    for what, (name, most) in limits.items():
        try:
            number = getattr(resource, name)
            allowed = resource.getrlimit(number)[1]
            most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(number, (most, most))
        except (AttributeError, OSError, ValueError, OverflowError):
            refused.append(what)
    return refused


def main() -> None:
    """Grade the notebook that the command line names; the JSON object goes to what standard output was at first."""
    answer = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):                              # what the submission prints goes nowhere
        os.dup2(nothing, stream)
    path, seconds, mebibytes = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    refused = limit(seconds, mebibytes)
    forbid_what_no_exercise_needs(Path.cwd().resolve())
    try:
        outcome = graded(path)
    except InputError as error:
        outcome = {"results": [], "problems": [str(error)]}
    with open(answer, "w", encoding="utf-8") as stream:
        stream.write(json.dumps({**outcome, "not_limited": refused}))
    os._exit(0)                                        # threads that a submission has started are not waited for


if __name__ == "__main__":
    main()
