"""The pages of docs/ and of the reference, in the order in which docs/README.md lists them."""

import re
from html import escape
from pathlib import Path

from notebooks.publish import reference
from notebooks.publish.files import ROOT, NotebookError
from notebooks.publish.pages import INDEX, PAGE, REFERENCE, document, switches, write_all
from notebooks.publish.rendering import DOCS, Target, markdown, page_of_document, page_of_module
from notebooks.translate.languages import ENGLISH

INCLUDE = re.compile(r"^\{\{(.+)\}\}$", re.MULTILINE)   # such a line stands for a file, less its heading


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


def navigation(here: str) -> str:
    """Links to the walkthrough, also in other languages, the documents and the reference; the page `here` is marked."""
    links = [(INDEX, "Walkthrough"), *((page_of_document(path), title(path)) for path in documents()),
             (REFERENCE, "Reference")]
    items = [f'<a href="{address}"{" aria-current=page" if address == here else ""}>{escape(name)}</a>'
             for address, name in links]
    return f"<nav>{' '.join(items)} {switches(INDEX, ENGLISH)}</nav>"


def whole(name: str, heading: str, body: str) -> str:
    """A page of the documentation."""
    return document(name, heading, ("text.css", "page.css", "docs.css"),
                    f"{navigation(name)}\n<main>\n{body}</main>")


def publish(folder: Path) -> list[Path]:
    """Write every document and every page of the reference to `folder`; the list of the documents is the last file.

    Raises NotebookError; nothing is written unless all could be made.
    """
    written = []
    for path in documents():
        text = INCLUDE.sub(included, path.read_text(encoding="utf-8"))
        name = page_of_document(path)
        written.append((folder / name, whole(name, title(path), markdown(text, Target(DOCS, folder, PAGE)))))
    known = reference.addresses()
    written.append((folder / REFERENCE, whole(REFERENCE, "Reference", reference.contents_html(known))))
    for path in reference.module_files():
        name = page_of_module(path)
        written.append((folder / name, whole(name, reference.module_name(path), reference.module_html(path, known))))
    write_all(written, folder)
    return [file for file, _ in written[1:] + written[:1]]
