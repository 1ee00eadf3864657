"""The page from its sources: the scripts one after the other, the style, the texts and what the library computed."""

import json
from html import escape
from pathlib import Path
from string import Template

from notebooks.explorer.data import everything
from notebooks.publish.pages import check_self_contained
from notebooks.translate.languages import ENGLISH, Language, load_json

FOLDER = Path(__file__).parent
FIRST, LAST = ("namespace.js", "elements.js"), "main.js"
ORDER = ("geometry", "network", "costs", "drawing", "views")           # folders: what draws comes after what computes


def scripts() -> list[Path]:
    """All scripts in the order in which a browser has to read them."""
    folder = FOLDER / "scripts"
    between = [path for name in ORDER for path in sorted((folder / name).glob("*.js"))]
    return [*(folder / name for name in FIRST), *between, folder / LAST]


def texts(language: Language = ENGLISH) -> dict[str, str]:
    """Every text of the page by its name, in a language that has a table."""
    return load_json(language.explorer_file)


def embedded(value: object) -> str:
    """JSON that can stand in a <script> element: no text in it ends the element."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")


def page(strings: dict[str, str] | None = None, language: Language = ENGLISH) -> str:
    """The whole page, one HTML file that loads nothing; `strings` in the place of the language's own table.

    Raises NotebookError where it would load anything.
    """
    strings = texts(language) if strings is None else strings
    html = Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        language=language.lang, title=escape(strings["page.title"]), noscript=escape(strings["page.noscript"]),
        style="\n".join([*(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "styles").glob("*.css"))),
                         language.style]),
        strings=embedded(strings), data=embedded(everything(language)),
        script="\n".join(path.read_text(encoding="utf-8") for path in scripts()))
    check_self_contained("explorer.html", html)
    return html
