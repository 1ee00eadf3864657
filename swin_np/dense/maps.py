"""The feature maps that a dense head takes: checked before anything is computed from them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from swin_np.arguments.checks import instance
from swin_np.errors import InputError, ShapeError
from swin_np.functional import Array


def check_maps(maps: Sequence[Array], channels: Sequence[int], dtype: np.dtype) -> None:
    """Raise ShapeError or InputError unless these are maps (B, h, w, C) with these channels, the finest first."""
    for x in maps:
        instance("one of the maps", x, np.ndarray)
    shapes = [x.shape for x in maps]
    if [len(shape) for shape in shapes] != [4] * len(channels):
        raise ShapeError(f"maps of shapes {shapes} were given: expected {len(channels)} maps (B, h, w, C), as "
                         "feature_maps of a backbone gives them")
    if [shape[3] for shape in shapes] != list(channels):
        raise ShapeError(f"maps of shapes {shapes} were given: this head is for maps with {list(channels)} channels, "
                         "the finest first")
    if len({shape[0] for shape in shapes}) > 1 or any(
            finer < coarser for one, next_one in pairwise(shapes)
            for finer, coarser in zip(one[1:3], next_one[1:3], strict=True)):
        raise ShapeError(f"maps of shapes {shapes} were given: expected one batch, the finest map first")
    if not all(x.size and np.isfinite(x).all() for x in maps):
        raise InputError("the maps are empty, or contain NaN or infinity: give finite ones")
    if {x.dtype for x in maps} != {dtype}:
        raise InputError(f"the maps are {', '.join(str(x.dtype) for x in maps)}, the head is {dtype}: convert one of "
                         "them, with astype")
