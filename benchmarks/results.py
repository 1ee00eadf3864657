"""What a run of benchmarks.speed finds out, as one JSON object and as tables."""

import json
from dataclasses import asdict, dataclass, field
from statistics import median

from benchmarks.accuracy import Accuracy
from benchmarks.accuracy import table as accuracy_table
from benchmarks.contenders import EAGER, OURS, PEERS, PRODUCTS
from benchmarks.operations import Share
from benchmarks.peak_memory import Memory


@dataclass
class Timing:
    """The seconds of one contender's forward passes, round by round."""

    contender: str
    batch: int
    size: int
    threads: int
    seconds: list[float]

    @property
    def case(self) -> tuple[int, int, int]:
        """(batch, size, threads): what is timed together."""
        return self.batch, self.size, self.threads

    @property
    def median(self) -> float:
        """Seconds of one forward pass."""
        return median(self.seconds)

    @property
    def per_pixel(self) -> float:
        """Seconds for one pixel of one image."""
        return self.median / (self.batch * self.size ** 2)


@dataclass
class Results:
    """All that one run of the command finds out."""

    variant: str
    machine: dict[str, str]
    left_out: dict[str, str]                           # contender: the reason
    timings: list[Timing] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    profile: list[Share] = field(default_factory=list)
    accuracy: list[Accuracy] = field(default_factory=list)
    beside: list["Results"] = field(default_factory=list)               # other systems: times and memory only

    def by_case(self) -> dict[tuple[int, int, int], dict[str, Timing]]:
        """The timings by case and contender."""
        cases = {}
        for timing in self.timings:
            cases.setdefault(timing.case, {})[timing.contender] = timing
        return cases

    def ratio(self, timing: Timing, to: str) -> float | None:
        """The quotient of the medians of this contender and the one called `to`; None where that was left out."""
        other = self.by_case()[timing.case].get(to)
        return None if other is None else timing.median / other.median

    def fastest_peer(self, case: tuple[int, int, int]) -> str | None:
        """The eager peer whose median is least; None where none was run."""
        timings = self.by_case()[case]
        return min((name for name in PEERS if name in timings), key=lambda name: timings[name].median, default=None)

    def relative_per_pixel(self, timing: Timing) -> float:
        """The time per pixel relative to the same contender's at the first size, same batch and threads."""
        first = next(other for other in self.timings if (other.contender, other.batch, other.threads)
                     == (timing.contender, timing.batch, timing.threads))
        return timing.per_pixel / first.per_pixel

    def contenders(self) -> list[str]:
        """Their names, in the order in which they run."""
        return list(dict.fromkeys(timing.contender for timing in self.timings))


def as_json(results: Results) -> str:
    """One JSON object; the times come with their medians and ratios. Seconds and MiB."""
    return json.dumps(as_dict(results))


def as_dict(results: Results) -> dict:
    """The same as a dictionary."""
    found = asdict(results)
    for entry, timing in zip(found["timings"], results.timings, strict=True):
        fastest = results.fastest_peer(timing.case)
        entry |= {"median": timing.median, "to_pytorch_eager": results.ratio(timing, EAGER),
                  "fastest_peer": fastest, "to_fastest_peer": fastest and results.ratio(timing, fastest),
                  "to_matrix_products": results.ratio(timing, PRODUCTS),
                  "per_pixel_to_first_size": results.relative_per_pixel(timing)}
    for entry, memory in zip(found["memory"], results.memory, strict=True):
        entry["increase"] = memory.increase
    found["beside"] = [as_dict(other) for other in results.beside]
    return found


