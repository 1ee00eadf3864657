"""The pictures of a notebook for its pages: a film frame by frame, and a small one for the contents."""

import io
import json
from base64 import b64decode, b64encode
from html import escape

from nbformat import NotebookNode
from PIL import Image, ImageSequence

from notebooks.translate.languages import ENGLISH, Language

SMALL = (300, 190)                                     # pixels at most of a picture in the contents
COLOURS = 64


def address(image: Image.Image) -> str:
    """A picture as a data: address of a PNG."""
    content = io.BytesIO()
    image.save(content, "png", optimize=True)
    return "data:image/png;base64," + b64encode(content.getvalue()).decode("ascii")


def opened(png: str) -> Image.Image:
    """The PNG of an output, which a notebook stores in base 64."""
    return Image.open(io.BytesIO(b64decode(png)))


def picture_html(png: str, alt: str, language: Language = ENGLISH) -> str:
    """A picture; one that moves gets buttons to stop it and to turn its frames, which a script shows (film.js)."""
    shown = f'<p class="picture"><img src="data:image/png;base64,{png.strip()}" alt="{escape(alt)}"></p>'
    image = opened(png)
    if getattr(image, "n_frames", 1) == 1:
        return shown
    frames = [address(frame.convert("P")) for frame in ImageSequence.Iterator(image)]
    said = {name: escape(language.texts[f"film {name}"]) for name in ("back", "pause", "play", "step", "counter")}
    return (f'<div class="film" data-milliseconds="{image.info["duration"]:.0f}" data-play="{said["play"]}" '
            f'data-pause="{said["pause"]}" data-counter="{said["counter"]}">{shown}<p class="turning" hidden>'
            f'<button>{said["back"]}</button> <button>{said["pause"]}</button> <button>{said["step"]}</button> '
            '<span></span></p>'
            f'<script type="application/json">{json.dumps(frames)}</script></div>')


def small_picture(notebook: NotebookNode) -> str:
    """The first picture of a notebook, small, without a description since its title stands beside it; or nothing."""
    pngs = (output.data["image/png"] for cell in notebook.cells for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {}))
    if not (png := next(pngs, None)):
        return ""
    image = opened(png).convert("RGB")
    image.thumbnail(SMALL, Image.Resampling.LANCZOS)
    image = image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
    return f'<img src="{address(image)}" alt="" width="{image.width}" height="{image.height}">'
