"""Golden values: the first stage of a small model that the official code has run, see data/README.md."""

from pathlib import Path

import numpy as np

from swin_np.functional import Array

FILE = Path(__file__).parent / "data" / "official_first_stage.npz"


def official(prefix: str) -> dict[str, Array]:
    """The stored arrays whose names begin with `prefix`, by the rest of the name; numbers as float64.

    "layers.0.blocks.1." gives the parameters of a block; "output/" every module's output as a map (B, h, w, C).
    """
    with np.load(FILE) as stored:
        return {name.removeprefix(prefix): stored[name].astype(np.float64) for name in stored.files
                if name.startswith(prefix)}
