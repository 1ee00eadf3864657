"""Swin Transformer V2: what goes wrong with its continuous position bias, cosine attention and post-norm."""

from functools import partial

import numpy as np

from swin_np.attention import merge_heads, relative_position_index, split_heads
from swin_np.baselines.swin_v2 import (
    BORDER,
    LARGEST_BIAS,
    LARGEST_LOGIT_SCALE,
    SMALLEST_LENGTH,
    cosine_attention,
    inverse_temperature,
    unit_length,
)
from swin_np.functional import Array, gelu, layer_norm, pair, sigmoid, softmax
from swin_np.layers import Module, note
from swin_np.mistakes.attention import biased, masked, weighted
from swin_np.mistakes.mistake import ATTENTION, ATTENTION_INPUT, BLOCK, mistake, shown_as
from swin_np.parallel.parts import by_windows
from swin_np.windows import Size, mask_of_windows

COORDINATES = "swin_np.baselines.swin_v2.log_spaced_coordinates"
POSITION_BIAS = "swin_np.baselines.swin_v2.CosineWindowAttention.position_bias"
RELU = "swin_np.convolution.layers.Relu.forward"
UNIT_LENGTH = "swin_np.baselines.swin_v2.unit_length"
TEMPERATURE = "swin_np.baselines.swin_v2.inverse_temperature"
SCORES = "swin_np.baselines.swin_v2.cosine_attention"
ATTEND = "swin_np.baselines.swin_v2.CosineWindowAttention.attend"
FORWARD = "swin_np.baselines.swin_v2.SwinTransformerBlockV2.forward"
MERGING = "swin_np.baselines.swin_v2.PatchMergingV2.forward"

FIRST_NORM = BLOCK + r"(\.norm1)?"
POSITIONS = BLOCK + r"\.attn(\.cpb_mlp\.0|\.proj)?"    # what the network G is asked for is another
MERGED = r"layers\.\d+\.downsample(\.reduction)?"
EQ_2 = "section 3.2 of the Swin V2 paper, Eq. 2"
EQ_3 = "section 3.3 of the Swin V2 paper, Eq. 3"
EQ_4 = "section 3.3 of the Swin V2 paper, Eq. 4"
BEYOND_THE_LIMIT = "a logit scale beyond log(100)"
FAR_SCORES = "scores that differ by about a hundred"
POST_NORM = "section 3.2 of the Swin V2 paper, Fig. 1"

RIGHT_ATTENTION = partial(cosine_attention)            # objects of their own, which planting leaves be
RIGHT_LENGTH = partial(unit_length)


def displacements(window: Size, pretrained_window: Size) -> Array:
    """Between two tokens, over the largest one in the pretrained window: (2M-1, 2M-1, 2) float64."""
    sides, largest = np.array(pair(window)), np.array(pair(pretrained_window)) - 1
    return (np.moveaxis(np.indices(2 * sides - 1), 0, -1) - (sides - 1)) / np.maximum(largest, 1)


def logarithmic(x: Array, base: float, dtype: type) -> Array:
    """sign(x) log(1 + |x|) / log(base)."""
    return (np.sign(x) * np.log1p(np.abs(x)) / np.log(base)).astype(dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS,
         says="The logarithm is the natural one, and is still divided by log2(8), so all coordinates are too small.",
         fix="Take the logarithm to base 2: sign(x) log2(1 + |x|) / log2(8).")
