"""Call a function that a student wrote: whatever it does becomes a value or a sentence, within the time it may take."""

import contextlib
import faulthandler
import inspect
import io
import linecache
import signal
import sys
import threading
import traceback
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from swin_np.exercises import intact, memory
from swin_np.exercises.exercise import Arguments
from swin_np.exercises.watching import Seen, watching
from swin_np.language import phrase

Helpers = Mapping[str, Callable]                       # by the name of the exercise
NO_HELPERS: Helpers = {}
GRACE = 1.0                                            # seconds beyond the limit, before a process is ended
AGAIN = 0.01                                           # seconds after which a stop that was swallowed is repeated
LONGEST_MESSAGE = 200                                  # characters of an exception's message
MOST_LINES = 10                                        # of what the function printed
LONGEST_LINE = 100                                     # characters of each of them
MOST_KEPT = 10_000                                     # characters of all that it printed


@dataclass(frozen=True)
class Called:
    """What became of a call: a value; or it was blank; or a sentence on the error. And what it printed.

    overwrites: whether the array that the call before gave has changed. keeps: the names of what the function has put
    something into, for later calls. seen: the arrays on its way, where they were asked for.
    """

    value: Any = None
    blank: bool = False
    error: str = ""
    too_long: bool = False
    printed: str = ""
    overwrites: bool = False
    keeps: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()


class TooLong(BaseException):
    """Raised inside the student's function; no `except Exception` there catches it."""


class Elsewhere(ABC):
    """A function that lives in another process, which calls it there and sends what became of it."""

    @abstractmethod
    def called(self, arguments: Arguments, seconds: float, watch: bool, helpers: Helpers) -> Called:
        """What `call` gives for this function."""

    @abstractmethod
    def other(self, name: str) -> "Elsewhere":
        """Another function of the same notebook."""


class Told(io.TextIOBase):
    """What a function prints, of which only the start is kept."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[:MOST_KEPT - len(self.text)]
        return len(text)

    def first_lines(self) -> str:
        """The start of it, in lines that can be read."""
        lines = self.text.splitlines()
        shown = [line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE - 3] + "..." for line in lines[:MOST_LINES]]
        return "\n".join(shown + ["..."] * (len(lines) > MOST_LINES))


def call(function: Callable | Elsewhere, arguments: Arguments, seconds: float, watch: bool = False,
         helpers: Helpers = NO_HELPERS) -> Called:
    """Call the function with a limit on its time; NumPy's warnings are kept back, and prints too.

    A function that raises NotImplementedError, or gives None or `...`, is blank; one that replaces functions of NumPy
    is in error, and they are put back. watch: whether the arrays on its way are kept. helpers: functions that stand in
    the place of those of their names that the function calls.
    """
    if isinstance(function, Elsewhere):
        return function.called(arguments, seconds, watch, helpers)
    depth = sys.getrecursionlimit()
    try:
        with standing_in(function, helpers):
            called = call_here(function, arguments, seconds, watch)
    finally:
        sys.setrecursionlimit(depth)
        replaced = intact.restored()
    return Called(error=intact.sentence(replaced, phrase("it")), printed=called.printed) if replaced else called


@contextlib.contextmanager
def standing_in(function: Callable, helpers: Helpers) -> Iterator[None]:
    """Inside the `with` block the function's notebook has these functions under their names, where it has any."""
    inner = inspect.unwrap(function)
    names = inner.__globals__ if inspect.isfunction(inner) else {}
    before = {name: names[name] for name in helpers if callable(names.get(name)) and names[name] is not function}
    names.update({name: helpers[name] for name in before})
    try:
        yield
    finally:
        names.update(before)


