"""Figures as files: SVG or PNG, the same bytes every time, and whole or not at all."""

import io
import re
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from swin_np.plots.style import HOUSE_STYLE
from swin_np.writing import check_ending, replacing

OPTIONS = {                                            # without metadata there is no date and no version in the file
    ".svg": {"metadata": {"Date": None, "Creator": None}},
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}},
}

COLOURS = 128                                          # of a PNG's palette: a third of the bytes
CLIP = re.compile(rb'(?<=[#"])p[0-9a-f]{10}(?=[")])')  # the name of a clipped region in an SVG of matplotlib


def number_clips(svg: bytes) -> bytes:
    """Clipped regions named by number: matplotlib's hash changes with last digits that the layout does not repeat."""
    numbers = {name: b"clip%d" % i for i, name in enumerate(dict.fromkeys(CLIP.findall(svg)))}
    return CLIP.sub(lambda match: numbers[match[0]], svg)


def palette_of(image: Image.Image) -> Image.Image:
    """The image with a palette of its own."""
    return image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=4)


def with_palette(png: io.BytesIO) -> bytes:
    """A PNG as one of few colours, at the same pixels per inch."""
    image, content = Image.open(png), io.BytesIO()
    palette_of(image.convert("RGB")).save(content, "png", optimize=True, dpi=image.info["dpi"])
    return content.getvalue()


@HOUSE_STYLE
def save(figure: Figure, path: str | Path) -> None:
    """Write the figure as SVG or PNG, by the ending of `path`, whole or not at all.

    Raises InputError for another ending, and where the file cannot be written.
    """
    path = Path(path)
    check_ending(path, OPTIONS)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], **OPTIONS[path.suffix])
    with replacing(path) as stream:
        stream.write(number_clips(content.getvalue()) if path.suffix == ".svg" else with_palette(content))
