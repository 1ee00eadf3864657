"""Norms that compute otherwise: with another eps, one of them or all of a kind, or left out."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

from swin_np.convolution.layers import BatchNorm2d
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch, inside
from swin_np.layers import LayerNorm, Module

EPS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
KINDS = {LayerNorm: "layer norms", BatchNorm2d: "batch norms"}
FIX = "Give every norm of the model the same eps, and check the one that is named."
FIX_ALL = "Give every norm the eps of the code that the checkpoint comes from."


def all_norms(stretch: Stretch) -> Iterator[Cause]:
    """All norms of a kind that is in the stretch, where none is known to be right."""
    for kind in KINDS:
        if any(isinstance(module_at(stretch.reference.model, name), kind) for name in stretch.modules):
            yield from of_all(stretch, kind)


def norms(stretch: Stretch) -> Iterator[Cause]:
    """Each norm of the stretch by itself."""
    for name in stretch.modules:
        norm = module_at(stretch.reference.model, name)
        if not isinstance(norm, LayerNorm | BatchNorm2d):
            continue
        for eps in EPS:
            if eps != norm.eps:
                yield Cause("eps of one norm", name, f"The eps of {name} alone is {eps:g} instead of {norm.eps:g}.",
                            FIX, lambda model, name=name, eps=eps: replaced(module_at(model, name), eps=eps))
        yield Cause("norm left out", name, f"The norm {name} alone is left out.", FIX,
                    lambda model, name=name: replaced(module_at(model, name), forward=lambda x: x.copy()))


def of_all(stretch: Stretch, kind: type[Module]) -> Iterator[Cause]:
    """Another eps in every norm of the model; nothing if one, or what it is in without being shown, is right."""
    found = {name: norm for name, norm in stretch.reference.model.named_modules() if isinstance(norm, kind)}
    alone, (own, *others) = stretch.evidence.alone, sorted({norm.eps for norm in found.values()})
    hidden = [name for name in found if name not in alone]
    right = [name for name, difference in alone.items() if difference.agrees]
    if len(found) < 2 or others or any(name in found or any(inside(norm, name) for norm in hidden)
                                             for name in right):
        return
    first = next(name for name in found if name in stretch.modules)
    for eps in EPS:
        if eps != own:
            yield Cause("eps of all norms", first, f"The eps of all {KINDS[kind]} is {eps:g} instead of {own:g}.",
                        FIX_ALL, lambda model, eps=eps: everywhere(model, list(found), eps))


def everywhere(model: Module, names: list[str], eps: float) -> AbstractContextManager[None]:
    """The model with this eps in all these norms."""
    stack = ExitStack()
    for name in names:
        stack.enter_context(replaced(module_at(model, name), eps=eps))
    return stack
