"""What a dump may hold in place of a point: the same before its scale, without its bias, with the residual, ..."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from swin_np.attention import WindowAttention
from swin_np.functional import Array, gelu
from swin_np.layers import LayerNorm, Linear, Module
from swin_np.patches import LinearEmbedding

LAST_LAYER = {"attn": "proj", "mlp": "fc2"}            # whose output is the module's


@dataclass(frozen=True)
class Relation:
    """In words what theirs is to ours, `of` ours to theirs, and back; None where that is lost."""

    phrase: str
    of: Callable[[Array], Array]
    back: Callable[[Array], Array] | None


def relations(modules: dict[str, Module], name: str, block_input: Array | None) -> Iterator[Relation]:
    """Those that a point can have, all arrays in the shape of the reference.

    modules: of the reference by their names. block_input: of the block to which the point belongs, (B, H, W, C).
    """
    outer, _, step = name.rpartition(".")
    module, around = modules.get(name), modules.get(outer)
    if step in LAST_LAYER and (last := modules.get(f"{name}.{LAST_LAYER[step]}")) is not None:
        module = last
    if isinstance(around, WindowAttention) and step in ("q", "k", "scores"):
        scale = around.scale()
        factors = {"divided by the scale": 1 / scale} if step == "scores" else {
            "times the scale": scale, "times the root of the scale": math.sqrt(scale)}
        for phrase, factor in factors.items():
            yield Relation(phrase, lambda x, f=factor: x * f, lambda x, f=factor: x / f)
    if isinstance(module, LayerNorm):
        weight, bias = module.weight, module.bias
        yield Relation("without the weight and bias of the norm", lambda x: (x - bias) / weight,
                       lambda x: x * weight + bias)
    if isinstance(module, Linear | LinearEmbedding) and module.bias is not None:
        added = module.bias
        yield Relation("without its bias", lambda x: x - added, lambda x: x + added)
    if step == "fc1":
        yield Relation("after the GELU", gelu, None)
    if step in ("rolled_back", "mlp") and block_input is not None:
        yield Relation("plus the block's input", lambda x: x + block_input.reshape(x.shape),
                       lambda x: x - block_input.reshape(x.shape))
