"""Call a student's function and keep by what each array that it makes on its way is known, and in which line it is."""

import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from swin_np.exercises.marks import Mark, mark_of
from swin_np.exercises.memory import codes, reached

MOST_LINES = 20_000                                    # that are looked at; what comes later goes on unseen
MOST_SEEN = 2_000                                      # arrays
MOST_ITEMS = 16                                        # of a list that are looked at
LONGEST = 76                                           # characters of a line that is shown


class Seen(NamedTuple):
    """An array of the student's. function, line, text: where it was made; following: the line that is next; helper:
    the function that gave it there, if it was another of the student's."""

    function: str
    line: int
    text: str
    mark: Mark
    following: str
    helper: str = ""


class Watcher:
    """Looks at some functions while they run. functions: their code."""

    def __init__(self, functions: set[CodeType]) -> None:
        self.functions = functions
        self.seen: dict[Mark, Seen] = {}
        self.lines = 0
        self.at: dict[FrameType, int] = {}             # the line that each frame is in
        self.amounts: dict[FrameType, dict[str, Any]] = {}

    def enter(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        """For every call: whether its lines are looked at."""
        if frame.f_code not in self.functions or self.lines > MOST_LINES or len(self.seen) > MOST_SEEN:
            return None
        self.at[frame] = frame.f_lineno
        self.amounts[frame] = {name: amount(value) for name, value in frame.f_locals.items()}
        caller = frame.f_back
        if caller is not None and caller in self.at:   # what is computed in the call itself
            for value in list(frame.f_locals.values()):
                self.keep(caller, value, line_text(caller.f_code, caller.f_lineno))
        return self.step

    def step(self, frame: FrameType, event: str, argument: Any) -> Callable:
        """Before every line, and at the end: what the line before it has made."""
        if event == "line":
            self.lines += 1
            self.look(frame, line_text(frame.f_code, frame.f_lineno))
            self.at[frame] = frame.f_lineno
        elif event == "return":
            caller = frame.f_back
            known = caller is not None and caller in self.at
            following = line_text(caller.f_code, caller.f_lineno) if known and caller else ""
            self.look(frame, following)
            if known and caller:
                self.keep(caller, argument, following, frame.f_code.co_name)
            else:
                self.keep(frame, argument, following)
            del self.at[frame], self.amounts[frame]
        return self.step

    def look(self, frame: FrameType, following: str) -> None:
        """Keep what the frame's names stand for and did not before."""
        for name, value in list(frame.f_locals.items()):
            now = amount(value)
            if now and self.amounts[frame].get(name) != now:
                self.amounts[frame][name] = now
                self.keep(frame, value, following)

    def keep(self, frame: FrameType, value: Any, following: str, helper: str = "") -> None:
        """Keep the arrays of a value that are new."""
        for item in arrays_in(value):
            mark = mark_of(item)
            if mark is None:
                continue
            line, known = self.at[frame], self.seen.get(mark)
            if known is None:
                self.seen[mark] = Seen(frame.f_code.co_name, line, line_text(frame.f_code, line), mark, following,
                                       helper)
            elif known.helper and (known.function, known.line) == (frame.f_code.co_name, line) and not helper:
                self.seen[mark] = known._replace(following=following)   # the line has no more to do: a name keeps it


def watching(function: Callable, arguments: tuple[Any, ...], seen: list[Seen]) -> Any:
    """The function's value; `seen` gets what it and its helpers make, also where it raises an error."""
    watcher, before = Watcher(own_code(function)), sys.gettrace()
    try:
        sys.settrace(watcher.enter)
        return function(*arguments)
    finally:
        sys.settrace(before)
        seen += watcher.seen.values()


def own_code(function: Callable) -> set[CodeType]:
    """The code of the function and of its helpers in the same notebook."""
    inner = inspect.unwrap(function)
    if not inspect.isfunction(inner):
        return set()
    helpers = [inspect.unwrap(value) for _, value in reached(function) if callable(value)]
    return {code for one in (inner, *helpers) if inspect.isfunction(one) and one.__globals__ is inner.__globals__
            for code in codes(one.__code__)}


def amount(value: Any) -> list[tuple[int, float]]:
    """Numbers that change when another array takes a value's place, or when its own numbers change."""
    return [(id(item), float(item.sum())) for item in arrays_in(value)]


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """The arrays of numbers in a value."""
    items = value[:MOST_ITEMS] if type(value) in (list, tuple) else [value]
    yield from (item for item in items if type(item) is np.ndarray and item.dtype.kind in "iuf")


def line_text(code: CodeType, line: int) -> str:
    """The text of a line, without what is around it."""
    text = linecache.getline(code.co_filename, line).split("  #")[0].strip()
    return text if len(text) <= LONGEST else text[:LONGEST - 3] + "..."


def to_message(seen: Seen) -> tuple[Any, ...]:
    """An array as it is sent to another process."""
    return (*seen._replace(mark=tuple(seen.mark)),)                     # type: ignore[arg-type]


def of_message(message: Any) -> Seen:
    """What `to_message` gave; ValueError or TypeError for what is none."""
    function, line, text, (shape, largest, powers, order), following, helper = message
    first, second, third = map(float, powers)
    mark = Mark(tuple(map(int, shape)), float(largest), (first, second, third), float(order))
    return Seen(str(function), int(line), str(text), mark, str(following), str(helper))
