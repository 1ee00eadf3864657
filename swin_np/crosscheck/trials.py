"""Trials: the reference with mistakes of the catalogue planted, run on the candidate's own numbers."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager

import numpy as np

from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.compare import excess
from swin_np.crosscheck.evidence import MASKED_SCORES, Evidence
from swin_np.crosscheck.isolate import isolated, units
from swin_np.crosscheck.noise import Rounding, rounding_of, tolerance
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.mistakes.catalogue import catalogue_for, planted
from swin_np.mistakes.mistake import Mistake

Planting = tuple[str, ...]                             # names of mistakes, planted together

NEAR = 1e3                                             # times the tolerance
AS_GOOD = 2.0                                          # explanations within this factor of the best are not told apart


def in_model(model: Module) -> dict[str, Mistake]:
    """The mistakes of a model by name, without those of its images."""
    return {name: entry for name, entry in catalogue_for(model).items() if entry.modules != "input"}


def as_good_as_the_best(excesses: dict[Planting, float]) -> list[Planting]:
    """Those that leave an error within the tolerance, and one about as small as the smallest."""
    best = min(excesses.values(), default=np.inf)
    return [planting for planting, excess in excesses.items() if excess <= min(1, AS_GOOD * best)]


class Trials:
    """Runs of the reference with mistakes planted, as many as it takes; each is made only once.

    A run begins at the last point before the unit that the candidate gives, and goes up to the end of the unit. When
    the clock has run out there are no runs any more, as if nothing explained anything.
    """

    def __init__(self, reference: Reference, evidence: Evidence, clock: Clock):
        self.reference, self.evidence, self.clock = reference, evidence, clock
        self.mistakes = in_model(reference.model)
        self.chain = units(reference.model)
        self.outputs = {number: name for number, unit in enumerate(self.chain) for name in unit.outputs
                        if name in evidence.given}     # the last counts: behind the head comes the model's output
        self.results = {name: evidence.given[name] for name in self.outputs.values()}
        self.known: dict[tuple[int, Planting, bool, str], dict[str, float]] = {}

    def compatible(self, planting: Planting) -> bool:
        """Whether all mistakes are different and change different functions."""
        return len({self.mistakes[name].replaces for name in planting}) == len(planting)

    def excesses(self, unit: int, planting: Planting, coarse: bool = False, until: str = "") -> dict[str, float]:
        """The error over the tolerance at every point of a run up to the unit, with these mistakes.

        coarse: only the outputs of units are taken from the candidate, not the points inside them. until: the point
        after which to stop.
        """
        key = unit, tuple(sorted(planting)), coarse, until
        if key not in self.known:
            if self.clock.over():
                return {}
            values = self.run(self.reference.model, *key)
            found = {name: self.excess(name, value, self.evidence.allowed[name]) for name, value in values.items()}
            if any(1 < each < NEAR for each in found.values()):        # the mistake may round more coarsely
                single = self.run(self.reference.single, *key)
                found |= {name: min(found[name], self.excess(name, value, tolerance(
                    rounding_of(single[name], value), self.evidence.precision).plus(self.evidence.floor[name])))
                    for name, value in values.items() if name in single and np.isfinite(value).all()}
            self.known[key] = found
        return self.known[key]

    def run(self, model: Module, unit: int, planting: Planting, coarse: bool, until: str) -> dict[str, Array]:
        """What the model makes of the candidate's numbers with these mistakes; nothing where they cannot be made."""
        first = self.evidence.first_unit[unit]
        x = self.evidence.images if first == 0 else self.evidence.inputs[first]
        given = self.results if coarse else self.evidence.given
        with self.changing(model, planting):
            try:
                return isolated(model, x, given, first, unit, until).values
            except (ValueError, IndexError):           # of sizes that the mistake does not bear
                return {}

    def changing(self, model: Module, planting: Planting) -> AbstractContextManager[None]:
        """The context in which a model computes with these mistakes."""
        return planted(*(self.mistakes[name] for name in planting))

    def excess(self, name: str, value: Array, allowed: Rounding) -> float:
        """The error over the tolerance at one point; where a mistake makes larger numbers it rounds more coarsely."""
        masked, scale = name.endswith(MASKED_SCORES), float(np.abs(self.evidence.truth[name]).max())
        if scale and not masked and np.isfinite(value).all():
            allowed = allowed.scaled(max(1.0, float(np.abs(value).max()) / scale))
        return excess(self.evidence.given[name], value.reshape(self.evidence.given[name].shape), allowed, masked)

    def up_to(self, name: str, planting: Planting) -> float:
        """The error over the tolerance at a point, whatever the mistakes do elsewhere."""
        return self.excesses(self.evidence.unit[name], planting, until=name).get(name, np.inf)

    def at(self, name: str, planting: Planting) -> float:
        """The error over the tolerance at a point; infinite if the mistakes break a point that was right."""
        if self.up_to(name, planting) > 1:             # the rest of the run is not needed
            return np.inf
        found = self.excesses(self.evidence.unit[name], planting)
        return np.inf if self.count_broken(found) else found[name]

    def count_broken(self, excesses: dict[str, float]) -> int:
        """How many of the points are right on their own and beyond the tolerance in a run."""
        return sum(excess > 1 and self.evidence.alone[name].agrees for name, excess in excesses.items())

    def broken(self, planting: Planting) -> int:
        """How many points that are right on their own the mistakes would break, in all the model."""
        found: dict[str, float] = {}
        for unit in sorted(set(self.evidence.unit.values())):
            found |= self.excesses(unit, planting)
        return self.count_broken(found)

    def moves(self, name: str, mistake: str) -> bool:
        """Whether a mistake changes anything at this point."""
        without = self.up_to(name, ())
        return abs(self.up_to(name, (mistake,)) - without) > 1e-6 * without

    def explaining(self, name: str, plantings: Iterable[Planting]) -> list[Planting]:
        """Those that bring the point within its tolerance, and are about as near as the nearest."""
        return as_good_as_the_best({planting: self.at(name, planting) for planting in plantings})

    def single(self, name: str) -> list[Planting]:
        """The mistakes that explain the point alone: those of its own module, or else those before it in the run."""
        here, upstream = self.possible(name)
        return self.explaining(name, here) or self.explaining(name, upstream)

    def possible(self, name: str) -> tuple[list[Planting], list[Planting]]:
        """(the mistakes that show first at the point's own module, those that do between it and the point before)."""
        own, within = self.reference.module_of(name), self.modules_behind(name)
        here = [(key,) for key, entry in self.mistakes.items() if re.fullmatch(entry.modules, own)]
        upstream = [(key,) for key, entry in self.mistakes.items() if (key,) not in here
                    and any(re.fullmatch(entry.modules, module) for module in within)]
        return here, upstream

    def behind(self, name: str, mistake: Mistake) -> tuple[str, ...]:
        """The module, if any, between a point and the one before it at which a mistake can show."""
        fitting = [module for module in self.modules_behind(name) if re.fullmatch(mistake.modules, module)]
        return tuple(fitting[:1])

    def modules_behind(self, name: str) -> list[str]:
        """The modules of the stretch that ends with a point's unit."""
        last = self.evidence.unit[name]
        parts = [part for unit in self.chain[self.evidence.first_unit[last]:last + 1] for part in unit.parts]
        modules = [*(module for module, _ in self.reference.model.named_modules()), "output"]
        return [module for part in parts for module in modules if module == part or module.startswith(f"{part}.")]

    def from_outside(self, unit: int, planting: Planting) -> float:
        """The error over the tolerance at the result of a unit, whatever its points inside are."""
        return self.excesses(unit, planting, coarse=True).get(self.outputs[unit], np.inf)

    def explaining_from_outside(self, name: str, plantings: Iterable[Planting] | None = None) -> list[Planting]:
        """The mistakes that explain the result of the point's unit, although its points inside do not fit.

        A port that makes a mistake by other means may show other numbers inside. plantings: those to try (default: all
        single mistakes that can show there).
        """
        unit = self.evidence.unit[name]
        points_of_unit = [other for other in self.evidence.alone if self.evidence.unit[other] == unit]
        if unit not in self.outputs or len(points_of_unit) == 1 or self.from_outside(unit, ()) <= 1:
            return []
        if plantings is None:
            plantings = [planting for part in self.possible(self.outputs[unit]) for planting in part]
        return as_good_as_the_best({planting: self.from_outside(unit, planting) for planting in plantings})
