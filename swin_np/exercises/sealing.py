"""Answers that can be compared and not read: what a question expects is kept as a digest of it."""

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np

ROUNDS = 20_000                                        # to try all small numbers is more work than to think
LARGEST = 10 ** 12                                     # of what is told apart
BEYOND = "a number beyond all others"


def seal(name: str, answer: Any) -> str:
    """The digest of an answer to the question of this name."""
    return f"{name}:{digest(name, plain(answer))}"


def fits(answer: Any, sealed: str) -> bool:
    """Whether the answer is the one that was sealed."""
    return seal(sealed.partition(":")[0], answer) == sealed


@lru_cache(1000)
def digest(name: str, text: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), name.encode(), ROUNDS).hex()


def plain(answer: Any) -> str:
    """An answer as text: numbers to three digits unless they are whole, words in lower case, several in brackets.

    One in brackets is that one. '' for what is no answer.
    """
    if isinstance(answer, np.ndarray | np.generic):
        answer = answer.tolist()
    if isinstance(answer, tuple | list):
        items = ["" if isinstance(item, tuple | list) else plain(item) for item in answer]
        if len(items) == 1:
            return items[0]
        return f"({', '.join(items)})" if all(items) else ""
    if isinstance(answer, str):
        return answer.strip().lower()
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return ""
    if not abs(answer) < LARGEST:                      # infinity, and NaN
        return BEYOND
    return str(int(answer)) if int(answer) == answer else f"{answer:.3g}"
