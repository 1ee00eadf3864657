"""Notebook 3 in other styles."""

import numpy as np


def window_partition_by_slices(x, window):
    return np.stack([image[i:i + window, j:j + window] for image in x
                     for i in range(0, x.shape[1], window) for j in range(0, x.shape[2], window)])


def window_partition_by_splitting(x, window):
    rows = np.stack(np.split(x, x.shape[1] // window, axis=1), axis=1)                    # (B, H/M, M, W, C)
    both = np.stack(np.split(rows, x.shape[2] // window, axis=3), axis=2)                 # (B, H/M, W/M, M, M, C)
    return np.concatenate(np.concatenate(both, axis=0), axis=0)


def window_reverse_by_loops(windows, map_size):
    h, w = map_size
    m = windows.shape[1]
    count = (h // m) * (w // m)
    result = np.empty((len(windows) // count, h, w, windows.shape[-1]), windows.dtype)
    for number, window in enumerate(windows):
        row, column = divmod(number % count, w // m)
        result[number // count, row * m:row * m + m, column * m:column * m + m] = window
    return result


def window_reverse_by_joining(windows, map_size):
    m = windows.shape[1]
    rows = [np.concatenate(list(windows[i:i + map_size[1] // m]), axis=1)
            for i in range(0, len(windows), map_size[1] // m)]
    return np.concatenate(rows, axis=0).reshape(-1, *map_size, windows.shape[-1])


def relative_position_index_by_loops(window):
    m, n = window
    tokens = [(row, column) for row in range(m) for column in range(n)]
    return np.array([[(a[0] - b[0] + m - 1) * (2 * n - 1) + a[1] - b[1] + n - 1 for b in tokens] for a in tokens])


def relative_position_index_by_a_table(window):
    m, n = window
    table = np.arange((2 * m - 1) * (2 * n - 1)).reshape(2 * m - 1, 2 * n - 1)
    views = [table[i:i + m, j:j + n][::-1, ::-1].ravel() for i in range(m) for j in range(n)]
    return np.stack(views)


def relative_position_bias_by_heads(table, window):
    index = relative_position_index_by_loops(window)
    return np.stack([column[index] for column in table.T])


def relative_position_bias_by_taking(table, window):
    index = relative_position_index_by_a_table(window)
    return np.ascontiguousarray(np.moveaxis(np.take(table, index.ravel(), axis=0).reshape(*index.shape, -1), -1, 0))
