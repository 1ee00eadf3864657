"""Section 3.1: what goes wrong in the patch embedding and in patch merging."""

import numpy as np

from swin_np.functional import Array, layer_norm, linear, pair
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake, shown_as
from swin_np.patches import patch_partition
from swin_np.windows import Size

PATCHES = r"patch_embed(\.proj)?"
MERGING = r"layers\.\d+\.downsample(\.norm)?"
PARTITION = "swin_np.patches.patch_partition"
EMBEDDING = "swin_np.patches.LinearEmbedding.forward"
MERGE = "swin_np.patches.patch_merging"


@mistake(PARTITION, place="section 3.1", modules=PATCHES,
         says="Each patch is flattened row, column, channel, so the 48 pixels meet weights that were made for others.",
         fix="Flatten channel, row, column, the order in which the convolution's weight (C, 3, p, p) is flattened.")
def patch_flattened_channels_last(images: Array, patch: Size) -> Array:
    b, c, h, w = images.shape
    p, q = pair(patch)
    x = images.reshape(b, c, h // p, p, w // q, q)
    x = x.transpose(0, 2, 4, 3, 5, 1)                  # (B, H/p, W/p, p, p, 3)
    return x.reshape(b, h // p, w // q, c * p * q)


@mistake(PARTITION, place="section 3.1", modules=PATCHES,
         says="Rows and columns inside each patch are exchanged, as when a kernel's last two axes are swapped on the "
              "way from one framework to another.",
         fix="Keep the order channel, row, column inside a patch.")
def patch_transposed(images: Array, patch: Size) -> Array:
    b, c, h, w = images.shape
    p, q = pair(patch)
    x = images.reshape(b, c, h // p, p, w // q, q)
    x = x.transpose(0, 2, 4, 1, 5, 3)                  # (B, H/p, W/p, 3, columns, rows)
    return x.reshape(b, h // p, w // q, c * p * q)


@mistake(PARTITION, place="section 3.1", modules=PATCHES,
         says="The image is reshaped into patches without the transpose, so a patch holds pixels of one stretch of a "
              "few rows instead of a square.",
         fix="Cut both sides into (H/p, p) and (W/p, p), then bring H/p and W/p to the front before flattening.")
def patches_without_transpose(images: Array, patch: Size) -> Array:
    b, c, h, w = images.shape
    p, q = pair(patch)
    return images.reshape(b, h // p, w // q, c * p * q)


@mistake(PARTITION, place="section 3.1", modules=NOWHERE,
         says="A patch takes every (H/p)-th row and (W/p)-th column, a grid spread over the whole image, because the "
              "side was cut into (p, H/p) in place of (H/p, p).",
         fix="Reshape to (B, 3, H/p, p, W/p, p): neighbouring pixels belong to one patch.")
def patches_strided(images: Array, patch: Size) -> Array:
    b, c, h, w = images.shape
    p, q = pair(patch)
    x = images.reshape(b, c, p, h // p, q, w // q)
    x = x.transpose(0, 3, 5, 1, 2, 4)                  # (B, H/p, W/p, 3, p, p)
    return x.reshape(b, h // p, w // q, c * p * q)


@mistake(EMBEDDING, place="section 3.1", modules=PATCHES,
         says="The kernel is turned by 180 degrees, as a convolution in the mathematical sense does it; PyTorch's "
              "does not.",
         fix="Use cross-correlation: multiply pixel (i, j) of the patch with weight (i, j).")
def kernel_flipped(self: Module, patches: Array) -> Array:
    weight = self.weight[:, :, ::-1, ::-1]
    return linear(patches, weight.reshape(len(weight), -1), self.bias)


@mistake(EMBEDDING, place="section 3.1", modules=PATCHES,
         says="The patch embedding's bias is left out, so all tokens are off by the same vector.",
         fix="Add the convolution's bias.")
def patch_bias_left_out(self: Module, patches: Array) -> Array:
    return linear(patches, self.weight.reshape(len(self.weight), -1))


@mistake("swin_np.patches.PatchEmbed.forward", place="section 3.1", modules=r"patch_embed(\.norm)?",
         says="The norm after the patch embedding is left out; the paper does not mention it, but the official code "
              "and its checkpoints have it.",
         fix="Apply patch_embed.norm to the embedded patches.")
def patch_norm_left_out(self: Module, images: Array) -> Array:
    (h, w), (p, q) = images.shape[2:], self.proj.weight.shape[2:]
    if self.shape_policy.patch == "crop":
        images = images[:, :, :h - h % p, :w - w % q]
    elif self.shape_policy.patch == "pad":
        images = np.pad(images, ((0, 0), (0, 0), (0, -h % p), (0, -w % q)))
    return shown_as(self.norm, self.proj(patch_partition(images, (p, q))))


@mistake(MERGE, place="section 3.1, patch merging", modules=MERGING,
         says="The four neighbours are concatenated row by row, (0,0), (0,1), (1,0), (1,1), so two of the four meet "
              "each other's weights.",
         fix="Concatenate down the columns first: (row, column) parities (0,0), (1,0), (0,1), (1,1).")
def merge_row_major(x: Array) -> Array:
    return np.concatenate([x[:, 0::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 0::2], x[:, 1::2, 1::2]], axis=-1)


@mistake(MERGE, place="section 3.1, patch merging", modules=MERGING,
         says="The four quadrants of the map are concatenated instead of the four neighbours, so each token mixes "
              "places half a map apart.",
         fix="Take every second row and column: reshape to (B, H/2, 2, W/2, 2, C), not to (B, 2, H/2, 2, W/2, C).")
def merge_quadrants(x: Array) -> Array:
    b, h, w, c = x.shape
    x = x.reshape(b, 2, h // 2, 2, w // 2, c)
    return x.transpose(0, 2, 4, 3, 1, 5).reshape(b, h // 2, w // 2, 4 * c)


@mistake(MERGE, place="section 3.1, patch merging", modules=MERGING, thread="berniwal/swin-transformer-pytorch#22",
         says="The neighbours are gathered as Unfold (or pixel-unshuffle) does, channel by channel, so the 4C numbers "
              "of a token stand in another order than the weights.",
         fix="Concatenate whole tokens, all C channels of one neighbour after the other, or re-order norm and "
             "reduction.")
def merge_unfold(x: Array) -> Array:
    b, h, w, c = x.shape
    x = x.reshape(b, h // 2, 2, w // 2, 2, c)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(b, h // 2, w // 2, 4 * c)      # (..., C, row, column)


@mistake("swin_np.patches.PatchMerging.forward", place="section 3.1, patch merging",
         modules=r"layers\.\d+\.downsample(\.norm|\.reduction)?",
         says="The norm comes after the reduction, as in Swin V2; it then has 2C channels, so the checkpoint's norm of "
              "4C does not fit and stays at its initial values.",
         fix="Normalise the 4C channels first, then reduce them to 2C.")
def norm_after_reduction(self: Module, x: Array) -> Array:
    x = self.reduction(self.gather(x))
    ones = np.ones(x.shape[-1], x.dtype)
    return shown_as(self.norm, layer_norm(x, ones, 0 * ones))


@mistake("swin_np.patches.PatchMerging.forward", place="section 3.1, patch merging", modules=MERGING,
         says="The norm before the reduction is left out; the paper does not mention it, but the official code and "
              "its checkpoints have it.",
         fix="Apply downsample.norm to the 4C channels before the reduction.")
def merging_norm_left_out(self: Module, x: Array) -> Array:
    return self.reduction(shown_as(self.norm, self.gather(x)))
