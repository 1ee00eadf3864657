"""One submission in a process of its own: its cells are executed there, and what ends that process costs no more."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from swin_np.classroom.asked import Asked
from swin_np.classroom.confinement import NAMESPACES
from swin_np.exercises import wire
from swin_np.exercises.apart import EndedError, ending
from swin_np.exercises.calling import GRACE, NO_HELPERS, Called, Elsewhere, Helpers
from swin_np.exercises.exercise import Arguments, arrays
from swin_np.exercises.running import CELL_SECONDS, imports_in
from swin_np.exercises.submission import Submission
from swin_np.exercises.watching import of_message
from swin_np.language import language, phrase

SECONDS = 120.0                                        # for one file
MEBIBYTES = 2048                                       # of address space, the libraries included
START_SECONDS = 60.0                                   # until the process has imported NumPy
PATIENCE = 2 * GRACE                                   # seconds beyond what the process allows itself
SECONDS_TO_END = 1.0                                   # after the last message
LOOK = 0.1                                             # seconds between two looks at the clock
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Limits:
    """What one file may take: seconds of time, and mebibytes of memory (not on Windows and macOS)."""

    seconds: float = SECONDS
    mebibytes: int = MEBIBYTES


USUAL = Limits()


class OutOfTimeError(Exception):
    """A submission has used all of its time."""


class StudentProcess:
    """The other end of `student_process`. hello: what it said at first; overdue: it was ended for taking too long."""

    def __init__(self) -> None:
        self.deadline = math.inf
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.trace = tempfile.NamedTemporaryFile("ab", delete=False)     # noqa: SIM115 (closed in `close`)
        self.overdue = False
        self.process = subprocess.Popen(
            [*namespaces(), sys.executable, "-m", "swin_np.classroom.student_process", self.folder.name],
            cwd=self.folder.name, env=environment(os.path.join(self.folder.name, "own")), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.trace, start_new_session=True)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.requests, self.answers = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        threading.Thread(target=self.watch, daemon=True).start()
        try:
            self.hello = self.receive(START_SECONDS)
        except BaseException:                          # whoever interrupts this leaves no files behind
            self.close()
            raise

    def send(self, message: Any) -> None:
        """Send a message; what cannot be delivered is found by the next `receive`."""
        with contextlib.suppress(OSError):
            wire.send(self.requests, message)

    def receive(self, seconds: float) -> Any:
        """The next message. Raises EndedError where the process ends first, or sends nothing for so many seconds."""
        said = ""
        with self.at_most(seconds):
            try:
                message = wire.receive(self.answers)
            except (EOFError, OSError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(SECONDS_TO_END)  # how it ended, before it is killed
                message = None
            except wire.MessageError:
                message, said = None, phrase("it wrote into the grader's own messages")
        if not isinstance(message, dict) or "ended" in message:
            self.kill()
            code = message["ended"] if isinstance(message, dict) else None
            said = said or ending(code if isinstance(code, int) else self.process.returncode)
            raise EndedError(said, self.traced(), self.overdue)
        return message

    def finished(self, seconds: float) -> bool:
        """Whether the process tells, within so many seconds, that the submission has ended as it should."""
        with self.at_most(seconds):
            try:
                return wire.receive(self.answers) == {"ended": 0}
            except (EOFError, OSError, wire.MessageError):
                return False

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """End the process after so many seconds in the `with` block."""
        self.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self.deadline = math.inf

    def watch(self) -> None:
        """End the process once it is too late; the life of a thread, for a pipe has no limit on time everywhere."""
        while self.process.poll() is None:
            if time.monotonic() > self.deadline:
                self.overdue = True
                self.kill()
            time.sleep(LOOK)

    def traced(self) -> str:
        """What faulthandler has written."""
        return Path(self.trace.name).read_text(errors="replace")

    def kill(self) -> None:
        """End the process and all that it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End the process and remove its files."""
        self.kill()
        for stream in (self.requests, self.answers, self.trace):
            with contextlib.suppress(OSError):         # what was never delivered
                stream.close()
        with contextlib.suppress(OSError):
            os.unlink(self.trace.name)
        self.folder.cleanup()


class Sandbox:
    """A submission while it is graded.

    problems: by the number of the cell; isolation: what the process said of it; origins: what each function says it is
    from.

    Its process is started when it is needed, and again after it has ended; of a cell that ended it only the imports are
    executed then.
    """

    def __init__(self, submission: Submission, files: dict[str, str], limits: Limits,
                 process: StudentProcess | None = None) -> None:
        self.submission, self.files, self.limits, self.process = submission, files, limits, process
        self.end = time.monotonic() + limits.seconds
        self.problems: dict[int, str] = {}
        self.fatal: list[int] = []
        self.isolation: dict[str, Any] = {}
        self.defined: dict[str, str] | None = None
        self.origins: dict[str, str] = {}

    def remaining(self, wanted: float) -> float:
        """At most the seconds that are left. Raises OutOfTimeError where there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        return min(wanted, left)

    def receive(self, seconds: float) -> Any:
        """The next message of the process, which is forgotten where it ends."""
        assert self.process is not None
        try:
            return self.process.receive(self.remaining(seconds))
        except (EndedError, OutOfTimeError):
            self.process.close()
            self.process, self.defined = None, None
            self.remaining(1)                          # was it the submission's time, or the call's?
            raise

    def functions(self) -> dict[str, str]:
        """The functions that the cells define, by name, and where they say they are from.

        Raises OutOfTimeError.
        """
        while self.defined is None:
            self.remaining(1)
            cells = [(cell.number, imports_in(cell.text) if cell.number in self.fatal else cell.text)
                     for cell in self.submission.cells if self.fatal.count(cell.number) < 2]
            waiting = [number for number, _ in cells]
            self.process = self.process or StudentProcess()
            os.truncate(self.process.trace.name, 0)
            self.process.send({"cells": cells, "files": self.files, "wanted": self.submission.wanted,
                               "seconds": self.limits.seconds, "mebibytes": self.limits.mebibytes,
                               "language": language()})
            try:
                self.isolation = {**self.process.hello, **self.receive(START_SECONDS)}
                while "defined" not in (message := self.receive(CELL_SECONDS + PATIENCE)):
                    number = waiting.pop(0)
                    if number not in self.fatal:
                        self.problems[number] = str(message["problem"])
                self.defined = self.origins = {str(name): str(origin) for name, origin in message["defined"].items()}
            except (KeyError, IndexError, TypeError, AttributeError):
                self.no_more(phrase("it wrote into the grader's own messages"))
            except EndedError as ended:
                if not waiting or not self.isolation:
                    self.no_more(phrase("its process ended before any function was called ({how})", how=ended.ending))
                else:
                    self.leave_out(waiting[0], ended)
        return self.defined

    def no_more(self, problem: str) -> None:
        """Give up the submission."""
        self.problems[0], self.defined = problem, {}
        if self.process is not None:
            self.process.close()
            self.process = None

    def leave_out(self, number: int, ended: EndedError) -> None:
        """Do not execute a cell again that ended the process, only what it imports."""
        self.fatal.append(number)
        cell = phrase("code cell {number}", number=number)
        self.problems[number] = phrase(
            "{cell} had not finished after {seconds:g} seconds and could not be stopped: it was left out"
            if ended.too_long else "{cell} ended its process ({how}): it was left out",
            cell=cell, seconds=CELL_SECONDS, how=ended.ending)

    def finish(self) -> StudentProcess | None:
        """End the submission; the process, where it is there for another one."""
        process, self.process = self.process, None
        if process is None or not process.hello.get("copies"):
            if process is not None:
                process.close()
            return None
        process.send({"finish": True})
        if process.finished(PATIENCE):
            return process
        process.close()
        return None


