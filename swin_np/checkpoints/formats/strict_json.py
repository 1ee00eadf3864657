"""JSON as the headers of checkpoints need it: no key twice, no NaN, no endless number, no deep nesting."""

import json
from typing import NoReturn

from swin_np.errors import CheckpointError

MAXIMUM_SIZE = 2**22                                   # bytes; the header of Swin-L takes 40 thousand
LONGEST_INTEGER = 20                                   # digits


def refused() -> CheckpointError:
    return CheckpointError("its JSON text is damaged, or no strict JSON object (a key twice, NaN, deep nesting): "
                           "get the file again")


def constant(text: str) -> NoReturn:
    """NaN, Infinity and -Infinity, which JSON does not have."""
    raise refused()


def integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:                    # Python takes a time that grows with the square of the length
        raise refused()
    return int(text)


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise refused()
    return value


def parse(raw: bytes) -> dict[str, object]:
    """The object that the UTF-8 text `raw` holds; CheckpointError for anything else."""
    check_length(len(raw))
    try:
        value = json.loads(raw.decode(), object_pairs_hook=unique, parse_int=integer, parse_constant=constant)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise refused() from None
    if not isinstance(value, dict):
        raise refused()
    return value


def check_length(length: int) -> None:
    """Raise CheckpointError for a text of more bytes than are read."""
    if length > MAXIMUM_SIZE:
        raise CheckpointError(f"its JSON text has {length} bytes, more than the {MAXIMUM_SIZE} that are read: "
                              "get the file again, or save one model alone")


def texts(value: object) -> dict[str, str]:
    """The entries of an object as text: strings as they are, the rest as JSON."""
    if not isinstance(value, dict):
        raise refused()
    try:
        result = {key: each if isinstance(each, str) else json.dumps(each) for key, each in value.items()}
        "".join((*result, *result.values())).encode()  # an escape can stand for half a character
    except (RecursionError, UnicodeEncodeError):
        raise refused() from None
    return result
