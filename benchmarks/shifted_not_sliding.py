"""Shifted, not sliding: the comparison of the paper's Table 5 in NumPy, in time and in bytes of key and value.

Timed is the attention of two successive blocks of each of Swin-T's stages, for one image: regular and then shifted
windows, regular ones twice, or sliding windows twice. All methods have the same weights and run in one process, in
turn. The paper timed the attention of all blocks of a stage on a V100; its "kernel" is written for that GPU, and
beside it stand the two computations by whole arrays. As in the paper's row "padding", stage 4 is shifted too, although
one window covers its map and Swin itself does not shift there.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.machine import machine
from benchmarks.outputs import add_json, check_json, give, whole_number
from benchmarks.progress import Progress
from benchmarks.results import milliseconds, table
from swin_np import VARIANTS, SwinConfig, SwinError, threads
from swin_np.attention import WindowAttention, shifted_window_attention
from swin_np.baselines.padded_windows import padded_window_attention, window_key_value_bytes
from swin_np.baselines.sliding_window import (
    Sliding,
    SlidingWindowAttention,
    banded_sliding_attention,
    gathered_sliding_attention,
    naive_key_value_bytes,
    naive_sliding_attention,
    sliding_key_value_bytes,
)
from swin_np.functional import Array
from swin_np.layers import redraw

EXAMPLE = """example:
  python -m benchmarks.shifted_not_sliding --stages 3 4 --repeats 9 --json shifted.json
"""

SWIN_T = VARIANTS["swin_t"]
CYCLIC = "shifted, cyclic"
MEGABYTE = 1e6

Size = tuple[int, int]


@dataclass(frozen=True)
class Method:
    """One way to compute the attention of two successive blocks.

    attend(x, attn, shift): the attention of one block on the map x (B, H, W, C).
    key_value_bytes(map_size, channels, window, shift): what it touches; the accounts are those of swin_np.baselines.
    paper_row, paper_times: the row of Table 5 to be read beside it, and its milliseconds in the four stages.
    """

    attend: Callable[[Array, WindowAttention, Size], Array]
    key_value_bytes: Callable[[Size, int, Size, Size], int]
    paper_row: str
    paper_times: tuple[float, float, float, float]

    def run(self, x: Array, attn: WindowAttention) -> Array:
        """The attention of a block with regular windows, and of one with shifted windows on its result."""
        return self.attend(self.attend(x, attn, (0, 0)), attn, half(attn.window_size))

    def bytes_of_two_blocks(self, map_size: Size, channels: int, window: Size) -> int:
        """The same two blocks' keys and values."""
        return sum(self.key_value_bytes(map_size, channels, window, shift) for shift in ((0, 0), half(window)))


def half(window: Size) -> Size:
    """The paper's shift, floor(M/2)."""
    return window[0] // 2, window[1] // 2


def slide(computation: Sliding, x: Array, attn: WindowAttention, shift: Size) -> Array:
    """Sliding windows with the weights of `attn`; every query has a window of its own, there is nothing to shift."""
    sliding = SlidingWindowAttention(attn.relative_position_bias_table, attn.qkv, attn.proj, attn.window_size,
                                     attn.num_heads)
    return sliding(x, computation)


KERNEL = ("sliding window (kernel)", (7.6, 4.7, 2.7, 1.8))

METHODS = {
    "sliding, naive": Method(
        partial(slide, naive_sliding_attention),
        lambda map_size, channels, window, shift: naive_key_value_bytes(map_size, channels, window),
        "sliding window (naive)", (122.5, 38.3, 12.1, 7.6)),
    "sliding, gathered": Method(
        partial(slide, gathered_sliding_attention),
        lambda map_size, channels, window, shift: sliding_key_value_bytes(map_size, channels, window), *KERNEL),
    "sliding, banded": Method(
        partial(slide, banded_sliding_attention),
        lambda map_size, channels, window, shift: sliding_key_value_bytes(map_size, channels, window), *KERNEL),
    "window, no shift": Method(
        lambda x, attn, shift: shifted_window_attention(x, attn, attn.window_size),
        lambda map_size, channels, window, shift: window_key_value_bytes(map_size, channels, window),
        "window (w/o shifting)", (2.8, 1.7, 1.2, 0.9)),
    "shifted, padding": Method(
        padded_window_attention, window_key_value_bytes, "shifted window (padding)", (3.3, 2.3, 1.9, 2.2)),
    CYCLIC: Method(
        lambda x, attn, shift: shifted_window_attention(x, attn, attn.window_size, shift),
        lambda map_size, channels, window, shift: window_key_value_bytes(map_size, channels, window),
        "shifted window (cyclic)", (3.0, 1.9, 1.3, 1.0)),
}


@dataclass
class Timing:
    """The seconds of one method in one stage (counted from 1), round by round, and the bytes that it touches."""

    method: str
    stage: int
    map_size: Size
    channels: int
    heads: int
    key_value_bytes: int
    seconds: list[float]

    @property
    def median(self) -> float:
        """Seconds of two blocks' attention."""
        return median(self.seconds)

    @property
    def paper_time(self) -> float:
        """Table 5's milliseconds for the stage."""
        return METHODS[self.method].paper_times[self.stage - 1]


