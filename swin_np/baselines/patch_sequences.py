"""An image as the Transformer could take it: a sequence of 16x16 patches, as ViT's (Dosovitskiy et al. 2021, 3.1).

The Transformer of 2017 translates text; it takes embedded tokens and has neither an embedding for images nor a class to
give. To put it beside the other systems, source and target are both the patches of one image, so that the sequences are
as long as a ViT's.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.arguments.image_batches import check_images
from swin_np.baselines import transformer
from swin_np.baselines.transformer import Transformer, TransformerConfig, causal_mask, sinusoidal_positions
from swin_np.chain import Step
from swin_np.costs import LayerCost
from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.patches import patch_partition

PATCH, COLOURS = 16, 3                                 # side of a patch in pixels, channels of an image


def sequence_length(img_size: Size) -> int:
    """The number of 16x16 patches of an image of this size in pixels; ShapeError if they do not tile it."""
    size = pair(img_size)
    if min(size) < 1 or any(side % PATCH for side in size):
        raise ShapeError(f"images of {size[0]}x{size[1]} pixels are not tiled by {PATCH}x{PATCH} patches: choose sides "
                         f"that are multiples of {PATCH}")
    return math.prod(side // PATCH for side in size)


def embedded_patches(images: Array, config: TransformerConfig, seed: int = 0) -> Array:
    """The patches of images (B, 3, H, W) as tokens (B, n, d_model) in the images' dtype.

    Each patch is projected by one random matrix, drawn from `seed` (normal, fan_in^-1/2), and gets the position of
    section 3.5. Raises ShapeError for images that the patches do not tile.
    """
    length = sequence_length(images.shape[2:])
    patches = patch_partition(images, PATCH).reshape(len(images), length, -1)              # (B, n, 3 16^2)
    projection = np.random.default_rng(seed).standard_normal((patches.shape[-1], config.d_model))
    projection *= patches.shape[-1] ** -0.5
    return patches @ projection.astype(images.dtype) + sinusoidal_positions(length, config.d_model).astype(images.dtype)


def chain(model: Transformer) -> list[Step]:
    """Fig. 1 of its paper: the encoder's layers on the patches, then the decoder's on the same patches, causally."""
    kept: dict[str, Array] = {}                        # the embedded patches, then what the encoder makes of them

    def keep(name: str, compute: Callable[[Array], Array], x: Array) -> Array:
        kept[name] = compute(x)
        return kept[name]

    def embed(images: Array) -> Array:
        return embedded_patches(check_images(images, COLOURS, model.dtype), model.config)

    *encoder, end = model.encoder.chain("encoder")
    first, *decoder = model.decoder.chain("decoder", lambda: (kept["memory"], causal_mask(kept["patches"].shape[1])))
    return [Step(f"{PATCH}x{PATCH} patches", (), partial(keep, "patches", embed)),
            *encoder, replace(end, compute=partial(keep, "memory", end.compute)),
            replace(first, compute=lambda _: first.compute(kept["patches"])), *decoder]


def layer_costs(config: TransformerConfig, img_size: Size, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer of a Transformer whose source and target are the patches of one image of `img_size` pixels.

    The projection of the patches is no part of the model and is not counted. Errors as of `sequence_length`.
    """
    length = sequence_length(img_size)
    return transformer.layer_costs(config, length, length, dtype)
