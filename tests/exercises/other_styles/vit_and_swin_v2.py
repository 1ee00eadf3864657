"""Notebook 9 in other styles: loops over heads and tokens, sums for products, gathers for matrices."""

import math

import numpy as np


def softmax(x):
    x = np.exp(x - x.max(-1)[..., None])
    return x / x.sum(-1)[..., None]


def vit_attention_by_heads(x, weights, heads, grid):
    qkv, d = {}, x.shape[-1] // heads
    y = x - x.mean(-1, keepdims=True)
    y = y / np.sqrt(np.square(y).mean(-1, keepdims=True) + 1e-6) * weights["norm1.weight"] + weights["norm1.bias"]
    rows = np.split(weights["attn.qkv.weight"], 3 * heads)
    bias = np.split(weights["attn.qkv.bias"], 3 * heads)
    for number, (row, offset) in enumerate(zip(rows, bias, strict=True)):
        qkv[divmod(number, heads)] = y @ row.T + offset
    results, maps = [], []
    for head in range(heads):
        probabilities = softmax(np.einsum("bid,bjd->bij", qkv[0, head], qkv[1, head]) / d ** 0.5)
        results.append(np.einsum("bij,bjd->bid", probabilities, qkv[2, head]))
        maps.append(probabilities[:, 0, 1:])
    y = np.concatenate(results, -1) @ weights["attn.proj.weight"].T
    return x + (y + weights["attn.proj.bias"]), np.array(maps).swapaxes(0, 1).reshape(len(x), heads, *grid)


def vit_attention_by_images(x, weights, heads, grid):
    c = x.shape[-1]
    outputs, maps = np.empty_like(x), np.empty((len(x), heads, *grid), x.dtype)
    for number, tokens in enumerate(x):
        y = (tokens - tokens.mean(1)[:, None]) / (tokens.var(1)[:, None] + 1e-6) ** 0.5
        y = weights["norm1.weight"] * y + weights["norm1.bias"]
        q, k, v = (weights["attn.qkv.weight"] @ y.T + weights["attn.qkv.bias"][:, None]).reshape(3, heads, -1, len(y))
        scores = k.transpose(0, 2, 1) @ q * (c // heads) ** -0.5        # keys first
        scores = np.exp(scores - scores.max(1)[:, None])
        scores = scores / scores.sum(1)[:, None]
        outputs[number] = tokens + (weights["attn.proj.weight"] @ (v @ scores).reshape(c, -1)).T
        maps[number] = scores[:, 1:, 0].reshape(heads, *grid)
    return outputs + weights["attn.proj.bias"], maps


def kernel(distance):
    d = abs(distance)
    if d < 1:
        return 1 - 2.25 * d ** 2 + 1.25 * d ** 3
    return -0.75 * (d - 1) * (d - 2) ** 2 if d < 2 else 0.0


def resize_positions_by_pixels(pos_embed, old_grid, new_grid):
    (h, w), (m, n) = old_grid, new_grid
    old, resized = pos_embed[0, 1:].reshape(h, w, -1), []
    for i in range(m):
        for j in range(n):
            y, x = (i + 0.5) * h / m - 0.5, (j + 0.5) * w / n - 0.5
            total = 0
            for row in range(math.floor(y) - 1, math.floor(y) + 3):
                for column in range(math.floor(x) - 1, math.floor(x) + 3):
                    value = old[min(max(row, 0), h - 1), min(max(column, 0), w - 1)]
                    total = total + kernel(y - row) * kernel(x - column) * value
            resized.append(total)
    return np.concatenate([pos_embed[0, :1], resized])[None]


def resize_positions_by_padding(pos_embed, old_grid, new_grid):
    class_token, x = np.split(pos_embed[0], [1])
    x = np.pad(x.reshape(*old_grid, -1), ((4, 4), (4, 4), (0, 0)), mode="edge")
    matrices = []
    for old, new in zip(old_grid, new_grid, strict=True):
        middles = np.linspace(old / new / 2, old - old / new / 2, new) - 0.5
        matrices.append(np.array([[kernel(middle - place) for place in range(-4, old + 4)] for middle in middles]))
    x = np.einsum("ih,jw,hwd->ijd", *matrices, x)
    return np.vstack([class_token, x.reshape(-1, x.shape[-1])])[np.newaxis]


def cosine_attention_by_loops(q, k, v, bias, logit_scale, largest):
    result = np.zeros_like(v)
    for b, head, i in np.ndindex(q.shape[:3]):
        scale = math.exp(min(float(logit_scale[head, 0, 0]), largest))
        scores = []
        for j in range(q.shape[2]):
            lengths = [max(math.sqrt(float(x @ x)), 1e-12) for x in (q[b, head, i], k[b, head, j])]
            scores.append(scale * float(q[b, head, i] / lengths[0] @ (k[b, head, j] / lengths[1])) + bias[head, i, j])
        weights = np.exp(np.array(scores) - max(scores))
        result[b, head, i] = weights @ v[b, head] / weights.sum()
    return result


def cosine_attention_by_einsum(q, k, v, bias, logit_scale, largest):
    scale = np.where(logit_scale > largest, np.exp(largest), np.exp(logit_scale))
    q = scale * q / np.maximum(np.linalg.norm(q, axis=-1, keepdims=True), 1e-12)
    k = k / np.maximum(np.linalg.norm(k, axis=-1)[..., None], 1e-12)
    return softmax(np.einsum("bhid,bhjd->bhij", q, k) + bias[None]) @ v


def continuous_position_bias_by_pairs(window, pretrained_window, fc1_weight, fc1_bias, fc2_weight):
    places = list(np.ndindex(window))
    bias = np.zeros((len(fc2_weight), len(places), len(places)))
    for i, one in enumerate(places):
        for j, other in enumerate(places):
            x = [8 * (a - b) / (side - 1) for a, b, side in zip(one, other, pretrained_window, strict=True)]
            x = np.array([math.copysign(math.log(1 + abs(value), 8), value) for value in x])
            hidden = np.maximum(fc1_weight.astype(np.float64) @ x + fc1_bias, 0)
            bias[:, i, j] = [16 / (1 + math.exp(-float(value))) for value in fc2_weight @ hidden]
    return bias


def continuous_position_bias_by_broadcasting(window, pretrained_window, fc1_weight, fc1_bias, fc2_weight):
    places = np.indices(window).reshape(2, -1)
    x = (places[:, :, None] - places[:, None]) / (np.array(pretrained_window) - 1)[:, None, None] * 8
    x = np.sign(x) * np.log1p(abs(x)) / np.log(8)      # (2, M N, M N)
    hidden = np.einsum("kc,cij->kij", fc1_weight, x) + fc1_bias[:, None, None]
    return 8 + 8 * np.tanh(np.tensordot(fc2_weight, hidden * (hidden > 0), 1) / 2)
