"""The names of a model's classes, as config.json tells them: `id2label` in transformers, `label_names` in timm."""

import re

from swin_np.checkpoints.config_files.entries import Entries

MOST = 100_000                                         # classes of which names are kept
PLACEHOLDER = r"LABEL_\d+"                             # what transformers writes where nobody named the classes


def labels_of(entries: Entries) -> tuple[str, ...] | None:
    """The name of each class by its number, "" where one has none; None where the classes are not named.

    Of a timm file the descriptions count more than the names, which are WordNet's numbers as a rule. Raises
    CheckpointError for names that are no texts.
    """
    if entries.values.get("architecture") is None:
        names = in_order(entries, "id2label")
        return None if all(re.fullmatch(PLACEHOLDER, name) for name in names) else names
    told = entries if entries.values.get("label_names") else entries.part("pretrained_cfg") or entries
    names, described = in_order(told, "label_names"), told.part("label_descriptions")
    if described is not None:
        names = tuple(text_of(described, name) or name for name in names)
    return names if any(names) else None


def in_order(entries: Entries, name: str) -> tuple[str, ...]:
    """A list of texts, or an object {"0": text, "1": text, ...}, whose gaps are "".

    Numbers beyond as many classes as there are texts have no place: transformers counts its classes so.
    """
    value = entries.values.get(name)
    if isinstance(value, list):
        value = dict(zip(map(str, range(len(value))), value, strict=True))
    elif value is not None and not isinstance(value, dict):
        raise entries.wrong(name, "the names of the classes")
    numbered = Entries(entries.file, value or {})
    return tuple(text_of(numbered, str(number)) or "" for number in range(min(len(numbered.values), MOST)))


def text_of(entries: Entries, name: str) -> str | None:
    """A name, whatever its characters are; CheckpointError for anything but a text."""
    return entries.entry(name, "the name of a class", lambda value: isinstance(value, str))
