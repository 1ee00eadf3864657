"""What goes wrong when a single function is written, and what no Swin Transformer could show or nobody has ported."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from swin_np import complexity
from swin_np.baselines.sliding_window import pad_by_radius
from swin_np.complexity import LayerCost, TotalCost
from swin_np.convolution.functional import relu
from swin_np.functional import Array, pair, softmax
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake
from swin_np.windows import Size

SOFTMAX = "swin_np.functional.softmax"
VIT_EMBED = "swin_np.baselines.vit.VisionTransformer.embed"
SHIFT = "swin_np.windows.cyclic_shift"
REGIONS = "swin_np.windows.region_ids"
SLIDING = "swin_np.baselines.sliding_window.naive_sliding_attention"
EQ_4 = "section 3.2, Eq. 4"
FIG_4 = "section 3.2, Fig. 4"
VIT_EQ_1 = "section 3.1 of the ViT paper, Eq. 1"
SLIDING_PLACE = "section 2, self-attention based backbones, and Table 5"
ATTENTION_COST = "swin_np.complexity.attention_cost"
LINEAR_COST = "swin_np.complexity.linear_cost"
LAYER_NORM_COST = "swin_np.complexity.layer_norm_cost"
EQ_1 = "section 3.2, Eq. 1 and 2"
BLOCK_COST = "section 3.2, Eq. 2 and 3"
PARAMETERS = "section 3.3"
LADDER = "swin_np.baselines.res2net.Bottle2neck.multi_scale"
RES2NET_EQ_1 = "section 3.1, Eq. 1 of the Res2Net paper"

RIGHT_ATTENTION_COST = partial(complexity.attention_cost)              # objects of their own, which planting leaves be
RIGHT_LINEAR_COST = partial(complexity.linear_cost)
RIGHT_LAYER_NORM_COST = partial(complexity.layer_norm_cost)
RIGHT_TOTAL = partial(complexity.total)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE, needs="scores of some hundreds",
         says="The largest score is not subtracted before the exponential, so large scores overflow and the result is "
              "not a number.",
         fix="Subtract the maximum over the last axis first; the quotient stays the same.")
def softmax_overflows(x: Array) -> Array:
    y = np.exp(x)
    return y / y.sum(axis=-1, keepdims=True)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The exponentials are divided by the sum over the whole array, so only all rows together sum to 1.",
         fix="Sum over the last axis and keep it: axis=-1, keepdims=True.")
def softmax_over_everything(x: Array) -> Array:
    y = np.exp(x - x.max())
    return y / y.sum()


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The softmax runs over the first axis instead of the last, so the columns sum to 1 and the rows do not.",
         fix="Take maximum and sum over the last axis.")
def softmax_over_the_first_axis(x: Array) -> Array:
    y = np.exp(x - x.max(axis=0, keepdims=True))
    return y / y.sum(axis=0, keepdims=True)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The exponentials are not divided by their sum, so they are no weights yet.",
         fix="Divide by the sum over the last axis.")
def softmax_not_normalised(x: Array) -> Array:
    return np.exp(x - x.max(axis=-1, keepdims=True))


@mistake("swin_np.windows.window_partition", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="The windows are counted down the columns, so window 1 is the one below the first instead of the one "
              "beside it.",
         fix="Keep H/M before W/M when the windows' axes are flattened.")
def windows_counted_down_the_columns(x: Array, window: Size) -> Array:
    b, h, w, c = x.shape
    m, n = pair(window)
    return x.reshape(b, h // m, m, w // n, n, c).transpose(0, 3, 1, 2, 4, 5).reshape(-1, m, n, c)


@mistake("swin_np.patches.patch_partition", place="section 3.1", modules=NOWHERE,
         says="A patch takes every (H/p)-th row and (W/p)-th column, a grid spread over the whole image, because the "
              "side was cut into (p, H/p) in place of (H/p, p).",
         fix="Reshape to (B, 3, H/p, p, W/p, p): neighbouring pixels belong to one patch.")
def patches_strided(images: Array, patch: Size) -> Array:
    b, c, h, w = images.shape
    p, q = pair(patch)
    x = images.reshape(b, c, p, h // p, q, w // q)
    x = x.transpose(0, 3, 5, 1, 2, 4)                  # (B, H/p, W/p, 3, p, p)
    return x.reshape(b, h // p, w // q, c * p * q)


def patches_and_class_token(model: Module, images: Array) -> tuple[Array, Array]:
    """ViT's embedded patches (B, h w, D), row by row, and a class token (B, 1, D) for each image."""
    patches = model.patch_embed(images)                # (B, h, w, D)
    token = np.broadcast_to(model.cls_token, (len(images), 1, patches.shape[-1]))
    return patches.reshape(len(images), -1, patches.shape[-1]), token


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The class token is put after the patches instead of before them, so all positions are off by one.",
         fix="Concatenate class token and patches in this order along the axis of the tokens.")
