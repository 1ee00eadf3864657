"""The reader's language: phrases of reports, of feedback and of the command line, in English or translated.

A phrase is looked up by its English text, which has its values as fields in braces. The tables are the files
languages/<code>/*.json, each an object of English and translated texts. The library's errors stay English.
"""

import json
import locale
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from swin_np.arguments.names import check_name

FOLDER = Path(__file__).parent / "languages"
VARIABLE = "SWIN_NP_LANGUAGE"
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")            # the first that is set counts, as in POSIX
ON_WINDOWS = {"Chinese": "zh"}                         # there a locale has an English name

spoken: ContextVar[str] = ContextVar("spoken", default="")


@cache
def codes() -> tuple[str, ...]:
    """The languages that there are, English first."""
    return ("en", *sorted(folder.name for folder in FOLDER.iterdir() if any(folder.glob("*.json"))))


@cache
def table(code: str) -> dict[str, str]:
    """All phrases of a language, by the English ones."""
    return {english: text for file in sorted((FOLDER / code).glob("*.json"))
            for english, text in json.loads(file.read_text(encoding="utf-8")).items()}


def wanted() -> str:
    """The code of the language that SWIN_NP_LANGUAGE names, or else the system's locale, of which "en" is the rest.

    Raises ConfigurationError for a SWIN_NP_LANGUAGE that there is not.
    """
    if named := os.environ.get(VARIABLE):
        code = named.replace("-", "_").partition("_")[0].lower()
        check_name(VARIABLE, code, codes())
        return code
    system = next((os.environ[name] for name in LOCALES if os.environ.get(name)), "")
    if not system and sys.platform == "win32":
        system = ON_WINDOWS.get((locale.getlocale()[0] or "").partition(" ")[0].partition("_")[0], "")
    code = system.partition("_")[0].partition(".")[0]
    return code if code in codes() else "en"


def language() -> str:
    """The code of the language of `speaking`, or else of the one that is wanted, if the console has its letters."""
    if code := spoken.get():
        return code
    code = wanted()
    return code if code == "en" or can_print(longest(code)) else "en"


@cache
def longest(code: str) -> str:
    """The longest phrase of a language, which has some of its letters, as not every phrase has."""
    return max(table(code).values(), key=len)


def can_print(text: str) -> bool:
    """Whether the console has all letters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Inside the `with` block phrases are of this language, whatever the console: for files, and for tests."""
    check_name("language", code, codes())
    token = spoken.set(code)
    try:
        yield
    finally:
        spoken.reset(token)


def phrase(text: str, /, **values: object) -> str:
    """The phrase in the reader's language, with the values in its fields; English where it has no translation."""
    code = language()
    text = text if code == "en" else table(code).get(text, text)
    return text.format(**values) if values else text
