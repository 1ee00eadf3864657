"""Notebooks as files: which there are, and a form in which running again changes nothing that did not change."""

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from swin_np.arguments.names import check_name
from swin_np.errors import SwinError

FOLDER = Path(__file__).parent.parent
ROOT = FOLDER.parent
EXERCISES = FOLDER / "exercises"
LARGEST = 400_000                                      # bytes of a notebook
KEPT = ("tags", "slideshow")                           # of a cell's metadata; the rest is when it ran and how it looked
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python",
                      "pygments_lexer": "ipython3"},
}


class NotebookError(SwinError):
    """A notebook that cannot be read, fails, is too large, or no longer shows what it stores."""


def name_of(path: Path) -> str:
    """What a notebook is called: 04_shifted_windows, or exercises/04_shifted_windows."""
    stem = path.name.removesuffix(".ipynb")
    return f"{EXERCISES.name}/{stem}" if path.parent.name == EXERCISES.name else stem


def find(names: list[str], folder: Path = FOLDER, with_exercises: bool = False) -> list[Path]:
    """The notebooks of these names (with or without .ipynb), all of them without names, in their order.

    Raises ConfigurationError, with the nearest name, for one that is not there.
    """
    files = sorted(folder.glob("*.ipynb"))
    if with_exercises:
        files += sorted((folder / EXERCISES.name).glob("*.ipynb"))
    paths = {name_of(path): path for path in files}
    wanted = [name_of(Path(name) if with_exercises else Path(Path(name).name)) for name in names]
    for name in wanted:
        check_name("notebook", name, paths)
    return [path for name, path in paths.items() if name in wanted] or files


def read(path: Path) -> NotebookNode:
    """The notebook of a file; NotebookError if it is none, of an older format, or not valid."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
        old = (notebook.nbformat, notebook.nbformat_minor) < (4, 5)
        if not old:
            nbformat.validate(notebook)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, nbformat.ValidationError,
            nbformat.reader.NotJSONError) as error:
        raise NotebookError(f"{path.name} cannot be read as a notebook ({str(error).splitlines()[0]}): "
                            "save it again with JupyterLab") from error
    if old:
        raise NotebookError(f"{path.name} has format {notebook.nbformat}.{notebook.nbformat_minor}, expected 4.5 or "
                            "newer, where cells have ids: save it again with JupyterLab")
    return notebook


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell; "timing" and "widget" have a meaning here."""
    return cell.metadata.get("tags", [])


def source_head(cell: NotebookNode) -> str:
    """The first line of a cell, by which a reader finds it."""
    return next((line for line in cell.source.splitlines() if line.strip()), "")


def tidy(notebook: NotebookNode) -> None:
    """Drop what changes from run to run, or from machine to machine, and is nothing that a reader sees."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if key in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs = [] if "widget" in tags(cell) else joined(cell.outputs)


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs without standard error, and what was printed in one piece, however the kernel cut it."""
    pieces: list[NotebookNode] = []
    for output in outputs:
        if output.output_type != "stream":
            pieces.append(output)
        elif output.name == "stdout":
            if pieces and pieces[-1].output_type == "stream":
                pieces[-1].text += output.text
            else:
                pieces.append(output)
    return pieces


def check_size(path: Path, text: str) -> None:
    """Raise NotebookError for a notebook that a code host would no longer show in a moment."""
    size = len(text.encode("utf-8"))
    if size >= LARGEST:
        raise NotebookError(f"{path.name} has {size / 1000:.0f} kB, expected less than {LARGEST / 1000:.0f}: show "
                            "fewer or smaller pictures")


def text_of(notebook: NotebookNode) -> str:
    """The notebook as the text of a file, keys in one order."""
    return nbformat.writes(notebook) + "\n"
