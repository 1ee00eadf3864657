"""The report of a cross-check: every point, what is wrong, and both as text and as JSON."""

import math
from dataclasses import asdict, dataclass, field

from swin_np.crosscheck.arithmetic.schemes import Arithmetic
from swin_np.crosscheck.compare import Difference
from swin_np.crosscheck.layouts import Axes
from swin_np.crosscheck.noise import LARGEST_FACTOR, SIXTEEN_BITS, TYPICAL_FACTOR, usual_precision
from swin_np.functional import Array
from swin_np.mistakes.mistake import Mistake
from swin_np.text import printable

SCHEMA = 2                                             # of the JSON: another number where a field changes its meaning
ROW = "{:{names}}  {:<9}{:>9}{:>9}{:>12}{:>9}  {:{layouts}}  {}"


@dataclass(frozen=True)
class Point:
    """One compared point.

    name: the official one; theirs: the candidate's; layout: of the candidate's array. whole: the difference of the two
    whole runs. alone: the same where the reference was run on the candidate's own input to this module; None without a
    model.
    """

    name: str
    theirs: str
    layout: str
    whole: Difference
    alone: Difference | None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    kind: "mistake" (of the catalogue), "input", "configuration", "weights", "solved" (a scale, sign, permutation, ...),
        "nan", "shape", or "unexplained".
    module: where it shows first; modules: all that have it. mistake: its name in the catalogue, or a short name of the
    kind; alternatives: mistakes that give the same numbers here. sentence: what is wrong; fix: what to do; place: in
    the paper.
    """

    kind: str
    module: str
    modules: tuple[str, ...]
    mistake: str
    sentence: str
    fix: str = ""
    place: str = ""
    alternatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, mistake: Mistake, modules: tuple[str, ...], alternatives: tuple[str, ...] = ()) -> "Finding":
        """The finding for a mistake of the catalogue at these modules."""
        return cls("mistake", modules[0], modules, mistake.name, mistake.says, mistake.fix, mistake.place, alternatives)


@dataclass(frozen=True)
class Divergence:
    """Both arrays of the first point beyond rounding, every axis apart.

    ours: the reference's; theirs: the candidate's. of_module: whether ours is what the module makes of the candidate's
    own input to it, as where no point of the whole run is wrong.
    """

    name: str
    ours: Array
    theirs: Array
    axes: Axes
    of_module: bool


@dataclass(frozen=True)
class Noise:
    """The model of a candidate's rounding.

    computing: "float32" or "float64", in which sums are made. arithmetic: what it rounds beside, `FLOAT32` where
    nothing. stored: in which precision each point is kept, where its numbers tell. expected: where it rounds more, the
    error that this makes in a whole run, by point, as root mean square over the reference's. slack: how far correct
    numbers may be from emulated ones, over the noise.
    """

    computing: str
    arithmetic: Arithmetic
    stored: dict[str, str]
    expected: dict[str, float] = field(default_factory=dict)
    slack: float = 0.0

    @property
    def precision(self) -> str:
        """In which most points are stored."""
        return usual_precision(self.stored)

    @property
    def sentence(self) -> str:
        """What the candidate's numbers tell of how it computes."""
        computed = self.arithmetic.name if self.expected else self.computing
        kept = [name for name, precision in self.stored.items() if precision in SIXTEEN_BITS]
        if not kept or self.arithmetic.name in SIXTEEN_BITS:
            return f"The candidate's arithmetic is {computed}"
        which = (f"its numbers are stored in {self.precision}" if self.precision in SIXTEEN_BITS else
                 f"{len(kept)} of its points are stored in 16 bits, first {kept[0]} in {self.stored[kept[0]]}")
        return f"The candidate's arithmetic is {computed}; {which}"

    def to_json(self) -> dict[str, object]:
        return {"computing": self.computing, "arithmetic": self.arithmetic.name,
                "stored": {name: each for name, each in self.stored.items() if each in SIXTEEN_BITS},
                "expected": self.expected, "slack": self.slack,
                "largest_factor": LARGEST_FACTOR, "typical_factor": TYPICAL_FACTOR}


