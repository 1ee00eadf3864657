"""One norm that computes otherwise than the others: another eps, or none at all."""

from collections.abc import Iterator

from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.layers import LayerNorm

EPS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
FIX = "Give every norm of the model the same eps, and check the one that is named."


def norms(stretch: Stretch) -> Iterator[Cause]:
    """Each norm of the stretch by itself."""
    for name in stretch.modules:
        norm = module_at(stretch.reference.model, name)
        if not isinstance(norm, LayerNorm):
            continue
        for eps in EPS:
            yield Cause("eps of one norm", name, f"The eps of {name} alone is {eps:g} instead of {norm.eps:g}.",
                        FIX, lambda model, name=name, eps=eps: replaced(module_at(model, name), eps=eps))
        yield Cause("norm left out", name, f"The norm {name} alone is left out.", FIX,
                    lambda model, name=name: replaced(module_at(model, name), forward=lambda x: x.copy()))
