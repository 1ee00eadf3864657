"""What a translator writes: a file for each notebook, with the text of each Markdown cell and of each picture.

    {"cells": {"<cell id>": {"of": "<digest>", "text": "..."}},
     "pictures": {"<cell id>": [{"of": "<digest>", "text": "..."}]}}

`of` is the digest of the English text that was translated: where that has changed since, the translation is stale.
"""

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from notebooks.publish.files import NotebookError

DIGITS = 12                                            # hexadecimal ones of a digest
CELLS, PICTURES = "cells", "pictures"
Place = tuple[str, int]                                # a cell's id, and which of its pictures, or -1 for its Markdown


def digest(text: str) -> str:
    """By what a translation names the English text that it is of."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def picture_outputs(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell that are pictures."""
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def alt(output: NotebookNode) -> str:
    """The alternative text of a picture."""
    return output.metadata.get("image/png", {}).get("alt", "")


def texts(notebook: NotebookNode) -> dict[Place, str]:
    """Everything that is to be translated, in the notebook's order."""
    found: dict[Place, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found[cell.id, -1] = cell.source
        found |= {(cell.id, number): alt(output) for number, output in enumerate(picture_outputs(cell))}
    return found


def shown(place: Place) -> str:
    """A place in words."""
    cell, number = place
    return f"cell {cell}" if number < 0 else f"cell {cell}, picture {number + 1}"


@dataclass(frozen=True)
class Sidecar:
    """The translations of a notebook: for each place the digest of the English text, and the text."""

    entries: dict[Place, tuple[str, str]]

    @classmethod
    def read(cls, file: Path) -> "Sidecar":
        """That of a file; NotebookError if it is not as the head of this module has it."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            entries = {(cell, -1): (entry["of"], entry["text"]) for cell, entry in content[CELLS].items()}
            entries |= {(cell, number): (entry["of"], entry["text"]) for cell, listed in content[PICTURES].items()
                        for number, entry in enumerate(listed)}
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise NotebookError(f"{file.parent.name}/{file.name} is no translation of a notebook "
                                f"({type(error).__name__}: {error}): give it {CELLS!r} and {PICTURES!r}, each text "
                                "with 'of' and 'text'") from None
        return cls(entries)

    def current(self, place: Place, english: str) -> str | None:
        """The translation of a text; None where there is none, or it is of another text."""
        of, text = self.entries.get(place, ("", ""))
        return text if of == digest(english) and text else None

    def file_text(self, order: list[Place]) -> str:
        """The text of its file, with the places in this order."""
        content: dict[str, dict] = {CELLS: {}, PICTURES: {}}
        for cell, number in order:
            of, text = self.entries[cell, number]
            if number < 0:
                content[CELLS][cell] = {"of": of, "text": text}
            else:
                content[PICTURES].setdefault(cell, []).append({"of": of, "text": text})
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def translated(notebook: NotebookNode, sidecar: Sidecar) -> NotebookNode:
    """The notebook with what is translated in place of the English; a text without a current translation stays.

    Code and what it shows are the same, but for the descriptions of pictures.
    """
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = sidecar.current((cell.id, -1), cell.source) or cell.source
        for number, output in enumerate(picture_outputs(cell)):
            english = alt(output)
            if text := sidecar.current((cell.id, number), english):
                output.metadata["image/png"]["alt"] = text
                if "text/plain" in output.data:
                    output.data["text/plain"] = output.data["text/plain"].replace(english, text)
    return notebook
