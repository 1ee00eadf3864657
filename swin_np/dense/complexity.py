"""FPN, U-Net and UPerNet on a backbone, counted layer by layer: multiply-adds, parameters and activation bytes.

The convention is that of swin_np.complexity and its like for convolutions: one multiply-add for each term of each
product. Sums, pooling and stretching count nothing but what they write; doubling pixels and putting maps side by side
only move elements, and count nothing at all.
"""

import numpy as np

from swin_np.baselines.convolution_complexity import chain_costs, conv_cost, pool_cost
from swin_np.costs import LayerCost, array_bytes, element_cost
from swin_np.dense.backbones import DenseConfig, MapShape, backbone_costs
from swin_np.dense.convolution_module import ConvModule
from swin_np.dense.fpn import PooledLevel, StridedLevels
from swin_np.dense.pyramid import FeaturePyramid, FPNConfig
from swin_np.dense.segmentation import UNet, UNetConfig, UPerNet, UPerNetConfig
from swin_np.dense.unet import UpConvolution
from swin_np.functional import Size, pair


def conv_module_costs(name: str, module: ConvModule, shape: MapShape, dtype: type) -> list[LayerCost]:
    """Convolution, batch norm and ReLU on a map (h, w, C)."""
    costs = chain_costs([(f"{name}.conv", module.conv), (f"{name}.batch_norm", module.batch_norm)], shape, dtype)
    return [*costs, element_cost(name, "relu", costs[-1].output_shape, dtype=dtype)]


def up_convolution_cost(name: str, module: UpConvolution, shape: MapShape, dtype: type) -> LayerCost:
    """Every pixel of (h, w, C) becomes 2x2 of as many channels as the module gives, each a product of C terms.

    A row or column that is cut off afterwards, where the finer map has an odd side, is computed and counted.
    """
    h, w, _ = shape
    output = (2 * h, 2 * w, module.weight.shape[1])
    return LayerCost(name, "up-conv", output, module.weight.size + module.bias.size, h * w * module.weight.size,
                     array_bytes(output, dtype))


def fpn_costs(config: FPNConfig, img_size: Size = 224, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of an FPN on its backbone in the order of computation, for one image of `img_size` pixels.

    >>> total(fpn_costs(FPN_VARIANTS["fpn_resnet_50"])).parameters
    26852416
    """
    costs, shapes = backbone_costs(config, img_size, dtype), config.map_shapes(img_size)
    fpn = FeaturePyramid.random(config, None).fpn
    laterals = [conv_cost(f"fpn.inner_blocks.{i}.0", conv, shape, dtype)
                for i, ((conv,), shape) in enumerate(zip(fpn.inner_blocks, shapes, strict=True))]
    sums = [element_cost(lateral.name, "sum", lateral.output_shape, dtype=dtype) for lateral in laterals[-2::-1]]
    levels = [conv_cost(f"fpn.layer_blocks.{i}.0", conv, lateral.output_shape, dtype)
              for i, ((conv,), lateral) in enumerate(zip(fpn.layer_blocks, laterals, strict=True))]
    return [*costs, *laterals, *sums, *levels, *extra_level_costs(fpn.extra_blocks, levels[-1].output_shape, dtype)]


def extra_level_costs(extra: PooledLevel | StridedLevels | None, coarsest: MapShape, dtype: type) -> list[LayerCost]:
    """What follows the coarsest level (h, w, channels)."""
    if extra is None:
        return []
    if isinstance(extra, PooledLevel):
        return [pool_cost("fpn.extra_blocks.pool", "max", coarsest, 1, 2, 0, dtype)]
    p6 = conv_cost("fpn.extra_blocks.p6", extra.p6, coarsest, dtype)
    return [p6, element_cost("fpn.extra_blocks.p7", "relu", p6.output_shape, dtype=dtype),
            conv_cost("fpn.extra_blocks.p7", extra.p7, p6.output_shape, dtype)]


def upernet_costs(config: UPerNetConfig, img_size: Size = 224, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a UPerNet on its backbone in the order of computation, for one image of `img_size` pixels.

    >>> total(upernet_costs(UPERNET_VARIANTS["upernet_swin_t"])).parameters
    59018064
    """
    costs, shapes = backbone_costs(config, img_size, dtype), config.map_shapes(img_size)
    head, name = UPerNet.random(config, None).decode_head, "decode_head"
    widths = [(h, w, config.channels) for h, w, _ in shapes]            # of the levels inside the head
    for i, (means, conv) in enumerate(head.psp_modules):
        boxes = (means.bins, means.bins, shapes[-1][2])
        costs.append(element_cost(f"{name}.psp_modules.{i}.0", "mean", boxes, dtype=dtype))
        costs += conv_module_costs(f"{name}.psp_modules.{i}.1", conv, boxes, dtype)
    costs.append(element_cost(f"{name}.bottleneck", "bilinear", widths[-1], len(head.psp_modules), dtype=dtype))
    beside = (*shapes[-1][:2], head.bottleneck.conv.weight.shape[1])
    costs += conv_module_costs(f"{name}.bottleneck", head.bottleneck, beside, dtype)
    for i in reversed(range(len(shapes) - 1)):
        lateral = f"{name}.lateral_convs.{i}"
        costs += conv_module_costs(lateral, head.lateral_convs[i], shapes[i], dtype)
        costs += [element_cost(lateral, kind, widths[i], dtype=dtype) for kind in ("bilinear", "sum")]
    for i, conv in enumerate(head.fpn_convs):
        costs += conv_module_costs(f"{name}.fpn_convs.{i}", conv, widths[i], dtype)
    costs.append(element_cost(f"{name}.fpn_bottleneck", "bilinear", widths[0], len(widths) - 1, dtype=dtype))
    beside = (*shapes[0][:2], len(widths) * config.channels)
    costs += conv_module_costs(f"{name}.fpn_bottleneck", head.fpn_bottleneck, beside, dtype)
    costs.append(conv_cost(f"{name}.classifier", head.classifier, widths[0], dtype))
    return [*costs, scores_cost(config, img_size, dtype)]


def unet_costs(config: UNetConfig, img_size: Size = 224, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a U-Net on its backbone in the order of computation, for one image of `img_size` pixels."""
    costs, shapes = backbone_costs(config, img_size, dtype), config.map_shapes(img_size)
    head, below = UNet.random(config, None).decode_head, shapes[-1]
    for i, (block, skip) in enumerate(zip(head.up_blocks, shapes[-2::-1], strict=True)):
        name = f"decode_head.up_blocks.{i}"
        costs.append(up_convolution_cost(f"{name}.up", block.up, below, dtype))
        first, second = block.convs
        costs += conv_module_costs(f"{name}.convs.0", first, (*skip[:2], 2 * skip[2]), dtype)
        costs += conv_module_costs(f"{name}.convs.1", second, skip, dtype)
        below = skip
    costs.append(conv_cost("decode_head.classifier", head.classifier, below, dtype))
    return [*costs, scores_cost(config, img_size, dtype)]


def scores_cost(config: DenseConfig, img_size: Size, dtype: type) -> LayerCost:
    """The scores, stretched to the size of the image (H, W, num_classes)."""
    return element_cost("scores", "bilinear", (*pair(img_size), config.num_classes), dtype=dtype)
