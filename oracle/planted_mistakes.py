"""The catalogue's mistakes in the transformers model: each planted by other means, in torch, in one model only."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import SwinForImageClassification
from transformers.models.swin import modeling_swin

from oracle.planting import Calling

Model = SwinForImageClassification
PLANTED_IN_TORCH: dict[str, Callable[[Model], None]] = {}
"""For every mistake of the catalogue that changes the model: the function that plants it in a transformers model."""
PLANTED_IN_PIXELS: dict[str, Callable[[Image.Image], Tensor]] = {}
"""For every mistake of the catalogue with images: (3, 224, 224) float32 in 0..1 or normalised, as it gives them."""


def plants(function: Callable[[Model], None]) -> Callable[[Model], None]:
    PLANTED_IN_TORCH[function.__name__.replace("_", "-")] = function
    return function


def every(model: Model, kind: type) -> Iterator:
    """The model's modules of one type."""
    return (module for module in model.modules() if isinstance(module, kind))


blocks = partial(every, kind=modeling_swin.SwinLayer)
attentions = partial(every, kind=modeling_swin.SwinAttention)
mergings = partial(every, kind=modeling_swin.SwinPatchMerging)
biases = partial(every, kind=modeling_swin.SwinRelativePositionBias)
norms = partial(every, kind=nn.LayerNorm)


# --- patch embedding and patch merging


@plants
def patch_flattened_channels_last(model: Model) -> None:
    weight = model.swin.embeddings.patch_embeddings.projection.weight
    channels, colours, p, q = weight.shape
    weight.data = weight.data.reshape(channels, p, q, colours).permute(0, 3, 1, 2).contiguous()


@plants
def patch_transposed(model: Model) -> None:
    weight = model.swin.embeddings.patch_embeddings.projection.weight
    weight.data = weight.data.mT.contiguous()


