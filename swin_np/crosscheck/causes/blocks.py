"""Blocks summed otherwise: the output fitted as a sum of input, norms, attention and MLP, for each image by itself."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from swin_np.baselines.vit import Block
from swin_np.block import SwinTransformerBlock
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.functional import Array

PreNorm = SwinTransformerBlock | Block
SUMMED = (SwinTransformerBlock, Block)                 # the first Swin's and ViT's, not V2's, whose norms are elsewhere
MIDDLE = ("x", "norm1", "attn")                        # what may be summed before the second norm
TERMS = (*MIDDLE, "norm2", "mlp")                      # and at the end
RIGHT = (1.0, 0.0, 1.0, 0.0, 1.0)
FIX = ("A block is z = x + attn(norm1(x)), then z + mlp(norm2(z)): no other factors, and in inference no drop-path "
       "(model.eval()).")
ZERO, ROUND = 1e-4, 2e-4                               # of fitted coefficients: those below are 0; nearer are rounded
STARTS = (0.0, 0.1, 0.5, 0.8, 0.9, 1.0, 1.25, 2.0, -1.0)
STEPS = 40                                             # of the search for a factor before the second norm
PENALTY = 1e-12


def attention_of(block: PreNorm) -> Callable[[Array], Array]:
    """What makes of the block's normalised tokens those of the branch."""
    return block.attend if isinstance(block, SwinTransformerBlock) else block.attn


def attention_step(block: PreNorm, name: str) -> str:
    """The point that is the result of that, for the block of this name."""
    return f"{name}.attn.rolled_back" if isinstance(block, SwinTransformerBlock) else f"{name}.attn"


def blocks(stretch: Stretch) -> Iterator[Cause]:
    """The last block of the stretch: skipped, run twice, or summed otherwise."""
    name = stretch.block
    if not name or not {name, f"{name}.norm2"} & {stretch.name}:
        return
    block = module_at(stretch.reference.model, name)
    yield Cause("block skipped", name, f"The block {name} is skipped: its output is its input.",
                "Run every block of a stage once.", lambda model: replaced(
                    module_at(model, name), forward=lambda z: z))
    yield Cause("block run twice", name, f"The block {name} is run twice.", "Run every block of a stage once.",
                lambda model: twice(module_at(model, name)))
    if type(block) not in SUMMED:
        return
    yield from of_channels(stretch, block, name)
    if (fitted := fit(stretch, block, name)) is not None:
        middle, end = fitted
        yield Cause(kind_of(middle, end), name, sentence(name, middle, end), FIX, partial(summed, name, middle, end))


def of_channels(stretch: Stretch, block: PreNorm, name: str) -> Iterator[Cause]:
    """The MLP's branch times a factor for each channel, as a layer scale."""
    given, x = stretch.evidence.given, stretch.input
    if name not in given or stretch.name != name:
        return
    steps = {step: value.reshape(x.shape) for step, value in stretch.steps().items() if value.size == x.size}
    middle, mlp = x + steps[attention_step(block, name)], steps[f"{name}.mlp"]
    rest = given[name].reshape(x.shape) - middle
    tokens = tuple(range(x.ndim - 1))
    scale = (rest * mlp).sum(axis=tokens) / (mlp * mlp).sum(axis=tokens)
    if np.ptp(scale) > ROUND:                          # one factor for all is found by `fit`
        says = (f"In {name} the branch of the MLP is multiplied channel by channel, by {scale.min():.4g} to "
                f"{scale.max():.4g}, as by a layer scale.")
        yield Cause("layer scale", name, says, FIX, lambda model: replaced(
            module_at(model, name), forward=partial(scaled, module_at(model, name), scale)))


def scaled(block: PreNorm, scale: Array, z: Array) -> Array:
    z = z + attention_of(block)(block.norm1(z))
    return z + block.mlp(block.norm2(z)) * scale.astype(z.dtype)


def twice(block: PreNorm):
    right = block.forward
    return replaced(block, forward=lambda z: right(right(z)))


