"""The grades of a class: who handed in what, each file graded once, the results of a student put together."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from swin_np.classroom import integrity
from swin_np.classroom.grading import FileGrade, Grader, fingerprint
from swin_np.classroom.hand_ins import HandIn, Student, days_late, students_of
from swin_np.classroom.integrity import Finding
from swin_np.classroom.judges import Job, Judges
from swin_np.classroom.partial import NOTHING, Partial, rounded_down
from swin_np.classroom.roster import Row, enrolled
from swin_np.classroom.sandbox import USUAL, Limits
from swin_np.classroom.store import Store
from swin_np.errors import InputError, SwinWarning
from swin_np.exercises.checking import SEED
from swin_np.exercises.course import NOTEBOOKS
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import Result
from swin_np.exercises.submission import submission
from swin_np.language import phrase
from swin_np.parallel.pool import default_threads

BEST, LATEST = "best", "latest"
MOST_OTHERS = 3                                        # names of files that cannot be graded, in a sentence


@dataclass(frozen=True)
class Rules:
    """What counts. seed: of the random arguments; attempts: which of several hand-ins, "best" or "latest".

    deadline: after which a hand-in is late; late_days: how many days late it may be, None for any number. partial: what
    the stages of a check are worth.
    """

    seed: int = SEED
    attempts: str = BEST
    deadline: datetime | None = None
    late_days: int | None = None
    partial: Partial = NOTHING


SIMPLE = Rules()


@dataclass(frozen=True)
class Grade:
    """A student's results by exercise, and sentences on what went wrong around them.

    days_late: of the latest hand-in that counts; row: of the roster; ids: which Moodle or Canvas gave.
    """

    student: str
    results: dict[str, Result]
    problems: tuple[str, ...]
    days_late: int = 0
    row: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The sum over the exercises."""
        return rounded_down(sum(result.points for result in self.results.values()))

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The named mistakes, in the exercises' order."""
        return tuple(result.mistake for result in self.results.values() if result.mistake)


@dataclass(frozen=True)
class Graded:
    """A hand-in with its grade."""

    hand_in: HandIn
    grade: FileGrade


def grade(place: Path, limits: Limits = USUAL, watch: Callable[[Sequence[str]], Iterable[str]] = iter, *,
          rules: Rules = SIMPLE, roster: Sequence[Row] = (), store: Store | None = None, compare: Iterable[Path] = (),
          processes: int | None = None) -> tuple[list[Grade], list[Finding]]:
    """The grades of all students, those of the roster first, else by name; and what a teacher may want to look at.

    watch: is given the work, to show how far it is. store: where results are kept, and found again. compare: folders
    or zips with which answers are compared. processes: how many grade (default: one for each core).

    Raises InputError for a folder without submissions; a submission that cannot be graded is told among its problems.
    """
    store = store or Store(None)
    students = students_of(place)
    listed = enrolled(roster, students) if roster else [(None, student) for student in students.values()]
    known = [answers_of(path) for path in compare]
    files = graded_files([hand_in for _, student in listed for hand_in in student.hand_ins], store,
                         Grader(limits, rules.seed), watch, processes or default_threads())
    tell_what_is_not_isolated(file.grade for file in files.values())
    grades: list[Grade] = []
    answers: dict[str, dict[str, str]] = {}
    findings: list[Finding] = []
    for row, student in listed:
        own, chosen = merged(student, row, [files[id(hand_in)] for hand_in in student.hand_ins], rules)
        grades.append(own)
        answers[own.student] = {name: file.grade.answers.get(name, "") for name, file in chosen.items()}
        for file in {id(file): file for file in chosen.values()}.values():
            findings += looked_at(own.student, file)
    return grades, findings + same_files(listed, files) + likenesses(answers, known)


def graded_files(hand_ins: Sequence[HandIn], store: Store, grader: Grader,
                 watch: Callable[[Sequence[str]], Iterable[str]], processes: int) -> dict[int, Graded]:
    """Every hand-in with its grade, by its id; what the store does not know is graded, one file of one name once.

    grader: does not grade itself, its limits and seed are those of the processes that do.
    """
    marks = {id(hand_in): fingerprint(*job_of(hand_in), grader) for hand_in in hand_ins}
    jobs = {marks[id(hand_in)]: partial(job_of, hand_in) for hand_in in reversed(hand_ins)
            if marks[id(hand_in)] not in store.known}
    order = list(jobs)[::-1]
    with Judges(min(processes, len(jobs)), grader.limits, grader.seed) as judges:
        finished = judges.graded([jobs[mark] for mark in order])
        for _ in watch(order):
            number, found = next(finished)
            if isinstance(found, str):                 # not kept: it may be graded the next time
                store.known[order[number]] = FileGrade({}, (found,))
            else:
                store.keep(order[number], found)
    return {id(hand_in): Graded(hand_in, store.known[marks[id(hand_in)]]) for hand_in in hand_ins}


def job_of(hand_in: HandIn) -> Job:
    """What the grader needs of a hand-in; a file that is gone or cannot be read is empty."""
    def content(one: HandIn) -> bytes:
        try:
            return one.read()
        except OSError:
            return b""

    return hand_in.name, content(hand_in), {other.name: content(other).decode(errors="replace")
                                            for other in hand_in.beside}


