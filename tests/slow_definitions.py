"""What every public function computes, written slowly and strictly: loops in float64, an error for what has no sense.

Nothing of the library is called that computes. `numbers` and its like raise for arguments that mean no numbers, so a
definition raises exactly where there is no right answer.
"""

import math
from itertools import product

import numpy as np

MASK = -100.0


class NoAnswer(Exception):                              # noqa: N818 - not a fault, there is no right answer
    """The arguments have no meaning."""


def need(condition: bool) -> None:
    if not condition:
        raise NoAnswer


def whole(value) -> int:
    need(isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_))
    return int(value)


def real(value) -> float:
    need(isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_))
    return float(value)


def switch(value) -> bool:
    need(isinstance(value, bool | np.bool_))
    return bool(value)


def two(value) -> tuple[int, int]:
    if isinstance(value, tuple | list | np.ndarray):
        need(np.ndim(value) == 1 and len(value) == 2)
        return whole(value[0]), whole(value[1])
    return whole(value), whole(value)


def anything(x, *axes: str, lengths: dict | None = None) -> np.ndarray:
    """An array of numbers, as it is, with these axes."""
    need(isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray | np.matrix) and x.dtype.kind in "biufc")
    if axes:
        need(x.ndim == len(axes) and x.size > 0)
        for axis, length in zip(axes, x.shape, strict=True):
            if lengths is not None:
                need(lengths.setdefault(axis, length) == length)
    return np.asarray(x)


def numbers(x, *axes: str, lengths: dict | None = None) -> np.ndarray:
    """The same in float64; complex numbers have no order and no float64."""
    x = anything(x, *axes, lengths=lengths)
    need(x.dtype.kind != "c")
    return x.astype(np.float64)


# windows

def check_window(map_size, window, shift=(0, 0)):
    (h, w), (m, n), (down, right) = two(map_size), two(window), two(shift)
    need(h > 0 and w > 0 and m > 0 and n > 0 and h % m == 0 and w % n == 0 and 0 <= down < m and 0 <= right < n)


def window_partition(x, window):
    x, (m, n) = anything(x, *"BHWC"), two(window)
    check_window(x.shape[1:3], window)
    return np.array([image[i:i + m, j:j + n] for image in x
                     for i in range(0, x.shape[1], m) for j in range(0, x.shape[2], n)])


