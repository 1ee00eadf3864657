"""By what a count is off: the same product of the sizes in every call."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np

from swin_np.exercises.exercise import Exercise
from swin_np.exercises.plain import Pair
from swin_np.language import phrase

MOST_TERMS = 5                                         # the sum of all exponents
DENOMINATORS = 2                                       # of the factor before the product
LARGEST = 200                                          # factor


def off_by(exercise: Exercise, pairs: Sequence[Pair]) -> list[str]:
    """A sentence on the product that is missing in every wrong call, or that is too much; or on a factor."""
    if pairs and all(type(step.expected) is int for step, _ in pairs) and (said := rounded(pairs)):
        return [said]
    if len(pairs) < 2 or not all(is_count(got) and is_count(step.expected) for step, got in pairs):
        return []
    given = [sizes(dict(zip(exercise.parameters, step.arguments, strict=True))) for step, _ in pairs]
    if any(one.keys() != given[0].keys() for one in given):
        return []
    off = [Fraction(int(got)) - int(step.expected) for step, got in pairs]
    found = simplest(given, off)
    if found:
        return [phrase("In every call your count has {product} too much: look for the layer that has as many."
                       if off[0] > 0 else
                       "In every call your count has {product} too little: look for the layer that has as many.",
                       product=found)]
    ratios = [Fraction(int(got), int(step.expected)) for step, got in pairs]
    if len(set(ratios)) == 1:
        return [phrase("In every call your count is {ratio:.6g} times the right one.", ratio=float(ratios[0]))]
    return []


def rounded(pairs: Sequence[Pair]) -> str:
    """A sentence on counts that are right but for how they are stored."""
    if all(isinstance(got, float | np.floating) and got == float(np.float32(step.expected)) for step, got in pairs):
        return phrase("It is right but for the rounding of float32: count in whole numbers of Python.")
    if all(is_count(got) and got != step.expected and (int(got) - step.expected) % 2 ** 32 == 0 for step, got in pairs):
        return phrase("It is right but for multiples of 2^32: 32 bits are too few, so count in whole numbers of "
                      "Python.")
    return ""


def is_count(value: Any) -> bool:
    """Whether it is a whole number, of whatever type."""
    try:
        return not isinstance(value, bool) and value == int(value)
    except (TypeError, ValueError, OverflowError):
        return False


def sizes(given: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of which counts are made."""
    found = {name: value for name, value in given.items() if isinstance(value, int)}
    if "depths" in given:
        found |= {"depths[-1]": given["depths"][-1], phrase("the number of stages"): len(given["depths"]),
                  phrase("the number of blocks"): sum(given["depths"]),
                  phrase("the channels of the last stage"): given["embed_dim"] << (len(given["depths"]) - 1)}
    return found


def simplest(given: Sequence[Mapping[str, int]], off: Sequence[Fraction]) -> str:
    """The product of the sizes, with a small factor, that is the difference in every call; or ''."""
    names = list(given[0])
    for exponents in sorted(exponents_of(names), key=sum):
        terms = [prod(one[name] ** power for name, power in zip(names, exponents, strict=True)) for one in given]
        factors = {abs(difference) / term for difference, term in zip(off, terms, strict=True) if term}
        if len(factors) == 1 and 0 < (factor := factors.pop()) <= LARGEST and factor.denominator <= DENOMINATORS:
            powers = [f"{name}^{power}" if power > 1 else name for name, power in zip(names, exponents, strict=True)
                      if power]
            return " * ".join([*([str(factor)] if factor != 1 or not powers else []), *powers])
    return ""


def exponents_of(names: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """All exponents that are tried."""
    yield from (powers for powers in product(range(4), repeat=len(names)) if sum(powers) <= MOST_TERMS)
