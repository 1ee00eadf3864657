"""The door of every model: a batch of images is checked before anything is computed from it."""

import numpy as np

from swin_np.errors import InputError, ShapeError
from swin_np.functional import Array


def check_images(images: Array, channels: int, dtype: np.dtype) -> Array:
    """Images (B, channels, H, W), or one without B, as a batch of that `dtype`.

    Raises ShapeError for other shapes, InputError for anything that would give a wrong number: an empty batch, another
    dtype, integer pixels, NaN or infinity.
    """
    images = np.asarray(images)
    batch = images[None] if images.ndim == 3 else images
    if batch.ndim != 4 or batch.shape[1] != channels:
        raise ShapeError(f"images have shape {images.shape}: expected (B, {channels}, H, W) or ({channels}, H, W), "
                         "channels before rows and columns")
    if 0 in batch.shape:
        raise InputError(f"the batch {images.shape} is empty: give at least one image of at least one pixel")
    if not np.issubdtype(batch.dtype, np.floating):
        raise InputError(f"pixels are {batch.dtype}: scale them to 0..1, normalise (swin_np.images.normalise) and "
                         f"convert to {dtype}")
    if batch.dtype != dtype:
        raise InputError(f"images are {batch.dtype}, the model is {dtype}: convert one, images.astype(...) or "
                         "model.astype(...)")
    if not np.isfinite(batch).all():
        raise InputError("the images contain NaN or infinity: check how they were read and normalised")
    return batch
