"""What is wrong on its own: the reference, which at every point continues with the candidate's numbers.

So each module is run on the candidate's own input, and no mistake hides another: what one module makes of its input
says nothing about the modules before it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from swin_np.crosscheck.arithmetic.emulation import operand, stored
from swin_np.functional import Array
from swin_np.layers import Module, editing, names_of_modules, step_name
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
    """The model's chain with each block by itself, in the order of computation."""
    embedding, *steps, head = model.chain()
    names = names_of_modules(model)
    chain = [Unit("patch_embed", embedding.compute, () if model.config.ape else ("patch_embed",))]
    for step in steps:
        chain += [Unit(name, module, (name,)) for name, module in step.modules.items()]
        if step.ends is not None:
            chain[-1] = replace(chain[-1], outputs=(*chain[-1].outputs, names[id(step.ends)]))
    return [*chain, Unit("head", head.compute, ("output",) if model.head is None else ("head", "output"))]


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


def isolated(model: SwinTransformer, x: Array, given: dict[str, Array], first: int = 0, last: int | None = None,
             until: str = "") -> Isolated:
    """Run the units `first` to `last` of the model on x; at each point of `given` keep the result and go on with given.

    given: the candidate's arrays by point, in the shapes of the reference. until: the point of `given` after which to
    stop.
    """
    x, names, result = x.astype(model.dtype), names_of_modules(model), Isolated({}, {}, [])

    def substitute(name: str, value: Array) -> Array:
        known = given.get(name)
        if known is None or name in result.values or value.size != known.size:         # with a mistake on trial
            return value
        result.values[name], result.unit[name] = value.copy(), first + len(result.inputs) - 1
        if name == until:
            raise Reached
        return known.reshape(value.shape).astype(value.dtype)

    def change(module: Module | None, step: str, value: Array) -> Array:
        if id(module) not in names:
            return value
        return operand(module, step, substitute(step_name(names[id(module)], step), stored(module, value)))

    with suppress(Reached), editing(change), uncut(), np.errstate(all="ignore"):       # a mistake may overflow
        for unit in units(model)[first:None if last is None else last + 1]:
            result.inputs.append(x)
            x = unit.compute(x)
            for name in unit.outputs:
                x = substitute(name, x)
    return result
