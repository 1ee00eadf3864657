"""Names that the library gives to the parts of a model, said in the reader's language."""

import re
from string import ascii_lowercase

from swin_np.language import phrase


def said(name: str) -> str:
    """The name of a part, such as "stage 1, 2 blocks"."""
    text, numbers = numbered(name)
    return phrase(text, **numbers)


def numbered(name: str) -> tuple[str, dict[str, str]]:
    """The name with a field for each number, and the numbers: "stage {a}, {b} blocks"."""
    numbers = dict(zip(ascii_lowercase, re.findall(r"\d+", name), strict=False))
    return re.sub(r"\d+", "{}", name).format(*(f"{{{letter}}}" for letter in numbers)), numbers
