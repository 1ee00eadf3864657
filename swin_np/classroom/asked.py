"""What a submission's process may ask while right helpers stand in the place of its own: small questions alone."""

import math
from typing import Any

import numpy as np

from swin_np.exercises.calling import Helpers, call
from swin_np.exercises.exercise import Arguments, arrays
from swin_np.language import phrase

MOST_NUMBERS = 50_000                                  # in all arrays of a question
LONGEST_AXIS = 2_048
LARGEST_NUMBER = 64                                    # for sizes, of which arrays are made
MOST_QUESTIONS = 2_000                                 # in one call


class Asked:
    """Answers what one call of a submission's function asks of right helpers.

    helpers: that stand in; arguments: of the call, which may be larger than what is answered otherwise.
    """

    def __init__(self, helpers: Helpers, arguments: Arguments) -> None:
        self.helpers = helpers
        self.most = max(MOST_NUMBERS, 2 * sum(x.size for x in arrays(arguments)))
        self.left = MOST_QUESTIONS

    def answer(self, name: Any, arguments: Any, more: Any, seconds: float) -> dict[str, Any]:
        """{"value"} of the helper of that name, or {"error"}; nothing that it costs much to answer."""
        self.left -= 1
        known = isinstance(name, str) and name in self.helpers
        if not known or not isinstance(arguments, tuple) or not isinstance(more, dict) or self.left < 0:
            return {"error": phrase("there is no such helper, or it was asked too often")}
        if not self.is_small((*arguments, more)):
            return {"error": phrase("larger arguments than the exercise has")}
        called = call(lambda *given: self.helpers[name](*given, **more), arguments, seconds)
        return {"error": called.error} if called.error else {"value": called.value}

    def is_small(self, given: Any) -> bool:
        """Whether arrays and numbers are of the size that exercises have."""
        found = arrays(given)
        return (sum(x.size for x in found) <= self.most and all(side <= LONGEST_AXIS for x in found for side in x.shape)
                and all(x.dtype.kind in "iuf" for x in found) and numbers_fit(given))


def numbers_fit(value: Any) -> bool:
    """Whether no whole number in the arguments is large."""
    if isinstance(value, dict):
        return all(map(numbers_fit, value.values()))
    if isinstance(value, tuple | list):
        return all(map(numbers_fit, value))
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return math.isfinite(value) and abs(float(value)) <= LARGEST_NUMBER
    return True
