"""How far the talk is in a language: of each slide, section, question and short text what is missing, stale, wrong."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from notebooks.publish.files import FOLDER
from notebooks.talk.numbers import PHRASES
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language, load_json
from notebooks.translate.sections import sections, translations
from notebooks.translate.sidecars import Place, digest
from notebooks.translate.state import Fault, State
from notebooks.translate.wording import faults
from swin_np.writing import make_folder, write_text

UNITS = {"talk_swin": "slide", "talk_res2net": "slide", "sheet_swin": "section", "sheet_res2net": "section",
         "discussion": "question", "interface": "text"}
SOURCE = FOLDER / "talk"
STRUCTURE = re.compile(r"^(?:(?:part|minutes): .*|::.*)$", re.MULTILINE)
NOTES = "\n::notes\n"


@dataclass(frozen=True)
class TalkState(State):
    """A text of the talk in a language."""

    def where(self, place: Place) -> str:
        return f"{UNITS[self.name]} {place[0]!r}"


def chosen(names: list[str]) -> tuple[list[str], list[str]]:
    """Of the names on a command line those of the talk, all of them where there are no names; and the others."""
    stems = [Path(name).name.removesuffix(".md") for name in names]
    return ([stem for stem in UNITS if stem in stems or not names],
            [name for name, stem in zip(names, stems, strict=True) if stem not in UNITS])


def heading(section: str) -> str:
    return section.partition("\n")[0].lstrip("# ")


def structure(section: str) -> list[str]:
    """The lines that are no prose, without the descriptions of pictures, and how many cells each row of a table has."""
    lines = [" ".join(line.partition("|")[0].split()) for line in STRUCTURE.findall(section)]
    return lines + [f"a row of {line.count('|') - 1} cells" for line in section.splitlines() if line.startswith("|")]


def differences_of_structure(english: str, other: str) -> list[str]:
    """What only one of two sections has of these."""
    ours, theirs = structure(english), structure(other)
    sentences = [f"{line!r} of the English text is missing: take it over" for line in (Counter(ours) - Counter(theirs))]
    sentences += [f"{line!r} is not in the English text: leave it out" for line in (Counter(theirs) - Counter(ours))]
    if ours != theirs and not sentences:
        sentences.append(f"the lines {', '.join(theirs)} are in another order than in English: {', '.join(ours)}")
    return sentences


def prose(section: str) -> list[str]:
    """What is shown and what is said, with the descriptions of pictures, the numbers' names as code."""
    section = section.replace("\n", "\n\n", 1)         # a heading is a paragraph of its own
    bare = [STRUCTURE.sub(lambda line: line[0].partition("|")[2].strip(), piece) for piece in section.split(NOTES)]
    return [re.sub(r"\{\{.+?\}\}", r"`\g<0>`", piece) for piece in bare]


def faults_of_section(english: str, other: str, place: str, language: Language, glossary: Glossary) -> list[str]:
    """Everything that is wrong with the translation of a section."""
    found = differences_of_structure(english, other)
    pairs = zip(prose(english), prose(other), strict=False)
    return found + [sentence for ours, theirs in pairs for sentence in faults(ours, theirs, place, language, glossary)]


def state(stem: str, language: Language, glossary: Glossary) -> State:
    """The state of a text of the talk."""
    if stem == "interface":
        return state_of_interface(language, glossary)
    english, theirs = sections((SOURCE / f"{stem}.md").read_text(encoding="utf-8")), translations(
        language.talk_file(stem))
    found = []
    matcher = SequenceMatcher(None, [digest(section) for section in english], [of for of, _ in theirs], autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        ours, others = english[start:end], theirs[first:last]
        for number in range(max(len(ours), len(others))):
            if number >= len(ours):
                found.append(Fault("wrong", (heading(others[number][1]), -1), "there is no such place in the English "
                                   "text, or not here: leave it out"))
                continue
            text, place = ours[number], (heading(ours[number]), -1)
            if number >= len(others) or others[number][1] == text:
                found.append(Fault("missing", place, "not translated: add it", text))
            elif kind == "replace":
                found.append(Fault("stale", place, f"the English text has changed, from {others[number][0]} to "
                                                   f"{digest(text)}: translate it anew", text))
            else:
                found += [Fault("wrong", place, sentence, text) for sentence in faults_of_section(
                    text, others[number][1], f"{stem}/{place[0]}", language, glossary)]
    return TalkState(stem, len(english), bool(theirs), found)


def short_texts() -> list[str]:
    """The English texts that interface.json translates: of the interface, the parts of the talk, and numbers."""
    decks = "".join((SOURCE / f"{stem}.md").read_text(encoding="utf-8") for stem, unit in UNITS.items()
                    if unit == "slide")
    return list(dict.fromkeys([*load_json(SOURCE / "interface.json").values(), *PHRASES,
                               *re.findall(r"^part: (.+)$", decks, re.MULTILINE)]))


def state_of_interface(language: Language, glossary: Glossary) -> State:
    """The state of interface.json; the fields of a text are compared as its numbers are."""
    file, english = language.talk_interface, short_texts()
    known, found = load_json(file) if file.is_file() else {}, []
    for text in english:
        if not (other := known.get(text)):
            found.append(Fault("missing", (text, -1), "not translated: add its text", text))
            continue
        ours, theirs = (re.sub(r"\{(\d?)\}", r"10\1", each) for each in (text, other))     # {0} is 100, and {} is 10
        found += [Fault("wrong", (text, -1), sentence, text) for sentence in faults(
            ours, theirs, f"interface/{text}", language, glossary)]
    found += [Fault("wrong", (text, -1), "the talk has no such short text: leave it out")
              for text in known if text not in english]
    return TalkState("interface", len(english), bool(known), found)


def begun(stem: str, language: Language) -> str:
    """The file of a translation, with the English text wherever one is missing or stale; what is current stays."""
    if stem == "interface":
        file = language.talk_interface
        known = load_json(file) if file.is_file() else {}
        table = {text: known.get(text, "") for text in short_texts()}
        return json.dumps(table, ensure_ascii=False, indent=1) + "\n"
    known = dict(translations(language.talk_file(stem)))
    written = []
    for section in sections((SOURCE / f"{stem}.md").read_text(encoding="utf-8")):
        title, _, rest = known.get(digest(section), section).partition("\n")
        written.append(f"{title}\nof: {digest(section)}\n{rest}".rstrip())
    return "\n\n".join(written) + "\n"


def write_begun(stem: str, language: Language) -> None:
    """Write that file."""
    file = file_of(stem, language)
    make_folder(file.parent)
    write_text(begun(stem, language), file)


def file_of(stem: str, language: Language) -> Path:
    return language.talk_interface if stem == "interface" else language.talk_file(stem)


def places() -> set[str]:
    """Every place of the talk, as the glossary's exceptions name it."""
    return {f"{stem}/{heading(section)}" for stem in UNITS if stem != "interface"
            for section in sections((SOURCE / f"{stem}.md").read_text(encoding="utf-8"))}