def summed(name: str, middle: Array, end: Array, model):
    """The block with other sums: coefficients (B, 3) before the second norm and (B, 5) at the end."""
    block = module_at(model, name)

    def forward(z: Array) -> Array:
        def total(coefficients: Array, terms: list[Array]) -> Array:
            return combined(np.asarray(coefficients, z.dtype), terms)

        normalised = block.norm1(z)
        terms = [z, normalised, attention_of(block)(normalised)]
        second = block.norm2(total(middle, terms))
        return total(end, [*terms, second, block.mlp(second)])

    return replaced(block, forward=forward)


def fit(stretch: Stretch, block: PreNorm, name: str) -> tuple[Array, Array] | None:
    """Coefficients (B, 3) and (B, 5) of the candidate's sums, as far as its points tell; None if they are right."""
    given, x = stretch.evidence.given, stretch.input
    steps = {step: value.reshape(x.shape) for step, value in stretch.steps().items() if value.size == x.size}
    attn = steps[attention_step(block, name)]
    first = [x, steps[f"{name}.norm1"], attn]
    middle = np.tile(RIGHT[:3], (len(x), 1))
    if f"{name}.norm2" in given:
        middle = before_norm(block, first, given[f"{name}.norm2"].reshape(x.shape))
    elif f"{name}.mlp" not in given and name in given:
        middle = searched(block, first, given[name].reshape(x.shape))
    end = np.concatenate([middle, np.tile((0.0, 1.0), (len(x), 1))], axis=1)
    if name in given:
        second = steps[f"{name}.norm2"] if f"{name}.norm2" in given else block.norm2(combined(middle, first))
        mlp = steps[f"{name}.mlp"] if f"{name}.mlp" in given or f"{name}.norm2" in given else block.mlp(second)
        end = least_squares([*first, second, mlp], given[name].reshape(x.shape))
        told = (end[:, 3:] != 0).any(axis=1, keepdims=True)            # without the MLP nothing tells of its input
        middle = np.where(told | (f"{name}.norm2" in given), middle, RIGHT[:3])
    if np.allclose(middle, RIGHT[:3], atol=ZERO) and np.allclose(end, RIGHT, atol=ZERO):
        return None
    return middle, end


def combined(coefficients: Array, terms: list[Array]) -> Array:
    """The sum of terms (B, ..., C) with coefficients (B, number of terms)."""
    return np.einsum("bk,kb...->b...", coefficients, np.stack(terms))


def least_squares(terms: list[Array], result: Array) -> Array:
    """The coefficients (B, number of terms) of each image; those near 0 are left out, then the others fitted again."""
    fitted = np.zeros((len(result), len(terms)))
    for b, target in enumerate(result):
        design = np.stack([term[b].ravel() for term in terms], axis=1)
        kept = np.arange(len(terms))
        for _ in range(len(terms)):
            solved = np.linalg.lstsq(design[:, kept], target.ravel(), rcond=PENALTY)[0]
            if (np.abs(solved) > ZERO).all():
                break
            kept = kept[np.abs(solved) > ZERO]
        fitted[b, kept] = solved[np.abs(solved) > ZERO] if len(solved) != len(kept) else solved
    return rounded(fitted)


def rounded(coefficients: Array) -> Array:
    """Coefficients near a number of three digits are that number."""
    near = np.round(coefficients, 3)
    return np.where(np.abs(coefficients - near) < ROUND, near, coefficients)


def before_norm(block: PreNorm, terms: list[Array], normed: Array) -> Array:
    """The coefficients (B, 3) of the sum whose norm is given, up to a factor that no norm shows.

    The sum is a combination of 1 and the given normalised token, so what is left of the terms beside those is 0.
    """
    weight = np.where(np.abs(block.norm2.weight) > ZERO, block.norm2.weight, 1)
    unit = (normed - block.norm2.bias) / weight
    unit = unit - unit.mean(axis=-1, keepdims=True)
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    beside = []
    for term in terms:
        centred = term - term.mean(axis=-1, keepdims=True)
        beside.append(centred - unit * (unit * centred).sum(axis=-1, keepdims=True))
    gram = np.einsum("kb...c,lb...c->bkl...", np.stack(beside), np.stack(beside))
    gram = gram.reshape(*gram.shape[:3], -1).sum(axis=-1)
    size = np.sqrt([[np.square(term[b]).sum() for term in terms] for b in range(len(normed))])
    found = np.linalg.eigh(gram / size[:, :, None] / size[:, None])[1][..., 0] / size        # the least eigenvalue's
    leading = np.argmax(np.abs(found) * size * (1, 0.5, 0.5), axis=1)                        # x, unless it is not there
    found /= found[np.arange(len(found)), leading][:, None]
    return rounded(np.where(np.abs(found) < ZERO, 0, found))


