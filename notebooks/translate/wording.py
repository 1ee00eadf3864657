"""What a translation must have in common with its English text, and how Chinese is set; each fault is a sentence."""

import re
from collections import Counter
from dataclasses import dataclass, field

from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import Language

CODE = re.compile(r"^```.*?^```|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$(?![\s$])[^$]+?(?<!\s)\$", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]*)\)")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
HEADING = re.compile(r"^#+ ", re.MULTILINE)
INSERT = "\ue000"                                      # stands in the prose for what was taken out
OTHER = "\ue001"                                       # the same, but it may stand beside a Chinese character
HAN = "\u4e00-\u9fff"
FULL = "，。；：？！、（）“”《》"                           # Chinese punctuation


@dataclass(frozen=True)
class Parts:
    """A text taken to pieces: what must be the same in every language, and the prose that is left."""

    same: dict[str, Counter[str]] = field(default_factory=dict)
    prose: str = ""


def parts(text: str) -> Parts:
    """The code, formulas, links and numbers of a text, each as often as it is there, and its prose."""
    found: dict[str, Counter[str]] = {}

    def take(kind: str, pattern: re.Pattern[str], instead: str) -> None:
        nonlocal text
        # what is inline may be wrapped at another place
        found[kind] = Counter(" ".join(match[0].split()) for match in pattern.finditer(text))
        text = pattern.sub(instead, text)

    take("code", CODE, INSERT)
    take("formula", FORMULA, INSERT)
    take("link", LINK, "]")
    found["link"] = Counter(link[2:-1] for link in found["link"].elements())
    found["number"] = Counter(NUMBER.findall(text))
    found["heading"] = Counter(mark.strip() for mark in HEADING.findall(text))
    return Parts(found, text)


def differences(english: Parts, other: Parts) -> list[str]:
    """What only one of two texts has: code, formulas, links' targets, numbers and headings."""
    sentences = []
    for kind, ours in english.same.items():
        theirs = other.same[kind]
        sentences += [f"the {kind} {each} of the English text is missing: take it over as it is"
                      for each in (ours - theirs)]
        sentences += [f"the {kind} {each} is not in the English text: leave it out" for each in (theirs - ours)]
    return sentences


def differing_labels(english: str, other: str, labels: dict[str, str]) -> list[str]:
    """The fixed phrases that are not rendered as language.json has them."""
    return [f"{label!r} has to become {fixed!r}, as often as it is there" for label, fixed in labels.items()
            if len(re.findall(rf"{re.escape(label)}(?=\s|$)", english))
            != len(re.findall(rf"{re.escape(fixed)}(?=\s|$)", other))]


EQUATION = re.compile(r"式 \(\d+\w?\)")
ITEM = rf"(?:[\w.+*/ '²⌈⌉{INSERT}-]|\([\w.+*/ -]+\))+"
TUPLE = re.compile(rf"\({ITEM}(?:, {ITEM})+\)|\({ITEM},\)|\(\w+(?:[+*/-]\w+)+\)", re.ASCII)      # or (C,), or (M-1)
MARKUP = re.compile(r"^\s*(?:[#>*-]+|\d+\.)\s+|!?\[|\]|(?<!\*)\*(?!\*)", re.MULTILINE)
BROKEN = re.compile(rf"(?:[{FULL}]\n(?!\d+\. )(?=[^\s#>*|!<-])|[{HAN}]\n(?=[{HAN}{FULL}])).{{0,8}}")
FAULTS_OF_TYPE = {
    "half-width punctuation": re.compile(
        rf"[{HAN}{FULL}]\s?[,;:?!.\"(]|[,;:?!\"]\s?[{HAN}]|\)\s?[{HAN}]|\([^()]*[{HAN}][^()]*\)|{INSERT}\.\s?[{HAN}]"
        rf"|[{HAN}]\s?\)"),
    "no space between Chinese and Latin letters, digits, code or formulas": re.compile(
        rf"[{HAN}][A-Za-z0-9{INSERT}]|[A-Za-z0-9{INSERT}%][{HAN}]"),
    "a space beside Chinese punctuation": re.compile(rf"[ \t][{FULL}]|[{FULL}][ \t]"),
    "a space between Chinese characters": re.compile(rf"[{HAN}][ \t]+[{HAN}]"),
}


def not_bold(line: str) -> list[str]:
    """What stands between two pairs of asterisks that Markdown does not take for marks, because of punctuation."""
    pieces = line.split("**")
    return [inner for before, inner, after in zip(pieces[0::2], pieces[1::2], pieces[2::2], strict=False)
            if (re.match(rf"[{FULL}]", inner) and re.search(rf"[^\s{FULL}]$", before))
            or (re.search(rf"[{FULL}]$", inner) and re.match(rf"[^\s{FULL}]", after))]


def faults_of_type(prose: str) -> list[str]:
    """Half-width punctuation in Chinese sentences, spaces too many or too few, bold that would not be shown as such."""
    prose = TUPLE.sub(INSERT, EQUATION.sub(OTHER, prose))
    inside = [f"asterisks that do not make bold type, {each!r}: let a space follow the punctuation, or move it outside"
              for line in prose.splitlines() for each in not_bold(line)]
    inside += [f"a line ends inside a sentence, which is shown as a space, before {match[0][2:]!r}"
               for match in BROKEN.finditer(prose)]
    bare = MARKUP.sub("", re.sub(rf"(?<=[{FULL}])\*\* ", "**", prose)).replace("**", "")
    pieces = [piece.strip() for line in bare.splitlines() for piece in line.split("|")]
    found = ((what, piece, match) for what, pattern in FAULTS_OF_TYPE.items() for piece in pieces
             if (match := pattern.search(piece)))
    return inside + [f"{what}: {piece[max(0, match.start() - 8):match.end() + 8].replace(INSERT, '…')!r}"
                     for what, piece, match in found]


def faults(english: str, other: str, place: str, language: Language, glossary: Glossary) -> list[str]:
    """Everything that is wrong with the translation of a text that stands at `place`."""
    ours, theirs = parts(english), parts(other)
    return [*differences(ours, theirs), *differing_labels(english, other, language.labels),
            *glossary.faults(ours.prose, theirs.prose, place),
            *(faults_of_type(theirs.prose) if language.lang.startswith("zh") else [])]