class Remote(Elsewhere):
    """A function of a submission. gone: what became of calls that did not end, or ended the process, by helpers."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox, self.name = sandbox, name
        self.gone: dict[frozenset[str], Called] = {}

    def other(self, name: str) -> "Remote":
        """Another function of the submission."""
        return Remote(self.sandbox, name)

    def called(self, arguments: Arguments, seconds: float, watch: bool = False,
               helpers: Helpers = NO_HELPERS) -> Called:
        """What became of a call in the other process, which is not made again after one that did not end.

        Raises OutOfTimeError.
        """
        key = frozenset(helpers)
        if key not in self.gone:
            called = self.called_there(arguments, seconds, watch, helpers)
            if not called.too_long:
                return called
            self.gone[key] = called
        return self.gone[key]

    def called_there(self, arguments: Arguments, seconds: float, watch: bool, helpers: Helpers) -> Called:
        """What became of one call."""
        self.sandbox.functions()
        process = self.sandbox.process
        if process is None:
            return Called(error=phrase("its cells could not be executed a second time"), too_long=True)
        try:
            with process.at_most(seconds + PATIENCE):
                process.send({"call": self.name, "arguments": arguments, "seconds": seconds, "watch": watch,
                              "helpers": list(helpers)})
            answer = self.sandbox.receive(seconds + PATIENCE)
            asked = Asked(helpers, arguments)
            while "ask" in answer:
                process.send(asked.answer(answer["ask"], answer["arguments"], answer["more"], seconds))
                answer = self.sandbox.receive(seconds + PATIENCE)
            changed = answer.pop("arguments")
            if changed is not None:
                overwrite(arguments, changed)
            return Called(**{**answer, "seen": tuple(map(of_message, answer["seen"]))})
        except (TypeError, KeyError, ValueError, AttributeError):
            ended = EndedError(phrase("it wrote into the grader's own messages"), "")
            self.sandbox.process, self.sandbox.defined = None, None
            process.close()
        except EndedError as error:
            ended = error
        return Called(error=self.sentence(ended, seconds), too_long=True)

    def sentence(self, ended: EndedError, seconds: float) -> str:
        """How the call ended the process, and in which line."""
        texts = {cell.name: cell.text.splitlines() for cell in self.sandbox.submission.cells}
        found = ended.place(texts.__contains__)
        said = ended.sentence(seconds, lambda file: False)
        if found is None or not 0 < found[1] <= len(texts[found[0]]):
            return said
        return phrase("{sentence}, in line {line} of its cell: {text}", sentence=said, line=found[1],
                      text=texts[found[0]][found[1] - 1].strip())


def overwrite(given: Any, changed: Any) -> None:
    """Change arguments in place as the other process has changed its own."""
    ours, theirs = arrays(given), arrays(changed)
    same = len(ours) == len(theirs) and all(a.shape == b.shape for a, b in zip(ours, theirs, strict=True))
    for number, array in enumerate(ours):
        array[...] = theirs[number] if same else np.zeros_like(array) + (array == 0)
    if not same and not ours:
        return
    for one, other in zip(given, changed, strict=False):
        if isinstance(one, dict) and isinstance(other, dict) and one.keys() != other.keys():
            one.clear()
            one.update(other)


def environment(folder: str) -> dict[str, str]:
    """What a submission sees of ours: the library and nothing personal; one thread, which also saves memory."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "VIRTUAL_ENV") if name in os.environ}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1",
            "HOME": folder, "TMPDIR": folder, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
            "SWIN_NP_THREADS": "1"}


@cache
def namespaces() -> tuple[str, ...]:
    """The command that starts a program in namespaces of its own, or at least without network, or nothing.

    Where the system allows neither, Python alone refuses, see `confinement`.
    """
    for command in (NAMESPACES, NAMESPACES[:4]):
        try:
            if subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0:
                return command
        except (OSError, subprocess.TimeoutExpired):
            pass
    return ()
