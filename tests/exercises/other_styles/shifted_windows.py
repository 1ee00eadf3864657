"""Notebook 4 in other styles: indices, slices, loops, a mask over the whole map."""

import numpy as np


def cyclic_shift_by_indices(x, shift):
    h, w = x.shape[1:3]
    return x[:, (np.arange(h) + shift) % h][:, :, (np.arange(w) + shift) % w]


def cyclic_shift_by_joining(x, shift):
    x = np.concatenate([x[:, shift:], x[:, :shift]], axis=1)
    return np.concatenate([x[:, :, shift:], x[:, :, :shift]], axis=2)


def reverse_cyclic_shift_by_one_axis_after_the_other(x, shift):
    return np.roll(np.roll(x, shift, axis=2), shift, axis=1)


def reverse_cyclic_shift_by_writing(x, shift):
    h, w = x.shape[1:3]
    result = np.empty_like(x)
    for i in range(h):
        for j in range(w):
            result[:, (i + shift) % h, (j + shift) % w] = x[:, i, j]
    return result


def region_ids_by_slices(map_size, window, shift):
    ids, number = np.zeros(map_size, dtype=np.int32), 0
    for rows in (slice(None, -window), slice(-window, -shift), slice(-shift, None)):
        for columns in (slice(None, -window), slice(-window, -shift), slice(-shift, None)):
            ids[rows, columns] = number
            number += 1
    return ids


def region_ids_by_repeating(map_size, window, shift):
    rows, columns = (np.repeat(np.arange(3), [side - window, window - shift, shift]) for side in map_size)
    return np.add.outer(3 * rows, columns)


def shifted_window_mask_by_loops(map_size, window, shift):
    ids = region_ids_by_slices(map_size, window, shift)
    masks = []
    for i in range(0, map_size[0], window):
        for j in range(0, map_size[1], window):
            tokens = ids[i:i + window, j:j + window].ravel().tolist()
            masks.append([[0.0 if one == other else -100.0 for other in tokens] for one in tokens])
    return np.array(masks)


def shifted_window_mask_by_differences(map_size, window, shift):
    (h, w), m = map_size, window
    ids = region_ids_by_repeating(map_size, window, shift).reshape(h // m, m, w // m, m).swapaxes(1, 2)
    ids = ids.reshape(-1, m * m).astype(float)
    return -100.0 * np.minimum(1, np.abs(ids[..., None] - ids[:, None]))


def sliding_window_attention_by_a_mask(q, k, v, window):
    b, h, w, d = q.shape
    rows, columns = np.divmod(np.arange(h * w), w)
    far = (abs(rows[:, None] - rows) > window // 2) | (abs(columns[:, None] - columns) > window // 2)
    q, k, v = (x.reshape(b, h * w, d) for x in (q, k, v))
    scores = np.einsum("bid,bjd->bij", q, k) * d ** -0.5
    scores[:, far] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True) @ v).reshape(b, h, w, d)


def sliding_window_attention_by_displacements(q, k, v, window):
    h, w, d = q.shape[1:]
    r = window // 2
    around = ((0, 0), (r, r), (r, r), (0, 0))
    keys, values, there = (np.pad(x, around) for x in (k, v, np.ones_like(k[..., :1])))
    total, weight = np.zeros_like(q), np.zeros_like(q[..., :1])
    for i, j in np.ndindex(window, window):
        places = slice(None), slice(i, i + h), slice(j, j + w)
        each = there[places] * np.exp((q * keys[places]).sum(-1, keepdims=True) * d ** -0.5)
        total, weight = total + each * values[places], weight + each
    return total / weight


def attention_on_the_image_by_places(attention, place, map_size, window, shift):
    (h, w), per_row = map_size, map_size[1] // window

    def found(i, j):
        i, j = (i - shift) % h, (j - shift) % w
        return i // window * per_row + j // window, i % window * window + j % window

    number, token = found(*place)
    result = np.zeros(map_size, attention.dtype)
    for i, j in np.ndindex(*map_size):
        other, key = found(i, j)
        if other == number:
            result[i, j] = attention[number, token, key]
    return result


def attention_on_the_image_by_rolled_numbers(attention, place, map_size, window, shift):
    (h, w), m = map_size, window
    numbers = np.roll(np.arange(h * w).reshape(map_size), (-shift, -shift), (0, 1))
    numbers = numbers.reshape(h // m, m, w // m, m).swapaxes(1, 2).reshape(-1, m * m)
    number, token = (int(found[0]) for found in np.where(numbers == place[0] * w + place[1]))
    result = np.zeros(h * w)
    result[numbers[number]] = attention[number][token]
    return result.reshape(map_size)