def window_reverse(windows, map_size):
    windows, (h, w) = anything(windows, *"NMnC"), two(map_size)
    count, m, n, c = windows.shape
    check_window((h, w), (m, n))
    places = list(product(range(0, h, m), range(0, w, n)))
    need(count % len(places) == 0)
    maps = np.empty((count // len(places), h, w, c), windows.dtype)
    for number, window in enumerate(windows):
        i, j = places[number % len(places)]
        maps[number // len(places), i:i + m, j:j + n] = window
    return maps


def cyclic_shift(x, shift):
    x, (down, right) = anything(x, *"BHWC"), two(shift)
    rows = [(i + down) % x.shape[1] for i in range(x.shape[1])]
    columns = [(j + right) % x.shape[2] for j in range(x.shape[2])]
    return x[:, rows][:, :, columns]


def reverse_cyclic_shift(x, shift):
    down, right = two(shift)
    return cyclic_shift(x, (-down, -right))


def region_ids(map_size, window, shift):
    check_window(map_size, window, shift)
    (h, w), (m, n), (down, right) = two(map_size), two(window), two(shift)
    need(h * w <= 10**6)

    def band(i, side, m, s):
        return 2 if i >= side - s else 1 if i >= side - m else 0
    return np.array([[3 * band(i, h, m, down) + band(j, w, n, right) for j in range(w)] for i in range(h)])


def shifted_window_mask(map_size, window, shift):
    ids = region_ids(map_size, window, shift)
    windows = window_partition(ids[None, :, :, None], window).reshape(-1, math.prod(two(window)))
    return np.array([[[0.0 if a == b else MASK for b in ids] for a in ids] for ids in windows])


def attention_mask(map_size, window, shift):
    check_window(map_size, window, shift)
    return shifted_window_mask(map_size, window, shift) if any(two(shift)) else None


def mask_of_windows(mask, numbers):
    numbers = anything(numbers, "n")
    need(numbers.dtype == np.int64)
    if mask is None:
        return None
    mask = anything(mask, *"nqk")
    return np.array([mask[i % len(mask)][None] for i in numbers.tolist()])


# attention

def relative_position_index(window):
    m, n = two(window)
    need(0 < m <= 40 and 0 < n <= 40)
    tokens = list(product(range(m), range(n)))
    return np.array([[(a - c + m - 1) * (2 * n - 1) + b - d + n - 1 for c, d in tokens] for a, b in tokens])


def relative_position_bias(table, window):
    table, index = numbers(table, "rows", "heads"), relative_position_index(window)
    need(len(table) == index.max() + 1)
    return np.array([[[table[row, head] for row in rows] for rows in index] for head in range(table.shape[1])])


def split_heads(qkv, heads):
    qkv, heads = anything(qkv, *"bnc"), whole(heads)
    b, n, c = qkv.shape
    need(heads > 0 and c % (3 * heads) == 0)
    d = c // (3 * heads)
    return np.array([[[[qkv[i, t, (which * heads + head) * d:][:d] for t in range(n)] for head in range(heads)]
                      for i in range(b)] for which in range(3)])


def merge_heads(x):
    x = anything(x, *"bhnd")
    return np.array([[np.concatenate([x[i, head, t] for head in range(x.shape[1])]) for t in range(x.shape[2])]
                     for i in range(len(x))])


def spread(x, shape):
    need(x.size > 0 and x.ndim <= len(shape)
         and all(a in (1, b) for a, b in zip(x.shape[::-1], shape[::-1], strict=False)))
    return np.broadcast_to(x, shape)


def attention(q, k, v, bias, mask, scale):
    q, k, v, bias, scale = numbers(q), numbers(k), numbers(v), numbers(bias), real(scale)
    need(min(q.ndim, k.ndim, v.ndim) >= 2 and q.shape[-1] == k.shape[-1] > 0
         and k.shape[-2] == v.shape[-2] > 0 and q.shape[-2] > 0 and v.shape[-1] > 0)
    if max(np.abs(x).max(initial=0) for x in (q, k, bias)) > 100:       # the largest score hangs on the last digits
        raise NotImplementedError
    lead, pairs = q.shape[:-2], q.shape[:-1] + k.shape[-2:-1]
    k, v = (spread(x, lead + x.shape[-2:]) for x in (k, v))
    bias, mask = spread(bias, pairs), spread(np.zeros(1) if mask is None else numbers(mask), pairs)
    result = np.empty((*q.shape[:-1], v.shape[-1]))
    for at in np.ndindex(q.shape[:-1]):
        keys, values = k[at[:-1]], v[at[:-1]]
        result[at] = softmax(np.array([(scale * q[at] * key).sum() for key in keys]) + bias[at] + mask[at]) @ values
    return result


# patches

def check_patch(img_size, patch):
    (h, w), (p, q) = two(img_size), two(patch)
    need(p > 0 and q > 0 and h % p == 0 and w % q == 0)


def check_even(map_size):
    need(all(side % 2 == 0 for side in two(map_size)))


def patch_partition(images, patch):
    images, (p, q) = anything(images, *"BcHW"), two(patch)
    check_patch(images.shape[2:], patch)
    return np.array([[[image[:, i:i + p, j:j + q].ravel() for j in range(0, images.shape[3], q)]
                      for i in range(0, images.shape[2], p)] for image in images])


def patch_merging(x):
    x = anything(x, *"BHWC")
    check_even(x.shape[1:3])
    return np.array([[[np.concatenate([image[i, j], image[i + 1, j], image[i, j + 1], image[i + 1, j + 1]])
                       for j in range(0, x.shape[2], 2)] for i in range(0, x.shape[1], 2)] for image in x])


# functional

def linear(x, weight, bias=None):
    x, lengths = numbers(x), {}
    weight = numbers(weight, "out", "in", lengths=lengths)
    need(x.ndim > 0 and x.shape[-1] == lengths["in"])
    y = (x[..., None, :] * weight).sum(axis=-1)
    return y if bias is None else y + numbers(bias, "out", lengths=lengths)


def softmax(x):
    x = numbers(x)
    need(x.ndim > 0 and x.shape[-1] > 0)
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x):
    x = numbers(x)
    return np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def layer_norm(x, weight, bias, eps=1e-5):
    x, lengths, eps = numbers(x), {}, real(eps)
    weight, bias = numbers(weight, "C", lengths=lengths), numbers(bias, "C", lengths=lengths)
    need(x.ndim > 0 and x.shape[-1] == lengths["C"] and 0 <= eps < math.inf)
    centred = np.empty_like(x)
    for at in np.ndindex(x.shape[:-1]):
        row = x[at].astype(np.longdouble)
        centred[at] = row - row.sum() / len(row)
    return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + eps) * weight + bias


def erf(x):
    x = numbers(x)
    return np.array([math.erf(value) for value in x.ravel()]).reshape(x.shape)


def check_out(x, out):
    if out is not None:
        need(isinstance(out, np.ndarray) and out.shape == x.shape)


def gelu(x, out=None):
    check_out(x, out)
    return numbers(x) * (0.5 + 0.5 * erf(np.asarray(numbers(x) / math.sqrt(2))))


def pair(size):
    return two(size)


# convolution

def out_size(size, kernel, stride=1, padding=0, dilation=1):
    need(min(two(size)) > 0 and min(two(kernel) + two(stride) + two(dilation)) > 0 and min(two(padding)) >= 0)
    counts = []
    for side, k, s, p, d in zip(*map(two, (size, kernel, stride, padding, dilation)), strict=True):
        reach = d * (k - 1) + 1
        need(reach <= side + 2 * p <= 10**6)
        counts.append(len(range(0, side + 2 * p - reach + 1, s)))
    return tuple(counts)


def pad(x, padding, value=0):
    x, (p, q), value = numbers(x, *"BHWC"), two(padding), real(value)
    need(min(p, q) >= 0 and max(p, q) < 10**4)
    return np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)), constant_values=value)


