"""What more threads give, and what the interpreter's lock takes of it: measured, and by the model of benchmarks.lock.

The calls of a forward pass are recorded on one thread, and simulated on any number of them, with the lock and without
it; as many threads as there are cores are measured too. The same runs on a free-threaded Python, where PYTHON_GIL=1
brings the lock back.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from statistics import median
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.contenders import draw_images
from benchmarks.lock import Call, Costs, Outcome, simulate
from benchmarks.machine import machine
from benchmarks.outputs import add_json, check_json, give, whole_number
from benchmarks.progress import Progress
from benchmarks.recorded_calls import RUNS, recorded
from benchmarks.results import milliseconds, quotient, table
from swin_np import VARIANTS, SwinError, SwinTransformer, threads
from swin_np.arguments.names import check_name
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.parallel.pool import default_threads

EXAMPLE = """example:
  python -m benchmarks.scaling --threads 1 2 4 8 --batches 1 2 4 8 16 32
"""

SIZE = 224                                             # pixels a side
ELEMENTS = (10_000, 50_000, 100_000, 1_000_000)        # of the arrays that two threads multiply
ROUND = 400_000_000                                    # elements that each of them multiplies in one measurement
TIMES = 2000                                           # that a thread is woken, or a tiny call made, in one measurement
TINY = np.ones(1, np.float32)


@dataclass
class Contest:
    """Two threads that multiply arrays of their own: their rate together, relative to one thread's alone."""

    elements: int
    measured: float
    simulated: float


@dataclass
class Case:
    """A batch on a number of threads: one pass with the lock and without, and in seconds if there are cores for it."""

    batch: int
    threads: int
    locked: Outcome
    unlocked: Outcome
    measured: float | None


@dataclass
class Results:
    """All that one run of the command finds out."""

    variant: str
    machine: dict[str, str]
    lock: bool                                         # whether what is measured has one
    costs: Costs
    contests: list[Contest]
    cases: list[Case]

    def speed_up(self, case: Case, seconds: Callable[[Case], float | None]) -> float | None:
        """How much faster than the same batch on one thread; None where it was not measured."""
        one = next(seconds(other) for other in self.cases if (other.batch, other.threads) == (case.batch, 1))
        these = seconds(case)
        return None if one is None or these is None else one / these


