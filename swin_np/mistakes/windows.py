"""Section 3.2: what goes wrong with windows, the cyclic shift and the mask (Figs. 2 and 4)."""

import numpy as np

from swin_np.functional import Array, pair
from swin_np.mistakes.mistake import ATTENTION, ATTENTION_INPUT, BLOCK_MIDDLE, NOWHERE, mistake
from swin_np.windows import MASK_VALUE, Size, region_ids, shifted_window_mask, window_partition

PARTITION = "swin_np.windows.window_partition"
REVERSE = "swin_np.windows.window_reverse"
SHIFT = "swin_np.windows.cyclic_shift"
REVERSE_SHIFT = "swin_np.windows.reverse_cyclic_shift"
REGIONS = "swin_np.windows.region_ids"
MASK = "swin_np.windows.shifted_window_mask"
ATTENTION_MASK = "swin_np.windows.attention_mask"
FIG_2 = "section 3.2, Fig. 2"
FIG_4 = "section 3.2, Fig. 4"


@mistake(PARTITION, place=FIG_2, modules=ATTENTION_INPUT,
         says="The map is reshaped into windows without the transpose, so a window holds a stretch of a few rows "
              "instead of a square.",
         fix="Reshape to (B, H/M, M, W/M, M, C), exchange axes 2 and 3, and only then flatten.")
def partition_without_transpose(x: Array, window: Size) -> Array:
    m, n = pair(window)
    return x.reshape(-1, m, n, x.shape[-1])


@mistake(PARTITION, place=FIG_2, modules=ATTENTION_INPUT,
         says="A window takes every (H/M)-th row and (W/M)-th column, a grid spread over the whole map, because the "
              "side was cut into (M, H/M) in place of (H/M, M).",
         fix="Reshape to (B, H/M, M, W/M, M, C): neighbours belong to one window.")
