"""Section 3.2: what goes wrong without the mask, and where: the windows of the rolled map that have several regions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from swin_np.attention import WindowAttention, shifted_window_attention
from swin_np.functional import Array, Size, pair
from swin_np.plots.cells import HEAT, draw_numeral, frame_windows
from swin_np.plots.style import HOUSE_STYLE, new_figure
from swin_np.windows import cyclic_shift, reverse_cyclic_shift, window_partition, window_reverse


def unmasked_attention(x: Array, attn: WindowAttention, shift: tuple[int, int]) -> Array:
    """The mistake on purpose: SW-MSA of a map (B, H, W, C) by roll and partition, but without the mask."""
    windows = window_partition(cyclic_shift(x, shift), attn.window_size)
    windows = attn(windows.reshape(len(windows), -1, x.shape[-1])).reshape(windows.shape)
    return reverse_cyclic_shift(window_reverse(windows, x.shape[1:3]), shift)


def mask_error(x: Array, attn: WindowAttention, shift: tuple[int, int]) -> Array:
    """The largest |masked - unmasked| over the channels for each token of one map (1, H, W, C): (H, W)."""
    masked = shifted_window_attention(x, attn, attn.window_size, shift)
    return np.abs(masked - unmasked_attention(x, attn, shift))[0].max(axis=-1)


def mask_error_by_window(error: Array, window: tuple[int, int], shift: tuple[int, int]) -> Array:
    """The largest error in each window of the rolled map: (H/M, W/M)."""
    windows = window_partition(cyclic_shift(error[None, :, :, None], shift), window)
    return windows.max(axis=(1, 2, 3)).reshape([side // m for side, m in zip(error.shape, window, strict=True)])


def draw_error(axes: Axes, error: Array, largest: float) -> AxesImage:
    """A map of errors, the largest brightest."""
    return axes.imshow(error, cmap=HEAT, norm=Normalize(0, largest), interpolation="nearest")


@HOUSE_STYLE
def error_without_the_mask(x: Array, attn: WindowAttention, shift: Size = 3) -> Figure:
    """SW-MSA of a map (1, H, W, C) with and without the mask: the difference where it lies, rolled, and by window.

    Raises ShapeError where the windows of `attn` do not tile the map or the shift does not fit them.
    """
    (m, n), shift, (h, w) = attn.window_size, pair(shift), x.shape[1:3]
    error = mask_error(x, attn, shift)
    by_window = mask_error_by_window(error, (m, n), shift)
    largest = error.max()
    figure = new_figure(9.0, 4.4)
    original, rolled, counted = figure.subplots(1, 3)
    image = draw_error(original, error, largest)
    draw_error(rolled, cyclic_shift(error[None, :, :, None], shift)[0, :, :, 0], largest)
    draw_error(counted, by_window, largest)
    frame_windows(rolled, (h, w), (m, n))
    grounds = HEAT(Normalize(0, largest)(by_window))[..., :3]
    for (row, column), value in np.ndenumerate(by_window):
        draw_numeral(counted, row, column, f"{value:.1f}" if value else "0", grounds[row, column])
    for axes in (original, rolled):
        axes.set(xticks=[0, w - 1], yticks=[0, h - 1], xlabel="column")
    original.set(title="where the tokens lie", ylabel="row")
    rolled.set_title(f"rolled by {shift}, with its windows")
    counted.set(title="largest in each window", xlabel="column of windows", ylabel="row of windows",
                xticks=range(by_window.shape[1]), yticks=range(by_window.shape[0]))
    figure.colorbar(image, ax=[original, rolled, counted], location="bottom", shrink=0.4, aspect=40,
                    label="|masked - unmasked|, largest over the channels")
    figure.suptitle(f"Without the mask, SW-MSA is wrong in {np.count_nonzero(by_window)} of {by_window.size} windows, "
                    "the wrapped ones, and only there")
    return figure
