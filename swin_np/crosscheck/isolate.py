"""What is wrong on its own: the reference, which at every point continues with the candidate's numbers.

So each module is run on the candidate's own input, and no mistake hides another: what one module makes of its input
says nothing about the modules before it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from swin_np.functional import Array
from swin_np.layers import Module, recording
from swin_np.model import SwinTransformer
from swin_np.parallel.pool import uncut


@dataclass(frozen=True)
class Unit:
    """A link of the chain that a model is: a block, a patch merging, the embedding or the classifier.

    outputs: the points that its result is, those aside that its own modules show.
    """

    name: str
    compute: Callable[[Array], Array]
    outputs: tuple[str, ...]


def units(model: SwinTransformer) -> list[Unit]:
    """The chain, in the order of computation."""
    chain = [Unit("patch_embed", model.embed, () if model.config.ape else ("patch_embed",))]
    for i, layer in enumerate(model.layers):
        last = () if layer.downsample is not None else (f"layers.{i}",)
        for j, block in enumerate(layer.blocks):
            name = f"layers.{i}.blocks.{j}"
            chain.append(Unit(name, block, (name, *(last if j == len(layer.blocks) - 1 else ()))))
        if layer.downsample is not None:
            name = f"layers.{i}.downsample"
            chain.append(Unit(name, layer.downsample, (name, f"layers.{i}")))
    return [*chain, Unit("head", model.classify, ("output",) if model.head is None else ("head", "output"))]


@dataclass
class Isolated:
    """The result of a run.

    values: what the reference made of the candidate's numbers at each point. unit: the number of the unit in which
    that was. inputs: of every unit.
    """

    values: dict[str, Array]
    unit: dict[str, int]
    inputs: list[Array]


class Reached(Exception):                               # noqa: N818 - not an error, the way out of a run
    """The point up to which a run goes has been computed."""


@lru_cache(maxsize=4)
def names_of_modules(model: SwinTransformer) -> dict[int, str]:
    """The official names of a model's modules, by their identity."""
    return {id(module): name for name, module in model.named_modules()}


def isolated(model: SwinTransformer, x: Array, given: dict[str, Array], first: int = 0, last: int | None = None,
             until: str = "") -> Isolated:
    """Run the units `first` to `last` of the model on x; at each point of `given` keep the result and go on with given.

    given: the candidate's arrays by point, in the shapes of the reference. They are written in place of what the model
    has just computed, which every module shows by its `note`. until: the point of `given` after which to stop.
    """
    names = names_of_modules(model)
    result, x = Isolated({}, {}, []), x.copy()          # a mistake that leaves a module out shows its input as output

    def substitute(name: str, value: Array) -> None:
        known = given.get(name)
        if known is not None and name not in result.values and value.size == known.size:
            result.values[name], result.unit[name] = value.copy(), first + len(result.inputs) - 1
            if name == until:
                raise Reached
            value[...] = known.reshape(value.shape)    # of another size it is with a mistake on trial

    def record(module: Module, step: str, value: Array) -> None:
        if id(module) in names:
            substitute(".".join(filter(None, (names[id(module)], step))), value)

    with suppress(Reached), recording(record), uncut(), np.errstate(all="ignore"):     # a mistake may overflow
        for unit in units(model)[first:None if last is None else last + 1]:
            result.inputs.append(x)
            x = unit.compute(x)
            for name in unit.outputs:
                substitute(name, x)
    return result