def windows_strided(x: Array, window: Size) -> Array:
    b, h, w, c = x.shape
    m, n = pair(window)
    x = x.reshape(b, m, h // m, n, w // n, c)
    x = x.transpose(0, 2, 4, 1, 3, 5)
    return x.reshape(-1, m, n, c)


@mistake(PARTITION, place=FIG_2, modules=ATTENTION_INPUT,
         says="The tokens inside each window are counted down the columns, so they come back to the map transposed.",
         fix="Keep rows before columns inside a window: transpose to (B, H/M, W/M, rows, columns, C).")
def window_tokens_transposed(x: Array, window: Size) -> Array:
    b, h, w, c = x.shape
    m, n = pair(window)
    x = x.reshape(b, h // m, m, w // n, n, c)
    x = x.transpose(0, 1, 3, 4, 2, 5)
    return x.reshape(-1, m, n, c)


@mistake(REVERSE, place="section 3.2", modules=BLOCK_MIDDLE,
         says="The windows are put back column by column, although the partition counts them row by row, so all but "
              "a few land in the wrong place.",
         fix="Reshape to (B, H/M, W/M, M, M, C) before the transpose: the partition's steps in reverse.")
def windows_reversed_column_major(windows: Array, map_size: tuple[int, int]) -> Array:
    (h, w), (_, m, n, c) = map_size, windows.shape
    x = windows.reshape(-1, w // n, h // m, m, n, c)
    x = x.transpose(0, 2, 3, 1, 4, 5)
    return x.reshape(-1, h, w, c)


@mistake(REVERSE, place="section 3.2", modules=BLOCK_MIDDLE,
         says="The windows are reshaped into a map without the transpose, so the tokens of a window are spread over a "
              "few rows.",
         fix="Reshape to (B, H/M, W/M, M, M, C), exchange axes 2 and 3, and only then flatten.")
def reverse_without_transpose(windows: Array, map_size: tuple[int, int]) -> Array:
    return windows.reshape(-1, *map_size, windows.shape[-1])


@mistake(PARTITION, place=FIG_2, modules=NOWHERE,
         says="The windows are counted down the columns, so window 1 is the one below the first instead of the one "
              "beside it.",
         fix="Keep H/M before W/M when the windows' axes are flattened.")
def windows_counted_down_the_columns(x: Array, window: Size) -> Array:
    b, h, w, c = x.shape
    m, n = pair(window)
    return x.reshape(b, h // m, m, w // n, n, c).transpose(0, 3, 1, 2, 4, 5).reshape(-1, m, n, c)


@mistake(SHIFT, place=FIG_4, modules=ATTENTION_INPUT,
         says="The map is rolled towards the bottom right (and back), so the windows that hold wrapped tokens are the "
              "first ones, while the mask is made for the last.",
         fix="Roll by -shift before the attention and by +shift after it.")
def roll_direction(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.roll(x, (down, right), axis=(1, 2))


@mistake(REVERSE_SHIFT, place=FIG_4, modules=BLOCK_MIDDLE,
         says="The map is not rolled back, so after every shifted block the features lie `shift` tokens too far to "
              "the top left.",
         fix="Roll by +shift after the windows are put back.")
def no_reverse_roll(x: Array, shift: Size) -> Array:
    return x


@mistake(REVERSE_SHIFT, place=FIG_4, modules=BLOCK_MIDDLE,
         says="The map is rolled on in the same direction instead of back, so the features end up twice the shift "
              "away from where they belong.",
         fix="Give the second roll the opposite sign of the first.")
def reverse_roll_direction(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.roll(x, (-down, -right), axis=(1, 2))


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The map is rolled along one axis only: the rows move and the columns stay.",
         fix="Roll rows and columns: a shift and an axis for each.")
def roll_of_the_rows_only(x: Array, shift: Size) -> Array:
    down, _ = pair(shift)
    return np.roll(x, -down, axis=1)


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The last two axes are rolled, rows and columns of an NCHW map, which are columns and channels here.",
         fix="Roll the axes 1 and 2 of a map (B, H, W, C).")
def roll_on_nchw(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.roll(x, (-down, -right), axis=(2, 3))


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The roll has no axis, so NumPy rolls the flattened map and numbers cross over to other channels and "
              "images.",
         fix="Name the axes of rows and columns.")
def roll_without_axis(x: Array, shift: Size) -> Array:
    down, _ = pair(shift)
    return np.roll(x, -down)


@mistake(SHIFT, place=FIG_4, modules=NOWHERE,
         says="The map is moved and zeros come in at the bottom and right, so what leaves at the top and left is lost.",
         fix="Roll: what leaves at one side comes back at the opposite one.")
def shift_filled_with_zeros(x: Array, shift: Size) -> Array:
    down, right = pair(shift)
    return np.pad(x[:, down:, right:], ((0, 0), (0, down), (0, right), (0, 0)))


def bands(side: int, *cuts: int) -> Array:
    """For each place along a side the number of its band, counted from 0; each cut begins another."""
    return sum((np.arange(side) >= cut).astype(int) for cut in cuts)


@mistake(REGIONS, place=FIG_4, modules=ATTENTION, thread="zsyOAOA/ResShift#81",
         says="The slices for rows and columns are applied to the axes of an NCHW map as if it were NHWC, so the mask "
              "separates rows only and the columns that wrapped around can be seen.",
         fix="Number the regions on a map (1, H, W, 1), or slice the last two axes.")
def mask_slices_on_nchw(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (m, n), (down, right) = pair(window), pair(shift)
    ids, count = np.zeros((1, 1, *map_size), int), 0
    for rows in (slice(0, -m), slice(-m, -down), slice(-down, None)):
        for columns in (slice(0, -n), slice(-n, -right), slice(-right, None)):
            ids[:, rows, columns, :] = count
            count += 1
    return ids[0, 0]


@mistake(REGIONS, place=FIG_4, modules=ATTENTION,
         says="The regions are numbered for the map rolled the other way: the mask cuts the first windows, while the "
              "wrapped tokens are in the last.",
         fix="Let the last `shift` rows and columns be the wrapped ones.")
def mask_for_the_other_roll(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    return 3 * (2 - bands(h, m, down))[:, None] + 2 - bands(w, n, right)


@mistake(REGIONS, place=FIG_4, modules=ATTENTION, needs="a map that is not square",
         says="The regions are numbered on a map of width times height and then reshaped, which goes unnoticed as "
              "long as maps are square.",
         fix="Give the mask's map its height first: (1, H, W, 1).")
def mask_height_and_width_exchanged(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    return (3 * bands(w, w - m, w - down)[:, None] + bands(h, h - n, h - right)).reshape(h, w)


@mistake(REGIONS, place=FIG_4, modules=ATTENTION, needs="an odd window",
         says="The last window is cut M - shift from its end instead of shift, which is the same only for an even "
              "window.",
         fix="Let the last band be `shift` wide: slice(-shift, None).")
def mask_cut_at_the_rest_of_the_window(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    return 3 * bands(h, h - m, h - m + down)[:, None] + bands(w, w - n, w - n + right)


@mistake(REGIONS, place=FIG_4, modules=NOWHERE,
         says="The regions are counted down the columns, so ids 1 and 3, 2 and 6, 5 and 7 have changed places.",
         fix="Number them row by row: three times the row's band plus the column's.")
def regions_counted_down_the_columns(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (m, n), (down, right) = map_size, pair(window), pair(shift)
    return bands(h, h - m, h - down)[:, None] + 3 * bands(w, w - n, w - right)


@mistake(REGIONS, place=FIG_4, modules=NOWHERE,
         says="Only what wrapped around is told apart, in two bands an axis; the last window's other part has no band "
              "of its own, so there are four regions instead of nine.",
         fix="Cut each axis twice, at `window` and at `shift` from its end.")
def regions_of_two_bands(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    (h, w), (down, right) = map_size, pair(shift)
    return 2 * bands(h, h - down)[:, None] + bands(w, w - right)


def of_one_region(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """Whether the tokens of each pair belong to one region: (nW, M^2, M^2)."""
    ids = window_partition(region_ids(map_size, window, shift)[None, :, :, None], window)
    ids = ids.reshape(len(ids), -1)
    return ids[:, :, None] == ids[:, None, :]


@mistake(MASK, place=FIG_4, modules=ATTENTION,
         says="The mask is the wrong way round: it forbids the pairs of one region and allows those of different "
              "regions.",
         fix="Put 0 where the regions of query and key are equal and -100 where they differ.")
def mask_inverted(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    return np.where(of_one_region(map_size, window, shift), np.float32(MASK_VALUE), np.float32(0))


@mistake(MASK, place=FIG_4, modules=ATTENTION,
         says="The mask adds -1 instead of -100, so tokens that were no neighbours still get a third of the weight "
              "that they would have without it.",
         fix="Add -100 (or minus infinity) to the scores of forbidden pairs.")
def mask_of_minus_one(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    return np.where(of_one_region(map_size, window, shift), np.float32(0), np.float32(-1))


@mistake(ATTENTION_MASK, place=FIG_4, modules=ATTENTION,
         says="There is no mask, so in the windows at the bottom and right tokens attend to others from the opposite "
              "edge of the image.",
         fix="Add -100 to the scores of pairs whose regions differ, in every shifted block.")
def no_mask(map_size: tuple[int, int], window: Size, shift: Size) -> Array | None:
    return None


@mistake(ATTENTION_MASK, place=FIG_4, modules=ATTENTION, thread="JingyunLiang/SwinIR#153",
         says="The mask is also applied in blocks that do not shift, so their last windows are cut into pieces that "
              "cannot see each other.",
         fix="Use the mask only where the map was rolled.")
def mask_on_regular_windows(map_size: tuple[int, int], window: Size, shift: Size) -> Array | None:
    m, n = pair(window)
    return shifted_window_mask(map_size, window, (m // 2, n // 2))
