"""Behind a bug: a wrong point is known by what follows from it.

No tensor is what the reference makes there. But if the reference, going on from a tensor, makes other tensors of the
candidate, that tensor is the point.
"""

import numpy as np

from swin_np.crosscheck.chains import Passed
from swin_np.crosscheck.contents import Match
from swin_np.crosscheck.known import Known
from swin_np.crosscheck.noise import root_mean_square
from swin_np.functional import Array

MOST_TRIED = 12                                        # tensors tried as a point, and half as many of three more kinds
WITHOUT_WEIGHTS = ("windows", "reversed", "rolled_back", "q", "k", "v", "probabilities")
"""Points that follow from the one before without weights, in any block alike."""
AGREES = 3.0                                           # error over tolerance that is no small bug's
FAR = 1.0                                              # relative error of a guessed point at most,
CLEARLY = 1.5                                          # and every other tensor is so much further


def follow(known: Known, number: int, x: Passed) -> bool:
    """Take a tensor for a missing point of a unit, with input x, if others follow from it; whether one was found."""
    before = ahead(known, number, x, known.points)
    for name, value in known.run(number, x, known.points)[0].items():
        if name not in known.points:
            tried = to_try(known, name, value)
            counts = [following(known, number, x, name, match, before) for match in tried]
            if any(counts):
                known.accept(name, tried[int(np.argmax(counts))])      # of equals the first
                return True
    return False


def ahead(known: Known, number: int, x: Passed, given: dict[str, Array]) -> dict[str, Array]:
    """What the unit and the next one make at each of their points."""
    values, y = known.run(number, x, given)
    return values | (known.run(number + 1, y, given)[0] if number + 1 < len(known.chain) else {})


def to_try(known: Known, name: str, value: Array) -> list[Match]:
    """The tensors that may be a point: those nearest to its value, and those computed next; the rest are last."""
    fitting = [match for _, match in known.fitting(name, value) if np.isfinite(match.value).all()]
    order = list(known.tensors.arrays)
    before = [order.index(theirs) for other, theirs in known.theirs.items() if theirs in known.tensors.arrays
              and list(known.reference.points).index(other) < list(known.reference.points).index(name)]
    last = max(before, default=-1)
    free = [match for match in fitting if not known.is_taken(match.theirs)]
    taken = [match for match in fitting if match not in free]
    nexts = sorted((match for match in free if order.index(match.theirs) > last),
                   key=lambda match: order.index(match.theirs))
    chosen: list[Match] = []
    for match in free[:MOST_TRIED] + nexts[:MOST_TRIED // 2] + taken[:MOST_TRIED // 2]:
        if not any(known.tensors.copies(match.theirs, other.theirs) and np.allclose(
                match.value, other.value, rtol=0, atol=1e-6 * root_mean_square(other.value)) for other in chosen):
            chosen.append(match)
    return chosen


def following(known: Known, number: int, x: Passed, name: str, match: Match, before: dict[str, Array]) -> int:
    """How many points, which took weights to make, become right if a tensor is taken for this point.

    before: what they are without it.
    """
    values = ahead(known, number, x, {**known.points, name: match.value})
    count = 0
    for other, value in values.items():
        if other == name or other.rpartition(".")[2] in WITHOUT_WEIGHTS or not known.is_far(
                other, before[other], value) or not known.is_right(other, value):
            continue
        made = known.nearest(other, value)
        count += made is None or not known.tensors.copies(made.theirs, match.theirs)
    return count


def guess(known: Known, number: int, values: dict[str, Array]) -> bool:
    """Take the nearest tensor for a unit's result where nothing follows from any, as with a bug in every block.

    Only if the candidate's logits are wrong, and the tensor must be clearly nearer than all others.
    """
    name, logits = "".join(known.chain[number].outputs[-1:]), known.points.get("output")
    if name not in values or logits is None or not known.is_far("output", logits, known.reference.points["output"]):
        return False
    free = [(far, match) for far, match in known.fitting(name, values[name]) if not known.is_taken(match.theirs)]
    if not free:
        return False
    (nearest, match), *others = free
    if nearest > FAR * np.linalg.norm(values[name].ravel()) or any(
            far < CLEARLY * nearest and not known.tensors.copies(other.theirs, match.theirs) for far, other in others):
        return False
    known.accept(name, match)
    return True


def goes_on(known: Known, number: int, y: Passed) -> bool:
    """Whether the next point that the candidate shows behind a unit is right if the unit's result is y.

    Then the candidate only did not show that result.
    """
    for behind in range(number + 1, len(known.chain)):
        values, y = known.run(behind, y, known.points)
        for name, value in values.items():
            if name in known.by_names:
                return known.excess(name, known.points[name], value) <= AGREES
            if name not in known.points and (match := known.nearest(name, value)) and match.excess <= AGREES:
                return not known.is_taken(match.theirs)
    return False
