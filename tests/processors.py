"""The tests that compare numbers, as other processors would run them: `make test-processors`.

Each library is told to keep to the instructions of an older processor, so its sums and functions take another order and
other approximations. A bound that holds on this processor by luck does not hold under all of them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TESTS = ("tests/test_functional.py", "tests/test_error_function.py", "tests/convolution", "tests/test_golden.py",
         "tests/test_model.py", "tests/test_attention.py", "tests/parallel/test_parallel.py", "tests/test_images.py",
         "tests/test_transformers.py", "tests/test_classification.py", "tests/test_benchmarks.py", "tests/baselines",
         "tests/dense", "tests/checkpoints", "tests/crosscheck", "tests/exercises", "tests/mistakes", "tests/oracles",
         "tests/probes")
TORCH = {"AVX2": ("avx2", "AVX2"), "SSE 4.1": ("default", "SSE41")}      # ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA
OPENBLAS = {"Nehalem": "sse4_2", "Sandybridge": "avx", "Haswell": "avx2", "SkylakeX": "avx512f"}
"""OPENBLAS_CORETYPE, and what the processor must have for it, as Linux calls it."""


def levels() -> Iterator[tuple[str, dict[str, str]]]:
    """(name, environment variables) of each way to run the tests."""
    yield "as it is", {}
    for name, (aten, onednn) in TORCH.items():
        yield f"PyTorch without more than {name}", {"ATEN_CPU_CAPABILITY": aten, "ONEDNN_MAX_CPU_ISA": onednn}
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    for count in range(1, len(found) + 1):             # from the newest on
        yield f"NumPy without {', '.join(found[-count:])}", {"NPY_DISABLE_CPU_FEATURES": " ".join(found[-count:])}
    processor = Path("/proc/cpuinfo")
    for kernel, instructions in OPENBLAS.items():
        if processor.exists() and instructions in processor.read_text().split():
            yield f"OpenBLAS for {kernel}", {"OPENBLAS_CORETYPE": kernel}


def main() -> int:
    """Run the tests under every level; 1 if any fails under any, with its name."""
    failed = []
    for name, variables in levels():
        print(f"{name}: ", end="", flush=True)
        result = subprocess.run([sys.executable, "-m", "pytest", "-m", "not long", "--no-header", *TESTS],
                                env=os.environ | variables, capture_output=True, text=True, check=False)
        lines = result.stdout.splitlines()
        print(lines[-1] if lines else result.stderr, flush=True)
        if result.returncode:
            failed.append(name)
            print(*(line for line in lines if line.startswith(("FAILED", "ERROR"))), sep="\n", flush=True)
    if failed:
        print(f"failed under {len(failed)} of the levels: {'; '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
