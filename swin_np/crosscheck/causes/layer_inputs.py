"""Linear layers whose input is other than it should be: clipped at a limit, or multiplied by a number."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.crosscheck.noise import root_mean_square
from swin_np.functional import Array
from swin_np.layers import Linear

Run = Callable[[Cause], Array | None]                  # what the point becomes

GOLDEN = (5**0.5 - 1) / 2
SEARCHES = 40                                          # steps of golden section: 0.618^40 is 4e-9
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.33, 0.25, 0.18, 0.12, 0.08, 0.05, 0.02)     # of the largest value
PROMISING = 0.8                                        # of the error is left where a limit is worth searching


def layer_inputs(stretch: Stretch, run: Run) -> Iterator[Cause]:
    """The limit, and the factor, that come nearest for every linear layer of the stretch; near the point first."""
    truth, given = stretch.evidence.truth[stretch.name], stretch.evidence.given[stretch.name]
    for name in reversed(stretch.modules):
        layer = module_at(stretch.reference.model, name)
        if not isinstance(layer, Linear):
            continue

        def left(change: Callable[[Array], Array], name: str = name) -> float:
            value = run(changed(name, "", change))
            return np.inf if value is None else root_mean_square(value - given)

        largest = largest_input(stretch, name, run)
        errors = [left(partial(clipped, share * largest)) for share in SHARES]
        best = int(np.argmin(errors))
        if errors[best] < PROMISING * root_mean_square(truth - given):
            limit = golden(lambda t: left(partial(clipped, t)), *(
                largest * SHARES[min(max(at, 0), len(SHARES) - 1)] for at in (best + 1, best - 1)))
            yield changed(name, f"The input of {name} is clipped to -{limit:.4g}..{limit:.4g}, {limit / largest:.2f} "
                          "of its largest value, as where a quantised layer saturates",
                          partial(clipped, limit))
        if layer.bias is not None and name == stretch.modules[-1]:
            plain = run(changed(name, "", np.zeros_like))
            if plain is not None and plain.shape == truth.shape:
                ours = (truth - plain).ravel()
                factor = float(ours @ (given - plain).ravel() / max(float(ours @ ours), np.finfo(np.float64).tiny))
                says = f"The input of {name} is multiplied by {factor:.5g}"
                if name in ("head", "fc") and stretch.input.ndim == 4 and factor:
                    tokens = int(np.prod(stretch.input.shape[1:3]))
                    says += f": the mean over {tokens} tokens divides by {tokens / factor:.5g}"
                yield changed(name, says, lambda x, f=factor: f * x)


def clipped(limit: float, x: Array) -> Array:
    return np.clip(x, -limit, limit)


def largest_input(stretch: Stretch, name: str, run: Run) -> float:
    """The largest value that the layer is given."""
    seen = [0.0]

    def look(x: Array) -> Array:
        seen.append(float(np.abs(x).max()))
        return x

    run(changed(name, "", look))
    return max(seen)


def changed(name: str, says: str, change: Callable[[Array], Array]) -> Cause:
    """A layer whose input is changed first."""
    def put(model):
        layer = module_at(model, name)
        right = layer.forward
        return replaced(layer, forward=lambda x: right(change(x).astype(x.dtype)))

    kind = "input clipped" if "clipped" in says else "input scaled"
    return Cause(kind, name, f"{says}.", "Look at what this layer is given: a range that is too small, or a divisor of "
                 "another size.", put)


def golden(error: Callable[[float], float], low: float, high: float) -> float:
    """The place of the least error between two, where it has one valley."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = error(a), error(b)
    for _ in range(SEARCHES):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = error(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = error(b)
    return (low + high) / 2