def class_token_last(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([patches, token], axis=1) + self.pos_embed


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The patches get their positions, but the class token goes without the one that was learned for it.",
         fix="Prepend the class token first, and add the position embedding to all tokens afterwards.")
def class_token_without_position(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([token, patches + self.pos_embed[:, 1:]], axis=1)


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The position embedding is read as if the class token's row were the last, so every patch gets the row "
              "of the token before it.",
         fix="Give row 0 to the class token and row 1 + i to patch i.")
def positions_with_the_class_token_last(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([token, patches], axis=1) + np.roll(self.pos_embed, 1, axis=1)


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The position embedding is not added, so the patches could be in any order.",
         fix="Add row i of the position embedding to token i.")
def position_embedding_left_out(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([token, patches], axis=1)


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The patches are counted down the columns, so most of them meet the position of another.",
         fix="Flatten the map row by row, as a reshape of (B, h, w, D) to (B, h w, D) does.")
def patches_counted_down_the_columns(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    columns = patches.reshape(len(images), *self.config.grid, -1).swapaxes(1, 2)           # (B, w, h, D)
    return np.concatenate([token, columns.reshape(patches.shape)], axis=1) + self.pos_embed


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The map is rolled along one axis only: the rows move and the columns stay.",
         fix="Roll rows and columns: a shift and an axis for each.")
def roll_of_the_rows_only(x: Array, shift: Size) -> Array:
    down, _ = pair(shift)
    return np.roll(x, -down, axis=1)


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The last two axes are rolled, rows and columns of an NCHW map, which are columns and channels here.",
         fix="Roll the axes 1 and 2 of a map (B, H, W, C).")
def roll_on_nchw(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.roll(x, (-down, -right), axis=(2, 3))


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The roll has no axis, so NumPy rolls the flattened map and numbers cross over to other channels and "
              "images.",
         fix="Name the axes of rows and columns.")
def roll_without_axis(x: Array, shift: Size) -> Array:
    down, _ = pair(shift)
    return np.roll(x, -down)


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The map is moved and zeros come in at the bottom and right, so what leaves at the top and left is lost.",
         fix="Roll: what leaves at one side comes back at the opposite one.")
