"""Swin V2's own mistakes in timm's model: each planted by other means than in NumPy."""

import math
from collections.abc import Callable

import torch
from timm.models.swin_transformer_v2 import PatchMerging, SwinTransformerV2, SwinTransformerV2Block, WindowAttention
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from oracle.planting import Plantings, compute_by, every, planter

Model = SwinTransformerV2
PLANTED_IN_SWIN_V2: Plantings = {}
plants = planter(PLANTED_IN_SWIN_V2)


# --- position bias


def coordinates_by(model: Model, rule: Callable[[Tensor, int, int], Tensor]) -> None:
    """Make the table of each attention from rule(displacements, M, pretrained M), with one M an axis."""
    for attention in every(model, WindowAttention):
        axes = []
        for m, first in zip(attention.window_size, attention.pretrained_window_size, strict=True):
            axes.append(rule(torch.arange(1 - m, m).double(), m, first or m).float())
        table = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)[None]
        attention.relative_coords_table = table.to(attention.logit_scale.dtype)


def spread(x: Tensor, m: int) -> Tensor:
    """Displacements of a window of M, from -8 to 8."""
    return 8 * x / (m - 1)


@plants
def natural_logarithm(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: x.sign() * (spread(x, first).abs() + 1).log() / math.log2(8))


@plants
def logarithm_not_divided(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: x.sign() * (spread(x, first).abs() + 1).log2())


@plants
def coordinates_not_times_8(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: x.sign() * (x.abs() / (first - 1) + 1).log2() / math.log2(8))


@plants
def coordinates_of_the_equation_alone(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: x.sign() * (x.abs() + 1).log())


@plants
def coordinates_without_logarithm(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: spread(x, first))


@plants
def coordinates_of_the_window_itself(model: Model) -> None:
    coordinates_by(model, lambda x, m, first: x.sign() * (spread(x, m).abs() + 1).log2() / math.log2(8))


