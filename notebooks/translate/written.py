"""The notebooks of a language as files, to be run and filled in: the walkthrough, and the exercises in a folder of it.

Code, outputs and metadata are those of the English notebooks. Links among notebooks stay, since all of them move along;
links to other files lead there from the new place, but for those in outputs, which want a folder beside notebooks/.
"""

import re
from collections.abc import Callable
from os.path import relpath
from pathlib import Path
from urllib.parse import quote, unquote

from notebooks.publish.files import EXERCISES, FOLDER, ROOT, find, name_of, text_of
from notebooks.publish.rendering import ELSEWHERE, EXPLORER
from notebooks.translate.languages import Language
from swin_np.commands.options import output_folder
from swin_np.errors import InputError
from swin_np.writing import write_text

LINK = re.compile(r"(?<=\]\()[^)\s#]+")


def moved(text: str, source: Path, home: Path, language: Language) -> str:
    """A text that lay in the folder `source` for one that lies in `home`: its links to files lead there from here."""

    def address(match: re.Match[str]) -> str:
        if ELSEWHERE.match(match[0]) or match[0].endswith(".ipynb"):
            return match[0]
        file = (source / unquote(match[0])).resolve()
        if file == ROOT / "pages" / EXPLORER and language.has_explorer:
            file = ROOT / "pages" / language.place / EXPLORER
        return quote(Path(relpath(file, home.resolve())).as_posix())       # a space would end a link in Markdown

    return LINK.sub(address, text)


def notebook_text(path: Path, home: Path, language: Language) -> str:
    """The text of a notebook's file in a language, to lie in the folder `home`; NotebookError if it cannot be read."""
    notebook = language.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = moved(cell.source, path.parent, home, language)
    return text_of(notebook)


def write(language: Language, folder: Path, say: Callable[[str], None]) -> int:
    """Write all notebooks of a language to a folder, which is made, with a line to `say` for each.

    A file that is there stays, since somebody may have worked in it. Returns how many stay that are not what would be
    written. Raises InputError for a folder of sources, or one that cannot be written to; nothing is written then.
    """
    if folder.resolve().is_relative_to(FOLDER):
        raise InputError(f"{folder} is where the notebooks' sources are: choose a folder outside of {FOLDER.name}")
    paths = find([], with_exercises=True)
    for home in (folder, folder / EXERCISES.name):
        output_folder(home, [path.name for path in paths if (folder / name_of(path)).parent == home])
    kept = 0
    for number, path in enumerate(paths, start=1):
        file = folder / f"{name_of(path)}.ipynb"
        text = notebook_text(path, file.parent, language)
        if not file.exists():
            write_text(text, file)
            outcome = "written"
        elif file.read_bytes() == text.encode():
            outcome = "there already"
        else:
            kept, outcome = kept + 1, "there already, with changes, and kept"
        say(f"{number} of {len(paths)}: {file.relative_to(folder).as_posix()}, {outcome}")
    return kept
