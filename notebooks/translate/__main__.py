"""The command line: `python -m notebooks.translate status|check|new|pictures|figures LANGUAGE [NAME ...]`."""

import argparse
import json
import sys
from collections.abc import Sequence

from notebooks.publish.files import find
from notebooks.translate import decks, document_state
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import find_language
from notebooks.translate.redrawing import faults_of_figures, redraw
from notebooks.translate.state import State, begun, sentence, state
from swin_np.errors import SwinError
from swin_np.text import printable
from swin_np.writing import write_text

COMMANDS = {
    "status": "say for each notebook, text of the talk and document how much is translated; for those that are named, "
              "show the texts to be translated",
    "check": "say all that is missing, stale or wrong, by notebook and cell, talk and slide, or document and section",
    "new": "write the files of the translation, with an empty text wherever one is missing or stale, and the English "
           "one for a missing slide or section of a document",
    "pictures": "run the notebooks for their pictures with translated labels, and store these",
    "figures": "draw the figures of the gallery with translated labels, into figures/LANGUAGE",
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m notebooks.translate", description="The walkthrough in other languages: what is to be done.",
        epilog="example: python -m notebooks.translate check zh; the exit status is 1 where a translation is at fault, "
               "and 2 where the command is")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text,
                                      epilog=f"example: python -m notebooks.translate {name} zh 00_start_here")
        command.add_argument("language", metavar="LANGUAGE", help="the folder of a language in notebooks/, such as zh")
        command.add_argument("names", nargs="*", metavar="NAME",
                             help="a notebook or a text of the talk, by its file's name, or a document as "
                                  "docs/porting.md (default: all)")
        if name in ("status", "check"):
            command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return top


def as_json(states: list[State], of_figures: list[str]) -> str:
    """The states, and the faults of figures, for a program."""
    return json.dumps({"figures": of_figures, "notebooks": [
        {"notebook": each.stem, "texts": each.of, "translated": each.translated,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what a user has to know stands in one sentence on standard error."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a console may have no Chinese
    options = parser().parse_args(arguments)
    try:
        language = find_language(options.language)
        talk, others = decks.chosen(options.names)
        documents, left = document_state.chosen(options.names)
        names = [each for each in others if each in left]
        paths = find(names) if names or not options.names else []
        if options.command == "new":
            for path in paths:
                write_text(begun(path, language), language.sidecar_file(path.stem))
            for stem in talk:
                decks.write_begun(stem, language)
            for each in documents:
                document_state.write_begun(each, language)
            return 0
        if options.command in ("pictures", "figures"):
            return redraw(options.command, paths, language)
        glossary = Glossary.read(language.folder / "glossary.json")
        states = [*(state(path, language, glossary) for path in paths),
                  *(decks.state(stem, language, glossary) for stem in talk),
                  *(document_state.state(each, language, glossary) for each in documents)]
        of_figures = faults_of_figures(language) if options.command == "check" and not options.names else []
    except SwinError as error:
        print(f"translate: {printable(str(error))}", file=sys.stderr)
        return 2
    at_fault = options.command == "check" and (bool(of_figures) or any(each.faults for each in states))
    if options.json:
        print(as_json(states, of_figures))
        return int(at_fault)
    if options.command == "status":
        print_status(states, bool(options.names))
        return 0
    for each in states:
        if not each.translated:
            print(f"translate: {each.stem} is not begun: call python -m notebooks.translate new {language.code} "
                  f"{each.stem}", file=sys.stderr)
            continue
        for fault in each.faults:
            print(f"translate: {printable(sentence(each, fault))}", file=sys.stderr)
    for fault in of_figures:
        print(f"translate: {printable(fault)}", file=sys.stderr)
    whole = sum(not each.faults for each in states)
    print(f"{whole} of {len(states)} texts are whole")
    return int(at_fault)


if __name__ == "__main__":
    sys.exit(main())
