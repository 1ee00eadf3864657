"""How far the documents are in a language: for each section what is missing, stale or wrong."""

import re
from collections import Counter
from dataclasses import replace
from os.path import relpath
from pathlib import Path

from notebooks.publish.files import ROOT, NotebookError
from notebooks.publish.online import BETWEEN
from notebooks.translate.documents import INCLUDE, NAMES, TITLE, is_translated, translated_link, translation
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language
from notebooks.translate.sidecars import Place, digest
from notebooks.translate.state import Fault, State
from notebooks.translate.wording import Parts, differences, faults_of_type, parts
from swin_np.writing import make_folder, write_text

MARK = re.compile(r"<!-- of ([0-9a-f]{12}) -->\s*$")
FILE = re.compile(r"\[[\w./]+\]")                       # the name of a file or folder, as the text of a link
TAG = re.compile(r"<[^>]+>")
CITED = re.compile(r"(?:Ze Liu, |Shang-Hua ).*?[\"”]", re.DOTALL)        # a paper, as it is cited


class DocumentState(State):
    """The state of a document, whose texts are its sections."""

    def where(self, place: Place) -> str:
        return f"section {place[0]}"


def text_of(file: Path) -> str:
    """A file's text; NotebookError if it is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"{file.name} cannot be read ({error}): write it in UTF-8") from None


def sections(text: str) -> list[str]:
    """A text cut before its headings of level 2."""
    return [section.strip() for section in re.split(r"^(?=## )", text, flags=re.MULTILINE)]


def digest_of(section: str) -> str:
    """The digest of an English section; what `python -m notebooks.publish online` writes is left out."""
    return digest(BETWEEN.sub("", section).strip())


def heading(section: str) -> str:
    """The heading of a section."""
    found = TITLE.search(section)
    return found[1] if found else section[:20]


def rows(prose: str) -> list[int]:
    """How many cells each row of the tables has."""
    return [line.count("|") - 1 for line in prose.splitlines() if line.startswith("|")]


def taken(section: str) -> Parts:
    """A section taken to pieces; what it includes counts as a link from the root of the repository."""
    return parts(INCLUDE.sub(r"[](/\1)", BETWEEN.sub("", section)))


def expected(link: str, english: Path, language: Language) -> str:
    """What has to stand for a link, or for an included file, of the English text."""
    if not link.startswith("/"):
        return translated_link(link, english, language)
    file = ROOT / link[1:]
    return f"/{(translation(file, language) if is_translated(file, language) else file).relative_to(ROOT).as_posix()}"


def faults(section: str, other: str, english: Path, language: Language, glossary: Glossary) -> list[str]:
    """Everything that is wrong with the translation of a section of `english`."""
    ours, theirs = taken(section), taken(other)
    wanted = Counter(expected(link, english, language) for link in ours.same["link"].elements())
    english_pages, found = misled(ours.same["link"], theirs.same["link"], wanted, english, language)
    sentences = english_pages + differences(replace(ours, same={**ours.same, "link": wanted}),
                                            replace(theirs, same={**theirs.same, "link": found}))
    if rows(ours.prose) != rows(theirs.prose):
        sentences.append(f"the rows of its tables have {rows(theirs.prose)} cells, in the English text "
                         f"{rows(ours.prose)}: give them as many")
    place = f"{english.relative_to(ROOT).as_posix()}/{heading(section)}"
    prose = CITED.sub("", TAG.sub("", theirs.prose))
    return [*sentences, *glossary.faults(FILE.sub("", TAG.sub("", ours.prose)), prose, place),
            *(faults_of_type(prose) if language.lang.startswith("zh") else [])]


def misled(ours: Counter[str], theirs: Counter[str], wanted: Counter[str], english: Path, language: Language
           ) -> tuple[list[str], Counter[str]]:
    """A sentence for each link to an English text where there is a translated one, and the links with these mended."""
    found, sentences, folder = Counter(theirs), [], translation(english, language).parent
    for link in ours:
        path, sign, place = link.partition("#")
        kept = link if link.startswith("/") else Path(relpath(english.parent / path, folder)).as_posix() + sign + place
        right = expected(link, english, language)
        while kept != right and found[kept] > wanted[kept] and wanted[right] > found[right]:
            sentences.append(f"the link {kept} leads to the English text: write {right}")
            found[kept] -= 1
            found[right] += 1
    return sentences, found


def state(document: str, language: Language, glossary: Glossary) -> DocumentState:
    """The state of a document; NotebookError if a file of it cannot be read."""
    english = ROOT / document
    ours, file = sections(text_of(english)), translation(english, language)
    if not file.is_file():
        return DocumentState(document, len(ours), False, [
            Fault("missing", (heading(text), -1), f"not translated: write {file.relative_to(ROOT).as_posix()}", text)
            for text in ours])
    theirs = sections(text_of(file))
    found = [Fault(kind, (heading(text), -1), sentence, text) for text, other in paired(ours, theirs)
             for kind, sentence in compared(text, other, english, language, glossary)]
    if len(theirs) > len(ours):
        found.append(Fault("wrong", (heading(theirs[-1]), -1), f"there are {len(theirs)} sections, in the English text "
                                                               f"{len(ours)}: leave out what is not there"))
    if not found and [of(section) for section in theirs] != [digest_of(section) for section in ours]:
        found.append(Fault("wrong", (heading(ours[0]), -1), "the sections stand in another order than in the English "
                                                            "text: put them in that one"))
    return DocumentState(document, len(ours), True, found)


def paired(ours: list[str], theirs: list[str]) -> list[tuple[str, str]]:
    """Each English section with the one that is of it; with what is left, in order, where none is of it as it is."""
    by_digest = {of(section): section for section in theirs}
    left = [section for section in theirs if of(section) not in map(digest_of, ours)]
    return [(text, by_digest.get(digest_of(text)) or (left.pop(0) if left else "")) for text in ours]


def of(section: str) -> str:
    """The digest of the English text that a section says it is of."""
    mark = MARK.search(section)
    return mark[1] if mark else ""


def compared(section: str, other: str, english: Path, language: Language, glossary: Glossary) -> list[tuple[str, str]]:
    """What is to be done about a section and its translation: kinds of fault and sentences."""
    now = f"<!-- of {digest_of(section)} -->"
    if not other:
        return [("missing", f"not translated: add it, and end it with {now}")]
    if of(other) != digest_of(section):
        return [("stale", f"it does not end with {now}, which names the English text as it is now: translate what is "
                          "new, and write that at its end")]
    return [("wrong", sentence) for sentence in faults(section, MARK.sub("", other), english, language, glossary)]


def chosen(names: list[str]) -> tuple[list[str], list[str]]:
    """The documents among these names, all of them without names, and the names that are of none."""
    return [each for each in NAMES if each in names or not names], [each for each in names if each not in NAMES]


def write_begun(document: str, language: Language) -> None:
    """Write the file of a translation, with the English text wherever a section is missing; what is there stays."""
    english = ROOT / document
    file = translation(english, language)
    theirs = sections(text_of(file)) if file.is_file() else []
    begun = [other or section for section, other in paired(sections(text_of(english)), theirs)]
    make_folder(file.parent)
    write_text("\n\n".join([*begun, *(section for section in theirs if section not in begun)]) + "\n", file)
