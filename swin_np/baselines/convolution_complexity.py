"""ResNet, ResNeXt and Res2Net counted layer by layer: multiply-adds, parameters and activation bytes.

The convention is that of swin_np.complexity: one multiply-add for each term of each product. Batch norm counts nothing,
since at inference it is a factor and an offset that the convolution before it could take over, nor do ReLU, pooling
and sums. So counted, ResNet-50 has 4.089 G at 224x224, as is commonly given.
"""

import math
from collections.abc import Iterable

import numpy as np

from swin_np.baselines.res2net import Bottle2neck, Res2Net, Res2NetConfig
from swin_np.baselines.resnet import BasicBlock, ResidualBlock, ResNet, ResNetConfig
from swin_np.convolution.functional import checked_size, out_size, pool_size
from swin_np.convolution.layers import AvgPool2d, BatchNorm2d, Conv2d
from swin_np.costs import LayerCost, array_bytes, element_cost, linear_cost
from swin_np.functional import Size
from swin_np.layers import Module

Shape = tuple[int, int, int]                           # (h, w, C) of one image's map


def conv_cost(name: str, conv: Conv2d, shape: Shape, dtype: type = np.float32) -> LayerCost:
    """A convolution of a map (H, W, C): every output is a product of C / groups kh kw terms."""
    outputs, *terms = conv.weight.shape
    size = out_size(shape[:2], terms[1:], conv.stride, conv.padding, conv.dilation)
    parameters = conv.weight.size + (0 if conv.bias is None else outputs)
    return LayerCost(name, "convolution", (*size, outputs), parameters, math.prod((*size, outputs, *terms)),
                     array_bytes((*size, outputs), dtype))


def pool_cost(name: str, kind: str, shape: Shape, kernel: int, stride: int, padding: int,
              dtype: type = np.float32) -> LayerCost:
    """A pooling, "max" or "mean", of a map (H, W, C)."""
    sides = pool_size(shape[:2], (kernel, kernel), (stride, stride), (padding, padding))
    return element_cost(name, kind, (*sides, shape[2]), dtype=dtype)


def module_cost(name: str, module: Module, shape: Shape, dtype: type) -> LayerCost:
    """One module on a map (H, W, C)."""
    if isinstance(module, Conv2d):
        return conv_cost(name, module, shape, dtype)
    if isinstance(module, BatchNorm2d):
        return element_cost(name, "batch norm", shape, parameters=2 * shape[2], dtype=dtype)
    if isinstance(module, AvgPool2d) and module.ceil_mode:              # v1b: windows side by side, cut ones too
        sides = (-(-side // module.stride) for side in shape[:2])
        return element_cost(name, "mean", (*sides, shape[2]), dtype=dtype)
    if isinstance(module, AvgPool2d):
        return pool_cost(name, "mean", shape, module.kernel_size, module.stride, module.padding, dtype)
    return element_cost(name, "relu", shape, dtype=dtype)


def chain_costs(modules: Iterable[tuple[str, Module]], shape: Shape, dtype: type) -> list[LayerCost]:
    """Modules one after the other, with their names."""
    costs = []
    for name, module in modules:
        costs.append(module_cost(name, module, shape, dtype))
        shape = costs[-1].output_shape
    return costs


def split_costs(name: str, block: Bottle2neck, shape: Shape, dtype: type) -> list[LayerCost]:
    """The splits of a Res2Net block, from all of them (H, W, s width) to all of them, put together again."""
    width, costs = shape[2] // (len(block.convs) + 1), []
    for k, (conv, bn) in enumerate(zip(block.convs, block.bns, strict=True)):
        if k and block.pool is None:
            costs.append(element_cost(f"{name}.convs.{k}", "sum", (*shape[:2], width), dtype=dtype))
        costs += chain_costs([(f"{name}.convs.{k}", conv), (f"{name}.bns.{k}", bn)], (*shape[:2], width), dtype)
        costs.append(element_cost(f"{name}.relu", "relu", costs[-1].output_shape, dtype=dtype))
    if block.pool is not None:
        costs.append(module_cost(f"{name}.pool", block.pool, (*shape[:2], width), dtype))
    return costs


def block_costs(name: str, block: ResidualBlock, shape: Shape, dtype: type = np.float32) -> list[LayerCost]:
    """A residual block of any kind on a map (H, W, C)."""
    def norm_relu(number: int, x: Shape) -> list[LayerCost]:
        pair = [(f"{name}.{kind}{number}", getattr(block, f"{kind}{number}")) for kind in ("conv", "bn")]
        costs = chain_costs(pair, x, dtype)
        return [*costs, element_cost(f"{name}.relu", "relu", costs[-1].output_shape, dtype=dtype)]

    costs = norm_relu(1, shape)
    if isinstance(block, Bottle2neck):
        costs += split_costs(name, block, costs[-1].output_shape, dtype)
        joined = (*costs[-1].output_shape[:2], block.conv3.weight.shape[1])
    else:
        costs += norm_relu(2, costs[-1].output_shape)
        joined = costs[-1].output_shape
    if not isinstance(block, BasicBlock):
        costs += norm_relu(3, joined)
    costs.pop()                                        # the last ReLU comes after the sum
    output = costs[-1].output_shape
    costs += chain_costs([(f"{name}.downsample.{i}", module) for i, module in enumerate(block.downsample or [])],
                         shape, dtype)
    return [*costs, element_cost(name, "sum", output, dtype=dtype),
            element_cost(f"{name}.relu", "relu", output, dtype=dtype)]


def layer_costs(config: ResNetConfig, img_size: Size = 224, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a ResNet, ResNeXt or Res2Net in the order of computation, for one image of `img_size` pixels.

    >>> total(layer_costs(RESNET_VARIANTS["resnet_50"])).multiply_adds
    4089184256
    """
    model = (Res2Net if isinstance(config, Res2NetConfig) else ResNet).random(config, None)
    stem = model.conv1 if isinstance(model.conv1, list) else None
    first = [("conv1", model.conv1)] if stem is None else [(f"conv1.{i}", layer) for i, layer in enumerate(stem)]
    costs = chain_costs([*first, ("bn1", model.bn1)], (*checked_size(img_size), config.in_chans), dtype)
    costs.append(element_cost("relu", "relu", costs[-1].output_shape, dtype=dtype))
    costs.append(pool_cost("maxpool", "max", costs[-1].output_shape, 3, 2, 1, dtype))
    for stage in range(len(config.layers)):
        for j, block in enumerate(getattr(model, f"layer{stage + 1}")):
            costs += block_costs(f"layer{stage + 1}.{j}", block, costs[-1].output_shape, dtype)
    channels = config.channels(len(config.layers) - 1)
    costs.append(element_cost("avgpool", "mean", (channels,), dtype=dtype))
    if config.num_classes:
        costs.append(linear_cost("fc", (), channels, config.num_classes, dtype=dtype))
    return costs
