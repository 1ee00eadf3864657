"""Section 3.2: what goes wrong in window attention (Eq. 4), its bias aside: heads, scale, softmax, mask, projection."""

from functools import partial

import numpy as np

from swin_np.attention import attention, merge_heads, relative_position_bias, split_heads
from swin_np.functional import Array, linear, softmax
from swin_np.layers import Module, note
from swin_np.mistakes.mistake import ATTENTION, NOWHERE, mistake, shown_as
from swin_np.parallel.parts import by_windows
from swin_np.windows import mask_of_windows

SPLIT = "swin_np.attention.split_heads"
MERGE = "swin_np.attention.merge_heads"
SCORES = "swin_np.attention.attention"
SCALE = "swin_np.attention.WindowAttention.scale"
EQ_4 = "section 3.2, Eq. 4"
FIG_4 = "section 3.2, Fig. 4"

RIGHT_SPLIT = partial(split_heads)                     # an object of its own, which planting leaves be


@mistake(SPLIT, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The 3C channels are split into heads first and then into query, key and value, so each gets channels "
              "of the others.",
         fix="Split into (3, heads, d): all queries, then all keys, then all values.")
def qkv_split_by_head(qkv: Array, heads: int) -> Array:
    b, tokens, channels = qkv.shape
    return qkv.reshape(b, tokens, heads, 3, channels // (3 * heads)).transpose(3, 0, 2, 1, 4)


@mistake(SPLIT, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The heads are innermost: head i gets every channel whose number is i modulo the heads, instead of d "
              "channels in a row.",
         fix="Split into (3, heads, d), with the head's own channels innermost.")
def heads_interleaved(qkv: Array, heads: int) -> Array:
    b, tokens, channels = qkv.shape
    return qkv.reshape(b, tokens, 3, channels // (3 * heads), heads).transpose(2, 0, 4, 1, 3)


@mistake(SPLIT, place=EQ_4, modules=ATTENTION,
         says="Queries and keys are exchanged, so the product's rows are keys: every score is that of the pair seen "
              "from the other end.",
         fix="Take the first C channels as queries and the second as keys.")
def queries_and_keys_swapped(qkv: Array, heads: int) -> Array:
    q, k, v = RIGHT_SPLIT(qkv, heads)
    return np.stack([k, q, v])


@mistake(SPLIT, place=EQ_4, modules=ATTENTION,
         says="Keys and values are exchanged, so queries are compared with the values and the keys are averaged.",
         fix="Take the second C channels as keys and the third as values.")
def keys_and_values_swapped(qkv: Array, heads: int) -> Array:
    q, k, v = RIGHT_SPLIT(qkv, heads)
    return np.stack([q, v, k])


@mistake(MERGE, place="section 3.2", modules=ATTENTION, needs="more than one head",
         says="The heads' results are reshaped to (M^2, C) without the transpose, so tokens and heads are mixed.",
         fix="Exchange the axes of heads and tokens before the reshape.")
def heads_merged_without_transpose(x: Array) -> Array:
    b, heads, tokens, d = x.shape
    return x.reshape(b, tokens, heads * d)


@mistake(MERGE, place="section 3.2", modules=ATTENTION, needs="more than one head",
         says="The heads' results are merged with the heads innermost, so proj meets the channels in another order.",
         fix="Put the d channels of one head after those of the other: (M^2, heads, d) flattened.")
def heads_merged_interleaved(x: Array) -> Array:
    b, heads, tokens, d = x.shape
    return x.transpose(0, 2, 3, 1).reshape(b, tokens, heads * d)


@mistake(SCALE, place=EQ_4, modules=ATTENTION,
         says="The product of queries and keys is not divided by sqrt(d), so the softmax is far too sharp.",
         fix="Multiply by d^-1/2, with d the channels of one head.")
def scale_left_out(self: Module) -> float:
    return 1.0


@mistake(SCALE, place=EQ_4, modules=ATTENTION,
         says="The product of queries and keys is divided by d instead of sqrt(d), as it also is where the scale is "
              "applied twice, to the queries and again inside a library's attention: the softmax is too flat.",
         fix="Multiply by d^-1/2, once.")
def scale_twice(self: Module) -> float:
    return (self.proj.weight.shape[0] // self.num_heads) ** -1.0


@mistake(SCALE, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The scale is C^-1/2, with all channels, instead of d^-1/2, with those of one head.",
         fix="Divide the channels by the number of heads before taking the root.")
def scale_of_all_channels(self: Module) -> float:
    return self.proj.weight.shape[0] ** -0.5


def product(q: Array, k: Array, scale: float) -> Array:
    """The scores before the bias, (..., M^2, M^2)."""
    return note("scores", (q * scale) @ k.swapaxes(-1, -2))


def biased(scores: Array, bias: Array) -> Array:
    """The scores with the bias added, in place."""
    scores += bias
    return note("scores_with_bias", scores)


def masked(scores: Array, mask: Array | None) -> Array:
    """The scores with the mask added, in place, where anything is masked."""
    if mask is None or not mask.any():
        return scores
    scores += mask
    return note("scores_with_mask", scores)


def weighted(probabilities: Array, v: Array) -> Array:
    """The values weighted by the probabilities."""
    return note("probabilities", probabilities) @ v


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The relative position bias is left out, so the attention does not know where tokens are.",
         fix="Add B to the scaled product before the softmax.")
def bias_left_out(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = masked(product(q, k, scale), mask)
    return weighted(softmax(scores), v)


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The relative position bias is added to the probabilities, after the softmax, so the weights of a query "
              "no longer sum to 1.",
         fix="Add B to the scaled product before the softmax.")
def bias_after_softmax(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = masked(product(q, k, scale), mask)
    return weighted(softmax(scores) + bias, v)


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The scale multiplies the bias too, because it is applied after the bias is added, so positions count "
              "too little.",
         fix="Scale the product of queries and keys first, then add B.")
def bias_scaled(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = product(q, k, 1)
    scores += bias
    scores *= scale
    scores = note("scores_with_bias", scores)
    return weighted(softmax(masked(scores, mask)), v)


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The softmax runs over the queries instead of the keys, so a query's weights do not sum to 1.",
         fix="Take the softmax over the last axis, the keys.")
def softmax_over_queries(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = masked(biased(product(q, k, scale), bias), mask)
    return weighted(softmax(scores.swapaxes(-1, -2)).swapaxes(-1, -2), v)


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The probabilities are transposed before they meet the values, so tokens collect by whom they are seen "
              "instead of whom they see.",
         fix="Multiply the probabilities (queries, keys) with the values (keys, d) as they are.")
def probabilities_transposed(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = masked(biased(product(q, k, scale), bias), mask)
    probabilities = note("probabilities", softmax(scores))
    return probabilities.swapaxes(-1, -2) @ v


@mistake(SCORES, place=FIG_4, modules=ATTENTION,
         says="The mask multiplies the scores by 0 instead of adding -100, so a forbidden pair has score 0, which is "
              "no small weight at all.",
         fix="Add the mask to the scores.")
def mask_multiplied(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = biased(product(q, k, scale), bias)
    if mask is not None and mask.any():
        scores *= mask == 0
        scores = note("scores_with_mask", scores)
    return weighted(softmax(scores), v)


@mistake(SCORES, place=FIG_4, modules=ATTENTION,
         says="The mask is applied to the probabilities, after the softmax, so the weights of a query sum to less "
              "than 1 in the windows at the bottom and right.",
         fix="Add the mask to the scores, before the softmax.")
def mask_after_softmax(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = biased(product(q, k, scale), bias)
    probabilities = softmax(scores)
    if mask is not None and mask.any():
        probabilities *= mask == 0
    return weighted(probabilities, v)


@mistake(SCORES, place=FIG_4, modules=NOWHERE,
         says="The mask is not used, so in the windows at the bottom and right tokens attend to others that were no "
              "neighbours.",
         fix="Add the mask of its window to the scores of every head, before the softmax.")
def mask_not_added(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    return softmax((q * scale) @ k.swapaxes(-1, -2) + bias) @ v


@mistake("swin_np.attention.WindowAttention.forward", place=FIG_4, modules=ATTENTION,
         needs="a batch of more than one image, computed in one piece",
         says="Each window's mask is repeated for all images before the next window's, but the windows of one image "
              "follow each other, so most get the mask of another window.",
         fix="Give window i the mask i modulo nW: tile the masks instead of repeating each.")
def masks_repeated_in_the_wrong_order(self: Module, windows: Array, mask: Array | None = None) -> Array:
    bias = relative_position_bias(self.relative_position_bias_table, self.window_size)
    batch = 1 if mask is None else len(windows) // len(mask)
    return by_windows(lambda windows, numbers: self.attend(windows, bias, mask_of_windows(mask, numbers // batch)),
                      windows)


@mistake("swin_np.attention.WindowAttention.attend", place="section 3.2", modules=ATTENTION,
         says="The linear layer after the attention is left out, so the heads never mix.",
         fix="Apply attn.proj to the merged heads.")
def proj_left_out(self: Module, windows: Array, bias: Array, mask: Array | None) -> Array:
    q, k, v = split_heads(self.qkv(windows), self.num_heads)
    x = attention(q, k, v, bias, mask, self.scale())
    return shown_as(self.proj, merge_heads(x))


@mistake("swin_np.attention.WindowAttention.attend", place="section 3.2", modules=ATTENTION,
         says="proj is applied as x W instead of x W^T, which no shape forbids, since W is square.",
         fix="Transpose the weights (out, in) of PyTorch for a framework that stores (in, out).")
def proj_transposed(self: Module, windows: Array, bias: Array, mask: Array | None) -> Array:
    q, k, v = split_heads(self.qkv(windows), self.num_heads)
    x = attention(q, k, v, bias, mask, self.scale())
    return shown_as(self.proj, linear(merge_heads(x), self.proj.weight.T, self.proj.bias))
