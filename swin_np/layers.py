"""Modules as small dataclasses: the fields are the parameters and parts, their names are the checkpoint's names."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from swin_np import functional
from swin_np.arguments.checks import shown
from swin_np.errors import ConfigurationError, StateDictError
from swin_np.functional import Array
from swin_np.parallel.parts import sum_by_parts
from swin_np.parallel.settings import Setting

Model = TypeVar("Model", bound="Module")

BUFFER_TOLERANCE = 1e-6                                # relative; a few units in the last place of float32


def check_dtype(dtype: type) -> None:
    """Raise ConfigurationError for a dtype in which no model computes."""
    if not isinstance(dtype, type | np.dtype) or dtype not in (np.float32, np.float64):
        raise ConfigurationError(f"dtype {shown(dtype)} was given, models compute in np.float32 or np.float64: "
                                 "choose one of them")


RECORDER = Setting("swin_np recorder")                 # who looks: see `recording`
EDITOR = Setting("swin_np editor")                     # who replaces: see `editing`
CALLED: ContextVar["Module | None"] = ContextVar("swin_np module that is being called", default=None)
"""Known only while somebody watches."""


def recording(record: Callable[["Module | None", str, Array], None]) -> contextlib.AbstractContextManager[None]:
    """Call record(module, step, value) for every output and step inside the `with` block; see swin_np.trace.

    It looks and writes nothing: later steps go on with that very array, and may change it.
    """
    return RECORDER.held(record)


def editing(change: Callable[["Module | None", str, Array], Array]) -> contextlib.AbstractContextManager[None]:
    """Go on with change(module, step, value) in place of every output and step inside the block; see swin_np.edit.

    It gives `value` itself or an array of its shape and dtype that nobody else uses, since later steps may write to it.
    Of edits inside each other the outer is made first. Who records sees what is gone on with.
    """
    outer = EDITOR.get()
    return EDITOR.held(change if outer is None else
                       lambda module, step, value: change(module, step, outer(module, step, value)))


def watched() -> bool:
    """Whether anybody looks at the steps, or replaces them."""
    return RECORDER.get() is not None or EDITOR.get() is not None


def note(step: str, value: Array, module: "Module | None" = None) -> Array:
    """Show an intermediate result, called `step`, to who looks, and give what to go on with: `value`, or an edit of it.

    module: whose step it is; without it that of the module being called, which a pure function need not know.
    """
    if (edit := EDITOR.get()) is not None:
        value = edit(module or CALLED.get(), step, value)
    if (record := RECORDER.get()) is not None:
        record(module or CALLED.get(), step, value)
    return value


def step_name(module: str, step: str) -> str:
    """The name of a step of the module of this name, `layers.0.blocks.1.attn.q`; the whole model's output: `output`."""
    return ".".join(filter(None, (module, step))) or "output"