def check_channels(x, weight, bias, groups):
    x, weight, groups = numbers(x, *"BHWC"), numbers(weight, *"oikl"), whole(groups)
    need(groups > 0 and len(weight) % groups == 0 and x.shape[3] == groups * weight.shape[1])
    need(bias is None or numbers(bias).shape == (len(weight),))


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    check_channels(x, weight, bias, groups)
    h, w = out_size(x.shape[1:3], weight.shape[2:], stride, padding, dilation)
    x, weight, (s, t), (d, e) = pad(x, padding), numbers(weight), two(stride), two(dilation)
    outputs, inputs, kh, kw = weight.shape
    y = np.zeros((len(x), h, w, outputs))
    for i, j, o in np.ndindex(h, w, outputs):
        first = o // (outputs // groups) * inputs
        seen = x[:, i * s:i * s + d * (kh - 1) + 1:d, j * t:j * t + e * (kw - 1) + 1:e, first:first + inputs]
        y[:, i, j, o] = (seen * weight[o].transpose(1, 2, 0)).sum(axis=(1, 2, 3))
    return y if bias is None else y + numbers(bias)


def batch_norm(x, weight, bias, mean, variance, eps=1e-5):
    x, lengths, eps = numbers(x), {}, real(eps)
    weight, bias, mean, variance = (numbers(p, "C", lengths=lengths) for p in (weight, bias, mean, variance))
    need(x.ndim > 0 and x.shape[-1] == lengths["C"] and 0 <= eps < math.inf)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def relu(x, out=None):
    check_out(x, out)
    return np.where(numbers(x) < 0, 0, numbers(x))


def pool_size(size, kernel, stride, padding):
    need(all(2 * p <= k for p, k in zip(two(padding), two(kernel), strict=True)))
    return out_size(size, kernel, stride, padding)


def boxes(x, kernel, stride, padding, size):
    """Each output position with the rows and columns of the map that its window sees, and the window's own ends."""
    (k, m), (s, t), (p, q) = two(kernel), two(stride), two(padding)
    for i, j in np.ndindex(*size):
        top, left = i * s - p, j * t - q
        yield (i, j), x[:, max(top, 0):max(top + k, 0), max(left, 0):max(left + m, 0)], (top, left, top + k, left + m)


def max_pool2d(x, kernel, stride, padding=0):
    x = numbers(x, *"BHWC")
    size = pool_size(x.shape[1:3], kernel, stride, padding)
    y = np.empty((len(x), *size, x.shape[3]))
    for (i, j), seen, _ in boxes(x, kernel, stride, padding, size):
        y[:, i, j] = seen.max(axis=(1, 2), initial=-np.inf)
    return y


