"""Do a check in a copy of this process: a loop in C, a crash or an exit there does not reach the kernel."""

import contextlib
import faulthandler
import linecache
import os
import re
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO

from swin_np.errors import ConfigurationError, SwinError
from swin_np.exercises import calling, wire
from swin_np.exercises.result import Result
from swin_np.language import phrase

CAN_COPY = hasattr(os, "fork") and sys.platform != "darwin"      # a copy of a macOS process cannot use its BLAS
SECONDS_TO_END, LOOKS = 1.0, 200                       # how long a copy may take for its end, and how often is looked
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
        said = (phrase("it had not finished after {seconds:g} seconds and could not be stopped: look for one call that "
                       "takes as long, such as a sum over very many numbers", seconds=seconds) if self.too_long else
                phrase("it ended the process ({ending}): look for an exit, or for a recursion without end",
                       ending=self.ending))
        found = self.place(is_own)
        return calling.in_line(said, found[1], linecache.getline(*found)) if found else said


def ending(code: int) -> str:
    """How a process ended, for a person."""
    if code >= 0:
        return phrase("exit status {code}", code=code)
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code, phrase("signal {number}", number=-code))


def result_of(work: Callable[[], Result], seconds: float) -> Result:
    """The Result that `work` gives in a copy of this process; where systems have no such copies, in this one.

    seconds: after which the copy is given up, whatever it does.

    Raises EndedError where the copy ends first, and ConfigurationError where the work raises an error of the package.
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
        message = None
        try:
            with open(reading, "rb") as stream, contextlib.suppress(EOFError, wire.MessageError):
                message = wire.receive(stream) if select.select([stream], [], [], seconds)[0] else None
        finally:
            status = status_of(child)
        if message is None:
            trace.seek(0)
            raise EndedError(ending(status), trace.read().decode(errors="replace"))
    if "raised" in message:
        raise ConfigurationError(message["raised"])
    return Result(**message)


def status_of(child: int) -> int:
    """The exit code of a process of which no more is to come; it is ended if it does not end soon."""
    for _ in range(LOOKS):
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        time.sleep(SECONDS_TO_END / LOOKS)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_the_copy(work: Callable[[], Result], writing: int, trace: BinaryIO) -> None:
    """The copy's life: the work, its result into the pipe, and the end, without what a kernel does at its end."""
    try:
        faulthandler.enable(trace)
        with calling.last_resort(trace), open(writing, "wb") as stream:
            try:
                wire.send(stream, asdict(work()))
            except SwinError as error:
                wire.send(stream, {"raised": str(error)})
    finally:
        os._exit(0)
