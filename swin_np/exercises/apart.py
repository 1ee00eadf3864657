"""Do a check in a copy of this process: a loop in C, a crash or an exit there does not reach the kernel."""

import contextlib
import faulthandler
import linecache
import os
import re
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO

from swin_np.exercises import calling, wire
from swin_np.exercises.exercise import Result

CAN_COPY = hasattr(os, "fork") and sys.platform != "darwin"      # a copy of a macOS process cannot use its BLAS
FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)
STOPPED = re.compile(r"^Timeout \(", re.MULTILINE)     # how a trace begins that `calling.last_resort` has made


class EndedError(Exception):
    """A process ended without a result. ending: how, for a person; trace: what faulthandler wrote of it.

    too_long: it was ended because a call in it did not end.
    """

    def __init__(self, ending: str, trace: str, too_long: bool = False) -> None:
        super().__init__(ending)
        self.ending, self.trace, self.too_long = ending, trace, too_long or bool(STOPPED.search(trace))

    def place(self, is_own: Callable[[str], bool]) -> tuple[str, int] | None:
        """(file, line) of the innermost call in a file of the student's, or None."""
        return next(((file, int(line)) for file, line in FRAME.findall(self.trace) if is_own(file)), None)

    def sentence(self, seconds: float, is_own: Callable[[str], bool]) -> str:
        """What the function did, and in which line."""
        said = (f"it had not finished after {seconds:g} seconds and could not be stopped: look for one call that takes "
                f"as long, such as a sum over very many numbers" if self.too_long else
                f"it ended the process ({self.ending}): look for an exit, or for a recursion without end")
        found = self.place(is_own)
        if not found:
            return said
        text = linecache.getline(*found).strip()
        return f"{said}, in line {found[1]} of its cell" + (f": {text}" if text else "")


def ending(code: int) -> str:
    """How a process ended, for a person."""
    if code >= 0:
        return f"exit status {code}"
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code, f"signal {-code}")


def result_of(work: Callable[[], Result]) -> Result:
    """The Result that `work` gives in a copy of this process; where systems have no such copies, in this one.

    Raises EndedError where the copy ends first.
    """
    if not CAN_COPY:
        return work()
    with tempfile.TemporaryFile() as trace:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")            # of copies of processes with threads: the copy uses but one
            child = os.fork()
        if child == 0:
            in_the_copy(work, writing, trace)
        os.close(writing)
        try:
            with open(reading, "rb") as stream:
                return Result(**wire.receive(stream))
        except (EOFError, wire.MessageError):
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        trace.seek(0)
        raise EndedError(ending(os.waitstatus_to_exitcode(status)), trace.read().decode(errors="replace"))


def in_the_copy(work: Callable[[], Result], writing: int, trace: BinaryIO) -> None:
    """The copy's life: the work, its result into the pipe, and the end, without what a kernel does at its end."""
    try:
        faulthandler.enable(trace)
        with calling.last_resort(trace), open(writing, "wb") as stream:
            wire.send(stream, asdict(work()))
    finally:
        os._exit(0)
