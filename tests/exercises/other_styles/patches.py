"""Notebook 2 in other styles: loops, views, convolutions written out, gathers by index."""

import numpy as np


def patch_partition_by_loops(images, patch):
    b, c, h, w = images.shape
    result = np.empty((b, h // patch, w // patch, c * patch * patch), images.dtype)
    for i in range(h // patch):
        for j in range(w // patch):
            square = images[:, :, i * patch:i * patch + patch, j * patch:j * patch + patch]
            result[:, i, j] = square.reshape(b, -1)
    return result


def patch_partition_by_views(images, patch):
    views = np.lib.stride_tricks.sliding_window_view(images, (patch, patch), axis=(2, 3))[:, :, ::patch, ::patch]
    return np.moveaxis(views, 1, 3).reshape(*views.shape[:1], *views.shape[2:4], -1)


def patch_partition_by_pixels(images, patch):
    return np.stack([images[:, colour, row::patch, column::patch]
                     for colour, row, column in np.ndindex(images.shape[1], patch, patch)], axis=-1)


def normalised(x, weight, bias):
    return (x - np.mean(x, -1)[..., None]) / np.sqrt(np.var(x, -1) + 1e-5)[..., None] * weight + bias


def patch_embedding_by_a_convolution(images, weight, bias, norm_weight, norm_bias):
    p = weight.shape[-1]
    x = bias + sum(images[:, None, colour, row::p, column::p] * weight[:, colour, row, column, None, None]
                   for colour, row, column in np.ndindex(*weight.shape[1:])).transpose(0, 2, 3, 1)
    return normalised(x, norm_weight, norm_bias)


def patch_embedding_by_einsum(images, weight, bias, norm_weight, norm_bias):
    b, colours, h, w = images.shape
    p = weight.shape[2]
    cut = images.reshape(b, colours, h // p, p, w // p, p)
    return normalised(np.einsum("bciykx,ocyx->biko", cut, weight) + bias, norm_weight, norm_bias)


def patch_merging_by_reshaping(x, norm_weight, norm_bias, reduction_weight):
    b, h, w, c = x.shape
    x = x.reshape(b, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 4, 2, 5).reshape(b, h // 2, w // 2, -1)
    return np.tensordot(normalised(x, norm_weight, norm_bias), reduction_weight, axes=(3, 1))


def patch_merging_by_loops(x, norm_weight, norm_bias, reduction_weight):
    h, w = x.shape[1:3]
    rows = [[np.concatenate([x[:, i, j], x[:, i + 1, j], x[:, i, j + 1], x[:, i + 1, j + 1]], axis=1)
             for j in range(0, w, 2)] for i in range(0, h, 2)]
    x = np.array(rows).transpose(2, 0, 1, 3)
    return normalised(x, norm_weight, norm_bias) @ reduction_weight.T


def class_token_by_an_empty_array(patches, cls_token, pos_embed):
    result = np.empty((len(patches), pos_embed.shape[1], patches.shape[-1]), patches.dtype)
    result[:, :1] = cls_token
    for number, image in enumerate(patches):
        result[number, 1:] = image.reshape(-1, image.shape[-1])
    return result + pos_embed


def class_token_by_stacking(patches, cls_token, pos_embed):
    return np.stack([np.vstack([cls_token[0], *image]) + pos_embed[0] for image in patches])


def patch_expanding_by_slices(x, expand_weight, norm_weight, norm_bias):
    b, h, w, c = x.shape
    result = np.empty((b, 2 * h, 2 * w, c // 2), x.dtype)
    for number, rows in enumerate(np.split(expand_weight, 4)):
        result[:, number // 2::2, number % 2::2] = x @ rows.T
    spread = result.std(axis=-1, keepdims=True) ** 2
    return (result - result.mean(axis=-1, keepdims=True)) / np.sqrt(spread + 1e-5) * norm_weight + norm_bias


def patch_expanding_by_repeating(x, expand_weight, norm_weight, norm_bias):
    x = x.repeat(2, axis=1).repeat(2, axis=2)
    rows, columns = np.indices(x.shape[1:3]) % 2
    weight = expand_weight.reshape(4, -1, x.shape[-1])[2 * rows + columns]                 # (2H, 2W, C/2, C)
    x = np.einsum("hwoc,bhwc->bhwo", weight, x)
    x = x - x.mean(-1)[..., None]
    return norm_bias + norm_weight * x / np.sqrt((x * x).mean(-1) + 1e-5)[..., None]