class Module:
    """Base of every layer and model; a subclass is a dataclass with a `forward`.

    A field that is an array is a parameter, a field that is a Module (or a list of them) is a part, and anything else
    is a setting. `model.layers[0].blocks[1].attn.qkv.weight` is the entry `layers.0.blocks.1.attn.qkv.weight`.

    buffers: fields that are stored like parameters but were measured, not learned. unused: names under which a
    checkpoint stores with such a module what no forward pass needs.
    """

    buffers: ClassVar[tuple[str, ...]] = ()
    unused: ClassVar[tuple[str, ...]] = ()
    forward: Callable[..., Any]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __call__(self, *inputs: Any) -> Any:
        if not watched():
            return self.forward(*inputs)
        token = CALLED.set(self)
        try:
            output = self.forward(*inputs)
        finally:
            CALLED.reset(token)
        return self.note("", output)

    def note(self, step: str, value: Array) -> Array:
        """Show a step of this module (its output: '') and give what to go on with; see swin_np.layers.note."""
        return note(step, value, self)

    def parts(self) -> Iterator[tuple[str, "Module"]]:
        """The direct parts with their names; the items of a list are called `blocks.0`, `blocks.1`, ..."""
        for field in fields(self):
            yield from named_parts(field.name, getattr(self, field.name))

    def own_parameters(self) -> Iterator[tuple[str, Array]]:
        """The arrays that are fields of this very module, with their names."""
        for field in fields(self):
            if isinstance(value := getattr(self, field.name), np.ndarray):
                yield field.name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module (named `prefix`) and all below it, depth first, with their names in the checkpoint."""
        yield prefix, self
        for name, part in self.parts():
            yield from part.named_modules(f"{prefix}.{name}" if prefix else name)

    def state_dict(self) -> dict[str, Array]:
        """Every parameter by its official name; the arrays are the model's own, not copies."""
        return {f"{prefix}.{name}" if prefix else name: value
                for prefix, module in self.named_modules() for name, value in module.own_parameters()}

    def derived_buffers(self) -> dict[str, Array]:
        """Values that some checkpoints store although they follow from the configuration, by official name."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Copy every entry of `state` into the parameter of its name, keeping the model's dtype.

        Strict: a missing, extra or wrongly shaped entry, or a derived buffer with other values than it should have,
        raises StateDictError with all offenders named, and leaves the model as it was. Buffers may differ in their
        last digits, as Swin V2's logarithms do between libraries.
        """
        own, derived = self.state_dict(), self.derived_buffers()
        unused = {f"{prefix}.{name}" for prefix, module in self.named_modules() for name in module.unused}
        state = {name: value for name, value in state.items() if name not in unused}
        problems = [f"missing {name} {value.shape}" for name, value in own.items() if name not in state]
        for name, value in state.items():
            value = np.asarray(value)
            if name in own and value.shape != own[name].shape:
                problems.append(f"{name} has shape {value.shape}, expected {own[name].shape}")
            elif name in own and not np.issubdtype(value.dtype, np.floating):
                problems.append(f"{name} has dtype {value.dtype}, expected floating point")
            elif name in derived and not (value.size == derived[name].size and np.allclose(
                    value.ravel(), derived[name].ravel(), rtol=BUFFER_TOLERANCE, atol=0)):
                problems.append(f"{name} {value.shape} differs from what follows from the configuration")
            elif name not in own and name not in derived:
                problems.append(f"unexpected {name} {value.shape}")
        if problems:
            raise StateDictError(
                f"the state dict does not fit this {type(self).__name__} in {len(problems)} entries; "
                "compare its configuration with the checkpoint's:\n  " + "\n  ".join(problems))
        self.place({name: np.array(state[name], value.dtype) for name, value in own.items()})

    def place(self, state: dict[str, Array]) -> None:
        """Let the arrays of `state`, which fits this model, be its parameters themselves, not copies of them."""
        for prefix, module in self.named_modules():
            for name, _ in list(module.own_parameters()):
                setattr(module, name, state[f"{prefix}.{name}" if prefix else name])

    def astype(self: Model, dtype: type) -> Model:
        """A copy of the model with every parameter in `dtype`; ConfigurationError unless np.float32 or np.float64."""
        check_dtype(dtype)
        twin = copy.deepcopy(self)
        for _, module in twin.named_modules():
            for name, value in module.own_parameters():
                setattr(module, name, value.astype(dtype))
        return twin

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the parameters."""
        return next(value for _, module in self.named_modules() for _, value in module.own_parameters()).dtype

    def parameter_count(self) -> int:
        """Number of learned parameters, all parts included."""
        return sum(value.size for _, module in self.named_modules() for name, value in module.own_parameters()
                   if name not in module.buffers)

    def __repr__(self) -> str:
        """The tree of parts with the shapes of their parameters; equal parts of a list are written once."""
        settings = [f"{name} {value.shape}" for name, value in self.own_parameters()]
        settings += [f"{field.name}={value}" for field in fields(self)
                     if isinstance(value := getattr(self, field.name), (int, float, str, tuple))]
        groups: dict[tuple[str, str], list[str]] = {}  # (list name, text of the part): numbers in the list
        for name, part in self.parts():
            stem, _, number = name.partition(".")
            groups.setdefault((stem, repr(part)), []).append(number)
        lines = [f"{stem} {', '.join(numbers)}".rstrip() + f": {text}" for (stem, text), numbers in groups.items()]
        return "\n".join([f"{type(self).__name__}({', '.join(settings)})", *lines]).replace("\n", "\n  ")


def names_of_modules(model: Module) -> dict[int, str]:
    """The official names of a model's modules, by their identity (id)."""
    return {id(module): name for name, module in model.named_modules()}


