"""ResNet and ResNeXt: what goes wrong with convolutions and strides, batch normalisation, shortcuts and pooling."""

from functools import partial

import numpy as np

from swin_np.arguments.image_batches import check_images
from swin_np.convolution.functional import avg_pool2d, batch_norm, conv2d, max_pool2d, relu
from swin_np.functional import Array, Size, pair, softmax
from swin_np.layers import Module
from swin_np.mistakes.mistake import mistake, shown_as

CONVOLUTION = "swin_np.convolution.layers.Conv2d.forward"
EMBED = "swin_np.baselines.resnet.ResNet.embed"
MAX_POOL = "swin_np.convolution.functional.max_pool2d"
NORM = "swin_np.convolution.layers.BatchNorm2d.forward"
RESIDUAL = "swin_np.baselines.resnet.residual"
SHORTCUT = "swin_np.baselines.resnet.ResidualBlock.shortcut"
BOTTLENECK = "swin_np.baselines.resnet.Bottleneck.branch"
POOL = "swin_np.baselines.resnet.ResNet.pool"
CLASSIFY = "swin_np.baselines.resnet.ResNet.classify"

CONVOLUTIONS = r"(.+\.)?(conv|conv[123](\.0)?|convs\.\d|downsample\.[01])"
BATCH_NORMS = r"(.+\.)?(batch_norm|bn[123]|conv1\.1|bns\.\d|downsample\.[12])"
FIRST_BLOCK = r"layer1\.0(\.conv1)?"                   # the pooling behind the stem is no module of its own
BLOCK = r"layer\d\.\d+"
LOGITS = r"fc|output"

TABLE_1 = "section 3.3 of the ResNet paper, Table 1"
NORMALISATION = "section 3.4 of the ResNet paper"
EQ_1 = "section 3.2 of the ResNet paper, Eq. 1"
EQ_2 = "section 3.2 of the ResNet paper, Eq. 2"
FIG_5 = "section 4.1 of the ResNet paper, Fig. 5"

RIGHT_POOL = partial(max_pool2d)                       # an object of its own, which planting leaves be


@mistake(CONVOLUTION, place=TABLE_1, modules=CONVOLUTIONS,
         needs="a map of an even side where a wide convolution strides", thread="keras-team/keras#16363",
         says="Strided convolutions are padded as TensorFlow's SAME does it: as little as it takes, and the odd pixel "
              "at the bottom and right, so all windows lie one pixel further on.",
         fix="Pad by floor(k/2) on every side, 3 for the stem's 7x7 and 1 for a 3x3.")
def padding_of_tensorflow(self: Module, x: Array) -> Array:
    kernel, reach = self.weight.shape[2:], []
    for side, k, s, p in zip(x.shape[1:3], kernel, self.stride, self.padding, strict=True):
        total = max((-(-side // s) - 1) * s + k - side, 0) if s > 1 and p else 2 * p
        reach.append((total // 2, total - total // 2))
    return conv2d(np.pad(x, ((0, 0), *reach, (0, 0))), self.weight, self.bias, self.stride, 0, self.dilation,
                  self.groups)


@mistake(CONVOLUTION, place=TABLE_1, modules=CONVOLUTIONS,
         says="The kernels are turned by 180 degrees, as a convolution in the mathematical sense does it; PyTorch's "
              "does not.",
         fix="Use cross-correlation: multiply pixel (i, j) of the window with weight (i, j).")
def kernels_turned(self: Module, x: Array) -> Array:
    return conv2d(x, self.weight[:, :, ::-1, ::-1], self.bias, self.stride, self.padding, self.dilation, self.groups)


@mistake(CONVOLUTION, place=TABLE_1, modules=CONVOLUTIONS,
         says="Rows and columns of the kernels are exchanged, as when the wrong axes are swapped on the way from one "
              "framework to another.",
         fix="Turn (kh, kw, in, out) into (out, in, kh, kw) with the transpose (3, 2, 0, 1).")
def kernels_transposed(self: Module, x: Array) -> Array:
    return conv2d(x, self.weight.swapaxes(2, 3), self.bias, self.stride, self.padding, self.dilation, self.groups)


@mistake(CONVOLUTION, place="section 3 of the ResNeXt paper, Fig. 3c", modules=CONVOLUTIONS,
         needs="a convolution in groups",
         says="Channel i belongs to group i modulo the number of groups, instead of groups being channels in a row.",
         fix="Give the first group the first C / groups channels.")
def groups_interleaved(self: Module, x: Array) -> Array:
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, c // self.groups, self.groups).swapaxes(3, 4).reshape(b, h, w, c)
    return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS, thread="gzuidhof/nn-transfer#3",
         says="The eps of batch normalisation is 1e-3, the default of Keras, instead of 1e-5.",
         fix="Set eps to 1e-5, PyTorch's default.")
def batch_norm_eps_1e_3(self: Module, x: Array) -> Array:
    return batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, 1e-3)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS,
         says="Mean and variance are those of the batch, as in training, so an image's scores depend on the others "
              "beside it.",
         fix="Use the running mean and variance: call model.eval().")
def statistics_of_the_batch(self: Module, x: Array) -> Array:
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return batch_norm(x, self.weight, self.bias, mean, variance, self.eps)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS,
         says="The channels are divided by the running variance, taken for a standard deviation.",
         fix="Divide by the root of running_var + eps.")
def variance_taken_for_deviation(self: Module, x: Array) -> Array:
    return batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var ** 2, 0)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS,
         says="The eps of batch normalisation is added to the standard deviation, outside the root.",
         fix="Divide by sqrt(running_var + eps).")