@dataclass
class Results:
    """All that one run of the command finds out."""

    machine: dict[str, str]
    threads: int
    timings: list[Timing]

    def cyclic(self, timing: Timing) -> Timing:
        """What this one is compared with: the cyclic shift in the same stage."""
        return next(other for other in self.timings if (other.method, other.stage) == (CYCLIC, timing.stage))

    def ratios(self, timing: Timing) -> dict[str, float]:
        """Time, the paper's time, and bytes, each relative to the cyclic shift's in the same stage."""
        cyclic = self.cyclic(timing)
        return {"to_cyclic": timing.median / cyclic.median, "paper_to_cyclic": timing.paper_time / cyclic.paper_time,
                "bytes_to_cyclic": timing.key_value_bytes / cyclic.key_value_bytes}

    def rows(self, cell: str) -> list[list[str]]:
        """One row a method: its name and for each stage a cell, a format string for `ratios` and megabytes."""
        return [[method, *(cell.format(megabytes=timing.key_value_bytes / MEGABYTE, **self.ratios(timing))
                           for timing in self.timings if timing.method == method)] for method in METHODS]

    def stages(self) -> list[str]:
        """The heads of the columns."""
        return [f"stage {timing.stage}: {timing.map_size[0]}x{timing.map_size[1]}x{timing.channels}"
                for timing in self.timings if timing.method == CYCLIC]


def as_json(results: Results) -> str:
    """One JSON object; the seconds come with their medians and ratios."""
    found = asdict(results)
    for entry, timing in zip(found["timings"], results.timings, strict=True):
        entry |= {"median": timing.median, "paper_row": METHODS[timing.method].paper_row,
                  "paper_milliseconds": timing.paper_time, **results.ratios(timing)}
    return json.dumps(found)


def report(results: Results) -> str:
    """The ratios beside the paper's, and the bytes."""
    cyclic = [timing for timing in results.timings if timing.method == CYCLIC]
    milliseconds_of_cyclic = ", ".join(milliseconds(timing.median) for timing in cyclic)
    times = results.rows("{to_cyclic:.2f} ({paper_to_cyclic:.2f})")
    touched = results.rows("{megabytes:.2f} ({bytes_to_cyclic:.2f})")
    return "\n".join([
        *(f"{name}: {value}" for name, value in results.machine.items()), f"threads: {results.threads}", "",
        f"## Time relative to the cyclic shift's {milliseconds_of_cyclic} ms, medians of {len(cyclic[0].seconds)}; "
        "in brackets the same of Table 5", "",
        table(["two blocks' attention", *results.stages(), "row of Table 5"],
              [[*row, METHODS[row[0]].paper_row] for row in times]), "",
        "## Keys and values that are touched, in MB; in brackets relative to the cyclic shift", "",
        table(["two blocks' attention", *results.stages()], touched)])


def time_in_turn(runs: dict[str, Callable[[], Array]], repeats: int) -> dict[str, list[float]]:
    """Rounds in which each has its turn; in its turn each runs twice, and the second time counts. Seconds by name."""
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            run()
            start = perf_counter()
            run()
            times[name].append(perf_counter() - start)
    return times


def time_stage(config: SwinConfig, stage: int, repeats: int) -> list[Timing]:
    """All methods in one stage, counted from 1."""
    map_size, channels, heads = config.map_sizes()[stage - 1], config.channels(stage - 1), config.num_heads[stage - 1]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, *map_size, channels), np.float32)
    attn = WindowAttention.random(channels, config.window(stage - 1), heads, rng)
    redraw(attn, seed=0)
    times = time_in_turn({name: partial(method.run, x, attn) for name, method in METHODS.items()}, repeats)
    return [Timing(name, stage, map_size, channels, heads,
                   method.bytes_of_two_blocks(map_size, channels, config.window(stage - 1)), times[name])
            for name, method in METHODS.items()]


def measure(stages: list[int], repeats: int, count: int) -> Results:
    """All measurements with `count` threads."""
    tokens = {f"stage {stage}": float(np.prod(SWIN_T.map_sizes()[stage - 1])) for stage in stages}
    progress = Progress({step: repeats * 2e-3 * number for step, number in tokens.items()})   # 2 ms a token
    timings = []
    with threads(count):
        for step, stage in zip(tokens, stages, strict=True):
            progress(step)
            timings += time_stage(SWIN_T, stage, repeats)
    return Results(machine(), count, timings)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.shifted_not_sliding", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", nargs="+", type=int, choices=range(1, 5), default=[1, 2, 3, 4], metavar="STAGE",
                        help="which of Swin-T's stages, 1 to 4 (default: all)")
    parser.add_argument("--repeats", type=whole_number, default=5, metavar="N",
                        help="how often every method has its turn in each stage (default: 5)")
    parser.add_argument("--threads", type=whole_number, default=1, metavar="N",
                        help="the number of threads (default: 1)")
    add_json(parser)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    options = parse(arguments)
    try:
        check_json(options.json)
        results = measure(sorted(set(options.stages)), options.repeats, options.threads)
        give(results, options.json, as_json, report)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