def table(head: list[str], rows: list[list]) -> str:
    """Markdown; None is an empty cell."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines)


def milliseconds(seconds: float | None) -> str | None:
    """With one decimal."""
    return None if seconds is None else f"{1000 * seconds:.1f}"


def quotient(value: float | None) -> str | None:
    """With two decimals."""
    return None if value is None else f"{value:.2f}"


def time_table(results: Results) -> str:
    """One row a case: the medians, the fastest eager peer, and ours relative to it, to PyTorch eager, to the floor."""
    names, rows = results.contenders(), []
    others = [name for name in (EAGER, PRODUCTS) if name in names]
    several = len([name for name in PEERS if name in names]) > 1
    for case, timings in results.by_case().items():
        ours, fastest = timings[OURS], results.fastest_peer(case)
        rows.append([*case, len(ours.seconds),
                     *(milliseconds(timings[name].median) if name in timings else None for name in names),
                     *((fastest, fastest and quotient(results.ratio(ours, fastest))) if several else ()),
                     *(quotient(results.ratio(ours, name)) for name in others)])
    return table(["batch", "size", "threads", "rounds", *(f"{name}, ms" for name in names),
                  *(("fastest eager peer", f"{OURS} / fastest") if several else ()),
                  *(f"{OURS} / {name}" for name in others)], rows)


def growth_table(results: Results) -> str:
    """Our time per pixel of every system that was timed at several sizes, relative to its first size.

    1.00 at all sizes is linear in the pixels; what is quadratic in them doubles with them.
    """
    systems = [results, *(other for other in results.beside if len({t.size for t in other.timings}) > 1)]
    rows = []
    for case in results.by_case():
        timings = [system.by_case().get(case, {}).get(OURS) for system in systems]
        if all(timings) and case[0] == results.timings[0].batch:
            rows.append([*case, *(quotient(system.relative_per_pixel(timing))
                                  for system, timing in zip(systems, timings, strict=True))])
    return table(["batch", "size", "threads", *(system.variant for system in systems)], rows)


def per_pixel_table(results: Results) -> str:
    """One row a size and number of threads: the time per pixel relative to the first size."""
    names, batch = results.contenders(), results.timings[0].batch
    return table(["batch", "size", "threads", *names],
                 [[*case, *(quotient(results.relative_per_pixel(timings[name])) if name in timings else None
                            for name in names)]
                  for case, timings in results.by_case().items() if case[0] == batch])


def memory_table(results: Results) -> str:
    """One row a case and contender, with the peak relative to PyTorch eager's."""
    eager = {(memory.batch, memory.size): memory.peak for memory in results.memory if memory.contender == EAGER}
    return table(["batch", "size", "threads", "contender", "loaded, MiB", "peak, MiB", "increase, MiB",
                  f"peak / {EAGER}"],
                 [[memory.batch, memory.size, memory.threads, memory.contender, f"{memory.loaded:.0f}",
                   f"{memory.peak:.0f}", f"{memory.increase:.0f}",
                   quotient(memory.peak / eager[memory.batch, memory.size])] for memory in results.memory])


def profile_table(results: Results) -> str:
    """One row a case and kind of operation."""
    whole = {}
    for share in results.profile:
        case = (share.batch, share.size)
        whole[case] = whole.get(case, 0.0) + share.seconds
    return table(["batch", "size", "kind", "ms", "share", "its products alone, ms"],
                 [[share.batch, share.size, share.kind, milliseconds(share.seconds),
                   f"{100 * share.seconds / whole[share.batch, share.size]:.0f} %", milliseconds(share.products)]
                  for share in results.profile])


def report(results: Results) -> str:
    """All tables, each under its heading."""
    lines = [f"# {results.variant}", "", *(f"{name}: {value}" for name, value in results.machine.items()),
             *(f"{name} is left out: {reason}" for name, reason in results.left_out.items())]
    for heading, text in [
            ("Time of one forward pass, medians", time_table(results)),
            ("Time per pixel relative to the first size", per_pixel_table(results)),
            ("Resident memory, each in a fresh process", memory_table(results)),
            (f"Profile of {OURS} on one thread", profile_table(results)),
            ("Accuracy against float64", accuracy_table(results.accuracy))]:
        lines += ["", f"## {heading}", "", text]
    for other in results.beside:
        lines += ["", f"## {other.variant}: time of one forward pass, medians", "", time_table(other)]
        if other.memory:
            lines += ["", memory_table(other)]
    if results.beside:
        lines += ["", f"## Linear or quadratic: {OURS}'s time per pixel relative to the first size", "",
                  growth_table(results)]
    return "\n".join(lines)