@plants
def patches_without_transpose(model: Model) -> None:
    projection = model.swin.embeddings.patch_embeddings.projection

    def forward(pixels: Tensor) -> Tensor:
        (b, _, h, w), (p, q) = pixels.shape, projection.kernel_size
        x = F.linear(pixels.reshape(b, h // p, w // q, -1), projection.weight.flatten(1), projection.bias)
        return x.permute(0, 3, 1, 2)

    projection.forward = forward


@plants
def kernel_flipped(model: Model) -> None:
    weight = model.swin.embeddings.patch_embeddings.projection.weight
    weight.data = weight.data.flip(2, 3)


@plants
def patch_bias_left_out(model: Model) -> None:
    model.swin.embeddings.patch_embeddings.projection.bias = None


@plants
def patch_norm_left_out(model: Model) -> None:
    model.swin.embeddings.norm = nn.Identity()


def merge_by(model: Model, gather: Callable[[Tensor], Tensor]) -> None:
    """Let patch merging make (B, h/2, w/2, 4C) of a map (B, h, w, C) by `gather`."""
    def forward(merging: nn.Module, x: Tensor, size: tuple[int, int]) -> Tensor:
        x = gather(x.view(len(x), *size, -1))
        return merging.reduction(merging.norm(x.flatten(1, 2)))

    for merging in mergings(model):
        merging.forward = partial(forward, merging)


@plants
def merge_row_major(model: Model) -> None:
    merge_by(model, lambda x: torch.cat([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=-1))


@plants
def merge_quadrants(model: Model) -> None:
    def gather(x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=2)
        return torch.cat([*left.chunk(2, dim=1), *right.chunk(2, dim=1)], dim=-1)

    merge_by(model, gather)


@plants
def merge_unfold(model: Model) -> None:
    merge_by(model, lambda x: F.pixel_unshuffle(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1))


@plants
def norm_after_reduction(model: Model) -> None:
    for merging in mergings(model):
        reduction, merging.norm = merging.reduction, nn.Identity()
        merging.reduction = nn.Sequential(reduction, nn.LayerNorm(reduction.out_features, dtype=model.dtype))


@plants
def merging_norm_left_out(model: Model) -> None:
    for merging in mergings(model):
        merging.norm = nn.Identity()


# --- windows, shift and mask


def replace_function(model: Model, name: str, function: Callable) -> None:
    """Let the blocks of this model call another function where they call `name` of transformers' own."""
    def forward(right: Callable, *inputs, **options):
        with mock.patch.object(modeling_swin, name, function):
            return right(*inputs, **options)

    for block in blocks(model):
        block.forward = partial(forward, block.forward)


@plants
def partition_without_transpose(model: Model) -> None:
    replace_function(model, "window_partition", lambda x, m: x.reshape(-1, m, m, x.shape[-1]))


@plants
def windows_strided(model: Model) -> None:
    def partition(x: Tensor, m: int) -> Tensor:
        h, w = x.shape[1] // m, x.shape[2] // m
        return torch.stack([x[:, i::h, j::w] for i in range(h) for j in range(w)], dim=1).flatten(0, 1)

    replace_function(model, "window_partition", partition)


@plants
def window_tokens_transposed(model: Model) -> None:
    right = modeling_swin.window_partition
    replace_function(model, "window_partition", lambda x, m: right(x, m).transpose(1, 2).contiguous())


@plants
def windows_reversed_column_major(model: Model) -> None:
    def reverse(windows: Tensor, m: int, height: int, width: int) -> Tensor:
        windows = windows.unflatten(0, (-1, height // m * (width // m)))
        columns = [torch.cat(column.unbind(1), dim=1) for column in windows.split(height // m, dim=1)]
        return torch.cat(columns, dim=2)

    replace_function(model, "window_reverse", reverse)


@plants
def reverse_without_transpose(model: Model) -> None:
    replace_function(model, "window_reverse", lambda x, m, height, width: x.reshape(-1, height, width, x.shape[-1]))


def shift_by(model: Model, before: int, after: int) -> None:
    """Roll by so many shifts before the attention and after it."""
    def cyclic_shift(block: nn.Module, x: Tensor, reverse: bool = False) -> Tensor:
        by = (after if reverse else before) * block.shift_size
        return x.roll((by, by), (1, 2))

    for block in blocks(model):
        block.cyclic_shift = partial(cyclic_shift, block)


@plants
def roll_direction(model: Model) -> None:
    shift_by(model, 1, -1)


@plants
def no_reverse_roll(model: Model) -> None:
    shift_by(model, -1, 0)


@plants
def reverse_roll_direction(model: Model) -> None:
    shift_by(model, -1, -1)


def mask_from(model: Model, regions: Callable[[int, int, int, int], Tensor]) -> None:
    """Make the mask of shifted blocks from regions(height, width, M, shift), integers (height, width)."""
    def get_attn_mask(block: nn.Module, height: int, width: int, dtype: torch.dtype, device: str) -> Tensor | None:
        if not block.shift_size:
            return None
        ids = regions(height, width, block.window_size, block.shift_size)[None, :, :, None]
        ids = modeling_swin.window_partition(ids, block.window_size).flatten(1)
        return -100.0 * (ids[:, None, :] != ids[:, :, None]).to(dtype)

    for block in blocks(model):
        block.get_attn_mask = partial(get_attn_mask, block)


def bands(side: int, *starts: int) -> Tensor:
    """(side,): how many of the starts each place lies behind."""
    return sum((torch.arange(side) >= start).long() for start in starts)


@plants
def mask_slices_on_nchw(model: Model) -> None:
    mask_from(model, lambda h, w, m, s: bands(h, h - m, h - s)[:, None].expand(h, w))


@plants
def mask_for_the_other_roll(model: Model) -> None:
    mask_from(model, lambda h, w, m, s: 3 * bands(h, s, m)[:, None] + bands(w, s, m))


@plants
def mask_height_and_width_exchanged(model: Model) -> None:
    mask_from(model, lambda h, w, m, s: (3 * bands(w, w - m, w - s)[:, None] + bands(h, h - m, h - s)).reshape(h, w))


@plants
def mask_cut_at_the_rest_of_the_window(model: Model) -> None:
    mask_from(model, lambda h, w, m, s: 3 * bands(h, h - m, h - m + s)[:, None] + bands(w, w - m, w - m + s))


def change_mask(model: Model, change: Callable[[Tensor], Tensor | None]) -> None:
    """Change the masks of shifted blocks, (nW, M^2, M^2)."""
    def get_attn_mask(right: Callable, *inputs, **options) -> Tensor | None:
        mask = right(*inputs, **options)
        return None if mask is None else change(mask)

    for block in blocks(model):
        block.get_attn_mask = partial(get_attn_mask, block.get_attn_mask)


@plants
def mask_inverted(model: Model) -> None:
    change_mask(model, lambda mask: -100 - mask)


@plants
def mask_of_minus_one(model: Model) -> None:
    change_mask(model, lambda mask: mask / 100)


@plants
def no_mask(model: Model) -> None:
    change_mask(model, lambda mask: None)


@plants
def mask_on_regular_windows(model: Model) -> None:
    def get_attn_mask(block: nn.Module, right: Callable, *inputs, **options) -> Tensor:
        with mock.patch.object(block, "shift_size", block.window_size // 2):
            return right(*inputs, **options)

    for block in blocks(model):
        block.get_attn_mask = partial(get_attn_mask, block, block.get_attn_mask)


# --- attention


def index_by(model: Model, index: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    """Make the index from the displacements (down, right), each (M^2, M^2), and M."""
    for bias in biases(model):
        m = bias.window_size[0]
        token = torch.arange(m * m)
        down, right = (place[:, None] - place[None, :] for place in (token // m, token % m))
        bias.relative_position_index = index(down, right, m).flatten()


@plants
def index_transposed(model: Model) -> None:
    index_by(model, lambda down, right, m: (m - 1 - down) * (2 * m - 1) + m - 1 - right)


@plants
def index_factor_2m(model: Model) -> None:
    index_by(model, lambda down, right, m: ((down + m - 1) * 2 * m + right + m - 1).clamp(max=(2 * m - 1) ** 2 - 1))


@plants
def index_factor_m(model: Model) -> None:
    index_by(model, lambda down, right, m: (down + m - 1) * m + right + m - 1)


@plants
def index_columns_first(model: Model) -> None:
    index_by(model, lambda down, right, m: (right + m - 1) * (2 * m - 1) + down + m - 1)


@plants
def index_not_shifted(model: Model) -> None:
    index_by(model, lambda down, right, m: (down * (2 * m - 1) + right) % (2 * m - 1) ** 2)


@plants
def bias_heads_reversed(model: Model) -> None:
    for bias in biases(model):
        bias.relative_position_bias_table.data = bias.relative_position_bias_table.data.flip(1)


@plants
def bias_table_reshaped(model: Model) -> None:
    for bias in biases(model):
        table = bias.relative_position_bias_table
        table.data = table.data.view(table.shape[1], table.shape[0]).T.contiguous()


@plants
def bias_reshaped(model: Model) -> None:
    def forward(bias: nn.Module) -> Tensor:
        looked_up = bias.relative_position_bias_table[bias.relative_position_index]
        return looked_up.view(1, -1, bias.window_area, bias.window_area)

    for bias in biases(model):
        bias.forward = partial(forward, bias)


@plants
def bias_left_out(model: Model) -> None:
    for bias in biases(model):
        bias.relative_position_bias_table.data.zero_()


def regroup_qkv(model: Model, regroup: Callable[[Tensor, int], Tensor]) -> None:
    """Re-order the 3C rows that belong to queries, keys and values, (3C, ...) of weight and bias; given the heads."""
    for attention in attentions(model):
        projections = attention.q_proj, attention.k_proj, attention.v_proj
        for name in ("weight", "bias"):
            rows = regroup(torch.cat([getattr(p, name).data for p in projections]), attention.num_attention_heads)
            for projection, part in zip(projections, rows.chunk(3), strict=True):
                getattr(projection, name).data = part.contiguous()


@plants
def qkv_split_by_head(model: Model) -> None:
    regroup_qkv(model, lambda rows, heads: rows.unflatten(0, (heads, 3, -1)).transpose(0, 1).flatten(0, 2))


@plants
def heads_interleaved(model: Model) -> None:
    regroup_qkv(model, lambda rows, heads: rows.unflatten(0, (3, -1, heads)).transpose(1, 2).flatten(0, 2))


@plants
def queries_and_keys_swapped(model: Model) -> None:
    for attention in attentions(model):
        attention.q_proj, attention.k_proj = attention.k_proj, attention.q_proj


@plants
def keys_and_values_swapped(model: Model) -> None:
    for attention in attentions(model):
        attention.k_proj, attention.v_proj = attention.v_proj, attention.k_proj


def reorder_merged_heads(model: Model, reorder: Callable[[Tensor], Tensor]) -> None:
    """Give the last projection reorder(x) in place of x, the heads' results (B nW, M^2, heads, d)."""
    def change(heads: int, projection: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        return reorder(inputs[0].unflatten(-1, (heads, -1))).reshape(inputs[0].shape)

    for attention in attentions(model):
        attention.o_proj.register_forward_pre_hook(partial(change, attention.num_attention_heads))


@plants
def heads_merged_without_transpose(model: Model) -> None:
    reorder_merged_heads(model, lambda x: x.transpose(1, 2))


@plants
def heads_merged_interleaved(model: Model) -> None:
    reorder_merged_heads(model, lambda x: x.transpose(2, 3))


@plants
def scale_left_out(model: Model) -> None:
    for attention in attentions(model):
        attention.scaling = 1.0


@plants
def scale_twice(model: Model) -> None:
    for attention in attentions(model):
        attention.scaling = 1 / attention.head_dim


@plants
def scale_of_all_channels(model: Model) -> None:
    for attention in attentions(model):
        attention.scaling = 1 / math.sqrt(attention.o_proj.in_features)


def weigh_by(model: Model, weigh: Callable[[Tensor, float, Tensor, Tensor], Tensor]) -> None:
    """Attend with weigh(q k^T, scale, bias, mask), where the mask is 0 where nothing is masked."""
    def forward(attention: nn.Module, x: Tensor, mask: Tensor | None = None, **options) -> tuple[Tensor, None]:
        q, k, v = (projection(x).unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)
                   for projection in (attention.q_proj, attention.k_proj, attention.v_proj))
        mask = x.new_zeros(1, 1, 1, 1) if mask is None else mask.repeat(len(x) // len(mask), 1, 1)[:, None]
        weights = weigh(q @ k.mT, attention.scaling, attention.relative_position_bias(), mask)
        return attention.o_proj((weights @ v).transpose(1, 2).flatten(2)), None

    for attention in attentions(model):
        attention.forward = partial(forward, attention)


@plants
def bias_after_softmax(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: (scale * product + mask).softmax(-1) + bias)


@plants
def bias_scaled(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: (scale * (product + bias) + mask).softmax(-1))


@plants
def softmax_over_queries(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: (scale * product + bias + mask).softmax(-2))


@plants
def probabilities_transposed(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: (scale * product + bias + mask).softmax(-1).mT)


@plants
def mask_multiplied(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: ((scale * product + bias) * (mask == 0)).softmax(-1))


@plants
def mask_after_softmax(model: Model) -> None:
    weigh_by(model, lambda product, scale, bias, mask: (scale * product + bias).softmax(-1) * (mask == 0))


@plants
def masks_repeated_in_the_wrong_order(model: Model) -> None:
    def forward(right: Callable, x: Tensor, mask: Tensor | None = None, **options):
        return right(x, None if mask is None else mask.repeat_interleave(len(x) // len(mask), dim=0), **options)

    for attention in attentions(model):
        attention.forward = partial(forward, attention.forward)


@plants
def proj_left_out(model: Model) -> None:
    for attention in attentions(model):
        attention.o_proj = nn.Identity()


@plants
def proj_transposed(model: Model) -> None:
    for attention in attentions(model):
        attention.o_proj.weight.data = attention.o_proj.weight.data.T.contiguous()


# --- blocks


def attended(block: nn.Module, x: Tensor, size: tuple[int, int]) -> Tensor:
    """The attention's branch of a block without its norm: (B, h w, C) -> (B, h w, C)."""
    nothing = mock.patch.multiple(block, layernorm_before=nn.Identity(), layernorm_after=nn.Identity(),
                                  mlp=Calling(torch.zeros_like))
    with nothing:
        return type(block).forward(block, x, size)[0] - x


def combine(model: Model, rule: Callable[..., Tensor]) -> None:
    """Let a block compute rule(x, attend, MLP, LN, LN), the last four being functions."""
    def forward(block: nn.Module, x: Tensor, size: tuple[int, int], **options) -> tuple[Tensor, None]:
        block.set_shift_and_window_size(size)
        return rule(x, lambda y: attended(block, y, size), block.mlp, block.layernorm_before,
                    block.layernorm_after), None

    for block in blocks(model):
        block.forward = partial(forward, block)


@plants
def post_norm(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = norm1(x + attend(x))
        return norm2(y + mlp(y))

    combine(model, rule)


@plants
def residual_post_norm(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = x + norm1(attend(x))
        return y + norm2(mlp(y))

    combine(model, rule)


@plants
def attention_residual_left_out(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = attend(norm1(x))
        return y + mlp(norm2(y))

    combine(model, rule)


@plants
def mlp_residual_left_out(model: Model) -> None:
    combine(model, lambda x, attend, mlp, norm1, norm2: mlp(norm2(x + attend(norm1(x)))))


@plants
def second_residual_from_the_input(model: Model) -> None:
    combine(model, lambda x, attend, mlp, norm1, norm2: x + mlp(norm2(x + attend(norm1(x)))))


@plants
def residual_after_the_norm(model: Model) -> None:
    def rule(x, attend, mlp, norm1, norm2):
        y = norm1(x) + attend(norm1(x))
        return y + mlp(norm2(y))

    combine(model, rule)


@plants
def parallel_branches(model: Model) -> None:
    combine(model, lambda x, attend, mlp, norm1, norm2: x + attend(norm1(x)) + mlp(norm2(x)))


@plants
def first_norm_left_out(model: Model) -> None:
    for block in blocks(model):
        block.layernorm_before = nn.Identity()


@plants
def second_norm_left_out(model: Model) -> None:
    for block in blocks(model):
        block.layernorm_after = nn.Identity()


@plants
def first_norm_twice(model: Model) -> None:
    for block in blocks(model):
        block.layernorm_after = block.layernorm_before


def shift_as(model: Model, rule: Callable[[int, int], int]) -> None:
    """Set the shift of each block to rule(number of the block in its stage, M)."""
    for stage in model.swin.encoder.layers:
        for number, block in enumerate(stage.blocks):
            block.shift_size = rule(number, block.window_size)


@plants
def no_shift(model: Model) -> None:
    shift_as(model, lambda number, m: 0)


@plants
def shift_in_every_block(model: Model) -> None:
    shift_as(model, lambda number, m: m // 2)


@plants
def shift_in_the_other_blocks(model: Model) -> None:
    shift_as(model, lambda number, m: 0 if number % 2 else m // 2)


@plants
def shift_rounded_up(model: Model) -> None:
    shift_as(model, lambda number, m: (m + 1) // 2 if number % 2 else 0)


@plants
def shift_of_a_single_window(model: Model) -> None:
    def clamp_the_window_only(block: nn.Module, size: tuple[int, int]) -> None:
        block.window_size = min(block.window_size, *size)

    for block in blocks(model):
        block.set_shift_and_window_size = partial(clamp_the_window_only, block)


def activate_by(model: Model, activation: nn.Module) -> None:
    for mlp in every(model, modeling_swin.SwinMLP):
        mlp.activation_fn = activation


@plants
def gelu_by_tanh(model: Model) -> None:
    activate_by(model, nn.GELU(approximate="tanh"))


@plants
def quick_gelu(model: Model) -> None:
    activate_by(model, Calling(lambda x: x * torch.sigmoid(1.702 * x)))


@plants
def relu_for_gelu(model: Model) -> None:
    activate_by(model, nn.ReLU())


@plants
def activation_left_out(model: Model) -> None:
    activate_by(model, nn.Identity())


# --- norms, linear layers and the head


@plants
def norm_eps_1e_6(model: Model) -> None:
    for norm in norms(model):
        norm.eps = 1e-6


@plants
def norm_eps_1e_3(model: Model) -> None:
    for norm in norms(model):
        norm.eps = 1e-3


@plants
def norm_without_weights(model: Model) -> None:
    for norm in norms(model):
        norm.weight = norm.bias = None


def normalise_by(model: Model, rule: Callable[[Tensor, float], Tensor]) -> None:
    """Compute rule(x, eps) in place of (x - mean) / sqrt(variance + eps)."""
    def forward(norm: nn.Module, x: Tensor) -> Tensor:
        return rule(x, norm.eps) * norm.weight + norm.bias

    for norm in norms(model):
        norm.forward = partial(forward, norm)


@plants
def variance_unbiased(model: Model) -> None:
    normalise_by(model, lambda x, eps: (x - x.mean(-1, True)) / (x.var(-1, unbiased=True, keepdim=True) + eps).sqrt())


@plants
def norm_eps_outside_the_root(model: Model) -> None:
    normalise_by(model, lambda x, eps: (x - x.mean(-1, True)) / (x.std(-1, unbiased=False, keepdim=True) + eps))


@plants
def norm_without_mean(model: Model) -> None:
    normalise_by(model, lambda x, eps: F.rms_norm(x, x.shape[-1:], eps=eps))


@plants
def linear_bias_left_out(model: Model) -> None:
    for layer in every(model, nn.Linear):
        layer.bias = None


@plants
def pool_before_the_norm(model: Model) -> None:
    norm, model.swin.layernorm = model.swin.layernorm, nn.Identity()
    model.swin.pooler = Calling(lambda x: norm(x.mean(-1))[..., None])  # (B, C, L) -> (B, C, 1)


@plants
def first_token_for_the_mean(model: Model) -> None:
    model.swin.pooler = Calling(lambda x: x[..., :1])


@plants
def maximum_for_the_mean(model: Model) -> None:
    model.swin.pooler = nn.AdaptiveMaxPool1d(1)


@plants
def final_norm_left_out(model: Model) -> None:
    model.swin.layernorm = nn.Identity()


@plants
def softmax_in_the_model(model: Model) -> None:
    model.classifier = nn.Sequential(model.classifier, nn.Softmax(-1))


# --- images

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def resized_by_pillow(image: Image.Image, shorter: int = 256, method: int = Image.BICUBIC) -> Tensor:
    """The shorter side resized: (3, h, w), 0..255."""
    scale = shorter / min(image.size)
    size = [int(side * scale + 1e-9) for side in image.size]
    return torch.from_numpy(np.array(image.resize(size, method))).permute(2, 0, 1)


def cropped(x: Tensor) -> Tensor:
    """The centre of 224x224, in 0..1."""
    top, left = (round((side - 224) / 2) for side in x.shape[1:])
    return x[:, top:top + 224, left:left + 224] / 255


def normalised(x: Tensor, mean: Tensor = MEAN, std: Tensor = STD) -> Tensor:
    return (x - mean[:, None, None]) / std[:, None, None]


def resized_in_torch(image: Image.Image) -> Tensor:
    """The shorter side resized to 256 by interpolate, without antialiasing."""
    size = [int(256 * side / min(image.size)) for side in (image.height, image.width)]
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).double()
    return F.interpolate(x[None], size, mode="bicubic", align_corners=False)[0].clamp(0, 255).round()


PLANTED_IN_PIXELS.update({
    "bgr-channels": lambda image: normalised(cropped(resized_by_pillow(image)).flip(0)),
    "mean-and-std-swapped": lambda image: normalised(cropped(resized_by_pillow(image)), STD, MEAN),
    "not-normalised": lambda image: cropped(resized_by_pillow(image)),
    "pixels-to-255": lambda image: normalised(255 * cropped(resized_by_pillow(image))),
    "normalised-by-halves": lambda image: 2 * cropped(resized_by_pillow(image)) - 1,
    "channels-reshaped-to-the-front": lambda image: normalised(cropped(resized_by_pillow(image))).permute(
        1, 2, 0).reshape(3, 224, 224),
    "bilinear-resize": lambda image: normalised(cropped(resized_by_pillow(image, method=Image.BILINEAR))),
    "resize-of-opencv": lambda image: normalised(cropped(resized_in_torch(image)).float()),
    "squashed-for-cropped": lambda image: normalised(torch.from_numpy(np.array(
        image.resize((224, 224), Image.BICUBIC))).permute(2, 0, 1) / 255),
    "resized-to-the-crop": lambda image: normalised(cropped(resized_by_pillow(image, 224))),
})