def batch_norm_eps_outside_the_root(self: Module, x: Array) -> Array:
    deviation = np.sqrt(self.running_var) + self.eps
    return batch_norm(x, self.weight, self.bias, self.running_mean, deviation ** 2, 0)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS,
         says="The channels are normalised, but not multiplied by weight and moved by bias.",
         fix="Multiply the normalised channels by weight and add bias.")
def batch_norm_without_weights(self: Module, x: Array) -> Array:
    ones = np.ones_like(self.weight)
    return batch_norm(x, ones, 0 * ones, self.running_mean, self.running_var, self.eps)


@mistake(NORM, place=NORMALISATION, modules=BATCH_NORMS,
         says="The bias and the running mean are exchanged: four vectors of one shape were given in another order.",
         fix="Keep the checkpoint's order apart from the function's: weight, bias, running_mean, running_var.")
def bias_and_mean_exchanged(self: Module, x: Array) -> Array:
    return batch_norm(x, self.weight, self.running_mean, self.bias, self.running_var, self.eps)


def stem_of(model: Module, images: Array) -> Array:
    """The stem's convolution and norm, (B, H/2, W/2, 64)."""
    batch = check_images(images, model.config.in_chans, model.dtype)
    return model.bn1(model.stem(batch.transpose(0, 2, 3, 1)))


@mistake(EMBED, place=TABLE_1, modules=FIRST_BLOCK,
         says="The activation between the stem's norm and the pooling is left out.",
         fix="Apply ReLU after bn1.")
def relu_left_out_of_the_stem(self: Module, images: Array) -> Array:
    return max_pool2d(stem_of(self, images), 3, 2, 1)


@mistake(EMBED, place=TABLE_1, modules=FIRST_BLOCK,
         says="The pooling behind the stem takes the mean of each window instead of its largest value.",
         fix="Use max-pooling of 3x3 with a stride of 2.")
def stem_pooled_by_means(self: Module, images: Array) -> Array:
    return avg_pool2d(relu(stem_of(self, images)), 3, 2, 1)


@mistake(MAX_POOL, place=TABLE_1, modules=FIRST_BLOCK, thread="google-research/simclr#26",
         says="The pooling's windows begin at the corner of the map instead of one pixel before it, as TensorFlow and "
              "Caffe have them, which pad only at the bottom and right.",
         fix="Pad by 1 on every side before the max-pooling of 3x3 with a stride of 2.")
def max_pool_from_the_corner(x: Array, kernel: Size, stride: Size, padding: Size = 0) -> Array:
    p, q = pair(padding)
    return RIGHT_POOL(np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)), constant_values=-np.inf), kernel, stride)


@mistake(BOTTLENECK, place=FIG_5, modules=r"layer[234]\.0(\.conv1)?", needs="bottlenecks",
         thread="pytorch/vision#191",
         says="The stride is that of the first 1x1 convolution, as in the original Caffe models, instead of the 3x3, "
              "so three of four positions are never looked at.",
         fix="Put the stride of 2 on conv2, where these weights were trained (version 1.5).")
