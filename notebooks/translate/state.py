"""How far a language is: for each notebook what is missing, stale or wrong."""

from dataclasses import dataclass
from pathlib import Path

from notebooks.publish.files import name_of, read
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language
from notebooks.translate.redrawing import faults_of_pictures
from notebooks.translate.sidecars import Place, Sidecar, digest, shown, texts
from notebooks.translate.wording import faults

KINDS = ("missing", "stale", "wrong")


@dataclass(frozen=True)
class Fault:
    """Something to be done at a place of a notebook; `english` is the text that stands there."""

    kind: str
    place: Place
    sentence: str
    english: str = ""


@dataclass(frozen=True)
class State:
    """A notebook in a language: how many texts it has, and what is to be done."""

    name: str
    of: int
    translated: bool
    faults: list[Fault]

    def line(self) -> str:
        """All of it in a line."""
        if not self.translated:
            return f"{self.name}: not begun, {self.of} texts"
        counts = [f"{number} {kind}" for kind in KINDS if (number := sum(fault.kind == kind for fault in self.faults))]
        return f"{self.name}: {self.of} texts, {', '.join(counts) or 'whole'}"

    def where(self, place: Place) -> str:
        """A place in words."""
        return shown(place)


def state(path: Path, language: Language, glossary: Glossary) -> State:
    """The state of a notebook; NotebookError if it, or its translation, cannot be read."""
    english, name = texts(read(path)), name_of(path)
    if not language.has(name):
        return State(name, len(english), False,
                     [Fault("missing", place, "not translated", text) for place, text in english.items()])
    sidecar, found = Sidecar.read(language.sidecar_file(name)), []
    for place, text in english.items():
        of, translation = sidecar.entries.get(place, ("", ""))
        if not translation:
            found.append(Fault("missing", place, "not translated: add its text", text))
        elif of != digest(text):
            found.append(Fault("stale", place, f"the English text has changed, from {of} to {digest(text)}: translate "
                                               "it anew", text))
        else:
            found += [Fault("wrong", place, sentence, text) for sentence in faults(
                text, translation, f"{name}/{place[0]}", language, glossary)]
    found += [Fault("wrong", place, "there is no such place in the notebook: leave it out")
              for place in sidecar.entries if place not in english]
    found += [Fault(*fault) for fault in faults_of_pictures(path, language)]
    return State(name, len(english), True, found)


def begun(path: Path, language: Language) -> str:
    """The file of a translation with an empty text wherever one is missing or stale; what is current stays."""
    english, name = texts(read(path)), name_of(path)
    old = Sidecar.read(language.sidecar_file(name)) if language.has(name) else Sidecar({})
    new = Sidecar({place: (digest(text), old.current(place, text) or "") for place, text in english.items()})
    return new.file_text(list(english))


def sentence(state: State, fault: Fault) -> str:
    """A fault with its notebook and place."""
    return f"{state.name}, {state.where(fault.place)}: {fault.sentence}"
