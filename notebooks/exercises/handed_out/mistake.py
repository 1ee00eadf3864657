"""What a mistake is: its name, and what to tell whoever made it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A mistake of which results were recorded. says: what was done wrong and how it shows. fix: what to do."""

    name: str
    says: str
    fix: str
