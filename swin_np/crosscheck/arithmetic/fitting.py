"""Which arithmetic a candidate has: the one whose emulation rounds as the candidate does, number by number."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.arithmetic.emulation import emulated
from swin_np.crosscheck.arithmetic.formats import OF_RESULTS
from swin_np.crosscheck.arithmetic.schemes import Arithmetic, neighbours, usual
from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.compare import forbidden_alike
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence
from swin_np.crosscheck.isolate import isolated, units
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array

SAME_SIDE = 0.7                                        # of the noise: nearer to the emulation than to the truth
OTHER_SIDE = 2.0                                       # of the noise: two that are independent differ by 2^1/2 of it
FEW_POINTS, ALIKE = 3, 2.0                             # times as large or as small
FEW_VALUES, SURELY = 500, 0.3                          # at a point; of the noise, where it has fewer
FEWEST_STORED, MOSTLY = 3, 0.5                         # points in 16 bits, and of all
FAR = 3                                                # units between two points: a run of them takes long
MOST_UNITS = 3                                         # in which the arithmetics are tried
ENOUGH = 0.1                                           # of the error is left: there is nothing to look for any more
BETTER = 0.01                                          # of the error, at the mean of the points


@dataclass(frozen=True)
class Left:
    """What an emulation leaves of the error at a point: over that error, and over the emulated one.

    surely: whether little must be left, as of few values, or of an arithmetic whose errors look like a mistake's.
    """

    of_error: float
    of_noise: float
    surely: bool

    @property
    def explained(self) -> bool:
        """A mistake is no rounding: no emulation is nearer to it, number by number, than to the truth.

        Of a few numbers one of many emulations may be so by chance.
        """
        return max(self.of_noise, self.of_error) <= (SURELY if self.surely else SAME_SIDE)


class Fitting:
    """The search for an arithmetic that explains points which differ in float32; every one is tried once."""

    def __init__(self, reference: Reference, evidence: Evidence, clock: Clock):
        self.reference, self.evidence, self.clock = reference, evidence, clock
        self.failing = {evidence.unit[name] for name in evidence.failing}
        self.units = spread(sorted(self.failing))
        self.far = any(unit - evidence.first_unit[unit] >= FAR for unit in self.units)
        self.known: dict[Arithmetic, dict[str, Left]] = {}

    def best(self, progress: Callable[[str], None]) -> Arithmetic | None:
        """The one that leaves least, first among the usual ones, then among its neighbours; None if none explains.

        Numbers that are nearly all stored in 16 bits tell by themselves that the candidate computes so.
        """
        candidates = list(usual())
        progress(f"trying {len(candidates)} arithmetics in {len(self.units)} modules")
        best = max(candidates, key=self.worth)
        while self.worth(best) < 1 - ENOUGH:
            nearer = max(neighbours(best), key=self.worth)
            if self.worth(nearer) < self.worth(best) + BETTER:
                break
            best = nearer
        if any(left.explained for left in self.left(best).values()):
            return best
        count = Counter(self.evidence.stored.values())
        return next((Arithmetic.whole(each) for each in OF_RESULTS
                     if count[each.name] >= max(FEWEST_STORED, MOSTLY * count.total())), None)

    def alike(self) -> list[str]:
        """The usual arithmetics whose noise is about as large as the error, where few points tell no more than that."""
        if len(self.evidence.alone) > FEW_POINTS:
            return []
        return [arithmetic.name for arithmetic in usual() if (found := self.left(arithmetic)) and all(
            left.of_error < np.inf and left.of_noise / ALIKE < left.of_error < left.of_noise * ALIKE
            for left in found.values())]

    def slack(self, arithmetic: Arithmetic) -> float:
        """How far correct numbers may be from the emulated ones, over the noise.

        Where the emulation leaves little at most points the candidate rounds to the same side; otherwise its noise is
        as large, and another one.
        """
        left = [left.of_noise for unit in sorted(self.failing) for left in self.of_unit(unit, arithmetic).values()]
        return SAME_SIDE if np.median(left) <= SURELY else OTHER_SIDE

    def worth(self, arithmetic: Arithmetic) -> float:
        """How much of the error it takes away, at the mean of the points; nothing where it adds to it."""
        return float(np.mean([1 - min(left.of_error, 1.0) for left in self.left(arithmetic).values()] or [0.0]))

    def left(self, arithmetic: Arithmetic) -> dict[str, Left]:
        """What is left at each point of the units that are tried, of those that differ."""
        if arithmetic not in self.known:
            if self.far and self.clock.over():         # a verdict depends on no clock where the place is known
                return {}
            self.known[arithmetic] = {name: left for unit in self.units
                                      for name, left in self.of_unit(unit, arithmetic).items()}
        return self.known[arithmetic]

    def of_unit(self, unit: int, arithmetic: Arithmetic) -> dict[str, Left]:
        """What is left at each point of a unit, of those that differ."""
        return {name: self.left_at(name, value, arithmetic.biased) for name, value in self.run(unit, arithmetic).items()
                if self.evidence.unit[name] == unit and name in self.evidence.failing}

    def run(self, unit: int, arithmetic: Arithmetic) -> dict[str, Array]:
        """The points of a unit, emulated from the candidate's last numbers before it on."""
        first, chain = self.evidence.first_unit[unit], units(self.reference.single)
        parts = [part for number in range(first, unit + 1) for part in chain[number].parts]
        twin = emulated(self.reference.single, arithmetic, lambda module: any(
            module == part or module.startswith(f"{part}.") for part in parts))
        x = self.evidence.images if first == 0 else self.evidence.inputs[first]
        return isolated(twin, x, self.evidence.given, first, unit).values

    def left_at(self, name: str, value: Array, biased: bool) -> Left:
        evidence, value = self.evidence, value.astype(np.float64)
        given, truth = evidence.given[name], evidence.truth[name]
        if name.endswith(MASKED_SCORES):
            given, truth, value = forbidden_alike(given), forbidden_alike(truth), forbidden_alike(value)
        noise, error = root_mean_square(value - truth), root_mean_square(given - truth)
        rest = root_mean_square(given - value)
        if not np.isfinite(rest) or noise <= evidence.allowed[name].typical - evidence.floor[name].typical:
            return Left(np.inf, np.inf, True)
        return Left(rest / error, rest / noise, biased or given.size < FEW_VALUES)


def spread(numbers: list[int]) -> list[int]:
    """At most three of them, the first and the last included."""
    places = np.linspace(0, len(numbers) - 1, min(MOST_UNITS, len(numbers))).round().astype(int)
    return [numbers[place] for place in dict.fromkeys(places.tolist())]
