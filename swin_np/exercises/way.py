"""What the right function computes on its way to the result, by name, in order."""

from collections.abc import Iterator

import numpy as np

from swin_np.exercises.exercise import Arguments, Exercise, arrays, copied
from swin_np.exercises.marks import Mark, Station, mark_of, same_numbers, same_order, station
from swin_np.exercises.naming import MISTAKES
from swin_np.layers import Module, recording
from swin_np.mistakes.catalogue import planted
from swin_np.parallel.pool import uncut

WORDS = {"q": "the queries", "k": "the keys", "v": "the values", "scores": "the scaled product q k^T",
         "scores_with_bias": "the scores with the bias", "scores_with_mask": "the scores with the mask",
         "probabilities": "the softmax of the scores", "windows": "the windows",
         "reversed": "the map that the windows make again"}
"""What the steps that the library shows are called."""

LAYERS = {"Linear": "linear layer", "LayerNorm": "layer norm", "Conv2d": "convolution"}

DISPLACED = "query minus key"                          # from 0 on, or from -(M-1) on
WITHIN = ("rolled_back",)                              # of other lines, where they are not seen

KINDS = {"q": "alone", "k": "alone", "v": "alone", "scores": "passing", "scores_with_bias": "passing"}


def way(exercise: Exercise, arguments: Arguments) -> list[Station]:
    """The stations of the exercise's reference for these arguments; none where it shows nothing on its way.

    What the arguments hold as it is, or another station, is left out, and so is the result.
    """
    results = exercise.reference(*copied(arguments))
    known = {mark_of(np.asarray(x)) for x in (*arrays(arguments), *(
        results if isinstance(results, tuple) else [results]))}
    found = []
    for name, value, kind in shown(exercise, arguments):
        if name in exercise.unseen:
            continue
        one = station(name, value, kind)
        if one is not None and not any(like(one, mark) for mark in known if mark):
            found.append(one)
            known.add(one.mark)
    return quiet(exercise, arguments, found) if exercise.planted else found


def quiet(exercise: Exercise, arguments: Arguments, found: list[Station]) -> list[Station]:
    """The stations of a port's exercise: silent on the first that its planted mistake changes."""
    with planted(MISTAKES[exercise.planted]):
        wrong = [mark for name, value, _ in shown(exercise, arguments) if (mark := mark_of(value))]
    first = next(number for number, one in enumerate(found) if not any(like(one, mark) for mark in wrong))
    return [one._replace(kind="quiet") if number == first else one for number, one in enumerate(found)]


def like(one: Station, mark: Mark) -> bool:
    """Whether an array of this mark is the station, with its axes in some order."""
    return same_numbers(one.mark, mark) and same_order(mark, one.mark, one.orders)


def shown(exercise: Exercise, arguments: Arguments) -> Iterator[tuple[str, np.ndarray, str]]:
    """(name, array, kind) of what the reference shows, or of what the exercise computes to be shown."""
    if exercise.inside is not None:
        yield from ((name, value, "displaced" if name.startswith(DISPLACED) else "")
                    for name, value in exercise.inside(*copied(arguments)).items())
    found: list[tuple[Module | None, str, np.ndarray]] = []
    with recording(lambda module, step, value: found.append((module, step, np.array(value)))), uncut():
        exercise.reference(*copied(arguments))
    names = names_of([module for module, _, _ in found if module is not None])
    for module, step, value in found:
        if step in WITHIN:
            continue
        place = names.get(id(module), "") if module else ""
        of = f" of {place}" if place else ""
        said = WORDS.get(step, step) + of if step else f"what {place or 'the module'} gives"
        yield said, value, KINDS.get(step, "")


def names_of(modules: list[Module]) -> dict[int, str]:
    """For each module its name in the largest one that holds it; one that no other holds is called by its kind."""
    found: dict[int, str] = {}
    for module in sorted({id(one): one for one in modules}.values(), key=lambda one: -len(list(one.named_modules()))):
        for name, part in module.named_modules():
            found.setdefault(id(part), name)
    lonely: dict[type, list[int]] = {}
    for module in modules:
        if not found[id(module)] and not list(module.parts()):
            lonely.setdefault(type(module), []).append(id(module))
    for kind, members in lonely.items():
        for number, one in enumerate(dict.fromkeys(members), start=1):
            found[one] = f"{LAYERS.get(kind.__name__, kind.__name__)} number {number}"
    return found
