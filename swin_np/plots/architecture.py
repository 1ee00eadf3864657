"""Section 3.1, Fig. 3: the architecture and two successive blocks, with the shapes of a real forward pass."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from swin_np.crosscheck.record import trace
from swin_np.functional import Array
from swin_np.model import SwinTransformer
from swin_np.plots.cells import draw_numeral
from swin_np.plots.style import BLACK, BLUE, HOUSE_STYLE, NUMERAL_SIZE, ORANGE, WHITE, draw_arrow, new_figure

Shapes = dict[str, tuple[int, ...]]                    # by the name in a trace


@dataclass(frozen=True)
class Box:
    """A step of the forward pass: what it says, and the name in a trace of what it gives; its colour."""

    text: str
    gives: str
    colour: str = WHITE


def traced_shapes(model: SwinTransformer, images: Array) -> Shapes:
    """The shape of everything that a trace of one forward pass records, and of the `images`."""
    with trace(model) as activations:
        model(images)
    return {"images": images.shape, **{name: value.shape for name, value in activations.items()}}


def model_chain(model: SwinTransformer) -> list[Box]:
    """Fig. 3a from the images to the logits."""
    boxes = [Box("patch partition, linear embedding", "patch_embed", ORANGE)]
    for i, stage in enumerate(model.layers):
        last = len(stage.blocks) - 1
        boxes.append(Box(f"stage {i + 1}: {last + 1} blocks", f"layers.{i}.blocks.{last}", BLUE))
        if stage.downsample is not None:
            boxes.append(Box("patch merging", f"layers.{i}.downsample", ORANGE))
    return [*boxes, Box("layer norm", "norm"), Box("mean over the tokens, head", "output", ORANGE)]


def block_chain(name: str, shifted: bool) -> list[Box]:
    """Fig. 3b, one block of it, with the steps of Fig. 4 and Eq. 4 inside its attention."""
    attn = f"{name}.attn"
    return [Box("layer norm", f"{name}.norm1"),
            Box("cyclic shift, window partition" if shifted else "window partition", f"{attn}.windows", BLUE),
            Box("linear: q, k, v of each head", f"{attn}.q", ORANGE),
            Box(r"scores $q k^T / \sqrt{d}$", f"{attn}.scores"),
            Box("+ bias + mask, softmax" if shifted else "+ bias, softmax", f"{attn}.probabilities"),
            Box("times v, heads joined, linear", attn, ORANGE),
            Box("window reverse, shift back" if shifted else "window reverse", f"{attn}.rolled_back", BLUE),
            Box("+ input of the block, layer norm", f"{name}.norm2"),
            Box("MLP: linear, GELU", f"{name}.mlp.fc1", ORANGE),
            Box("MLP: linear", f"{name}.mlp", ORANGE),
            Box("+ input of the MLP's norm", name)]


def draw_chain(axes: Axes, title: str, boxes: list[Box], start: tuple[int, ...], shapes: Shapes) -> None:
    """The boxes from top to bottom, with an arrow after each; beside it the shape of what flows there."""
    for i, shape in enumerate([start, *(shapes[box.gives] for box in boxes)]):
        draw_arrow(axes, (0, i - 0.46), (0, i), head=10)
        axes.text(0.05, i - 0.25, " x ".join(map(str, shape)), va="center", fontsize=NUMERAL_SIZE)
    for i, box in enumerate(boxes):
        axes.add_patch(FancyBboxPatch((-0.95, i + 0.06), 1.9, 0.42, boxstyle="round,pad=0,rounding_size=0.08",
                                      facecolor=box.colour, edgecolor=BLACK))
        draw_numeral(axes, i + 0.27, 0, box.text, to_rgb(box.colour), fontsize=NUMERAL_SIZE + 0.5)
    axes.set(title=title, xlim=(-1, 1), ylim=(len(boxes) + 0.1, -0.5))
    axes.axis("off")


@HOUSE_STYLE
def architecture(model: SwinTransformer, images: Array) -> Figure:
    """The whole model and its first two blocks, step by step, with the shape of every array of a real forward pass.

    images: (B, 3, H, W), normalised, in the model's dtype, for a model with two blocks or more in its first stage, of
    which the second is shifted. Raises what calling the model raises.
    """
    shapes = traced_shapes(model, images)
    chains = {"the model": (model_chain(model), "images"),
              "its first block: W-MSA": (block_chain("layers.0.blocks.0", False), "patch_embed"),
              "its second block: SW-MSA": (block_chain("layers.0.blocks.1", True), "layers.0.blocks.0")}
    figure = new_figure(9.0, 7.8)
    for axes, (title, (boxes, start)) in zip(figure.subplots(1, 3), chains.items(), strict=True):
        draw_chain(axes, title, boxes, shapes[start], shapes)
    figure.suptitle("Swin Transformer, with the shapes of a forward pass; blue: windows, orange: linear layers")
    figure.supxlabel("On the arrows: B x h x w x C, or tokens x C; in windows nW x M x M x C, or nW x heads x ...",
                     fontsize="medium")
    return figure
