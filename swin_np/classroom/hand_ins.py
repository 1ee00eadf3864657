"""What a class has handed in: files in folders and zips, as students, nbgrader, Moodle and Canvas name them."""

import io
import os
import re
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from swin_np.errors import InputError
from swin_np.exercises.course import NOTEBOOKS
from swin_np.exercises.submission import ENDINGS, MOST_BYTES
from swin_np.language import phrase

MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?$")
CANVAS = re.compile(r"^(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)$")
BY_NOTEBOOK = re.compile(rf"^(?P<name>.+?)[\s_.-]+(?P<rest>(?:{'|'.join(NOTEBOOKS)}).*)$")
GIVEN = ("submissions", "submitted")                   # what Canvas and nbgrader call the folder of all
COPY = re.compile(r"\s*\(\d+\)$")                      # what a browser adds to the name of a second download
IGNORED = re.compile(r"^(\.|__MACOSX$|__pycache__$|~\$)|^(thumbs\.db|desktop\.ini|exercise_progress\.json)$", re.I)
OFFSET = re.compile(r"([+-]\d\d):?(\d\d)?$")
TIME = "timestamp.txt"                                 # in which nbgrader keeps the time of a hand-in
MOST_ZIPS = 3                                          # in each other
MOST_UNZIPPED = 1024 * 2 ** 20                         # bytes of all files in a zip
WHAT = "STUDENT.ipynb, STUDENT.zip or STUDENT/.../NOTEBOOK.ipynb"


@dataclass(frozen=True)
class Found:
    """A file of a class. parts: of its path, those inside zips too; time: of the file, where it is known.

    below: the parts from the student's on, which differ where folders hold students.
    """

    parts: tuple[str, ...]
    time: datetime | None
    read: Callable[[], bytes]
    below: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.parts[-1]


@dataclass(frozen=True)
class HandIn:
    """A file that can be graded. place: below the class's folder; time: when it was handed in, where that is known."""

    name: str
    place: str
    time: datetime | None
    read: Callable[[], bytes]
    beside: tuple["HandIn", ...] = ()                  # the .py files in its folder


@dataclass
class Student:
    """A student and what they have handed in. ids: which Moodle or Canvas gave; problems: sentences."""

    name: str
    ids: dict[str, str] = field(default_factory=dict)
    hand_ins: list[HandIn] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def students_of(place: Path) -> dict[str, Student]:
    """Every student of a folder or zip, by name, with their files. Raises InputError where there are none."""
    if not place.is_dir() and not zipfile.is_zipfile(place):
        raise InputError(f"{place} is no folder: give the one, or the zip, that holds the submissions, {WHAT}")
    students: dict[str, Student] = {}
    problems: list[tuple[tuple[str, ...], str]] = []
    files = [*(in_folder(place, problems) if place.is_dir() else in_zip((), lambda: place.read_bytes(), problems, 0))]
    files = [Found(tuple(unicodedata.normalize("NFC", part) for part in file.parts), file.time, file.read)
             for file in files]
    wrappings = wrappings_of(file.parts for file in files)
    files = [replace(file, below=without_wrapping(file.parts, wrappings)) for file in files]
    for file in sorted(files, key=lambda file: file.parts):
        if len(file.below) == 1 and not file.name.lower().endswith(ENDINGS) and not is_of_system(file.name):
            continue                                   # a table of grades, a statement, ...
        student = owner(file.below, students)
        if file.name == TIME:
            continue
        marked = CANVAS.match(file.below[0])
        if marked and marked["late"]:
            student.problems.append(phrase("{file} is marked as late by Canvas", file=file.name))
        if file.name.lower().endswith(ENDINGS):
            student.hand_ins.append(HandIn(file.name, "/".join(file.parts), time_of(file, files), file.read))
        elif file.read is not nothing:
            student.others.append(file.name)
    for parts, problem in problems:
        owner(without_wrapping(parts, wrappings), students).problems.append(problem)
    if not any(student.hand_ins or student.others or student.problems for student in students.values()):
        raise InputError(f"{place} holds no notebooks: put the submissions there, {WHAT}")
    for student in students.values():
        student.hand_ins = with_modules(student.hand_ins)
    return dict(sorted(students.items()))


