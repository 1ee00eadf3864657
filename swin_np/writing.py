"""Writing a file: the check of its ending, and a file that appears whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from swin_np.errors import InputError


def check_ending(path: Path, endings: Iterable[str]) -> None:
    """Raise InputError unless the name of the file ends in one of `endings`, such as ".png"."""
    if path.suffix not in endings:
        raise InputError(f"{path} ends in {path.suffix!r}, expected {' or '.join(endings)}: choose another ending")


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A stream to a file beside `path`, which takes its place when all is written and is removed if anything fails.

    Raises InputError where the file cannot be written.
    """
    path = Path(path)
    beside = path.parent / f"{secrets.token_hex(8)}.part"
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):                        # it took its place, or was never there
            beside.unlink()


def write_text(text: str, path: str | Path) -> None:
    """Write a whole file in UTF-8, or leave the old one; InputError where it cannot be written."""
    with replacing(path) as stream:
        stream.write(text.encode(errors="backslashreplace"))     # names of files may be no UTF-8


def make_folder(folder: str | Path) -> None:
    """Make the folder, and those above it, where there is none; InputError where that cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made ({error.strerror}): choose another one") from None


def unwritable(path: Path, error: OSError) -> InputError:
    """The sentence on a file that the system does not let us write."""
    return InputError(f"{path} cannot be written ({error.strerror}): choose a folder that exists, is writable and has "
                      "space")
