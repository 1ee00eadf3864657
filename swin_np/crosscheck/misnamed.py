"""Names that stand for another tensor of ours, before the scale, without a bias, ...: no mistake of the network."""

from itertools import chain

import numpy as np

from swin_np.crosscheck.chains import Passed, at_hand
from swin_np.crosscheck.known import Known
from swin_np.crosscheck.relations import relations
from swin_np.functional import Array


def put_right(known: Known, number: int, x: Passed, values: dict[str, Array]) -> list[str]:
    """Put every named point of a unit right that is another tensor of ours; a sentence for each.

    Only where the candidate goes on from the right numbers: the next point that depends on them is what the reference
    makes of them. x: the unit's input. values: what the unit makes of it and of the points that are known.
    """
    notes = []
    for name, value in values.items():
        own = known.points.get(name)
        if name not in known.by_names or np.isnan(own).any() or not known.is_far(name, own, value):
            continue
        match = known.nearest(name, value)
        phrase, back, other = as_ours(known, number, name, own, value, x, values)
        if not (match or phrase) or not goes_on_without(known, number, x, name):
            continue
        if phrase:
            notes.append(f"your `{known.theirs[name]}` is not {name}, it is {phrase}: the network goes on from the "
                         "right numbers.")
        known.by_names.discard(name)
        if match:
            known.accept(name, match)
        elif back is not None:
            known.points[name] = known.arrays[name] = back
        else:
            del known.points[name], known.theirs[name], known.arrays[name]
            if other and other not in known.points and (moved := known.nearest(other, known.reference.points[other])):
                known.accept(other, moved)             # as the norm that an export has folded into the layer before it
    return notes


def as_ours(known: Known, number: int, name: str, own: Array, value: Array, x: Passed,
            values: dict[str, Array]) -> tuple[str, Array | None, str]:
    """(what an array is of ours, in words; the point itself if it can be got back; the point that it is, if it is one);
    ("", None, "") if it is nothing.
    """
    is_block = known.chain[number].is_block
    for relation in relations(known.modules, name, at_hand(x) if is_block else None):
        if not known.is_far(name, own, relation.of(value)):
            return f"ours {relation.phrase}", None if relation.back is None else relation.back(own), ""
    for other, ours in chain(known.reference.points.items(), values.items()):
        if other == name or ours.size != own.size or other == "input":
            continue
        axes = known.reference.axes[other]
        if any(not known.is_far(other, each, ours.reshape(axes.shape)) for each in axes.fitting(own).values()):
            return f"our {other}", None, other
    return "", None, ""


def goes_on_without(known: Known, number: int, x: Passed, name: str) -> bool:
    """Whether the next point that depends on this one is what the reference makes without it."""
    without = {other: value for other, value in known.points.items() if known.theirs[other] != known.theirs[name]}
    y = x
    for behind in range(number, len(known.chain)):
        dependent, y = known.run(behind, y, known.points)
        values, x = known.run(behind, x, without)
        for other, value in values.items():
            if other == name or not known.is_far(other, dependent[other], value):
                continue
            if other in without:
                return not known.is_far(other, without[other], value)
            if other not in known.points and known.nearest(other, value):
                return True
    return False
