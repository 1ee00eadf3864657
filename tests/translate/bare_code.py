"""Code that stands in a sentence without marks: names, calls, indices, powers and groups such as (B, H/M, W/M)."""

import re

from notebooks.translate.wording import FULL, HAN, INSERT

INNER = rf"[^()\[\]{HAN}{FULL}]"
NESTED = rf"(?:{INNER}|[(\[]{INNER}*[)\]])"            # one pair of brackets in another is enough
GROUP = rf"[(\[]{NESTED}*[)\]]"
NAME = r"\b[A-Za-z]\w*(?:\.[A-Za-z_]\w*|_\w+)+"        # with a dot or an underscore in it
OPERATION = r"[,=+*/^]"                                # what tells a group from words in brackets
BARE_CODE = re.compile(
    rf"[\w.^-]+(?:{GROUP})+(?:\^\w+)?|{GROUP}\^\w+|(?=[(\[]{NESTED}*?{OPERATION}){GROUP}|{NAME}", re.ASCII)


def without_code(prose: str) -> str:
    """The prose with a mark in the place of each piece of code."""
    return BARE_CODE.sub(INSERT, prose)
