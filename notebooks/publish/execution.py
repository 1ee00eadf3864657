"""Run a notebook from a clean kernel, and compare what its cells show with what is stored."""

import copy
import io
import os
import re
from base64 import b64decode
from itertools import zip_longest
from pathlib import Path

import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image, ImageSequence

from notebooks.publish.files import FOLDER, NotebookError, check_size, read, source_head, tags, text_of, tidy
from swin_np.language import VARIABLE

TIMEOUT = 300                                          # seconds for a cell; a notebook is meant to take seconds in all
NOT_COMPARED = ("timing", "widget")                    # tags of cells that show something else every time, or nothing
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Kernel(NotebookClient):
    """nbclient's, which runs a notebook where it lies; and it knows what happened inside of widgets."""

    def __init__(self, notebook: NotebookNode, folder: Path, extension: str | None):
        loaded = [f"--IPKernelApp.extra_extensions={extension}"] if extension else []
        super().__init__(notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False,
                         extra_arguments=["--log-level=ERROR", *loaded], resources={"metadata": {"path": str(folder)}})

    def widget_error(self) -> str | None:
        """The message of an error that a widget's function raised when it was first drawn."""
        for state in self.widget_state.values():
            for output in state.get("outputs", []):
                if output["output_type"] == "error":
                    return f"{output['ename']}: {output['evalue']}"
        return None


def run(path: Path, notebook: NotebookNode, extension: str | None = None, **variables: str) -> NotebookNode:
    """A copy of the notebook with the outputs that a clean kernel gives, tidied.

    extension: a module that IPython loads first; variables: more of its environment.
    Raises NotebookError with the cell and the error where one fails.
    """
    fresh = copy.deepcopy(notebook)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    kernel = Kernel(fresh, path.parent, extension)
    try:
        kernel.execute(env=environment() | variables)
    except CellExecutionError as error:
        failed = next(cell for cell in fresh.cells if any(
            output.output_type == "error" for output in cell.get("outputs", [])))
        raise NotebookError(f"{place(path, fresh, failed)} fails with {error.ename}: {first_line(error.evalue)}"
                            ) from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(f"{path.name} stops the kernel or takes longer than {TIMEOUT} seconds in one cell: "
                            "run it in JupyterLab to see which") from error
    if message := kernel.widget_error():
        raise NotebookError(f"{path.name} has a widget whose function fails with {message}: call it without the widget")
    tidy(fresh)
    return fresh


def environment() -> dict[str, str]:
    """The environment of the kernels: ours, in English, with the library beside the notebooks, installed or not."""
    paths = [str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, VARIABLE: "en", "PYTHONPATH": os.pathsep.join(paths)}


def first_line(text: str) -> str:
    """The first line that says something, without the colours of a terminal."""
    lines = TERMINAL_COLOURS.sub("", text).strip().splitlines()
    return lines[0] if lines else "no message"


def place(path: Path, notebook: NotebookNode, cell: NotebookNode) -> str:
    """Where a cell is, for a person: its number among all cells, counted from 1, and its first line."""
    return f"{path.name}, cell {notebook.cells.index(cell) + 1} ({source_head(cell)!r})"


def shown(cell: NotebookNode) -> list[str]:
    """What a cell shows, as lines of text; a picture is its media type and, beside it, its description."""
    lines = []
    for output in cell.outputs:
        if output.output_type == "stream":
            lines += output.text.splitlines()
            continue
        for media_type, content in sorted(output.data.items()):
            lines += [f"<{media_type}>"] if media_type in PICTURES else str(content).splitlines()
    return lines


def compare(path: Path, stored: NotebookNode, fresh: NotebookNode) -> list[str]:
    """A sentence for each cell that shows another text than it stores, with the first line that differs."""
    sentences = []
    for cell, again in zip(stored.cells, fresh.cells, strict=True):
        if cell.cell_type != "code" or set(tags(cell)) & set(NOT_COMPARED):
            continue
        for was, now in zip_longest(shown(cell), shown(again)):
            if was != now:
                sentences.append(f"{place(path, stored, cell)} stores {line(was)}, a clean kernel gives {line(now)}: "
                                 "find out which is right, then call `make notebooks`")
                break
    return sentences


def line(text: str | None) -> str:
    """A line, or that there is none, as part of a sentence."""
    return "nothing more" if text is None else f"{text!r}"


def check(path: Path) -> list[str]:
    """What is wrong with a stored notebook, a sentence each; it stays as it is.

    A fresh run must succeed, and give the texts that are stored; the file must be small and as `execute` writes it.
    """
    try:
        stored = read(path)
        check_size(path, path.read_text(encoding="utf-8"))
        fresh = run(path, stored)
    except NotebookError as error:
        return [str(error)]
    tidied = copy.deepcopy(stored)
    tidy(tidied)
    if text_of(tidied) != path.read_text(encoding="utf-8"):
        return [f"{path.name} is not stored as `make notebooks` stores it: call that"]
    return compare(path, stored, fresh)


def execute(path: Path) -> str:
    """The text of the notebook's file with the outputs of a clean kernel; pictures that look the same stay the same.

    Raises NotebookError where the notebook fails or becomes too large; nothing is written.
    """
    stored = read(path)
    fresh = run(path, stored)
    for cell, again in zip(stored.cells, fresh.cells, strict=True):
        if cell.cell_type == "code":
            keep_pictures(cell.outputs, again.outputs)
    text = text_of(fresh)
    check_size(path, text)
    return text


def keep_pictures(stored: list[NotebookNode], fresh: list[NotebookNode]) -> None:
    """Let a fresh PNG with the same pixels as the stored one have the stored one's bytes."""
    for was, now in zip(stored, fresh, strict=False):
        old, new = (output.get("data", {}).get("image/png") for output in (was, now))
        if old and new and same_pixels(b64decode(old), b64decode(new)):
            now.data["image/png"] = old


def same_pixels(one: bytes, other: bytes) -> bool:
    """Whether two PNGs show the same in all their frames, however they are compressed."""
    frames = [[np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(io.BytesIO(png)))]
              for png in (one, other)]
    return len(frames[0]) == len(frames[1]) and all(map(np.array_equal, *frames))
