"""Notebooks as pages to read and slides to present, one HTML file each, that open from a folder without a network."""

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from string import Template

from nbformat import NotebookNode

from notebooks.publish.files import FOLDER, NotebookError, read
from notebooks.publish.pictures import small_picture
from notebooks.publish.rendering import EXPLORER, Target, cell_html, code_colours, markdown
from swin_np.writing import make_folder, write_text

TEMPLATES = Path(__file__).parent / "templates"
PAGE, SLIDES, INDEX = ".html", ".slides.html", "index.html"
DOCUMENTS, REFERENCE = "docs.html", "reference.html"   # made by documents.py
TALKS, SHEETS = ("talk_swin", "talk_res2net"), ("sheet_swin", "sheet_res2net")          # and this made by talk.py
DISCUSSION = "discussion.html"
FRAME = ("Paper", "Before", "Time", "Afterwards")      # what the first cell of every notebook says, in this order
QUESTION = "**Predict:**"                              # what follows it in a notebook is the answer
LOADED = ("src", "srcset", "poster", "data", "background", "action")    # attributes whose address a browser asks for


def template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def title(path: Path, notebook: NotebookNode) -> str:
    """The heading of the notebook; NotebookError unless it begins with one."""
    first = notebook.cells[0].source if notebook.cells else ""
    if not (heading := re.match(r"# (.+)", first)):
        raise NotebookError(f"{path.name} begins with {first[:40]!r}, expected a heading: write '# ' and its title "
                            "first")
    return heading[1].strip()


def frame(path: Path, notebook: NotebookNode) -> dict[str, str]:
    """What the first cell says of section, knowledge, time and aim; NotebookError where it does not say all of it."""
    title(path, notebook)
    said = dict(re.findall(r"^\* \*\*(\w+):\*\* (.+)$", notebook.cells[0].source, re.MULTILINE))
    if tuple(said) != FRAME:
        raise NotebookError(f"the first cell of {path.name} says {', '.join(said) or 'nothing'}, expected "
                            f"{', '.join(FRAME)}: write a line '* **{FRAME[0]}:** ...' for each, in this order")
    return said


class Loading(HTMLParser):
    """Collects what a browser would ask for when it opens a page."""

    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            loaded = name in LOADED or (name == "href" and tag in ("link", "image", "use", "base"))
            if loaded and not (value or "").startswith(("data:", "#")):
                self.addresses.append(value or "")
            if name == "style":
                self.handle_style(value or "")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.handle_style(data)

    def handle_style(self, css: str) -> None:
        found = re.findall(r"@import\s+([^;]+)|url\(\s*['\"]?(?!data:|#)([^)]*)", css)
        self.addresses += [imported or linked for imported, linked in found]


def check_self_contained(name: str, html: str) -> None:
    """Raise NotebookError for a page that would ask for anything, from the network or from a file beside it."""
    loading = Loading()
    loading.feed(html)
    if loading.addresses:
        raise NotebookError(f"{name} would load {loading.addresses[0]!r}, expected a page that loads nothing: "
                            "put the content into the notebook")


def document(name: str, heading: str, styles: tuple[str, ...], body: str, script: str = "") -> str:
    """A whole HTML file; NotebookError if it is not self-contained."""
    style = "\n".join([*map(template, (*styles, "screen.css")), code_colours()])
    if 'class="film"' in body:
        script += template("film.js")
    html = Template(template("page.html")).substitute(
        title=escape(heading), style=style, body=body, script=script and f"<script>\n{script}</script>")
    check_self_contained(name, html)
    return html


def navigation(paths: list[Path], i: int) -> str:
    """Links to the notebooks before and after, the contents and the slides."""
    links = [(INDEX, "Contents"), (paths[i].stem + SLIDES, "Slides")]
    if i > 0:
        links.insert(0, (paths[i - 1].stem + PAGE, f"Before: {title(paths[i - 1], read(paths[i - 1]))}"))
    if i + 1 < len(paths):
        links.append((paths[i + 1].stem + PAGE, f"Next: {title(paths[i + 1], read(paths[i + 1]))}"))
    return f'<nav>{" ".join(link(*each) for each in links)}</nav>'


def link(address: str, text: str) -> str:
    return f'<a href="{address}">{escape(text)}</a>'


def answers(cells: list[NotebookNode]) -> list[bool]:
    """Which cells answer a question: those after it, up to the next question or heading.

    Where a heading follows at once, they are those after the heading.
    """
    marks: list[bool] = []
    asked = False                                      # whether what comes now answers a question
    for cell in cells:
        text = cell.source if cell.cell_type == "markdown" else ""
        heading = re.search(r"^#+ ", text, re.MULTILINE) is not None
        if heading and marks and marks[-1]:
            asked = False
        marks.append(asked and not heading and QUESTION not in text)
        asked = asked or QUESTION in text
    return marks


def page(paths: list[Path], i: int, folder: Path) -> str:
    """The i-th of the notebooks as a page that will lie in `folder`; what answers a question is folded."""
    notebook, target = read(paths[i]), Target(paths[i].parent, folder, PAGE)
    frame(paths[i], notebook)
    body = ""
    for answer, group in groupby(zip(answers(notebook.cells), notebook.cells, strict=True), key=lambda pair: pair[0]):
        cells = "".join(cell_html(cell, target) for _, cell in group)
        body += f'<details class="answer"><summary>Answer</summary>\n{cells}</details>\n' if answer else cells
    around = navigation(paths, i)
    unfold = '<p><button class="unfold">Unfold all answers</button></p>' if any(answers(notebook.cells)) else ""
    return document(paths[i].stem + PAGE, title(paths[i], notebook), ("text.css", "page.css"),
                    f"{around}\n{unfold}<main>\n{body}</main>\n{around}", template("answers.js"))


