"""The glossary of a language: one translation for each term, and where a text may do without it.

glossary.json has `terms` (for each English term the translations that may stand for it; `|` in a term parts forms of
one word), `not` (words that are never used, or only as often as the terms that are listed with them) and `exceptions`
(a place and a term, with the reason).
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from notebooks.translate.languages import load_json

QUOTED = re.compile(r"[\"“]([^\"“”]{12,}?)[\"”]")


def forms(term: str) -> str:
    """A pattern for a term, in the singular and the plural, with spaces or hyphens between its words."""
    alternatives = []
    for form in term.split("|"):
        pattern = r"[\s-]+".join(map(re.escape, form.split()))
        alternatives.append(rf"{pattern[:-1]}(?:y|ies)" if form.endswith("y") else rf"{pattern}(?:s|es)?")
    return "|".join(alternatives)


@dataclass(frozen=True)
class Glossary:
    """The terms of a language, as in the head of this module."""

    terms: dict[str, list[str]] = field(default_factory=dict)
    never: dict[str, list[str]] = field(default_factory=dict)
    exceptions: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Glossary":
        """That of a file; NotebookError if it cannot be read."""
        content = load_json(file)
        return cls(content.get("terms", {}), content.get("not", {}), content.get("exceptions", {}))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the longest term at a place; `shifted window` is none of `window`."""
        longest = sorted(enumerate(self.terms), key=lambda pair: -max(map(len, pair[1].split("|"))))
        return re.compile("|".join(rf"(?P<t{number}>\b(?:{forms(term)})\b)" for number, term in longest), re.IGNORECASE)

    def used(self, english: str) -> list[str]:
        """The terms of an English text, each once."""
        names = list(self.terms)
        return list(dict.fromkeys(names[int(match.lastgroup[1:])] for match in self.pattern.finditer(english)))

    def faults(self, english: str, other: str, place: str) -> list[str]:
        """The terms that a translation does not render as the glossary has them, and words that it may not use."""
        english, other = " ".join(english.split()), " ".join(other.split())
        for quoted in QUOTED.findall(english):         # the title of a paper stays as it is
            if quoted.lower() in other.lower():
                english = english.replace(quoted, "")
        used, allowed = self.used(english), self.exceptions.get(place, {})
        sentences = [f"{term!r} is not rendered as the glossary has it: write {' or '.join(self.terms[term])}"
                     for term in used if term not in allowed and not any(each in other for each in self.terms[term])]
        for word, only_for in self.never.items():
            uses = len(re.findall("|".join(map(forms, only_for)), english, re.IGNORECASE)) if only_for else 0
            if other.count(word) > uses and word not in allowed:
                where = f"is for {' and '.join(only_for)} only" if only_for else "is no word of the glossary"
                sentences.append(f"{word} {where}: use the glossary's word")
        return sentences
