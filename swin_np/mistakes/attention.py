"""Section 3.2: what goes wrong in window attention and its relative position bias (Eq. 4)."""


import numpy as np

from swin_np.attention import attention, merge_heads, relative_position_bias, relative_position_index, split_heads
from swin_np.functional import Array, linear, pair, softmax
from swin_np.layers import Module, note
from swin_np.mistakes.mistake import ATTENTION, mistake, shown_as
from swin_np.parallel.parts import by_windows
from swin_np.windows import Size, mask_of_windows

INDEX = "swin_np.attention.relative_position_index"
BIAS = "swin_np.attention.relative_position_bias"
SPLIT = "swin_np.attention.split_heads"
MERGE = "swin_np.attention.merge_heads"
SCORES = "swin_np.attention.attention"
SCALE = "swin_np.attention.WindowAttention.scale"
EQ_4 = "section 3.2, Eq. 4"


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The displacement is key minus query instead of query minus key, so the bias of every pair is that of "
              "the pair seen from the other end.",
         fix="Subtract the key's position from the query's: rows of the index are queries.")
def index_transposed(window: Size) -> Array:
    m, n = pair(window)
    position = np.indices((m, n)).reshape(2, -1)
    displacement = position[:, None, :] - position[:, :, None]
    return (displacement[0] + m - 1) * (2 * n - 1) + displacement[1] + n - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The row displacement is multiplied by 2M instead of 2M-1, so the index runs past the table; JAX and "
              "others take the last row then, without an error.",
         fix="Multiply by 2M-1, the number of displacements along a row.")
def index_factor_2m(window: Size) -> Array:
    m, n = pair(window)
    position = np.indices((m, n)).reshape(2, -1)
    displacement = position[:, :, None] - position[:, None, :]
    index = (displacement[0] + m - 1) * (2 * n) + displacement[1] + n - 1
    return np.minimum(index, (2 * m - 1) * (2 * n - 1) - 1)


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The row displacement is multiplied by M instead of 2M-1, so different displacements share a row of the "
              "table and almost half of it is never used.",
         fix="Multiply by 2M-1, the number of displacements along a row.")
def index_factor_m(window: Size) -> Array:
    m, n = pair(window)
    position = np.indices((m, n)).reshape(2, -1)
    displacement = position[:, :, None] - position[:, None, :]
    return (displacement[0] + m - 1) * n + displacement[1] + n - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="Rows and columns are exchanged in the index, as a meshgrid does whose indexing is 'xy', NumPy's "
              "default.",
         fix="Make the positions with indexing='ij' (np.indices does), so that rows come first.")
def index_columns_first(window: Size) -> Array:
    m, n = pair(window)
    position = np.indices((m, n)).reshape(2, -1)
    displacement = position[:, :, None] - position[:, None, :]
    return (displacement[1] + n - 1) * (2 * m - 1) + displacement[0] + m - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The displacements are not shifted to start at 0; negative indices count from the table's end, so "
              "nothing fails, but every pair gets another row.",
         fix="Add M-1 to both displacements before they become one number.")
def index_not_shifted(window: Size) -> Array:
    m, n = pair(window)
    position = np.indices((m, n)).reshape(2, -1)
    displacement = position[:, :, None] - position[:, None, :]
    return displacement[0] * (2 * n - 1) + displacement[1]


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The table's columns are read from the last head to the first, so each head has another head's bias.",
         fix="Give head i column i of the table.")
def bias_heads_reversed(table: Array, window: Size) -> Array:
    return table[:, ::-1].T[:, relative_position_index(window)]


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The table ((2M-1)^2, heads) is reshaped to (heads, (2M-1)^2) instead of transposed, which mixes heads "
              "and displacements.",
         fix="Transpose the table; a reshape keeps the order in memory.")
def bias_table_reshaped(table: Array, window: Size) -> Array:
    return table.reshape(table.shape[1], -1)[:, relative_position_index(window)]


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The bias, looked up as (M^2, M^2, heads), is reshaped to (heads, M^2, M^2) instead of transposed.",
         fix="Move the heads' axis to the front with a transpose; a reshape keeps the order in memory.")
