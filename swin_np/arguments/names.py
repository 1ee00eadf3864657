"""Names that a user types: the error for one that is not known suggests the nearest that is."""

import difflib
from collections.abc import Iterable

from swin_np.arguments.checks import shown
from swin_np.errors import ConfigurationError


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise ConfigurationError, with the nearest known name, unless `name` is among `known`."""
    known = sorted(known)
    if isinstance(name, str) and name in known:
        return
    nearest = difflib.get_close_matches(name if isinstance(name, str) else shown(name), known, n=1, cutoff=0)[0]
    raise ConfigurationError(f"unknown {kind} {shown(name)}: did you mean {nearest!r}? Known are {', '.join(known)}")
