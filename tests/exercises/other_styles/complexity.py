"""Notebook 6 in other styles: factored, added up layer by layer, counted with loops or with arrays of shapes."""

import numpy as np


def msa_multiply_adds_by_layers(h, w, channels):
    tokens = h * w
    projections = [tokens * channels * channels for _ in ("query", "key", "value", "output")]
    return sum(projections) + tokens * channels * tokens + tokens * tokens * channels


def msa_multiply_adds_by_factoring(h, w, channels):
    return 2 * h * w * channels * (2 * channels + h * w)


def window_msa_multiply_adds_by_windows(h, w, channels, window):
    count = (h // window) * (w // window)
    return count * msa_multiply_adds_by_layers(window, window, channels)


def window_msa_multiply_adds_by_factoring(h, w, channels, window):
    return np.int64(2) * h * w * channels * (2 * channels + window ** 2)


def block_multiply_adds_by_tokens(h, w, channels, window):
    norms, linear_layers, keys = 2 * channels, (4 + 8) * channels ** 2, 2 * window ** 2 * channels
    return h * w * (norms + linear_layers + keys)


def block_multiply_adds_by_shapes(h, w, channels, window):
    tokens = h * w
    products = [(tokens, channels, 3 * channels), (tokens, channels, channels), (tokens, channels, 4 * channels),
                (tokens, 4 * channels, channels), (tokens, channels, window * window),
                (tokens, window * window, channels), (tokens, channels, 1), (tokens, channels, 1)]
    return sum(int(np.prod(shape)) for shape in products)


def count_parameters_by_shapes(embed_dim, depths, heads, window, classes):
    shapes = [(embed_dim, 3, 4, 4), (embed_dim,), (embed_dim,), (embed_dim,)]
    c = embed_dim
    for stage, (depth, head_count) in enumerate(zip(depths, heads, strict=True)):
        if stage:
            shapes += [(4 * c,), (4 * c,), (2 * c, 4 * c)]
            c = 2 * c
        shapes += depth * [(c,), (c,), ((2 * window - 1) ** 2, head_count), (3 * c, c), (3 * c,), (c, c), (c,), (c,),
                           (c,), (4 * c, c), (4 * c,), (c, 4 * c), (c,)]
    shapes += [(c,), (c,), (classes, c), (classes,)]
    return int(sum(np.prod(shape) for shape in shapes))


def count_parameters_by_formula(embed_dim, depths, heads, window, classes):
    channels = embed_dim * 2 ** np.arange(len(depths))
    blocks = 12 * channels ** 2 + 13 * channels + (2 * window - 1) ** 2 * np.array(heads)
    mergings = 8 * channels[:-1] ** 2 + 8 * channels[:-1]
    ends = 51 * embed_dim + 2 * channels[-1] + (channels[-1] + 1) * classes
    return np.dot(depths, blocks) + mergings.sum() + ends
