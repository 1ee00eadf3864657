"""The process in which a student's code runs: `python -m swin_np.classroom.student_process FOLDER`.

`swin-np grade` starts it and talks with it over its standard input and output. It gets cells, executes them, and calls
the functions that they define on arguments that it is sent; what is right is known in the other process alone. Where
the system can copy a process, each submission has its copy, so that NumPy is imported once.
"""

import contextlib
import faulthandler
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import swin_np.exercises
from swin_np.classroom.confinement import forbid_what_no_exercise_needs, hide, limit, shown
from swin_np.exercises import checking, wire
from swin_np.exercises.apart import CAN_COPY
from swin_np.exercises.calling import last_resort
from swin_np.exercises.checking import name_of
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import RIGHT, Result
from swin_np.exercises.running import run_cells, said_by, serve
from swin_np.language import codes, speaking, table

MORE = 5.0                                             # seconds of processor time beyond those on the clock


def passed(function: Any, seed: int = 0) -> Result:
    """What `check` gives while a notebook is graded: it compares nothing, and lets the cell go on."""
    name = name_of(function, sys._getframe(1).f_globals)
    points = EXERCISES[name].points if name in EXERCISES else 0
    return Result(name, RIGHT, points, points, "", "")


def answer(job: dict[str, Any], folder: Path, requests: BinaryIO, answers: BinaryIO, trace: BinaryIO) -> None:
    """Execute the cells of one submission beside the .py files that came with it, and answer calls.

    What is said of them is in the grader's language, which the job names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in job["files"].items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    refused = limit(job["seconds"] + MORE, job["mebibytes"])
    forbid_what_no_exercise_needs(folder, shown())
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with speaking(job["language"]), last_resort(trace):
        wire.send(answers, {"not_limited": refused})
        for number, problem in run_cells(job["cells"], namespace):
            wire.send(answers, {"cell": number, "problem": problem})
        wire.send(answers, {"defined": said_by(namespace, job["wanted"])})
        serve(namespace, requests, answers)


def main() -> None:
    """Talk over what standard input and output were at first."""
    with (open(os.dup(0), "rb", buffering=0) as requests,        # no copy is to read what is meant for the next one
          open(os.dup(1), "wb") as answers, open(os.dup(2), "wb") as trace):
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):                       # what the submission prints goes nowhere
            os.dup2(nothing, stream)
        answer_all(requests, answers, trace)


def answer_all(requests: BinaryIO, answers: BinaryIO, trace: BinaryIO) -> None:
    """Answer until there are no more submissions; where processes cannot be copied, one submission."""
    folder = Path(sys.argv[1]).resolve()
    hidden = hide(shown(), folder)
    tempfile.tempdir = str(folder / "own")
    swin_np.exercises.check = checking.check = passed
    swin_np.exercises.progress = lambda: None
    faulthandler.enable(trace)
    for code in codes()[1:]:
        table(code)                                    # is kept, whatever a submission does to Python's functions
    wire.send(answers, {"hidden": hidden, "copies": CAN_COPY})
    while True:
        try:
            job = wire.receive(requests)
        except (EOFError, wire.MessageError):
            break
        child = os.fork() if CAN_COPY else 0
        if child == 0:
            try:
                answer(job, folder / "own", requests, answers, trace)
            finally:                                   # threads that a submission has started are not waited for
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.getpid() == 1 and hidden:                # the first process of its namespace: nobody else is here
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, 9)
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        wire.send(answers, {"ended": os.waitstatus_to_exitcode(status)})
    os._exit(0)


if __name__ == "__main__":
    main()
