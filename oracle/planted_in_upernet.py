"""UPerNet's own mistakes in transformers' model: each planted by other means than in NumPy."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import UperNetForSemanticSegmentation
from transformers.models.upernet.modeling_upernet import UperNetConvModule, UperNetHead

from oracle.planting import Calling, Plantings, compute_by, every, planter

Model = UperNetForSemanticSegmentation
PLANTED_IN_UPERNET: Plantings = {}
plants = planter(PLANTED_IN_UPERNET)

bilinear = partial(F.interpolate, mode="bilinear", align_corners=False)
nearest = partial(F.interpolate, mode="nearest")


# --- maps


@plants
def map_norms_left_out(model: Model) -> None:
    norms = model.backbone.hidden_states_norms
    for name in norms:
        norms[name] = nn.Identity()


@plants
def only_the_last_map_normalised(model: Model) -> None:
    norms = model.backbone.hidden_states_norms
    for name in list(norms)[:-1]:
        norms[name] = nn.Identity()


# --- convolution, norm and activation


@plants
def relu_before_the_batch_norm(model: Model) -> None:
    for module in every(model, UperNetConvModule):
        module.batch_norm, module.activation = module.activation, module.batch_norm


@plants
def head_norms_left_out(model: Model) -> None:
    for module in every(model, UperNetConvModule):
        module.batch_norm = nn.Identity()


@plants
def head_relus_left_out(model: Model) -> None:
    for module in every(model, UperNetConvModule):
        module.activation = nn.Identity()


@plants
def lateral_without_relu(model: Model) -> None:
    for lateral in model.decode_head.lateral_convs:
        lateral.activation = nn.Identity()


# --- pyramid pooling


def pool_by(model: Model, pool: Callable[[Tensor, int], Tensor]) -> None:
    """Pool to n x n boxes by pool(x, n)."""
    for block in model.decode_head.psp_modules.blocks:
        block.layers[0] = Calling(partial(lambda n, x: pool(x, n), block.layers[0].output_size))


@plants
def boxes_without_overlap(model: Model) -> None:
    def ends(side: int, n: int) -> list[tuple[int, int]]:
        cuts = [side * i // n for i in range(n + 1)]
        return [(start, max(stop, start + 1)) for start, stop in pairwise(cuts)]

    def pool(x: Tensor, n: int) -> Tensor:
        rows = [[x[:, :, top:bottom, left:right].mean((2, 3)) for left, right in ends(x.shape[3], n)]
                for top, bottom in ends(x.shape[2], n)]
        return torch.stack([torch.stack(row, -1) for row in rows], -2)

    pool_by(model, pool)


@plants
def largest_of_the_boxes(model: Model) -> None:
    pool_by(model, F.adaptive_max_pool2d)


@plants
def pool_scales_in_reverse(model: Model) -> None:
    for block, n in zip(model.decode_head.psp_modules.blocks, reversed(model.config.pool_scales), strict=True):
        block.layers[0].output_size = n


@plants
def means_stretched_to_the_nearest(model: Model) -> None:
    pyramid = model.decode_head.psp_modules
    pyramid.forward = lambda x: [nearest(block(x), x.shape[2:]) for block in pyramid.blocks]


@plants
def means_before_the_map(model: Model) -> None:
    head = model.decode_head
    channels = head.in_channels[-1]
    head.bottleneck.register_forward_pre_hook(lambda module, x: x[0].roll(-channels, 1))


# --- stretching, the top-down path and fusion


def stretched_by(model: Model, interpolate: Callable) -> None:
    """Let the whole model stretch by another function."""
    forward = model.forward

    def wrong(*inputs, **options):
        with mock.patch.object(F, "interpolate", interpolate):
            return forward(*inputs, **options)

    model.forward = wrong


@plants
def corners_aligned(model: Model) -> None:
    right = F.interpolate
    stretched_by(model, lambda x, size, mode, align_corners: right(x, size, mode=mode, align_corners=True))


def head_by(model: Model, add: Callable[[Tensor, Tensor], Tensor] | None = None,
            fuse: Callable[[UperNetHead, list[Tensor]], list[Tensor]] | None = None, refined: bool = True) -> None:
    """Let a lateral become add(lateral, coarser), and what is put side by side be fuse(head, levels).

    refined: whether the coarser one has been added to before.
    """
    def forward(head: UperNetHead, maps: list[Tensor]) -> Tensor:
        laterals = [lateral(x) for lateral, x in zip(head.lateral_convs, maps, strict=False)]
        laterals.append(head.psp_forward(maps))
        sums = list(laterals)
        for i in reversed(range(len(sums) - 1)):
            coarser = sums[i + 1] if refined else laterals[i + 1]
            sums[i] = add(sums[i], coarser) if add else sums[i] + bilinear(coarser, sums[i].shape[2:])
        levels = [*(convolve(x) for convolve, x in zip(head.fpn_convs, sums, strict=False)), sums[-1]]
        levels = fuse(head, levels) if fuse else [bilinear(x, levels[0].shape[2:]) for x in levels]
        return head.classifier(head.fpn_bottleneck(torch.cat(levels, 1)))

    compute_by(model, UperNetHead, forward)


@plants
def coarser_level_of_the_nearest(model: Model) -> None:
    head_by(model, lambda lateral, coarser: lateral + nearest(coarser, lateral.shape[2:]))


@plants
def top_down_path_left_out(model: Model) -> None:
    head_by(model, lambda lateral, coarser: lateral)


@plants
def coarser_lateral_added_alone(model: Model) -> None:
    head_by(model, refined=False)


@plants
def coarsest_level_convolved(model: Model) -> None:
    head_by(model, fuse=lambda head, levels: [bilinear(x, levels[0].shape[2:]) for x in (
        *levels[:-1], head.fpn_convs[-1](levels[-1]))])


@plants
def levels_from_the_coarsest(model: Model) -> None:
    head = model.decode_head
    head.fpn_bottleneck.register_forward_pre_hook(
        lambda module, x: torch.cat(x[0].split(head.channels, 1)[::-1], 1))


@plants
def levels_stretched_to_the_nearest(model: Model) -> None:
    head_by(model, fuse=lambda head, levels: [nearest(x, levels[0].shape[2:]) for x in levels])


# --- scores


def scores_by(model: Model, change: Callable[[Tensor, torch.Size], Tensor]) -> None:
    """Let the scores of the pixels be change(the head's scores, size of the images)."""
    sizes: list[torch.Size] = []
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(inputs[0].shape[2:]))
    model.decode_head.register_forward_hook(lambda module, inputs, scores: change(scores, sizes[-1]))


@plants
def scores_of_the_nearest(model: Model) -> None:
    scores_by(model, nearest)                          # stretching what has the size already changes nothing


@plants
def probabilities_stretched(model: Model) -> None:
    scores_by(model, lambda scores, size: scores.softmax(1))
