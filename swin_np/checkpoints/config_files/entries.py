"""The entries of a configuration file, each of the kind that was expected or a CheckpointError that shows it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from swin_np.arguments.config_fields import is_by_stage
from swin_np.errors import CheckpointError

LARGEST, LARGEST_SIDE = 2**31, 2**16                   # of numbers, and of sides in pixels or tokens
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

    def entry(self, name: str, expected: str, fits: Callable[[object], bool]) -> object:
        """A value that fits what is expected, or None."""
        value = self.values.get(name)
        if value is None or fits(value):
            return value
        raise self.wrong(name, expected)

    def part(self, name: str) -> "Entries | None":
        """An object inside this one."""
        value = self.entry(name, "an object", lambda value: isinstance(value, dict))
        return None if value is None else Entries(self.file, value)

    def text(self, name: str) -> str | None:
        return self.entry(name, "a printable text", lambda value: isinstance(value, str) and value.isprintable())

    def flag(self, name: str) -> bool | None:
        return self.entry(name, "true or false", lambda value: isinstance(value, bool))

    def number(self, name: str) -> float | None:
        """A positive number."""
        value = self.entry(name, f"a positive number below {LARGEST}",
                           lambda value: is_number(value) and 0 < value < LARGEST)
        return None if value is None else float(value)

    def count(self, name: str) -> int | None:
        """A whole number from 0 on."""
        return self.entry(name, "a whole number from 0 on", is_count)

    def several(self, name: str, expected: str, fits: Callable[[object], bool]) -> tuple | None:
        """A list of values that each fit, or a single one as a tuple."""
        value = self.entry(name, expected, lambda value: 0 < len(as_list(value)) <= LONGEST
                           and all(map(fits, as_list(value))))
        return None if value is None else tuple(as_list(value))

    def counts(self, name: str) -> tuple[int, ...] | None:
        """A list of whole numbers from 0 on, or a single one as a tuple."""
        return self.several(name, "whole numbers from 0 on", is_count)

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """A list of finite numbers, or a single one as a tuple."""
        values = self.several(name, "numbers", is_number)
        return None if values is None else tuple(map(float, values))

    def pair(self, name: str) -> tuple[int, int] | None:
        """Height and width from 1 on, or one number for both."""
        value = self.values.get(name)
        values = value if isinstance(value, list) else [value] * 2
        if value is None or (len(values) == 2 and all(is_side(side) and side > 0 for side in values)):
            return None if value is None else tuple(values)
        raise self.wrong(name, "a positive whole number, or a height and a width")

    def windows(self, name: str) -> tuple[int, int] | tuple[tuple[int, int], ...] | None:
        """Height and width for all stages, or a list of them, one for each; two numbers are the former."""
        value = self.values.get(name)
        if not is_by_stage(value):
            return self.pair(name)
        windows = [Entries(self.file, {name: each}).pair(name) for each in value[:LONGEST + 1]]
        if len(windows) > LONGEST or None in windows:
            raise self.wrong(name, "a window, or one for each stage")
        return tuple(windows)


def as_list(value: object) -> list:
    """A list as it is, anything else as a list of it."""
    return value if isinstance(value, list) else [value]


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def is_side(value: object) -> bool:
    return is_count(value) and value <= LARGEST_SIDE


def is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
