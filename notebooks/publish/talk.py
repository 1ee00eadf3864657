"""The talk: a deck of slides for each paper, a sheet for the audience, the questions of the discussion."""

import json
from html import escape
from pathlib import Path

from notebooks.publish.decks import Composer, deck, discussion, sections
from notebooks.publish.files import FOLDER
from notebooks.publish.pages import (
    DISCUSSION,
    INDEX,
    PAGE,
    SHEETS,
    TALKS,
    document,
    link,
    switches,
    template,
    write_all,
)
from notebooks.publish.rendering import Target, markdown
from notebooks.translate.languages import ENGLISH

SOURCE = FOLDER / "talk"


def interface(folder: Path) -> dict[str, str]:
    """What buttons, help and the presenter's window say."""
    return json.loads((folder / "interface.json").read_text(encoding="utf-8"))


def help_html(texts: dict[str, str]) -> str:
    """The list of keys."""
    keys = "".join(f"<tr><td><kbd>{escape(texts[f'keys of {what}'])}</kbd></td><td>{escape(texts[what])}</td></tr>"
                   for what in ("next", "back", "first and last", "presenter", "full screen", "print", "help"))
    return (f'<dialog class="help"><h2>{escape(texts["help"])}</h2><table>{keys}</table>'
            f'<form method="dialog"><button>{escape(texts["close"])}</button></form></dialog>')


def presenter_html(texts: dict[str, str]) -> str:
    """What the presenter's window has beside the slide."""
    clocks = "".join(f'<div><span class="label">{escape(texts[name])}</span><span class="{name}-now"></span></div>'
                     for name in ("clock", "elapsed", "plan", "slide"))
    return (f'<section class="desk" hidden><div class="clocks">{clocks}'
            f'<button data-command="restart">{escape(texts["restart"])}</button></div>'
            f'<div class="spoken"></div>'
            f'<p class="coming"><span class="label">{escape(texts["coming"])}</span> <span class="coming-title"></span>'
            f"</p></section>")


def talk(path: Path, folder: Path) -> str:
    """The deck of a text as one page."""
    title, slides = deck(path)
    texts, composer = interface(path.parent), Composer(path.parent, Target(path.parent, folder, PAGE))
    body = "\n".join(composer.slide(slide, number, len(slides), texts) for number, slide in enumerate(slides, start=1))
    buttons = "".join(f'<button data-command="{command}" aria-label="{escape(texts[what])}">{sign}</button>'
                      for command, what, sign in (("back", "back", "&larr;"), ("next", "next", "&rarr;"),
                                                  ("presenter", "presenter", "S"), ("help", "help", "?")))
    script = f"const TEXT = {json.dumps(texts).replace('<', chr(92) + 'u003c')};\n{template('talk.js')}"
    return document(path.stem, title, ("talk.css",), f'<main class="stage">\n{body}\n</main>\n{presenter_html(texts)}'
                    f'<div class="controls">{buttons}</div>{help_html(texts)}', script)


def sheet(path: Path, folder: Path) -> str:
    """A text as one page of A4."""
    title, parts = sections(path)
    composer = Composer(path.parent, Target(path.parent, folder, PAGE))
    bodies = "".join(f"<section><h2>{escape(heading)}</h2>{composer.body(text)}</section>"
                     for heading, _, text in (part.partition("\n") for part in parts))
    return document(path.stem, title, ("sheet.css",), f"<main><h1>{escape(title)}</h1>{bodies}</main>")


def questions(path: Path, folder: Path) -> str:
    """The questions with their answers folded, for the moderator."""
    title, _ = sections(path)
    texts, target = interface(path.parent), Target(path.parent, folder, PAGE)
    items = "".join(f"<li><details><summary>{escape(question)}</summary>{markdown(answer, target)}</details></li>"
                    for question, answer in discussion(path.parent))
    links = " ".join(link(f"{stem}{PAGE}", texts[stem]) for stem in (*TALKS, *SHEETS))
    return document(path.stem, title, ("text.css", "page.css"),
                    f'<nav>{link(INDEX, texts["contents"])} {links} {switches(INDEX, ENGLISH)}</nav>'
                    f'<main><h1>{escape(title)}</h1><p>{escape(texts["about the answers"])}</p>'
                    f'<ol class="contents">{items}</ol></main>', template("answers.js"))


def publish(folder: Path, source: Path = SOURCE) -> list[Path]:
    """Write all of it to `folder`; the talk on Swin is the last file. Nothing is written unless all could be made."""
    made = [(DISCUSSION, questions(source / "discussion.md", folder)),
            *((f"{stem}{PAGE}", sheet(source / f"{stem}.md", folder)) for stem in SHEETS),
            *((f"{stem}{PAGE}", talk(source / f"{stem}.md", folder)) for stem in reversed(TALKS))]
    written = [(folder / name, html) for name, html in made]
    write_all(written, folder)
    return [file for file, _ in written]
