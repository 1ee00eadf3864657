"""Compare what a student's function gives with what is right, and put both into words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swin_np.exercises.exercise import Arguments, each_array
from swin_np.exercises.sealing import BEYOND, fits, plain
from swin_np.language import phrase
from swin_np.text import columns

TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-9}
"""Of the largest right value; by the dtype in which the function computes. Any order of summation stays below."""

HUGE = 10 ** 300                                       # beyond it a whole number is neither a float nor read by anybody

KINDS = {"i": "whole numbers", "u": "whole numbers", "f": "floating-point numbers", "b": "True and False",
         "c": "complex numbers"}

MOST_VALUES = 64                                       # of an array that is printed in full
MOST_ENTRIES = 20                                      # of a dict that is printed
FORMAT = {"precision": 4, "suppress_small": True, "max_line_width": 100, "threshold": MOST_VALUES}


@dataclass(frozen=True)
class Difference:
    """The first thing that is wrong. sentence: for the student.

    step: "type", "shape", "dtype", "values" or "answer".
    """

    step: str
    sentence: str


def difference(got: Any, expected: Any, dtype: np.dtype) -> Difference | None:
    """None where `got` is right to rounding in `dtype`, that of the arguments."""
    if isinstance(expected, str):
        return difference_of_answers(got, expected)
    if isinstance(expected, tuple):
        return difference_of_tuples(got, expected, dtype)
    if isinstance(expected, np.ndarray):
        return difference_of_arrays(got, expected, dtype)
    return difference_of_numbers(got, expected, dtype)


def difference_of_answers(got: Any, sealed: str) -> Difference | None:
    """None where `got` is the answer that was sealed; the answer itself is nowhere to be seen."""
    answer = plain(got)
    if not answer:
        return Difference("type", phrase("{what} came back, expected a number, or a tuple of numbers",
                                         what=described(got)))
    return None if fits(got, sealed) else Difference("answer", phrase(
        "it is not {answer}", answer=phrase(BEYOND) if answer == BEYOND else answer[:100]))


def difference_of_tuples(got: Any, expected: tuple, dtype: np.dtype) -> Difference | None:
    if not isinstance(got, tuple | list) or len(got) != len(expected):
        return Difference("type", phrase("{what} came back, expected {count} values: return a tuple",
                                         what=described(got), count=len(expected)))
    for number, (one, other) in enumerate(zip(got, expected, strict=True)):
        if (found := difference(one, other, dtype)) is not None:
            return Difference(found.step, phrase("in value {number} of the {count} that came back, {sentence}",
                                                 number=number, count=len(expected), sentence=found.sentence))
    return None


def difference_of_numbers(got: Any, expected: float, dtype: np.dtype) -> Difference | None:
    if isinstance(got, np.ndarray) and got.shape == ():
        got = got[()]
    if not isinstance(got, int | float | np.integer | np.floating) or isinstance(got, bool):
        return Difference("type", phrase("{what} came back, expected a number", what=described(got)))
    got = got.item() if isinstance(got, np.generic) else got            # not rounded to the NumPy number's dtype
    tolerance = 0 if isinstance(expected, int) else TOLERANCE[dtype] * abs(expected)
    if not abs(got - expected) <= tolerance:           # NaN is not
        return Difference("values", both_numbers(expected, got))
    return None


def difference_of_arrays(got: Any, expected: np.ndarray, dtype: np.dtype) -> Difference | None:
    if not isinstance(got, np.ndarray):
        return Difference("type", phrase("{what} came back, expected a NumPy array of shape {shape}",
                                         what=described(got), shape=expected.shape))
    if got.shape != expected.shape:
        return Difference("shape", phrase("the shape is {got}, expected {shape}", got=got.shape, shape=expected.shape))
    if got.dtype.kind not in ("iu" if expected.dtype.kind == "i" else expected.dtype.kind):
        return Difference("dtype", phrase("the result holds {kind} ({dtype}), expected {expected}", dtype=got.dtype,
                                          kind=phrase(KINDS.get(got.dtype.kind, str(got.dtype))),
                                          expected=phrase(KINDS[expected.dtype.kind])))
    if got.dtype.kind == "f" and got.dtype.itemsize < dtype.itemsize:
        return Difference("dtype", phrase("{given} went in and {got} came out, which loses digits: keep the input's "
                                          "dtype", given=dtype, got=got.dtype))
    wrong = ~equal(got, expected, dtype)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Difference("values", phrase(
        "{count} of {size} values are wrong, the first at index {index}: {numbers}" if wrong.size > 1 else
        "it is wrong, the first at index {index}: {numbers}", count=np.count_nonzero(wrong), size=wrong.size,
        index=list(first), numbers=both_numbers(expected[first], got[first])))


def equal(got: np.ndarray, expected: np.ndarray, dtype: np.dtype, times: float = 1) -> np.ndarray:
    """Where two arrays of one shape agree to rounding in `dtype`, or `times` that; whole numbers are to be the same."""
    if expected.dtype.kind != "f":
        return np.asarray(got == expected)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(finite.max(initial=0)) or 1.0
    with np.errstate(all="ignore"):
        near = np.abs(got.astype(np.float64) - expected) <= times * TOLERANCE[dtype] * scale
    return near | (got == expected) | (np.isnan(got) & np.isnan(expected))


def described(value: Any) -> str:
    """What kind of thing a student's function gave, without showing all of it."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return phrase("an array of shape {shape}", shape=value.shape)
    if isinstance(value, int) and not isinstance(value, bool):
        return phrase("the number {number}", number=number_text(value))
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, float | np.generic):
        return phrase("the number {number}", number=value)
    kind = type(value).__name__
    if isinstance(value, tuple | list):
        return phrase("a {kind} of {count}", kind=kind, count=len(value))
    return phrase("an {kind}" if kind[0].lower() in "aeiou" else "a {kind}", kind=kind)