def searched(block: PreNorm, terms: list[Array], result: Array) -> Array:
    """The same where only the block's output is given: x + b attn, with the b that leaves the least of the output."""
    def rest(factors: Array) -> Array:                 # (B,) -> (B,)
        middle = np.stack([np.ones_like(factors), np.zeros_like(factors), factors], axis=1)
        second = block.norm2(combined(middle, terms))
        every = [*terms, second, block.mlp(second)]
        left = combined(plain_fit(every, result), every) - result
        return np.sqrt(np.square(left).reshape(len(result), -1).mean(axis=1))

    starts = np.array([rest(np.full(len(result), start)) for start in STARTS])
    best = np.array(STARTS)[starts.argmin(axis=0)]
    width, factors, least = 0.3, best, starts.min(axis=0)
    for _ in range(STEPS):
        for sign in (-1, 1):
            moved = factors + sign * width
            error = rest(moved)
            factors, least = np.where(error < least, moved, factors), np.minimum(error, least)
        width *= 0.6
    factors = rounded(factors)
    return np.stack([np.ones_like(factors), np.zeros_like(factors), factors], axis=1)


def plain_fit(terms: list[Array], result: Array) -> Array:
    """Least squares by the normal equations, for each image."""
    stack = np.stack([term.reshape(len(result), -1) for term in terms], axis=1)                # (B, K, n)
    gram, right = stack @ stack.swapaxes(1, 2), stack @ result.reshape(len(result), -1, 1)
    return np.linalg.solve(gram + PENALTY * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(len(terms)),
                           right)[..., 0]


def kind_of(middle: Array, end: Array) -> str:
    """A short name for what the coefficients say."""
    if not np.allclose(end, end[:1], atol=10 * ZERO) or not np.allclose(middle, middle[:1], atol=10 * ZERO):
        return "drop-path"
    return "branches summed otherwise"


def sentence(name: str, middle: Array, end: Array) -> str:
    """What was done, from the coefficients."""
    formulas = [formula(m, e) for m, e in zip(middle, end, strict=True)]
    if len(set(formulas)) > 1:
        each = "; ".join(f"image {b}: {text}" for b, text in enumerate(formulas))
        return (f"The images are treated differently in {name}, as by drop-path (stochastic depth) in training, which "
                f"drops a branch or scales it up. {each}.")
    return f"In {name} {reading(middle[0], end[0])}: {formulas[0]}."


def formula(middle: Array, end: Array) -> str:
    """The output in words, and what the second norm is given where that is another sum."""
    text = f"output = {terms_in_words(end)}"
    if not np.allclose(middle, end[:3], atol=10 * ZERO):
        text += f", the second norm of {terms_in_words(middle)}"
    return text


def terms_in_words(coefficients: Array) -> str:
    return " + ".join(f"{c:.4g} {term}" for c, term in zip(coefficients, TERMS, strict=False)
                      if c or term in ("x", "attn", "mlp")).replace("+ -", "- ")


def reading(middle: Array, end: Array) -> str:
    """What a sum that is the same for all images means."""
    x, norm1, attn, norm2, mlp = end
    found = []
    if norm1 or norm2:
        which = "norm1" if norm1 else "norm2"
        return f"a residual path starts after the norm: the result of {which} is added instead of what it was given"
    if not x:
        found.append("the residual path is lost")
    for value, which in ((attn, "attention"), (mlp, "MLP")):
        if not value:
            found.append(f"the branch of the {which} is lost, it is not added")
        elif value == 2:
            found.append(f"the branch of the {which} is added twice")
        elif value != 1:
            found.append(f"the branch of the {which} is multiplied by {value:.4g}")
    return ", and ".join(found) or "the branches are summed otherwise"
