"""Small arrays as text, for the worked example of a report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from swin_np.exercises.comparing import described, number_text
from swin_np.exercises.exercise import Arguments, each_array

MOST_VALUES = 64                                       # of an array that is printed in full
MOST_ENTRIES = 20                                      # of a dict that is printed
FORMAT = {"precision": 4, "suppress_small": True, "max_line_width": 100, "threshold": MOST_VALUES}


def value_text(value: Any) -> str:
    """A value as it is printed: an array without its axes of length 1, or a summary of a large one."""
    if isinstance(value, np.ndarray):
        return np.array2string(np.squeeze(value), **FORMAT) if is_small(value) else described(value)
    if isinstance(value, dict) and len(value) > MOST_ENTRIES:
        return f"a dict of {len(value)}, {next(iter(value))!r} to {list(value)[-1]!r}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(value_text, value)) + ")"
    return number_text(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def arguments_and_results(names: Sequence[str], arguments: Arguments, got: Any, expected: Any) -> list[str]:
    """The arguments, what was expected and what came back, with every number of small arrays."""
    return [*(indented(f"{name} = ", value_text(value)) for name, value in zip(names, arguments, strict=True)),
            indented("expected  ", value_text(expected)), indented("got       ", value_text(got))]


def arguments_in_short(names: Sequence[str], arguments: Arguments) -> str:
    """The arguments in one line: shapes in the place of arrays."""
    return "called with " + ", ".join(
        f"{name} of shape {value.shape}" if isinstance(value, np.ndarray) else
        f"{name} = {value_text(each_array(value, described))}" for name, value in zip(names, arguments, strict=True))


def indented(label: str, text: str) -> str:
    """The text behind its label; further lines stand below the first."""
    return label + text.replace("\n", "\n" + " " * len(label))


def is_small(value: Any) -> bool:
    """Whether every number of it is printed."""
    return not isinstance(value, np.ndarray) or value.size <= MOST_VALUES
