"""Section 3.2: what a token attends to, laid on the image, head by head; and rollout, stage by stage."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from swin_np.arguments.checks import shown
from swin_np.attribution.attention_maps import BlockAttention, in_words
from swin_np.attribution.rollout import rollout
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.plots.cells import HEAT, LUMINANCE
from swin_np.plots.style import BLACK, HOUSE_STYLE, ORANGE, WHITE, new_figure
from swin_np.text import size

OPACITY = 0.8                                          # of the colours on the image
LEAST_HELD = 1e-3                                      # the lower end of the scale of rollout, the largest is 1


def draw_image(axes: Axes, image: Array) -> None:
    """The image (H, W, 3), uint8 or 0 to 1, one unit a pixel."""
    axes.imshow(image, extent=(0, image.shape[1], image.shape[0], 0), interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def draw_grey(axes: Axes, image: Array) -> None:
    """The image (H, W, 3), uint8 or 0 to 1, in pale grey, one unit a pixel: a ground for colours."""
    grey = (image / 255 if image.dtype == np.uint8 else image) @ LUMINANCE
    axes.imshow(0.55 + 0.45 * grey, cmap="gray", vmin=0, vmax=1, extent=(0, image.shape[1], image.shape[0], 0))
    axes.set(xticks=[], yticks=[])


def lay_on(axes: Axes, values: Array, pixels: tuple[float, float], norm: Normalize,
           colours: Colormap = HEAT) -> AxesImage:
    """Values (h, w) of tokens of this height and width in pixels, seen through; nothing where they are NaN."""
    extent = (0, values.shape[1] * pixels[1], values.shape[0] * pixels[0], 0)
    return axes.imshow(values, cmap=colours, norm=norm, alpha=OPACITY, extent=extent, interpolation="nearest")


def border(inside: Array) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The straight lines, ((x, y), (x, y)), between tokens that belong to a set (h, w) and tokens that do not."""
    padded = np.pad(inside, 1)
    lines = [((start, y), (stop, y)) for y, start, stop in runs(padded[:-1] != padded[1:])]
    return lines + [((x, start), (x, stop)) for x, start, stop in runs((padded[:, :-1] != padded[:, 1:]).T)]


def runs(edges: Array) -> list[tuple[int, int, int]]:
    """Where each line of edges (lines, tokens + 2) has True without a gap: (line, first token, one after the last)."""
    line, place = np.nonzero(np.diff(edges.astype(int), axis=1))
    return [(int(number), int(start), int(stop)) for number, start, stop in zip(line[::2], place[::2], place[1::2],
                                                                                strict=True)]


def draw_border(axes: Axes, inside: Array, pixels: tuple[int, int], colour: str = WHITE) -> None:
    """A line, edged with black, around a set of tokens (h, w) bool."""
    lines = np.array(border(inside), float) * (pixels[1], pixels[0])
    for drawn, width in ((BLACK, 4.0), (colour, 2.0)):
        axes.add_collection(LineCollection(lines, colors=drawn, linewidths=width, capstyle="projecting", zorder=3,
                                           clip_on=False))


def draw_query(axes: Axes, place: tuple[int, int], map_size: tuple[int, int], pixels: tuple[int, int]) -> None:
    """An orange line around the token at a place of a map."""
    alone = np.zeros(map_size, bool)
    alone[place] = True
    draw_border(axes, alone, pixels, ORANGE)


def look_at(axes: Axes, inside: Array, pixels: tuple[int, int]) -> None:
    """Let the panel show the box around a set of tokens, and half a token more on each side."""
    (top, bottom), (left, right) = ((places.min() - 0.5, places.max() + 1.5) for places in np.nonzero(inside))
    axes.set(xlim=(left * pixels[1], right * pixels[1]), ylim=(bottom * pixels[0], top * pixels[0]))