def avg_pool2d(x, kernel, stride, padding=0, ceil_mode=False, count_include_pad=True):
    x, ceil_mode, count_include_pad = numbers(x, *"BHWC"), switch(ceil_mode), switch(count_include_pad)
    size = list(pool_size(x.shape[1:3], kernel, stride, padding))
    if ceil_mode:                                      # one window more if it starts before the last padding
        for axis, (side, k, s, p) in enumerate(zip(x.shape[1:3], *map(two, (kernel, stride, padding)), strict=True)):
            size[axis] += (side + 2 * p - k) % s > 0 and size[axis] * s < side + p
    y = np.empty((len(x), *size, x.shape[3]))
    (h, w), (p, q) = x.shape[1:3], two(padding)
    for (i, j), seen, (top, left, bottom, right) in boxes(x, kernel, stride, padding, size):
        count = seen[0, :, :, 0].size
        if count_include_pad:
            count = (min(bottom, h + p) - top) * (min(right, w + q) - left)
        y[:, i, j] = seen.sum(axis=(1, 2)) / count
    return y


def checked_size(size):
    need(0 < min(two(size)) <= max(two(size)) < 10**4)
    return two(size)


def adaptive_avg_pool2d(x, size):
    x, (h, w) = numbers(x, *"BHWC"), checked_size(size)

    def box(i, side, count):
        return slice(math.floor(side * i / count), math.ceil(side * (i + 1) / count))
    return np.stack([np.stack([x[:, box(i, x.shape[1], h), box(j, x.shape[2], w)].mean(axis=(1, 2))
                               for j in range(w)], 1) for i in range(h)], 1)


def interpolate_bilinear(x, size):
    x = numbers(x, *"BHWC")
    for axis, count in zip((1, 2), checked_size(size), strict=True):
        side, slices = x.shape[axis], []
        for i in range(count):
            at = min(max((i + 0.5) * side / count - 0.5, 0), side - 1)
            low = math.floor(at)
            slices.append(x.take(low, axis) * (1 - (at - low)) + x.take(min(low + 1, side - 1), axis) * (at - low))
        x = np.stack(slices, axis)
    return x


def interpolate_nearest(x, size):
    x, (h, w) = anything(x, *"BHWC"), checked_size(size)
    return x[:, [i * x.shape[1] // h for i in range(h)]][:, :, [j * x.shape[2] // w for j in range(w)]]


# complexity: a cost is (name, kind, shape, parameters, multiply-adds, bytes)

def msa_multiply_adds(h, w, channels):
    n, c = whole(h) * whole(w), whole(channels)
    need(min(whole(h), whole(w), c) >= 0)
    return 3 * n * c * c + n * n * c + n * n * c + n * c * c


def window_msa_multiply_adds(h, w, channels, window):
    check_window((whole(h), whole(w)), window)
    windows, tokens = whole(h) * whole(w) // math.prod(two(window)), math.prod(two(window))
    need(whole(channels) >= 0)
    return windows * msa_multiply_adds(tokens, 1, channels)


def shape_of(shape) -> tuple[int, ...]:
    need(isinstance(shape, tuple | list) and all(whole(side) >= 0 for side in shape))
    return tuple(map(whole, shape))


def array_bytes(shape, dtype):
    need(dtype is not None and np.dtype(dtype).kind in "biufc")
    return math.prod(shape_of(shape)) * np.dtype(dtype).itemsize


def text(value) -> str:
    need(isinstance(value, str))
    return value


def linear_cost(name, positions, inputs, outputs, bias=True, dtype=np.float32):
    shape, inputs, outputs = (*shape_of(positions), whole(outputs)), whole(inputs), whole(outputs)
    need(min(inputs, outputs) >= 0)
    return (text(name), "linear", shape, (inputs + switch(bias)) * outputs, math.prod(shape) * inputs,
            array_bytes(shape, dtype))


def layer_norm_cost(name, shape, dtype=np.float32):
    shape = shape_of(shape)
    need(len(shape) > 0)
    return text(name), "layer norm", shape, 2 * shape[-1], math.prod(shape), array_bytes(shape, dtype)


def attention_cost(name, windows, tokens, channels, heads, parameters=0, dtype=np.float32):
    windows, tokens, channels, heads, parameters = map(whole, (windows, tokens, channels, heads, parameters))
    need(min(windows, tokens, channels, heads, parameters) >= 0)
    size = array_bytes((), dtype)
    return (text(name), "attention", (windows, tokens, channels), parameters,
            windows * (tokens * tokens * channels + tokens * channels * tokens),
            size * windows * tokens * (heads * tokens * 2 + channels))


def element_cost(name, kind, shape, arrays=1, parameters=0, dtype=np.float32):
    need(min(whole(arrays), whole(parameters)) >= 0)
    return (text(name), text(kind), shape_of(shape), whole(parameters), 0, whole(arrays) * array_bytes(shape, dtype))
