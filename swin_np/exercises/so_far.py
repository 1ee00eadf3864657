"""How far a wrong function is right: the last array on the right way that it makes, the first that it does not."""

from collections.abc import Sequence

from swin_np.exercises.marks import CLOSE, WEIGHTS, Mark, Station, same_numbers, same_order
from swin_np.exercises.watching import Seen

APART = ("alone", "displaced")                         # kinds of stations that say nothing of those before them
EXACT, EXCHANGED, MULTIPLE, SHUFFLED = range(4)


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
    missing = next((number for number in range(last + 1, len(stations)) if number not in exact), None)
    last = len(stations) - 1 if missing is None else last
    lines = []
    if last >= 0:
        lines.append(f"It is right up to {stations[last].name}: {place(exact[last])} has it.")
    if missing is None:
        return [*lines, f"The mistake is in what follows{from_on(exact[last])}."]
    absent = [stations[missing]]
    while absent[-1].kind == "passing" and missing + len(absent) < len(stations):
        absent.append(stations[missing + len(absent)])
    if any(one.kind == "quiet" for one in absent):
        return []
    right = {one.mark for found in kinds for kind, one in found if kind == EXACT}
    said = described(stations[missing], [(kind, one) for kind, one in kinds[missing] if one.mark not in right])
    names = " or ".join(one.name for one in absent)
    if said:
        lines.append(said)
    elif last >= 0:
        lines.append(f"What comes next, {names}, it does not have: look at what follows{from_on(exact[last])}.")
    elif first:
        lines.append(f"No line of yours gives what comes first, {names}: look there, unless you compute it in parts or "
                     "inside a longer line.")
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
    for kind, words in ((EXCHANGED, "with two axes exchanged"), (MULTIPLE, "times {:.6g}"),
                        (SHUFFLED, "with its numbers in another order")):
        for other, one in found:
            if other == kind:
                said = words.format(factor(station, one.mark)) if kind == MULTIPLE else words
                return f"It has {station.name} {said}: look at {place(one)} and before it."
    return ""


def place(seen: Seen) -> str:
    """A line of the student's."""
    by = f", by {seen.helper}" if seen.helper else ""
    return f"line {seen.line} of {seen.function}{by}{f', {quoted(seen.text)},' if seen.text else ''}"


def from_on(seen: Seen) -> str:
    """The line that comes behind a place, if it is known."""
    return f", from {quoted(seen.following)} on" if seen.following else ""


def quoted(text: str) -> str:
    """A line of code in a sentence."""
    return f"`{text}`"
