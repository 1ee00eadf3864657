"""What measured numbers depend on: the processor, the libraries, and what the environment tells them."""

import os
import platform
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from swin_np.parallel.blas import library as blas_library
from swin_np.parallel.pool import default_threads

CHOOSERS = ("OPENBLAS_", "MKL_", "OMP_", "ATEN_", "ONEDNN_", "NPY_")
"""How the names of environment variables begin by which the libraries choose their instructions and threads."""


def machine() -> dict[str, str]:
    """What the numbers depend on, by name."""
    blas = getattr(np.__config__, "CONFIG", {}).get("Build Dependencies", {}).get("blas", {})       # NumPy >= 1.26
    packages = ("torch", "transformers", "torchvision", "timm", "onnxruntime")
    return {**processor(Path("/proc/cpuinfo")), "cores": str(default_threads()),
            "system": platform.platform(), "Python": platform.python_version(), "NumPy": np.__version__,
            "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
            "kernels": getattr(blas_library(), "architecture", None) or "",
            "variables": " ".join(f"{name}={value}" for name, value in sorted(os.environ.items())
                                  if value and name.startswith(CHOOSERS)),
            **{package: version(package) for package in packages if find_spec(package)}}


def processor(about: Path) -> dict[str, str]:
    """Its name, with family and model since one name has several, and its widest vector instructions, as Linux tells.

    about: /proc/cpuinfo; elsewhere there is none, and the name is that of the platform module.
    """
    text = about.read_text() if about.exists() else ""
    found = {key.strip(): value.strip() for key, _, value in
             (line.partition(":") for line in text.partition("\n\n")[0].splitlines())}
    name = found.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in found:
        name += f" (family {found['cpu family']}, model {found.get('model', '?')})"
    vectors = (("avx512f", "AVX-512"), ("avx2", "AVX2"))
    return {"processor": name,
            "vectors": next((what for flag, what in vectors if flag in found.get("flags", "").split()), "")}
