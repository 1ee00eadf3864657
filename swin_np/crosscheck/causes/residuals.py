"""Blocks of Swin V2 and of ResNet summed otherwise: the output fitted as a sum of input and branches."""

from collections.abc import Callable, Iterator

import numpy as np

from swin_np.baselines.resnet import ResidualBlock
from swin_np.baselines.swin_v2 import SwinTransformerBlockV2
from swin_np.convolution.functional import relu
from swin_np.crosscheck.causes.blocks import ROUND
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.functional import Array
from swin_np.layers import Module

Terms = Callable[[Module, Array], list[Array]]         # of a block, for its input

RESIDUAL_TERMS = ("F(x)", "the shortcut")
FIX_RESIDUAL = "A block is relu(F(x) + x), where x may be projected: no other factors, and the ReLU after the sum."
V2_TERMS = ("x", "attn", "norm1(attn)", "mlp", "norm2(mlp)")
FIX_V2 = "A block of V2 is z = x + norm1(attn(x)), then z + norm2(mlp(z)): no other factors, and no drop-path."


def residuals(stretch: Stretch) -> Iterator[Cause]:
    """The last block of the stretch, where the point is its output."""
    if not stretch.block or stretch.name != stretch.block:
        return
    block = module_at(stretch.reference.model, stretch.block)
    if isinstance(block, ResidualBlock):
        yield from of_resnet(stretch)
    elif isinstance(block, SwinTransformerBlockV2):
        yield from of_v2(stretch)


def of_resnet(stretch: Stretch) -> Iterator[Cause]:
    """Every place of the ReLU: after the sum, nowhere, or before it on the branch."""
    for inner, outer in ((False, True), (False, False), (True, False), (True, True)):
        def terms(block: ResidualBlock, x: Array, inner: bool = inner) -> list[Array]:
            branch = block.branch(x)
            return [relu(branch) if inner else branch, block.shortcut(x)]

        relus = {(False, True): "", (False, False): ", without the ReLU after it",
                 (True, False): ", with the ReLU on F(x) and not after the sum",
                 (True, True): ", with a ReLU on F(x) already"}[inner, outer]
        yield from summed(stretch, terms, RESIDUAL_TERMS, outer, relus, FIX_RESIDUAL)


def of_v2(stretch: Stretch) -> Iterator[Cause]:
    """Every sum before the MLP: with the normalised branch, with the branch itself, or without the input."""
    for own, normed in ((True, True), (True, False), (False, True)):
        def terms(block: SwinTransformerBlockV2, x: Array, own: bool = own, normed: bool = normed) -> list[Array]:
            attn = block.attend(x)
            first = block.norm1(attn)
            mlp = block.mlp((x if own else 0) + (first if normed else attn))
            return [x, attn, first, mlp, block.norm2(mlp)]

        given = "" if own and normed else f", the MLP's input {'x + attn' if own else 'norm1(attn)'}"
        yield from summed(stretch, terms, V2_TERMS, False, given, FIX_V2)


def summed(stretch: Stretch, terms: Terms, words: tuple[str, ...], rectified: bool, rest: str,
           fix: str) -> Iterator[Cause]:
    """The block whose output is the sum of its terms with the coefficients that fit best, if it is another sum.

    rectified: the sum goes through a ReLU, so only where the output is positive it tells of the coefficients.
    """
    name = stretch.block
    block, x = module_at(stretch.reference.model, name), stretch.input
    parts, result = terms(block, x), stretch.evidence.given[name]
    if any(part.shape != parts[0].shape for part in parts):
        return
    seen = result > 0 if rectified else np.ones(result.shape, bool)
    result = result.reshape(parts[0].shape)
    seen = seen.reshape(parts[0].shape)
    if seen.sum() <= len(parts):
        return
    fitted = np.linalg.lstsq(np.stack([part[seen] for part in parts], axis=1), result[seen], rcond=None)[0]
    near = np.round(fitted, 3)
    fitted = np.where(np.abs(fitted - near) < ROUND, near, fitted)

    def forward(block: Module, x: Array) -> Array:
        total = sum(np.asarray(c, x.dtype) * part for c, part in zip(fitted, terms(block, x), strict=True))
        return relu(total) if rectified else total

    formula = " + ".join(f"{c:.4g} {word}" for c, word in zip(fitted, words, strict=True) if c).replace("+ -", "- ")
    yield Cause("branches summed otherwise", name, f"In {name} the output is {formula or 0}{rest}.", fix,
                lambda model: replaced(module_at(model, name), forward=lambda x: forward(module_at(model, name), x)))
