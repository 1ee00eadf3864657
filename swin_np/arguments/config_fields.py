"""The door of every configuration: each field has the type that it is declared with, and a value that can be built."""

import math
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from swin_np.arguments.checks import LARGEST_EPS, SMALLEST_EPS, Size, pair, real, shown, whole
from swin_np.errors import ConfigurationError, ShapeError

MOST = 2**20                                           # of layers, channels, classes or pixels of a side
LISTED = (tuple, list, np.ndarray)
POSITIVE = ("positive (or 0)", "positive")             # by the least number


def check_fields(config: Any, may_be_zero: tuple[str, ...] = ()) -> None:
    """Raise ConfigurationError, with field, value and what is expected, for a field that no model can have.

    Whole numbers start at 1, for the fields `may_be_zero` at 0; other numbers are positive and finite. What is right
    stays as it is, but NumPy's numbers become Python's, which do not overflow, lists tuples, and a size a pair; where a
    field may have a size for each stage, see `by_stage`, that is a tuple of pairs.
    """
    for field in fields(config):
        value = getattr(config, field.name)
        least = 0 if field.name in may_be_zero else 1
        object.__setattr__(config, field.name, checked(field.name, value, field.type, least))


def checked(name: str, value: Any, hint: object, least: int) -> object:
    """The value of a field, of the type that its hint says."""
    kinds: list[Any] = list(get_args(hint)) if get_origin(hint) in (Union, UnionType) else [hint]
    if value is None and NoneType in kinds:
        return None
    kinds = [kind for kind in kinds if kind is not NoneType]
    if tuple[Size, ...] in kinds and is_by_stage(value):
        return tuple(size(name, each) for each in value)
    if tuple[int, int] in kinds:
        return size(name, value)
    kind, origin = kinds[0], get_origin(kinds[0])
    if kind is int:
        return check_count(name, value, least)
    if kind is float:
        return amount(name, value)
    if kind is bool:
        if not isinstance(value, bool | np.bool_):
            raise ConfigurationError(f"{name} {shown(value)} was given, expected True or False: give one of them")
        return bool(value)
    if origin is tuple:
        return counts(name, value, least)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(kind):
            raise ConfigurationError(f"{name} {shown(value)} was given, expected one of "
                                     f"{', '.join(map(repr, get_args(kind)))}: give one of them")
        return value
    if not isinstance(value, tuple(kinds)):
        raise ConfigurationError(f"{name} {shown(value)} was given, expected a "
                                 f"{' or '.join(kind.__name__ for kind in kinds)}: give one")
    return value


def size(name: str, value: Any) -> tuple[int, int]:
    """A (height, width) pair of positive whole numbers."""
    try:
        sides = pair(value)
    except ShapeError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    if not 1 <= min(sides) <= max(sides) <= MOST:
        raise ConfigurationError(f"{name} {shown(value)} was given, expected positive whole numbers up to {MOST}: "
                                 "give one, or a pair (height, width)")
    return sides


def is_by_stage(value: Any) -> bool:
    """Whether there is a size for each stage: not one number, nor two, which are a height and a width."""
    if not isinstance(value, LISTED) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return False
    return len(value) not in (0, 2) or any(isinstance(each, LISTED) for each in value)


def by_stage(name: str, value: Any, stages: int) -> tuple[tuple[int, int], ...]:
    """The (height, width) in every stage by a checked field, which has one for all or one for each.

    Raises ConfigurationError for another number of them than there are stages.
    """
    each = value if is_by_stage(value) else (value,) * stages
    if len(each) != stages:
        raise ConfigurationError(f"{name} {shown(value)} was given, {len(each)} for {stages} stages: give one for all "
                                 "stages or one for each; two numbers are a height and a width")
    return each


def check_count(name: str, value: object, least: int = 1) -> int:
    """A whole number from `least` on."""
    try:
        return whole(value, least, MOST)
    except ValueError:
        raise ConfigurationError(f"{name} {shown(value)} was given, expected a {POSITIVE[least]} whole number up to "
                                 f"{MOST}: give one") from None


def counts(name: str, value: object, least: int) -> tuple[int, ...]:
    """A tuple of whole numbers from `least` on."""
    try:
        if isinstance(value, LISTED):
            return tuple(whole(item, least, MOST) for item in value)
    except (TypeError, ValueError):
        pass
    raise ConfigurationError(f"{name} {shown(value)} was given, expected {POSITIVE[least]} whole numbers up to {MOST}: "
                             "give a tuple with one for each stage")


def amount(name: str, value: object) -> int | float:
    """A positive finite number; an eps also counts beside the numbers of float32."""
    try:
        number = real(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ConfigurationError(f"{name} {shown(value)} was given, expected a positive finite number: give one")
    if name.endswith("eps") and not SMALLEST_EPS <= number <= LARGEST_EPS:
        raise ConfigurationError(f"{name} {shown(value)} was given, expected a number from {SMALLEST_EPS} to "
                                 f"{LARGEST_EPS}: give a small one, 1e-5")
    return value if isinstance(value, int) and not isinstance(value, np.integer) else number


def hidden_channels(channels: int, mlp_ratio: float) -> int:
    """The channels between the two layers of an MLP, rounded down; ConfigurationError where that leaves none."""
    try:
        hidden = int(channels * mlp_ratio)
    except OverflowError:
        hidden = MOST + 1
    if not 1 <= hidden <= MOST:
        raise ConfigurationError(f"mlp_ratio {shown(mlp_ratio)} was given, expected one that makes 1 to {MOST} hidden "
                                 f"channels of {channels}: give another")
    return hidden
