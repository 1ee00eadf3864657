"""What the float64 truth costs: a pass in float64 to one in float32, with the vectorised `erf` and with `math.erf`.

All take turns in one process, with one image of the size of the model, on one thread and on all cores.
"""

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np

from benchmarks.contenders import draw_images
from benchmarks.machine import machine
from benchmarks.outputs import add_json, check_json, give
from benchmarks.results import milliseconds, quotient, table
from swin_np import VARIANTS, SwinError, SwinTransformer, functional, threads
from swin_np.arguments.names import check_name
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.parallel.pool import default_threads

EXAMPLE = """example:
  python -m benchmarks.float64 --variant swin_t
"""

ROUNDS = 7                                             # the first one warms up
WAYS = ("float32", "float64", "float64 with math.erf")


@dataclass
class Case:
    """The median seconds of each way on a number of threads."""

    threads: int
    seconds: dict[str, float]


@dataclass
class Results:
    """All that one run of the command finds out."""

    variant: str
    machine: dict[str, str]
    cases: list[Case]


def erf_one_by_one(x: Array) -> Array:
    """The error function of Python's math module, in float64."""
    return np.frompyfunc(math.erf, 1, 1)(x).astype(np.float64)


def seconds_of(model: SwinTransformer, images: Array) -> float:
    """One pass."""
    start = perf_counter()
    model(images)
    return perf_counter() - start


def measure(variant: str) -> Results:
    """The medians of all ways, on one thread and on all cores."""
    single = SwinTransformer.random(VARIANTS[variant])
    redraw(single, 0)
    double, images, cases = single.astype(np.float64), draw_images(1, single.config.img_size[0]), []
    for count in sorted({1, default_threads()}):
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        with threads(count):
            for number in range(ROUNDS):
                print(f"{count} thread{'s' * (count > 1)}: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
                seconds[WAYS[0]].append(seconds_of(single, images))
                seconds[WAYS[1]].append(seconds_of(double, images.astype(np.float64)))
                with patch.object(functional, "erf", erf_one_by_one):
                    seconds[WAYS[2]].append(seconds_of(double, images.astype(np.float64)))
        cases.append(Case(count, {way: median(times[1:]) for way, times in seconds.items()}))
    return Results(variant, machine(), cases)


def report(results: Results) -> str:
    """A table of times, each with its quotient to the float64 pass."""
    return "\n".join([f"# {results.variant}, one image", "",
                      *(f"{name}: {value}" for name, value in results.machine.items()), "",
                      table(["threads", *(f"{way}, ms" for way in WAYS), *(f"{way} / {WAYS[1]}" for way in WAYS)],
                            [[str(case.threads), *(milliseconds(case.seconds[way]) for way in WAYS),
                              *(quotient(case.seconds[way] / case.seconds[WAYS[1]]) for way in WAYS)]
                             for case in results.cases])])


def as_json(results: Results) -> str:
    """One JSON object, in seconds."""
    return json.dumps(asdict(results))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.float64", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="swin_t", metavar="NAME", help="which model (default: swin_t)")
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        check_name("variant", options.variant, VARIANTS)
        check_json(options.json)
        give(measure(options.variant), options.json, as_json, report)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