def merged(student: Student, row: Row | None, files: Sequence[Graded], rules: Rules) -> tuple[Grade, dict[str, Graded]]:
    """One grade from those of a student's files; and from which file each exercise's result is."""
    problems = list(student.problems)
    counted: list[Graded] = []
    for file in sorted(files, key=lambda file: (file.hand_in.time or datetime.min, file.hand_in.place)):
        late = days_late(file.hand_in.time, rules.deadline)
        if late and rules.late_days is not None and late > rules.late_days:
            problems.append(phrase("{file} came {days} day late and {allowed} are allowed: it does not count"
                                   if late == 1 else
                                   "{file} came {days} days late and {allowed} are allowed: it does not count",
                                   file=file.hand_in.name, days=late, allowed=rules.late_days))
        else:
            counted.append(file)
        problems += [problem if file.grade.unreadable else named(file, problem) for problem in file.grade.problems]
    chosen: dict[str, Graded] = {}
    for name in EXERCISES:
        own = [file for file in counted if name in file.grade.results]
        if own:
            chosen[name] = own[-1] if rules.attempts == LATEST else max(
                own, key=lambda file: rules.partial.credited(file.grade.results[name]).points)
    problems += missing(student, files)
    late = max((days_late(file.hand_in.time, rules.deadline) for file in chosen.values()), default=0)
    results = {name: rules.partial.credited(bounded(file.grade.results[name])) for name, file in chosen.items()}
    return Grade(student.name, results, tuple(dict.fromkeys(problems)), late, row.cells if row else {},
                 student.ids), chosen


def named(file: Graded, said: str) -> str:
    """What is said of a file, with its name."""
    return phrase("{file}, {said}", file=file.hand_in.name, said=said)


def bounded(result: Result) -> Result:
    """The result, whose points are checked once more: whatever a stored file says, no more than possible."""
    possible = EXERCISES[result.exercise].points
    if 0 <= result.points <= possible == result.possible:
        return result
    raise InputError(f"a stored result gives {result.points} of {possible} points for {result.exercise}: remove the "
                     "file of results and grade again")


def missing(student: Student, files: Sequence[Graded]) -> list[str]:
    """A sentence where a student has no result at all."""
    if any(file.grade.results for file in files) or (not files and student.problems and not student.others):
        return []
    if files and any(file.grade.problems for file in files):
        return []
    if files:
        return [phrase("none of the files defines an exercise")]
    if student.others:
        names = [*student.others[:MOST_OTHERS], *["..."] * (len(student.others) > MOST_OTHERS)]
        return [phrase("handed in {files}, but no {notebook}, {python} or {zip} with one",
                       files=phrase(", ").join(names), notebook=".ipynb", python=".py", zip=".zip")]
    return [phrase("has handed in nothing")]


def looked_at(student: str, file: Graded) -> list[Finding]:
    """What to look at in one file."""
    return [*integrity.from_elsewhere(student, file.grade.origins),
            *(Finding((student,), "", named(file, remark)) for remark in file.grade.remarks)]


def same_files(listed: Sequence[tuple[Row | None, Student]], files: dict[int, Graded]) -> list[Finding]:
    """Files that several students have handed in byte by byte, but for those in which nothing is done."""
    owners: dict[str, dict[str, str]] = {}
    for _, student in listed:
        for hand_in in student.hand_ins:
            if any(integrity.answer("", text) for text in files[id(hand_in)].grade.answers.values()):
                digest = sha256(job_of(hand_in)[1]).hexdigest()
                owners.setdefault(digest, {})[student.name] = hand_in.name
    return [Finding(tuple(sorted(who)), "", phrase("the same file, {file}", file=next(iter(who.values()))))
            for who in owners.values() if len(who) > 1]


def answers_of(place: Path) -> dict[str, dict[str, str]]:
    """The answers in a folder or zip as they are written, by exercise, by whose they are; nothing is executed."""
    found: dict[str, dict[str, str]] = {}
    for student in students_of(place).values():
        who = place.name if student.name in NOTEBOOKS else f"{place.name}/{student.name}"
        for hand_in in student.hand_ins:
            with suppress(InputError):                 # what cannot be read has no answers
                found.setdefault(who, {}).update(submission(*job_of(hand_in)[:2]).text)
    return found


def likenesses(answers: dict[str, dict[str, str]], known: Sequence[dict[str, dict[str, str]]]) -> list[Finding]:
    """Answers that several have, the exercises put together.

    answers: of the class, by student and exercise; known: of others, the same way.
    """
    exercises: dict[tuple[tuple[str, ...], str], list[str]] = {}
    own = frozenset(answers)
    sources = {**{place: texts for one in known for place, texts in one.items()}, **answers}
    for exercise in EXERCISES:
        written = [integrity.answer(who, texts[exercise]) for who, texts in sources.items() if texts.get(exercise)]
        for finding in integrity.alike(exercise, [one for one in written if one is not None], own):
            exercises.setdefault((finding.students, finding.what), []).append(exercise)
    return [Finding(students, ", ".join(names), what) for (students, what), names in exercises.items()]


def tell_what_is_not_isolated(grades: Iterable[FileGrade]) -> None:
    """A warning in one sentence on what the system does not keep from submissions."""
    open_to = sorted({what for grade in grades for what in grade.not_isolated})
    places = [what for what in open_to if what in ("the network", "the view of the disk")]
    limits = [what for what in open_to if what not in places]
    if limits:
        warnings.warn(f"this system does not limit {', '.join(limits)}: a submission can use more", SwinWarning,
                      stacklevel=3)
    if places:
        warnings.warn(f"this system does not cut off {' and '.join(places)}: Python alone refuses them, which code in "
                      "C can avoid", SwinWarning, stacklevel=3)
