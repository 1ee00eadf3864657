"""The door of every model: a batch of images is checked before anything is computed from it, and then the result."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from swin_np.arguments.checks import shown
from swin_np.arguments.door import as_model
from swin_np.errors import InputError, ShapeError
from swin_np.functional import Array
from swin_np.layers import watched

Entrance = TypeVar("Entrance", bound=Callable[..., Any])

def check_images(images: Array, channels: int, dtype: np.dtype[Any]) -> Array:
    """Images (B, channels, H, W), or one without B, as a batch of that `dtype`.

    Raises ShapeError for other shapes, InputError for anything that would give a wrong number: an empty batch, another
    dtype, integer pixels, NaN or infinity.
    """
    if isinstance(images, np.ma.MaskedArray):
        raise InputError("the images are a masked array, whose mask would be lost: give images.filled(value)")
    try:
        images = np.asarray(images)
    except Exception as error:                         # NumPy asks whatever it is given to make an array of itself
        raise InputError(f"the images are {shown(images)}, of which NumPy makes no array: give one") from error
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


def finite(entrance: Entrance) -> Entrance:
    """Let an entrance of a model give finite numbers or, in their place, InputError.

    While somebody watches the steps it gives what there is, since they may be looking for where the numbers went wrong.
    """
    @wraps(entrance)
    def checked(*args: Any, **named: Any) -> Any:
        output = as_model(entrance, *args, **named)
        maps = output if isinstance(output, list) else [output]
        if not watched() and not all(np.isfinite(x).all() for x in maps):
            raise InputError("what comes out of the model is not finite, it contains NaN or infinity, though the "
                             "images do not: look where they first appear (swin_np.trace), at the scale of the images "
                             "(swin_np.images.normalise) and at the weights")
        return output

    return cast(Entrance, checked)
