"""check(function): from the shape up to a golden value, and what went wrong in words."""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.exercises import intact, naming
from swin_np.exercises.apart import EndedError, result_of
from swin_np.exercises.calling import Called, Elsewhere, call
from swin_np.exercises.comparing import Difference, arguments_and_results, arguments_in_short, difference
from swin_np.exercises.covering import draws
from swin_np.exercises.exercise import (
    ERROR,
    NOT_IMPLEMENTED,
    RIGHT,
    WRONG,
    Arguments,
    Exercise,
    Result,
    Step,
    arrays,
    cast,
    copied,
    each_array,
)
from swin_np.exercises.naming import Evidence
from swin_np.exercises.registry import EXERCISES, remember

SEED = 2103                                            # of grading: in nbgrader's hidden tests, in `swin-np grade`
PRACTICE_SEED = 2022                                   # of a student's own checks
MOST_EVIDENCE = 4                                      # calls, to tell mistakes apart
MOST_CALLS = 30                                        # for whose time a check is waited for
TOY = "worked example"
PREDICTION = "your prediction"
BLANK = "It gives nothing yet. If you have written it: is the `return` missing?"


def check(function: Callable, seed: int = PRACTICE_SEED) -> Result:
    """Check the function that a student wrote for the exercise of its name; print a report, and give the result.

    The check climbs: it can be called; type, shape and dtype; the values of a worked example; random arguments of
    several sizes in float64 and float32; the arguments are left as they were; a golden value; all of it once more in
    the opposite order. It stops at the first step that fails, and says which mistake of the catalogue gives the same
    numbers, where one does. The function may do whatever it likes: the report says so in a sentence. Where the system
    can copy a process (not on macOS and Windows), it runs in a copy of this one: it may even crash. seed: of the random
    arguments.

    Raises ConfigurationError for a function whose name is no exercise's.
    """
    if replaced := intact.restored():
        print(intact.sentence(replaced, "this notebook"))
    name = name_of(function, sys._getframe(1).f_globals)
    check_name("exercise", name, EXERCISES)
    exercise = EXERCISES[name]
    try:
        result = result_of(lambda: examine(exercise, function, seed), MOST_CALLS * exercise.seconds)
    except EndedError as ended:
        code = getattr(inspect.unwrap(function), "__code__", None)
        said = ended.sentence(exercise.seconds, lambda file: code is not None and file == code.co_filename)
        result = Result.of(exercise, ERROR, [f"{said}."])
    remember(result)
    print(result.report)
    return result


def name_of(function: Callable, names: dict[str, Any]) -> str:
    """The name under which a notebook has a function: its own, or for a lambda the one that it was assigned to."""
    own = getattr(function, "__name__", type(function).__name__)
    return own if own in EXERCISES else next(
        (name for name, value in names.items() if value is function and name in EXERCISES), own)


def examine(exercise: Exercise, function: Callable | Elsewhere, seed: int = SEED) -> Result:
    """The result of the check, without printing or remembering it."""
    evidence: list[Evidence] = []
    passed: list[str] = []
    done: list[Step] = []
    for step in steps(exercise, seed):
        called, found = answered(exercise, function, step)
        if called.blank and not evidence:
            return Result.of(exercise, NOT_IMPLEMENTED, [BLANK])
        evidence.append((step, called))
        if found is not None:
            evidence += further_evidence(exercise, function, seed, len(evidence))
            return failure(exercise, step, called, found, passed, evidence)
        passed.append(f"{step.name}: right")
        done.append(step)
    for step in reversed(done):
        called, found = answered(exercise, function, step)
        if found is not None:
            said = another_answer(called, found)
            return Result.of(exercise, WRONG, [*passed, f"{step.name}, called once more: {said}."])
    if not exercise.question:
        passed.append("all of it once more, in the opposite order: right")
    return Result.of(exercise, RIGHT, passed)


