"""Addresses of checkpoints on a hub: hf://owner/name@revision/folder/file."""

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from swin_np.errors import InputError

BEGINNING = r"hf:/{1,2}"                               # pathlib makes one slash of the two
PLAIN = r"\w(?:[\w.-]*\w)?"                            # an owner, a repository, a part of a revision
REVISION = rf"refs/(?:pr/\d+|convert/{PLAIN})|{PLAIN}(?:%2[Ff]{PLAIN})*"
ADDRESS = rf"{BEGINNING}(?P<repository>{PLAIN}/{PLAIN})(?:@(?P<revision>{REVISION}))?(?:/(?P<path>.+))?"
FORBIDDEN = r"--|\.\.|\.git$"                          # in the names of owners and repositories
NOT_IN_FILE_NAMES = r'[\\:*?"<>|]'                     # of a cache that any system can hold
FORM = "give hf://owner/name, with @revision behind the name and /file behind that where they are needed, such as " \
       "hf://microsoft/swin-tiny-patch4-window7-224"


@dataclass(frozen=True)
class Address:
    """A place on a hub.

    repository: "owner/name". revision: a branch, tag or commit; None for the main branch.
    path: of a file or folder in the repository, "" for the whole.
    """

    repository: str
    revision: str | None = None
    path: str = ""

    def __str__(self) -> str:
        as_written = self.revision or ""
        if not as_written.startswith("refs/"):
            as_written = quote(as_written, safe="")    # the slash of a branch would begin a file
        revision = f"@{as_written}" if as_written else ""
        return f"hf://{self.repository}{revision}" + (f"/{self.path}" if self.path else "")


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path begins as an address does."""
    return re.match(BEGINNING, os.fspath(path).replace("\\", "/")) is not None


def parse(text: str | os.PathLike[str]) -> Address:
    """The address that a text is; InputError for one that names no repository or leads out of it."""
    text = os.fspath(text)
    found = re.fullmatch(ADDRESS, text, re.ASCII)
    if not found or re.search(FORBIDDEN, found["repository"].replace("/", "\n"), re.MULTILINE):
        raise InputError(f"{text} is no address of a repository: {FORM}")
    revision, path = unquote(found["revision"] or "") or None, found["path"] or ""
    if ".." in (revision or "") or not path.isprintable() or re.search(NOT_IN_FILE_NAMES, path) \
            or (path and any(part in ("", ".", "..") for part in path.split("/"))):
        raise InputError(f"{text} names no revision or file that a repository can hold: {FORM}")
    return Address(found["repository"], revision, path)
