"""Section 1, Fig. 1: the maps of a Swin Transformer and the one map of a ViT, as grids on a photograph."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swin_np.errors import ShapeError
from swin_np.functional import Array
from swin_np.patches import patch_partition
from swin_np.plots.cells import frame_windows
from swin_np.plots.style import BLUE, HOUSE_STYLE, ORANGE, new_figure
from swin_np.variants import VARIANTS, SwinConfig

VIT_PATCH = 16                                         # of ViT-B/16 and the DeiTs; their class token is left out here


def token_means(image: Array, patch: tuple[int, int]) -> Array:
    """What a token stands for: the mean colour of its patch, image (H, W, 3) uint8 -> (h, w, 3) from 0 to 1."""
    patches = patch_partition(image.transpose(2, 0, 1)[None] / 255, patch)[0]               # (h, w, 3 p^2)
    return patches.reshape(*patches.shape[:2], 3, -1).mean(axis=-1)


def draw_map(axes: Axes, image: Array, map_size: tuple[int, int], window: tuple[int, int]) -> None:
    """One map: every token in the mean colour of its patch, and the windows in which tokens attend."""
    (h, w), patch = map_size, tuple(side // n for side, n in zip(image.shape[:2], map_size, strict=True))
    axes.imshow(token_means(image, patch), interpolation="nearest")
    frame_windows(axes, map_size, window)
    axes.set(xticks=[], yticks=[], xlabel=f"{h} x {w} = {h * w} tokens, each\n"
                                          f"of {patch[0]} x {patch[1]} pixels, with {window[0] * window[1]} keys")


@HOUSE_STYLE
def hierarchy_beside_vit(image: Array, config: SwinConfig = VARIANTS["swin_t"]) -> Figure:
    """The maps of all stages of a Swin Transformer with their windows on one photograph, and the one map of a ViT.

    image: (H, W, 3) uint8 of the configured size, which patches of 16 have to tile; ShapeError otherwise.
    """
    if image.shape[:2] != config.img_size:
        raise ShapeError(f"the image is {image.shape[0]}x{image.shape[1]}, the maps are those of {config.img_size}: "
                         "resize and crop it with swin_np.images")
    map_sizes, vit = config.map_sizes(), token_means(image, (VIT_PATCH, VIT_PATCH)).shape[:2]
    figure = new_figure(9.0, 6.9)
    panels = figure.subplots(2, 3).flat
    for stage, (axes, map_size) in enumerate(zip(panels, map_sizes, strict=False)):
        draw_map(axes, image, map_size, config.window(stage))
        axes.set_title(f"Swin, stage {stage + 1}")
    draw_map(panels[-2], image, vit, vit)
    panels[-2].set_title("ViT, all blocks")
    stages = range(1, len(map_sizes) + 1)
    tokens = [h * w for h, w in map_sizes]
    bars = panels[-1].bar(stages, tokens, color=BLUE, label="Swin")
    panels[-1].bar_label(bars)
    panels[-1].axhline(vit[0] * vit[1], color=ORANGE, linestyle="--", linewidth=2, label=f"ViT, {vit[0] * vit[1]}")
    panels[-1].set(title="tokens", xlabel="stage", yscale="log", ylim=(10, 10_000), xticks=stages)
    panels[-1].legend(loc="upper right")
    panels[-1].spines[["top", "right"]].set_visible(False)
    figure.suptitle("Swin merges patches from stage to stage and attends in windows (framed); ViT does neither")
    return figure
