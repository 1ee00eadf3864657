"""What a mistake in a foreign port is: what plants it, where it lies, and what a good answer has to say."""

from collections.abc import Callable
from dataclasses import dataclass

from oracle.foreign_port import Port

SIZE, ODD_SIZE = (48, 64), (40, 56)                    # of the images; the second gives maps of 10x14, 5x7 and 3x4


@dataclass(frozen=True)
class Cause:
    """One mistake.

    plant: puts it into a port. module: where it lies first, by official name. words: regular expressions, of which one
    has to be in a finding's sentence or fix, so that the line to change is clear. mistakes: of the catalogue, that are
    the same. in_weights: the port is right and its parameters are not. image_size: on which it shows. thread: where it
    happened in public, as owner/repository#number.
    """

    name: str
    plant: Callable[[Port], None]
    module: str
    words: tuple[str, ...]
    mistakes: tuple[str, ...]
    in_weights: bool
    image_size: tuple[int, int]
    thread: str


CAUSES: dict[str, Cause] = {}


def cause(module: str, *words: str, mistakes: tuple[str, ...] = (), in_weights: bool = False,
          image_size: tuple[int, int] = SIZE, thread: str = "") -> Callable[[Callable], Callable]:
    """Put the function below into the table, under its name with hyphens."""
    def register(plant: Callable[[Port], None]) -> Callable[[Port], None]:
        name = plant.__name__.replace("_", "-")
        CAUSES[name] = Cause(name, plant, module, words, mistakes, in_weights, image_size, thread)
        return plant
    return register


def only_at(port: Port, method: str, name: str, wrong: Callable) -> None:
    """Replace a method for the block or layer of one name alone."""
    right = getattr(port, method)
    setattr(port, method, lambda own, *rest: wrong(own, *rest) if own == name else right(own, *rest))