def panels_for(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels of 2.3 inches, in rows of four, or of three where that leaves fewer places empty.

    height: of a row with what is written around its panels, in inches.
    """
    columns = count if count <= 4 else 3 if count <= 9 and -count % 3 < -count % 4 else 4
    rows = math.ceil(count / columns)
    figure = new_figure(2.3 * columns + 1.0, height * rows + 0.5)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[count:]:
        axes.axis("off")
    return figure, panels[:count]


@HOUSE_STYLE
def attention_on_image(image: Array, attention: BlockAttention, place: tuple[int, int],
                       heads: Sequence[int] | None = None, note: str = "") -> Figure:
    """What one token attends to in a block: the image with its window, then each head and, of several, their mean.

    image: (H, W, 3) as the model sees it, uint8 or 0 to 1. place: row and column of the token on its map. heads:
    counted from 0; all without it. The window is the ragged one that the mask leaves; panels of heads show it enlarged.
    note: a sentence below the title. Raises InputError for a place or a head that is not there.
    """
    heads = range(attention.heads) if heads is None else heads
    for head in heads:
        if head not in range(attention.heads):
            raise InputError(f"head {shown(head)} was asked for, {attention.name} has {attention.heads}, counted from "
                             f"0: give one from 0 to {attention.heads - 1}")
    window, weights = attention.window(*place), attention.row(*place)[list(heads)]
    maps = {f"head {head + 1}": of_head for head, of_head in zip(heads, weights, strict=True)}
    off = list(attention.off_the_map(*place)[list(heads)])
    if len(maps) > 1:
        maps, off = maps | {"mean of the heads": weights.mean(axis=0)}, [*off, np.mean(off)]
    figure, (whole, *panels) = panels_for(1 + len(maps), 2.7)
    draw_image(whole, image)
    draw_border(whole, window, attention.pixels)
    draw_query(whole, place, attention.map_size, attention.pixels)
    whole.set_title("the token, its window")
    whole.set_xlabel(f"token ({place[0]}, {place[1]}) of {size(attention.map_size)}")
    norm = Normalize(0, max(float(values.max()) for values in maps.values()))
    for axes, (name, values), elsewhere in zip(panels, maps.items(), off, strict=True):
        draw_grey(axes, image)
        colours = lay_on(axes, np.where(window, values, np.nan), attention.pixels, norm)
        draw_border(axes, window, attention.pixels)
        draw_query(axes, place, attention.map_size, attention.pixels)
        look_at(axes, window, attention.pixels)
        axes.set_title(name)
        if elsewhere > 0:
            axes.set_xlabel(f"{100 * elsewhere:.0f} % to {'tokens without place' if attention.prefix else 'padding'}")
    figure.colorbar(colours, ax=[whole, *panels], shrink=0.8, aspect=30, label="share of the token's attention")
    kind = f"shifted by {attention.shift}" if any(attention.shift) else "regular windows"
    kind = "global attention" if attention.prefix else kind
    figure.suptitle("\n".join(filter(None, (f"{in_words(attention.name)}, {kind}", note))), fontsize="medium")
    return figure


@HOUSE_STYLE
def rollout_by_stage(image: Array, attentions: Sequence[Sequence[BlockAttention]], pixel: tuple[int, int],
                     note: str = "") -> Figure:
    """What the token at a pixel holds of the first map after each stage, by rollout, and what is classified of it.

    image: (H, W, 3) as the model sees it. attentions: of all blocks. pixel: row and column in the image. The token is
    framed; where the masks let nothing come from, nothing is drawn. note: a sentence below the title.
    Raises InputError for a pixel that no token holds.
    """
    first, count = attentions[0][0], len(attentions)
    places = [stage[0].place(pixel) for stage in attentions]
    held = [rollout(attentions, i, place).weights for i, place in enumerate(places)]
    held.append(rollout(attentions, count - 1).weights)
    figure, panels = panels_for(count + 1, 3.0)
    for i, (axes, weights) in enumerate(zip(panels, held, strict=True)):
        draw_grey(axes, image)
        shares = np.where(weights > np.finfo(np.float32).tiny, weights, np.nan) / weights.max()
        colours = lay_on(axes, shares, first.pixels, LogNorm(LEAST_HELD, 1, clip=True))
        axes.set_title(f"after stage {i + 1}" if i < count else "what is classified")
        if i < count:
            draw_query(axes, places[i], attentions[i][0].map_size, attentions[i][0].pixels)
            end = f"token {places[i]} of {size(attentions[i][0].map_size)}"
        else:
            end = "the class token" if first.prefix else f"mean of {size(attentions[-1][0].map_size)}"
        axes.set_xlabel(f"{end},\nlargest share {weights.max():.2g}")
    figure.colorbar(colours, ax=panels, shrink=0.8, aspect=30, extend="min",
                    label="share, the panel's largest 1")
    title = f"Rollout: share of each of {size(first.map_size)} tokens, if attention alone mixed them"
    figure.suptitle("\n".join(filter(None, (title, note))), fontsize="medium")
    return figure
