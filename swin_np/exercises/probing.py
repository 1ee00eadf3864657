"""What a count makes of each of its arguments: one after the other is doubled, and the growth compared."""

from collections.abc import Callable, Iterator
from typing import Any

from swin_np.exercises.calling import Elsewhere, call
from swin_np.exercises.exercise import Arguments, Exercise

MOST = 3                                               # arguments that are told


def doubled(exercise: Exercise) -> Iterator[tuple[str, Arguments]]:
    """(name, arguments) with one number of the worked example doubled; M is left, since it has to divide the map."""
    toy = exercise.toy()
    for place, (name, value) in enumerate(zip(exercise.parameters, toy, strict=True)):
        if isinstance(value, tuple):
            yield from ((f"{name}[{number}]", changed(toy, place, changed(value, number, 2 * item)))
                        for number, item in enumerate(value))
        elif name != "window" or "h" not in exercise.parameters:
            yield name, changed(toy, place, 2 * value)


def changed(items: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    """The items with another one in its place."""
    return (*items[:place], value, *items[place + 1:])


def growths(exercise: Exercise, function: Callable | Elsewhere) -> list[str]:
    """A sentence on the arguments of a count of which the function makes something else than is right."""
    toy = exercise.toy()
    right, own = exercise.reference(*toy), call(function, toy, exercise.seconds).value
    found = []
    for name, arguments in doubled(exercise):
        expected, called = exercise.reference(*arguments) - right, call(function, arguments, exercise.seconds)
        try:
            got = int(called.value - own)
        except (TypeError, ValueError, OverflowError):
            return []
        if got != expected:
            found.append(f"{name} (it does not depend on it)" if got == 0 else
                         f"{name} (doubled in the worked example, it adds {got:+} in place of {expected:+})")
    if not found:
        return []
    names = ", ".join(found[:MOST]) + ", ..." * (len(found) > MOST)
    return [f"What your count makes of these is wrong, and of the other arguments right: {names}."]
