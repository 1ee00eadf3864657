"""The command line: `python -m notebooks.publish execute|check|html|slides [NAME ...]`, or `talk`, `docs`, `online`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from notebooks.publish import documents, online, pages, talk
from notebooks.publish.execution import check, execute
from notebooks.publish.files import FOLDER, find
from notebooks.translate.languages import languages
from swin_np.commands.options import output_folder
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import write_text

COMMANDS = {
    "execute": "run every notebook from a clean kernel and store what it shows",
    "check": "run every notebook from a clean kernel and compare the texts it shows with those it stores",
    "html": "make pages to read, that open without a network",
    "slides": "make pages to present, that open without a network",
}
WITHOUT_NAMES = {
    "talk": "make the talks, a sheet for each and the questions for the discussion, that open without a network",
    "docs": "make pages of docs/ and of the reference, that open without a network",
    "online": "write links to Colab and Binder into the texts, if pyproject.toml has the repository's address",
}
PAGES = FOLDER.parent / "pages"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m notebooks.publish", description="Run, check and publish the notebooks of the walkthrough.",
        epilog="example: python -m notebooks.publish check 05_cyclic_shift_and_masks; the exit status is 1 where a "
               "notebook is at fault, and 2 where the command is")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, sentence in {**COMMANDS, **WITHOUT_NAMES}.items():
        example = f"python -m notebooks.publish {name}" + (" 00_start_here" if name in COMMANDS else "")
        command = commands.add_parser(name, help=sentence, description=sentence, epilog=f"example: {example}")
        command.set_defaults(names=[])
        if name in COMMANDS:
            command.add_argument("names", nargs="*", metavar="NAME",
                                 help="a notebook, by its file's name (default: all)")
        if name in ("html", "slides", "talk", "docs"):
            command.add_argument("--folder", type=Path, default=PAGES, help=f"where they go (default: {PAGES.name})")
    return top


def run_notebooks(command: str, chosen: list[Path]) -> int:
    """Execute or check them one by one, with a line for each; 1 if any is at fault."""
    fault = 0
    for number, path in enumerate(chosen, start=1):
        start = perf_counter()
        try:
            if command == "execute":
                write_text(execute(path), path)
                sentences = []
            else:
                sentences = check(path)
        except SwinError as error:
            sentences = [str(error)]
        outcome = "not as it should be" if sentences else f"{path.stat().st_size / 1000:.0f} kB"
        print(f"{number} of {len(chosen)}: {path.name}, {perf_counter() - start:.1f} s, {outcome}", flush=True)
        for sentence in sentences:
            fault = 1
            print(f"notebooks: {printable(sentence)}", file=sys.stderr, flush=True)
    return fault


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what a user has to know stands in one sentence on standard error."""
    options = parser().parse_args(arguments)
    try:
        chosen, everything = find(options.names), find([])
        if options.command in ("execute", "check"):
            return run_notebooks(options.command, chosen)
        if options.command == "online":
            online.publish()
            return 0
        make, ending = (pages.page, pages.PAGE) if options.command == "html" else (pages.slides, pages.SLIDES)
        names = {"docs": [pages.DOCUMENTS, pages.REFERENCE],
                 "talk": [pages.DISCUSSION, *(f"{stem}{pages.PAGE}" for stem in (*pages.TALKS, *pages.SHEETS))]}
        output_folder(options.folder, names.get(options.command, [
            pages.INDEX, *(f"{path.stem}{ending}" for path in chosen)]))
        first = {"html": [pages.INDEX], "slides": [pages.INDEX], "docs": [pages.DOCUMENTS], "talk": names["talk"]}
        if options.command in first:
            for language in languages().values():
                output_folder(options.folder / language.place, first[options.command])
    except SwinError as error:
        print(f"notebooks: {printable(str(error))}", file=sys.stderr)
        return 2
    try:
        if options.command in ("docs", "talk"):
            written = (documents if options.command == "docs" else talk).publish(options.folder)
        else:
            written = pages.publish(make, ending, chosen, everything, options.folder)
    except SwinError as error:
        print(f"notebooks: {printable(str(error))}", file=sys.stderr)
        return 1
    made = sum(file.suffix == pages.PAGE for file in written)
    print(f"{made} pages; open {written[-1].resolve().as_uri()} in a browser, no network is needed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
