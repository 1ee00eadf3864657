"""What the right function computes on its way to the result, by name, in order."""

from collections.abc import Iterator

import numpy as np

from swin_np.exercises.exercise import Arguments, Exercise, arrays, copied
from swin_np.exercises.marks import Mark, Name, Station, mark_of, same_numbers, same_order, station
from swin_np.exercises.naming import MISTAKES
from swin_np.layers import Module, recording
from swin_np.mistakes.catalogue import planted
from swin_np.parallel.pool import uncut

WORDS = {"q": "the queries", "k": "the keys", "v": "the values", "scores": "the scaled product q k^T",
         "scores_with_bias": "the scores with the bias", "scores_with_mask": "the scores with the mask",
         "probabilities": "the softmax of the scores", "windows": "the windows",
         "reversed": "the map that the windows make again"}
"""What the steps that the library shows are called."""

LAYERS = {"Linear": "linear layer", "LayerNorm": "layer norm", "Conv2d": "convolution", "BatchNorm2d": "BatchNorm2d",
          "Relu": "Relu"}

DISPLACED = "query minus key"                          # from 0 on, or from -(M-1) on
WITHIN = ("rolled_back",)                              # of other lines, where they are not seen
GIVES, GIVEN_BY_A_LAYER, GIVEN, OF = ("what {place} gives", "what {layer} number {number} gives",
                                      "what the module gives", "{what} of {place}")

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
        if name[1].get("place") in exercise.unseen:
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


def shown(exercise: Exercise, arguments: Arguments) -> Iterator[tuple[Name, np.ndarray, str]]:
    """(name, array, kind) of what the reference shows, or of what the exercise computes to be shown."""
    if exercise.inside is not None:
        yield from (((name, {}), value, "displaced" if name.startswith(DISPLACED) else "")
                    for name, value in exercise.inside(*copied(arguments)).items())
    found: list[tuple[Module | None, str, np.ndarray]] = []
    with recording(lambda module, step, value: found.append((module, step, np.array(value)))), uncut():
        exercise.reference(*copied(arguments))
    results = names_of([module for module, _, _ in found if module is not None])
    for module, step, value in found:
        if step in WITHIN:
            continue
        result = results[id(module)] if module else (GIVEN, {})
        of = {"what": (WORDS.get(step, step), {}), **result[1]}
        yield (result if not step else (OF, of) if "place" in of else of["what"]), value, KINDS.get(step, "")


def names_of(modules: list[Module]) -> dict[int, Name]:
    """For each module what its result is called: by its name in the largest one that holds it, or by its kind."""
    places: dict[int, str] = {}
    for module in sorted({id(one): one for one in modules}.values(), key=lambda one: -len(list(one.named_modules()))):
        for name, part in module.named_modules():
            places.setdefault(id(part), name)
    found: dict[int, Name] = {one: (GIVES, {"place": place}) if place else (GIVEN, {}) for one, place in places.items()}
    lonely: dict[type, list[int]] = {}
    for module in modules:
        if not places[id(module)] and not list(module.parts()):
            lonely.setdefault(type(module), []).append(id(module))
    for kind, members in lonely.items():
        for number, one in enumerate(dict.fromkeys(members), start=1):
            found[one] = GIVEN_BY_A_LAYER, {"layer": (LAYERS[kind.__name__], {}), "number": number}
    return found
