"""Grade one file of a student: the answers in it, each against the exercise, which the student's process never sees."""

import hashlib
import re
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from swin_np import __version__
from swin_np.classroom.confinement import PACKAGE
from swin_np.classroom.integrity import remarks
from swin_np.classroom.sandbox import USUAL, Limits, OutOfTimeError, Remote, Sandbox, StudentProcess, namespaces
from swin_np.errors import InputError
from swin_np.exercises.checking import BLANK, SEED, examine
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import ERROR, NOT_IMPLEMENTED, Result
from swin_np.exercises.submission import submission
from swin_np.language import FOLDER, language, phrase

NUMBER = "\0"                                          # in the place of a cell's number


@dataclass(frozen=True)
class FileGrade:
    """What a file is worth. results: by exercise; problems: sentences on what went wrong around them.

    answers: the text of each exercise's function; origins: the module and name that each says it is from; remarks: what
    a teacher may want to look at; not_isolated: what the system did not keep from it; unreadable: whether it could not
    be read at all, where the problem has the file's name.
    """

    results: dict[str, Result]
    problems: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    not_isolated: tuple[str, ...] = ()
    unreadable: bool = False

    def as_json(self) -> dict[str, Any]:
        """For a file of results."""
        return {**asdict(self), "results": [asdict(result) for result in self.results.values()]}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> "FileGrade":
        """What `as_json` gave."""
        results = {one["exercise"]: Result(**one) for one in stored["results"]}
        return cls(results, tuple(stored["problems"]), dict(stored["answers"]), dict(stored["origins"]),
                   tuple(stored["remarks"]), tuple(stored["not_isolated"]), stored["unreadable"])


class Grader:
    """Grades files one after the other, in one process for students' code where that can be copied."""

    def __init__(self, limits: Limits = USUAL, seed: int = SEED) -> None:
        self.limits, self.seed = limits, seed
        self.process: StudentProcess | None = None

    def grade(self, name: str, data: bytes, files: dict[str, str] | None = None) -> FileGrade:
        """The grade of one file. files: .py files that came with it, by name; what it does is told, and not raised."""
        try:
            found = submission(name, data)
        except InputError as error:
            return FileGrade({}, (str(error),), unreadable=True)
        sandbox = Sandbox(found, files or {}, self.limits, self.process)
        try:
            results = {one: self.result(sandbox, one) for one in found.wanted}
        finally:
            self.process = sandbox.finish()
        problems = [*found.problems, *(problem for _, problem in sorted(sandbox.problems.items()) if problem)]
        return FileGrade(results, tuple(spoken(name, problem) for problem in problems), found.text,
                         sandbox.origins, tuple(spoken(name, remark) for remark in remarks(found.seen)),
                         not_isolated(sandbox.isolation))

    def result(self, sandbox: Sandbox, one: str) -> Result:
        """The result of one exercise."""
        exercise, found = EXERCISES[one], sandbox.submission
        if one in found.broken:
            return Result.of(exercise, ERROR, [phrase("{said}.", said=found.broken[one])])
        try:
            functions = sandbox.functions()
            if functions.get(one):
                return examine(exercise, Remote(sandbox, one), self.seed)
        except OutOfTimeError:
            seconds = sandbox.limits.seconds
            sandbox.problems[0] = phrase("it was stopped after {seconds:g} seconds", seconds=seconds)
            return Result.of(exercise, ERROR, [phrase("It was not reached: the file was stopped after {seconds:g} "
                                                      "seconds.", seconds=seconds)])
        if one in functions:
            return Result.of(exercise, ERROR, [phrase("{name} is no function: define it with `def {name}(...)`.",
                                                      name=one)])
        failed = [sandbox.problems[cell.number] for cell in found.cells
                  if one in cell.defined() and sandbox.problems.get(cell.number)]
        return Result.of(exercise, ERROR, [phrase("{said}.", said=failed[-1])]) if failed else Result.of(
            exercise, NOT_IMPLEMENTED, [phrase(BLANK)])

    def close(self) -> None:
        """End the process for students' code."""
        if self.process is not None:
            self.process.close()
            self.process = None


def spoken(name: str, problem: str) -> str:
    """A problem as it is told of a .py file, which has lines in the place of cells."""
    if not name.lower().endswith(".py"):
        return problem
    before, after = map(re.escape, phrase("code cell {number}", number=NUMBER).split(NUMBER))
    return re.sub(rf"{before}(\d+){after}", lambda found: phrase("the statement in line {number}", number=found[1]),
                  problem)


def not_isolated(isolation: dict[str, Any]) -> tuple[str, ...]:
    """What a submission could do on this system that it should not."""
    if not isolation:                                  # nothing was executed
        return ()
    return (*isolation["not_limited"], *([] if isolation["hidden"] else ["the view of the disk"]),
            *([] if namespaces() else ["the network"]))


@cache
def exercise_set() -> str:
    """A digest of the library, by which results of another version of an exercise, or of a phrase, are told apart."""
    digest = hashlib.sha256()
    for paths in (PACKAGE.rglob("*.py"), PACKAGE.glob("exercises/data/*"), FOLDER.glob("*/*.json")):
        for path in sorted(paths):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fingerprint(name: str, data: bytes, files: dict[str, str], grader: Grader) -> str:
    """What a grade depends on: the file with its name, those beside it, the exercises, seed, limits and language."""
    digest = hashlib.sha256()
    for part in (__version__, exercise_set(), language(), str(grader.seed), str(grader.limits), name,
                 *(text for item in sorted(files.items()) for text in item)):
        digest.update(hashlib.sha256(part.encode(errors="surrogateescape")).digest())
    digest.update(data)
    return digest.hexdigest()