def named_parts(name: str, value: object) -> Iterator[tuple[str, Module]]:
    """The modules in the field `name` of a module: one, a list of them, a list of lists (`blocks.0.1`), or none."""
    if isinstance(value, Module):
        yield name, value
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from named_parts(f"{name}.{i}", item)


def placeholder(*shape: int) -> Array:
    """A parameter that only has its shape: zeros that take no memory and cannot be written to."""
    return np.broadcast_to(np.float32(0), shape)


def draw(rng: np.random.Generator | None, *shape: int) -> Array:
    """Initial weights of the paper's code: normal, standard deviation 0.02, float32; without rng a placeholder.

    The code truncates at +-2, a hundred standard deviations out, which no draw reaches.
    """
    return placeholder(*shape) if rng is None else rng.standard_normal(shape, np.float32) * np.float32(0.02)


def redraw(model: Module, seed: int) -> None:
    """Draw every parameter of the model anew and large, for comparing implementations.

    At the paper's 0.02 the scores, and above all the bias tables, are so small that a wrong index hardly shows. Here
    weights keep the scale of their input (fan_in^-1/2), norms scale by 0.5 to 1.5, running variances are as large, and
    all else, bias tables included, is of order 1.
    """
    rng, state = np.random.default_rng(seed), {}
    for name, value in model.state_dict().items():
        drawn: Array = rng.standard_normal(value.shape, np.float32)
        if name.endswith("bias"):
            drawn *= np.float32(0.5)
        elif name.endswith("weight") and value.ndim > 1:
            drawn *= np.float32((value.size / len(value)) ** -0.5)
        elif name.endswith(("weight", "running_var")):
            drawn = rng.uniform(0.5, 1.5, value.shape)
        state[name] = drawn.astype(value.dtype)
    model.place(state)


@dataclass(eq=False, repr=False)
class Linear(Module):
    """x W^T + b; weight (out, in), bias (out,) or None."""

    weight: Array
    bias: Array | None

    @classmethod
    def random(cls, inputs: int, outputs: int, rng: np.random.Generator | None, bias: bool = True) -> "Linear":
        return cls(draw(rng, outputs, inputs), np.zeros(outputs, np.float32) if bias else None)

    def forward(self, x: Array) -> Array:
        return functional.linear(x, self.weight, self.bias)


def two_linear(x: Array, first: Linear, activation: Callable[..., Array], second: Linear) -> Array:
    """second(activation(first(x))), the sum of what each hidden unit gives; several cores take some of the units each.

    x (..., in) -> (..., out). activation(hidden, out=hidden) treats every number by itself.
    """
    everything = slice(0, len(first.weight))

    def through(units: slice) -> Array:
        one, other = first, second
        if units != everything:
            one = Linear(first.weight[units], None if first.bias is None else first.bias[units])
            other = Linear(second.weight[:, units], second.bias if units.start == 0 else None)
        hidden = one(x)
        return other(activation(hidden, out=hidden))

    return sum_by_parts(through, everything.stop)


@dataclass(eq=False, repr=False)
class LayerNorm(Module):
    """Layer normalisation over the last axis; weight and bias (C,)."""

    weight: Array
    bias: Array
    eps: float = 1e-5

    @classmethod
    def identity(cls, channels: int) -> "LayerNorm":
        """As it is before training: scale 1, offset 0."""
        return cls(np.ones(channels, np.float32), np.zeros(channels, np.float32))

    def forward(self, x: Array) -> Array:
        return functional.layer_norm(x, self.weight, self.bias, self.eps)
