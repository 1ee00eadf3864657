"""UPerNet: what goes wrong with the norms of the maps, pyramid pooling, the top-down path, fusion, and stretching."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial

import numpy as np

from swin_np.convolution.functional import interpolate_bilinear, interpolate_nearest, relu
from swin_np.dense.upernet import UPerHead, add_coarser
from swin_np.functional import Array, Size, pair, softmax
from swin_np.layers import Module
from swin_np.mistakes.mistake import mistake, shown_as

MAP_NORM = "swin_np.dense.backbones.DenseModel.normalised"
ADAPTIVE = "swin_np.convolution.functional.adaptive_avg_pool2d"
PYRAMID = "swin_np.dense.upernet.UPerHead.pyramid_pooling"
STRETCH = "swin_np.convolution.functional.interpolate_bilinear"
CONV_MODULE = "swin_np.dense.convolution_module.ConvModule.forward"
ADD = "swin_np.dense.upernet.add_coarser"
TOP_DOWN = "swin_np.dense.upernet.UPerHead.top_down"
FUSE = "swin_np.dense.upernet.UPerHead.fuse"
SCORES = "swin_np.dense.segmentation.stretched_to_image"

MAP_NORMS = r"norms\.\d"
HEAD = r"decode_head\."
MODULE = HEAD + r"(psp_modules\.\d\.1|lateral_convs\.\d|fpn_convs\.\d|bottleneck|fpn_bottleneck)"
POOLED = HEAD + r"psp_modules\.\d\.0"
BESIDE = HEAD + r"bottleneck(\.conv)?"                 # what is put beside the map is no module's output
LEVELS = HEAD + r"fpn_convs\.\d(\.conv)?"              # neither is what the top-down path gives
FUSED = HEAD + r"fpn_bottleneck(\.conv)?"

FIG_4 = "section 3.1 of the UPerNet paper, Fig. 4"
POOLING = "section 3.2 of the PSPNet paper, Fig. 3"
BACKBONE = "section 4.3 of the Swin paper, and its code for segmentation"

RIGHT_STRETCH = partial(interpolate_bilinear)          # objects of their own, which planting leaves be
RIGHT_FUSION = partial(UPerHead.fuse)


@mistake(MAP_NORM, place=BACKBONE, modules=MAP_NORMS, needs="a norm of each map",
         says="The head is given the backbone's maps as they are, without the norm that each has in segmentation.",
         fix="Apply the norm of its stage to each map before the head.")
def map_norms_left_out(self: Module, i: int, x: Array) -> Array:
    return shown_as(self.norms[i], x)


@mistake(MAP_NORM, place=BACKBONE, modules=MAP_NORMS, needs="a norm of each map",
         says="Only the last map is normalised, as in classification, which has one norm at the backbone's end.",
         fix="Apply the norm of its stage to each map before the head.")
def only_the_last_map_normalised(self: Module, i: int, x: Array) -> Array:
    return self.norms[i](x) if i == len(self.norms) - 1 else shown_as(self.norms[i], x)


@mistake(CONV_MODULE, place=FIG_4, modules=MODULE + r"(\.batch_norm)?",
         says="The activation comes before the batch norm, so what the head adds up is no longer positive.",
         fix="Keep the order: convolution, batch norm, ReLU.")
def relu_before_the_batch_norm(self: Module, x: Array) -> Array:
    return self.batch_norm(relu(self.conv(x)))


@mistake(CONV_MODULE, place=FIG_4, modules=MODULE + r"(\.batch_norm)?",
         says="The convolutions of the head have no batch norm.",
         fix="Apply batch_norm between convolution and ReLU.")
def head_norms_left_out(self: Module, x: Array) -> Array:
    return relu(shown_as(self.batch_norm, self.conv(x)))


@mistake(CONV_MODULE, place=FIG_4, modules=MODULE,
         says="The convolutions of the head have no activation.",
         fix="Apply ReLU after the batch norm of each.")
def head_relus_left_out(self: Module, x: Array) -> Array:
    return self.batch_norm(self.conv(x))


@mistake(ADAPTIVE, place=POOLING, modules=POOLED, needs="a map that a pool scale does not divide",
         says="The boxes of the pyramid end where the next one begins, rounded down, so pixels that two boxes share "
              "count in one only.",
         fix="Let box i of n reach from floor(i h / n) to ceil((i + 1) h / n).")
def boxes_without_overlap(x: Array, size: Size) -> Array:
    for axis, count in zip((1, 2), pair(size), strict=True):
        side = x.shape[axis]
        starts = [side * i // count for i in range(count)]
        stops = [max(side * (i + 1) // count, start + 1) for i, start in enumerate(starts)]
        x = np.stack([x[(slice(None),) * axis + (slice(start, stop),)].mean(axis=axis)
                      for start, stop in zip(starts, stops, strict=True)], axis=axis)
    return x


@mistake(ADAPTIVE, place=POOLING, modules=POOLED,
         says="The boxes of the pyramid are pooled by their largest values instead of their means.",
         fix="Take the mean of each box.")
def largest_of_the_boxes(x: Array, size: Size) -> Array:
    for axis, count in zip((1, 2), pair(size), strict=True):
        side = x.shape[axis]
        boxes = [slice(side * i // count, -(-side * (i + 1) // count)) for i in range(count)]
        x = np.stack([x[(slice(None),) * axis + (box,)].max(axis=axis) for box in boxes], axis=axis)
    return x


def pyramid(head: Module, x: Array, means: Sequence[Array], last: bool = False) -> Array:
    """The bottleneck over the map and its means, side by side; `last`: the map comes last."""
    return head.bottleneck(np.concatenate([*means, x] if last else [x, *means], axis=-1))


@mistake(PYRAMID, place=POOLING, modules=HEAD + r"psp_modules\.\d\.1(\.conv|\.batch_norm)?",
         says="The pool scales run from 6 to 1 instead of from 1 to 6, so each has the convolution of another.",
         fix="Let psp_modules.0 pool to one box, and the others to 2x2, 3x3 and 6x6.")
def pool_scales_in_reverse(self: Module, x: Array) -> Array:
    scales = zip(reversed(self.psp_modules), self.psp_modules, strict=True)
    return pyramid(self, x, [RIGHT_STRETCH(conv(pool(x)), x.shape[1:3]) for (pool, _), (_, conv) in scales])


@mistake(PYRAMID, place=POOLING, modules=BESIDE,
         says="The means of the boxes are stretched by copying the nearest one instead of bilinear interpolation.",
         fix="Stretch them bilinearly to the size of the map, between the centres of pixels.")
def means_stretched_to_the_nearest(self: Module, x: Array) -> Array:
    return pyramid(self, x, [interpolate_nearest(conv(pool(x)), x.shape[1:3]) for pool, conv in self.psp_modules])


@mistake(PYRAMID, place=POOLING, modules=BESIDE,
         says="The means come first and the map last where they are put side by side, so the bottleneck's weights meet "
              "other channels.",
         fix="Concatenate the map first, then the means from the coarsest on.")
def means_before_the_map(self: Module, x: Array) -> Array:
    means = [interpolate_bilinear(conv(pool(x)), x.shape[1:3]) for pool, conv in self.psp_modules]
    return pyramid(self, x, means, last=True)


@mistake(STRETCH, place=FIG_4, modules=BESIDE,
         says="Maps are stretched with their corners aligned (align_corners=True) instead of the areas of their "
              "pixels.",
         fix="Interpolate between the centres of pixels: align_corners=False.")
def corners_aligned(x: Array, size: Size) -> Array:
    for axis, count in zip((1, 2), pair(size), strict=True):
        at = np.arange(count) * ((x.shape[axis] - 1) / max(count - 1, 1))
        low = np.minimum(at.astype(np.intp), x.shape[axis] - 1)
        share = (at - low).astype(x.dtype).reshape((-1,) + (1,) * (3 - axis))
        x = x.take(low, axis) * (1 - share) + x.take(np.minimum(low + 1, x.shape[axis] - 1), axis) * share
    return x


@mistake(ADD, place=FIG_4, modules=LEVELS,
         says="The coarser level is stretched by copying the nearest pixel before it is added, as the first FPN does "
              "it, instead of bilinear interpolation.",
         fix="Stretch the coarser level bilinearly.")
def coarser_level_of_the_nearest(lateral: Array, coarser: Array) -> Array:
    return lateral + interpolate_nearest(coarser, lateral.shape[1:3])


@mistake(ADD, place=FIG_4, modules=LEVELS,
         says="There is no top-down path: no coarser level is added to the laterals.",
         fix="Add the next coarser level, stretched, from the coarsest to the finest.")
def top_down_path_left_out(lateral: Array, coarser: Array) -> Array:
    return lateral


@mistake(TOP_DOWN, place=FIG_4, modules=LEVELS, needs="a backbone of three maps or more",
         says="To each lateral its coarser neighbour is added as it was before anything was added to that, so nothing "
              "comes down further than one level.",
         fix="Go from the coarsest level to the finest, and add each sum to the next.")
def coarser_lateral_added_alone(self: Module, i: int, maps: Sequence[Array], merged: Mapping[int, Array]) -> Array:
    coarser = merged[i + 1] if i + 1 == len(self.lateral_convs) else self.lateral_convs[i + 1](maps[i + 1])
    return add_coarser(self.lateral_convs[i](maps[i]), coarser)


@mistake(TOP_DOWN, place=FIG_4, modules=HEAD + r"lateral_convs\.\d",
         says="The laterals have no activation, as in an FPN, where they are convolutions alone.",
         fix="Let each lateral be convolution, batch norm and ReLU.")
def lateral_without_relu(self: Module, i: int, maps: Sequence[Array], merged: Mapping[int, Array]) -> Array:
    lateral = self.lateral_convs[i]
    return add_coarser(shown_as(lateral, lateral.batch_norm(lateral.conv(maps[i]))), merged[i + 1])


@mistake(FUSE, place=FIG_4, modules=FUSED,
         says="The coarsest level, that of the pyramid pooling, goes through the last of the levels' 3x3 convolutions "
              "too.",
         fix="Give the pooled level to the fusion as it is; there is no convolution for it.")
def coarsest_level_convolved(self: Module, levels: Sequence[Array]) -> Array:
    *finer, coarsest = levels
    return RIGHT_FUSION(self, [*finer, deepcopy(self.fpn_convs[-1])(coarsest)])


@mistake(FUSE, place=FIG_4, modules=FUSED,
         says="The levels are put side by side from the coarsest to the finest, so fpn_bottleneck meets the channels "
              "in another order.",
         fix="Concatenate from the finest level to the coarsest.")
def levels_from_the_coarsest(self: Module, levels: Sequence[Array]) -> Array:
    size = levels[0].shape[1:3]
    return self.fpn_bottleneck(np.concatenate([RIGHT_STRETCH(level, size) for level in reversed(levels)], axis=-1))


@mistake(FUSE, place=FIG_4, modules=FUSED,
         says="The coarser levels are stretched by copying the nearest pixel for the fusion, instead of bilinear "
              "interpolation.",
         fix="Stretch them bilinearly to the size of the finest level.")
def levels_stretched_to_the_nearest(self: Module, levels: Sequence[Array]) -> Array:
    size = levels[0].shape[1:3]
    return self.fpn_bottleneck(np.concatenate([interpolate_nearest(level, size) for level in levels], axis=-1))


@mistake(SCORES, place=FIG_4, modules="output",
         says="The scores are stretched to the image by copying the nearest pixel, so the classes have steps at their "
              "borders.",
         fix="Stretch the scores bilinearly.")
def scores_of_the_nearest(scores: Array, img_size: tuple[int, int]) -> Array:
    return interpolate_nearest(scores, img_size)


@mistake(SCORES, place=FIG_4, modules="output",
         says="Probabilities are stretched to the image instead of scores, and returned.",
         fix="Stretch the scores, and leave the softmax to whoever needs probabilities.")
def probabilities_stretched(scores: Array, img_size: tuple[int, int]) -> Array:
    return interpolate_bilinear(softmax(scores), img_size)