def bias_reshaped(table: Array, window: Size) -> Array:
    bias = table[relative_position_index(window)]      # (M^2, M^2, heads)
    return bias.reshape(-1, *bias.shape[:2])


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
    b, tokens, channels = qkv.shape
    q, k, v = qkv.reshape(b, tokens, 3, heads, channels // (3 * heads)).transpose(2, 0, 3, 1, 4)
    return np.stack([k, q, v])


@mistake(SPLIT, place=EQ_4, modules=ATTENTION,
         says="Keys and values are exchanged, so queries are compared with the values and the keys are averaged.",
         fix="Take the second C channels as keys and the third as values.")
def keys_and_values_swapped(qkv: Array, heads: int) -> Array:
    b, tokens, channels = qkv.shape
    q, k, v = qkv.reshape(b, tokens, 3, heads, channels // (3 * heads)).transpose(2, 0, 3, 1, 4)
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
         says="The scale is applied twice, for instance to the queries and again inside a library's attention, so the "
              "softmax is too flat.",
         fix="Multiply by d^-1/2 once.")
def scale_twice(self: Module) -> float:
    return (self.proj.weight.shape[0] // self.num_heads) ** -1.0


@mistake(SCALE, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The scale is C^-1/2, with all channels, instead of d^-1/2, with those of one head.",
         fix="Divide the channels by the number of heads before taking the root.")
def scale_of_all_channels(self: Module) -> float:
    return self.proj.weight.shape[0] ** -0.5


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The relative position bias is left out, so the attention does not know where tokens are.",
         fix="Add B to the scaled product before the softmax.")
def bias_left_out(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores)
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The relative position bias is added to the probabilities, after the softmax, so the weights of a query "
              "no longer sum to 1.",
         fix="Add B to the scaled product before the softmax.")
def bias_after_softmax(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores)
    probabilities += bias
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The scale multiplies the bias too, because it is applied after the bias is added, so positions count "
              "too little.",
         fix="Scale the product of queries and keys first, then add B.")
def bias_scaled(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = q @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    scores += bias
    scores *= scale
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores)
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The softmax runs over the queries instead of the keys, so a query's weights do not sum to 1.",
         fix="Take the softmax over the last axis, the keys.")
def softmax_over_queries(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    scores += bias
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores.swapaxes(-1, -2)).swapaxes(-1, -2)
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake(SCORES, place=EQ_4, modules=ATTENTION,
         says="The probabilities are transposed before they meet the values, so tokens collect by whom they are seen "
              "instead of whom they see.",
         fix="Multiply the probabilities (queries, keys) with the values (keys, d) as they are.")
def probabilities_transposed(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    scores += bias
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():
        scores += mask
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores)
    probabilities = note("probabilities", probabilities)
    return probabilities.swapaxes(-1, -2) @ v


@mistake(SCORES, place="section 3.2, Fig. 4", modules=ATTENTION,
         says="The mask multiplies the scores by 0 instead of adding -100, so a forbidden pair has score 0, which is "
              "no small weight at all.",
         fix="Add the mask to the scores.")
def mask_multiplied(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    scores += bias
    scores = note("scores_with_bias", scores)
    if mask is not None and mask.any():
        scores *= mask == 0
        scores = note("scores_with_mask", scores)
    probabilities = softmax(scores)
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake(SCORES, place="section 3.2, Fig. 4", modules=ATTENTION,
         says="The mask is applied to the probabilities, after the softmax, so the weights of a query sum to less "
              "than 1 in the windows at the bottom and right.",
         fix="Add the mask to the scores, before the softmax.")
def mask_after_softmax(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    scores = (q * scale) @ k.swapaxes(-1, -2)
    scores = note("scores", scores)
    scores += bias
    scores = note("scores_with_bias", scores)
    probabilities = softmax(scores)
    if mask is not None and mask.any():
        probabilities *= mask == 0
    probabilities = note("probabilities", probabilities)
    return probabilities @ v


@mistake("swin_np.attention.WindowAttention.forward", place="section 3.2, Fig. 4", modules=ATTENTION,
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
