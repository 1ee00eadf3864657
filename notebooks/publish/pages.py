"""Notebooks as pages to read and slides to present, one HTML file each, that open from a folder without a network."""

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from string import Template

from nbformat import NotebookNode

from notebooks.publish.files import EXERCISES, FOLDER, NotebookError, name_of, read
from notebooks.publish.pictures import small_picture
from notebooks.publish.rendering import EXPLORER, Target, cell_html, code_colours, markdown
from notebooks.translate.documents import DOCS, is_translated
from notebooks.translate.languages import ENGLISH, Language, languages
from notebooks.translate.written import notebook_text
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


def frame(path: Path, notebook: NotebookNode, language: Language = ENGLISH) -> dict[str, str]:
    """What the first cell says of section, knowledge, time and aim; NotebookError where it does not say all of it."""
    title(path, notebook)
    names = {language.labels.get(label, label): name for name in FRAME for label in (f"**{name}:**",)}
    said = {names.get(label, label.strip("*:")): text for label, text in re.findall(
        r"^\* (\*\*\w+[:：]\*\*) (.+)$", notebook.cells[0].source, re.MULTILINE)}
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


def document(name: str, heading: str, styles: tuple[str, ...], body: str, script: str = "",
             language: Language = ENGLISH) -> str:
    """A whole HTML file; NotebookError if it is not self-contained."""
    style = "\n".join([*map(template, (*styles, "screen.css")), code_colours(), language.style])
    if 'class="film"' in body:
        script += template("film.js")
    html = Template(template("page.html")).substitute(
        lang=language.lang, title=escape(heading), style=style, body=body,
        script=script and f"<script>\n{script}</script>")
    check_self_contained(name, html)
    return html


def navigation(paths: list[Path], i: int, language: Language) -> str:
    """Links to the notebooks before and after, the contents, the slides and the same page in other languages."""

    def neighbour(what: str, path: Path) -> tuple[str, str]:
        heading = title(path, language.read(path))
        return language.way_to(path.stem) + path.stem + PAGE, language.texts[what].format(heading)

    links = [(INDEX, language.texts["contents"]), (paths[i].stem + SLIDES, language.texts["slides"])]
    if i > 0:
        links.insert(0, neighbour("before", paths[i - 1]))
    if i + 1 < len(paths):
        links.append(neighbour("next", paths[i + 1]))
    switch = switches(paths[i].stem + PAGE, language, paths[i].stem)
    return f'<nav>{" ".join(link(*each) for each in links)} {switch}</nav>'


def switches(name: str, language: Language, stem: str | None = None) -> str:
    """Links to a page in the other languages, of a notebook in those that have it."""
    return " ".join(switch(name, language, other) for other in languages().values()
                    if other != language and (stem is None or other.has(stem)))


def switch(name: str, language: Language, other: Language) -> str:
    """A link to a page in another language."""
    return (f'<a href="{language.up}{other.place}{name}" lang="{other.lang}" hreflang="{other.lang}">'
            f"{other.name}</a>")


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


def page(paths: list[Path], i: int, folder: Path, language: Language = ENGLISH) -> str:
    """The i-th of the notebooks as a page that will lie in `folder`; what answers a question is folded."""
    notebook, target = language.read(paths[i]), Target(paths[i].parent, folder, PAGE, language)
    frame(paths[i], notebook, language)
    folded = answers(read(paths[i]).cells)
    body = ""
    for answer, group in groupby(zip(folded, notebook.cells, strict=True), key=lambda pair: pair[0]):
        cells = "".join(cell_html(cell, target) for _, cell in group)
        summary = f"<summary>{language.texts['answer']}</summary>"
        body += f'<details class="answer">{summary}\n{cells}</details>\n' if answer else cells
    around = navigation(paths, i, language)
    unfold = f'<p><button class="unfold">{language.texts["unfold"]}</button></p>' if any(folded) else ""
    return document(paths[i].stem + PAGE, title(paths[i], notebook), ("text.css", "page.css"),
                    f"{around}\n{unfold}<main>\n{body}</main>\n{around}", template("answers.js"), language)


