"""The time of one attention layer of each stage over the image size, in windows and globally, for a figure.

Both are the same `WindowAttention`, once with the paper's window and once with one as large as the map; only that layer
is timed, on one thread, and the fastest of a few rounds counts. Global attention is left out where its scores would
take more than `--megabytes`.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.machine import machine
from benchmarks.outputs import check_json, keep
from swin_np import VARIANTS, SwinConfig, SwinError, threads
from swin_np.arguments.names import check_name
from swin_np.attention import WindowAttention
from swin_np.functional import Array
from swin_np.plots.complexity import SIZES, AttentionTime, stage_sizes
from swin_np.windows import window_partition

EXAMPLE = """example:
  python -m benchmarks.attention_time --json swin_np/data/attention_times.json
"""


def fastest(attn: WindowAttention, windows: Array, rounds: int) -> float:
    """Seconds of the fastest of several calls; one call before them warms the caches."""
    attn(windows)
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        attn(windows)
        seconds.append(perf_counter() - start)
    return min(seconds)


def measure(config: SwinConfig, stage: int, size: int, windows: bool, rounds: int, seed: int) -> AttentionTime:
    """Time one attention layer of a stage on a random map, as large as an image of `size` pixels a side gives it."""
    rng, (h, w) = np.random.default_rng(seed), config.map_sizes((size, size))[stage]
    channels, window = config.channels(stage), config.window(stage) if windows else (h, w)
    attn = WindowAttention.random(channels, window, config.num_heads[stage], rng)
    x = window_partition(rng.standard_normal((1, h, w, channels), np.float32), window)
    return AttentionTime(stage, size, windows, fastest(attn, x.reshape(len(x), -1, channels), rounds))


def plan(config: SwinConfig, sizes: list[int], megabytes: float) -> list[tuple[int, int, bool]]:
    """What is timed: (stage, size, in windows or globally)."""
    chosen = []
    for stage, heads in enumerate(config.num_heads):
        for size in stage_sizes(config, stage, sizes):
            h, w = config.map_sizes((size, size))[stage]
            chosen.append((stage, size, True))
            if 4 * heads * (h * w) ** 2 <= megabytes * 1e6:
                chosen.append((stage, size, False))
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.attention_time", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="swin_t", metavar="NAME", help="which model's stages (default: swin_t)")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), metavar="PIXELS",
                        help="sides of square images; a stage takes those that its windows tile")
    parser.add_argument("--rounds", type=int, default=3, help="timed calls of each layer (default: 3)")
    parser.add_argument("--megabytes", type=float, default=250,
                        help="the most that the scores of global attention may take (default: 250)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and maps (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the times go (default: standard output)")
    options = parser.parse_args(arguments)
    try:
        check_name("variant", options.variant, VARIANTS)
        check_json(options.json)
        config, times = VARIANTS[options.variant], []
        chosen = plan(config, options.sizes, options.megabytes)
        with threads(1):
            for number, (stage, size, windows) in enumerate(chosen, 1):
                print(f"{number} of {len(chosen)}: stage {stage + 1} at {size}, {'W-MSA' if windows else 'MSA'}",
                      file=sys.stderr, flush=True)
                times.append(measure(config, stage, size, windows, options.rounds, options.seed))
        text = json.dumps({"variant": options.variant, "threads": 1, "machine": machine(),
                           "times": [asdict(time) for time in times]}, indent=1)
        print(text) if options.json is None else keep(text, options.json)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
