"""The texts of the talk as HTML: Markdown, and lines that begin with `::` for what Markdown does not have.

A deck begins with `# title`; `## title` begins a slide, after which `part:` and `minutes:` have a line each. Then:

    ::figure NAME | ALT      a picture of notebooks/talk/figures.py, and what there is to see in it
    ::code swin_np.NAME      the source of a function or method of the library
    ::questions FIRST LAST   some of the questions of discussion.md, without their answers
    ::step                   what follows, as far as the column goes, is shown on a key press; `::step with`: together
                             with the step before
    ::before                 what follows gives its place to the step after it; on paper only that step is shown
    ::left PERCENT           two columns; `::right` begins the second, `::across` ends them
    ::notes                  what the presenter says

`{{NAME}}` stands for a number of notebooks/talk/numbers.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from pathlib import Path

from notebooks.publish.files import NotebookError
from notebooks.publish.illustrations import code_html, figure_html
from notebooks.publish.rendering import Target, markdown
from notebooks.talk.numbers import numbers
from notebooks.translate.languages import ENGLISH, Language
from notebooks.translate.sections import in_language, said
from swin_np.arguments.names import check_name

DIRECTIVE = r"^::({}) ?(.*)$"
SLIDE = re.compile(r"\A(?P<title>.+)\npart: (?P<part>.+)\nminutes: (?P<minutes>\d+)\n(?P<body>.*?)"
                   r"^::notes\n(?P<notes>.+)\Z", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Slide:
    """One slide as it is written; `part` is the part of the talk to which its minutes belong."""

    title: str
    part: str
    minutes: int
    body: str
    notes: str


def sections(path: Path, language: Language = ENGLISH) -> tuple[str, list[str]]:
    """The title of a text and its sections, each from its title on, with all numbers; NotebookError without one.

    `path` is the English file, whatever the language.
    """
    known = computed(language)

    def number(match: re.Match[str]) -> str:
        check_name("number", match[1], known)
        return known[match[1]]

    text = re.sub(r"\{\{(.+?)\}\}", number, in_language(path, language))
    head, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    if not head.startswith("# ") or not parts:
        raise NotebookError(f"{language.place}{path.name} begins with {head[:40]!r}, expected '# ' and a title, "
                            "and then sections that begin with '## '")
    return head.removeprefix("# ").strip(), [part.strip() for part in parts]


def deck(path: Path, language: Language = ENGLISH) -> tuple[str, list[Slide]]:
    """The title of a talk, and its slides; NotebookError for a slide that lacks its part, minutes, body or notes."""
    title, parts = sections(path, language)
    slides = []
    for part in parts:
        if not (match := SLIDE.match(part)):
            raise NotebookError(f"the slide {part.splitlines()[0]!r} of {language.place}{path.name} is not whole: give "
                                "it a line 'part: ', a line 'minutes: ' with a whole number, its content and '::notes'")
        given = match.groupdict()
        slides.append(Slide(given["title"], given["part"], int(given["minutes"]), given["body"], given["notes"]))
    return title, slides


@cache
def computed(language: Language = ENGLISH) -> dict[str, str]:
    """The numbers of the talk in a language, computed once."""
    return numbers(partial(said, language=language))


def cut(text: str, kinds: str) -> list[tuple[str, str, str]]:
    """The text in pieces that begin at lines `::KIND ARGUMENT`: kind, argument, what follows; the first has no kind."""
    first, *others = re.split(DIRECTIVE.format(kinds), text, flags=re.MULTILINE)
    return [("", "", first), *zip(others[0::3], others[1::3], others[2::3], strict=True)]


def discussion(folder: Path, language: Language = ENGLISH) -> list[tuple[str, str]]:
    """The questions of discussion.md, and the Markdown of their answers."""
    _, parts = sections(folder / "discussion.md", language)
    return [(question, answer.strip()) for question, _, answer in (part.partition("\n") for part in parts)]


class Composer:
    """Makes HTML of the texts of a folder."""

    def __init__(self, folder: Path, target: Target):
        self.folder, self.target, self.steps = folder, target, 0
        self.pieces: dict[str, Callable[[str], str]] = {
            "figure": partial(figure_html, language=target.language), "code": code_html,
            "questions": self.questions, "": lambda argument: ""}

    def questions(self, argument: str) -> str:
        first, last = map(int, argument.split())
        items = "".join(f"<li>{markdown(question, self.target)}</li>"
                        for question, _ in discussion(self.folder, self.target.language)[first - 1:last])
        return f'<ol start="{first}">{items}</ol>'

    def plain(self, text: str) -> str:
        """Markdown with pictures and code between."""
        return "".join(self.pieces[kind](argument) + markdown(rest.strip(), self.target)
                       for kind, argument, rest in cut(text, "figure|code|questions"))

    def at_step(self, kind: str, inner: str) -> str:
        """Something that is shown from the present step on, or up to it."""
        grow = " grow" if "<figure" in inner else ""
        return f'<div class="{kind}{grow}" data-step="{self.steps}">{inner}</div>'

    def column(self, text: str) -> str:
        """A column, with its steps."""
        html, before = "", ""
        for kind, argument, part in cut(text, "step|before"):
            inner = self.plain(part)
            if kind == "before":
                before = inner
                continue
            if kind:
                self.steps += argument != "with"
                inner = self.at_step("step", inner)
                if before:
                    inner = f'<div class="stack grow">{self.at_step("before", before)}{inner}</div>'
                    before = ""
            html += inner
        return html

    def body(self, text: str) -> str:
        """All of a slide below its title."""
        self.steps, html = 0, ""
        for kind, percent, band in cut(text, "across|left"):
            if kind == "left":
                (_, _, left), (_, _, right) = cut(band, "right")
                columns = "".join(f'<div class="column">{self.column(part)}</div>' for part in (left, right))
                html += (f'<div class="band columns" style="grid-template-columns: {percent}fr {100 - int(percent)}fr">'
                         f"{columns}</div>")
            elif band.strip():
                inner = self.column(band)
                grow = " grow" if "<figure" in inner or 'class="stack' in inner else ""
                html += f'<div class="band{grow}">{inner}</div>'
        return html

    def slide(self, slide: Slide, number: int, of: int, texts: dict[str, str]) -> str:
        """One slide with its notes; `texts` are those of the interface."""
        part = escape(said(slide.part, self.target.language))
        minutes = texts["minute" if slide.minutes == 1 else "minutes"].format(slide.minutes)
        return (f'<section class="slide" id="slide-{number}" data-minutes="{slide.minutes}" '
                f'data-part="{part}" aria-label="{number} / {of}">\n'
                f"<h2>{escape(slide.title)}</h2>\n"
                f'<div class="body">{self.body(slide.body)}</div>\n'
                f'<footer><span>{part}</span><span class="minutes">{minutes}</span>'
                f"<span>{number} / {of}</span></footer>\n"
                f'<aside class="notes">{markdown(slide.notes, self.target)}</aside>\n</section>')
