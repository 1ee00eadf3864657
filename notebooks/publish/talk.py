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
from notebooks.translate.languages import ENGLISH, Language, languages
from notebooks.translate.sections import said

SOURCE = FOLDER / "talk"


def interface(folder: Path, language: Language = ENGLISH) -> dict[str, str]:
    """What buttons, help and the presenter's window say."""
    texts = json.loads((folder / "interface.json").read_text(encoding="utf-8"))
    return {name: said(text, language) for name, text in texts.items()}


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
            f'<p class="coming"><span class="label">{escape(texts["coming"])}</span><span class="coming-title"></span>'
            f"</p></section>")


def talk(path: Path, folder: Path, language: Language) -> str:
    """The deck of a text as one page."""
    title, slides = deck(path, language)
    texts = interface(path.parent, language)
    composer = Composer(path.parent, Target(path.parent, folder, PAGE, language))
    body = "\n".join(composer.slide(slide, number, len(slides), texts) for number, slide in enumerate(slides, start=1))
    buttons = "".join(f'<button data-command="{command}" aria-label="{escape(texts[what])}">{sign}</button>'
                      for command, what, sign in (("back", "back", "&larr;"), ("next", "next", "&rarr;"),
                                                  ("presenter", "presenter", "S"), ("help", "help", "?")))
    script = f"const TEXT = {json.dumps(texts).replace('<', chr(92) + 'u003c')};\n{template('talk.js')}"
    return document(path.stem, title, ("talk.css",), f'<main class="stage">\n{body}\n</main>\n{presenter_html(texts)}'
                    f'<div class="controls">{switches(f"{path.stem}{PAGE}", language, path.stem)}{buttons}</div>'
                    f"{help_html(texts)}", script, language)


def sheet(path: Path, folder: Path, language: Language) -> str:
    """A text as one page of A4."""
    title, parts = sections(path, language)
    composer = Composer(path.parent, Target(path.parent, folder, PAGE, language))
    bodies = "".join(f"<section><h2>{escape(heading)}</h2>{composer.body(text)}</section>"
                     for heading, _, text in (part.partition("\n") for part in parts))
    return document(path.stem, title, ("sheet.css",),
                    f"<nav>{switches(f'{path.stem}{PAGE}', language, path.stem)}</nav>"
                    f"<main><h1>{escape(title)}</h1>{bodies}</main>", language=language)


def questions(path: Path, folder: Path, language: Language) -> str:
    """The questions with their answers folded, for the moderator."""
    title, _ = sections(path, language)
    texts, target = interface(path.parent, language), Target(path.parent, folder, PAGE, language)
    items = "".join(f"<li><details><summary>{escape(question)}</summary>{markdown(answer, target)}</details></li>"
                    for question, answer in discussion(path.parent, language))
    links = " ".join(link(f"{language.way_to(stem)}{stem}{PAGE}", texts[stem]) for stem in (*TALKS, *SHEETS))
    return document(path.stem, title, ("text.css", "page.css"),
                    f'<nav>{link(INDEX, texts["contents"])} {links} {switches(DISCUSSION, language, path.stem)}</nav>'
                    f'<main><h1>{escape(title)}</h1><p>{escape(texts["about the answers"])}</p>'
                    f'<ol class="contents">{items}</ol></main>', template("answers.js"), language)


def publish(folder: Path, source: Path = SOURCE) -> list[Path]:
    """Write all of it, English to `folder` and the other languages to folders in it; the last is the talk on Swin.

    Nothing is written unless all could be made.
    """
    kinds = {Path(DISCUSSION).stem: questions, **dict.fromkeys(SHEETS, sheet), **dict.fromkeys(reversed(TALKS), talk)}
    written = [(home / f"{stem}{PAGE}", make(source / f"{stem}.md", home, language))
               for language in reversed(languages().values()) for home in [folder / language.place]
               for stem, make in kinds.items() if language.has(stem)]
    write_all(written, folder)
    return [file for file, _ in written]
