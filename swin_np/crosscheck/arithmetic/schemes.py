"""The arithmetics that a candidate may have: formats of operands, parameters and results, and where they are used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from swin_np.crosscheck.arithmetic.formats import (
    OF_ACTIVATIONS,
    OF_BOTH_OPERANDS,
    OF_RESULTS,
    OF_WEIGHTS,
    Format,
)

EVERYWHERE = ".*"
PLACES = {"the norms": r".*norm\d?", "norm1": r".*\.norm1", "norm2": r".*\.norm2", "the attention": r".*\.attn(\..*)?",
          "attn": r".*\.attn", "mlp": r".*\.mlp", "the MLP": r".*\.mlp(\..*)?", "the stages": r"layers\..*",
          "all but the patch embedding": r"(?!patch_embed).*",
          EVERYWHERE: EVERYWHERE}
"""Regular expressions of the official names of modules, by what they are."""


@dataclass(frozen=True)
class Arithmetic:
    """How a candidate computes; None stands for float32.

    activations, weights: formats of the operands of every product of matrices, computed or learned. attention: whether
    the products of queries and keys, of probabilities and values round as well. parameters: of everything learned,
    vectors too. results: of what a product gives; sums: of a layer's partial sums, of sixteen products each. steps: of
    what every module and step gives. place: one of PLACES; what is elsewhere computes in float32.
    """

    activations: Format | None = None
    weights: Format | None = None
    attention: bool = True
    parameters: Format | None = None
    results: Format | None = None
    steps: Format | None = None
    place: str = EVERYWHERE
    sums: Format | None = None

    @property
    def name(self) -> str:
        """What it is, in words."""
        if self.steps is not None and self.activations == self.weights == self.parameters == self.steps:
            return f"{self.steps.name}{self.where}"
        products = "products" if self.attention else "linear layers"
        operands = [(f"{products} of", self.weights)] if self.activations == self.weights else [
            (f"{products} with activations of", self.activations), ("weights of", self.weights)]
        parts = [f"{text} {each.name}" for text, each in (
            *operands, ("parameters of", self.parameters), ("results of products kept in", self.results),
            ("partial sums kept in", self.sums),
            ("what every module gives kept in", self.steps)) if each is not None]
        return "; ".join(parts) + self.where if parts else "float32"

    @property
    def where(self) -> str:
        return {EVERYWHERE: "", "all but the patch embedding": ", but not in the patch embedding"}.get(
            self.place, f", in {self.place} alone")

    @property
    def biased(self) -> bool:
        """Whether its errors look like a wrong scale."""
        return any(each is not None and each.biased for each in (self.activations, self.weights))

    @classmethod
    def whole(cls, kept: Format) -> "Arithmetic":
        """Everything is kept in one format."""
        return cls(kept, kept, parameters=kept, results=kept, steps=kept)


FLOAT32 = Arithmetic()


def usual() -> Iterator[Arithmetic]:
    """Those that are tried first: the same format for both operands, for weights alone, for whole modules."""
    for each in OF_BOTH_OPERANDS:
        yield from (Arithmetic(each, each, place=place) for place in (EVERYWHERE, "the MLP", "the attention"))
    for each in OF_WEIGHTS:
        yield Arithmetic(weights=each)
    for each in OF_RESULTS:
        yield Arithmetic(parameters=each)
        yield Arithmetic(each, each, results=each)
        yield Arithmetic(each, each, results=each, sums=each)
        yield Arithmetic.whole(each)
        for place in PLACES:
            yield Arithmetic(steps=each, place=place)


def neighbours(arithmetic: Arithmetic) -> Iterator[Arithmetic]:
    """Those that differ from an arithmetic in one of its settings."""
    options = {"activations": (None, *OF_ACTIVATIONS), "weights": (None, *OF_WEIGHTS), "attention": (True, False),
               "parameters": (None, *OF_RESULTS), "results": (None, *OF_RESULTS), "steps": (None, *OF_RESULTS),
               "sums": (None, *OF_RESULTS),
               "place": tuple(PLACES)}
    for setting, values in options.items():
        yield from (replace(arithmetic, **{setting: value}) for value in values
                    if value != getattr(arithmetic, setting))
