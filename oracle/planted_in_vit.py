"""The mistakes of ViT and DeiT in timm's models: each planted by other means than in NumPy."""

import math
from collections.abc import Callable

import torch
from timm.layers import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from oracle.planting import Calling, Plantings, compute_by, every, planter
from oracle.small_systems import VIT, positions_of_another_size

Model = VisionTransformer
PLANTED_IN_VIT: Plantings = {}
plants = planter(PLANTED_IN_VIT)


# --- tokens and positions


def tokens_before(model: Model) -> Tensor:
    """The class token and, in a distilled model, the distillation token: (1, 1 or 2, D)."""
    return torch.cat([model.cls_token, *([model.dist_token] if model.num_prefix_tokens == 2 else [])], dim=1)


def embed_by(model: Model, rule: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """Make all tokens by rule(tokens before the patches, patches (B, h w, D), positions)."""
    def embed(patches: Tensor) -> Tensor:
        before = tokens_before(model).expand(len(patches), -1, -1)
        return rule(before, patches, model.pos_embed)

    model._pos_embed = embed


@plants
def class_token_last(model: Model) -> None:
    embed_by(model, lambda before, patches, positions: torch.cat([patches, before], dim=1) + positions)


@plants
def class_token_without_position(model: Model) -> None:
    model.pos_embed.data[:, :model.num_prefix_tokens] = 0


@plants
def positions_with_the_class_token_last(model: Model) -> None:
    n = model.num_prefix_tokens
    model.pos_embed.data = torch.cat([model.pos_embed.data[:, -n:], model.pos_embed.data[:, :-n]], dim=1)


@plants
def position_embedding_left_out(model: Model) -> None:
    model.pos_embed.data.zero_()


@plants
def patches_counted_down_the_columns(model: Model) -> None:
    embedding = model.patch_embed
    embedding.forward = lambda images: embedding.proj(images).mT.flatten(2).mT


@plants
def positions_added_twice(model: Model) -> None:
    model.pos_embed.data *= 2


@plants
def distillation_token_first(model: Model) -> None:
    model.cls_token, model.dist_token = model.dist_token, model.cls_token


def set_positions(model: Model, rule: Callable[[Tensor, Tensor, tuple[int, int], int], Tensor]) -> None:
    """Let the positions be rule(first tokens', patches' (h w, D), (h, w), tokens) of those for another image size."""
    positions, grid = positions_of_another_size(VIT)
    before, patches = torch.from_numpy(positions).split([1, math.prod(grid)], dim=1)
    model.pos_embed.data = rule(before, patches, grid, model.pos_embed.shape[1])


def as_map(patches: Tensor, grid: tuple[int, int]) -> Tensor:
    return patches.mT.unflatten(2, grid)               # (1, D, h, w)


def stretched(patches: Tensor, grid: tuple[int, int], **settings) -> Tensor:
    return F.interpolate(as_map(patches, grid), VIT.grid, **settings).flatten(2).mT


@plants
def positions_resized_linearly(model: Model) -> None:
    set_positions(model, lambda before, patches, grid, n: torch.cat(
        [before, stretched(patches, grid, mode="bilinear")], dim=1))


@plants
def positions_resized_with_corners_aligned(model: Model) -> None:
    set_positions(model, lambda before, patches, grid, n: torch.cat(
        [before, stretched(patches, grid, mode="bilinear", align_corners=True)], dim=1))


@plants
def positions_resized_as_a_row(model: Model) -> None:
    set_positions(model, lambda before, patches, grid, n: F.interpolate(
        torch.cat([before, patches], dim=1).mT, n, mode="linear").mT)


@plants
def positions_resized_from_width_and_height(model: Model) -> None:
    set_positions(model, lambda before, patches, grid, n: torch.cat(
        [before, stretched(patches, grid[::-1], mode="bicubic")], dim=1))


# --- norms


def set_eps(model: Model, eps: float) -> None:
    for norm in every(model, nn.LayerNorm):
        norm.eps = eps


@plants
def eps_1e_5(model: Model) -> None:
    set_eps(model, 1e-5)


@plants
def eps_1e_12(model: Model) -> None:
    set_eps(model, 1e-12)


@plants
def eps_1e_3(model: Model) -> None:
    set_eps(model, 1e-3)


@plants
def last_norm_left_out(model: Model) -> None:
    model.norm = nn.Identity()


# --- attention


def weigh_by(model: Model, weigh: Callable[[Tensor, int, int], Tensor],
             merge: Callable[[Tensor], Tensor] = lambda x: x.transpose(1, 2).flatten(2)) -> None:
    """Attend with the weights weigh(q k^T, d, heads), and bring the heads' results together by `merge`."""
    def forward(attention: Attention, x: Tensor, attn_mask: None = None, is_causal: bool = False) -> Tensor:
        heads = attention.num_heads, attention.head_dim
        q, k, v = (part.unflatten(2, heads).transpose(1, 2) for part in attention.qkv(x).chunk(3, 2))
        weights = weigh(torch.einsum("bhid,bhjd->bhij", q, k), attention.head_dim, attention.num_heads)
        return attention.proj(merge(weights @ v))

    compute_by(model, Attention, forward)


@plants
def qkv_bias_left_out(model: Model) -> None:
    for attention in every(model, Attention):
        attention.qkv.bias = None


def scale_by(model: Model, factor: Callable[[Attention], float]) -> None:
    """Multiply the scale by a factor: through the rows of qkv that make the queries."""
    for attention in every(model, Attention):
        for parameter in (attention.qkv.weight, attention.qkv.bias):
            parameter.data[:attention.attn_dim] *= factor(attention)


@plants
def scale_of_the_whole_width(model: Model) -> None:
    scale_by(model, lambda attention: attention.num_heads ** -0.5)


@plants
def product_not_scaled(model: Model) -> None:
    scale_by(model, lambda attention: attention.head_dim ** 0.5)


@plants
def product_scaled_twice(model: Model) -> None:
    scale_by(model, lambda attention: attention.head_dim ** -0.5)


@plants
def softmax_over_the_queries(model: Model) -> None:
    weigh_by(model, lambda product, d, heads: (product / math.sqrt(d)).softmax(-2))


@plants
def heads_concatenated_without_transpose(model: Model) -> None:
    weigh_by(model, lambda product, d, heads: (product / math.sqrt(d)).softmax(-1),
             lambda x: x.reshape(len(x), x.shape[2], -1))


# --- blocks


def combine(model: Model, rule: Callable[..., Tensor]) -> None:
    """Let a block compute rule(x, MSA, MLP, LN, LN), the last four being functions."""
    compute_by(model, Block, lambda block, x: rule(x, block.attn, block.mlp, block.norm1, block.norm2))


@plants
def post_norm_of_the_transformer(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = norm1(x + attend(x))
        return norm2(y + mlp(y))

    combine(model, rule)


@plants
def path_from_behind_the_norm(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = norm1(x) + attend(norm1(x))
        return y + mlp(norm2(y))

    combine(model, rule)


@plants
def attention_and_mlp_side_by_side(model: Model) -> None:
    combine(model, lambda x, attend, mlp, norm1, norm2: x + attend(norm1(x)) + mlp(norm2(x)))


# --- what is classified


def read_by(model: Model, read: Callable[[Tensor], Tensor]) -> None:
    """Give the head read(x) of the tokens (B, n, D) in place of token 0."""
    model.pool = lambda x, pool_type=None: read(x)


@plants
def patches_averaged_for_the_class_token(model: Model) -> None:
    read_by(model, lambda x: x[:, model.num_prefix_tokens:].mean(1))


@plants
def all_tokens_averaged(model: Model) -> None:
    model.global_pool, model.pool_include_prefix = "avg", True


@plants
def last_token_classified(model: Model) -> None:
    read_by(model, lambda x: x.unbind(1)[-1])


@plants
def both_heads_on_the_class_token(model: Model) -> None:
    model.norm = nn.Sequential(model.norm, Calling(lambda x: x[:, :1].expand(-1, 2, -1)))


@plants
def heads_exchanged(model: Model) -> None:
    model.head, model.head_dist = model.head_dist, model.head


@plants
def distillation_head_left_out(model: Model) -> None:
    model.head_dist = model.head
    model.norm = nn.Sequential(model.norm, Calling(lambda x: x[:, :1].expand(-1, 2, -1)))


@plants
def scores_of_both_heads_added(model: Model) -> None:
    for head in (model.head, model.head_dist):
        head.weight.data, head.bias.data = 2 * head.weight.data, 2 * head.bias.data


@plants
def softmax_behind_the_head(model: Model) -> None:
    forward = model.forward_head
    model.forward_head = lambda x: forward(x).softmax(-1)
