"""check(function): from the shape up to a golden value, and what went wrong in words."""

import inspect
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from swin_np.arguments.names import check_name
from swin_np.exercises import intact, naming
from swin_np.exercises.apart import EndedError, result_of
from swin_np.exercises.calling import Called, Elsewhere, call
from swin_np.exercises.climbing import STAGES, TOY, answered, stage, steps
from swin_np.exercises.comparing import Difference, arguments_and_results, arguments_in_short
from swin_np.exercises.exercise import Exercise, Step, copied
from swin_np.exercises.follow_through import PROVEN, wrong_helpers
from swin_np.exercises.naming import Evidence
from swin_np.exercises.picture import grids
from swin_np.exercises.registry import EXERCISES, remember
from swin_np.exercises.result import ERROR, FOLLOWED, NOT_IMPLEMENTED, RIGHT, WRONG, Result
from swin_np.exercises.where import MOST_EVIDENCE, finite_calls, line_by_line, overflows, where
from swin_np.language import phrase

SEED = 2103                                            # of grading: in nbgrader's hidden tests, in `swin-np grade`
PRACTICE_SEED = 2022                                   # of a student's own checks
MOST_CALLS = 30                                        # for whose time a check is waited for
BLANK = "It gives nothing yet. If you have written it: is the `return` missing?"


def check(function: Callable, seed: int = PRACTICE_SEED) -> Result:
    """Check the function that a student wrote for the exercise of its name; print a report, and give the result.

    The check climbs: it can be called; type, shape and dtype; the values of a worked example; random arguments of
    several sizes in float64 and float32; the arguments are left as they were; a golden value; all of it once more in
    the opposite order. It stops at the first step that fails, and says which mistake of the catalogue gives the same
    numbers, where one does, else how, where and from which line on it is wrong. A function that is right but for
    another one of the student's that it calls gets its points. The function may do whatever it likes: the report says
    so in a sentence. Where the system can copy a process (not on macOS and Windows), it runs in a copy of this one: it
    may even crash. seed: of the random arguments.

    Raises ConfigurationError for a function whose name is no exercise's.
    """
    if replaced := intact.restored():
        print(intact.sentence(replaced, phrase("this notebook")))
    name = name_of(function, sys._getframe(1).f_globals)
    check_name("exercise", name, EXERCISES)
    exercise = EXERCISES[name]
    try:
        result = result_of(lambda: examine(exercise, function, seed), MOST_CALLS * exercise.seconds)
    except EndedError as ended:
        code = getattr(inspect.unwrap(function), "__code__", None)
        said = ended.sentence(exercise.seconds, lambda file: code is not None and file == code.co_filename)
        result = Result.of(exercise, ERROR, [phrase("{sentence}.", sentence=said)])
    remember(result)
    print(result.report)
    show(result)
    return result


def show(result: Result) -> None:
    """The picture of a result, in a notebook."""
    shell = sys.modules.get("IPython")
    if result.grids and shell is not None and shell.get_ipython() is not None:
        shell.display.display(result)


def name_of(function: Callable, names: dict[str, Any]) -> str:
    """The name under which a notebook has a function: its own, or for a lambda the one that it was assigned to."""
    own = getattr(function, "__name__", type(function).__name__)
    return own if own in EXERCISES else next(
        (name for name, value in names.items() if value is function and name in EXERCISES), own)


def examine(exercise: Exercise, function: Callable | Elsewhere, seed: int = SEED) -> Result:
    """The result of the check, without printing or remembering it."""
    evidence: list[Evidence] = []
    done: list[Step] = []
    climb = steps(exercise, seed)
    for step in climb:
        called, found = answered(exercise, function, step)
        blank = called.blank and not evidence
        evidence.append((step, called))
        if blank or found is not None:
            rest = list(climb)
            helpers = wrong_helpers(exercise, function, [*done, step, *rest], step, seed)
            if blank and not helpers:
                return Result.of(exercise, NOT_IMPLEMENTED, [phrase(BLANK)])
            evidence += further_evidence(exercise, function, rest)
            if helpers and PROVEN:
                return followed(exercise, function, helpers, done, evidence)
            return failure(exercise, function, found or Difference("call", phrase(BLANK)), done, evidence, helpers)
        done.append(step)
    for step in reversed(done):
        called, found = answered(exercise, function, step)
        if found is not None:
            again = phrase("{step}, called once more: {sentence}.", step=step.said,
                           sentence=another_answer(called, found))
            lines = [*passed(done), again]
            return Result.of(exercise, WRONG, lines, stages=climbed(done))
    all_again = [] if exercise.question else [phrase("all of it once more, in the opposite order: right")]
    return Result.of(exercise, RIGHT, [*passed(done), *all_again], stages=[*climbed(done), STAGES[-1]])


def passed(done: Sequence[Step]) -> list[str]:
    """A line for each kind of step that was right."""
    last = {step.name: step.said for step in done}
    return [phrase("{steps}: right", steps=phrase(", ").join(last.values()))] if last else []


