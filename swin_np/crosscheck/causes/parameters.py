"""Parameters that are not in their place: lost, doubled, flipped, reshaped, or another module's."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import numpy as np

from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch, inside
from swin_np.functional import Array
from swin_np.layers import Module

FIX = "Compare this parameter with the checkpoint's, element by element, where your code uses it."
PARTS = ("query", "key", "value")                      # of the rows of qkv
Change = Callable[[Array], Array]

NORMS = r"(^|\.)(norm\d?|norms\.\d|bn\d|bns\.\d|batch_norm)"
NORM_WEIGHTS, NORM_BIASES = rf"{NORMS}\.weight$", rf"{NORMS}\.bias$"
EVERYWHERE: list[tuple[str, str, str, Change]] = [
    (NORM_WEIGHTS, "weight plus 1", "1 is added to the weights of all norms: x (1 + w) instead of x w",
     lambda x: 1 + x),
    (NORM_WEIGHTS, "weight lost", "The weights of all norms are left out, their biases are not", np.ones_like),
    (NORM_BIASES, "bias lost", "The biases of all norms are left out, their weights are not", np.zeros_like),
    (r"(qkv|proj|fc1|fc2|reduction|head)\.weight$", "reshaped for transposed", "The weights of the linear layers are "
     "reshaped to their transposed shape instead of transposed", lambda x: x.T.reshape(x.shape)),
    (r"(qkv|proj|fc1|fc2|reduction|head)\.weight$", "reshaped for transposed", "The weights of the linear layers, "
     "stored as (in, out), are reshaped instead of transposed", lambda x: x.reshape(x.shape[::-1]).T.reshape(x.shape))]
"""(pattern of parameters, kind, what was done, the change) of changes that a port makes everywhere."""


def parameters(stretch: Stretch) -> Iterator[Cause]:
    """Every change of one parameter, and every module with the parameters of another."""
    state = stretch.reference.model.state_dict()
    for name, value in state.items():
        if name.rpartition(".")[0] in stretch.modules:
            for kind, says, change in changes(name, value):
                if not np.array_equal(change(value), value):
                    yield cause(kind, name, says, partial(changed, name=name, change=change))
    yield from of_all_modules(stretch, state)
    yield from of_other_modules(stretch, state)


def of_all_modules(stretch: Stretch, state: dict[str, Array]) -> Iterator[Cause]:
    """One change of all norms, or of all linear layers, where the stretch has several."""
    for pattern, kind, says, change in EVERYWHERE:
        names = [name for name in state if re.search(pattern, name)]
        touched = [name.rpartition(".")[0] for name in names if name.rpartition(".")[0] in stretch.modules]
        if len(touched) > 1:
            yield Cause(kind, touched[0], f"{says}.", FIX, partial(all_changed, names=names, change=change))


@contextmanager
def all_changed(model: Module, names: list[str], change: Change) -> Iterator[None]:
    """The model with one change of all these parameters."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(changed(model, name, change))
        yield


def cause(kind: str, name: str, says: str, put: Callable[[Module], AbstractContextManager[None]]) -> Cause:
    """A change of the parameter of this name."""
    return Cause(kind, name.rpartition(".")[0], f"{says[:1].upper()}{says[1:]}.", FIX, put)


def changed(model: Module, name: str, change: Change) -> AbstractContextManager[None]:
    """The model with one parameter changed."""
    module, _, field = name.rpartition(".")
    owner = module_at(model, module)
    value = getattr(owner, field)
    return replaced(owner, **{field: np.ascontiguousarray(change(value)).astype(value.dtype)})


def changes(name: str, value: Array) -> Iterator[tuple[str, str, Change]]:
    """(kind, what was done, the change) for one parameter."""
    if value.ndim == 1:
        yield from changes_of_vector(name, value)
        return
    rows = value.reshape(len(value), -1)
    table = name.endswith("relative_position_bias_table")
    side = "the bias table" if table else name
    yield "flipped", f"{side} is flipped: its rows run from the last to the first ({name})", lambda x: x[::-1]
    yield ("columns reversed", f"{side} has its columns reversed, from the last to the first ({name})",
           lambda x: x[:, ::-1])
    if rows.shape[0] == rows.shape[1]:
        yield "transposed", f"{name} is transposed", lambda x: x.reshape(rows.shape).T.reshape(x.shape)
    yield ("reshaped for transposed", f"{name} is transposed and then reshaped to its own shape, which mixes rows and "
           "columns", lambda x: x.reshape(rows.shape).T.reshape(x.shape))
    yield ("reshaped for transposed", f"{name} is reshaped to (in, out) instead of transposed, so rows and columns are "
           "mixed", lambda x: x.reshape(rows.shape[::-1]).T.reshape(x.shape))
    if value.ndim == 4 and min(value.shape[2:]) > 1:
        yield ("kernels rotated", f"the kernels {name} are rotated by 180 degrees: a convolution instead of a "
               "correlation", lambda x: x[:, :, ::-1, ::-1])
        if value.shape[2] == value.shape[3]:
            yield ("kernels transposed", f"the kernels {name} have rows and columns exchanged",
                   lambda x: x.swapaxes(2, 3))
    if table:
        side = round(len(value) ** 0.5)
        if side * side == len(value):
            yield ("table transposed", f"the bias table has rows and columns of displacements exchanged ({name})",
                   lambda x: x.reshape(side, side, -1).swapaxes(0, 1).reshape(x.shape))
            for axis, words in ((0, "rows"), (1, "columns")):
                yield (f"table flipped by {words}", f"the bias table is flipped along the {words} of displacements "
                       f"({name})", lambda x, axis=axis: np.flip(x.reshape(side, side, -1), axis).reshape(x.shape))
        yield "bias table lost", f"the bias table is left out: all 0 ({name})", np.zeros_like