@plants
def gelu_in_the_position_network(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.cpb_mlp[1] = nn.GELU()


@plants
def relu_left_out_of_the_position_network(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.cpb_mlp[1] = nn.Identity()


# --- attention


def cosines(q: Tensor, k: Tensor) -> Tensor:
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT


def scale_of(logit_scale: Tensor) -> Tensor:
    return logit_scale.clamp(max=math.log(100)).exp()


def right_score(q: Tensor, k: Tensor, logit_scale: Tensor, bias: Tensor) -> Tensor:
    return cosines(q, k) * scale_of(logit_scale) + bias


def right_bias(g: Tensor, heads: int, tokens: int) -> Tensor:
    return 16 * g.sigmoid().T.reshape(heads, tokens, tokens)


def right_mask(mask: Tensor, images: int) -> Tensor:
    return mask.repeat(images, 1, 1)


def attend_by(model: Model, score: Callable[..., Tensor] = right_score, bias: Callable[..., Tensor] = right_bias,
              mask: Callable[[Tensor, int], Tensor] = right_mask) -> None:
    """Attend with score(q, k, logit_scale, B), bias(G, heads, M^2) and mask(mask of one image, number of images).

    G is the network's output for each pair, (M^4, heads).
    """
    def forward(attention: WindowAttention, x: Tensor, mask_of_image: Tensor | None = None) -> Tensor:
        b, n, _ = x.shape
        biases = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
        q, k, v = (attention.qkv(x) + biases).view(b, n, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        table = attention.cpb_mlp(attention.relative_coords_table).flatten(0, 2)
        g = table[attention.relative_position_index.flatten()]
        scores = score(q, k, attention.logit_scale, bias(g, attention.num_heads, n))
        if mask_of_image is not None:
            scores = scores + mask(mask_of_image, b // len(mask_of_image))[:, None]
        return attention.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

    compute_by(model, WindowAttention, lambda attention, x, mask=None: forward(attention, x, mask))


@plants
def bias_without_sigmoid(model: Model) -> None:
    attend_by(model, bias=lambda g, heads, tokens: g.T.reshape(heads, tokens, tokens))


@plants
def bias_not_times_16(model: Model) -> None:
    attend_by(model, bias=lambda g, heads, tokens: g.sigmoid().T.reshape(heads, tokens, tokens))


@plants
def continuous_bias_reshaped(model: Model) -> None:
    attend_by(model, bias=lambda g, heads, tokens: 16 * g.sigmoid().reshape(heads, tokens, tokens))


@plants
def keys_with_the_bias_of_queries(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.k_bias = attention.q_bias.data


@plants
def bias_of_values_added_to_keys(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.k_bias = attention.v_bias.data
        attention.v_bias = nn.Parameter(torch.zeros_like(attention.v_bias))


@plants
def bias_of_queries_and_values_left_out(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.q_bias = None


@plants
def vectors_not_normalised(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias: q @ k.mT * scale_of(logit_scale) + bias)


@plants
def vectors_over_their_squared_length(model: Model) -> None:
    def score(q, k, logit_scale, bias):
        q, k = (x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() for x in (q, k))
        return q @ k.mT * scale_of(logit_scale) + bias

    attend_by(model, score)


@plants
def vectors_normalised_over_tokens(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias:
              F.normalize(q, dim=-2) @ F.normalize(k, dim=-2).mT * scale_of(logit_scale) + bias)


@plants
def eps_added_to_the_length(model: Model) -> None:
    def score(q, k, logit_scale, bias):
        q, k = (x * (x.square().sum(-1, keepdim=True) + 1e-5).rsqrt() for x in (q, k))
        return q @ k.mT * scale_of(logit_scale) + bias

    attend_by(model, score)


@plants
def logit_scale_not_clamped(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias: cosines(q, k) * logit_scale.exp() + bias)


@plants
def logit_scale_clamped_from_below(model: Model) -> None:
    limit = torch.tensor(math.log(100)).item()         # float32, in which the official code keeps it
    for attention in every(model, WindowAttention):
        attention.logit_scale.data.clamp_(min=limit)
    attend_by(model, lambda q, k, logit_scale, bias: cosines(q, k) * logit_scale.exp() + bias)


@plants
def logit_scale_without_exponential(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias: cosines(q, k) * logit_scale.clamp(max=math.log(100)) + bias)


@plants
def scale_of_the_first_version_kept(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias:
              cosines(q, k) * scale_of(logit_scale) / math.sqrt(q.shape[-1]) + bias)


@plants
def bias_over_the_temperature(model: Model) -> None:
    attend_by(model, lambda q, k, logit_scale, bias: (cosines(q, k) + bias) * scale_of(logit_scale))


@plants
def continuous_bias_left_out(model: Model) -> None:
    for attention in every(model, WindowAttention):
        attention.cpb_mlp[2].weight.data.zero_()       # the same bias for all pairs, which no softmax sees


@plants
def mask_added_twice(model: Model) -> None:
    for block in every(model, SwinTransformerV2Block):
        if block.attn_mask is not None:
            block.attn_mask *= 2


@plants
def cosine_masks_in_the_wrong_order(model: Model) -> None:
    attend_by(model, mask=lambda mask, images: mask.repeat_interleave(images, dim=0))


# --- blocks and merging


def combine(model: Model, rule: Callable[..., Tensor]) -> None:
    """Let a block compute rule(x, attend, MLP, LN, LN), the last four being functions."""
    compute_by(model, SwinTransformerV2Block,
               lambda block, x: rule(x, block._attn, block.mlp, block.norm1, block.norm2))


@plants
def pre_norm_of_the_first_version(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = x + attend(norm1(x))
        return y + mlp(norm2(y))

    combine(model, rule)


@plants
def norm_of_the_sum(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = norm1(x + attend(x))
        return norm2(y + mlp(y))

    combine(model, rule)


@plants
def branch_norms_left_out(model: Model) -> None:
    for block in every(model, SwinTransformerV2Block):
        block.norm1 = block.norm2 = nn.Identity()


@plants
def branches_side_by_side(model: Model) -> None:
    combine(model, lambda x, attend, mlp, norm1, norm2: x + norm1(attend(x)) + norm2(mlp(x)))


@plants
def norm_before_reduction(model: Model) -> None:
    for merging in every(model, PatchMerging):
        inputs = merging.reduction.in_features
        merging.norm = nn.Identity()
        merging.reduction = nn.Sequential(nn.LayerNorm(inputs, dtype=torch.float64), merging.reduction)


@plants
def reduced_channels_not_normalised(model: Model) -> None:
    for merging in every(model, PatchMerging):
        merging.norm = nn.Identity()
