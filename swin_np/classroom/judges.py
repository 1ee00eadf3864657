"""Several processes that grade, each with a process of its own for students' code."""

import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from swin_np.classroom.grading import FileGrade, Grader
from swin_np.classroom.sandbox import Limits
from swin_np.language import language, phrase, speaking
from swin_np.parallel.pool import threads

SECONDS_TO_END = 10.0                                  # in which a process removes its files
Job = tuple[str, bytes, dict[str, str]]                # what Grader.grade takes
METHOD = "fork" if sys.platform == "linux" else "spawn"      # a copy of a macOS process cannot use its BLAS


def judge(connection: Connection, others: Sequence[Connection], limits: Limits, seed: int, code: str) -> None:
    """The life of a process: grades what it is sent, in the language of this code, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)       # whoever sits at the keyboard interrupts the first process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    for other in others:
        other.close()
    grader = Grader(limits, seed)
    try:
        with speaking(code), threads(1):               # the other cores have judges of their own
            while True:
                connection.send(attempted(grader, connection.recv()))
    except (EOFError, OSError):                        # the first process has ended
        return
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is left to do is quick
        grader.close()


def attempted(grader: Grader, job: Job) -> FileGrade | str:
    """The grade of a job, or a sentence on an error of the grader itself, which costs that job alone."""
    try:
        return grader.grade(*job)
    except Exception as error:
        grader.close()
        return phrase("the grader itself failed ({kind}: {error})", kind=type(error).__name__, error=error)


class Judges:
    """So many processes, for use in a `with` block."""

    def __init__(self, count: int, limits: Limits, seed: int) -> None:
        self.limits, self.seed = limits, seed
        self.processes: dict[Connection, Any] = {}
        self.count = count

    def __enter__(self) -> "Judges":
        for _ in range(self.count):
            self.start()
        return self

    def __exit__(self, kind: object, *problem: object) -> None:
        for connection, process in self.processes.items():
            connection.close()                         # which ends those that wait for a job
            if kind is not None:
                process.terminate()
        for process in self.processes.values():
            process.join(SECONDS_TO_END)
            process.terminate()

    def start(self) -> Connection:
        """Start one more process."""
        context: Any = multiprocessing.get_context(METHOD)
        ours, theirs = context.Pipe()
        others = [ours, *self.processes] if METHOD == "fork" else []
        process = context.Process(target=judge, args=(theirs, others, self.limits, self.seed, language()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")            # of copies of processes with threads, which are not used here
            process.start()
        theirs.close()
        self.processes[ours] = process
        return cast(Connection, ours)

    def graded(self, jobs: Sequence[Callable[[], Job]]) -> Iterator[tuple[int, FileGrade | str]]:
        """(number of the job, its grade) as they come, or a sentence where the grader itself failed or ended.

        jobs: are made when they are begun, for together they may be larger than the memory.
        """
        waiting = list(range(len(jobs)))[::-1]
        busy: dict[Connection, int] = {}
        idle = list(self.processes)
        while waiting or busy:
            while waiting and idle:
                connection = idle.pop()
                busy[connection] = waiting.pop()
                with suppress(OSError):                # what has ended is found below
                    connection.send(jobs[busy[connection]]())
            for connection in cast(list[Connection], wait(list(busy))):
                number = busy.pop(connection)
                try:
                    grade = connection.recv()
                    idle.append(connection)
                except (EOFError, OSError):
                    grade = phrase("the grader's process ended in the middle of it: grade again with --processes 1")
                    connection.close()
                    self.processes.pop(connection).join(5)
                    idle.append(self.start())
                yield number, grade
