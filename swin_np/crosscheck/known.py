"""What is known of a candidate while its tensors are matched: the points so far, and runs of the reference on them."""

from dataclasses import dataclass, field, replace

import numpy as np

from swin_np.crosscheck.candidates import Named
from swin_np.crosscheck.chains import Passed
from swin_np.crosscheck.compare import CLOSE, excess
from swin_np.crosscheck.contents import Match, Tensors
from swin_np.crosscheck.evidence import MASKED_SCORES
from swin_np.crosscheck.isolate import by_name, result_of, units
from swin_np.crosscheck.layouts import align
from swin_np.crosscheck.noise import Rounding, root_mean_square, tolerance
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array
from swin_np.layers import editing, names_of_modules, step_name
from swin_np.parallel.pool import uncut

NAMELESS = "no known library, so its tensors were matched by their values"


@dataclass
class Known:
    """The points of a candidate that are known so far, first those that names tell.

    points: the candidate's numbers in the reference's shapes, float64, by official name. arrays: the same as the
    candidate has them. theirs: their names. by_names: the points of which nothing but the name has told so far.
    """

    reference: Reference
    tensors: Tensors
    found: Named
    points: dict[str, Array] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    by_names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chain = units(self.reference.model)
        self.names = names_of_modules(self.reference.model)
        self.modules = dict(self.reference.model.named_modules())
        for name, value in self.found.points.items():
            if name not in self.found.unfit and name != "input":
                axes = self.reference.axes[name]
                array = align(value, self.reference.points[name].reshape(axes.shape), axes)[1]
                self.points[name] = array.astype(np.float64).reshape(self.reference.points[name].shape)
                self.theirs[name], self.arrays[name] = self.found.theirs[name], value
        self.by_names = set(self.points)

    def accept(self, name: str, match: Match) -> None:
        """Take a tensor for a point."""
        self.points[name] = match.value.reshape(self.reference.points[name].shape)
        self.theirs[name], self.arrays[name] = match.theirs, self.tensors.arrays[match.theirs]
        self.by_names.discard(name)

    def allowed(self, name: str, value: Array) -> Rounding:
        """The tolerance of a point; larger numbers round more coarsely."""
        size = root_mean_square(self.reference.points[name])
        factor = max(1.0, root_mean_square(value) / size) if size and np.isfinite(value).all() else 1.0
        return tolerance(self.reference.rounding[name], self.tensors.precision).scaled(factor)

    def nearest(self, name: str, value: Array) -> Match | None:
        """The tensor that is the point, if its value is this."""
        if not np.isfinite(value).all():
            return None
        axes = self.reference.axes[name]
        return self.tensors.nearest(value.reshape(axes.shape), axes, self.allowed(name, value),
                                    name.endswith(MASKED_SCORES))

    def fitting(self, name: str, value: Array) -> list[tuple[float, Match]]:
        """Every tensor that the point can be by its shape, with its distance from this value, the nearest first."""
        axes = self.reference.axes[name]
        return sorted(self.tensors.fitting(value.reshape(axes.shape), axes), key=lambda each: each[0])

    def is_far(self, name: str, theirs: Array, value: Array) -> bool:
        """Whether an array is surely no rounding of the value that a point should have; both of one shape."""
        return not self.excess(name, theirs, value) <= CLOSE

    def excess(self, name: str, theirs: Array, value: Array) -> float:
        """The error of an array over the tolerance, against the value that a point should have."""
        return excess(theirs, value, self.allowed(name, value), name.endswith(MASKED_SCORES))

    def is_named(self, theirs: str) -> bool:
        """Whether a tensor is a point by its name: then it is not another point as well, which nobody gave."""
        return any(self.theirs[name] == theirs for name in self.by_names)

    def is_taken(self, theirs: str) -> bool:
        """Whether a tensor, or a copy of it, is a point already."""
        return any(self.tensors.copies(theirs, other) for each in self.theirs.values() for other in each.split(", "))

    def is_right(self, name: str, value: Array) -> bool:
        """Whether the candidate gives a point, by its name or by a tensor that is none yet, and it has this value."""
        if name in self.points:
            return name in self.by_names and not self.is_far(name, self.points[name], value)
        match = self.nearest(name, value)
        return match is not None and not self.is_taken(match.theirs)

    def run(self, number: int, x: Passed, given: dict[str, Array]) -> tuple[dict[str, Array], Passed]:
        """(what a unit makes at each of its points, of the `given` before it; its result)."""
        values: dict[str, Array] = {}

        def seen(name: str, value: Array) -> Array:
            values.setdefault(name, value.copy())
            known = given.get(name)
            return value if known is None else np.array(known.reshape(value.shape), value.dtype, order="C")

        def change(module: object, step: str, value: Array | list[Array]) -> Array | list[Array]:
            if id(module) not in self.names:
                return value
            return by_name(seen, step_name(self.names[id(module)], step), value)

        def result(name: str, value: Array) -> Array:
            return value if name in values else seen(name, value)

        with editing(change), uncut(), np.errstate(all="ignore"):
            y = result_of(self.chain[number], x, result)
        return {name: values[name] for name in values if name in self.reference.axes}, y

    def named(self, extra: list[str]) -> Named:
        """All points in the order of computation. extra: names of tensors that are to be mentioned if they are none."""
        found, points, theirs = self.found, {}, {}
        dialect = found.dialect if found.points.keys() - {"output"} else NAMELESS
        for name in self.reference.points:
            if name in self.arrays:
                points[name], theirs[name] = self.arrays[name], self.theirs[name]
            elif name in found.unfit or (name == "input" and name in found.points):
                points[name], theirs[name] = found.points[name], found.theirs[name]
        return replace(found, points=points, theirs=theirs, dialect=dialect,
                       extra=[name for name in extra if not self.is_taken(name)],
                       unfit=[name for name in found.unfit if name not in self.arrays])
