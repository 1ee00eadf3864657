"""The command line: `python -m notebooks.translate status|check|new LANGUAGE [NAME ...]`, `write LANGUAGE FOLDER`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from notebooks.publish.files import find, name_of
from notebooks.translate import document_state
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language, find_language
from notebooks.translate.state import State, begun, sentence, state
from notebooks.translate.written import write
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import make_folder, write_text

COMMANDS = {
    "status": "say for each notebook and document how much is translated; for those that are named, show the texts to "
              "be translated",
    "check": "say all that is missing, stale or wrong, by notebook and cell, or document and section",
    "new": "write the files of the translation, with an empty text wherever one is missing or stale, and the English "
           "one for a missing section of a document",
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
                             help="a notebook, such as 04_shifted_windows or exercises/04_shifted_windows, or a "
                                  "document, such as docs/porting.md (default: all)")
        if name != "new":
            command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command = commands.add_parser("write", help=WRITE, description=WRITE,
                                  epilog="example: python -m notebooks.translate write zh notebooks_zh")
    command.add_argument("language", metavar="LANGUAGE", help="the folder of a language in notebooks/, such as zh")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="where they go")
    return top


def as_json(states: list[State]) -> str:
    """The states for a program."""
    return json.dumps({"notebooks": [
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what a user has to know stands in one sentence on standard error."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a console may have no Chinese
    options = parser().parse_args(arguments)
    try:
        language = find_language(options.language)
        if options.command == "write":
            return write_notebooks(language, options.folder)
        documents, names = document_state.chosen(options.names)
        paths = find(names, with_exercises=True) if names or not options.names else []
        if options.command == "new":
            for path in paths:
                file = language.sidecar_file(name_of(path))
                make_folder(file.parent)
                write_text(begun(path, language), file)
            for each in documents:
                document_state.write_begun(each, language)
            return 0
        glossary = Glossary.read(language.folder / "glossary.json")
        states = [*(state(path, language, glossary) for path in paths),
                  *(document_state.state(each, language, glossary) for each in documents)]
    except SwinError as error:
        print(f"translate: {printable(str(error))}", file=sys.stderr)
        return 2
    at_fault = options.command == "check" and any(each.faults for each in states)
    if options.json:
        print(as_json(states))
        return int(at_fault)
    if options.command == "status":
        print_status(states, bool(options.names))
        return 0
    for each in states:
        if not each.translated:
            print(f"translate: {each.name} is not begun: call python -m notebooks.translate new {language.code} "
                  f"{each.name}", file=sys.stderr)
            continue
        for fault in each.faults:
            print(f"translate: {printable(sentence(each, fault))}", file=sys.stderr)
    whole = sum(not each.faults for each in states)
    print(f"{whole} of {len(states)} texts are whole")
    return int(at_fault)


if __name__ == "__main__":
    sys.exit(main())
