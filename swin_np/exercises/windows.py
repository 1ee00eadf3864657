"""Notebook 3: window partition and its reverse, relative position index and bias (section 3.2, Fig. 2 and Eq. 4)."""

import numpy as np

from swin_np import attention
from swin_np import windows as library
from swin_np.exercises.covering import alike, differ, maps, one
from swin_np.exercises.exercise import Arguments, exercise
from swin_np.functional import Array


def map_and_window(rng: np.random.Generator) -> Arguments:
    """A map of a few windows, more of them in one direction, of random numbers, and M."""
    window = int(rng.integers(2, 5))
    rows, columns = rng.permutation([2, 3, 4])[:2]
    return rng.standard_normal((2, rows * window, columns * window, int(rng.integers(1, 4)))), window


@exercise("Window partition", place="section 3.2, Fig. 2", points=3, minutes=15,
          toy=lambda: (np.arange(24).reshape(1, 4, 6, 1), 2), draw=map_and_window,
          covers={**maps("x"), "two sizes of windows": differ(lambda window: window),
                  "a number of channels other than M": one(lambda x, window: x.shape[3] != window),
                  "rows and columns of windows, and M, all different":
                  one(lambda x, window: len({x.shape[1] // window, x.shape[2] // window, window}) == 3)},
          axes="window row column channel",
          mistakes=("partition-without-transpose", "windows-strided", "window-tokens-transposed",
                    "windows-counted-down-the-columns"))
def window_partition(x: Array, window: int) -> Array:
    """(B, H, W, C) -> (B nW, M, M, C), windows row by row."""
    return library.window_partition(x, window)


def windows_and_map_size(rng: np.random.Generator) -> Arguments:
    """Windows of random numbers and the size of the map that they make."""
    x, window = map_and_window(rng)
    return library.window_partition(x, window), x.shape[1:3]


def rows(windows: Array, map_size: tuple[int, int]) -> int:
    """The rows of windows of all images together."""
    return len(windows) * windows.shape[1] // map_size[1]


@exercise("Window reverse", place="section 3.2", points=2, minutes=10,
          toy=lambda: (np.arange(24).reshape(6, 2, 2, 1), (4, 6)), draw=windows_and_map_size,
          covers={"a map that is wider than high": one(lambda map_size: map_size[0] < map_size[1]),
                  "a map that is higher than wide": one(lambda map_size: map_size[0] > map_size[1]),
                  "several images": one(lambda windows, map_size: windows[..., 0].size > map_size[0] * map_size[1]),
                  "two sizes of windows": differ(lambda windows: windows.shape[1]),
                  "a number of channels other than M": one(lambda windows: windows.shape[3] != windows.shape[2]),
                  "fewer channels than M": one(lambda windows: windows.shape[3] < windows.shape[2]),
                  "a single channel, and M of 3 or more":
                  one(lambda windows: windows.shape[3] == 1 and windows.shape[2] > 2),
                  "rows of windows that M does not divide":
                  one(lambda windows, map_size: rows(windows, map_size) % windows.shape[1]),
                  "rows of windows that their columns do not divide":
                  one(lambda windows, map_size: rows(windows, map_size) % (map_size[1] // windows.shape[1]))},
          axes="image row column channel",
          mistakes=("windows-reversed-column-major", "reverse-without-transpose"))
def window_reverse(windows: Array, map_size: tuple[int, int]) -> Array:
    """(B nW, M, M, C) -> (B, H, W, C), the inverse of the partition."""
    return library.window_reverse(windows, map_size)


def displacements(window: tuple[int, int]) -> dict[str, Array]:
    """How far each query is from each key, counted from 0."""
    found = np.divmod(attention.relative_position_index(window), 2 * window[1] - 1)
    return dict(zip(("query minus key down the rows", "query minus key along the columns"), found, strict=True))


@exercise("Relative position index", place="section 3.2, Eq. 4", points=4, minutes=25,
          toy=lambda: ((2, 3),), draw=lambda rng: (tuple(map(int, rng.permutation([2, 3, 4, 5, 7])[:2])),),
          golden=lambda: (((2, 2),), np.array([[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]])),
          covers={"a window that is wider than high": one(lambda window: window[0] < window[1]),
                  "a window that is higher than wide": one(lambda window: window[0] > window[1]),
                  "a window upright and lying": alike(lambda window: tuple(sorted(window)), lambda window: window),
                  "two widths for one height": alike(lambda window: window[0], lambda window: window),
                  "two heights for one width": alike(lambda window: window[1], lambda window: window)},
          axes="query key", inside=displacements,
          mistakes=("index-transposed", "index-factor-2m", "index-factor-m", "index-columns-first",
                    "index-not-shifted"))
def relative_position_index(window: tuple[int, int]) -> Array:
    """(M^2, M^2) rows of the bias table, by query and key."""
    return attention.relative_position_index(window)


def table_and_window(rng: np.random.Generator) -> Arguments:
    """A bias table of a few heads and the window that it is for."""
    m, n = map(int, rng.permutation([2, 3, 4])[:2])
    return rng.standard_normal(((2 * m - 1) * (2 * n - 1), int(rng.integers(2, 5)))), (m, n)


def index(table: Array, window: tuple[int, int]) -> dict[str, Array]:
    """Which row of the table each pair takes."""
    return {"the relative position index": attention.relative_position_index(window)}


@exercise("Relative position bias", place="section 3.2, Eq. 4", points=2, minutes=10,
          toy=lambda: (np.array([10.0, 20.0]) + np.arange(9.0)[:, None], (2, 2)), draw=table_and_window,
          covers={"a window that is wider than high": one(lambda window: window[0] < window[1]),
                  "a window that is higher than wide": one(lambda window: window[0] > window[1]),
                  "a window upright and lying": alike(lambda window: tuple(sorted(window)), lambda window: window),
                  "two numbers of heads for one window": alike(lambda window: window, lambda table: table.shape[1])},
          axes="head query key", helpers=("relative_position_index",), inside=index,
          mistakes=("bias-heads-reversed", "bias-table-reshaped", "bias-reshaped", "index-transposed",
                    "index-columns-first", "index-not-shifted"))
def relative_position_bias(table: Array, window: tuple[int, int]) -> Array:
    """((2M-1)(2N-1), heads) -> (heads, M N, M N): Eq. 4's B."""
    return attention.relative_position_bias(table, window)
