"""Partial credit: which share of an exercise's points each stage of its check is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor

from swin_np.arguments.names import check_name
from swin_np.errors import InputError
from swin_np.exercises.climbing import STAGES
from swin_np.exercises.result import ERROR, WRONG, Result

EXAMPLE = "shape=10,example=20,sizes=40"
DIGITS = 2                                             # of points, after the decimal point


@dataclass(frozen=True)
class Partial:
    """Percent of an exercise's points, by stage; what is left of 100 is for a function that is right."""

    percents: Mapping[str, float] = field(default_factory=dict)

    def credited(self, result: Result) -> Result:
        """The result with the points of the stages that a wrong function has passed; others as they are."""
        if result.outcome not in (WRONG, ERROR):
            return result
        percent = sum(self.percents.get(stage, 0) for stage in result.stages)
        return result.with_points(rounded_down(percent * result.possible / 100)) if percent else result


NOTHING = Partial()                                    # a wrong function gets no points


def rounded_down(points: float) -> float:
    """Points with few digits, whole ones as whole numbers."""
    kept = floor(points * 10 ** DIGITS + 1e-9) / 10 ** DIGITS
    return int(kept) if kept == int(kept) else kept


def partial_of(text: str) -> Partial:
    """What is written as "shape=10,example=20".

    Raises InputError for a stage that no check has, and for percents that cannot be.
    """
    percents: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        stage, _, number = (one.strip() for one in part.partition("="))
        check_name("stage", stage, STAGES)
        try:
            percent = float(number)
        except ValueError:
            raise InputError(f"--partial has {part!r}, expected a stage and its percent: {EXAMPLE}, for instance"
                             ) from None
        if not 0 <= percent <= 100:
            raise InputError(f"--partial gives {number} percent for {stage}, expected 0 to 100")
        if stage in percents:
            raise InputError(f"--partial gives two numbers for {stage}: give one")
        percents[stage] = percent
    if not percents:
        raise InputError(f"--partial names no stage, expected some of {', '.join(STAGES)}: {EXAMPLE}, for instance")
    if sum(percents.values()) > 100:
        raise InputError(f"--partial gives {sum(percents.values()):g} percent in all, expected 100 at most: what is "
                         "left is for a function that is right")
    return Partial(percents)
