"""How far a wrong function is right: the last array on the right way that it makes, the first that it does not."""

from collections.abc import Sequence

from swin_np.exercises.marks import CLOSE, WEIGHTS, Mark, Station, in_words, same_numbers, same_order
from swin_np.exercises.watching import Seen
from swin_np.language import phrase

APART = ("alone", "displaced")                         # kinds of stations that say nothing of those before them
EXACT, EXCHANGED, MULTIPLE, SHUFFLED = range(4)
INSTEAD = {EXCHANGED: "It has {what} with two axes exchanged: look at {place} and before it.",
           MULTIPLE: "It has {what} times {factor:.6g}: look at {place} and before it.",
           SHUFFLED: "It has {what} with its numbers in another order: look at {place} and before it."}
"""What is said of an array in the place of a station, the likeliest first."""


def right_so_far(stations: Sequence[Station], seen: Sequence[Seen], given: Sequence[Station],
                 first: bool = True) -> list[str]:
    """Sentences on where the right way is left. given: the arguments, as stations.

    first: whether it is told that no station at all is there, which may be so because the function goes another way.
    """
    by_size: dict[int, list[Seen]] = {}
    for one in seen:
        if not any(kind_of(station, one.mark) in (EXACT, EXCHANGED) for station in given):
            by_size.setdefault(one.mark.size, []).append(one)
    kinds = [[(kind_of(station, one.mark), one) for one in by_size.get(station.mark.size, ())] for station in stations]
    exact = {number: one for number, found in enumerate(kinds) for kind, one in reversed(found) if kind == EXACT}
    if not stations or not by_size:
        return []
    last = max((number for number in exact if stations[number].kind not in APART), default=-1)
    following_last = range(last + 1, len(stations))
    nearly = (number for number in following_last if stations[number].kind not in APART
              and any(kind in (EXCHANGED, MULTIPLE) for kind, _ in kinds[number]))     # so all before it is right too
    missing = next(nearly, next((number for number in following_last if number not in exact), None))
    last = len(stations) - 1 if missing is None else last
    lines = []
    if last >= 0:
        lines.append(phrase("It is right up to {what}: {place} has it.", what=in_words(stations[last].name),
                            place=place(exact[last])))
    following = exact[last].following if last >= 0 else ""
    if missing is None:
        return [*lines, phrase("The mistake is in what follows, from `{line}` on." if following else
                               "The mistake is in what follows.", line=following)]
    absent = [stations[missing]]
    while absent[-1].kind == "passing" and missing + len(absent) < len(stations):
        absent.append(stations[missing + len(absent)])
    if any(one.kind == "quiet" for one in absent):
        return []
    right = {one.mark for found in kinds for kind, one in found if kind == EXACT}
    said = described(stations[missing], [(kind, one) for kind, one in kinds[missing] if one.mark not in right])
    names = phrase(" or ").join(in_words(one.name) for one in absent)
    if said:
        lines.append(said)
    elif last >= 0:
        lines.append(phrase("What comes next, {names}, it does not have: look at what follows, from `{line}` on."
                            if following else
                            "What comes next, {names}, it does not have: look at what follows.",
                            names=names, line=following))
    elif first:
        lines.append(phrase("No line of yours gives what comes first, {names}: look there, unless you compute it in "
                            "parts or inside a longer line.", names=names))
    return lines


def kind_of(station: Station, mark: Mark) -> int | None:
    """How an array of the student's is the station, if it is."""
    if mark.size != station.mark.size:
        return None
    if same_numbers(mark, station.mark):
        if same_order(mark, station.mark, [station.mark.order]):
            return EXACT
        if same_order(mark, station.mark, station.orders):
            return EXCHANGED if squeezed(mark) == squeezed(station.mark) else EXACT
        return SHUFFLED
    if station.kind == "displaced" and displaced(station, mark):
        return EXACT
    return MULTIPLE if factor(station, mark) else None


def squeezed(mark: Mark) -> tuple[int, ...]:
    """The shape without sides of 1."""
    return tuple(side for side in mark.shape if side != 1)


def factor(station: Station, mark: Mark) -> float:
    """By what the station is multiplied to give the student's array; 0 where there is no such number."""
    size = (mark.powers[1] / station.mark.powers[1]) ** 0.5
    near = CLOSE * mark.size ** 0.5 * mark.largest
    for ratio in (size, -size):
        if (abs(mark.powers[0] - station.mark.powers[0] * ratio) <= near
                and abs(mark.powers[2] - station.mark.powers[2] * ratio ** 3) <= near * mark.largest ** 2
                and any(abs(mark.order - way * ratio) <= near for way in station.orders)):
            return ratio
    return 0.0


def displaced(station: Station, mark: Mark) -> bool:
    """Whether the student's array is the station with the same number added to all of it."""
    count, (a, b, _), (sum_of, squares, _) = mark.size, station.mark.powers, mark.powers
    by = (sum_of - a) / count
    near = CLOSE * count ** 0.5 * max(mark.largest, station.mark.largest)
    return (abs(squares - b - 2 * by * a - count * by ** 2) <= near * mark.largest
            and any(abs(mark.order - way - by * WEIGHTS[:count].sum()) <= near for way in station.orders))


def described(station: Station, found: Sequence[tuple[int | None, Seen]]) -> str:
    """A sentence on what the function has in the station's place, if it can be told."""
    for kind, words in INSTEAD.items():
        for other, one in found:
            if other == kind:
                by = factor(station, one.mark) if kind == MULTIPLE else 1.0
                return phrase(words, what=in_words(station.name), factor=by, place=place(one))
    return ""


def place(seen: Seen) -> str:
    """A line of the student's."""
    known = {"function": seen.function, "line": seen.line, "text": seen.text, "helper": seen.helper}
    if seen.text:
        return phrase("line {line} of {function}, by {helper}, `{text}`," if seen.helper else
                      "line {line} of {function}, `{text}`,", **known)
    return phrase("line {line} of {function}, by {helper}" if seen.helper else "line {line} of {function}", **known)
