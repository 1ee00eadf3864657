"""Formulas in LaTeX to MathML, which browsers show without a script."""

import re

from latex2mathml.converter import convert

from notebooks.publish.files import NotebookError

GREEK_CAPITAL = re.compile(r"<mi>(?=&#x003(?:9[1-9A-F]|A[0-9]);</mi>)")   # upright in LaTeX, slanted in MathML


def mathml(formula: str, block: bool = False) -> str:
    """The formula as a <math> element, in its own line if `block`; NotebookError where LaTeX is left over in it."""
    known = formula.strip().replace("{aligned}", "{split}")             # the same, by the name that the converter knows
    try:
        element = convert(known, display="block" if block else "inline")
    except Exception as error:                         # the converter raises whatever went wrong inside
        raise NotebookError(f"the formula {formula.strip()!r} cannot be converted ({type(error).__name__}): "
                            "write it in simpler LaTeX") from error
    if leftover := re.search(r"\\[A-Za-z]+|(?<=<mi>)&(?=</mi>)", element):
        raise NotebookError(f"the formula {formula.strip()!r} uses {leftover[0]}, which cannot be converted: "
                            "write it in simpler LaTeX")
    return GREEK_CAPITAL.sub('<mi mathvariant="normal">', element)