@dataclass(frozen=True)
class Report:
    """The result of a cross-check.

    verdict: "agree" or "differ". first: the first point beyond rounding in the whole run, or None. dialect: whose names
    the candidate uses. notes: what else is worth knowing. error_map: a point's name and the largest error of
    each of its tokens, of the first point on a map that is wrong. divergence: the arrays of the first that is wrong at
    all, where there is one. next: points to dump as well, where it is left open what is wrong.
    """

    verdict: str
    first: str | None
    noise: Noise
    dialect: str
    points: list[Point]
    findings: list[Finding]
    notes: list[str] = field(default_factory=list)
    error_map: tuple[str, Array] | None = None
    divergence: Divergence | None = None
    next: tuple[str, ...] = ()

    @property
    def precision(self) -> str:
        """In which most of the candidate's numbers are stored."""
        return self.noise.precision

    def to_json(self) -> dict[str, object]:
        """The same as plain objects, for json.dumps; numbers that JSON does not have are None."""
        return plain({"schema": SCHEMA, "verdict": self.verdict, "first": self.first, "dialect": self.dialect,
                      "precision": self.noise.precision, "noise": self.noise.to_json(),
                      "points": [asdict(point) for point in self.points],
                      "findings": [asdict(finding) for finding in self.findings], "notes": self.notes,
                      "next": list(self.next)})

    def lines(self) -> list[str]:
        """The same as text: a table of the points, then the findings."""
        lines = [f"{self.noise.sentence}. Its names are those of {self.dialect}.", "", *self.table()]
        lines += ["", *(f"Note: {note}" for note in self.notes), *[""] * bool(self.notes), self.summary()]
        for number, finding in enumerate(self.findings, start=1):
            lines += ["", f"{number}. {finding.sentence}"]
            lines += [f"   {label}: {text}" for label, text in (
                ("where", modules_in_words(finding.modules)), ("fix", finding.fix), ("paper", finding.place),
                ("not told apart here from", ", ".join(finding.alternatives))) if text]
        lines += ["", self.what_next] * bool(self.next)
        return [printable(line) for line in lines]

    @property
    def what_next(self) -> str:
        """Which points to dump as well, in a sentence; empty where nothing is left open."""
        points = ", ".join(self.next)
        return f"Next: dump {points} too and compare again: that divides what is left open." if points else ""

    def summary(self) -> str:
        """The verdict as a sentence."""
        noise = self.noise
        if self.verdict == "differ":
            beyond = f" beyond the noise of {noise.arithmetic.name}" if noise.expected else ""
            return f"They differ{beyond}. First point beyond rounding: {self.first or 'none in the whole run'}."
        if not noise.expected:
            return f"They agree: {len(self.points)} points are within the rounding of {noise.arithmetic.name}."
        last = self.points[-1]
        return (f"They agree: {len(self.points)} points are within the noise of {noise.arithmetic.name}. "
                f"{last.name} is off by {100 * last.whole.relative:.2g} %, an emulation of that arithmetic by "
                f"{100 * noise.expected[last.name]:.2g} %.")

    def table(self) -> list[str]:
        """A line for every point."""
        rows = [("point", "verdict", "largest", "mean", "error/tol.", "alone", "layout", "where")]
        for point in self.points:
            whole, alone = point.whole, "" if point.alone is None else f"{point.alone.excess:.2g}"
            rows.append((point.name, whole.verdict, f"{whole.largest:.1e}", f"{whole.mean:.1e}",
                         f"{whole.excess:.2g}", alone, point.layout, "" if whole.agrees else whole.where.phrase))
        widths = {"names": max(len(row[0]) for row in rows), "layouts": max(len(row[6]) for row in rows)}
        return [ROW.format(*row, **widths).rstrip() for row in rows]


def modules_in_words(modules: tuple[str, ...]) -> str:
    """At most three names, and how many there are."""
    more = f" and {len(modules) - 3} more modules" if len(modules) > 3 else ""
    return ", ".join(modules[:3]) + more


def plain(value: object) -> object:
    """The value with tuples as lists and with None for NaN and infinity."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
