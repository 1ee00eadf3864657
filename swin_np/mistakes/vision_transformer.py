"""ViT and DeiT: what goes wrong with tokens and positions, attention, norms, and what is classified."""

from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.attention import split_heads
from swin_np.baselines.transformer import concatenate_heads, scaled_dot_product_attention
from swin_np.checkpoints.resizing import resample
from swin_np.functional import Array, Size, layer_norm, linear, pair, softmax
from swin_np.layers import Module, note
from swin_np.mistakes import baselines
from swin_np.mistakes.baselines import VIT_EMBED, VIT_EQ_1, patches_and_class_token
from swin_np.mistakes.mistake import mistake, shown_as

RESAMPLE = "swin_np.checkpoints.resizing.resample"
RESIZE = "swin_np.checkpoints.resizing.resize_positions"
ATTENTION = "swin_np.baselines.vit.Attention.forward"
PRODUCT = "swin_np.baselines.transformer.scaled_dot_product_attention"
MERGE = "swin_np.baselines.transformer.concatenate_heads"
FORWARD = "swin_np.baselines.vit.Block.forward"
NORM = "swin_np.layers.LayerNorm.forward"
CLASSIFY = "swin_np.baselines.vit.VisionTransformer.classify"

BLOCK = r"blocks\.\d+"
EMBEDDED = r"blocks\.0(\.norm1)?"                      # positions are added behind the patch embedding's output
ATTENDED = BLOCK + r"\.attn(\.proj)?"
NORMS = r"(.+\.)?norm[12]?"
LOGITS = r"head|output"
RESIZED = "weights that are loaded for another image size"
TWO_HEADS = "a distilled model with a head for either token"

RESIZING = "section 3.2 of the ViT paper"
EQ_2 = "section 3.1 of the ViT paper, Eq. 2 and 3"
EQ_4 = "section 3.1 of the ViT paper, Eq. 4"
HEADS = "section 4 of the DeiT paper"
APPENDIX = "section 3.1 of the ViT paper, and its appendix A"

RIGHT_PRODUCT, RIGHT_RESAMPLE = partial(scaled_dot_product_attention), partial(resample)   # which planting leaves be

class_token_last, class_token_without_position, positions_with_the_class_token_last, position_embedding_left_out, \
    patches_counted_down_the_columns = (replace(entry, modules=EMBEDDED) for entry in (
        baselines.class_token_last, baselines.class_token_without_position,
        baselines.positions_with_the_class_token_last, baselines.position_embedding_left_out,
        baselines.patches_counted_down_the_columns))   # those of the exercises, where the whole model is at hand


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=EMBEDDED,
         says="The positions are added twice, once in the patch embedding and once more with the class token.",
         fix="Add the position embedding once, to all tokens together.")