def climbed(done: Sequence[Step], more: Sequence[str] = ()) -> list[str]:
    """The stages that are passed. more: that are passed too."""
    found = dict.fromkeys(stage(step.name) for step in done)
    return [one for one in STAGES if one in found or one in more or (one == "shape" and found)]


def another_answer(called: Called, found: Difference) -> str:
    """What is wrong where the function was right at first, and why it may be."""
    return phrase("{sentence}. At first it was right for the same arguments: a result may depend on them alone, and "
                  "yours keeps something in {names}" if called.keeps else
                  "{sentence}. At first it was right for the same arguments: a result may depend on them alone",
                  sentence=found.sentence, names=phrase(", ").join(called.keeps))


def followed(exercise: Exercise, function: Callable | Elsewhere, helpers: tuple[str, ...], done: Sequence[Step],
             evidence: list[Evidence]) -> Result:
    """The result for a function that is right but for others of the student's that it calls."""
    lines = [phrase("Your {name} is right, but it calls your {helpers}, which is wrong. With a right one in its place "
                    "all of it is right, so it gets its points. Mend {helpers}, and check again."
                    if len(helpers) == 1 else
                    "Your {name} is right, but it calls your {helpers}, which are wrong. With right ones in their "
                    "place all of it is right, so it gets its points. Mend {helpers}, and check again.",
                    name=exercise.name, helpers=phrase(" and ").join(helpers)),
             *line_by_line(exercise, function, evidence), *passed(done)]
    return Result.of(exercise, FOLLOWED, lines, stages=list(STAGES))


def failure(exercise: Exercise, function: Callable | Elsewhere, found: Difference, done: Sequence[Step],
            evidence: list[Evidence], helpers: tuple[str, ...]) -> Result:
    """The result for a function that is wrong, with the mistake's name where the catalogue has it.

    evidence: all calls, the first that is wrong after those of `done`. helpers: of the student's that are wrong too.
    """
    step, called = evidence[len(done)]
    told = evidence[:max(MOST_EVIDENCE, len(done) + 1)]
    mistake = None if found.step in ("argument", "state") else naming.named(exercise, told)
    finite = evidence if mistake else finite_calls(evidence)
    overflowing = 0 if mistake else sum(overflows(*one) for one in evidence)
    if len(finite) < len(evidence) and found.step in ("shape", "values", "call"):
        mistake = naming.named(exercise, finite[:MOST_EVIDENCE])
    lines = [*passed(done)]
    if helpers:
        lines.append(phrase("It calls your {helpers}, wrong by check({first}) too: mend that first, and check again.",
                            helpers=phrase(" and ").join(helpers), first=helpers[0]))
    if found.step in ("shape", "values", "call"):
        lines += where(exercise, finite, mistake)
    if mistake is not None:
        lines += [phrase("The prediction is that of a known mistake ({name}): {says}" if exercise.question else
                         "The numbers are those of a known mistake ({name}): {says}",
                         name=mistake.name, says=phrase(mistake.says)),
                  phrase("What to do: {fix}", fix=phrase(mistake.fix))]
    if found.step in ("shape", "values", "call"):
        if overflowing:
            lines.append(phrase("In {count} of {all} calls your result holds nan or infinity: does something overflow, "
                                "or is something divided by 0?", count=overflowing, all=len(evidence)))
        lines += line_by_line(exercise, function, finite, first=mistake is None)
    lines.append(phrase("{step}: {sentence}.", step=step.said, sentence=found.sentence))
    if found.step == "answer" and mistake is None:
        lines.append(phrase("Draw a small case and count, or run the cell below, and find where you went another way."))
    kept = dict.fromkeys(name for _, earlier in evidence for name in earlier.keeps)
    if kept and done and mistake is None:
        lines.append(phrase("Your function keeps something from one call to the next, in {names}. Is it kept by all "
                            "that it depends on, such as the size of the map?", names=phrase(", ").join(kept)))
    if called.printed:
        lines += [phrase("your function printed:"), *called.printed.splitlines()]
    if found.step == "values" and step.name == TOY:
        lines += arguments_and_results(exercise.parameters, step.arguments, called.value, step.expected)
    elif found.step in ("shape", "values", "call"):
        lines.append(arguments_in_short(exercise.parameters, step.arguments))
    shape = ["shape"] if found.step == "values" else []
    ended = [one for one in done if stage(one.name) != stage(step.name)]
    picture = grids(step.expected, called.value, step.dtype) if found.step == "values" and step.name == TOY else {}
    return Result.of(exercise, ERROR if found.step == "call" else WRONG, lines, mistake.name if mistake else "",
                     climbed(ended, shape), picture)


def further_evidence(exercise: Exercise, function: Callable | Elsewhere, rest: Sequence[Step]) -> Iterator[Evidence]:
    """Calls beyond the one that failed, by which mistakes that agree there are told apart, and as long as it takes."""
    end = time.monotonic() + exercise.seconds
    for step in rest:
        called = call(function, copied(step.arguments), exercise.seconds)
        if called.too_long:                            # it would not finish the next time either
            return
        yield step, called
        if time.monotonic() > end:
            return
