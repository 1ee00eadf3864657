"""What goes wrong in the systems that Swin is compared with: ViT's tokens, sliding windows, Res2Net's ladder."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from swin_np.baselines.sliding_window import pad_by_radius
from swin_np.convolution.functional import relu
from swin_np.functional import Array, softmax
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake

VIT_EMBED = "swin_np.baselines.vit.VisionTransformer.embed"
VIT_EQ_1 = "section 3.1 of the ViT paper, Eq. 1"
SLIDING = "swin_np.baselines.sliding_window.naive_sliding_attention"
SLIDING_PLACE = "section 2, self-attention based backbones, and Table 5"
LADDER = "swin_np.baselines.res2net.Bottle2neck.multi_scale"
RES2NET_EQ_1 = "section 3.1, Eq. 1 of the Res2Net paper"


def patches_and_class_token(model: Module, images: Array) -> tuple[Array, Array]:
    """ViT's embedded patches (B, h w, D), row by row, and a class token (B, 1, D) for each image.

    In a distilled DeiT the distillation token goes with it: (B, 2, D).
    """
    patches = model.patch_embed(images)                # (B, h, w, D)
    tokens = model.cls_token if model.dist_token is None else np.concatenate([model.cls_token, model.dist_token], 1)
    tokens = np.broadcast_to(tokens, (len(images), *tokens.shape[1:]))
    return patches.reshape(len(images), -1, patches.shape[-1]), tokens


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
    return np.concatenate([token, patches + self.pos_embed[:, token.shape[1]:]], axis=1)


@mistake(VIT_EMBED, place=VIT_EQ_1, modules=NOWHERE,
         says="The position embedding is read as if the class token's row were the last, so every patch gets the row "
              "of the token before it.",
         fix="Give row 0 to the class token and row 1 + i to patch i.")
def positions_with_the_class_token_last(self: Module, images: Array) -> Array:
    patches, token = patches_and_class_token(self, images)
    return np.concatenate([token, patches], axis=1) + np.roll(self.pos_embed, token.shape[1], axis=1)


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


def sliding_attention(q: Array, k: Array, v: Array, bias: Array, seen: Callable[[int, int, int], Array]) -> Array:
    """Sliding-window attention, without bias, in which seen(i, M, side) are the rows, or columns, that row i sees."""
    rows, columns = ([seen(i, m, side) for i in range(side)]
                     for side, m in zip(q.shape[2:4], bias.shape[1:], strict=True))
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
    return sliding_attention(q, k, v, bias, lambda i, m, side: np.arange(i, min(i + m, side)))


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="Neighbours beyond the border take part as keys and values of zeros; a score of 0 is not a weight of 0, "
              "so queries at the border come out too small.",
         fix="Leave neighbours beyond the border out of the softmax.")
def border_of_zeros(q: Array, k: Array, v: Array, bias: Array) -> Array:
    k, v = pad_by_radius(k, bias.shape[1:]), pad_by_radius(v, bias.shape[1:])
    return sliding_attention(q, k, v, bias, lambda i, m, side: i + np.arange(m))


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="At the border the neighbourhood is pushed inside the map, so that it keeps M x M tokens and the query "
              "is not in its middle any more.",
         fix="Cut the neighbourhood off at the border: a query there has fewer keys.")
def neighbourhood_pushed_inside(q: Array, k: Array, v: Array, bias: Array) -> Array:
    return sliding_attention(q, k, v, bias, lambda i, m, side: min(max(i - m // 2, 0), side - m) + np.arange(m))


@mistake(SLIDING, place=SLIDING_PLACE, modules=NOWHERE,
         says="The neighbourhood goes round the border to the opposite side of the map, as a roll or a negative index "
              "makes it.",
         fix="Cut the neighbourhood off at the border: a query there has fewer keys.")
def neighbourhood_wraps_around(q: Array, k: Array, v: Array, bias: Array) -> Array:
    return sliding_attention(q, k, v, bias, lambda i, m, side: (i - m // 2 + np.arange(m)) % side)


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
