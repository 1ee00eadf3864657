"""What a failing check says before the numbers: how and where the result is wrong, and in which line it begins."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from swin_np.exercises.broadcasting import lost_axis
from swin_np.exercises.calling import Called, Elsewhere, call
from swin_np.exercises.calls import in_common
from swin_np.exercises.climbing import TOY
from swin_np.exercises.comparing import difference
from swin_np.exercises.counts import off_by
from swin_np.exercises.exercise import Exercise, Step, arrays, copied
from swin_np.exercises.marks import station
from swin_np.exercises.naming import Evidence
from swin_np.exercises.pairs import named_pair
from swin_np.exercises.places import wrong_places
from swin_np.exercises.plain import explained, reordered
from swin_np.exercises.probing import growths
from swin_np.exercises.so_far import right_so_far
from swin_np.exercises.watching import arrays_in
from swin_np.exercises.way import way
from swin_np.language import phrase
from swin_np.mistakes.mistake import Mistake

MOST_EVIDENCE = 4                                      # calls, to tell mistakes apart


def where(exercise: Exercise, evidence: Sequence[Evidence], mistake: Mistake | None) -> list[str]:
    """Sentences on how the results differ from the right ones, taken over all calls. mistake: that was named."""
    wrong = [(step, called) for step, called in evidence if is_wrong(step, called)]
    pairs = of_one_value([(step, called.value) for step, called in wrong if not called.error])
    telling = [pair for pair in pairs if pair[0].name != TOY] or pairs          # small numbers agree by chance
    look, plain = explained(exercise, pairs) if len(pairs) == len(wrong) else (None, "")
    if mistake is not None:
        return [plain] if look is reordered else []        # which says more than the name does
    if plain:
        return [plain]
    both = named_pair(exercise, evidence[:MOST_EVIDENCE])
    if both:
        names = phrase(" and ").join(one.name for one in both)
        return [phrase("Your numbers are those of two mistakes together ({names}).", names=names)] + [
            phrase("{number}. {says} {fix}", number=number, says=phrase(one.says), fix=phrase(one.fix))
            for number, one in enumerate(both, start=1)]
    if wrong and (lost := lost_axis(wrong[0][1].error)):
        return [lost]
    right = [step for step, called in evidence if not is_wrong(step, called)]
    return [*off_by(exercise, pairs), *wrong_places(exercise, telling),
            *in_common(exercise, [step for step, _ in wrong], right)]


def of_one_value(pairs: list[tuple[Step, Any]]) -> list[tuple[Step, Any]]:
    """Of results that are tuples, the first value that is wrong in the first of them; others as they are."""
    if not pairs or not all(isinstance(step.expected, tuple) and isinstance(got, tuple | list)
                            and len(got) == len(step.expected) for step, got in pairs):
        return pairs
    step, got = pairs[0]
    number = next((number for number, one in enumerate(got)
                   if difference(one, step.expected[number], step.dtype) is not None), 0)
    return [(replace(step, expected=step.expected[number]), got[number]) for step, got in pairs]


def is_wrong(step: Step, called: Called) -> bool:
    """Whether a call was not answered as it should be."""
    return bool(called.error) or difference(called.value, step.expected, step.dtype) is not None


def finite_calls(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The calls whose results are finite where the right ones are; all calls, where none of these is wrong."""
    finite = [(step, called) for step, called in evidence if not overflows(step, called)]
    return finite if any(is_wrong(*one) for one in finite) else list(evidence)


def overflows(step: Step, called: Called) -> bool:
    """Whether a result holds nan or infinity, and the right one does not."""
    def holds(value: Any) -> bool:
        return any(x.dtype.kind == "f" and not np.isfinite(x).all() for x in arrays_in(value))

    return not called.error and holds(called.value) and not holds(step.expected)


def line_by_line(exercise: Exercise, function: Callable | Elsewhere, evidence: Sequence[Evidence],
                 first: bool = True) -> list[str]:
    """Sentences on how far the function is right inside, for one call that is wrong, of random numbers if there is.

    first: as of `right_so_far`.
    """
    wrong = [step for step, called in evidence if is_wrong(step, called) and not called.too_long]
    if not wrong:
        return []
    if isinstance(wrong[0].expected, int):
        return growths(exercise, function)
    random = [one for one in wrong if one.name.startswith("random")]
    step = min(random, key=lambda one: sum(x.size for x in arrays(one.arguments))) if random else wrong[0]
    stations = way(exercise, step.arguments)
    if not stations:
        return []
    called = call(function, copied(step.arguments), exercise.seconds, watch=True)
    given = [one for x in arrays(step.arguments) if (one := station(("", {}), x))]
    return right_so_far(stations, called.seen, given, first)
