"""Section 1, Fig. 1: the maps of a Swin Transformer and the one map of a ViT, as grids on a photograph."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.errors import ShapeError
from swin_np.functional import Array
from swin_np.patches import patch_partition
from swin_np.plots.cells import frame_windows
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, ORANGE, WHITE, new_figure
from swin_np.variants import VARIANTS, SwinConfig

VIT_PATCH = 16                                         # of ViT-B/16 and the DeiTs; their class token is left out here


def map_of_patches(image: Array, patch: tuple[int, int]) -> tuple[int, int]:
    """How many patches an image (H, W, 3) has down and to the right; ShapeError where they do not tile it."""
    return patch_partition(image.transpose(2, 0, 1)[None], patch).shape[1:3]


def draw_tokens(axes: Axes, image: Array, map_size: tuple[int, int]) -> None:
    """The image, with thin lines between the tokens of a map of it; token (i, j) is centred at x = j, y = i."""
    h, w = map_size
    axes.imshow(image, extent=(-0.5, w - 0.5, h - 0.5, -0.5), interpolation="nearest")
    axes.vlines(np.arange(w - 1) + 0.5, -0.5, h - 0.5, colors=WHITE, linewidth=0.4, alpha=0.6)
    axes.hlines(np.arange(h - 1) + 0.5, -0.5, w - 0.5, colors=WHITE, linewidth=0.4, alpha=0.6)
    axes.set(xticks=[], yticks=[])


def draw_map(axes: Axes, image: Array, map_size: tuple[int, int], window: tuple[int, int]) -> None:
    """One map: its tokens on the image, and frames around the windows in which they attend."""
    (h, w), patch = map_size, tuple(side // n for side, n in zip(image.shape[:2], map_size, strict=True))
    draw_tokens(axes, image, map_size)
    frame_windows(axes, map_size, window)
    axes.set_xlabel(f"{h} x {w} = {h * w} tokens, each\n"
                    f"of {patch[0]} x {patch[1]} pixels, with {window[0] * window[1]} keys")


@HOUSE_STYLE
def hierarchy_beside_vit(image: Array, config: SwinConfig = VARIANTS["swin_t"]) -> Figure:
    """The maps of all stages of a Swin Transformer with their windows on one photograph, and the one map of a ViT.

    image: (H, W, 3) uint8 of the configured size, which patches of 16 have to tile; ShapeError otherwise.
    """
    if image.shape[:2] != config.img_size:
        raise ShapeError(f"the image is {image.shape[0]}x{image.shape[1]}, the maps are those of {config.img_size}: "
                         "resize and crop it with swin_np.images")
    map_sizes, vit = config.map_sizes(), map_of_patches(image, (VIT_PATCH, VIT_PATCH))
    figure = new_figure(9.0, 6.9)
    panels = figure.subplots(2, 3).flat
    for stage, (axes, map_size) in enumerate(zip(panels, map_sizes, strict=False)):
        draw_map(axes, image, map_size, config.window(stage))
        axes.set_title(f"Swin, stage {stage + 1}")
    draw_map(panels[-2], image, vit, vit)
    panels[-2].set_title("ViT, all blocks")
    tokens = {f"{stage}": h * w for stage, (h, w) in enumerate(map_sizes, start=1)} | {"ViT": vit[0] * vit[1]}
    bars = panels[-1].bar(list(tokens), list(tokens.values()), color=[BLUE] * len(map_sizes) + [ORANGE],
                          edgecolor=BLACK)
    panels[-1].bar_label(bars, padding=2)
    panels[-1].set(title="tokens", xlabel="stage of Swin, and ViT")
    panels[-1].spines[["top", "right"]].set_visible(False)
    figure.suptitle("Thin lines part tokens, frames are windows: Swin merges tokens from stage to stage, ViT never")
    return figure
