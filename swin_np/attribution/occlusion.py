"""Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"): a class map by hiding.

It needs no gradient: what matters for a class is where its score drops when a patch of the image is hidden.
"""

import numpy as np

from swin_np.attribution.attention_maps import check_number, single
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.layers import Module

BATCH = 32                                             # images


def mean_colour(image: Array) -> Array:
    """The mean over all pixels of an image (3, H, W) or (1, 3, H, W), (3,): a colour that says little."""
    return single(image)[0].mean(axis=(1, 2))


def check_class(model: Module, class_number: int) -> None:
    """Raise ConfigurationError for a model that scores no classes, InputError for a class that it does not have."""
    count = getattr(getattr(model, "config", None), "num_classes", 0)
    if not count or not hasattr(model, "features"):
        raise ConfigurationError("the model has no head that scores the classes of an image: take one for "
                                 "classification")
    check_number("class", class_number, count)


def occlusion(model: Module, image: Array, class_number: int, patch: Size, stride: Size, fill: Array) -> Array:
    """By how much the score of a class, before the softmax, drops when a patch of the image is hidden: (rows, columns).

    image: (3, H, W) or (1, 3, H, W), as the model takes it. patch, stride: in pixels; the patch at (i, j) has its top
    left corner at (i, j) times the stride. fill: the colour (3,) that hides, in the image's own units, see
    `mean_colour`. A positive number speaks for the class, a negative one against it.
    Raises ShapeError where the patches do not end with the image, ConfigurationError and InputError for a class that
    is not there, InputError for a colour that is none.
    """
    check_class(model, class_number)
    image, (p, q), (down, right) = single(image), pair(patch), pair(stride)
    h, w = image.shape[2:]
    if min(p, q, down, right) < 1 or p > h or q > w or (h - p) % down or (w - q) % right:
        raise ShapeError(f"patches of {p}x{q} pixels at a stride of {down}x{right} do not end with the {h}x{w} image: "
                         "let the stride divide what remains of each side beside one patch")
    fill = np.asarray(fill)
    if fill.shape != (image.shape[1],) or not np.isfinite(fill.astype(float)).all():
        raise InputError(f"the colour of shape {fill.shape} was given, expected {image.shape[1]} finite numbers: "
                         "take mean_colour(image)")
    corners = [(top, left) for top in range(0, h - p + 1, down) for left in range(0, w - q + 1, right)]
    whole = model(image)[0, class_number]
    scores = []
    for start in range(0, len(corners), BATCH):
        hidden = np.repeat(image, len(corners[start:start + BATCH]), axis=0)
        for one, (top, left) in zip(hidden, corners[start:start + BATCH], strict=True):
            one[:, top:top + p, left:left + q] = fill[:, None, None]
        scores.append(model(hidden)[:, class_number])
    return (whole - np.concatenate(scores)).reshape((h - p) // down + 1, (w - q) // right + 1)


def by_pixel(drops: Array, patch: Size, stride: Size) -> Array:
    """The drops (rows, columns) of `occlusion` as a map of the image, (H, W): of each pixel the mean over the patches
    that hide it; NaN where a stride larger than the patch leaves it out.
    """
    (rows, columns), (p, q), (down, right) = drops.shape, pair(patch), pair(stride)
    total, count = np.zeros((2, (rows - 1) * down + p, (columns - 1) * right + q))
    for (i, j), drop in np.ndenumerate(drops):
        place = np.s_[i * down:i * down + p, j * right:j * right + q]
        total[place] += drop
        count[place] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
