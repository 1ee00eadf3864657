"""Small notebooks for the tests."""

from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.publish.files import text_of, tidy

FRAME = "# A toy\n\n* **Paper:** none\n* **Before:** nothing\n* **Time:** 1 minute\n* **Afterwards:** say so"


def code(source: str, *tags: str, id: str | None = None):
    """A code cell that has not run."""
    return new_code_cell(source, id=id or f"cell-{abs(hash(source)) % 10 ** 8}", metadata={"tags": list(tags)})


def text(source: str, slide: str = "-"):
    """A Markdown cell of a slide type."""
    return new_markdown_cell(source, id=f"text-{abs(hash(source)) % 10 ** 8}",
                             metadata={"slideshow": {"slide_type": slide}})


def toy(path: Path, *cells) -> Path:
    """Write a notebook of these cells after the frame."""
    notebook = new_notebook(cells=[text(FRAME, "slide"), *cells])
    tidy(notebook)
    path.write_text(text_of(notebook), encoding="utf-8")
    return path
