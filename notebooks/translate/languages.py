"""The languages of the walkthrough: a folder of notebooks/ that has a language.json; English is the one without others.

language.json has the tag of the language for browsers (`lang`), its `name`, the `labels` that stand for the fixed
phrases of the notebooks, and the `texts` of the pages. Beside it lie a file for each translated notebook, those of the
exercises in exercises/, and glossary.json. What its letters need in CSS is swin_np/languages/<code>/type.css.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from notebooks.publish.files import FOLDER, NotebookError, name_of, read
from notebooks.translate.pictures import FOLDER as PICTURES
from notebooks.translate.pictures import Pictures, put_in
from notebooks.translate.sidecars import Sidecar, translated
from swin_np.arguments.names import check_name
from swin_np.language import FOLDER as PHRASES

TABLE = "language.json"


@dataclass(frozen=True)
class Language:
    """A language: `code` names its folder, `texts` are those of the pages, `labels` the fixed phrases in notebooks."""

    code: str
    lang: str
    name: str
    texts: dict[str, str] = field(hash=False)
    labels: dict[str, str] = field(hash=False)
    folder: Path

    @property
    def place(self) -> str:
        """Its folder of pages, from that of the English pages."""
        return "" if self.code == "en" else f"{self.code}/"

    @property
    def up(self) -> str:
        """The folder of the English pages, from that of its own."""
        return "" if self.code == "en" else "../"

    @property
    def style(self) -> str:
        """CSS for its type, where it needs some."""
        file = PHRASES / self.code / "type.css"        # feedback pages have it too
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def has(self, name: str) -> bool:
        """Whether a notebook, or a text of the talk, is there in this language."""
        return self.code == "en" or self.sidecar_file(name).is_file() or self.talk_file(name).is_file()

    @property
    def explorer_file(self) -> Path:
        """The table of the explorer's texts."""
        return FOLDER / "explorer" / "strings" / f"{self.code}.json"

    @property
    def has_explorer(self) -> bool:
        """Whether the explorer is there in this language."""
        return self.explorer_file.is_file()

    def way_to(self, stem: str) -> str:
        """The folder of the pages of `stem`, from that of its own: where it is not translated, that of the English."""
        return "" if self.has(stem) else self.up

    def sidecar_file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def pictures_folder(self, stem: str) -> Path:
        return self.folder / PICTURES / stem

    def talk_file(self, stem: str) -> Path:
        return self.folder / "talk" / f"{stem}.md"

    @property
    def talk_interface(self) -> Path:
        """The table of the talk's short texts."""
        return self.folder / "talk" / "interface.json"

    def read(self, path: Path) -> NotebookNode:
        """The notebook of a file in this language; NotebookError if it, or its translation, cannot be read."""
        notebook, name = read(path), name_of(path)
        if self.code == "en" or not self.has(name):
            return notebook
        put_in(other := translated(notebook, Sidecar.read(self.sidecar_file(name))),
               Pictures.read(self.pictures_folder(name)))
        return other


def load_json(file: Path) -> dict:
    """The object of a JSON file; NotebookError where there is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotebookError(f"{file.parent.name}/{file.name} cannot be read ({error}): give it JSON in UTF-8") from None
    if not isinstance(content, dict):
        raise NotebookError(f"{file.parent.name}/{file.name} holds a {type(content).__name__}, expected an object of "
                            "names and values: write it between braces")
    return content


def load(folder: Path) -> Language:
    """The language of a folder; NotebookError where its table lacks a text that the English one has."""
    table, known = load_json(folder / TABLE), load_json(FOLDER / "en" / TABLE)
    lacking = [part for part in known if part not in table] or [
        name for part in ("labels", "texts") for name in known[part] if name not in table[part]]
    if lacking:
        raise NotebookError(f"{folder.name}/{TABLE} has no {lacking[0]!r}: add it, as en/{TABLE} has it")
    return Language(folder.name, table["lang"], table["name"], table["texts"], table["labels"], folder)


ENGLISH = load(FOLDER / "en")


@cache
def languages() -> dict[str, Language]:
    """All languages by their codes, English first."""
    others = sorted(file.parent for file in FOLDER.glob(f"*/{TABLE}") if file.parent.name != "en")
    return {"en": ENGLISH, **{folder.name: load(folder) for folder in others}}


def find_language(code: str) -> Language:
    """A language into which is translated; ConfigurationError, with the nearest name, if there is none."""
    others = {name: language for name, language in languages().items() if name != "en"}
    check_name("language", code, others)
    return others[code]
