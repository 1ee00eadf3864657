"""Section 3.2: how far a token is seen after alternating blocks, by the real masks and as measured in a model."""

import numpy as np
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from swin_np.functional import Array
from swin_np.model import SwinTransformer
from swin_np.plots.cells import HEAT
from swin_np.plots.style import BLUE, HOUSE_STYLE, ORANGE, new_figure
from swin_np.variants import VARIANTS
from swin_np.windows import (
    cyclic_shift,
    reverse_cyclic_shift,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

SWIN_T = VARIANTS["swin_t"]
INFLUENCES = (1e-6, 1.0)                               # the ends of the scale for measured influence


def spread_by_block(seen: Array, window: tuple[int, int], shift: tuple[int, int]) -> Array:
    """Which tokens hold information of a source after one more block, given which held it before: (H, W) bool both.

    A query does if it did, or if a key does to which the mask of the block lets it attend.
    """
    windows = window_partition(cyclic_shift(seen[None, :, :, None], shift), window)         # (nW, M, M, 1)
    allowed = shifted_window_mask(seen.shape, window, shift) == 0                           # (nW, M^2, M^2)
    reached = (allowed & windows.reshape(len(windows), 1, -1)).any(axis=-1)
    return reverse_cyclic_shift(window_reverse(reached.reshape(windows.shape), seen.shape), shift)[0, :, :, 0]


def reach(map_size: tuple[int, int], window: tuple[int, int], shifts: list[tuple[int, int]],
          source: tuple[int, int]) -> Array:
    """Where a token at `source` is seen after each block, whose shifts are given: (blocks, H, W) bool."""
    seen = np.zeros(map_size, bool)
    seen[source] = True
    after = []
    for shift in shifts:
        seen = spread_by_block(seen, window, shift)
        after.append(seen)
    return np.array(after)


def extent(seen: Array) -> tuple[int, int]:
    """Height and width of the box around the True of a map (H, W)."""
    return tuple(int(np.ptp(places)) + 1 for places in np.nonzero(seen))


def influence(model: SwinTransformer, source: tuple[int, int], seed: int) -> Array:
    """By how much the token at `source` changes the output of each block of the first stage: (blocks, H, W).

    The token of a random map changes its sign; counted is the largest change over the channels, relative to the
    largest value of the output. In float64 no influence is lost to rounding.
    """
    h, w = model.config.map_sizes()[0]
    x = np.random.default_rng(seed).standard_normal((1, h, w, model.config.embed_dim)).astype(model.dtype)
    changed = x.copy()
    changed[0, source[0], source[1]] *= -1
    changes = []
    for block in model.layers[0].blocks:
        x, changed = block(x), block(changed)
        changes.append(np.abs(changed - x)[0].max(axis=-1) / np.abs(x).max())
    return np.array(changes)


def colour_reaches(reaches: list[Array]) -> Array:
    """Where each of two tokens is seen, in its colour, on white: (H, W) bool each -> (H, W, 3)."""
    colours = np.ones((*reaches[0].shape, 3))
    for seen, colour in zip(reaches, (BLUE, ORANGE), strict=True):
        colours[seen] = to_rgb(colour)
    return colours


@HOUSE_STYLE
def receptive_field_by_block(model: SwinTransformer, seed: int = 0) -> Figure:
    """How far two tokens are seen after each block: by the masks, as measured, and with regular windows only.

    The tokens are one in the middle of the map and the one in its corner; the blocks are those of the first stage of
    `model`, which should be in float64.
    """
    (h, w), window = map_size, (m, n) = model.config.map_sizes()[0], model.config.window(0)
    shifts = [block.shift_size for block in model.layers[0].blocks]
    sources = ((h // 2 // m * m + m // 2, w // 2 // n * n + n // 2), (0, 0))                # the middle of its window
    alternating = [reach(map_size, window, shifts, source) for source in sources]
    regular = [reach(map_size, window, [(0, 0)] * len(shifts), source) for source in sources]
    measured = [influence(model, source, seed) for source in sources]
    figure = new_figure(2.2 * len(shifts) + 0.4, 8.0)
    rows = figure.subplots(3, len(shifts), squeeze=False)
    for block, (by_masks, by_model, control) in enumerate(rows.T):
        by_masks.imshow(colour_reaches([seen[block] for seen in alternating]), interpolation="nearest")
        both = np.maximum(*(change[block] for change in measured))
        image = by_model.imshow(np.where(both > 0, both, np.nan), cmap=HEAT, norm=LogNorm(*INFLUENCES),
                                interpolation="nearest")
        control.imshow(colour_reaches([seen[block] for seen in regular]), interpolation="nearest")
        by_masks.set_title(f"block {block + 1}: {'SW-MSA' if any(shifts[block]) else 'W-MSA'}")
        for axes, maps in ((by_masks, alternating), (by_model, [change > 0 for change in measured]),
                           (control, regular)):
            boxes = ["{} x {}".format(*extent(seen[block])) for seen in maps]
            axes.set(xticks=[], yticks=[], xlabel=f"middle {boxes[0]}\ncorner {boxes[1]}")
    for axes, name in zip(rows[:, 0], ("reach, by the masks", "measured influence", "regular windows only"),
                          strict=True):
        axes.set_ylabel(name)
    figure.colorbar(image, ax=list(rows[:, -1]), location="right", shrink=0.5, aspect=40,
                    label="change, relative to the largest value of the output")
    figure.legend(handles=[Patch(facecolor=BLUE, label="reach of a token in the middle"),
                           Patch(facecolor=ORANGE, label="reach of the token in the corner")],
                  loc="outside lower center", ncols=2)
    figure.suptitle(f"Where two of {h} x {w} tokens are seen in a stage of {len(shifts)} blocks, windows of {m} x {n} "
                    f"(boxes in tokens);\nof Swin-T's stages the first has {SWIN_T.depths[0]} blocks and "
                    f"{SWIN_T.map_sizes()[0][0]} x {SWIN_T.map_sizes()[0][1]} tokens, the third {SWIN_T.depths[2]} and "
                    f"{SWIN_T.map_sizes()[2][0]} x {SWIN_T.map_sizes()[2][1]}")
    return figure
