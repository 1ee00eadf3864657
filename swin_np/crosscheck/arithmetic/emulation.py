"""A model that computes in another arithmetic, emulated."""

import copy
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from swin_np.crosscheck.arithmetic.formats import Format
from swin_np.crosscheck.arithmetic.schemes import FLOAT32, PLACES, Arithmetic
from swin_np.functional import Array
from swin_np.layers import Linear, Module, editing, names_of_modules, step_name
from swin_np.parallel.pool import uncut
from swin_np.patches import LinearEmbedding

PRODUCTS = 16                                          # that a matrix unit adds before it rounds
ATTENTION_OPERANDS = ("q", "k", "v", "probabilities")  # steps whose numbers are multiplied next


def emulated(model: Module, arithmetic: Arithmetic, chosen: Callable[[str], bool] = lambda name: True) -> Module:
    """A copy of the model that rounds as the arithmetic does, in the dtype of the model; arrays that stay are shared.

    Its layers round by themselves; inside an attention `stored` and `operand` do, for who replaces its steps. chosen:
    which modules round, by official name.
    """
    twin = copy.deepcopy(model, {id(value): value for value in model.state_dict().values()})
    for name, module in twin.named_modules():
        if not (chosen(name) and re.fullmatch(PLACES[arithmetic.place], name)):
            continue
        for field, value in list(module.own_parameters()):
            setattr(module, field, rounded_parameter(arithmetic, field, value))
        if has_product(module):
            module.__class__ = rounding_layer(type(module))
        module.arithmetic = arithmetic
    return twin


def arithmetic_of(module: Module | None) -> Arithmetic:
    """That of a module of a model; float32 stands for the model's own."""
    return getattr(module, "arithmetic", FLOAT32)


def has_product(module: Module) -> bool:
    """Whether a module multiplies its input by its weights: a linear layer, or a convolution."""
    return np.ndim(getattr(module, "weight", None)) > 1


@cache
def rounding_layer(kind: type[Module]) -> type[Module]:
    """The same kind of layer, which rounds its operands and its result."""
    def forward(self: Any, x: Array) -> Array:
        x, sums = through(self.arithmetic.activations, x), self.arithmetic.sums
        if sums is not None and issubclass(kind, Linear | LinearEmbedding):
            y = summed(x, self.weight.reshape(len(self.weight), -1), self.bias, sums)
        else:
            y = kind.forward(self, x)
        return through(self.arithmetic.results, y)

    return type(kind.__name__, (kind,), {"forward": forward, "__doc__": kind.__doc__})


def summed(x: Array, weight: Array, bias: Array | None, kept: Format) -> Array:
    """x W^T + b of a linear layer whose partial sums, of sixteen products each, are kept in a format."""
    total = np.zeros((*x.shape[:-1], len(weight)), x.dtype)
    for start in range(0, x.shape[-1], PRODUCTS):
        part = through(kept, x[..., start:start + PRODUCTS] @ weight[:, start:start + PRODUCTS].T)
        total = through(kept, total + part)
    return total if bias is None else total + bias


def rounded_parameter(arithmetic: Arithmetic, field: str, value: Array) -> Array:
    """One parameter as the arithmetic has it; the matrix of a layer with its outputs as rows."""
    is_matrix = field == "weight" and value.ndim > 1
    rows = value.reshape(len(value), -1) if is_matrix else value
    rows = through(arithmetic.parameters, rows)
    return (through(arithmetic.weights, rows) if is_matrix else rows).reshape(value.shape)


def through(rounded: Format | None, x: Array) -> Array:
    """The nearest numbers of a format, in the dtype of x."""
    return x if rounded is None else rounded(x.astype(np.float32)).astype(x.dtype)


def stored(module: Module, step: str, value: Array) -> Array:
    """A step of this module, or its output (step ""), as its arithmetic keeps it; scores before the scale too."""
    arithmetic = arithmetic_of(module)
    kept = arithmetic.sums or arithmetic.results
    if step == "scores" and arithmetic.attention and kept is not None:
        scale = getattr(module, "scale", lambda: 1.0)()
        value = through(kept, value / scale) * scale
    return through(arithmetic.steps, value)


def operand(module: Module, step: str, value: Array) -> Array:
    """A step of an attention as the product that takes it has it."""
    arithmetic = arithmetic_of(module)
    if not arithmetic.attention or step not in ATTENTION_OPERANDS:
        return value
    if step == "v":                                    # it is summed over the tokens
        return through(arithmetic.activations, value.swapaxes(-1, -2)).swapaxes(-1, -2)
    return through(arithmetic.activations, value)


def emulated_points(twin: Module, images: Array) -> dict[str, Array]:
    """Every point of a whole run of an emulated model, as `trace` gives those of others."""
    names, points = names_of_modules(twin), {}

    def change(module: Module | None, step: str, value: Array | list[Array]) -> Array | list[Array]:
        if id(module) not in names:
            return value
        name = step_name(names[id(module)], step)
        if isinstance(value, list):                    # several maps, each with its number behind the name
            points.update({f"{name}.{i}": stored(module, step, item).copy() for i, item in enumerate(value)})
            return value
        points[name] = kept = stored(module, step, value).copy()
        return operand(module, step, kept)

    with editing(change), uncut(), np.errstate(all="ignore"):
        twin(images)
    return points