def slide_type(cell: NotebookNode) -> str:
    """JupyterLab's slide type of a cell: slide, subslide, fragment, skip, notes, or - for none."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def slides(paths: list[Path], i: int, folder: Path) -> str:
    """The i-th of the notebooks as slides; a cell of type slide or subslide begins one.

    What answers a question is a fragment, if it does not begin a slide of its own.
    """
    notebook, target = read(paths[i]), Target(paths[i].parent, folder, SLIDES)
    heading, pages = title(paths[i], notebook), []
    if not any(slide_type(cell) == "slide" for cell in notebook.cells):
        raise NotebookError(f"no cell of {paths[i].name} begins a slide: choose the slide type of its cells in "
                            "JupyterLab (property inspector, the gear wheels)")
    for cell, answer in zip(notebook.cells, answers(notebook.cells), strict=True):
        kind = slide_type(cell)
        if kind == "skip":
            continue
        html = cell_html(cell, target)
        if kind == "-" and answer:
            kind = "fragment"
        if kind in ("fragment", "notes"):
            html = f'<div class="{kind}">{html}</div>'
        if kind in ("slide", "subslide") or not pages:
            pages.append("")
        pages[-1] += html
    body = "\n".join(f'<section class="slide" aria-label="slide {number} of {len(pages)}">\n'
                     f'<div class="fitted">{html}</div></section>'
                     for number, html in enumerate(pages, start=1))
    controls = ('<div class="controls"><button class="back" aria-label="back">&larr;</button>'
                '<span class="counter"></span><button class="forward" aria-label="forward">&rarr;</button></div>')
    return document(paths[i].stem + SLIDES, heading, ("text.css", "slides.css"), f"{body}\n{controls}",
                    template("slides.js"))


def index(paths: list[Path], folder: Path) -> str:
    """The list of all notebooks, with a picture, their time and aim; and the exercises."""
    items = []
    for path in paths:
        notebook = read(path)
        said, target = frame(path, notebook), Target(path.parent, folder, PAGE)
        about = markdown(f"{said['Time']}. Afterwards you can: {said['Afterwards']}", target)
        links = f"{link(path.stem + PAGE, title(path, notebook))} ({link(path.stem + SLIDES, 'slides')})"
        items.append(f"<li>{small_picture(notebook)}{links}{about}</li>")
    body = (f'<main><h1>The Swin Transformer in NumPy: the walkthrough</h1>\n'
            f'<p>To present, an hour with notes and minutes: {link(TALKS[0] + PAGE, "the talk on Swin")} and '
            f'{link(TALKS[1] + PAGE, "the one on Res2Net")}, a sheet of one page for the audience '
            f'({link(SHEETS[0] + PAGE, "Swin")}, {link(SHEETS[1] + PAGE, "Res2Net")}), and '
            f'{link(DISCUSSION, "questions for the discussion")}. The key S opens the presenter\'s window.</p>\n'
            f'<p>To read, the walkthrough: pages, and the same as slides, which arrow keys turn. '
            f'Beside it: {link(EXPLORER, "the explorer")}, Swin to be touched, '
            f'{link(DOCUMENTS, "the documentation")} and {link(REFERENCE, "the reference")}.</p>\n'
            f'<ul class="contents">{"".join(items)}</ul>\n{exercises(folder)}</main>')
    return document(INDEX, "The Swin Transformer in NumPy", ("text.css", "page.css"), body)


def exercises(folder: Path) -> str:
    """The list of the notebooks with blanks, which have no pages: a student opens the notebook itself."""
    items = []
    for path in sorted((FOLDER / "exercises").glob("*.ipynb")):
        notebook, target = read(path), Target(FOLDER, folder, PAGE)
        said = frame(path, notebook)
        items.append(f"<li>{link(target.address(f'exercises/{path.name}'), title(path, notebook))}: "
                     f"{escape(said['Time'])}</li>")
    return ("<h2>Exercises</h2>\n<p>Notebooks with blanks, which check what is filled in; make lab opens them.</p>\n"
            f"<ul>{''.join(items)}</ul>")


def publish(make: Callable[[list[Path], int, Path], str], ending: str, chosen: list[Path], paths: list[Path],
            folder: Path) -> list[Path]:
    """Write the chosen ones of all notebooks, `paths`, to `folder` by `page` or `slides`, and then the contents.

    Returns the files, the contents last. Raises a SwinError; nothing is written unless all could be made.
    """
    written = []
    for i, path in enumerate(paths):
        if path in chosen:
            try:
                written.append((folder / f"{path.stem}{ending}", make(paths, i, folder)))
            except NotebookError as error:
                raise NotebookError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error
    written.append((folder / INDEX, index(paths, folder)))
    write_all(written, folder)
    return [file for file, _ in written]


def write_all(written: list[tuple[Path, str]], folder: Path) -> None:
    """Write pages to a folder, which is made."""
    make_folder(folder)
    for file, html in written:
        write_text(html, file)
