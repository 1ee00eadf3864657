"""The roster: who is in the class, from a CSV of Moodle, Canvas or a hand; and who of them has handed in what."""

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swin_np.classroom.hand_ins import Student
from swin_np.errors import InputError
from swin_np.language import phrase

NAMES = ("full name", "name", "student", "姓名", "学生")
PARTS = (("first name", "surname"), ("first name", "last name"))
IDS = ("id", "identifier", "sis user id", "sis login id", "id number", "student id", "username", "login", "email",
       "email address", "学号")
NOBODY = ("points possible", "student, test", "test student")


@dataclass(frozen=True)
class Row:
    """A line of the roster: its cells by column, and the student's name."""

    cells: dict[str, str]
    name: str

    def keys(self) -> set[str]:
        """All by which a hand-in can be told to be theirs."""
        values = [self.name, *(value for column, value in self.cells.items() if column.strip().lower() in IDS)]
        found = {key for value in values for key in spellings(value)}
        return found - {""}


def read_roster(path: Path) -> list[Row]:
    """The students of a CSV file, in its order. Raises InputError for a file that is none."""
    lines = list(csv.reader(io.StringIO(text_of(path), newline=""), dialect_of(text_of(path))))
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if not lines:
        raise InputError(f"{path} is empty: give a CSV file with a line for each student")
    head = [cell.strip() for cell in lines[0]]
    if not any(column.lower() in (*NAMES, *IDS, *(part for pair in PARTS for part in pair)) for column in head):
        if len(head) > 1:
            raise InputError(f"{path} has the columns {', '.join(head)}, expected one called name, student, Full name, "
                             "ID or Email address: name it so in the first line")
        head, lines = ["name"], [["name"], *lines]     # a list of names
    rows = []
    for line in lines[1:]:
        cells = dict(zip(head, [*line, *[""] * (len(head) - len(line))], strict=False))
        name = name_in({column.lower(): value.strip() for column, value in cells.items()})
        if name and name.lower() not in NOBODY:
            rows.append(Row(cells, name))
    if not rows:
        raise InputError(f"{path} names no student: give a CSV file with a line for each")
    return rows


def text_of(path: Path) -> str:
    """The text of a CSV file in the encodings in which spreadsheets write."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): give the CSV file of the roster") from None
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
            if "\0" not in text:
                return text
        except UnicodeError:
            continue
    raise InputError(f"{path} is no text that can be read: save it as CSV in UTF-8")


def dialect_of(text: str) -> type[csv.Dialect]:
    """How the file separates its cells: by the sign that is most frequent in its first line."""
    first = text.lstrip("\n").partition("\n")[0]
    sign = max(",;\t", key=first.count)
    return type("Separated", (csv.excel,), {"delimiter": sign})


def name_in(cells: dict[str, str]) -> str:
    """The student's name, or what comes next to it."""
    for column in NAMES:
        if cells.get(column):
            return cells[column]
    for pair in PARTS:
        if any(cells.get(column) for column in pair):
            return " ".join(filter(None, (cells.get(column, "") for column in pair)))
    return next((cells[column] for column in IDS if cells.get(column)), "")


def spellings(value: str) -> set[str]:
    """The ways in which systems write a name, an id or an address: 'Li, Wei' is also 'Wei Li' and 'liwei'."""
    value = " ".join(unicodedata.normalize("NFKC", value).replace("_", " ").casefold().split())
    if not value:
        return set()
    last, comma, first = value.partition(",")
    found = {value, value.removeprefix("participant ").strip()}
    if comma:
        found |= {f"{first.strip()} {last.strip()}", (last + first).replace(" ", "")}
    elif " " in value:
        words = value.split(" ")
        found |= {value.replace(" ", ""), words[-1] + "".join(words[:-1])}
    if "@" in value:
        found.add(value.partition("@")[0])
    return found


def enrolled(rows: Iterable[Row], students: dict[str, Student]) -> list[tuple[Row | None, Student]]:
    """Every student with their row: those of the roster in its order, then those who are not in it.

    A row without hand-ins gets a student without any; what fits several rows is left outside, and says so.
    """
    rows = list(rows)
    keys = [row.keys() for row in rows]
    of: dict[int, list[Student]] = {}
    strangers = []
    for student in students.values():
        own = {key for value in (*student.ids.values(), student.name) for key in spellings(value)}
        exact = {*student.ids.values()}
        fitting = ([number for number in range(len(rows)) if exact & keys[number]]
                   or [number for number in range(len(rows)) if own & keys[number]])
        if len(fitting) == 1:
            of.setdefault(fitting[0], []).append(student)
        else:
            student.problems.append(phrase("is not in the roster") if not fitting else phrase(
                "fits {count} lines of the roster: {name}", count=len(fitting), name=rows[fitting[0]].name))
            strangers.append(student)
    listed: list[tuple[Row | None, Student]] = []
    for number, row in enumerate(rows):
        own_work = of.get(number, [])
        listed.append((row, Student(row.name, {key: value for one in own_work for key, value in one.ids.items()},
                                    [hand_in for one in own_work for hand_in in one.hand_ins],
                                    [other for one in own_work for other in one.others],
                                    [problem for one in own_work for problem in one.problems])))
    return listed + [(None, student) for student in strangers]
