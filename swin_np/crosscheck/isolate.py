"""What is wrong on its own: the reference, which at every point continues with the candidate's numbers.

So each module is run on the candidate's own input, and no mistake hides another: what one module makes of its input
says nothing about the modules before it.
"""

from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.arithmetic.emulation import operand, stored
from swin_np.crosscheck.chains import Passed, Unit, each
from swin_np.crosscheck.plain_products import plain_products
from swin_np.functional import Array
from swin_np.layers import Module, editing, names_of_modules, step_name
from swin_np.parallel.pool import uncut

Substitute = Callable[[str, Array], Array]


def units(model: Module) -> list[Unit]:
    """The model's chain with each block by itself, in the order of computation."""
    return checked(model.config).units(model)


def first_units(chain: list[Unit], given: Container[str]) -> dict[int, int]:
    """For each unit, by number, that from which on it has to be run: its own if all that it takes is `given`."""
    numbers = {unit.name: number for number, unit in enumerate(chain)}
    first = {0: 0}
    for number, unit in enumerate(chain[1:], start=1):
        read = [numbers[name] for name in unit.reads] or [number - 1]
        first[number] = min(number if any(name in given for name in chain[other].outputs) else first[other]
                            for other in read)
    return first


def by_name(see: Substitute, name: str, value: Array | list[Array]) -> Array | list[Array]:
    """see(name, value); several maps each with its number behind the name, as a trace has them."""
    return [see(f"{name}.{i}", item) for i, item in enumerate(value)] if isinstance(value, list) else see(name, value)


def result_of(unit: Unit, x: Passed, see: Substitute) -> Passed:
    """What a unit gives, with its outputs seen, and perhaps replaced, in turn."""
    x = unit.compute(x)
    for name in unit.outputs:
        x = (*x[:-1], see(name, x[-1])) if isinstance(x, tuple) else by_name(see, name, x)
    return x


@dataclass
class Isolated:
    """The result of a run.

    values: what the reference made of the candidate's numbers at each point. unit: the number of the unit in which
    that was. inputs: of every unit.
    """

    values: dict[str, Array]
    unit: dict[str, int]
    inputs: list[Passed]


class Reached(Exception):                               # noqa: N818 - not an error, the way out of a run
    """The point up to which a run goes has been computed."""


def isolated(model: Module, x: Passed, given: dict[str, Array], first: int = 0, last: int | None = None,
             until: str = "") -> Isolated:
    """Run the units `first` to `last` of the model on x; at each point of `given` keep the result and go on with given.

    given: the candidate's arrays by point, in the shapes of the reference. until: the point of `given` after which to
    stop.
    """
    x = each(lambda x: x.astype(model.dtype), x)
    names, result = names_of_modules(model), Isolated({}, {}, [])

    def substitute(name: str, value: Array) -> Array:
        known = given.get(name)
        if known is None or name in result.values or value.size != known.size:         # with a mistake on trial
            return value
        result.values[name], result.unit[name] = value.copy(), first + len(result.inputs) - 1
        if name == until:
            raise Reached
        return np.array(known.reshape(value.shape), value.dtype, order="C")     # later steps may write to it

    def change(module: Module | None, step: str, value: Array | list[Array]) -> Array | list[Array]:
        if id(module) not in names:
            return value
        name, value = step_name(names[id(module)], step), by_name(
            lambda _, item: stored(module, step, item), "", value)
        return by_name(lambda _, item: operand(module, step, item), "", by_name(substitute, name, value))

    with suppress(Reached), plain_products(), editing(change), uncut(), np.errstate(all="ignore"):  # of overflows
        for unit in units(model)[first:None if last is None else last + 1]:
            result.inputs.append(x)
            x = result_of(unit, x, substitute)
    return result
