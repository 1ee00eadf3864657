"""Run cells, and answer calls of the functions that they define: the part of grading that a student's code can see."""

import asyncio
import contextlib
import inspect
import linecache
import re
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from swin_np.exercises import intact, wire
from swin_np.exercises.calling import Called, TooLong, call, described, within
from swin_np.exercises.exercise import arrays, copied
from swin_np.exercises.watching import to_message
from swin_np.language import phrase

IMPORT = re.compile(r"(import|from) +[\w. ,]+( import [\w ,]+)?$")
CELL_SECONDS = 20.0                                    # after which a cell is left, and the next one begun


def run_cells(cells: Iterable[tuple[int, str]], namespace: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Execute (number, text) in the namespace; after each its number, and a sentence if it failed, or ''."""
    for number, text in cells:
        name = f"<code cell {number}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        depth, problem = sys.getrecursionlimit(), ""
        try:
            code = compile(text, name, "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            within(CELL_SECONDS, partial(execute, code, namespace))
        except SyntaxError as error:
            problem = failed(number, error)
            with contextlib.suppress(Exception):
                exec(imports_in(text), namespace)
        except KeyboardInterrupt:
            problem = phrase("code cell {number} was interrupted", number=number)
        except TooLong:
            problem = phrase("code cell {number} had not finished after {seconds:g} seconds", number=number,
                             seconds=CELL_SECONDS)
        except BaseException as error:
            problem = failed(number, error)
        sys.setrecursionlimit(depth)
        replaced = intact.restored()
        who = phrase("code cell {number}", number=number)
        yield number, intact.sentence(replaced, who) if replaced else problem


def failed(number: int, error: BaseException) -> str:
    """A sentence on a cell in which an exception was raised."""
    return phrase("code cell {number}: {problem}", number=number, problem=described(error, partial(exec), ()))


def imports_in(text: str) -> str:
    """The lines of a cell that import something, which others may need though the cell itself is left out."""
    return "\n".join(line for line in text.splitlines() if IMPORT.match(line))


def execute(code: Any, namespace: dict[str, Any]) -> None:
    """Execute a cell; one that awaits something at its top level gets a loop of its own."""
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


def serve(namespace: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests for calls, {"call": name, "arguments", "seconds", "watch", "helpers"}, until there are no more.

    An answer has the fields of Called, and "arguments" where the call has changed them. "helpers" are names: before the
    answer may come requests of this side, {"ask": name, "arguments", "more"}, for what a right function of that name
    gives, answered by {"value"} or {"error"}.
    """
    def asking(name: str, *arguments: Any, **more: Any) -> Any:
        wire.send(answers, {"ask": name, "arguments": arguments, "more": more})
        answer = wire.receive(requests)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]

    while True:
        try:
            request = wire.receive(requests)
        except EOFError:
            return
        if "value" in request or "error" in request:   # of a question whose call has ended
            continue
        if "call" not in request:
            return
        given = request["arguments"]
        before = copied(given)
        function = namespace.get(request["call"])
        helpers = {name: partial(asking, name) for name in request["helpers"]}
        called = (call(function, given, request["seconds"], request["watch"], helpers) if callable(function) else
                  Called(error=phrase("there is no such function")))
        answer = {**vars(called), "seen": tuple(map(to_message, called.seen)),
                  "arguments": None if unchanged(given, before) else given}
        try:
            wire.send(answers, answer)
        except wire.MessageError as error:
            too_large = Called(error=phrase("its result is too large: {error}", error=error), printed=called.printed)
            wire.send(answers, {**vars(too_large), "arguments": None})


def unchanged(given: Any, before: Any) -> bool:
    """Whether arguments are still as they were."""
    one, other = arrays(given), arrays(before)
    return len(one) == len(other) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(one, other, strict=True)) and keys(given) == keys(before)


def keys(value: Any) -> list[str]:
    """The keys of all dicts in the arguments."""
    return [key for item in value if isinstance(item, dict) for key in item]


def said_by(namespace: dict[str, Any], wanted: Iterable[str]) -> dict[str, str]:
    """For each wanted name that is there, the module and name that the function says it is from; '' for no function."""
    found: dict[str, str] = {}
    for name in wanted:
        value: Callable | None = namespace.get(name)
        if name in namespace and not callable(value):
            found[name] = ""
        elif callable(value):
            inner = inspect.unwrap(value) if inspect.isfunction(value) else value
            found[name] = f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', type(inner).__name__)}"
    return found