def has_lock() -> bool:
    """Whether this interpreter lets one thread at a time run Python."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def seconds_of(work: Callable[[], Any]) -> float:
    """The median of a few calls, after one that warms up."""
    seconds = []
    for _ in range(RUNS + 1):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return median(seconds[1:])


def multiply(factors: Array, rounds: int) -> None:
    """One call of NumPy a round."""
    for _ in range(rounds):
        np.multiply(factors, factors, out=factors)


def together(works: list[Callable[[], None]]) -> None:
    """Each in a thread of its own, until all have ended."""
    started = [Thread(target=work) for work in works]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def measured_costs() -> Costs:
    """What threads cost on this machine: one hands the time to another one that sleeps, and waits until it has it."""
    there, back = SimpleQueue(), SimpleQueue()
    signals, wakes = [], []

    def ask() -> None:
        for _ in range(TIMES):
            start = perf_counter()
            there.put(start)
            signals.append(perf_counter() - start)
            back.get()

    def answer() -> None:
        for _ in range(TIMES):
            wakes.append(-there.get() + perf_counter())
            back.put(None)

    together([ask, answer])
    signal = median(signals)
    return Costs(signal, max(0.0, median(wakes) - signal), seconds_of(lambda: multiply(TINY, TIMES)) / TIMES)


def contest(elements: int, costs: Costs) -> Contest:
    """Two threads with such arrays, measured, and simulated from the times of each call of one thread."""
    rounds, ones = ROUND // elements, np.ones((2, elements), np.float32)

    def calls() -> list[Call]:
        stamps = [perf_counter()]
        for _ in range(rounds):
            multiply(ones[0], 1)
            stamps.append(perf_counter())
        return [Call(costs.call, max(0.0, seconds - costs.call)) for seconds in np.diff(stamps)]

    alone = seconds_of(lambda: multiply(ones[0], rounds))
    both = seconds_of(lambda: together([lambda row=row: multiply(row, rounds) for row in ones]))
    simulated = [simulate([[calls(), calls()]], count, costs, has_lock()).seconds for count in (1, 2)]
    return Contest(elements, 2 * alone / both, simulated[0] / simulated[1])


def measured_case(model: SwinTransformer, batch: int, count: int, costs: Costs) -> Case:
    """One pass, recorded for so many threads, simulated, and measured if there are cores for them."""
    images = draw_images(batch, SIZE)
    program = recorded(lambda: model(images), count, costs.call)

    def run() -> None:
        with threads(count):
            model(images)

    return Case(batch, count, simulate(program, count, costs), simulate(program, count, costs, locked=False),
                seconds_of(run) if count <= default_threads() else None)


def report(results: Results) -> str:
    """All tables, each under its heading."""
    costs, lock = results.costs, "with" if results.lock else "without"
    lines = [f"# {results.variant} at {SIZE}, measured {lock} the interpreter's lock", "",
             *(f"{name}: {value}" for name, value in results.machine.items()),
             f"to wake a thread takes {1e6 * costs.signal:.1f} us, and until it runs {1e6 * costs.wake:.1f} us more; a "
             f"call of NumPy holds the lock for {1e6 * costs.call:.2f} us",
             "", "## Two threads that multiply arrays: their rate to that of one", "",
             table(["elements", "measured", "simulated"], [
                 [f"{one.elements:,}", quotient(one.measured), quotient(one.simulated)] for one in results.contests]),
             "", "## Speed-up, and what the threads do with their time, by the model", "",
             table(["batch", "threads", "measured, ms", "with the lock, ms", "measured", "with the lock",
                    "without it", "computing", "holding the lock", "waiting for it", "waking others", "idle"],
                   [case_row(results, case) for case in results.cases])]
    return "\n".join(lines)


def case_row(results: Results, case: Case) -> list[str | None]:
    """A batch on a number of threads."""
    outcome = case.locked
    doing = (outcome.computing, outcome.holding, outcome.waiting, outcome.signalling, outcome.idle)
    return [str(case.batch), str(case.threads), milliseconds(case.measured), milliseconds(outcome.seconds),
            quotient(results.speed_up(case, lambda case: case.measured)),
            quotient(results.speed_up(case, lambda case: case.locked.seconds)),
            quotient(results.speed_up(case, lambda case: case.unlocked.seconds)),
            *(f"{100 * max(0.0, seconds) / (outcome.threads * outcome.seconds):.0f} %" for seconds in doing)]


def as_json(results: Results) -> str:
    """One JSON object, in seconds."""
    return json.dumps(asdict(results))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.scaling", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="swin_t", metavar="NAME", help="which model (default: swin_t)")
    parser.add_argument("--batches", nargs="+", type=whole_number, default=[1, 2, 4, 8, 16, 32], metavar="IMAGES",
                        help="images of a pass (default: 1 2 4 8 16 32)")
    parser.add_argument("--threads", nargs="+", type=whole_number, default=[1, 2, 4, 8], metavar="COUNT",
                        help="simulated threads; 1 is always among them (default: 1 2 4 8)")
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        check_name("variant", options.variant, VARIANTS)
        check_json(options.json)
        counts = sorted({1, *options.threads})
        steps = {(batch, count): f"batch {batch}, {count} thread{'s' * (count > 1)}"
                 for batch in options.batches for count in counts}
        progress = Progress({"costs": 5.0, **{step: 2.0 * batch + 0.5 for (batch, _), step in steps.items()}})
        progress("costs")
        costs = measured_costs()
        contests = [contest(elements, costs) for elements in ELEMENTS]
        model, cases = SwinTransformer.random(VARIANTS[options.variant]), []
        redraw(model, 0)
        for (batch, count), step in steps.items():
            progress(step)
            cases.append(measured_case(model, batch, count, costs))
        give(Results(options.variant, machine(), has_lock(), costs, contests, cases), options.json, as_json, report)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
