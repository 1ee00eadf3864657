"""Where swin_np's time goes: one thread's time by kind of operation, measured around the functions of the library."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from unittest.mock import patch

from benchmarks.matrix_products import compute, matrix_products
from swin_np import SwinTransformer, attention, functional, patches, windows
from swin_np.functional import Array
from swin_np.parallel.pool import for_each, threads

KINDS = {                                              # "attention" includes scale, bias and mask, "linear" the bias
    "linear": [functional.linear],
    "attention": [attention.attention],
    "softmax": [functional.softmax],
    "GELU": [functional.gelu],
    "layer norm": [functional.layer_norm],
    "moving elements": [patches.patch_partition, patches.patch_merging, windows.window_partition,
                        windows.window_reverse, windows.cyclic_shift, windows.reverse_cyclic_shift,
                        attention.relative_position_bias],
}
REST = "the rest"                                      # residual sums, copies between parts, Python itself
RUNS = 5


@dataclass
class Share:
    """One kind's part of a forward pass on one thread, in seconds, medians of five.

    products: what its matrix products alone take, for the kinds that consist of them.
    """

    kind: str
    batch: int
    size: int
    seconds: float
    products: float | None


class Stopwatch:
    """Seconds by kind; while a function calls another one that is timed, only the inner one's time runs."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys([*KINDS, REST], 0.0)
        self.inside = []                               # of every running function: seconds spent in inner ones

    def timed(self, kind: str, function: Callable) -> Callable:
        """The same function, its time counted under `kind`."""
        def run(*inputs, **options):
            self.inside.append(0.0)
            start = perf_counter()
            try:
                return function(*inputs, **options)
            finally:
                elapsed = perf_counter() - start
                self.seconds[kind] += elapsed - self.inside.pop()
                if self.inside:
                    self.inside[-1] += elapsed

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time every function of KINDS, under whatever name the library's modules have imported it."""
        modules = [module for name, module in list(sys.modules.items()) if name.startswith("swin_np.")]
        with ExitStack() as stack:
            for kind, functions in KINDS.items():
                for function in functions:
                    for module in modules:
                        if vars(module).get(function.__name__) is function:
                            stack.enter_context(patch.object(module, function.__name__, self.timed(kind, function)))
            yield


def seconds_by_kind(model: SwinTransformer, images: Array) -> dict[str, float]:
    """One forward pass on one thread; the kinds add up to the whole."""
    stopwatch = Stopwatch()
    with threads(1), stopwatch.watching():
        stopwatch.timed(REST, model)(images)
    return stopwatch.seconds


def seconds_of_products(model: SwinTransformer, images: Array, kind: str) -> float:
    """The matrix products of one kind of layer alone, on one thread; the median of five."""
    products = matrix_products(model, images, (kind,))
    times = []
    for _ in range(RUNS + 1):
        start = perf_counter()
        for_each(compute, [products])                  # of a single part: only the BLAS keeps to one thread
        times.append(perf_counter() - start)
    return median(times[1:])                           # the first one warms up


def measure(model: SwinTransformer, images: Array) -> list[Share]:
    """The profile of the model on images (B, 3, H, W)."""
    runs = [seconds_by_kind(model, images) for _ in range(RUNS + 1)][1:]
    return [Share(kind, len(images), images.shape[-1], median(run[kind] for run in runs),
                  seconds_of_products(model, images, kind) if kind in ("linear", "attention") else None)
            for kind in runs[0]]
