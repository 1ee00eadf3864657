"""Notebook 5 in other styles: a window and a head at a time, einsum, the shift without a roll."""

import math

import numpy as np

from tests.exercises.other_styles.shifted_windows import region_ids_by_slices
from tests.exercises.other_styles.windows import relative_position_bias_by_heads


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def window_attention_by_loops(windows, weights, heads, window, mask):
    c, result = windows.shape[-1], []
    bias = relative_position_bias_by_heads(weights["relative_position_bias_table"], (window, window))
    for number, tokens in enumerate(windows):
        qkv = tokens @ weights["qkv.weight"].T + weights["qkv.bias"]
        results = []
        for head in range(heads):
            q, k, v = (qkv[:, start + head * c // heads:start + (head + 1) * c // heads] for start in (0, c, 2 * c))
            scores = q @ k.T / math.sqrt(c // heads) + bias[head]
            if mask is not None:
                scores += mask[number % len(mask)]
            results.append(softmax(scores) @ v)
        result.append(np.hstack(results) @ weights["proj.weight"].T + weights["proj.bias"])
    return np.array(result)


def window_attention_by_einsum(windows, weights, heads, window, mask):
    masks = np.zeros((1, window ** 2, window ** 2)) if mask is None else mask
    x = windows.reshape(-1, len(masks), *windows.shape[1:])             # (B, nW, M^2, C)
    c = x.shape[-1]
    weight = weights["qkv.weight"].reshape(3, heads, c // heads, c)
    q, k, v = np.einsum("bwnc,phdc->pbwhnd", x, weight) + weights["qkv.bias"].reshape(3, 1, 1, heads, 1, -1)
    scores = np.einsum("bwhnd,bwhmd->bwhnm", q * (c // heads) ** -0.5, k) + masks[:, None]
    scores = scores + relative_position_bias_by_heads(weights["relative_position_bias_table"], (window, window))
    x = np.einsum("bwhnm,bwhmd->bwnhd", softmax(scores), v).reshape(windows.shape)
    return np.einsum("wnc,oc->wno", x, weights["proj.weight"]) + weights["proj.bias"]


def norm(x, weights, name):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def mlp(x, weights):
    hidden = x @ weights["mlp.fc1.weight"].T + weights["mlp.fc1.bias"]
    hidden = hidden * 0.5 * np.vectorize(math.erfc, otypes=[float])(-hidden / math.sqrt(2))
    return hidden @ weights["mlp.fc2.weight"].T + weights["mlp.fc2.bias"]


def swin_block_by_slices(x, weights, heads, window, shift):
    """Windows are cut out of the rolled map one after the other, each with a mask of its own."""
    _, h, w, c = x.shape
    inner = {name.replace("attn.", "", 1): value for name, value in weights.items() if name.startswith("attn.")}
    ids = region_ids_by_slices((h, w), window, shift) if shift else np.zeros((h, w))
    rolled = np.roll(norm(x, weights, "norm1"), -shift, axis=1)
    rolled = np.roll(rolled, -shift, axis=2)
    attended = np.empty_like(rolled)
    for i in range(0, h, window):
        for j in range(0, w, window):
            place = slice(i, i + window), slice(j, j + window)
            apart = ids[place].reshape(-1, 1) != ids[place].reshape(1, -1)
            tokens = rolled[:, place[0], place[1]].reshape(len(x), -1, c)
            tokens = window_attention_by_loops(tokens, inner, heads, window, -100.0 * apart[None])
            attended[:, place[0], place[1]] = tokens.reshape(len(x), window, window, c)
    middle = np.roll(attended, (shift, shift), (1, 2)) + x
    return middle + mlp(norm(middle, weights, "norm2"), weights)


def swin_block_by_ragged_windows(x, weights, heads, window, shift):
    """Neither roll nor mask: the displaced windows as Fig. 2 draws them, those at the border smaller."""
    b, h, w, c = x.shape
    table = weights["attn.relative_position_bias_table"].reshape(2 * window - 1, 2 * window - 1, heads)
    qkv = norm(x, weights, "norm1") @ weights["attn.qkv.weight"].T + weights["attn.qkv.bias"]
    qkv = qkv.reshape(b, h, w, 3, heads, c // heads)
    attended = np.empty((b, h, w, heads, c // heads), x.dtype)
    rows, columns = ([slice(max(i, 0), i + window) for i in range(shift - window if shift else 0, side, window)]
                     for side in (h, w))
    for one in rows:
        for other in columns:
            q, k, v = np.moveaxis(qkv[:, one, other], 3, 0)             # (B, up to M, up to M, heads, d) each
            m, n = q.shape[1:3]
            i, j = np.indices((m, n)).reshape(2, -1)
            bias = table[i[:, None] - i + window - 1, j[:, None] - j + window - 1]
            q, k, v = (y.reshape(b, m * n, heads, -1) for y in (q, k, v))
            scores = np.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(c // heads) + bias.transpose(2, 0, 1)
            together = np.einsum("bhij,bjhd->bihd", softmax(scores), v)
            attended[:, one, other] = together.reshape(b, m, n, heads, -1)
    middle = x + attended.reshape(x.shape) @ weights["attn.proj.weight"].T + weights["attn.proj.bias"]
    return middle + mlp(norm(middle, weights, "norm2"), weights)


def two_successive_blocks_by_a_loop(x, weights, heads, window):
    for number, shift in ((0, 0), (1, window // 2)):
        start = f"blocks.{number}."
        x = swin_block_by_slices(x, {name.replace(start, ""): value for name, value in weights.items()
                                     if start in name}, heads, window, shift)
    return x


def two_successive_blocks_by_ragged_windows(x, weights, heads, window):
    for number in range(2):
        own = {name[9:]: value for name, value in weights.items() if name[7] == str(number)}
        x = swin_block_by_ragged_windows(x, own, heads, window, number * (window // 2))
    return x
