"""Notebook 1 in other styles: loops, einsum, other formulas."""

import math

import numpy as np


def softmax_by_loops(x):
    result = np.zeros(x.shape, x.dtype)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(value) for value in x[place]]
        weights = [math.exp(value - max(row)) for value in row]
        for i, weight in enumerate(weights):
            result[place][i] = weight / sum(weights)
    return result


def softmax_by_logarithms(x):
    top = np.max(x, axis=-1)[..., None]
    return np.exp(x - top - np.log(np.einsum("...i->...", np.exp(x - top)))[..., None])


def layer_norm_by_moments(x, weight, bias):
    mean = np.einsum("...c->...", x)[..., None] / x.shape[-1]
    return np.asarray((x - mean) * (np.var(x, axis=-1) + 1e-5)[..., None] ** -0.5 * weight + bias)


def layer_norm_by_rows(x, weight, bias):
    rows = [(row - np.mean(row)) / math.sqrt(float(np.var(row)) + 1e-5) for row in x.reshape(-1, x.shape[-1])]
    return (weight * np.stack(rows) + bias).reshape(x.shape)


def gelu_by_the_complement(x):
    return np.array([0.5 * v * math.erfc(-v / 2 ** 0.5) for v in x.ravel().tolist()]).reshape(x.shape)


def gelu_by_the_absolute_value(x):
    tail = 0.5 * np.vectorize(math.erfc, otypes=[float])(np.abs(x) * 0.5 ** 0.5)
    return np.maximum(x, 0) - np.abs(x) * tail


def attention_head_by_loops(q, k, v):
    result = np.zeros_like(v)
    for i in range(len(q)):
        scores = np.array([sum(a * b for a, b in zip(q[i], key, strict=True)) for key in k]) / len(q[i]) ** 0.5
        weights = softmax_by_logarithms(scores)
        for weight, value in zip(weights, v, strict=True):
            result[i] += weight * value
    return result


def attention_head_by_einsum(q, k, v):
    scores = np.einsum("kd,qd->kq", k, q * q.shape[1] ** -0.5)          # keys first
    scores = np.exp(scores - scores.max(axis=0))
    return np.einsum("kq,kd->qd", scores / scores.sum(axis=0), v)


def multi_head_attention_by_loops(x, qkv_weight, qkv_bias, proj_weight, proj_bias, heads):
    c, results = x.shape[-1], []
    d = c // heads
    for tokens in x:
        columns = []
        for head in range(heads):
            q, k, v = (tokens @ qkv_weight[part * c + head * d:][:d].T + qkv_bias[part * c + head * d:][:d]
                       for part in range(3))
            columns.append(attention_head_by_einsum(q, k, v))
        results.append(np.hstack(columns) @ proj_weight.T + proj_bias)
    return np.array(results)


def multi_head_attention_by_einsum(x, qkv_weight, qkv_bias, proj_weight, proj_bias, heads):
    b, n, c = x.shape
    weight = qkv_weight.reshape(3, heads, c // heads, c)
    q, k, v = np.einsum("bnc,phdc->pbhnd", x, weight) + qkv_bias.reshape(3, 1, heads, 1, -1)
    attended = softmax_by_logarithms(np.einsum("bhnd,bhmd->bhnm", q, k) * (c // heads) ** -0.5)
    joined = np.einsum("bhnm,bhmd->bnhd", attended, v)
    return np.tensordot(joined.reshape(b, n, c), proj_weight, axes=(2, 1)) + proj_bias[None, None]
