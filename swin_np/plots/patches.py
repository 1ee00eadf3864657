"""Section 3.1: a patch of the image becomes a token, and four tokens become one."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.errors import ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.patches import LinearEmbedding, patch_merging, patch_partition
from swin_np.plots.cells import CORNERS, HEAT, draw_cells, frame_windows
from swin_np.plots.style import HOUSE_STYLE, ORANGE, WHITE, draw_frame, new_figure

GROUP_COLOURS = CORNERS.reshape(4, 3)[[0, 2, 1, 3]]
"""Of the four members of a 2x2 group in the order of the paper's code, down the columns first."""


def merged_tokens(map_size: tuple[int, int]) -> Array:
    """The numbers of the tokens that patch merging puts together, in its order: (H/2, W/2, 4)."""
    h, w = map_size
    return patch_merging(np.arange(h * w).reshape(1, h, w, 1))[0]


def group_places(map_size: tuple[int, int]) -> Array:
    """Which of the four blocks of channels of its merged token each token becomes: (H, W) integers from 0 to 3."""
    places = np.empty(map_size, int)
    places.flat[merged_tokens(map_size)] = np.arange(4)
    return places


def draw_blocks(axes: Axes, colours: Array, numerals: Array | None, per_token: int) -> None:
    """A map of tokens (h, w per_token), each framed and made of `per_token` blocks of channels side by side."""
    h, blocks, _ = colours.shape
    draw_cells(axes, colours, numerals)
    frame_windows(axes, (h, blocks), (1, per_token))
    axes.set(xticks=np.arange(0, blocks, per_token) + (per_token - 1) / 2, xticklabels=range(blocks // per_token))


@HOUSE_STYLE
def patch_merging_order(map_size: Size = 8, channels: int = 96) -> Figure:
    """Each 2x2 group of tokens becomes one token of 4C channels in a fixed order, which a linear layer brings to 2C.

    Raises ShapeError for a map with an odd side.
    """
    h, w = pair(map_size)
    merged, places = merged_tokens((h, w)), group_places((h, w))
    figure = new_figure(9.0, 4.3)
    panels = figure.subplot_mosaic([["map", "merged"], ["map", "reduced"]], width_ratios=(1, 1.9))
    draw_cells(panels["map"], GROUP_COLOURS[places], np.arange(h * w).reshape(h, w))
    frame_windows(panels["map"], (h, w), (2, 2))
    draw_blocks(panels["merged"], np.tile(GROUP_COLOURS, (h // 2, w // 2, 1)), merged.reshape(h // 2, 2 * w), 4)
    draw_blocks(panels["reduced"], np.full((h // 2, w, 3), 0.8), None, 2)
    panels["map"].set(title=f"{h} x {w} tokens of C = {channels}", xlabel="column", ylabel="row")
    panels["merged"].set(title=f"gathered: {h // 2} x {w // 2} tokens of 4C = {4 * channels}, four blocks each",
                         aspect="auto")
    panels["reduced"].set(title=f"layer norm, then linear: {h // 2} x {w // 2} tokens of 2C = {2 * channels}",
                          xlabel="column", aspect="auto")
    figure.suptitle("Patch merging: (row, column) parities (0,0), (1,0), (0,1), (1,1), in this order")
    return figure


def embed_patch(image: Array, embedding: LinearEmbedding, patch: tuple[int, int]) -> tuple[Array, Array, Array]:
    """One patch of an image (H, W, 3), the one at `patch` (row, column) of the grid of patches.

    Its numbers (3, p, p), the same flattened (3 p^2,), and its features (C,), before the norm.
    """
    p, q = embedding.weight.shape[2:]
    flat = patch_partition(image.transpose(2, 0, 1)[None], (p, q))[:, patch[0], patch[1]]   # (1, 3 p^2)
    return flat.reshape(-1, p, q), flat[0], embedding(flat)[0]


@HOUSE_STYLE
def patch_embedding(image: Array, embedding: LinearEmbedding, patch: tuple[int, int] = (19, 22)) -> Figure:
    """A photograph, one patch of it, the patch's numbers in a row, and its features as a product of matrices.

    image (H, W, 3) uint8 is scaled to 0..1 before the product. Raises ShapeError for a patch outside the image.
    """
    channels, _, p, q = embedding.weight.shape
    (h, w), (row, column) = image.shape[:2], patch
    if not (0 <= row < h // p and 0 <= column < w // q):
        raise ShapeError(f"patch {patch} is outside the {h // p}x{w // q} patches of the image: choose one inside")
    numbers, flat, features = embed_patch((image / 255).astype(embedding.weight.dtype), embedding, patch)
    weight = embedding.weight.reshape(channels, -1)                     # (C, 3 p^2)
    figure = new_figure(9.0, 6.6)
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1))
    whole, *planes = above.subplots(1, 4, width_ratios=(1.25, 1, 1, 1))
    whole.imshow(image)
    draw_frame(whole, (column * q - 2.5, row * p - 2.5), q + 4, p + 4, ORANGE)
    whole.set(title=f"image {h} x {w}:\n{h // p} x {w // q} = {h // p * (w // q)} patches", xticks=[], yticks=[])
    for axes, plane, name in zip(planes, numbers, ("red", "green", "blue"), strict=True):
        draw_cells(axes, np.repeat(plane[..., None], 3, axis=-1), 255 * plane)
        axes.set(title=f"patch {patch},\n{name}: {p} x {q} numbers", xticks=[], yticks=[])
    matrix, vector, result = below.subplots(1, 3, width_ratios=(weight.shape[1], 4, 4))
    matrix.imshow(weight, cmap=HEAT, aspect="auto", interpolation="nearest")
    vector.imshow(flat[:, None], cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    result.imshow(features[:, None], cmap=HEAT, aspect="auto", interpolation="nearest")
    for cut in range(1, 3):
        matrix.axvline(cut * p * q - 0.5, color=WHITE, linewidth=2)
        vector.axhline(cut * p * q - 0.5, color=ORANGE, linewidth=2)
    matrix.set(title=f"kernels of the convolution, one a row: {channels} x {weight.shape[1]}", ylabel="feature",
               xticks=np.arange(3) * p * q + p * q / 2 - 0.5, xticklabels=["red", "green", "blue"])
    vector.set(title=f"patch:\n{flat.size}", xticks=[], yticks=np.arange(3) * p * q + p * q / 2 - 0.5,
               yticklabels=["red", "green", "blue"])
    result.set(title=f"token:\n{channels}", xticks=[], ylabel="feature")
    figure.suptitle("Patch embedding: a convolution whose stride is its kernel is one matrix product, W x + b")
    return figure
