"""The command line: `python -m notebooks.translate status|check|new|pictures|figures LANGUAGE [NAME ...]`.

`write LANGUAGE FOLDER` makes the notebooks of a language as files.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from notebooks.publish.files import find, name_of
from notebooks.translate import decks, document_state
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language, find_language
from notebooks.translate.redrawing import faults_of_figures, redraw
from notebooks.translate.state import State, begun, sentence, state
from notebooks.translate.written import write
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import make_folder, write_text

COMMANDS = {
    "status": "say for each notebook, text of the talk and document how much is translated; for those that are named, "
              "show the texts to be translated",
    "check": "say all that is missing, stale or wrong, by notebook and cell, talk and slide, or document and section",
    "new": "write the files of the translation, with an empty text wherever one is missing or stale, and the English "
           "one for a missing slide or section of a document",
    "pictures": "run the notebooks for their pictures with translated labels, and store these",
    "figures": "draw the figures of the gallery with translated labels, into figures/LANGUAGE",
}
WRITE = ("write the notebooks of a language to a folder, to be opened with JupyterLab: the walkthrough, and the "
         "exercises without their solutions; a file that is there stays")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m notebooks.translate",
        description="The walkthrough and the exercises in other languages: what is to be done.",
        epilog="example: python -m notebooks.translate check zh; the exit status is 1 where a translation is at fault, "
               "and 2 where the command is")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text,
                                      epilog=f"example: python -m notebooks.translate {name} zh 00_start_here")
        command.add_argument("language", metavar="LANGUAGE", help="the folder of a language in notebooks/, such as zh")
        command.add_argument("names", nargs="*", metavar="NAME",
                             help="a notebook, such as 04_shifted_windows or exercises/04_shifted_windows, a text of "
                                  "the talk, such as talk_swin, or a document, such as docs/porting.md (default: all)")
        if name in ("status", "check"):
            command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command = commands.add_parser("write", help=WRITE, description=WRITE,
                                  epilog="example: python -m notebooks.translate write zh notebooks_zh")
    command.add_argument("language", metavar="LANGUAGE", help="the folder of a language in notebooks/, such as zh")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="where they go")
    return top


def as_json(states: list[State], of_figures: list[str]) -> str:
    """The states, and the faults of figures, for a program."""
    return json.dumps({"figures": of_figures, "notebooks": [
        {"notebook": each.name, "texts": each.of, "translated": each.translated,
         "faults": [{"kind": fault.kind, "cell": fault.place[0],
                     "picture": fault.place[1] + 1 if fault.place[1] >= 0 else None, "sentence": fault.sentence}
                    for fault in each.faults]} for each in states]}, indent=1)


def print_status(states: list[State], with_texts: bool) -> None:
    """A line for each notebook; then, if they are asked for, the English texts of what is missing or stale."""
    for each in states:
        print(printable(each.line()))
        for fault in each.faults if with_texts else []:
            print(f"\n-- {printable(sentence(each, fault))}")
            if fault.kind != "wrong":
                print(fault.english)


def write_notebooks(language: Language, folder: Path) -> int:
    """Write a language's notebooks, and say how to go on."""
    kept = write(language, folder, lambda line: print(printable(line), flush=True))
    if kept:
        print(f"{kept} {'files were' if kept > 1 else 'file was'} kept: delete what you do not want to keep, and call "
              "this again")
    print(printable(f"open {folder / '00_start_here.ipynb'} with JupyterLab"))
    return 0


def begin(paths: list[Path], talk: list[str], documents: list[Path], language: Language) -> None:
    """Write the files of the translation that are named, with places for what is new."""
    for path in paths:
        file = language.sidecar_file(name_of(path))
        make_folder(file.parent)
        write_text(begun(path, language), file)
    for stem in talk:
        decks.write_begun(stem, language)
    for each in documents:
        document_state.write_begun(each, language)


def print_faults(states: list[State], of_figures: list[str], language: Language) -> None:
    """A sentence for each fault on standard error, and how many texts have none."""
    for each in states:
        if not each.translated:
            print(f"translate: {each.name} is not begun: call python -m notebooks.translate new {language.code} "
                  f"{each.name}", file=sys.stderr)
            continue
        for fault in each.faults:
            print(f"translate: {printable(sentence(each, fault))}", file=sys.stderr)
    for fault in of_figures:
        print(f"translate: {printable(fault)}", file=sys.stderr)
    print(f"{sum(not each.faults for each in states)} of {len(states)} texts are whole")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what a user has to know stands in one sentence on standard error."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a console may have no Chinese
    options = parser().parse_args(arguments)
    try:
        language = find_language(options.language)
        if options.command == "write":
            return write_notebooks(language, options.folder)
        if options.command in ("pictures", "figures"):
            return redraw(options.command, find(options.names), language)
        talk, others = decks.chosen(options.names)
        documents, left = document_state.chosen(options.names)
        names = [each for each in others if each in left]
        paths = find(names, with_exercises=True) if names or not options.names else []
        if options.command == "new":
            begin(paths, talk, documents, language)
            return 0
        glossary = Glossary.read(language.folder / "glossary.json")
        states = [*(state(path, language, glossary) for path in paths),
                  *(decks.state(stem, language, glossary) for stem in talk),
                  *(document_state.state(each, language, glossary) for each in documents)]
        of_figures = faults_of_figures(language) if options.command == "check" and not options.names else []
    except SwinError as error:
        print(f"translate: {printable(str(error))}", file=sys.stderr)
        return 2
    if options.json:
        print(as_json(states, of_figures))
    elif options.command == "status":
        print_status(states, bool(options.names))
    else:
        print_faults(states, of_figures, language)
    return int(options.command == "check" and (bool(of_figures) or any(each.faults for each in states)))


if __name__ == "__main__":
    sys.exit(main())