def nothing() -> bytes:
    """The content of a folder in which nothing is."""
    return b""


def in_folder(folder: Path, problems: list[tuple[tuple[str, ...], str]]) -> Iterator[Found]:
    """All files below a folder, zips opened; an empty folder is a file without a content."""
    for path in sorted(folder.rglob("*")):
        parts = tuple(map(in_utf8, path.relative_to(folder).parts))
        if any(IGNORED.search(part) for part in parts):
            continue
        if path.is_dir():
            if len(parts) == 1:
                yield Found((*parts, ""), None, nothing)
            if not os.access(path, os.R_OK | os.X_OK):
                problems.append((parts, phrase("the folder {folder} cannot be read: change its permissions",
                                               folder=parts[-1])))
        elif path.suffix.lower() == ".zip":
            yield from in_zip((*parts[:-1], PurePosixPath(parts[-1]).stem), path.read_bytes, problems, 1)
        elif path.is_symlink() and not path.exists():
            problems.append((parts, phrase("{file} is a link to a file that is not there", file=parts[-1])))
        elif path.is_file():
            yield Found(parts, datetime.fromtimestamp(path.stat().st_mtime), path.read_bytes)


def in_utf8(name: str) -> str:
    """The name of a file, also where the console's language makes Python take names for ASCII."""
    try:
        return os.fsencode(name).decode()
    except UnicodeError:
        return name