def changes_of_vector(name: str, value: Array) -> Iterator[tuple[str, str, Change]]:
    """The same for a bias, or a norm's weight."""
    if name.endswith("bias"):
        yield "bias lost", f"the bias is left out: {name} counts as 0", np.zeros_like
        yield "bias twice", f"the bias {name} is added twice", lambda x: 2 * x
        yield "bias subtracted", f"the bias {name} is subtracted instead of added", np.negative
    elif name.endswith("running_mean"):
        yield "mean lost", f"the running mean is left out: {name} counts as 0", np.zeros_like
    elif name.endswith("running_var"):
        yield "variance lost", f"the running variance is left out: {name} counts as 1", np.ones_like
        yield "deviation for variance", f"{name} is taken for the standard deviation", np.square
        yield "variance twice under the root", f"the root is taken of {name} twice", np.sqrt
    else:
        yield ("weight plus 1", f"1 is added to the weight of the norm ({name}): x (1 + w) instead of x w",
               lambda x: 1 + x)
        yield "weight lost", f"the weight of the norm is left out: {name} counts as 1", np.ones_like
    yield "reversed", f"{name} runs from the last channel to the first", lambda x: x[::-1]
    if name.endswith("qkv.bias"):
        third = len(value) // 3
        for i, part in enumerate(PARTS):
            mask = np.arange(len(value)) // third == i
            yield (f"{part} bias lost", f"the {part} bias is left out of {name}",
                   lambda x, mask=mask: np.where(mask, 0, x))
            yield (f"{part} bias twice", f"the {part} bias of {name} is added twice",
                   lambda x, mask=mask: x * (1 + mask))


def of_other_modules(stretch: Stretch, state: dict[str, Array]) -> Iterator[Cause]:
    """A norm whose weight and bias are exchanged; each parameter, layer, attention, MLP or block with another's."""
    modules = stretch.modules
    for module in modules:
        weight, bias = f"{module}.weight", f"{module}.bias"
        if weight in state and bias in state and state[weight].shape == state[bias].shape:
            yield Cause("weight and bias exchanged", module, f"The weight and bias of {module} are exchanged.", FIX,
                        partial(given, names={weight: bias, bias: weight}))
    for module in modules:
        own = {name: value.shape for name, value in state.items() if inside(name, module)}
        if not own:
            continue
        for other in others(stretch, module):
            names = {name: other + name.removeprefix(module) for name in own}
            if all(theirs in state and state[theirs].shape == own[name] for name, theirs in names.items()):
                yield Cause("parameters of another module", module, f"{module} has the parameters of {other}.", FIX,
                            partial(given, names=names))
                for name, theirs in names.items() if name_of_leaf(module, own) else ():
                    yield Cause("parameter of another module", module, f"{name} is {theirs}.", FIX,
                                partial(given, names={name: theirs}))


def name_of_leaf(module: str, own: dict[str, tuple[int, ...]]) -> bool:
    """Whether all these parameters are the module's own, and several."""
    return len(own) > 1 and all(name.rpartition(".")[0] == module for name in own)


def others(stretch: Stretch, module: str) -> list[str]:
    """The other modules of the same type that may have been taken for it, those of its own block first."""
    model = stretch.reference.model
    kind = type(module_at(model, module))
    block = next((name for name in stretch.blocks if inside(module, name)), None)
    names = [name for name, other in model.named_modules() if type(other) is kind and name != module]
    return sorted(names, key=lambda name: block is None or not inside(name, block))


@contextmanager
def given(model: Module, names: dict[str, str]) -> Iterator[None]:
    """The model with the parameters of these names given by those of other names."""
    state = dict(model.state_dict())
    with ExitStack() as stack:
        for name, other in names.items():
            module, _, field = name.rpartition(".")
            stack.enter_context(replaced(module_at(model, module), **{field: state[other]}))
        yield
