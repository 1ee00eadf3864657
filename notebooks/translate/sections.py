"""The texts of the talk in a language: its folder talk/ has the files of notebooks/talk, section by section.

There each section has, below its heading, a line `of: <digest>` that names the English section it is of. The lines that
are no prose (`part: `, `minutes: `, `::`) are the English ones, but for the descriptions of pictures. The short texts
are in interface.json, by the English ones: those of the interface, the names of the parts, the words among the numbers.
"""

import re
from functools import cache
from pathlib import Path

from notebooks.translate.languages import ENGLISH, Language, load_json
from notebooks.translate.sidecars import digest

OF = re.compile(r"^of: (\w*)\n?", re.MULTILINE)


def sections(text: str) -> list[str]:
    """A text cut before its headings; the first section is its title."""
    return [part.strip() for part in re.split(r"^(?=#{1,2} )", text, flags=re.MULTILINE) if part.strip()]


def translations(file: Path) -> list[tuple[str, str]]:
    """The sections of a translated text with the digests of what they are of; none where there is no such file."""
    cut = sections(file.read_text(encoding="utf-8")) if file.is_file() else []
    return [(named[1] if (named := OF.search(section)) else "", OF.sub("", section, count=1)) for section in cut]


def in_language(path: Path, language: Language) -> str:
    """The text of a file of notebooks/talk, its sections translated; one without a current translation stays."""
    english = path.read_text(encoding="utf-8")
    if language is ENGLISH:
        return english
    known = dict(translations(language.talk_file(path.stem)))
    return "\n\n".join(known.get(digest(section), section) for section in sections(english)) + "\n"


@cache
def phrases(language: Language) -> dict[str, str]:
    """The short texts of a language by the English ones."""
    file = language.talk_interface
    return load_json(file) if file.is_file() else {}


def said(text: str, language: Language) -> str:
    """A short text in a language; English where it has no translation."""
    return phrases(language).get(text) or text
