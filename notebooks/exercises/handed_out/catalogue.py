"""The catalogue of mistakes; planting one lets the references give its recorded results."""

from collections.abc import Iterator
from contextlib import contextmanager

from swin_np.exercises.recorded import RECORDED

from swin_np.mistakes.mistake import Mistake

CATALOGUE = {name: Mistake(name, *texts) for name, texts in RECORDED["mistakes"].items()}
IN_EXERCISES: dict[str, Mistake] = {}
OF_SYSTEMS: dict[str, Mistake] = {}
GROWING: dict[str, Mistake] = {}


@contextmanager
def planted(*mistakes: Mistake) -> Iterator[None]:
    """Inside the `with` block references give what they gave with these mistakes."""
    before = dict(GROWING)
    GROWING.update({mistake.name: mistake for mistake in mistakes})
    try:
        yield
    finally:
        GROWING.clear()
        GROWING.update(before)
