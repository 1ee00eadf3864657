"""The pictures of a notebook with labels in another language.

    pictures/<notebook>/<cell id>-<number>.png
    pictures/<notebook>/labels.json: {"<cell id>-<number>": {"of": "<digest>", "labels": {"stage 1": "..."}}}

`of` is the digest of the English picture that the notebook stores: where that has changed since, the picture is stale
and the English one is shown. `labels` are those that were translated, null where a translation was missing; a picture
without any is the English one.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from notebooks.publish.files import NotebookError
from notebooks.translate.sidecars import Place, digest, picture_outputs

FOLDER = "pictures"
RECORD = "labels.json"


def picture_name(place: Place) -> str:
    """The name of a picture: its cell, and which of the cell's pictures it is, counted from 1."""
    return f"{place[0]}-{place[1] + 1}"


def pictures_of(notebook: NotebookNode) -> Iterator[tuple[Place, NotebookNode]]:
    """The outputs of a notebook that are pictures, with their places."""
    for cell in notebook.cells:
        for number, output in enumerate(picture_outputs(cell)):
            yield (cell.id, number), output


def digest_of(output: NotebookNode) -> str:
    """By what a picture names the English one that it stands for."""
    return digest(output.data["image/png"].strip())


@dataclass(frozen=True)
class Pictures:
    """Those of a notebook: their folder, and for each the digest of the English one and its labels."""

    folder: Path
    entries: dict[str, tuple[str, dict[str, str | None]]]

    @classmethod
    def read(cls, folder: Path) -> "Pictures":
        """Those of a folder, none where it is not there; NotebookError if it has no record of them."""
        if not folder.is_dir():
            return cls(folder, {})
        try:
            content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            entries = {name: (entry["of"], dict(entry["labels"])) for name, entry in content.items()}
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError,
                ValueError) as error:
            raise NotebookError(f"{folder.name}/{RECORD} is no record of pictures ({type(error).__name__}: {error}): "
                                "make it with python -m notebooks.translate pictures") from None
        return cls(folder, entries)

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.png"

    def current(self, place: Place, output: NotebookNode) -> bytes | None:
        """The PNG that stands for an English picture; None where there is none, or it is of another one."""
        of, labels = self.entries.get(picture_name(place), ("", {}))
        return self.file(picture_name(place)).read_bytes() if labels and of == digest_of(output) else None

    def record(self) -> str:
        """The text of labels.json."""
        content = {name: {"of": of, "labels": labels} for name, (of, labels) in self.entries.items()}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def put_in(notebook: NotebookNode, pictures: Pictures) -> None:
    """Let the pictures stand in place of the English ones that they are of."""
    for place, output in pictures_of(notebook):
        if png := pictures.current(place, output):
            output.data["image/png"] = b64encode(png).decode("ascii")
