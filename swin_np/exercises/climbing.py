"""The calls that a right function has to answer, one after the other, and what is wrong with an answer."""

import inspect
from collections.abc import Callable, Iterator

import numpy as np

from swin_np.exercises.calling import NO_HELPERS, Called, Elsewhere, Helpers, call
from swin_np.exercises.comparing import Difference, difference
from swin_np.exercises.covering import draws
from swin_np.exercises.exercise import Arguments, Exercise, Step, arrays, cast, copied, each_array
from swin_np.language import phrase

TOY = "worked example"
PREDICTION = "your prediction"
RANDOM, SAME_SIZES = "random sizes {number} of {count}", "other numbers in the first sizes"
FLOAT32, GOLDEN = "float32", "golden value"
STAGES = ("shape", "example", "sizes", "float32", "golden", "again")
"""What a check climbs: type and shape of the worked example, its values, random sizes, other numbers in the first of
them and float32, the golden value, and all of it once more."""


def steps(exercise: Exercise, seed: int) -> Iterator[Step]:
    """The calls that a right function has to answer, one after the other."""
    def step(name: str, arguments: Arguments, dtype: type = np.float64, number: int = 1, count: int = 1) -> Step:
        with np.errstate(all="ignore"):
            return Step(name, arguments, exercise.reference(*cast(arguments, np.float64)), np.dtype(dtype), number,
                        count)

    if exercise.question:
        yield step(PREDICTION, ())
        return
    yield step(TOY, exercise.toy())
    found = draws(exercise, seed)
    for number, arguments in enumerate(found, start=1):
        yield step(RANDOM, arguments, number=number, count=len(found))
    narrow = cast(found[0], np.float32)
    if any(x.dtype == np.float32 for x in arrays(narrow)):
        yield step(SAME_SIZES, shuffled(found[0], np.random.default_rng(seed)))
        yield step(FLOAT32, narrow, np.float32)
    if exercise.golden is not None:
        arguments, expected = exercise.golden()
        yield Step(GOLDEN, arguments, expected, np.dtype(np.float64))


def stage(name: str) -> str:
    """The stage to which a step of this name belongs."""
    named = {TOY: "example", PREDICTION: "example", RANDOM: "sizes", GOLDEN: "golden"}
    return named.get(name, "float32")


def shuffled(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    """Arguments of the same sizes with the numbers of every floating-point array in another order."""
    return each_array(arguments, lambda x: rng.permuted(x.ravel()).reshape(x.shape) if x.dtype.kind == "f" else x)


def answered(exercise: Exercise, function: Callable | Elsewhere, step: Step,
             helpers: Helpers = NO_HELPERS) -> tuple[Called, Difference | None]:
    """What became of the call of this step, and what is wrong with it."""
    given = copied(step.arguments)
    called = call(function, given, exercise.seconds, helpers=helpers)
    if called.error:
        return called, Difference("call", called.error)
    if name := changed_argument(exercise, given, step.arguments):
        return called, Difference("argument", phrase("your function changes {name}, which its caller may still need: "
                                                     "work on a copy of it", name=name))
    if called.overwrites:
        return called, Difference("state", phrase("with this call the array has changed that your function gave "
                                                  "before: make a new one for each result"))
    return called, difference(called.value, step.expected, step.dtype)


def own_helper(function: Callable | Elsewhere, name: str) -> Callable | Elsewhere | None:
    """The function of this name that the student's may call; None where there is none."""
    if isinstance(function, Elsewhere):
        return function.other(name)
    inner = inspect.unwrap(function)
    helper = inner.__globals__.get(name) if inspect.isfunction(inner) else None
    return helper if callable(helper) and helper is not function else None


def changed_argument(exercise: Exercise, given: Arguments, before: Arguments) -> str:
    """The name of an argument that the function has changed, or ''."""
    for name, one, other in zip(exercise.parameters, given, before, strict=True):
        if len(arrays(one)) != len(arrays(other)) or not all(
                a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(arrays(one), arrays(other), strict=True)):
            return name
    return ""
