"""Notebook 2: patch partition and embedding, patch merging (section 3.1), patch expanding, ViT's class token."""

import numpy as np

from swin_np import patches as library
from swin_np.baselines.vit import VisionTransformer, ViTConfig
from swin_np.dense import unet
from swin_np.exercises.covering import alike, differ, maps, one
from swin_np.exercises.exercise import Arguments, exercise, of_other_systems, official
from swin_np.functional import Array
from swin_np.layers import LayerNorm, Linear
from swin_np.patches import LinearEmbedding, PatchEmbed, PatchMerging
from swin_np.shape_policy import MICROSOFT


def images_and_patch(rng: np.random.Generator) -> Arguments:
    """Images of a few patches, more of them in one direction, and p."""
    patch = int(rng.integers(2, 5))
    rows, columns = rng.permutation([2, 3, 4])[:2]
    return rng.standard_normal((2, int(rng.integers(2, 5)), rows * patch, columns * patch)), patch


def counts(images: Array, patch: int) -> set[int]:
    """How many rows and how many columns of patches there are, and p."""
    return {images.shape[2] // patch, images.shape[3] // patch, patch}


@exercise("Patch partition", place="section 3.1", points=3, minutes=15,
          toy=lambda: (np.arange(48).reshape(1, 2, 4, 6), 2), draw=images_and_patch,
          covers={**maps("images", height=2, what="image"),
                  "another number of colours than 3": one(lambda images: images.shape[1] != 3),
                  "two sizes of patches": differ(lambda patch: patch),
                  "rows and columns of patches, and p, all different":
                  one(lambda images, patch: len(counts(images, patch)) == 3)},
          mistakes=("patch-flattened-channels-last", "patches-without-transpose", "patch-transposed",
                    "patches-strided"))
def patch_partition(images: Array, patch: int) -> Array:
    """(B, 3, H, W) -> (B, H/p, W/p, 3 p^2), a patch flattened channel, row, column."""
    return library.patch_partition(images, patch)


def images_and_weights(rng: np.random.Generator) -> Arguments:
    """Images and the weights of the embedding and its norm, in the shapes of a checkpoint."""
    images, patch = images_and_patch(rng)
    channels, colours = int(rng.integers(4, 8)), images.shape[1]
    return (images, rng.standard_normal((channels, colours, patch, patch)), rng.standard_normal(channels),
            rng.uniform(0.5, 1.5, channels), rng.standard_normal(channels))


def two_patches() -> Arguments:
    """An image of two patches, three channels for each, and small whole numbers for weights."""
    weight = (5 * np.arange(24) % 7 - 2).reshape(3, 2, 2, 2)
    return (np.arange(16.0).reshape(1, 2, 2, 4) % 5, weight.astype(float), np.array([0.0, 8.0, -4.0]),
            np.array([1.0, 2.0, 1.0]), np.array([0.0, 0.0, 10.0]))


def embedded_officially() -> tuple[Arguments, Array]:
    """The patch embedding of the official code."""
    weights = official("patch_embed.")
    names = ("proj.weight", "proj.bias", "norm.weight", "norm.bias")
    return (official("")["images"], *(weights[name] for name in names)), official("output/")["patch_embed"]


@exercise("Patch embedding", place="section 3.1", points=3, minutes=20, toy=two_patches, draw=images_and_weights,
          golden=embedded_officially,
          covers={**maps("images", height=2, what="image"),
                  "another number of colours than 3": one(lambda images: images.shape[1] != 3),
                  "two sizes of patches": differ(lambda weight: weight.shape[2]),
                  "channels, colours and p all different": one(lambda weight: len(set(weight.shape)) == 3),
                  "rows and columns of patches, and p, all different":
                  one(lambda images, weight: len(counts(images, weight.shape[2])) == 3)},
          mistakes=("patch-norm-left-out", "norm-without-weights", "patch-bias-left-out",
                    "patch-flattened-channels-last", "patch-transposed", "patches-without-transpose",
                    "kernel-flipped"))
def patch_embedding(images: Array, weight: Array, bias: Array, norm_weight: Array, norm_bias: Array) -> Array:
    """(B, 3, H, W) -> (B, H/p, W/p, C): partition, linear layer, norm."""
    return PatchEmbed(LinearEmbedding(weight, bias), LayerNorm(norm_weight, norm_bias), MICROSOFT)(images)


def map_and_merging(rng: np.random.Generator) -> Arguments:
    """A map of even sides, more columns than rows or fewer, and the weights of norm and reduction."""
    rows, columns = rng.permutation([2, 3, 4, 5])[:2]
    c = int(rng.integers(2, 5))
    return (rng.standard_normal((2, 2 * rows, 2 * columns, c)), rng.uniform(0.5, 1.5, 4 * c),
            rng.standard_normal(4 * c), rng.standard_normal((2 * c, 4 * c)))


def eight_tokens() -> Arguments:
    """A map of 2 x 4 tokens of two channels; the reduction picks four of the eight numbers, one of them twice."""
    picks = np.zeros((4, 8))
    picks[[0, 1, 2, 3], [0, 2, 4, 7]] = [1.0, 1.0, 1.0, 2.0]
    return (np.arange(16.0).reshape(1, 2, 4, 2) ** 2 % 11, np.array([1.0, 1, 2, 1, 1, 1, 1, 1]),
            np.array([0.0, 0, 0, 0, 10, 0, 0, 0]), picks)


def merged_officially() -> tuple[Arguments, Array]:
    """The patch merging of the official code."""
    weights, outputs = official("layers.0.downsample."), official("output/layers.0.")
    names = ("norm.weight", "norm.bias", "reduction.weight")
    return (outputs["blocks.1"], *(weights[name] for name in names)), outputs["downsample"]


@exercise("Patch merging", place="section 3.1, patch merging", points=4, minutes=20, toy=eight_tokens,
          draw=map_and_merging, golden=merged_officially,
          covers={**maps("x"), "two numbers of channels": differ(lambda x: x.shape[3])},
          mistakes=("merge-row-major", "merge-quadrants", "merge-unfold", "merging-norm-left-out",
                    "norm-after-reduction", "norm-without-weights"))
def patch_merging(x: Array, norm_weight: Array, norm_bias: Array, reduction_weight: Array) -> Array:
    """(B, H, W, C) -> (B, H/2, W/2, 2C): gather four neighbours, norm, linear layer without a bias."""
    return PatchMerging(Linear(reduction_weight, None), LayerNorm(norm_weight, norm_bias), MICROSOFT)(x)


def map_and_expanding(rng: np.random.Generator) -> Arguments:
    """A map of an even number of channels, and the weights of expansion and norm."""
    h, w = map(int, rng.permutation([1, 2, 3, 4, 5])[:2])
    c = 2 * int(rng.integers(2, 6))
    return (rng.standard_normal((2, h, w, c)), rng.standard_normal((2 * c, c)), rng.uniform(0.5, 1.5, c // 2),
            rng.standard_normal(c // 2))


def three_tokens() -> Arguments:
    """A map of 1 x 3 tokens of four channels; the norm of two channels leaves -1 and 1, or 0 where they are equal."""
    x = np.array([[[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]]])
    weight = np.array([[9.0, 1, 1, 1, 1, 1, 0, 9], [0, 9, 1, 1, 9, 0, 1, 1], [1, 1, 9, 0, 0, 5, 2, 2],
                       [1, 1, 0, 0, 0, 4, 9, 0]]).T
    return x, weight, np.array([1.0, 2.0]), np.array([0.0, 10.0])


def expanded_by_torch() -> tuple[Arguments, Array]:
    """A transposed convolution and a layer norm of PyTorch."""
    stored = of_other_systems("expanding")
    return tuple(stored[name] for name in ("x", "expand_weight", "norm_weight", "norm_bias")), stored["expanded"]


@exercise("Patch expanding", place="Swin-Unet, section 3.5", points=3, minutes=20, toy=three_tokens,
          draw=map_and_expanding, golden=expanded_by_torch,
          covers={**maps("x"), "two numbers of channels": differ(lambda x: x.shape[3]),
                  "a map of a single row or column": one(lambda x: 1 in x.shape[1:3]),
                  "a map of several rows and columns": one(lambda x: min(x.shape[1:3]) > 1),
                  "more than four channels": one(lambda x: x.shape[3] > 4),
                  "rows, columns and a quarter of the 2C channels all different, and none of them 2":
                  one(lambda x: len({*x.shape[1:3], x.shape[3] // 2, 2}) == 4),
                  "two maps for one number of channels": alike(lambda x: x.shape[3], lambda x: x.shape)},
          mistakes=("expanded-in-the-order-of-merging", "expanded-by-pixel-shuffle", "expanded-without-transpose",
                    "expanded-into-quadrants", "norm-left-out", "norm-without-weights"))
def patch_expanding(x: Array, expand_weight: Array, norm_weight: Array, norm_bias: Array) -> Array:
    """(B, H, W, C) -> (B, 2H, 2W, C/2): linear layer to 2C without a bias, spread over 2 x 2 tokens, norm."""
    c = x.shape[-1]
    kernel = expand_weight.reshape(2, 2, c // 2, c).transpose(3, 2, 0, 1)                  # as a convolution has it
    return LayerNorm(norm_weight, norm_bias)(unet.up_convolution(x, kernel, np.zeros(c // 2, x.dtype)))


def patches_and_positions(rng: np.random.Generator) -> Arguments:
    """A map of embedded patches, a class token, and a position embedding."""
    b, h, w, d = 2, *map(int, rng.permutation([2, 3, 4, 5])[:2]), int(rng.integers(2, 6))
    return rng.standard_normal((b, h, w, d)), rng.standard_normal((1, 1, d)), rng.standard_normal((1, 1 + h * w, d))


@exercise("ViT's class token", place="ViT, Eq. 1", points=2, minutes=10,
          toy=lambda: (np.arange(24.0).reshape(2, 2, 3, 2), np.array([[[100.0, 200.0]]]),
                       np.array([[[0.0, 0.5], [10, 0], [20, 0], [30, 0], [40, 0], [50, 0], [60, 0]]])),
          draw=patches_and_positions,
          covers={**maps("patches"), "two numbers of channels": differ(lambda patches: patches.shape[3])},
          mistakes=("class-token-last", "class-token-without-position", "positions-with-the-class-token-last",
                    "position-embedding-left-out", "patches-counted-down-the-columns"))
def class_token(patches: Array, cls_token: Array, pos_embed: Array) -> Array:
    """(B, h, w, D) -> (B, 1 + h w, D): the class token, then the patches row by row, plus positions."""
    _, h, w, d = patches.shape
    config = ViTConfig(img_size=(h, w), patch_size=1, in_chans=d, embed_dim=d, num_heads=1, num_classes=0)
    one, zero = np.ones(d, patches.dtype), np.zeros(d, patches.dtype)
    embedding = LinearEmbedding(np.diag(one).reshape(d, d, 1, 1), zero)                    # changes nothing
    model = VisionTransformer(cls_token, None, pos_embed, PatchEmbed(embedding, None, MICROSOFT), [],
                              LayerNorm(one, zero), None, None, config)
    return model.embed(patches.transpose(0, 3, 1, 2))
