"""Sentences on a checkpoint: a plain text for what was done with it, an `Assumption` for what a caller has to hear."""

INCOMPLETE = "get the whole file, unless it is a relative of that network, which cannot be computed here"

LISTED = 10                                            # names in a sentence


class Assumption(str):
    """A note on what nothing in the file tells, or on what was left out of the model; `load` warns of it."""

    __slots__ = ()


def listing(names: list) -> str:
    """The names for a sentence, long lists and names cut short."""
    shown = ", ".join(repr(name if isinstance(name, int) else str(name)[:60]) for name in names[:LISTED])
    return shown + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
