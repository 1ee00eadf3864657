"""Figures as files: SVG or PNG, the same bytes every time, and whole or not at all."""

import io
import re
from pathlib import Path

from matplotlib.figure import Figure

from swin_np.errors import SwinError
from swin_np.plots.style import HOUSE_STYLE

OPTIONS = {                                            # without metadata there is no date and no version in the file
    ".svg": {"metadata": {"Date": None, "Creator": None}},
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}},
}


CLIP = re.compile(rb'(?<=[#"])p[0-9a-f]{10}(?=[")])')  # the name of a clipped region in an SVG of matplotlib


def number_clips(svg: bytes) -> bytes:
    """Clipped regions named by number: matplotlib's hash changes with last digits that the layout does not repeat."""
    numbers = {name: b"clip%d" % i for i, name in enumerate(dict.fromkeys(CLIP.findall(svg)))}
    return CLIP.sub(lambda match: numbers[match[0]], svg)


@HOUSE_STYLE
def save(figure: Figure, path: str | Path) -> None:
    """Write the figure as SVG or PNG, by the ending of `path`; the folder is made where there is none.

    The file is replaced only once the new one is complete. Raises SwinError for another ending, and where the file
    cannot be written.
    """
    path = Path(path)
    if path.suffix not in OPTIONS:
        raise SwinError(f"{path} ends in {path.suffix!r}, expected .svg or .png: choose one of these endings")
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], **OPTIONS[path.suffix])
    content = number_clips(content.getvalue()) if path.suffix == ".svg" else content.getvalue()
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise SwinError(f"the figure {path} cannot be written ({error.strerror}): choose a folder that you can write to"
                        ) from error