def stride_on_the_first_convolution(self: Module, x: Array) -> Array:
    x = self.bn1(shown_as(self.conv1, conv2d(x, self.conv1.weight, None, self.conv2.stride)))
    x = conv2d(relu(x), self.conv2.weight, None, 1, self.conv2.padding, 1, self.conv2.groups)
    x = self.bn2(shown_as(self.conv2, x))
    return self.bn3(self.conv3(relu(x)))


@mistake(BOTTLENECK, place=FIG_5, modules=BLOCK + r"(\.conv3)?", needs="bottlenecks",
         says="The activation between the 3x3 and the last 1x1 convolution is left out.",
         fix="Apply ReLU after bn1 and after bn2.")
def second_relu_left_out(self: Module, x: Array) -> Array:
    x = relu(self.bn1(self.conv1(x)))
    return self.bn3(self.conv3(self.bn2(self.conv2(x))))


@mistake(RESIDUAL, place=EQ_1, modules=BLOCK,
         says="The activation comes before the addition: max(F(x), 0) + x.",
         fix="Add first, then apply ReLU to the sum.")
def relu_before_the_addition(branch: Array, shortcut: Array) -> Array:
    return relu(branch) + shortcut


@mistake(RESIDUAL, place=EQ_1, modules=BLOCK,
         says="There is no activation after the addition, as in the later pre-activation blocks.",
         fix="Apply ReLU to F(x) + x.")
def relu_after_the_addition_left_out(branch: Array, shortcut: Array) -> Array:
    return branch + shortcut


@mistake(RESIDUAL, place=EQ_1, modules=BLOCK,
         says="The shortcut is not added, so the network is a plain one.",
         fix="Add x, or its projection, to the branch before the activation.")
def shortcut_left_out(branch: Array, shortcut: Array) -> Array:
    return relu(branch)


@mistake(SHORTCUT, place=EQ_2, modules=r"layer\d\.0(\.downsample\.[12])?",
         says="The projection of the shortcut has no batch normalisation.",
         fix="Apply the norm after the shortcut's 1x1 convolution.")
def shortcut_norm_left_out(self: Module, x: Array) -> Array:
    if self.downsample is None:
        return x
    *layers, norm = self.downsample
    for layer in layers:
        x = layer(x)
    return shown_as(norm, x)


@mistake(SHORTCUT, place="section 3.3 of the ResNet paper, options A and B", modules=r"layer\d\.0(\.downsample\.[01])?",
         says="The shortcut takes every second pixel and fills the new channels with zeros, the paper's option A, so "
              "the projection's weights are never read.",
         fix="Project by the 1x1 convolution of downsample where channels or size change, option B.")
def shortcut_without_projection(self: Module, x: Array) -> Array:
    if self.downsample is None:
        return x
    down, right = pair(self.downsample[0].stride)
    x = x[:, ::down, ::right]
    missing = len(self.downsample[-1].weight) - x.shape[-1]
    x = np.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing)))
    for layer in self.downsample:
        x = shown_as(layer, x)
    return x


@mistake(POOL, place=TABLE_1, modules=LOGITS,
         says="The head is given the largest value of each channel instead of the mean.",
         fix="Give the head the mean over all positions.")
def largest_position_for_the_mean(self: Module, x: Array) -> Array:
    return x.max(axis=(1, 2))


@mistake(POOL, place=TABLE_1, modules=LOGITS, needs="a last map larger than 7x7",
         says="The mean is over the first 7x7 positions, all there are of a 224x224 image, whatever the map's size.",
         fix="Take the mean over all positions, whatever their number.")
def mean_over_7x7(self: Module, x: Array) -> Array:
    return x[:, :7, :7].mean(axis=(1, 2))


@mistake(POOL, place=TABLE_1, modules=LOGITS,
         says="The positions are summed and not averaged, or divided by another map's number of them, so the scores "
              "grow with the image.",
         fix="Divide the sum by the number of positions.")
def positions_summed(self: Module, x: Array) -> Array:
    return x.sum(axis=(1, 2))


@mistake(CLASSIFY, place=TABLE_1, modules="output",
         says="The model returns probabilities, the softmax at the end of Table 1, instead of class scores; a loss or "
              "a second softmax behind it then flattens them.",
         fix="Return the scores of fc and leave the softmax to whoever needs probabilities.")
def softmax_behind_fc(self: Module, x: Array) -> Array:
    features = self.pool(x)
    return softmax(features if self.fc is None else self.fc(features))
