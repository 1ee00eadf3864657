"""Results on the disk, a line of JSON for each file that was graded, written when it is there."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from swin_np.classroom.grading import FileGrade
from swin_np.errors import InputError
from swin_np.writing import unwritable

NAME = ".swin_np_grades.jsonl"                         # in the folder of the class, where nothing else is said


class Store:
    """Results by the fingerprint of what they depend on. path: of the file; None keeps nothing beyond this run.

    Raises InputError where the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known: dict[str, FileGrade] = {}
        self.stream: BinaryIO | None = None
        self.ahead = b""
        if path is None:
            return
        try:
            self.stream = path.open("a+b")
            self.stream.seek(0)
            data = self.stream.read()
        except OSError as error:
            raise unwritable(path, error) from None
        ours = not data.strip()
        for line in data.splitlines():
            with suppress(ValueError, KeyError, TypeError):            # a line that was cut off, or of another version
                entry = json.loads(line)
                ours = ours or "of" in entry
                self.known[entry["of"]] = FileGrade.of_json(entry)
        if not ours:
            raise InputError(f"{path} holds no results of swin-np grade: choose another file for --results")
        self.ahead = b"\n" if data and not data.endswith(b"\n") else b""       # after a line that was cut off

    def keep(self, fingerprint: str, grade: FileGrade) -> None:
        """Add a result, on the disk before this returns. Raises InputError where it cannot be written."""
        self.known[fingerprint] = grade
        if self.stream is None:
            return
        try:
            self.stream.write(self.ahead + json.dumps({"of": fingerprint, **grade.as_json()}).encode() + b"\n")
            self.ahead = b""
            self.stream.flush()
            os.fsync(self.stream.fileno())
        except OSError as error:
            assert self.path is not None
            raise unwritable(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        if self.stream is not None:
            self.stream.close()
