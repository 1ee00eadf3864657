"""The cells of a notebook as HTML that needs nothing else: pictures inside, formulas as MathML, code in colours."""

import mimetypes
import re
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from os.path import relpath
from pathlib import Path

from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from notebooks.publish.files import NotebookError, tags
from notebooks.publish.mathematics import mathml

ELSEWHERE = re.compile(r"([a-z][a-z0-9+.-]*:|//|#)", re.IGNORECASE)      # how a link begins that is no relative path


@dataclass(frozen=True)
class Target:
    """Where a page goes: links lead from `pages` to the files beside `notebooks`, and to pages that end in `ending`."""

    notebooks: Path
    pages: Path
    ending: str


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
            path, hash_sign, place = url.partition("#")
            if not (self.target.notebooks / path).exists():
                raise NotebookError(f"the link to {url} leads to no file: give a path that starts from the notebooks")
            if path.endswith(".ipynb") and "/" not in path:             # exercises have no page
                url = path.removesuffix(".ipynb") + self.target.ending + hash_sign + place
            else:
                url = Path(relpath(self.target.notebooks / path, self.target.pages)).as_posix() + hash_sign + place
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        path = self.target.notebooks / url
        if ELSEWHERE.match(url) or not path.is_file():
            raise NotebookError(f"the picture {url} is no file beside the notebooks, expected one that can be put into "
                                "the page: give the path of a file in this repository")
        if not text:
            raise NotebookError(f"the picture {url} has no description: write one between the square brackets")
        content = b64encode(path.read_bytes()).decode("ascii")
        return f'<img src="data:{mimetypes.guess_type(path)[0]};base64,{content}" alt="{escape(text)}">'


def anchor(text: str) -> str:
    """The id of a heading, as JupyterLab makes it: its words with hyphens between them."""
    return escape(re.sub(r"<[^>]+>", "", text).strip().replace(" ", "-"))


def markdown(text: str, target: Target) -> str:
    """Markdown as HTML."""
    return wide_tables(MarkdownWithMath(renderer=SelfContained(target)).render(text))


def wide_tables(html: str) -> str:
    """Let a table that is wider than a phone scroll by itself."""
    return html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")


def python(code: str) -> str:
    """Python in the colours that `code_colours` gives."""
    return highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight"))


def code_colours() -> str:
    """CSS for the code."""
    return HtmlFormatter(style="default", nobackground=True).get_style_defs(".highlight")


def output_html(output: NotebookNode, target: Target) -> str:
    """One output of a cell. Raises NotebookError for a kind that a page without a network cannot show."""
    if output.output_type == "stream":
        return f'<pre class="output">{ansi2html(output.text)}</pre>'
    data = output.data
    if "image/png" in data:
        alt = escape(output.metadata.get("image/png", {}).get("alt", ""))
        if not alt:
            raise NotebookError("a picture has no description: end the cell with swin_np.notebook.show(figure, alt)")
        return f'<p class="picture"><img src="data:image/png;base64,{data["image/png"].strip()}" alt="{alt}"></p>'
    if "text/markdown" in data:
        return f'<div class="source">{markdown(data["text/markdown"], target)}</div>'
    if "text/latex" in data:
        return markdown(data["text/latex"], target)
    if "text/html" in data:
        return wide_tables(data["text/html"])
    return f'<pre class="output">{ansi2html(data["text/plain"])}</pre>'


def cell_html(cell: NotebookNode, target: Target) -> str:
    """A cell with all that it shows."""
    if cell.cell_type == "markdown":
        return markdown(cell.source, target)
    if cell.cell_type != "code":
        return ""
    outputs = "".join(output_html(output, target) for output in cell.outputs)
    hint = ('<p class="hint">In the notebook this cell has sliders (<code>make lab</code>).</p>'
            if "widget" in tags(cell) else "")
    return f'<div class="cell">{python(cell.source)}{outputs}{hint}</div>\n'