def slide_type(cell: NotebookNode) -> str:
    """JupyterLab's slide type of a cell: slide, subslide, fragment, skip, notes, or - for none."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def slides(paths: list[Path], i: int, folder: Path, language: Language = ENGLISH) -> str:
    """The i-th of the notebooks as slides; a cell of type slide or subslide begins one.

    What answers a question is a fragment, if it does not begin a slide of its own.
    """
    notebook, target = language.read(paths[i]), Target(paths[i].parent, folder, SLIDES, language)
    heading, pages = title(paths[i], notebook), []
    if not any(slide_type(cell) == "slide" for cell in notebook.cells):
        raise NotebookError(f"no cell of {paths[i].name} begins a slide: choose the slide type of its cells in "
                            "JupyterLab (property inspector, the gear wheels)")
    for cell, answer in zip(notebook.cells, answers(read(paths[i]).cells), strict=True):
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
    texts = language.texts
    body = "\n".join(f'<section class="slide" aria-label="{texts["slide"].format(number, len(pages))}">\n'
                     f'<div class="fitted">{html}</div></section>'
                     for number, html in enumerate(pages, start=1))
    switch = switches(paths[i].stem + SLIDES, language, paths[i].stem)
    controls = (f'<div class="controls">{switch}<button class="back" aria-label="{texts["back"]}">&larr;</button>'
                '<span class="counter"></span>'
                f'<button class="forward" aria-label="{texts["forward"]}">&rarr;</button></div>')
    return document(paths[i].stem + SLIDES, heading, ("text.css", "slides.css"), f"{body}\n{controls}",
                    template("slides.js"), language)


def index(paths: list[Path], folder: Path, language: Language = ENGLISH) -> str:
    """The list of all notebooks, with a picture, their time and aim; and the exercises."""
    items, texts = [], language.texts
    for path in paths:
        notebook, way = language.read(path), language.way_to(path.stem) + path.stem
        said, target = frame(path, notebook, language), Target(path.parent, folder, PAGE, language)
        about = markdown(texts["about"].format(said["Time"], said["Afterwards"]), target)
        slides_link = texts["slides of"].format(link(way + SLIDES, texts["the slides"]))
        page_link = link(way + PAGE, title(path, notebook))
        items.append(f"<li>{small_picture(notebook)}{page_link}{slides_link}{about}</li>")
    pages = {stem: stem + PAGE for stem in (*TALKS, *SHEETS)}
    pages |= {"discussion": DISCUSSION, "explorer": EXPLORER, "docs": DOCUMENTS, "reference": REFERENCE}
    ways = {name: language.way_to(name) for name in pages}
    ways |= {name: "" if own else language.up for name, own in (
        ("explorer", language.has_explorer), ("docs", is_translated(DOCS / "README.md", language)))}
    links = {name: link(ways[name] + address, texts[name]) for name, address in pages.items()}
    body = (f"<nav>{switches(INDEX, language)}</nav>\n<main><h1>{escape(texts['walkthrough'])}</h1>\n"
            f"<p>{texts['to present'].format_map(links)}</p>\n<p>{texts['to read'].format_map(links)}</p>\n"
            f'<ul class="contents">{"".join(items)}</ul>\n{exercises(folder, language)}</main>')
    return document(INDEX, texts["title"], ("text.css", "page.css"), body, language=language)


def exercises(folder: Path, language: Language) -> str:
    """The list of the notebooks with blanks, which have no pages: a student opens the notebook itself."""
    items, texts, target = [], language.texts, Target(FOLDER, folder, PAGE, language)
    for path in sorted(EXERCISES.glob("*.ipynb")):
        own = language if language.has(name_of(path)) else ENGLISH
        notebook = own.read(path)
        opened = link(target.address(f"{EXERCISES.name}/{path.name}"), title(path, notebook))
        time = escape(frame(path, notebook, own)["Time"])
        said = "" if own is language else f' lang="{own.lang}"'
        items.append(f'<li{said}>{texts["exercise"].format(opened, time)}</li>')
    return (f"<h2>{escape(texts['exercises'])}</h2>\n<p>{escape(texts['about exercises'])}</p>\n"
            f"<ul>{''.join(items)}</ul>")


def publish(make: Callable[[list[Path], int, Path, Language], str], ending: str, chosen: list[Path], paths: list[Path],
            folder: Path) -> list[Path]:
    """Write the chosen ones of all notebooks, `paths`, by `page` or `slides`, in every language that has them.

    The English ones go to `folder`, the others to a folder in it, each with its contents, and with the exercises'
    notebooks that are translated. Returns the files, the English contents last. Raises a SwinError; nothing is written
    unless all could be made.
    """
    written = []
    for language in reversed(languages().values()):
        home = folder / language.place
        for i, path in enumerate(paths):
            if path in chosen and language.has(path.stem):
                try:
                    written.append((home / f"{path.stem}{ending}", make(paths, i, home, language)))
                except NotebookError as error:
                    raise NotebookError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error
        if language is not ENGLISH:
            place = home / EXERCISES.name
            written += [(place / path.name, notebook_text(path, place, language))
                        for path in sorted(EXERCISES.glob("*.ipynb")) if language.has(name_of(path))]
        written.append((home / INDEX, index(paths, home, language)))
    write_all(written, folder)
    return [file for file, _ in written]


def write_all(written: list[tuple[Path, str]], folder: Path) -> None:
    """Write pages to a folder, which is made, and to those in it."""
    make_folder(folder)
    for file, html in written:
        make_folder(file.parent)
        write_text(html, file)
