"""What a system takes for one image: time and peak memory, in a fresh process that does nothing else."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import numpy as np

from swin_np.baselines.patch_sequences import COLOURS, embedded_patches
from swin_np.baselines.transformer import TransformerConfig
from swin_np.functional import Array
from swin_np.parallel.pool import threads
from swin_np.systems import resident_memory
from swin_np.systems.registry import SYSTEMS, Config, architecture_of, for_image_size

FEWEST_RUNS, SECONDS = 3, 1.0                          # forward passes that count, and for how long at least


@dataclass(frozen=True)
class Measurement:
    """seconds: the median of `runs` forward passes after a first one. loaded, peak: resident memory of the process in
    MiB, with Python, NumPy and the model, before the first pass and at most; None where the system keeps no account.
    """

    seconds: float
    runs: int
    loaded: float | None
    peak: float | None


def random_inputs(config: Config, size: tuple[int, int]) -> tuple[Array, ...]:
    """What a model is called with: one image of this size, or for a Transformer source and target of its patches."""
    images = np.random.default_rng(0).standard_normal((1, getattr(config, "in_chans", COLOURS), *size), np.float32)
    return (embedded_patches(images, config),) * 2 if isinstance(config, TransformerConfig) else (images,)


def measure_here(name: str, size: tuple[int, int], cores: int | None = None) -> Measurement:
    """Build a system with initial weights and run one image of this size, in this process."""
    config = for_image_size(SYSTEMS[name], size)
    model = architecture_of(config).model.random(config)
    inputs = random_inputs(config, size)
    loaded = None
    if resident_memory.measurable():
        resident_memory.reset_peak()
        loaded = resident_memory.mebibytes("VmRSS")
    times = []
    with threads(cores):
        model(*inputs)
        while len(times) < FEWEST_RUNS or sum(times) < SECONDS:
            start = perf_counter()
            model(*inputs)
            times.append(perf_counter() - start)
    return Measurement(median(times), len(times), loaded,
                       None if loaded is None else resident_memory.mebibytes("VmHWM"))


def measure(name: str, size: tuple[int, int], cores: int | None = None) -> Measurement | None:
    """The same in a fresh process; None if that did not come to its end, as for want of memory."""
    arguments = [name, *map(str, size), *([str(cores)] if cores else [])]
    command = [sys.executable, "-m", "swin_np.systems.measurement", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else Measurement(**json.loads(done.stdout))


if __name__ == "__main__":
    system, height, width, *count = sys.argv[1:]
    print(json.dumps(asdict(measure_here(system, (int(height), int(width)), *map(int, count)))))
