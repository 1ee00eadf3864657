"""The entries of a configuration file, each of the kind that was expected or a CheckpointError that shows it."""

import math
from dataclasses import dataclass

from swin_np.errors import CheckpointError

LARGEST = 2**31                                        # of a whole number; sizes, counts and channels are far below
LONGEST = 64                                           # numbers in a list: stages, colours, an image's sides
SHOWN = 100                                            # characters of a wrong value in a sentence


@dataclass(frozen=True)
class Entries:
    """The object in a JSON file called `file`, or a part of it. What is not there, or null, is None."""

    file: str
    values: dict[str, object]

    def wrong(self, name: str, expected: str) -> CheckpointError:
        """The error for an entry of another kind."""
        return CheckpointError(f"its {self.file} says {name} {str(self.values[name])[:SHOWN]!r}, expected {expected}: "
                               f"mend {self.file}, or get it again")

    def part(self, name: str) -> "Entries | None":
        """An object inside this one."""
        value = self.values.get(name)
        if value is None or isinstance(value, dict):
            return None if value is None else Entries(self.file, value)
        raise self.wrong(name, "an object")

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or (isinstance(value, str) and value.isprintable()):
            return value
        raise self.wrong(name, "a printable text")

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(name, "true or false")

    def number(self, name: str) -> float | None:
        """A positive, finite number."""
        value = self.values.get(name)
        if value is None or (is_number(value) and value > 0):
            return None if value is None else float(value)
        raise self.wrong(name, "a positive number")

    def count(self, name: str) -> int | None:
        """A whole number from 0 on."""
        value = self.values.get(name)
        if value is None or is_count(value):
            return value
        raise self.wrong(name, "a whole number from 0 on")

    def counts(self, name: str) -> tuple[int, ...] | None:
        """A list of whole numbers from 0 on, or a single one as a tuple."""
        value = self.values.get(name)
        values = value if isinstance(value, list) else [value]
        if value is None or (0 < len(values) <= LONGEST and all(map(is_count, values))):
            return None if value is None else tuple(values)
        raise self.wrong(name, "whole numbers from 0 on")

    def pair(self, name: str) -> tuple[int, int] | None:
        """Height and width from 1 on, or one number for both."""
        value = self.values.get(name)
        values = value if isinstance(value, list) else [value] * 2
        if value is None or (len(values) == 2 and all(is_count(side) and side > 0 for side in values)):
            return None if value is None else tuple(values)
        raise self.wrong(name, "a positive whole number, or a height and a width")

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """A list of finite numbers, or a single one as a tuple."""
        value = self.values.get(name)
        values = value if isinstance(value, list) else [value]
        if value is None or (0 < len(values) <= LONGEST and all(map(is_number, values))):
            return None if value is None else tuple(map(float, values))
        raise self.wrong(name, "numbers")


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
