"""The mistakes of ResNet and ResNeXt in torchvision's model: each planted by other means than in NumPy."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torchvision.models.resnet import Bottleneck, ResNet

from oracle.planting import Calling, Plantings, compute_by, every, planter

Model = ResNet
PLANTED_IN_RESNET: Plantings = {}
plants = planter(PLANTED_IN_RESNET)


# --- convolutions


@plants
def padding_of_tensorflow(model: Model) -> None:
    for convolution in every(model, nn.Conv2d):        # on even maps: one pixel less at the top and left
        if convolution.stride == (2, 2) and convolution.padding != (0, 0):
            p = convolution.padding[0]
            convolution.padding = (0, 0)
            convolution.register_forward_pre_hook(lambda module, x, p=p: F.pad(x[0], (p - 1, p, p - 1, p)))


@plants
def kernels_turned(model: Model) -> None:
    for convolution in every(model, nn.Conv2d):
        convolution.weight.data = convolution.weight.data.rot90(2, (2, 3)).contiguous()


@plants
def kernels_transposed(model: Model) -> None:
    for convolution in every(model, nn.Conv2d):
        convolution.weight.data = convolution.weight.data.mT.contiguous()


@plants
def groups_interleaved(model: Model) -> None:
    for convolution in every(model, nn.Conv2d):
        if convolution.groups > 1:
            order = torch.arange(convolution.in_channels).view(-1, convolution.groups).T.flatten()
            convolution.register_forward_pre_hook(lambda module, x, order=order: x[0][:, order])


# --- batch normalisation


@plants
def batch_norm_eps_1e_3(model: Model) -> None:
    for norm in every(model, nn.BatchNorm2d):
        norm.eps = 1e-3


@plants
def statistics_of_the_batch(model: Model) -> None:
    model.train()


def normalise_by(model: Model, rule: Callable[[Tensor, float], Tensor]) -> None:
    """Multiply the centred channels by rule(running variance, eps) in place of its inverse root."""
    def forward(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
        scale = rule(norm.running_var, norm.eps) * norm.weight
        return (x - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]

    compute_by(model, nn.BatchNorm2d, forward)


@plants
def variance_taken_for_deviation(model: Model) -> None:
    normalise_by(model, lambda variance, eps: 1 / variance)


@plants
def batch_norm_eps_outside_the_root(model: Model) -> None:
    normalise_by(model, lambda variance, eps: 1 / (variance.sqrt() + eps))


@plants
def batch_norm_without_weights(model: Model) -> None:
    for norm in every(model, nn.BatchNorm2d):
        norm.weight = norm.bias = None


@plants
def bias_and_mean_exchanged(model: Model) -> None:
    for norm in every(model, nn.BatchNorm2d):
        norm.bias.data, norm.running_mean = norm.running_mean, norm.bias.data


# --- stem


@plants
def relu_left_out_of_the_stem(model: Model) -> None:
    model.relu = nn.Identity()


@plants
def stem_pooled_by_means(model: Model) -> None:
    model.maxpool = nn.AvgPool2d(3, 2, 1)


@plants
def max_pool_from_the_corner(model: Model) -> None:
    model.maxpool = nn.MaxPool2d(3, 2, 0, ceil_mode=True)


# --- blocks


@plants
def stride_on_the_first_convolution(model: Model) -> None:
    for block in every(model, Bottleneck):
        block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)


class Relus(nn.Module):
    """The one activation that a block calls several times: those of these numbers are left out."""

    def __init__(self, calls: int, *left_out: int):
        super().__init__()
        self.calls, self.left_out, self.called = calls, left_out, 0

    def forward(self, x: Tensor) -> Tensor:
        number, self.called = self.called, (self.called + 1) % self.calls
        return x if number in self.left_out else x.relu()


@plants
def second_relu_left_out(model: Model) -> None:
    for block in every(model, Bottleneck):
        block.relu = Relus(3, 1)


def residual_by(model: Model, branch: nn.Module, after: bool, shortcut: bool = True) -> None:
    """Put `branch` at the end of each branch; whether there is a ReLU after the addition, and anything to be added."""
    for block in every(model, Bottleneck):
        block.bn3 = nn.Sequential(block.bn3, branch)
        if not after:
            block.relu = Relus(3, 2)
        if not shortcut:
            block.downsample = Calling(lambda x: x.new_zeros(1))


@plants
def relu_before_the_addition(model: Model) -> None:
    residual_by(model, nn.ReLU(), after=False)


@plants
def relu_after_the_addition_left_out(model: Model) -> None:
    residual_by(model, nn.Identity(), after=False)


@plants
def shortcut_left_out(model: Model) -> None:
    residual_by(model, nn.Identity(), after=True, shortcut=False)


@plants
def shortcut_norm_left_out(model: Model) -> None:
    for block in every(model, Bottleneck):
        if block.downsample is not None:
            block.downsample[1] = nn.Identity()


@plants
def shortcut_without_projection(model: Model) -> None:
    def pad(stride: int, missing: int, x: Tensor) -> Tensor:
        return F.pad(F.max_pool2d(x, 1, stride), (0, 0, 0, 0, 0, missing))

    for block in every(model, Bottleneck):
        if block.downsample is not None:
            convolution = block.downsample[0]
            missing = convolution.out_channels - convolution.in_channels
            block.downsample = Calling(partial(pad, convolution.stride[0], missing))


# --- head


@plants
def largest_position_for_the_mean(model: Model) -> None:
    model.avgpool = nn.AdaptiveMaxPool2d(1)


@plants
def mean_over_7x7(model: Model) -> None:
    model.avgpool = nn.AvgPool2d(7)


@plants
def positions_summed(model: Model) -> None:
    model.avgpool = Calling(lambda x: x.flatten(2).cumsum(2)[..., -1:])


@plants
def softmax_behind_fc(model: Model) -> None:
    model.fc = nn.Sequential(model.fc, nn.Softmax(1))
