"""The labels of figures in other languages: the texts of a matplotlib Figure, replaced just before it is drawn.

    {"font": {"family": "...", "files": "...", "package": "..."}, "labels": {"stage {0}": "...", "Swin": "Swin"}}

A label that is prose needs an entry in a language's labels.json; one that stays, such as a name, is its own. Numbered
fields stand for a number or a tuple of numbers, named ones for the rest of a line, which is a label itself. A text of
several lines that has no entry is translated line by line.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import findSystemFonts, fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from notebooks.translate.languages import Language, load_json
from swin_np.plots.style import HOUSE_STYLE

TABLE = "labels.json"
FIELD = re.compile(r"\{(\w+)\}")
NUMBER = r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?"
NUMBERS = rf"{NUMBER}|\({NUMBER}(?:, {NUMBER})+\)"
MARGIN = 0.04                                          # inches: Chinese type is taller than what the layout leaves it
LINE = r"[^\n]+"
FORMULA = re.compile(r"\$[^$]*\$")
CODE = re.compile(r"\S*(?:[A-Za-z]\.[A-Za-z]|\w_\w|\d)\S*")               # layers.0.norm, swin_t, float32, 3x3
WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]?[a-z]+(?![A-Za-z])")         # not DeiT, GELU, nW


def is_prose(label: str) -> bool:
    """Whether a label has a word of two letters or more that belongs to no formula, code or abbreviation."""
    return any(len(word) > 1 for word in WORD.findall(CODE.sub("", FORMULA.sub("", label))))


@dataclass(frozen=True)
class Labels:
    """The table of a language, as in the head of this module; `made` are the translations that were given."""

    templates: dict[str, str]
    font: dict[str, str]
    made: set[str] = field(default_factory=set)

    @cached_property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """For each template with fields what it matches; a field that is there twice has one value."""
        patterns = {}
        for template in filter(FIELD.search, self.templates):
            literals, names = re.split(FIELD.pattern, template)[::2], FIELD.findall(template)
            groups = [f"(?P=f{name})" if name in names[:i] else
                      f"(?P<f{name}>{NUMBERS if name.isdecimal() else LINE})" for i, name in enumerate(names)]
            patterns[template] = re.compile("".join(re.escape(literal) + group for literal, group in zip(
                literals, [*groups, ""], strict=True)))
        return patterns

    def ways(self, label: str) -> dict[str, str]:
        """The templates that match a whole label, with the translation by each."""
        ways = {label: self.templates[label]} if label in self.templates else {}
        for template, pattern in self.patterns.items():
            if not (match := pattern.fullmatch(label)):
                continue
            values = {name: self.of(match[f"f{name}"]) for name in FIELD.findall(template)}
            if None not in values.values():
                ways[template] = FIELD.sub(lambda place, values=values: values[place[1]], self.templates[template])
        return ways

    def of(self, label: str) -> str | None:
        """The translation of a label, which is itself where it is no prose; None where there is none, or two."""
        if label in self.made:
            return label
        ways = list(self.ways(label).values())
        if not ways and "\n" in label:
            lines = [self.of(line) for line in label.split("\n")]
            ways = [] if None in lines else ["\n".join(lines)]
        if not ways and not is_prose(label):
            return label
        return ways[0] if len(ways) == 1 else None

    def fault(self, label: str) -> str:
        """Why a label has no translation, and what to do."""
        if ways := self.ways(label):
            return f"the label {label!r} matches {' and '.join(map(repr, ways))}: let one of them match"
        return f"the label {label!r} is not translated: add it to {TABLE}"


@cache
def read_labels(folder: Path) -> Labels | None:
    """The table in the folder of a language; None where it has none. NotebookError where it cannot be read."""
    if not (folder / TABLE).is_file():
        return None
    content = load_json(folder / TABLE)
    return Labels(content["labels"], content["font"])


@cache
def has_font(family: str, files: str) -> bool:
    """Whether matplotlib can draw with a font, which is looked for among those of the system as they are now.

    Its own list may be older than the font, and knows only the first family of a collection before matplotlib 3.11.
    """
    for path in findSystemFonts():
        if fnmatch(Path(path).name, files):
            fontManager.addfont(path)
    return family in fontManager.get_font_names()


@cache
def note(family: str, package: str) -> None:
    """Say, once, that figures stay English."""
    print(f"translate: there is no font {family!r}, so labels in figures stay English: install {package}, which "
          "matplotlib 3.11 or newer can read", file=sys.stderr)


def axes_of_ticks(figure: Figure) -> Iterator[tuple[Axis, list[Text]]]:
    """Every axis with the labels of its ticks."""
    for axis in figure.findobj(Axis):
        yield axis, list(axis.get_ticklabels(which="both"))


@HOUSE_STYLE
def labels_of(figure: Figure) -> list[str]:
    """The labels of a figure, each once, symbols and numbers among them."""
    ticks = [label for _, labels in axes_of_ticks(figure) for label in labels]
    return list(dict.fromkeys(text.get_text() for text in (*figure.findobj(Text), *ticks) if text.get_text().strip()))


def table_for(language: Language) -> Labels | None:
    """The table of a language, if it has one and there is its font; where only that is missing, a note says so."""
    table = read_labels(language.folder)
    if table is None or has_font(table.font["family"], table.font["files"]):
        return table
    note(table.font["family"], table.font["package"])
    return None


@HOUSE_STYLE
def translate(figure: Figure, language: Language) -> Figure:
    """The same figure with its labels in a language; English where a label has no translation, or there is no font."""
    if not (table := table_for(language)):
        return figure
    for axis, ticks in axes_of_ticks(figure):
        if any(table.of(label.get_text()) not in (None, label.get_text()) for label in ticks):
            formatter = axis.get_major_formatter()
            axis.set_major_formatter(FuncFormatter(
                lambda x, place, formatter=formatter: table.of(formatter(x, place)) or formatter(x, place)))
            for label in ticks:
                label.set_fontfamily([*label.get_fontfamily(), table.font["family"]])
    ticks = {id(label) for _, labels in axes_of_ticks(figure) for label in labels}
    for text in figure.findobj(Text):
        if id(text) not in ticks and (translated := table.of(text.get_text())) not in (None, text.get_text()):
            text.set_text(translated)
            text.set_fontfamily([*text.get_fontfamily(), table.font["family"]])
            table.made.add(translated)
    if isinstance(layout := figure.get_layout_engine(), ConstrainedLayoutEngine):
        across, down = MARGIN / figure.get_size_inches()
        layout.set(rect=(across, down, 1 - 2 * across, 1 - 2 * down))
    return figure
