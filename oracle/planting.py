"""How a mistake is planted in a torch model: the modules of one kind, and another function in a module's place."""

from collections.abc import Callable, Iterator
from functools import partial

from torch import nn

Plantings = dict[str, Callable[[nn.Module], None]]
"""For each mistake of a catalogue, by its name, the function that plants it in one torch model."""


def planter(plantings: Plantings) -> Callable[[Callable], Callable]:
    """What puts the function below it among the plantings, under its name with hyphens."""
    def plants(function: Callable) -> Callable:
        plantings[function.__name__.replace("_", "-")] = function
        return function

    return plants


class Calling(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def every(model: nn.Module, *kinds: type) -> Iterator:
    """The model's modules of these types."""
    return (module for module in model.modules() if isinstance(module, kinds))


def compute_by(model: nn.Module, kind: type, forward: Callable) -> None:
    """Let every module of a type compute forward(module, ...)."""
    for module in every(model, kind):
        module.forward = partial(forward, module)
