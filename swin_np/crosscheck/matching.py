"""Matching by content: points that no name tells, and names that stand for another tensor of ours.

The reference is run unit by unit on the candidate's own numbers. A tensor that is what it makes of them, to
rounding, is that point; behind a bug see consequences.py.
"""

from collections.abc import Callable

from swin_np.crosscheck.candidates import Candidate, Named
from swin_np.crosscheck.consequences import follow, goes_on, guess
from swin_np.crosscheck.contents import Tensors
from swin_np.crosscheck.known import Known
from swin_np.crosscheck.misnamed import put_right
from swin_np.crosscheck.reference import Reference


def by_content(reference: Reference, candidate: Candidate, found: Named,
               progress: Callable[[str], None]) -> tuple[Named, list[str]]:
    """(the points, with those that content tells; sentences on names that stand for another tensor of ours).

    found: what names tell, which counts first.
    """
    if reference.model is None:
        return found, []
    known = Known(reference, Tensors({**candidate.points, **candidate.others}), found)
    if not (found.extra or candidate.others or any(
            known.is_far(name, value, reference.points[name]) for name, value in known.points.items())):
        return found, []
    progress(f"looking at the content of {len(known.tensors.arrays)} tensors")
    take_logits(known)
    notes, x = [], reference.images
    for number, unit in enumerate(known.chain):
        while True:
            values, y = known.run(number, x, known.points)
            notes += put_right(known, number, x, values)
            for name, value in values.items():
                if name not in known.points and (match := known.nearest(name, value)) and (
                        candidate.others or not known.is_named(match.theirs)):         # a graph gives all its tensors
                    known.accept(name, match)
            if any(name in known.points for name in unit.outputs[-1:]) or goes_on(known, number, y) or not (
                    follow(known, number, x) or guess(known, number, values)):
                break
        x = known.run(number, x, known.points)[1]
    return known.named([] if candidate.others else found.extra), notes


def take_logits(known: Known) -> None:
    """Take the one tensor that has the logits' shape for them, if no name tells."""
    if "output" not in known.points and "output" in known.reference.points:
        choices = [match for _, match in known.fitting("output", known.reference.points["output"])]
        if choices and all(known.tensors.copies(each.theirs, choices[0].theirs) for each in choices):
            known.accept("output", choices[0])