def both_numbers(expected: Any, got: Any) -> str:
    """Two numbers that differ, with as many digits as it takes to see it."""
    digits = next((n for n in (6, 9) if number_text(expected, n) != number_text(got, n)), 17)
    return phrase("expected {expected}, got {got}", expected=number_text(expected, digits),
                  got=number_text(got, digits))


def number_text(value: Any, digits: int = 17) -> str:
    """A whole number in full, unless it is longer than Python converts; another one with so many digits."""
    if not isinstance(value, int | np.integer):
        return f"{value:.{digits}g}"
    if abs(int(value)) < HUGE:
        return str(value)
    return phrase("about {number}", number=f"{'-' * (value < 0)}2^{int(value).bit_length()}")


def value_text(value: Any) -> str:
    """A value as it is printed: an array without its axes of length 1, or a summary of a large one."""
    if isinstance(value, np.ndarray):
        return np.array2string(np.squeeze(value), **FORMAT) if is_small(value) else described(value)
    if isinstance(value, dict) and len(value) > MOST_ENTRIES:
        return phrase("a dict of {count}, {first!r} to {last!r}", count=len(value), first=next(iter(value)),
                      last=list(value)[-1])
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(value_text, value)) + ")"
    return number_text(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def arguments_and_results(names: Sequence[str], arguments: Arguments, got: Any, expected: Any) -> list[str]:
    """What was expected and what came back, then the arguments, short ones first; every number of small arrays."""
    given = [indented(f"{name} = ", value_text(value)) for name, value in zip(names, arguments, strict=True)]
    return [indented(phrase("expected  "), value_text(expected)), indented(phrase("got       "), value_text(got)),
            *sorted(given, key=lambda text: text.count("\n") > 0)]


def arguments_in_short(names: Sequence[str], arguments: Arguments) -> str:
    """The arguments in one line: shapes in the place of arrays."""
    given = [phrase("{name} of shape {shape}", name=name, shape=value.shape) if isinstance(value, np.ndarray) else
             f"{name} = {value_text(each_array(value, described))}"
             for name, value in zip(names, arguments, strict=True)]
    return phrase("called with {arguments}", arguments=phrase(", ").join(given))


def indented(label: str, text: str) -> str:
    """The text behind its label, without empty lines; further ones stand below the first.

    Below a Chinese label, whose width is not that of two columns in every font, all of several lines stand.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and columns(label) > len(label):
        return f"{label.rstrip()}\n  " + "\n  ".join(lines)
    return label + ("\n" + " " * len(label)).join(lines)


def is_small(value: Any) -> bool:
    """Whether every number of it is printed."""
    return not isinstance(value, np.ndarray) or value.size <= MOST_VALUES
