"""Section 3.1: patch partition, linear embedding, and patch merging, the step that builds the hierarchy (Fig. 3)."""

from dataclasses import dataclass

import numpy as np

from swin_np.arguments.door import moves, takes
from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, linear, pair
from swin_np.layers import LayerNorm, Linear, Module, placeholder
from swin_np.shape_policy import ShapePolicy


@takes()
def check_patch(img_size: tuple[int, int], patch: Size) -> None:
    """Raise ShapeError unless the patches tile the image."""
    (h, w), (p, q) = img_size, pair(patch)
    if p < 1 or q < 1:
        raise ShapeError(f"patch {p}x{q} is not positive: give a patch of at least 1x1")
    if h % p or w % q:
        raise ShapeError(f"patch {p}x{q} does not divide the {h}x{w} image: pad or crop it, "
                         "or choose a shape policy that does (swin_np.ShapePolicy)")


@takes()
def check_even(map_size: tuple[int, int]) -> None:
    """Raise ShapeError unless 2x2 groups tile the map."""
    h, w = map_size
    if h % 2 or w % 2:
        raise ShapeError(f"the {h}x{w} map has an odd side and cannot be merged 2x2: pad it, "
                         "or choose a shape policy that pads (swin_np.ShapePolicy)")


@moves(images="B channels H W")
def patch_partition(images: Array, patch: Size) -> Array:
    """Cut images (B, 3, H, W) into p x p patches: (B, H/p, W/p, 3 p^2), each patch flattened channel, row, column.

    ("3" stands for any number of channels.) That order is the one in which a convolution's weight is flattened.
    """
    b, c, h, w = images.shape
    p, q = pair(patch)
    check_patch((h, w), (p, q))
    x = images.reshape(b, c, h // p, p, w // q, q)
    x = x.transpose(0, 2, 4, 1, 3, 5)                  # (B, H/p, W/p, 3, p, p)
    return x.reshape(b, h // p, w // q, c * p * q)


@moves(x="B H W C")
def patch_merging(x: Array) -> Array:
    """Put each 2x2 group of neighbours into one token: (B, H, W, C) -> (B, H/2, W/2, 4C).

    The order is that of the paper's code, down the columns first: (row, column) parities (0,0), (1,0), (0,1), (1,1).
    """
    check_even(x.shape[1:3])
    return np.concatenate([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], axis=-1)


@dataclass(eq=False, repr=False)
class LinearEmbedding(Module):
    """Section 3.1's linear embedding of a flattened patch into C features.

    The paper's code stores it as a convolution whose stride is its kernel: weight (C, 3, p, p), bias (C,).
    """

    weight: Array
    bias: Array

    @classmethod
    def random(cls, in_chans: int, patch: tuple[int, int], channels: int,
               rng: np.random.Generator | None) -> "LinearEmbedding":
        """PyTorch's default for a convolution, which the paper's code leaves as it is: uniform within fan_in^-1/2."""
        if rng is None:
            return cls(placeholder(channels, in_chans, *patch), placeholder(channels))
        fan_in = in_chans * patch[0] * patch[1]
        bound = fan_in ** -0.5
        weight = rng.uniform(-bound, bound, (channels, in_chans, *patch)).astype(np.float32)
        return cls(weight, rng.uniform(-bound, bound, channels).astype(np.float32))

    def forward(self, patches: Array) -> Array:        # (B, h, w, 3 p^2) -> (B, h, w, C)
        return linear(patches, self.weight.reshape(len(self.weight), -1), self.bias)


@dataclass(eq=False, repr=False)
class PatchEmbed(Module):
    """Patch partition and linear embedding, then a norm (None without `patch_norm`)."""

    proj: LinearEmbedding
    norm: LayerNorm | None
    shape_policy: ShapePolicy

    @classmethod
    def random(cls, in_chans: int, patch: tuple[int, int], channels: int, patch_norm: bool, shape_policy: ShapePolicy,
               rng: np.random.Generator | None) -> "PatchEmbed":
        norm = LayerNorm.identity(channels) if patch_norm else None
        return cls(LinearEmbedding.random(in_chans, patch, channels, rng), norm, shape_policy)

    @takes(images="B channels H W")
    def forward(self, images: Array) -> Array:         # (B, 3, H, W) -> (B, H/p, W/p, C)
        (h, w), (p, q) = images.shape[2:], self.proj.weight.shape[2:]
        if self.shape_policy.patch == "crop":
            images = images[:, :, :h - h % p, :w - w % q]
        elif self.shape_policy.patch == "pad":
            images = np.pad(images, ((0, 0), (0, 0), (0, -h % p), (0, -w % q)))
        x = self.proj(patch_partition(images, (p, q)))
        return x if self.norm is None else self.norm(x)


@dataclass(eq=False, repr=False)
class PatchMerging(Module):
    """Between two stages: 2x2 neighbours to one token of 4C, a norm, and a linear layer to 2C."""

    reduction: Linear
    norm: LayerNorm
    shape_policy: ShapePolicy

    @classmethod
    def random(cls, channels: int, shape_policy: ShapePolicy, rng: np.random.Generator | None) -> "PatchMerging":
        reduction = Linear.random(4 * channels, 2 * channels, rng, bias=False)
        return cls(reduction, LayerNorm.identity(4 * channels), shape_policy)

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H/2, W/2, 2C)
        return self.reduction(self.norm(self.gather(x)))

    @moves(x="B H W C")
    def gather(self, x: Array) -> Array:               # (B, H, W, C) -> (B, H/2, W/2, 4C)
        h, w = x.shape[1:3]
        if self.shape_policy.merging == "pad" and (h % 2 or w % 2):
            x = np.pad(x, ((0, 0), (0, h % 2), (0, w % 2), (0, 0)))
        return patch_merging(x)
