"""Sentences on a checkpoint: a plain text for what was done with it, an `Assumption` for what a caller has to hear."""


class Assumption(str):
    """A note on what nothing in the file tells, or on what was left out of the model; `load` warns of it."""

    __slots__ = ()
