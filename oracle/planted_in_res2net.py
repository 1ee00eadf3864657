"""Res2Net's own mistakes in timm's model: each planted by other means than in NumPy."""

from collections.abc import Callable

import torch
from timm.models.res2net import Bottle2neck
from timm.models.resnet import ResNet
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from oracle.planting import Plantings, compute_by, every, planter

Model = ResNet
PLANTED_IN_RES2NET: Plantings = {}
plants = planter(PLANTED_IN_RES2NET)


@plants
def splits_not_added(model: Model) -> None:
    for block in every(model, Bottle2neck):
        block.is_first = True                          # the pooling stays where it is


@plants
def splits_added_in_the_first_block(model: Model) -> None:
    model.layer1[0].is_first = False


@plants
def first_block_not_averaged(model: Model) -> None:
    model.layer1[0].pool = None


def pool_by(model: Model, pool: Callable[[int], nn.Module]) -> None:
    """Pool the last split of the first blocks by pool(stride)."""
    for block in every(model, Bottle2neck):
        if block.pool is not None:
            block.pool = pool(block.pool.stride)


@plants
def padding_not_counted(model: Model) -> None:
    pool_by(model, lambda stride: nn.AvgPool2d(3, stride, 1, count_include_pad=False))


@plants
def largest_for_the_average(model: Model) -> None:
    pool_by(model, lambda stride: nn.MaxPool2d(3, stride, 1))


@plants
def subsampled_for_averaged(model: Model) -> None:
    pool_by(model, lambda stride: nn.AvgPool2d(1, stride))


@plants
def split_norms_left_out(model: Model) -> None:
    for block in every(model, Bottle2neck):
        block.bns = nn.ModuleList(nn.Identity() for _ in block.bns)


def reorder_before(model: Model, order: Callable[[int, int], Tensor]) -> None:
    """Give the splits other channels: order(s, width), the numbers of all of them."""
    for block in every(model, Bottle2neck):
        channels = order(block.scale, block.width)
        block.bn1.register_forward_hook(lambda module, inputs, x, channels=channels: x[:, channels])


@plants
def splits_interleaved(model: Model) -> None:
    reorder_before(model, lambda scale, width: torch.arange(scale * width).view(width, scale).T.flatten())


@plants
def splits_in_reverse(model: Model) -> None:
    reorder_before(model, lambda scale, width: torch.arange(scale * width).view(scale, width).flip(0).flatten())


def reorder_after(model: Model) -> None:
    """Put the last split before the others where all are brought together."""
    for block in every(model, Bottle2neck):
        block.conv3.register_forward_pre_hook(lambda module, x, width=block.width: x[0].roll(width, 1))


@plants
def passed_split_put_first(model: Model) -> None:
    reorder_after(model)


@plants
def first_split_passed_on(model: Model) -> None:
    reorder_before(model, lambda scale, width: torch.arange(scale * width).roll(-width))
    reorder_after(model)


def climb_by(model: Model, climb: Callable[[list[Tensor], list[Callable[[Tensor], Tensor]]], list[Tensor]],
             activation: Callable[[Tensor], Tensor] = F.relu) -> None:
    """Make the results of the splits by climb(splits, kernels), but in the first blocks of the stages."""
    def forward(block: Bottle2neck, x: Tensor) -> Tensor:
        splits = block.bn1(block.conv1(x)).relu().split(block.width, 1)
        kernels = [lambda y, i=i: activation(block.bns[i](block.convs[i](y))) for i in range(len(block.convs))]
        if not block.is_first:
            results = climb(splits, kernels)
        else:
            results = [kernel(split) for kernel, split in zip(kernels, splits, strict=False)]
        results.append(splits[-1] if block.pool is None else block.pool(splits[-1]))
        y = block.bn3(block.conv3(torch.cat(results, 1)))
        return (y + (x if block.downsample is None else block.downsample(x))).relu()

    compute_by(model, Bottle2neck, forward)


@plants
def inputs_of_splits_added(model: Model) -> None:
    climb_by(model, lambda splits, kernels: [
        kernels[i](splits[i] + splits[i - 1] if i else splits[i]) for i in range(len(kernels))])


@plants
def splits_added_after_the_convolution(model: Model) -> None:
    climb_by(model, lambda splits, kernels: list(torch.stack(
        [kernel(split) for kernel, split in zip(kernels, splits, strict=False)]).cumsum(0)))


def right_climb(splits: list[Tensor], kernels: list[Callable[[Tensor], Tensor]], before: Tensor | float = 0.0,
                ) -> list[Tensor]:
    """The results, each added to the next; `before`: what is added to the first."""
    results = []
    for kernel, split in zip(kernels, splits, strict=False):
        before = kernel(split + before)
        results.append(before)
    return results


@plants
def passed_split_added(model: Model) -> None:
    climb_by(model, lambda splits, kernels: right_climb(splits, kernels, splits[-1]))


@plants
def split_relus_left_out(model: Model) -> None:
    climb_by(model, right_climb, activation=lambda x: x)
