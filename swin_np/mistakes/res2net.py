"""Res2Net: what goes wrong with the splits of a block, what is added to what, and the first block of a stage."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from swin_np.convolution.functional import avg_pool2d, max_pool2d, relu
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.mistakes.mistake import mistake, shown_as

LADDER = "swin_np.baselines.res2net.Bottle2neck.multi_scale"

EQ_1 = "section 3.1 of the Res2Net paper, Eq. 1"
FIG_2 = "section 3.1 of the Res2Net paper, Fig. 2"
BLOCK = r"layer\d\.\d+"
FIRST = r"layer\d\.0"
LAST = r"(\.conv3)?"                                   # what is put side by side is no module's output
NORMAL = "a block that is not the first of its stage"


def splits_of(block: Module, x: Array) -> list[Array]:
    """The s splits of the channels."""
    return np.split(x, len(block.convs) + 1, axis=-1)


def convolved(block: Module, i: int, x: Array) -> Array:
    """K_i: convolution, norm and ReLU."""
    return relu(block.bns[i](block.convs[i](x)))


def rest(block: Module, split: Array) -> Array:
    """What becomes of the split without a convolution: passed on, in the first block of a stage averaged."""
    return split if block.pool is None else block.pool(split)


def climb(block: Module, splits: list[Array], step: Callable[[Module, int, Array], Array] = convolved,
          added: bool | None = None) -> list[Array]:
    """The results of all convolved splits; each is added to the next, unless the block is the first of its stage."""
    outputs: list[Array] = []
    for i, split in enumerate(splits):
        outputs.append(step(block, i, split + outputs[-1] if i and (block.pool is None if added is None else added)
                            else split))
    return outputs


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.1)?", needs=NORMAL,
         says="No split is added to the next, as is right for the first block of a stage only, so none sees further "
              "than one kernel.",
         fix="Add y_(i-1) to x_i before the convolution, in all blocks but the first of each stage.")
def splits_not_added(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    return np.concatenate([*climb(self, splits, added=False), rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.1)?", needs=NORMAL,
         says="The split before is added as it came in, x_(i-1), instead of what was made of it, y_(i-1).",
         fix="Keep the last result and add that to the next split.")
def inputs_of_splits_added(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    if self.pool is None:
        splits = [splits[0], *(split + before for before, split in pairwise(splits))]
    return np.concatenate([*climb(self, splits, added=False), rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.1)?", needs=NORMAL,
         says="The split before is added after the convolution, so it never goes through the next kernel.",
         fix="Add y_(i-1) to x_i first, and convolve the sum.")
def splits_added_after_the_convolution(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    outputs = climb(self, splits, added=False)
    if self.pool is None:
        for i in range(1, len(outputs)):
            outputs[i] = outputs[i] + outputs[i - 1]
    return np.concatenate([*outputs, rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.0)?", needs=NORMAL,
         says="The split that is passed on is added too, to the first that is convolved.",
         fix="Begin the additions with the result of the first convolution.")
def passed_split_added(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    if self.pool is None:
        splits[0] = splits[0] + last
    return np.concatenate([*climb(self, splits), rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.0)?",
         says="The first split is passed on, as the equation has it, but the code and its weights pass on the last.",
         fix="Convolve the first s - 1 splits and pass on the last one.")
def first_split_passed_on(self: Module, x: Array) -> Array:
    first, *splits = splits_of(self, x)
    return np.concatenate([rest(self, first), *climb(self, splits)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + LAST,
         says="The split that was passed on is put before the convolved ones when all are brought together, so conv3 "
              "meets the channels in another order.",
         fix="Concatenate in the order of the splits, the one without a convolution last.")
def passed_split_put_first(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    outputs = climb(self, splits)
    return np.concatenate([rest(self, last), *outputs], axis=-1)


@mistake(LADDER, place=FIG_2, modules=BLOCK + r"(\.convs\.0)?",
         says="A split takes every s-th channel, as a reshape to (width, s) cuts them, instead of channels in a row.",
         fix="Cut the channels into s runs of the width: reshape to (s, width), or split.")
def splits_interleaved(self: Module, x: Array) -> Array:
    count = len(self.convs) + 1
    *splits, last = (x[..., i::count] for i in range(count))
    return np.concatenate([*climb(self, splits), rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.0)?",
         says="The splits are convolved from the last to the first, so each meets the kernel of another.",
         fix="Begin with the first split, and let the last one be without a convolution.")
def splits_in_reverse(self: Module, x: Array) -> Array:
    *splits, last = reversed(splits_of(self, x))
    return np.concatenate([*climb(self, splits), rest(self, last)], axis=-1)


@mistake(LADDER, place=FIG_2, modules=r"layer1\.0(\.convs\.1)?", thread="Res2Net/Res2Net-PretrainedModels#73",
         says="In the first block of the first stage, where the map keeps its size, splits are added as in all others; "
              "the code adds none in the first block of any stage.",
         fix="Add no splits in the first block of each stage, also where its stride is 1.")
def splits_added_in_the_first_block(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    same_size = self.pool is None or self.pool.stride == 1
    return np.concatenate([*climb(self, splits, added=same_size), rest(self, last)], axis=-1)


@mistake(LADDER, place=FIG_2, modules=r"layer1\.0(\.pool|\.conv3)?", thread="Res2Net/Res2Net-PretrainedModels#53",
         says="In the first block of the first stage, where the map keeps its size, the last split is passed on "
              "instead of being averaged.",
         fix="Average the last split, 3x3, in the first block of each stage, also where its stride is 1.")
def first_block_not_averaged(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    outputs = climb(self, splits)
    if self.pool is not None:
        last = shown_as(self.pool, last) if self.pool.stride == 1 else self.pool(last)
    return np.concatenate([*outputs, last], axis=-1)


def pooled_by(block: Module, x: Array, pool: Callable[[Array, int], Array]) -> Array:
    """The right ladder with another pooling in the first block of a stage: pool(split, stride)."""
    *splits, last = splits_of(block, x)
    outputs = climb(block, splits)
    return np.concatenate([*outputs, last if block.pool is None else
                           shown_as(block.pool, pool(last, block.pool.stride))], axis=-1)


@mistake(LADDER, place=FIG_2, modules=FIRST + r"(\.pool|\.conv3)?",
         says="The averages at the border are over the pixels inside the map only; the code counts the padding's zeros "
              "as values.",
         fix="Divide by 9 everywhere (count_include_pad=True).")
def padding_not_counted(self: Module, x: Array) -> Array:
    return pooled_by(self, x, lambda split, stride: avg_pool2d(split, 3, stride, 1, count_include_pad=False))


@mistake(LADDER, place=FIG_2, modules=FIRST + r"(\.pool|\.conv3)?",
         says="The last split of a stage's first block is pooled by its largest values instead of the mean.",
         fix="Average it: 3x3, the stride of the block, padding 1.")
def largest_for_the_average(self: Module, x: Array) -> Array:
    return pooled_by(self, x, lambda split, stride: max_pool2d(split, 3, stride, 1))


@mistake(LADDER, place=FIG_2, modules=FIRST + r"(\.pool|\.conv3)?",
         says="The last split of a stage's first block is subsampled: every second pixel is taken, and none averaged.",
         fix="Average it: 3x3, the stride of the block, padding 1.")
def subsampled_for_averaged(self: Module, x: Array) -> Array:
    return pooled_by(self, x, lambda split, stride: split[:, ::stride, ::stride])


def without_norm(block: Module, i: int, x: Array) -> Array:
    return relu(shown_as(block.bns[i], block.convs[i](x)))


def without_relu(block: Module, i: int, x: Array) -> Array:
    return block.bns[i](block.convs[i](x))


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.bns\.0)?",
         says="The convolutions of the splits are not followed by batch normalisation.",
         fix="Let K_i be convolution, batch norm and ReLU.")
def split_norms_left_out(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    return np.concatenate([*climb(self, splits, without_norm), rest(self, last)], axis=-1)


@mistake(LADDER, place=EQ_1, modules=BLOCK + r"(\.convs\.1|\.conv3)?",
         says="The convolutions of the splits are not followed by an activation, so those of one block are one linear "
              "function.",
         fix="Let K_i be convolution, batch norm and ReLU.")
def split_relus_left_out(self: Module, x: Array) -> Array:
    *splits, last = splits_of(self, x)
    return np.concatenate([*climb(self, splits, without_relu), rest(self, last)], axis=-1)