def shift_filled_with_zeros(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.pad(x[:, down:, right:], ((0, 0), (0, down), (0, right), (0, 0)))


@mistake(REGIONS, place=FIG_4, modules=NOWHERE,
         says="The regions are counted down the columns, so ids 1 and 3, 2 and 6, 5 and 7 have changed places.",
         fix="Number them row by row: three times the row's band plus the column's.")
def regions_counted_down_the_columns(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    rows, columns = np.arange(h), np.arange(w)
    row_band = (rows >= h - m).astype(int) + (rows >= h - down)
    column_band = (columns >= w - n).astype(int) + (columns >= w - right)
    return row_band[:, None] + 3 * column_band


@mistake(REGIONS, place=FIG_4, modules=NOWHERE,
         says="Only what wrapped around is told apart, in two bands an axis; the last window's other part has no band "
              "of its own, so there are four regions instead of nine.",
         fix="Cut each axis twice, at `window` and at `shift` from its end.")
def regions_of_two_bands(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (down, right) = map_size, pair(shift)
    return 2 * (np.arange(h) >= h - down).astype(int)[:, None] + (np.arange(w) >= w - right)


@mistake("swin_np.attention.attention", place=FIG_4, modules=NOWHERE,
         says="The mask is not used, so in the windows at the bottom and right tokens attend to others that were no "
              "neighbours.",
         fix="Add the mask of its window to the scores of every head, before the softmax.")
def mask_not_added(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, scale: float) -> Array:
    return softmax((q * scale) @ k.swapaxes(-1, -2) + bias) @ v


@mistake("swin_np.model.Stage.run_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="The first block's weights are used in every block of the stage, as when one block is made and called "
              "again.",
         fix="Give each block the weights of its own number.")
def weights_of_the_first_block_in_all(self: Module, x: Array) -> Array:
    for block in self.blocks:
        x = replace(self.blocks[0], shift_size=block.shift_size)(x)
    return x


def sliding_attention(q: Array, k: Array, v: Array, rows: Sequence[Array], columns: Sequence[Array]) -> Array:
    """Sliding-window attention, without bias, in which query (i, j) sees rows[i] and columns[j] of the keys' map."""
    result = np.empty_like(q)
    for i, j in np.ndindex(q.shape[2:4]):
        keys, values = (x[:, :, rows[i]][:, :, :, columns[j]].reshape(*x.shape[:2], -1, x.shape[-1]) for x in (k, v))
        weights = softmax((keys @ q[:, :, i, j, :, None])[..., 0])      # (B, heads, up to M^2)
        result[:, :, i, j] = (weights[..., None, :] @ values)[..., 0, :]
    return result


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="The neighbourhood begins at the query, which sees only what lies below and to the right of it.",
         fix="Put the query in the middle: begin floor(M/2) rows above and columns left of it.")
def neighbourhood_from_the_query_on(q: Array, k: Array, v: Array, bias: Array) -> Array:
    rows, columns = ([np.arange(i, min(i + m, side)) for i in range(side)]
                     for side, m in zip(q.shape[2:4], bias.shape[1:], strict=True))
    return sliding_attention(q, k, v, rows, columns)


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="Neighbours beyond the border take part as keys and values of zeros; a score of 0 is not a weight of 0, "
              "so queries at the border come out too small.",
         fix="Leave neighbours beyond the border out of the softmax.")
def border_of_zeros(q: Array, k: Array, v: Array, bias: Array) -> Array:
    window = bias.shape[1:]
    rows, columns = ([i + np.arange(m) for i in range(side)] for side, m in zip(q.shape[2:4], window, strict=True))
    return sliding_attention(q, pad_by_radius(k, window), pad_by_radius(v, window), rows, columns)


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="At the border the neighbourhood is pushed inside the map, so that it keeps M x M tokens and the query "
              "is not in its middle any more.",
         fix="Cut the neighbourhood off at the border: a query there has fewer keys.")