def answered(exercise: Exercise, function: Callable, step: Step) -> tuple[Called, Difference | None]:
    """What became of the call of this step, and what is wrong with it."""
    given = copied(step.arguments)
    called = call(function, given, exercise.seconds)
    if called.error:
        return called, Difference("call", called.error)
    if name := changed_argument(exercise, given, step.arguments):
        return called, Difference("argument", f"your function changes {name}, which its caller may still need: work "
                                              f"on a copy of it")
    if called.overwrites:
        return called, Difference("state", "with this call the array has changed that your function gave before: make "
                                           "a new one for each result")
    return called, difference(called.value, step.expected, step.dtype)


def another_answer(called: Called, found: Difference) -> str:
    """What is wrong where the function was right at first, and why it may be."""
    kept = f", and yours keeps something in {', '.join(called.keeps)}" if called.keeps else ""
    return f"{found.sentence}. At first it was right for the same arguments: a result may depend on them alone{kept}"


def failure(exercise: Exercise, step: Step, called: Called, found: Difference, passed: list[str],
            evidence: list[Evidence]) -> Result:
    """The result for a function that fails in this step, with the mistake's name where the catalogue has it."""
    lines = [*passed, f"{step.name}: {found.sentence}."]
    if found.step == "values" and step.name == TOY:
        lines += arguments_and_results(exercise.parameters, step.arguments, called.value, step.expected)
    elif found.step in ("shape", "values", "call"):
        lines.append(arguments_in_short(exercise.parameters, step.arguments))
    if called.printed:
        lines += ["your function printed:", *called.printed.splitlines()]
    mistake = None if found.step in ("argument", "state") else naming.named(exercise, evidence)
    if mistake is not None:
        lines += [f"The mistake ({mistake.name}): {mistake.says}", f"What to do: {mistake.fix}"]
    elif found.step in ("shape", "values"):
        lines += naming.transformation(called.value, step.expected, step.dtype)
    elif found.step == "answer":
        lines.append("Draw a small case and count, or run the cell below, and find where you went another way.")
    kept = dict.fromkeys(name for _, earlier in evidence for name in earlier.keeps)
    if kept and passed and mistake is None:
        lines.append(f"Your function keeps something from one call to the next, in {', '.join(kept)}. Is it kept by "
                     "all that it depends on, such as the size of the map?")
    outcome = ERROR if found.step == "call" else WRONG
    return Result.of(exercise, outcome, lines, mistake.name if mistake else "")


def steps(exercise: Exercise, seed: int) -> Iterator[Step]:
    """The calls that a right function has to answer, one after the other."""
    def step(name: str, arguments: Arguments, dtype: type = np.float64) -> Step:
        with np.errstate(all="ignore"):
            return Step(name, arguments, exercise.reference(*cast(arguments, np.float64)), np.dtype(dtype))

    if exercise.question:
        yield step(PREDICTION, ())
        return
    yield step(TOY, exercise.toy())
    found = draws(exercise, seed)
    for number, arguments in enumerate(found, start=1):
        yield step(f"random sizes {number} of {len(found)}", arguments)
    narrow = cast(found[0], np.float32)
    if any(x.dtype == np.float32 for x in arrays(narrow)):
        yield step("other numbers in the first sizes", shuffled(found[0], np.random.default_rng(seed)))
        yield step("float32", narrow, np.float32)
    if exercise.golden is not None:
        arguments, expected = exercise.golden()
        yield Step("golden value", arguments, expected, np.dtype(np.float64))


def shuffled(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    """Arguments of the same sizes with the numbers of every floating-point array in another order."""
    return each_array(arguments, lambda x: rng.permuted(x.ravel()).reshape(x.shape) if x.dtype.kind == "f" else x)


def further_evidence(exercise: Exercise, function: Callable, seed: int, after: int) -> Iterator[Evidence]:
    """Calls beyond the one that failed, by which mistakes that agree there are told apart."""
    for step in list(steps(exercise, seed))[after:MOST_EVIDENCE]:
        called = call(function, copied(step.arguments), exercise.seconds)
        if called.too_long:                            # it would not finish the next time either
            return
        yield step, called


def changed_argument(exercise: Exercise, given: Arguments, before: Arguments) -> str:
    """The name of an argument that the function has changed, or ''."""
    for name, one, other in zip(exercise.parameters, given, before, strict=True):
        if len(arrays(one)) != len(arrays(other)) or not all(
                a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(arrays(one), arrays(other), strict=True)):
            return name
    return ""
