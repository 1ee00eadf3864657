"""The documents of users in other languages: which they are, where a translation lies, and where its links lead.

README.md is translated in README.zh-CN.md, docs/porting.md in docs/zh/porting.md; a picture of figures/ lies in
figures/zh where it is drawn with translated labels. Each section of a translation ends with the digest of the English
one that it is of, as `<!-- of 1a2b3c4d5e6f -->`.
"""

import re
from html import escape
from os.path import relpath
from pathlib import Path

from notebooks.publish.files import ROOT
from notebooks.translate.languages import Language

DOCS, FIGURES = ROOT / "docs", ROOT / "figures"
NAMES = ("README.md", "docs/README.md", "docs/teaching.md", "docs/porting.md", "docs/checkpoints.md",
         "docs/attention.md", "docs/evidence.md", "swin_np/crosscheck/PORTING.md")
ELSEWHERE = re.compile(r"([a-z][a-z0-9+.-]*:|//|#)", re.IGNORECASE)      # how a link begins that is no relative path
INCLUDE = re.compile(r"^\{\{(.+)\}\}$", re.MULTILINE)  # such a line stands for a file, less its heading
TITLE = re.compile(r"^#+ (.+)$", re.MULTILINE)


def translation(file: Path, language: Language) -> Path:
    """The file that a document, or a picture, is translated in, if it is; an English one is itself."""
    if language.code == "en":
        return file
    if file.parent in (DOCS, FIGURES):
        return file.parent / language.code / file.name
    return file.with_suffix(f".{language.lang}.md")


def is_translated(file: Path, language: Language) -> bool:
    """Whether a document, or a picture, is there in a language."""
    known = file.parent == FIGURES or file in [ROOT / name for name in NAMES]
    return language.code == "en" or (known and translation(file, language).is_file())


def anchor(heading: str) -> str:
    """The id of a heading, as JupyterLab makes it: its words with hyphens between them."""
    return escape(re.sub(r"<[^>]+>", "", heading).strip().replace(" ", "-"))


def same_place(place: str, english: Path, other: Path) -> str:
    """The id in a translation of the heading whose id is `place` in the English text; an id of no heading stays."""
    ours, theirs = ([anchor(heading) for heading in TITLE.findall(file.read_text(encoding="utf-8"))]
                    for file in (english, other))
    return dict(zip(ours, theirs, strict=False)).get(place, place)


def translated_link(link: str, english: Path, language: Language) -> str:
    """What has to stand in a translation of `english` for a link of it: a page of the same language, if there is one.

    The link of the English text to the translation becomes one to the English text.
    """
    if ELSEWHERE.match(link):
        return link
    file, (path, sign, place) = translation(english, language), link.partition("#")
    target = (english.parent / path).resolve()
    if target == file:
        target = english
    elif is_translated(target, language):
        place = place and same_place(place, target, translation(target, language))
        target = translation(target, language)
    return Path(relpath(target, file.parent)).as_posix() + sign + place