def in_zip(parts: tuple[str, ...], read: Callable[[], bytes], problems: list[tuple[tuple[str, ...], str]],
           depth: int) -> Iterator[Found]:
    """All files in a zip, which stands for a folder of its name; what is wrong with it goes to the problems."""
    name = (parts or ("the zip",))[-1] + ".zip"
    try:
        archive = zipfile.ZipFile(io.BytesIO(read()))
        members = [member for member in archive.infolist() if not member.is_dir()]
        if sum(member.file_size for member in members) > MOST_UNZIPPED:
            raise zipfile.BadZipFile(phrase("its files have more than {most} MiB", most=MOST_UNZIPPED // 2 ** 20))
        yield Found((*parts, ""), None, nothing)
        for member in members:
            inner = PurePosixPath(name_in_zip(member).replace("\\", "/")).parts
            inner = tuple(part for part in inner if part not in ("/", "..", "."))
            if not inner or any(IGNORED.search(part) for part in inner):
                continue
            if member.flag_bits & 1:
                raise zipfile.BadZipFile(phrase("it is locked with a password"))
            data = archive.read(member) if member.file_size <= MOST_BYTES else b""
            if inner[-1].lower().endswith(".zip") and depth < MOST_ZIPS:
                yield from in_zip((*parts, *inner[:-1], inner[-1][:-4]), partial(bytes, data), problems, depth + 1)
            else:
                yield Found((*parts, *inner), zip_time(member), partial(bytes, data))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        problems.append(((*parts, name), phrase("{file} cannot be opened ({error}): hand in the files, or another zip",
                                                file=name, error=error)))


def name_in_zip(member: zipfile.ZipInfo) -> str:
    """The name of a file in a zip, also where Windows wrote it in its own encoding."""
    if member.flag_bits & 0x800:                       # it says that it is UTF-8
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return member.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return member.filename


def zip_time(member: zipfile.ZipInfo) -> datetime | None:
    """The time of a file in a zip; none where it is no date."""
    try:
        return datetime(*member.date_time)
    except ValueError:
        return None


def without_wrapping(parts: tuple[str, ...], wrappings: Container[str]) -> tuple[str, ...]:
    """A path without the folders above the students'."""
    while len(parts) > 1 and parts[0] in wrappings:
        parts = parts[1:]
    return parts


def wrappings_of(paths: Iterable[tuple[str, ...]]) -> set[str]:
    """The folders that hold students and are none: of an assignment, or of a whole download of Moodle or Canvas."""
    inside: dict[str, set[str]] = {}
    for parts in paths:
        if len(parts) > 1 and parts[1] and not is_of_system(parts[0]):
            inside.setdefault(parts[0], set()).add(parts[1])
    return {*NOTEBOOKS, *GIVEN, *(folder for folder, names in inside.items() if all(map(is_of_system, names))
                                  and (len(names) > 1 or any(map(MOODLE.match, names))))}


def is_of_system(name: str) -> bool:
    """Whether Moodle or Canvas gave this name to a file or folder."""
    return bool(MOODLE.match(name) or CANVAS.match(name))


def owner(parts: tuple[str, ...], students: dict[str, Student]) -> Student:
    """The student of a path, new if need be: by the names that systems give, or the first folder, or the file."""
    first = parts[0]
    stem = first if len(parts) > 1 else PurePosixPath(first).stem
    ids: dict[str, str] = {}
    if found := MOODLE.match(stem):
        name, ids = found["name"], {"moodle": found["id"]}
    elif found := CANVAS.match(stem):
        name, ids = found["name"], {"canvas": found["id"]}
    elif len(parts) == 1 and (found := BY_NOTEBOOK.match(stem)):
        name = found["name"]
    else:
        name = COPY.sub("", stem)
    name = name.strip() or stem
    key = next((key for key, known in students.items() if ids and known.ids == ids), name)
    if key in students and ids and students[key].ids not in ({}, ids):      # two students of one name
        key = f"{name} ({next(iter(ids.values()))})"
    student = students.setdefault(key, Student(key, ids))
    student.ids = student.ids or ids
    return student


def time_of(file: Found, files: list[Found]) -> datetime | None:
    """When a file was handed in: what nbgrader wrote beside it, or the file's own time."""
    for other in files:
        if other.name == TIME and other.parts[:-1] == file.parts[:-1]:
            try:
                return stamped(other.read().decode())
            except (ValueError, OSError, ZoneInfoNotFoundError):
                return file.time
    return file.time


def stamped(text: str) -> datetime:
    """What nbgrader writes, "2026-05-31 15:58:23.948203 UTC", in this computer's time; without a zone it is UTC.

    Raises ValueError, or ZoneInfoNotFoundError for a zone that is not known here.
    """
    day, clock, zone = [*text.split(), "UTC"][:3]
    when = datetime.fromisoformat(f"{day}T{clock[:8]}")
    if found := OFFSET.match(zone):
        return in_local_time(datetime.fromisoformat(f"{when.isoformat()}{found[1]}:{found[2] or '00'}"))
    if zone in time.tzname and zone != "UTC":          # such as CST, which is several zones, and this one here
        return when
    return in_local_time(when.replace(tzinfo=timezone.utc if zone == "UTC" else ZoneInfo(zone)))


def in_local_time(when: datetime) -> datetime:
    """A time of any zone in this computer's."""
    return when.astimezone().replace(tzinfo=None)


def with_modules(hand_ins: list[HandIn]) -> list[HandIn]:
    """The hand-ins, each with the .py files in its folder, from which a notebook may import."""
    def folder(one: HandIn) -> str:
        return one.place.rpartition("/")[0]

    return [HandIn(one.name, one.place, one.time, one.read, tuple(
        other for other in hand_ins if other is not one and other.name.lower().endswith(".py") and folder(one)
        and folder(other) == folder(one))) for one in hand_ins]


def moment(text: str) -> datetime:
    """A deadline, in this computer's time: 2026-05-31, which ends that day, 2026-05-31 18:00, or with +02:00.

    Raises InputError for anything else.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            return datetime.fromisoformat(text.strip() + "T23:59:59")
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return in_local_time(when) if when.tzinfo else when
    except ValueError:
        raise InputError(f"the deadline {text!r} is no time: write it as 2026-05-31 or '2026-05-31 18:00'") from None


def days_late(time: datetime | None, deadline: datetime | None) -> int:
    """How many days after the deadline, those that have begun counted in full; 0 where one of both is not known."""
    if time is None or deadline is None or time <= deadline:
        return 0
    seconds = (time.replace(tzinfo=timezone.utc) - deadline.replace(tzinfo=timezone.utc)).total_seconds()
    return int(-(-seconds // 86400))
