"""The cells of a notebook as HTML that needs nothing else: pictures inside, formulas as MathML, code in colours."""

import mimetypes
import re
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from os.path import relpath
from pathlib import Path
from urllib.parse import unquote

from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from notebooks.publish.files import EXERCISES, FOLDER, ROOT, NotebookError, name_of, tags
from notebooks.publish.mathematics import mathml
from notebooks.publish.pictures import picture_html
from notebooks.translate.documents import DOCS, ELSEWHERE, anchor, is_translated, same_place, translation
from notebooks.translate.languages import ENGLISH, Language, languages

BEHIND_BOLD = re.compile(r"([：。，；？！）]</strong>) ")  # Markdown needs the space, Chinese type does not
EXPLORER = "explorer.html"                             # made by notebooks.explorer, beside the pages
FOLDERS = {DOCS / language.place: language for language in languages().values()}        # of the documents


@dataclass(frozen=True)
class Target:
    """Where a page goes: a text that lies in `source` is put into `pages`, where the notebooks' end in `ending`.

    What is not there in the page's language leads to the English page. A notebook links to the English documents, and
    leads to those of its language; a document, and its translation, lead to the one that they name.
    """

    source: Path
    pages: Path
    ending: str
    language: Language = ENGLISH

    def address(self, link: str) -> str:
        """Where a link of the text leads from the page: to a page if there is one, else to the file."""
        path, sign, place = unquote(link).partition("#")  # Markdown quotes Chinese
        file = (self.source / path).resolve()
        if self.source.resolve() not in FOLDERS and file.parent == DOCS and is_translated(file, self.language):
            english, file = file, translation(file, self.language)
            place = same_place(place, english, file)
        return self.file_address(path, file) + sign + place

    def file_address(self, path: str, file: Path) -> str:
        """The same of a file, to which `path` leads."""
        if file == ROOT / "pages" / EXPLORER:
            return ("" if self.language.has_explorer else self.language.up) + EXPLORER
        if not file.exists():
            raise NotebookError(f"the link to {path} leads to no file: give a path that starts from the folder of the "
                                "text")
        if file.suffix == ".ipynb" and file.parent == EXERCISES:   # no pages; translated, they lie beside them
            beside = self.language is not ENGLISH and self.language.has(name_of(file))
            return f"{EXERCISES.name}/{file.name}" if beside else self.relative(file)
        if file.suffix == ".ipynb" and file.parent in (FOLDER, self.source.resolve()):
            return self.language.way_to(file.stem) + file.stem + self.ending
        if file.suffix == ".md" and (other := FOLDERS.get(file.parent)):
            return ("" if other == self.language else self.language.up + other.place) + page_of_document(file)
        if page := page_of_module(file):
            return self.language.up + page
        return self.relative(file)

    def relative(self, file: Path) -> str:
        """The file itself, from the page."""
        return Path(relpath(file, self.pages.resolve())).as_posix()


def page_of_document(file: Path) -> str:
    """The name of the page of a file in docs/, whose README.md is the first."""
    return "docs.html" if file.stem == "README" else f"{file.stem}.html"


def page_of_module(file: Path) -> str | None:
    """The name of the page of the reference for a file of the library; the files that only gather others have none."""
    if file.suffix != ".py" or file.stem.startswith("__") or not file.is_relative_to(ROOT / "swin_np"):
        return None
    return ".".join(file.relative_to(ROOT).with_suffix("").parts) + ".html"


class SelfContained(IPythonRenderer):
    """nbconvert's Markdown, but formulas become MathML, pictures are put in, and links lead to the pages."""

    def __init__(self, target: Target):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.target = target

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def heading(self, text: str, level: int, **attrs) -> str:
        return f'<h{level} id="{anchor(text)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not ELSEWHERE.match(url):
            url = self.target.address(url)
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        path = self.target.source / url
        if ELSEWHERE.match(url) or not path.is_file():
            raise NotebookError(f"the picture {url} is no file beside the text, expected one that can be put into "
                                "the page: give the path of a file in this repository")
        if not text:
            raise NotebookError(f"the picture {url} has no description: write one between the square brackets")
        content = b64encode(path.read_bytes()).decode("ascii")
        return f'<img src="data:{mimetypes.guess_type(path)[0]};base64,{content}" alt="{escape(text)}">'


def markdown(text: str, target: Target) -> str:
    """Markdown as HTML."""
    html = MarkdownWithMath(renderer=SelfContained(target)).render(text)
    return wide_tables(BEHIND_BOLD.sub(r"\1", html))


def wide_tables(html: str) -> str:
    """Let a table that is wider than a phone scroll by itself."""
    return html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")


def python(code: str) -> str:
    """Python in the colours that `code_colours` gives."""
    return highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight"))


def code_colours() -> str:
    """CSS for the code, on a light ground and on a dark one."""
    light, dark = (HtmlFormatter(style=style, nobackground=True).get_style_defs(".highlight")
                   for style in ("default", "github-dark"))
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def output_html(output: NotebookNode, target: Target) -> str:
    """One output of a cell. Raises NotebookError for a kind that a page without a network cannot show."""
    printed = '<pre class="output">' if target.language is ENGLISH else '<pre class="output" lang="en">'
    if output.output_type == "stream":
        return f'{printed}{ansi2html(output.text)}</pre>'
    data = output.data
    if "image/png" in data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        if not alt:
            raise NotebookError("a picture has no description: end the cell with swin_np.notebook.show(figure, alt)")
        return picture_html(data["image/png"], alt, target.language)
    if "text/markdown" in data:
        return f'<div class="source">{markdown(data["text/markdown"], target)}</div>'
    if "text/latex" in data:
        return markdown(data["text/latex"], target)
    if "text/html" in data:
        return wide_tables(data["text/html"])
    return f'{printed}{ansi2html(data["text/plain"])}</pre>'


def cell_html(cell: NotebookNode, target: Target) -> str:
    """A cell with all that it shows."""
    if cell.cell_type == "markdown":
        return markdown(cell.source, target)
    if cell.cell_type != "code":
        return ""
    outputs = "".join(output_html(output, target) for output in cell.outputs)
    hint = (f'<p class="hint">{target.language.texts["sliders"]}</p>'
            if "widget" in tags(cell) else "")
    return f'<div class="cell">{python(cell.source)}{outputs}{hint}</div>\n'
