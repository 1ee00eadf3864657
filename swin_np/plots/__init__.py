"""The figures: each a function that takes model data and returns a matplotlib Figure, computed by the library."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from swin_np.images import center_crop, load, resize, sample_photograph
from swin_np.model import VARIANTS
from swin_np.plots.complexity import complexity_curve
from swin_np.plots.masks import four_kinds_of_mask
from swin_np.plots.saving import save
from swin_np.plots.windows import windows_on_photograph

__all__ = ["FIGURES", "complexity_curve", "four_kinds_of_mask", "save", "save_all", "windows_on_photograph"]


def windows_on_sample_photograph() -> Figure:
    """`windows_on_photograph` for Swin-T, on the photograph that comes with matplotlib."""
    size = VARIANTS["swin_t"].img_size
    return windows_on_photograph(center_crop(resize(load(sample_photograph()), min(size)), size))


FIGURES: dict[str, Callable[[], Figure]] = {
    "windows_on_photograph.png": windows_on_sample_photograph,
    "four_kinds_of_mask.svg": four_kinds_of_mask,
    "complexity_curve.svg": complexity_curve,
}
"""Every figure of the folder figures/ by its file name."""


def save_all(folder: str | Path, progress: Callable[[str], None]) -> list[Path]:
    """Make every figure of FIGURES and write it into `folder`; `progress` is called with one line after each.

    Returns the paths of the files. Raises SwinError where a file cannot be written.
    """
    paths = [Path(folder) / name for name in FIGURES]
    for number, (path, make) in enumerate(zip(paths, FIGURES.values(), strict=True), start=1):
        save(make(), path)
        progress(f"{number} of {len(FIGURES)}: {path}, {path.stat().st_size / 1000:.0f} kB")
    return paths