def neighbourhood_pushed_inside(q: Array, k: Array, v: Array, bias: Array) -> Array:
    rows, columns = ([min(max(i - m // 2, 0), side - m) + np.arange(m) for i in range(side)]
                     for side, m in zip(q.shape[2:4], bias.shape[1:], strict=True))
    return sliding_attention(q, k, v, rows, columns)


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="The neighbourhood goes round the border to the opposite side of the map, as a roll or a negative index "
              "makes it.",
         fix="Cut the neighbourhood off at the border: a query there has fewer keys.")
def neighbourhood_wraps_around(q: Array, k: Array, v: Array, bias: Array) -> Array:
    rows, columns = ([(i - m // 2 + np.arange(m)) % side for i in range(side)]
                     for side, m in zip(q.shape[2:4], bias.shape[1:], strict=True))
    return sliding_attention(q, k, v, rows, columns)


@mistake(ATTENTION_COST, place=EQ_1, modules=NOWHERE,
         says="Only the product of queries and keys is counted, not the one of the weights with the values.",
         fix="Count both products: a query meets every key once, and every value once.")
def product_with_the_values_not_counted(name: str, windows: int, tokens: int, channels: int, heads: int,
                                        parameters: int = 0, dtype: type = np.float32) -> LayerCost:
    right = RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, parameters, dtype)
    return replace(right, multiply_adds=right.multiply_adds // 2)


@mistake(ATTENTION_COST, place=EQ_1, modules=NOWHERE,
         says="The products of attention are counted as if a token attended to itself alone.",
         fix="Multiply by the number of keys that a query meets.")
def one_key_for_each_query(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                           dtype: type = np.float32) -> LayerCost:
    right = RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, parameters, dtype)
    return replace(right, multiply_adds=2 * windows * tokens * channels)


@mistake(ATTENTION_COST, place=EQ_1, modules=NOWHERE,
         says="A query is counted as meeting M keys, the side of a window, instead of all that are in it.",
         fix="Take the window's area for its side: it has M^2 tokens.")
def side_of_the_window_for_its_area(name: str, windows: int, tokens: int, channels: int, heads: int,
                                    parameters: int = 0, dtype: type = np.float32) -> LayerCost:
    right = RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, parameters, dtype)
    return replace(right, multiply_adds=2 * windows * tokens * math.isqrt(tokens) * channels)


@mistake(ATTENTION_COST, place=EQ_1, modules=NOWHERE,
         says="A query is counted as meeting the keys of the whole map, as in global attention.",
         fix="Count only the keys of the query's own window.")
def whole_map_for_the_window(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                             dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, 1, windows * tokens, channels, heads, parameters, dtype)


@mistake(LINEAR_COST, place=EQ_1, modules=NOWHERE,
         says="The linear layer after the attention is not counted.",
         fix="Count four products with C x C weights: for queries, keys, values and the output.")
def output_projection_not_counted(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                                  dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LINEAR_COST(name, positions, inputs, outputs, bias, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name.endswith("attn.proj") else right


@mistake(LINEAR_COST, place=EQ_1, modules=NOWHERE,
         says="The linear layer before the attention is counted as if it made only one of queries, keys and values.",
         fix="Count three times C channels for qkv.")
def one_of_queries_keys_and_values(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                                   dtype: type = np.float32) -> LayerCost:
    return RIGHT_LINEAR_COST(name, positions, inputs, outputs // 3 if name.endswith("qkv") else outputs, bias, dtype)


@mistake(LINEAR_COST, place=EQ_1, modules=NOWHERE,
         says="The linear layers are counted for a single token.",
         fix="Multiply by the number of tokens: each of them goes through the layer.")
def linear_layers_for_one_token(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                                dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LINEAR_COST(name, positions, inputs, outputs, bias, dtype)
    return replace(right, multiply_adds=inputs * outputs)


@mistake(LINEAR_COST, place=BLOCK_COST, modules=NOWHERE,
         says="Only one of the two linear layers of the MLP is counted.",
         fix="Count C to 4C and 4C to C.")
def one_linear_layer_of_the_mlp(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                                dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LINEAR_COST(name, positions, inputs, outputs, bias, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name.endswith("mlp.fc2") else right


@mistake(LAYER_NORM_COST, place=BLOCK_COST, modules=NOWHERE,
         says="The layer norms are not counted.",
         fix="Count for each norm one multiply-add an element; of parameters it has a weight and a bias a channel.")
def norms_not_counted(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    return replace(RIGHT_LAYER_NORM_COST(name, shape, dtype), parameters=0, multiply_adds=0)


@mistake(LAYER_NORM_COST, place=BLOCK_COST, modules=NOWHERE,
         says="Only one of the two norms of a block is counted.",
         fix="Count the norm before the attention and the norm before the MLP.")
def one_norm_of_the_block(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LAYER_NORM_COST(name, shape, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name.endswith("norm2") else right


@mistake("swin_np.complexity.total", place=EQ_1, modules=NOWHERE,
         says="Multiplications and additions are counted apart, so all is twice the paper's count.",
         fix="Count a multiplication with the addition that follows it as one.")
def additions_counted_apart(costs: Iterable[LayerCost]) -> TotalCost:
    right = RIGHT_TOTAL(costs)
    return replace(right, multiply_adds=2 * right.multiply_adds)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE,
         says="The tables of the relative position bias are not counted.",
         fix="Count a table of (2M-1)^2 rows and a column for each head in every block.")
def bias_tables_not_counted(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                            dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, 0, dtype)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE,
         says="The tables of the relative position bias are counted with a row for each token of a window.",
         fix="Count a row for each displacement, (2M-1)^2 of them.")
def bias_table_of_the_window_s_size(name: str, windows: int, tokens: int, channels: int, heads: int,
                                    parameters: int = 0, dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, tokens * heads, dtype)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE,
         says="The relative position bias is counted with a number for each pair of tokens, as if B itself were "
              "learned.",
         fix="Count the table that B is looked up in: pairs at the same displacement share a row of it.")
def bias_of_every_pair_counted(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                               dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, tokens ** 2 * heads, dtype)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE, needs="more than one head",
         says="The tables of the relative position bias are counted for one head.",
         fix="Count a column of the table for each head.")
def bias_table_of_one_head(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                           dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, parameters // heads, dtype)


@mistake(LINEAR_COST, place=PARAMETERS, modules=NOWHERE,
         says="The biases of the linear layers are not counted.",
         fix="Add as many parameters as a linear layer has outputs; only the reduction of patch merging has no bias.")
def linear_biases_not_counted(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                              dtype: type = np.float32) -> LayerCost:
    return RIGHT_LINEAR_COST(name, positions, inputs, outputs, False, dtype)


@mistake(LINEAR_COST, place=PARAMETERS, modules=NOWHERE,
         says="The reduction of patch merging is counted with a bias, which it does not have.",
         fix="Count 4C times 2C parameters for the reduction.")
def reduction_with_a_bias(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                          dtype: type = np.float32) -> LayerCost:
    return RIGHT_LINEAR_COST(name, positions, inputs, outputs, True, dtype)


@mistake(LINEAR_COST, place=PARAMETERS, modules=NOWHERE,
         says="The head is not counted.",
         fix="Add the linear layer from the last stage's channels to the classes.")
def head_not_counted(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                     dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LINEAR_COST(name, positions, inputs, outputs, bias, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name == "head" else right


@mistake(LAYER_NORM_COST, place=PARAMETERS, modules=NOWHERE,
         says="The norm after the patch embedding is not counted; the paper does not mention it, but the official "
              "code has it.",
         fix="Add 2C parameters for patch_embed.norm.")
def patch_norm_not_counted(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LAYER_NORM_COST(name, shape, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name == "patch_embed.norm" else right


@mistake(LAYER_NORM_COST, place=PARAMETERS, modules=NOWHERE,
         says="The norm before the head is not counted; the paper does not mention it, but the official code has it.",
         fix="Add weight and bias of a norm of the last stage's channels.")
def final_norm_not_counted(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LAYER_NORM_COST(name, shape, dtype)
    return replace(right, parameters=0, multiply_adds=0) if name == "norm" else right


@mistake(LAYER_NORM_COST, place=PARAMETERS, modules=NOWHERE,
         says="The norm of patch merging is counted with the 2C channels that leave the reduction.",
         fix="Count it with 4C channels: it comes before the reduction.")
def merging_norm_of_2c(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> LayerCost:
    right = RIGHT_LAYER_NORM_COST(name, shape, dtype)
    return replace(right, parameters=right.parameters // 2) if name.endswith("downsample.norm") else right


@mistake(LADDER, place=RES2NET_EQ_1, modules=NOWHERE,
         says="No split is added to the next, so the splits are convolved side by side and none sees further than one "
              "kernel.",
         fix="Add y_(i-1) to x_i before the convolution, from the third split on.")
def ladder_without_rungs(self: Module, x: Array) -> Array:
    *splits, passed = np.split(x, len(self.convs) + 1, axis=-1)
    steps = [relu(bn(conv(split))) for split, conv, bn in zip(splits, self.convs, self.bns, strict=True)]
    return np.concatenate([*steps, passed], axis=-1)


@mistake(LADDER, place=RES2NET_EQ_1, modules=NOWHERE,
         says="The split before is added as it came in, x_(i-1), instead of what was made of it, y_(i-1).",
         fix="Keep the last result and add that to the next split.")
def ladder_of_inputs(self: Module, x: Array) -> Array:
    *splits, passed = np.split(x, len(self.convs) + 1, axis=-1)
    inputs = [splits[0], *(split + before for before, split in pairwise(splits))]
    steps = [relu(bn(conv(split))) for split, conv, bn in zip(inputs, self.convs, self.bns, strict=True)]
    return np.concatenate([*steps, passed], axis=-1)


@mistake(LADDER, place=RES2NET_EQ_1, modules=NOWHERE,
         says="The split before is added after the convolution, so it never goes through the next kernel.",
         fix="Add y_(i-1) to x_i first, and convolve the sum.")
def ladder_added_after_the_convolution(self: Module, x: Array) -> Array:
    *splits, passed = np.split(x, len(self.convs) + 1, axis=-1)
    steps: list[Array] = []
    for split, conv, bn in zip(splits, self.convs, self.bns, strict=True):
        y = relu(bn(conv(split)))
        steps.append(y + steps[-1] if steps else y)
    return np.concatenate([*steps, passed], axis=-1)


@mistake(LADDER, place=RES2NET_EQ_1, modules=NOWHERE,
         says="The first split, which is passed on as it is, is added to the second.",
         fix="Let the second split be convolved alone, and add from the third on.")
def ladder_from_the_first_split(self: Module, x: Array) -> Array:
    *splits, passed = np.split(x, len(self.convs) + 1, axis=-1)
    steps = [passed]
    for split, conv, bn in zip(splits, self.convs, self.bns, strict=True):
        steps.append(relu(bn(conv(split + steps[-1]))))
    return np.concatenate([*steps[1:], passed], axis=-1)


@mistake(LADDER, place=RES2NET_EQ_1, modules=NOWHERE,
         says="The last split is passed on as it is instead of the first, which is the order of the channels in the "
              "official code.",
         fix="Let y_1 be x_1, as in the paper, and convolve all other splits.")
def last_split_passed_on(self: Module, x: Array) -> Array:
    passed_first = np.roll(x, x.shape[-1] // (len(self.convs) + 1), axis=-1)
    *splits, passed = np.split(passed_first, len(self.convs) + 1, axis=-1)
    steps: list[Array] = []
    for split, conv, bn in zip(splits, self.convs, self.bns, strict=True):
        steps.append(relu(bn(conv(split + steps[-1] if steps else split))))
    return np.concatenate([*steps[1:], passed, steps[0]], axis=-1)


@mistake("swin_np.convolution.functional.relu", place=RES2NET_EQ_1, modules=NOWHERE,
         says="The activation after the convolution is left out.",
         fix="Set what is negative to 0 after every convolution.")
def relu_left_out(x: Array, out: Array | None = None) -> Array:
    return np.multiply(x, 1, out=out)
