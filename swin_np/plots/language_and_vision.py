"""Section 1: the two differences between words and pixels, the scale of what is to be seen and the resolution."""

from matplotlib.figure import Figure

from swin_np.errors import ShapeError
from swin_np.functional import Array
from swin_np.plots.hierarchy import draw_tokens, map_of_patches
from swin_np.plots.style import BLACK, HOUSE_STYLE, LABEL_SIZE, ORANGE, WHITE, draw_frame, new_figure

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

ENTITIES = {"person": (15, 0, 208, 224), "face": (79, 44, 72, 82), "name tag": (36, 191, 39, 17),
            "star": (42, 14, 20, 23), "eye": (127, 57, 15, 10)}
"""Things to be seen on the sample photograph, cropped to 224 x 224."""


def tokens_of(box: Box, patch: int) -> float:
    """How many patches of patch x patch pixels have the area of a box."""
    return box[2] * box[3] / patch ** 2


@HOUSE_STYLE
def entities_on_grid(image: Array, patches: tuple[int, ...] = (16, 4),
                     entities: dict[str, Box] = ENTITIES) -> Figure:
    """Things of several sizes on an image (H, W, 3) uint8 with grids of patches, and how many tokens each has.

    Raises ShapeError for a thing that is not within the image.
    """
    h, w = image.shape[:2]
    for name, (left, top, width, height) in entities.items():
        if left < 0 or top < 0 or left + width > w or top + height > h:
            raise ShapeError(f"the box of {name!r} is not within the {h}x{w} image: give one in pixels of this image")
    figure = new_figure(4.4 * len(patches), 5.2)
    for axes, patch in zip(figure.subplots(1, len(patches), squeeze=False).flat, patches, strict=True):
        axes.imshow(image, extent=(0, w, h, 0), interpolation="nearest")
        axes.vlines(range(patch, w, patch), 0, h, colors=WHITE, linewidth=0.5, alpha=0.6)
        axes.hlines(range(patch, h, patch), 0, w, colors=WHITE, linewidth=0.5, alpha=0.6)
        counts = []
        for number, (name, box) in enumerate(entities.items(), start=1):
            draw_frame(axes, box[:2], box[2], box[3], ORANGE)
            axes.text(box[0] - 3, box[1] + 3, str(number), ha="right", va="top", fontsize=LABEL_SIZE, weight="bold",
                      color=BLACK, bbox={"facecolor": WHITE, "pad": 1, "linewidth": 0}, zorder=4)
            size = tokens_of(box, patch)
            counts.append(f"{number} {name}: {size:.{0 if size >= 10 else 1}f}")
        axes.set(title=f"patches of {patch} x {patch} pixels", xticks=[], yticks=[],
                 xlabel="size in tokens\n" + ",  ".join(counts[:3]) + ",\n" + ",  ".join(counts[3:]))
    return figure


def pairs_of_tokens(image_size: tuple[int, int], patch: int) -> int:
    """How many pairs of query and key global attention has on an image in patches of patch x patch pixels."""
    return ((image_size[0] // patch) * (image_size[1] // patch)) ** 2


@HOUSE_STYLE
def tokens_by_patch_size(image: Array, patches: tuple[int, ...] = (32, 16, 8, 4)) -> Figure:
    """One image (H, W, 3) uint8 cut into ever more tokens, and how many pairs these make.

    Raises ShapeError for a patch that does not tile the image.
    """
    figure = new_figure(9.0, 3.1)
    for axes, patch in zip(figure.subplots(1, len(patches), squeeze=False).flat, patches, strict=True):
        h, w = map_of_patches(image, (patch, patch))
        draw_tokens(axes, image, (h, w))
        axes.set(title=f"patches of {patch} x {patch}",
                 xlabel=f"{h} x {w} = {h * w} tokens\n{pairs_of_tokens(image.shape[:2], patch):,} pairs")
    return figure
