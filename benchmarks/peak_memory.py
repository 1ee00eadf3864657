"""The peak resident memory of one contender: a fresh process loads the model from its file and runs it.

The peak is the kernel's for this process (VmHWM) and is reset after loading.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contenders import CONTENDERS, draw_images
from swin_np.systems.resident_memory import mebibytes, reset_peak

PASSES = 3                                             # forward passes: the first alone need not be the largest


@dataclass
class Memory:
    """Resident memory in MiB: `loaded` with model and images before the first forward pass, `peak` during three."""

    contender: str
    batch: int
    size: int
    threads: int
    loaded: float
    peak: float

    @property
    def increase(self) -> float:
        """What the forward passes need above the loaded model."""
        return self.peak - self.loaded


def measure_here(contender: str, path: Path, batch: int, size: int, threads: int) -> Memory:
    """Load, reset the peak, run; for a process that has done nothing else."""
    run = CONTENDERS[contender].load(path, draw_images(batch, size), threads)
    reset_peak()
    loaded = mebibytes("VmRSS")
    for _ in range(PASSES):
        run()
    return Memory(contender, batch, size, threads, loaded, mebibytes("VmHWM"))


def measure(contender: str, path: Path, batch: int, size: int, threads: int) -> Memory:
    """The same in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.peak_memory", contender, str(path), *map(str, (batch, size, threads))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Memory(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])))))