def positions_added_twice(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([token, patches], axis=1) + 2 * self.pos_embed


@mistake(VIT_EMBED, place="section 4 of the DeiT paper, Fig. 2", modules=EMBEDDED, needs="a distillation token",
         says="The distillation token comes first and the class token second, so each has the other's position and "
              "head.",
         fix="Put the class token first, then the distillation token, then the patches.")
def distillation_token_first(self: Module, images: Array) -> Array:
    patches, tokens = patches_and_class_token(self, images)
    return np.concatenate([tokens[:, ::-1], patches], axis=1) + self.pos_embed


def linearly(maps: Array, old: tuple[int, int], new: tuple[int, int], corners: bool) -> Array:
    """Rows that are the positions of a map resized by linear interpolation, (h w, C) -> (h' w', C)."""
    x = maps.reshape(*old, -1).astype(np.float64)
    for axis, (side, count) in enumerate(zip(old, new, strict=True)):
        at = (np.arange(count) * (side - 1) / max(count - 1, 1) if corners else
              np.clip((np.arange(count) + 0.5) * side / count - 0.5, 0, side - 1))
        weights = np.maximum(1 - np.abs(at[:, None] - np.arange(side)), 0)      # (count, side)
        x = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    return x.reshape(-1, x.shape[-1]).astype(maps.dtype)


@mistake(RESAMPLE, place=RESIZING, modules=EMBEDDED, needs=RESIZED,
         says="The positions are resized by bilinear instead of bicubic interpolation.",
         fix="Resize the map of positions by bicubic interpolation.")
def positions_resized_linearly(maps: Array, old: Size, new: Size, method: str) -> Array:
    return linearly(maps, pair(old), pair(new), corners=False)


@mistake(RESAMPLE, place=RESIZING, modules=EMBEDDED, needs=RESIZED,
         says="The positions are resized with the corners aligned (align_corners=True), bilinearly, so only the "
              "corners keep their place.",
         fix="Align the patches' areas (align_corners=False), and interpolate bicubically.")
def positions_resized_with_corners_aligned(maps: Array, old: Size, new: Size, method: str) -> Array:
    return linearly(maps, pair(old), pair(new), corners=True)


@mistake(RESIZE, place=RESIZING, modules=EMBEDDED, needs=RESIZED,
         says="The whole sequence of positions is stretched as one row, class token included, without regard to the "
              "map that it stands for.",
         fix="Leave the class token's position as it is, and resize the others as a map (h, w).")
def positions_resized_as_a_row(pos_embed: Array, old_grid: Size, new_grid: Size) -> Array:
    (h, w), (m, n) = pair(old_grid), pair(new_grid)
    prefix = pos_embed.shape[1] - h * w
    return linearly(pos_embed[0], (1, prefix + h * w), (1, prefix + m * n), corners=False)[None]


@mistake(RESIZE, place=RESIZING, modules=EMBEDDED, needs=RESIZED + " from a map that is not square",
         says="The map of positions is read with width and height exchanged, which goes unnoticed as long as images "
              "are square.",
         fix="Reshape the positions of the patches to (h, w), rows first.")
def positions_resized_from_width_and_height(pos_embed: Array, old_grid: Size, new_grid: Size) -> Array:
    (h, w), prefix = pair(old_grid), pos_embed.shape[1] - np.prod(pair(old_grid))
    patches = RIGHT_RESAMPLE(pos_embed[0, prefix:], (w, h), pair(new_grid), "bicubic")
    return np.concatenate([pos_embed[:, :prefix], patches[None]], axis=1)


@mistake(NORM, place=EQ_2, modules=NORMS, needs="a model whose eps is another", thread="kornia/kornia#2786",
         says="The norms' eps is 1e-5, PyTorch's default, instead of 1e-6.",
         fix="Set eps to 1e-6, as the original code and timm do; transformers' models have 1e-12.")
def eps_1e_5(self: Module, x: Array) -> Array:
    return layer_norm(x, self.weight, self.bias, 1e-5)


@mistake(NORM, place=EQ_2, modules=NORMS, needs="a model whose eps is another",
         thread="huggingface/transformers#18137",
         says="The norms' eps is 1e-12, that of transformers' configuration, instead of 1e-6.",
         fix="Set eps to 1e-6, as the original code and timm do.")
def eps_1e_12(self: Module, x: Array) -> Array:
    return layer_norm(x, self.weight, self.bias, 1e-12)


@mistake(NORM, place=EQ_2, modules=NORMS, needs="a model whose eps is another",
         says="The norms' eps is 1e-3, the default of Keras, instead of 1e-6.",
         fix="Set eps to 1e-6, as the original code and timm do.")
def eps_1e_3(self: Module, x: Array) -> Array:
    return layer_norm(x, self.weight, self.bias, 1e-3)


def attended(attention: Module, qkv: Array, scale: float) -> Array:
    """What an attention makes of queries, keys and values (B, n, 3D), their product multiplied by `scale`."""
    q, k, v = split_heads(qkv, attention.num_heads)
    q, k, v = note("q", q), note("k", k), note("v", v)
    return attention.proj(concatenate_heads(RIGHT_PRODUCT(q * scale * q.shape[-1] ** 0.5, k, v)))


@mistake(ATTENTION, place=APPENDIX, modules=BLOCK + r"\.attn(\.qkv)?", needs="a bias of queries, keys and values",
         says="qkv is made without its bias, which is an option in many libraries, so three vectors of the checkpoint "
              "are never read.",
         fix="Add the bias of qkv.")
def qkv_bias_left_out(self: Module, x: Array) -> Array:
    qkv = shown_as(self.qkv, linear(x, self.qkv.weight))
    return attended(self, qkv, (qkv.shape[-1] // 3 // self.num_heads) ** -0.5)


@mistake(ATTENTION, place=APPENDIX, modules=ATTENDED, needs="more than one head",
         says="The scale is D^-1/2, with all channels, instead of d^-1/2, with those of one head.",
         fix="Divide the channels by the number of heads before taking the root.")
def scale_of_the_whole_width(self: Module, x: Array) -> Array:
    return attended(self, self.qkv(x), x.shape[-1] ** -0.5)


@mistake(PRODUCT, place=APPENDIX, modules=ATTENDED,
         says="The product of queries and keys is not divided by sqrt(d), so the softmax is far too sharp.",
         fix="Multiply by d^-1/2, with d the channels of one head.")
def product_not_scaled(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    return RIGHT_PRODUCT(q * q.shape[-1] ** 0.5, k, v, mask)


@mistake(PRODUCT, place=APPENDIX, modules=ATTENDED,
         says="The product is divided by sqrt(d) twice, for instance in the queries and again inside a library's "
              "attention.",
         fix="Multiply by d^-1/2 once.")
def product_scaled_twice(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    return RIGHT_PRODUCT(q * q.shape[-1] ** -0.5, k, v, mask)


@mistake(PRODUCT, place=APPENDIX, modules=ATTENDED,
         says="The softmax runs over the queries instead of the keys, so a query's weights do not sum to 1.",
         fix="Take the softmax over the last axis, the keys.")
def softmax_over_the_queries(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    scores = note("scores", (q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2))
    return note("probabilities", softmax(scores.swapaxes(-1, -2)).swapaxes(-1, -2)) @ v


@mistake(MERGE, place=APPENDIX, modules=ATTENDED, needs="more than one head",
         says="The heads' results are reshaped to (n, D) without the transpose, so tokens and heads are mixed.",
         fix="Exchange the axes of heads and tokens before the reshape.")
def heads_concatenated_without_transpose(x: Array) -> Array:
    b, heads, n, d = x.shape
    return x.reshape(b, n, heads * d)


@mistake(FORWARD, place=EQ_2, modules=BLOCK + r"(\.norm1)?",
         says="The norms come after the residual sums, as in the first Transformer, instead of before attention and "
              "MLP.",
         fix="Normalise the input of each branch: x + MSA(LN(x)), then x + MLP(LN(x)).")
def post_norm_of_the_transformer(self: Module, x: Array) -> Array:
    x = self.norm1(x + self.attn(x))
    return self.norm2(x + self.mlp(x))


@mistake(FORWARD, place=EQ_2, modules=BLOCK + r"(\.norm2)?",
         says="The residual path starts after the norm instead of before it, because the norm's result took the "
              "input's name.",
         fix="Keep the block's input and add it to the attention's result.")
def path_from_behind_the_norm(self: Module, x: Array) -> Array:
    x = self.norm1(x)
    x = x + self.attn(x)
    return x + self.mlp(self.norm2(x))


@mistake(FORWARD, place=EQ_2, modules=BLOCK + r"(\.norm2)?",
         says="Attention and MLP both read the block's input, side by side, instead of one after the other.",
         fix="Give the MLP the sum of input and attention.")
def attention_and_mlp_side_by_side(self: Module, x: Array) -> Array:
    return x + self.attn(self.norm1(x)) + self.mlp(self.norm2(x))


def scores(model: Module, first: Array, second: Array) -> Array:
    """What the heads make of two tokens (B, D), the class and the distillation token where there are both."""
    if model.head is None:
        return first if model.config.read_tokens == 1 else (first + second) / 2
    logits = model.head(first)
    return logits if model.head_dist is None else (logits + model.head_dist(second)) / 2


@mistake(CLASSIFY, place=EQ_4, modules=r"norm|" + LOGITS,
         says="The last norm is left out, so the head is given tokens of any size.",
         fix="Apply norm to the last block's tokens before the head.")
def last_norm_left_out(self: Module, x: Array) -> Array:
    x = shown_as(self.norm, x)
    return scores(self, x[:, 0], x[:, 1])


@mistake(CLASSIFY, place=EQ_4, modules=LOGITS,
         says="The head is given the mean over the patches, as other networks do it, instead of the class token.",
         fix="Give the head the class token, token 0.")
def patches_averaged_for_the_class_token(self: Module, x: Array) -> Array:
    mean = self.norm(x)[:, self.config.prefix_tokens:].mean(axis=1)
    return scores(self, mean, mean)


@mistake(CLASSIFY, place=EQ_4, modules=LOGITS,
         says="The head is given the mean over all tokens, class token and patches, instead of the class token.",
         fix="Give the head the class token, token 0.")
def all_tokens_averaged(self: Module, x: Array) -> Array:
    mean = self.norm(x).mean(axis=1)
    return scores(self, mean, mean)


@mistake(CLASSIFY, place=EQ_4, modules=LOGITS,
         says="The head is given the last token, as in language models, which is the patch at the bottom right.",
         fix="Give the head the class token, token 0.")
def last_token_classified(self: Module, x: Array) -> Array:
    last = self.norm(x)[:, -1]
    return scores(self, last, last)


@mistake(CLASSIFY, place=HEADS, modules=r"head_dist|output", needs=TWO_HEADS,
         says="The distillation head reads the class token too, so the distillation token counts for nothing.",
         fix="Give head the class token, token 0, and head_dist the distillation token, token 1.")
def both_heads_on_the_class_token(self: Module, x: Array) -> Array:
    x = self.norm(x)
    return scores(self, x[:, 0], x[:, 0])


@mistake(CLASSIFY, place=HEADS, modules=LOGITS, needs=TWO_HEADS,
         says="The class token goes to the distillation head and the distillation token to the head of the classes.",
         fix="Give head the class token, token 0, and head_dist the distillation token, token 1.")
def heads_exchanged(self: Module, x: Array) -> Array:
    x = self.norm(x)
    return scores(self, x[:, 1], x[:, 0])


@mistake(CLASSIFY, place=HEADS, modules="output", needs=TWO_HEADS,
         says="Only the head of the class token is used; the distillation head is taken for a part of training.",
         fix="Average the scores of both heads.")
def distillation_head_left_out(self: Module, x: Array) -> Array:
    x = self.norm(x)
    if self.head_dist is not None:
        self.head_dist(x[:, 1])                        # computed, and not used
    return scores(replace(self, head_dist=None), x[:, 0], x[:, 0])


@mistake(CLASSIFY, place=HEADS, modules="output", needs=TWO_HEADS,
         says="The scores of both heads are added instead of averaged; the best class is the same, its probability is "
              "not.",
         fix="Divide the sum of the scores by 2.")
def scores_of_both_heads_added(self: Module, x: Array) -> Array:
    x = self.norm(x)
    return 2 * scores(self, x[:, 0], x[:, 1])


@mistake(CLASSIFY, place=EQ_4, modules="output",
         says="The model returns probabilities instead of class scores; a loss or a second softmax behind it then "
              "flattens them.",
         fix="Return the head's scores and leave the softmax to whoever needs probabilities.")
def softmax_behind_the_head(self: Module, x: Array) -> Array:
    x = self.norm(x)
    return softmax(scores(self, x[:, 0], x[:, self.config.read_tokens - 1]))