def natural_logarithm(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return logarithmic(BORDER * displacements(window, pretrained_window), np.e ** 3, dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS,
         says="The logarithm to base 2 is not divided by log2(8), a constant of the code that the equation does not "
              "have.",
         fix="Divide by log2(8), which is 3.")
def logarithm_not_divided(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return logarithmic(BORDER * displacements(window, pretrained_window), 2, dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS, thread="microsoft/Swin-Transformer#329",
         says="The coordinates run from -1 to 1 before the logarithm instead of from -8 to 8, where it hardly bends.",
         fix="Multiply by 8 what was divided by the largest displacement, then take the logarithm.")
def coordinates_not_times_8(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return logarithmic(displacements(window, pretrained_window), 8, dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS,
         says="The displacements, from -(M-1) to M-1, go through the logarithm of the equation as they are, without "
              "the code's scale.",
         fix="Divide by the largest displacement and multiply by 8 before the logarithm, and divide by 3 after it.")
def coordinates_of_the_equation_alone(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return logarithmic(displacements(window, 2), np.e, dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS,
         says="The coordinates are linear from -8 to 8; the logarithm, which brings far displacements together, is "
              "left out.",
         fix="Turn x into sign(x) log2(1 + |x|) / log2(8).")
def coordinates_without_logarithm(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return (BORDER * displacements(window, pretrained_window)).astype(dtype)


@mistake(COORDINATES, place=EQ_4, modules=POSITIONS, needs="pretrained window sizes",
         thread="microsoft/Swin-Transformer#385",
         says="The coordinates are divided by the window's largest displacement instead of that of the window in which "
              "the weights were trained first, so the same displacement gets another bias.",
         fix="Divide by the pretrained window - 1, where the configuration has one.")
def coordinates_of_the_window_itself(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return logarithmic(BORDER * displacements(window, window), BORDER, dtype)


@mistake(RELU, place=EQ_3, modules=BLOCK + r"\.attn(\.cpb_mlp\.1|\.proj)?",
         says="The activation of the network G is GELU, as in all other MLPs, instead of ReLU.",
         fix="Put a ReLU between the two layers of cpb_mlp.")
def gelu_in_the_position_network(self: Module, x: Array) -> Array:
    return gelu(x)


@mistake(RELU, place=EQ_3, modules=BLOCK + r"\.attn(\.cpb_mlp\.1|\.proj)?",
         says="The network G has no activation, so the bias is a plane before the sigmoid.",
         fix="Put a ReLU between the two layers of cpb_mlp.")
def relu_left_out_of_the_position_network(self: Module, x: Array) -> Array:
    return x


def network_output(attention: Module) -> Array:
    """G of the coordinates, for each pair of positions (M^2, M^2, heads)."""
    table = attention.relative_coords_table().reshape(-1, 2).astype(attention.dtype)
    for layer in attention.cpb_mlp:
        table = layer(table)
    return table[relative_position_index(attention.window_size)]


@mistake(POSITION_BIAS, place=EQ_3, modules=ATTENTION,
         says="What the network G gives is the bias itself, without the sigmoid and the factor 16, which the equation "
              "does not have and the code has.",
         fix="Bound the bias: 16 sigmoid(G).")
def bias_without_sigmoid(self: Module) -> Array:
    return network_output(self).transpose(2, 0, 1)


@mistake(POSITION_BIAS, place=EQ_3, modules=ATTENTION,
         says="The bias is sigmoid(G), from 0 to 1, a sixteenth of what it should be.",
         fix="Multiply the sigmoid by 16.")
def bias_not_times_16(self: Module) -> Array:
    return sigmoid(network_output(self)).transpose(2, 0, 1)


@mistake(POSITION_BIAS, place=EQ_3, modules=ATTENTION, needs="more than one head",
         says="The bias, looked up as (M^2, M^2, heads), is reshaped to (heads, M^2, M^2) instead of transposed.",
         fix="Move the heads' axis to the front with a transpose; a reshape keeps the order in memory.")
def continuous_bias_reshaped(self: Module) -> Array:
    bias = LARGEST_BIAS * sigmoid(network_output(self))
    return bias.reshape(-1, *bias.shape[:2])


def attended(attention: Module, windows: Array, bias: Array, mask: Array | None, *qkv_bias: Array) -> Array:
    """The attention of some windows whose queries, keys and values have another bias."""
    qkv = attention.qkv(windows)
    if qkv_bias:
        qkv = qkv + np.concatenate(qkv_bias)
    q, k, v = split_heads(qkv, len(attention.logit_scale))
    q, k, v = note("q", q), note("k", k), note("v", v)
    return attention.proj(merge_heads(RIGHT_ATTENTION(q, k, v, bias, mask, attention.logit_scale)))


@mistake(ATTEND, place=EQ_2, modules=ATTENTION, needs="a bias of queries and values",
         says="Keys have a bias too, that of the queries, as where one vector is repeated for all three.",
         fix="Add q_bias to the queries and v_bias to the values, and nothing to the keys.")
def keys_with_the_bias_of_queries(self: Module, windows: Array, bias: Array, mask: Array | None) -> Array:
    return attended(self, windows, bias, mask, self.q_bias, self.q_bias, self.v_bias)


@mistake(ATTEND, place=EQ_2, modules=ATTENTION, needs="a bias of queries and values",
         says="The two biases stand in the first two thirds, so the values' bias goes to the keys and values have "
              "none.",
         fix="Concatenate q_bias, zeros and v_bias, in this order.")
def bias_of_values_added_to_keys(self: Module, windows: Array, bias: Array, mask: Array | None) -> Array:
    return attended(self, windows, bias, mask, self.q_bias, self.v_bias, np.zeros_like(self.v_bias))


@mistake(ATTEND, place=EQ_2, modules=ATTENTION, needs="a bias of queries and values",
         says="q_bias and v_bias are not used, since qkv, the linear layer, has no bias of its own.",
         fix="Add q_bias to the queries and v_bias to the values.")
def bias_of_queries_and_values_left_out(self: Module, windows: Array, bias: Array, mask: Array | None) -> Array:
    return attended(self, windows, bias, mask)


@mistake(UNIT_LENGTH, place=EQ_2, modules=ATTENTION,
         says="Queries and keys keep their length, so the scores are products instead of cosines.",
         fix="Divide each query and each key by its length.")
def vectors_not_normalised(x: Array) -> Array:
    return x


@mistake(UNIT_LENGTH, place=EQ_2, modules=ATTENTION,
         says="Queries and keys are divided by their squared length, since the root was left out.",
         fix="Divide by the root of the sum of squares.")
def vectors_over_their_squared_length(x: Array) -> Array:
    return x / np.maximum((x ** 2).sum(axis=-1, keepdims=True), SMALLEST_LENGTH)


@mistake(UNIT_LENGTH, place=EQ_2, modules=ATTENTION,
         says="Queries and keys are normalised over the tokens of a window instead of the channels of a head.",
         fix="Take the length over the last axis, d.")
def vectors_normalised_over_tokens(x: Array) -> Array:
    return RIGHT_LENGTH(x.swapaxes(-1, -2)).swapaxes(-1, -2)


@mistake(UNIT_LENGTH, place=EQ_2, modules=ATTENTION,
         says="1e-5 is added to the sum of squares, as to the variance in a norm, so the cosines of short vectors are "
              "too small.",
         fix="Divide by the length itself, or by 1e-12 where that is more.")
def eps_added_to_the_length(x: Array) -> Array:
    return x / np.sqrt((x ** 2).sum(axis=-1, keepdims=True) + 1e-5).astype(x.dtype)


@mistake(TEMPERATURE, place=EQ_2, modules=ATTENTION, needs=BEYOND_THE_LIMIT,
         says="The scale is not bounded, so a head that has learned a large one is sharper than it was in training.",
         fix="Take the minimum of logit_scale and log(100) before the exponential.")
def logit_scale_not_clamped(logit_scale: Array) -> Array:
    return np.exp(logit_scale)


@mistake(TEMPERATURE, place=EQ_2, modules=ATTENTION,
         says="The scale is bounded from below instead of from above, by a maximum in place of a minimum, so nearly "
              "all heads get 100.",
         fix="Take the minimum of logit_scale and log(100).")
def logit_scale_clamped_from_below(logit_scale: Array) -> Array:
    return np.exp(np.maximum(logit_scale, LARGEST_LOGIT_SCALE))


@mistake(TEMPERATURE, place=EQ_2, modules=ATTENTION,
         says="logit_scale multiplies the cosines as it is, although it is the logarithm of the scale.",
         fix="Take the exponential of logit_scale.")
def logit_scale_without_exponential(logit_scale: Array) -> Array:
    return np.minimum(logit_scale, LARGEST_LOGIT_SCALE)


def cosines(q: Array, k: Array) -> Array:
    """cos(q, k), (..., M^2, M^2)."""
    return unit_length(q) @ unit_length(k).swapaxes(-1, -2)


@mistake(SCORES, place=EQ_2, modules=ATTENTION,
         says="The cosines are also multiplied by d^-1/2, the first version's scale.",
         fix="Let exp(logit_scale) be the only scale.")
def scale_of_the_first_version_kept(q: Array, k: Array, v: Array, bias: Array, mask: Array | None,
                                    logit_scale: Array) -> Array:
    scores = note("scores", cosines(q, k) * inverse_temperature(logit_scale) * q.shape[-1] ** -0.5)
    return weighted(softmax(masked(biased(scores, bias), mask)), v)


@mistake(SCORES, place=EQ_2, modules=ATTENTION,
         says="The scale multiplies the bias too, because it is applied after the bias is added.",
         fix="Scale the cosines first, then add B.")
def bias_over_the_temperature(q: Array, k: Array, v: Array, bias: Array, mask: Array | None,
                              logit_scale: Array) -> Array:
    scores = note("scores_with_bias", (cosines(q, k) + bias) * inverse_temperature(logit_scale))
    return weighted(softmax(masked(scores, mask)), v)


@mistake(SCORES, place=EQ_2, modules=ATTENTION,
         says="The position bias is left out, so the attention does not know where tokens are.",
         fix="Add B to the scaled cosines before the softmax.")
def continuous_bias_left_out(q: Array, k: Array, v: Array, bias: Array, mask: Array | None,
                             logit_scale: Array) -> Array:
    scores = note("scores", cosines(q, k) * inverse_temperature(logit_scale))
    return weighted(softmax(masked(scores, mask)), v)


@mistake(SCORES, place="section 3.2 of the Swin paper, Fig. 4", modules=ATTENTION,
         needs=FAR_SCORES,
         says="The mask is added twice, so forbidden pairs get -200: scores differ by up to 200 where the scale is at "
              "its limit, and there -100 does not forbid.",
         fix="Add the mask once.")
def mask_added_twice(q: Array, k: Array, v: Array, bias: Array, mask: Array | None, logit_scale: Array) -> Array:
    return RIGHT_ATTENTION(q, k, v, bias, None if mask is None else 2 * mask, logit_scale)


@mistake("swin_np.baselines.swin_v2.CosineWindowAttention.forward", place="section 3.2 of the Swin paper, Fig. 4",
         modules=ATTENTION, needs="a batch of more than one image, computed in one piece",
         says="Each window's mask is repeated for all images before the next window's, but the windows of one image "
              "follow each other, so most get the mask of another window.",
         fix="Give window i the mask i modulo nW: tile the masks instead of repeating each.")
def cosine_masks_in_the_wrong_order(self: Module, windows: Array, mask: Array | None = None) -> Array:
    bias, batch = self.position_bias(), 1 if mask is None else len(windows) // len(mask)
    return by_windows(lambda windows, numbers: self.attend(windows, bias, mask_of_windows(mask, numbers // batch)),
                      windows)


@mistake(FORWARD, place=POST_NORM, modules=ATTENTION_INPUT,
         says="The norms stand where the branches begin, which is the first version's block.",
         fix="Normalise what attention and MLP give, before it is added: x + LN(W-MSA(x)), then x + LN(MLP(x)).")
def pre_norm_of_the_first_version(self: Module, x: Array) -> Array:
    x = x + self.attend(self.norm1(x))
    return x + self.mlp(self.norm2(x))


@mistake(FORWARD, place=POST_NORM, modules=FIRST_NORM,
         says="The norms come after the residual sums, as in the first Transformer, so the main path is normalised "
              "too.",
         fix="Normalise what attention and MLP give, before it is added: x + LN(W-MSA(x)), then x + LN(MLP(x)).")
def norm_of_the_sum(self: Module, x: Array) -> Array:
    x = self.norm1(x + self.attend(x))
    return self.norm2(x + self.mlp(x))


@mistake(FORWARD, place=POST_NORM, modules=FIRST_NORM,
         says="The norms of the branches are left out, so each block adds to the size of the features.",
         fix="Normalise what attention and MLP give, before it is added.")
def branch_norms_left_out(self: Module, x: Array) -> Array:
    x = x + shown_as(self.norm1, self.attend(x))
    return x + shown_as(self.norm2, self.mlp(x))


@mistake(FORWARD, place=POST_NORM, modules=BLOCK + r"(\.mlp(\.fc1)?)?",
         says="The MLP reads the block's input, side by side with the attention, instead of their sum.",
         fix="Give the MLP the sum of input and normalised attention.")
def branches_side_by_side(self: Module, x: Array) -> Array:
    return x + self.norm1(self.attend(x)) + self.norm2(self.mlp(x))


@mistake(MERGING, place=POST_NORM, modules=MERGED,
         says="The norm comes before the reduction, as in the first version; it then has 4C channels, so the "
              "checkpoint's norm of 2C does not fit and stays at its initial values.",
         fix="Reduce the 4C channels to 2C first, then normalise these.")
def norm_before_reduction(self: Module, x: Array) -> Array:
    x = self.gather(x)
    ones = np.ones(x.shape[-1], x.dtype)
    return shown_as(self.norm, self.reduction(layer_norm(x, ones, 0 * ones)))


@mistake(MERGING, place=POST_NORM, modules=r"layers\.\d+\.downsample(\.norm)?",
         says="The norm after the reduction is left out.",
         fix="Apply downsample.norm to the reduced channels.")
def reduced_channels_not_normalised(self: Module, x: Array) -> Array:
    return shown_as(self.norm, self.reduction(self.gather(x)))