def call_here(function: Callable, arguments: Arguments, seconds: float, watch: bool) -> Called:
    """Call the function in this process."""
    told = Told()
    seen: list[Seen] = []
    try:
        with (warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(told),
              contextlib.redirect_stderr(Told())):
            warnings.simplefilter("ignore")
            value, overwrites, keeps = within(seconds, lambda: watched(function, arguments, seen if watch else None))
    except KeyboardInterrupt:                          # whoever sits at the keyboard
        raise
    except NotImplementedError:
        return Called(blank=True, printed=told.first_lines())
    except TooLong:
        sentence = phrase("it had not finished after {seconds:g} seconds: look for a loop without end", seconds=seconds)
        return Called(error=sentence, too_long=True, printed=told.first_lines())
    except BaseException as error:                     # SystemExit and what else a student may raise
        return Called(error=described(error, function, arguments), printed=told.first_lines(), seen=tuple(seen))
    return Called(value, value is None or value is ..., printed=told.first_lines(), overwrites=overwrites, keeps=keeps,
                  seen=tuple(seen))


def watched(function: Callable, arguments: Arguments, seen: list[Seen] | None) -> tuple[Any, bool, tuple[str, ...]]:
    """The value of a call, whether it overwrites the one before, and what it has put something into."""
    before = memory.kept(function)
    value = function(*arguments) if seen is None else watching(function, arguments, seen)
    overwrites = memory.overwritten(function, value)
    after = memory.kept(function)
    return kept(value), overwrites, tuple(name for name in after if after[name] != before.get(name))


def kept(value: Any) -> Any:
    """The value with plain copies of its arrays: no subclass, and nothing that the function can still change."""
    if isinstance(value, np.ndarray):
        return np.array(value, subok=False)
    if type(value) in (tuple, list):
        return type(value)(np.array(item, subok=False) if isinstance(item, np.ndarray) else item for item in value)
    return value


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of the work, or TooLong.

    In a main thread, which a notebook's cells have, a signal stops the work. Elsewhere, and on Windows, the work goes
    on in a thread of its own, of which no more is heard.
    """
    if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
        with alarm(seconds), end_of_the_process(seconds + GRACE):
            return work()
    answer: list[Any] = []
    problem: list[BaseException] = []

    def try_it() -> None:
        try:
            answer.append(work())
        except BaseException as error:
            problem.append(error)

    thread = threading.Thread(target=try_it, daemon=True)
    thread.start()
    thread.join(seconds)
    if problem:
        raise problem[0]
    if not answer:
        raise TooLong
    return answer[0]


TRACE: ContextVar[BinaryIO | None] = ContextVar("TRACE", default=None)


@contextlib.contextmanager
def last_resort(trace: BinaryIO) -> Iterator[None]:
    """Inside the `with` block what does not heed its alarm, a loop in C for instance, ends the whole process.

    trace: a file, to which the lines where it was are written.
    """
    before = TRACE.set(trace)
    try:
        yield
    finally:
        TRACE.reset(before)


@contextlib.contextmanager
def end_of_the_process(seconds: float) -> Iterator[None]:
    """End the process after so many seconds in the `with` block, where it may be ended."""
    trace = TRACE.get()
    if trace is None:
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True, file=trace)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise TooLong inside the `with` block once the time is over, and again if it is swallowed there."""
    armed = True

    def ring(number: int, frame: object) -> None:
        if armed:
            raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def described(error: BaseException, function: Callable, arguments: Arguments) -> str:
    """An exception of the student's function as a sentence, with the line where it left their code."""
    text = f"{type(error).__name__}: {message(error)}".removesuffix(": ")
    code = getattr(inspect.unwrap(function), "__code__", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if code and frame.filename == code.co_filename]
    raised = phrase("it raised {error}", error=text)
    if own:
        line = own[-1].lineno or 0
        return in_line(raised, line, linecache.getline(own[-1].filename, line))
    if isinstance(error, TypeError) and "argument" in text:
        return phrase("it cannot be called with its {count} arguments, {error}", count=len(arguments), error=text)
    return raised


def in_line(said: str, line: int, text: str) -> str:
    """A sentence on a function with the line of its cell; text: of that line, or '' where it is not known."""
    return phrase("{sentence}, in line {line} of its cell: {text}" if text.strip() else
                  "{sentence}, in line {line} of its cell", sentence=said, line=line, text=text.strip())


def message(error: BaseException) -> str:
    """The first line of an exception's message, cut where it is long; an exception may not even have one."""
    try:
        lines = str(error).splitlines()
    except Exception:
        return ""
    return lines[0][:LONGEST_MESSAGE] if lines else ""
