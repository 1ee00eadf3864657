"""What a count makes of each of its arguments: one after the other is changed, and the growth is compared."""

from collections.abc import Callable, Iterator
from typing import Any

from swin_np.exercises.calling import Elsewhere, call
from swin_np.exercises.exercise import Arguments, Exercise
from swin_np.language import phrase

MOST = 3                                               # arguments that are told


def varied(exercise: Exercise) -> Iterator[tuple[str, bool, Arguments]]:
    """(name, whether it is doubled, arguments) with another number in the worked example.

    It is doubled but for M, which divides the map: that becomes 1.
    """
    toy = exercise.toy()
    for place, (name, value) in enumerate(zip(exercise.parameters, toy, strict=True)):
        if isinstance(value, tuple):
            yield from ((f"{name}[{number}]", True, changed(toy, place, changed(value, number, 2 * item)))
                        for number, item in enumerate(value))
        elif name == "window" and "h" in exercise.parameters:
            yield name, False, changed(toy, place, 1)
        else:
            yield name, True, changed(toy, place, 2 * value)


def changed(items: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    """The items with another one in its place."""
    return (*items[:place], value, *items[place + 1:])


def growths(exercise: Exercise, function: Callable | Elsewhere) -> list[str]:
    """A sentence on the arguments of a count of which the function makes something else than is right."""
    toy = exercise.toy()
    right, own = exercise.reference(*toy), call(function, toy, exercise.seconds).value
    ignored, found, tried = [], [], 0
    for name, doubled, arguments in varied(exercise):
        expected, called = exercise.reference(*arguments) - right, call(function, arguments, exercise.seconds)
        try:
            got = int(called.value - own)
        except (TypeError, ValueError, OverflowError):
            return []
        tried += 1
        if got != expected and got == 0:
            ignored.append(phrase("{name} (it does not depend on it)", name=name))
        elif got != expected:
            found.append(phrase("{name} (doubled in the worked example, it adds {got:+} in place of {expected:+})"
                                if doubled else
                                "{name} (set to 1 in the worked example, it adds {got:+} in place of {expected:+})",
                                name=name, got=got, expected=expected))
    told = [*ignored, *found]
    if not told:
        return []
    names = phrase(", ").join(told[:MOST]) + phrase(", ...") * (len(told) > MOST)
    return [phrase("What your count makes of each of its arguments is wrong: {names}." if len(told) == tried else
                   "What your count makes of these is wrong, and of the other arguments right: {names}.", names=names)]
