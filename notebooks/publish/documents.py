"""The pages of docs/, in every language, and of the reference, in the order in which docs/README.md lists them."""

import re
from html import escape
from pathlib import Path

from notebooks.publish import reference
from notebooks.publish.files import ROOT, NotebookError
from notebooks.publish.pages import INDEX, PAGE, REFERENCE, document, switch, write_all
from notebooks.publish.rendering import DOCS, Target, markdown, page_of_document, page_of_module
from notebooks.translate.documents import INCLUDE, is_translated, translation
from notebooks.translate.languages import ENGLISH, Language, languages


def documents() -> list[Path]:
    """docs/README.md and the pages that it links to; NotebookError for one that it leaves out."""
    start = DOCS / "README.md"
    listed = [DOCS / name for name in re.findall(r"\]\((\w+\.md)\)", start.read_text(encoding="utf-8"))]
    if left_out := sorted(set(DOCS.glob("*.md")) - {start, *listed}):
        raise NotebookError(f"docs/README.md does not link to {left_out[0].name}: add it to the list")
    return [start, *dict.fromkeys(listed)]


def title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def included(match: re.Match[str]) -> str:
    """The text of a file of the repository without its first line, which is a heading."""
    return (ROOT / match[1]).read_text(encoding="utf-8").partition("\n")[2]


def navigation(here: str, language: Language) -> str:
    """Links to the walkthrough, the documents and the reference, where `here` is marked, and to other languages."""
    there = {page_of_document(path): path for path in documents()}
    links = [(INDEX, "", language.texts["to walkthrough"])]
    for name, path in there.items():                   # what is not translated has its English title
        known = is_translated(path, language)
        links.append((name, "", title(translation(path, language))) if known else
                     (language.up + name, f' lang="{ENGLISH.lang}"', title(path)))
    links.append((language.up + REFERENCE, "", language.texts["to reference"]))
    items = [f'<a href="{address}"{marks}{" aria-current=page" if address == here else ""}>{escape(text)}</a>'
             for address, marks, text in links]
    items += [switch(here if here in there and is_translated(there[here], other) else INDEX, language, other)
              for other in languages().values() if other != language]
    return f"<nav>{' '.join(items)}</nav>"


def whole(name: str, heading: str, body: str, language: Language = ENGLISH) -> str:
    """A page of the documentation."""
    return document(name, heading, ("text.css", "page.css", "docs.css"),
                    f"{navigation(name, language)}\n<main>\n{body}</main>", language=language)


def page(path: Path, folder: Path, language: Language) -> str:
    """A document as a page in a language, that will lie in `folder`."""
    file = translation(path, language)
    text = INCLUDE.sub(included, file.read_text(encoding="utf-8"))
    body = markdown(text, Target(file.parent, folder, PAGE, language))
    return whole(page_of_document(path), title(file), body, language)


def publish(folder: Path) -> list[Path]:
    """Write every document, also in other languages, and every page of the reference to `folder`.

    The list of the English documents is the last file. Raises NotebookError; nothing is written unless all could be
    made.
    """
    written = []
    for language in languages().values():
        home = folder / language.place
        written += [(home / page_of_document(path), page(path, home, language)) for path in documents()
                    if is_translated(path, language)]
    known = reference.addresses()
    written.append((folder / REFERENCE, whole(REFERENCE, "Reference", reference.contents_html(known))))
    for path in reference.module_files():
        name = page_of_module(path)
        written.append((folder / name, whole(name, reference.module_name(path), reference.module_html(path, known))))
    write_all(written, folder)
    return [file for file, _ in written[1:] + written[:1]]
