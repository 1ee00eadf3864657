"""Notebook 8's functions, written anew in other styles."""

import math
from itertools import pairwise

import numpy as np

from tests.exercises.other_styles.model import erf


def softmaxed(scores):
    weights = np.exp(scores - np.max(scores, axis=-1)[..., None])
    return weights / np.sum(weights, axis=-1)[..., None]


def find_the_bug_1_by_heads(windows, qkv_weight, qkv_bias, proj_weight, proj_bias, table, heads, window):
    c = windows.shape[-1]
    d = c // heads
    row, column = np.divmod(np.arange(window ** 2), window)
    index = (row[:, None] - row + window - 1) * (2 * window - 1) + column[:, None] - column + window - 1
    parts = []
    for head in range(heads):
        rows = [slice(part * c + head * d, part * c + head * d + d) for part in range(3)]
        q, k, v = (windows @ qkv_weight[r].T + qkv_bias[r] for r in rows)
        parts.append(softmaxed(q @ k.transpose(0, 2, 1) / math.sqrt(d) + table[index, head]) @ v)
    return np.concatenate(parts, axis=2) @ proj_weight.T + proj_bias


def find_the_bug_1_by_einsum(windows, qkv_weight, qkv_bias, proj_weight, proj_bias, table, heads, window):
    n, tokens, c = windows.shape
    q, k, v = np.einsum("ntc,phdc->pnhtd", windows, qkv_weight.reshape(3, heads, -1, c)) + \
        qkv_bias.reshape(3, 1, heads, 1, -1)
    side = 2 * window - 1
    bias = np.empty((heads, tokens, tokens), table.dtype)
    for i in range(tokens):
        for j in range(tokens):
            down, right = i // window - j // window, i % window - j % window
            bias[:, i, j] = table[(down + window - 1) * side + right + window - 1]
    weights = softmaxed(np.einsum("nhqd,nhkd->nhqk", q, k) / (c // heads) ** 0.5 + bias)
    joined = np.einsum("nhqk,nhkd->nqhd", weights, v).reshape(n, tokens, c)
    return np.einsum("ntc,oc->nto", joined, proj_weight) + proj_bias


def find_the_bug_2_by_regions(x, window, shift):
    y = np.zeros_like(x)
    rows, columns = ([0, *range(shift, side, window), side] for side in x.shape[1:3])
    for image, result in zip(x, y, strict=True):
        for top, bottom in pairwise(rows):
            for left, right in pairwise(columns):
                tokens = image[top:bottom, left:right].reshape(-1, x.shape[-1])
                attended = softmaxed(tokens @ tokens.T / math.sqrt(x.shape[-1])) @ tokens
                result[top:bottom, left:right] = attended.reshape(bottom - top, right - left, -1)
    return y


def find_the_bug_2_by_all_tokens(x, window, shift):
    b, h, w, c = x.shape
    row, column = np.indices((h, w)).reshape(2, -1)
    place = np.stack([(row - shift) // window, (column - shift) // window])
    together = (place[:, :, None] == place[:, None, :]).all(axis=0)
    tokens = x.reshape(b, h * w, c)
    scores = np.where(together, np.einsum("bqc,bkc->bqk", tokens, tokens) * c ** -0.5, -np.inf)
    return (softmaxed(scores) @ tokens).reshape(b, h, w, c)


def find_the_bug_3_by_slices(x, weights):
    def norm(x, name):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * \
            weights[f"{name}.weight"] + weights[f"{name}.bias"]

    hidden = norm(x, "norm2") @ weights["mlp.fc1.weight"].T + weights["mlp.fc1.bias"]
    hidden = hidden * (1 + erf(hidden * 0.5 ** 0.5)) / 2
    x = x + (hidden @ weights["mlp.fc2.weight"].T + weights["mlp.fc2.bias"])
    x = np.concatenate([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], axis=-1)
    return norm(x, "norm") @ weights["reduction.weight"].T


def find_the_bug_3_by_places(x, weights):
    def norm(token, name):
        centred = token - sum(token) / len(token)
        return centred / math.sqrt(float(centred @ centred) / len(token) + 1e-5) * weights[name + ".weight"] + \
            weights[name + ".bias"]

    def half_block(token):
        hidden = weights["mlp.fc1.weight"] @ norm(token, "norm2") + weights["mlp.fc1.bias"]
        hidden = np.array([value * math.erfc(-value / math.sqrt(2)) / 2 for value in hidden])
        return token + weights["mlp.fc2.weight"] @ hidden + weights["mlp.fc2.bias"]

    b, h, w, c = x.shape
    y = np.empty((b, h // 2, w // 2, 2 * c), x.dtype)
    for image, i, j in np.ndindex(y.shape[:3]):
        neighbours = [half_block(x[image, 2 * i + down, 2 * j + right]) for right in range(2) for down in range(2)]
        y[image, i, j] = weights["reduction.weight"] @ norm(np.hstack(neighbours), "norm")
    return y
