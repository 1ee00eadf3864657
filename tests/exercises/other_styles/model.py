"""Notebook 7 in other styles: windows by their definition, with neither roll nor partition nor mask of regions."""

import math
from itertools import pairwise

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


def normalised(x, state, name):
    centred = x - np.einsum("...c->...", x)[..., None] / x.shape[-1]
    return centred / (np.mean(centred * centred, -1)[..., None] + 1e-5) ** 0.5 * state[name + ".weight"] + \
        state[name + ".bias"]


def layer(x, state, name):
    return np.einsum("...i,oi->...o", x, state[name + ".weight"]) + state.get(name + ".bias", 0)


def borders(side, window, shift):
    """Where the windows of a shifted block begin and end on one axis; at the map's edges they are cut off."""
    return sorted({0, side, *range(shift, side, window)})


def attended(x, state, name, heads, row, column, window, forbidden=None):
    """Tokens (n, C) at these rows and columns attend to each other."""
    c = x.shape[1]
    qkv = layer(x, state, name + ".qkv")
    down, right = (position[:, None] - position[None] for position in (row, column))
    near = (abs(down) < window) & (abs(right) < window)
    index = np.where(near, (down + window - 1) * (2 * window - 1) + right + window - 1, 0)
    results = []
    for head in range(heads):
        q, k, v = (qkv[:, part * c + head * (c // heads):][:, :c // heads] for part in range(3))
        scores = q @ k.T * (c // heads) ** -0.5 + state[name + ".relative_position_bias_table"][index, head]
        if forbidden is not None:
            scores = np.where(forbidden, -np.inf, scores)
        weights = np.exp(scores - scores.max(1)[:, None])
        results.append(weights / weights.sum(1)[:, None] @ v)
    return layer(np.hstack(results), state, name + ".proj")


def attention_by_regions(x, state, name, heads, window, shift):
    """Region after region of the map (H, W, C)."""
    y = np.empty_like(x)
    rows, columns = borders(x.shape[0], window, shift), borders(x.shape[1], window, shift)
    for top, bottom in pairwise(rows):
        for left, end in pairwise(columns):
            region = x[top:bottom, left:end]
            row, column = np.indices(region.shape[:2]).reshape(2, -1)
            tokens = attended(region.reshape(-1, x.shape[-1]), state, name, heads, row, column, window)
            y[top:bottom, left:end] = tokens.reshape(region.shape)
    return y


def attention_of_all_tokens(x, state, name, heads, window, shift):
    """All tokens of the map (H, W, C) at once; those of other windows are forbidden."""
    row, column = np.indices(x.shape[:2]).reshape(2, -1)
    number = 1000 * np.floor_divide(row - shift, window) + np.floor_divide(column - shift, window)
    forbidden = number[:, None] != number[None]
    tokens = attended(x.reshape(-1, x.shape[-1]), state, name, heads, row, column, window, forbidden)
    return tokens.reshape(x.shape)


def block(x, state, name, heads, window, shift, attention):
    x = x + np.stack([attention(image, state, name + ".attn", heads, window, shift)
                      for image in normalised(x, state, name + ".norm1")])
    hidden = layer(normalised(x, state, name + ".norm2"), state, name + ".mlp.fc1")
    hidden = hidden / 2 * (1 + erf(hidden / 2 ** 0.5)).astype(x.dtype)
    return x + layer(hidden, state, name + ".mlp.fc2")


def embedded(images, state):
    weight, p = state["patch_embed.proj.weight"], state["patch_embed.proj.weight"].shape[-1]
    x = sum(np.einsum("bihw,oi->bhwo", images[:, :, i::p, j::p], weight[:, :, i, j])
            for i in range(p) for j in range(p))
    return normalised(x + state["patch_embed.proj.bias"], state, "patch_embed.norm")


def swin_transformer_by_regions(images, state, depths, heads, window):
    x = embedded(images, state)
    for stage in range(len(depths)):
        for i in range(depths[stage]):
            shifted = i % 2 == 1 and min(x.shape[1:3]) > window
            x = block(x, state, f"layers.{stage}.blocks.{i}", heads[stage], window, shifted * (window // 2),
                      attention_by_regions)
        if stage + 1 < len(depths):
            x = np.concatenate([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], axis=3)
            name = f"layers.{stage}.downsample"
            x = layer(normalised(x, state, name + ".norm"), state, name + ".reduction")
    return layer(normalised(x, state, "norm").mean(axis=2).mean(axis=1), state, "head")


def swin_transformer_by_all_tokens(images, state, depths, heads, window):
    def stages(x, number):
        shifts = [0, window // 2 if x.shape[1] > window and x.shape[2] > window else 0]
        for i in range(depths[number]):
            x = block(x, state, f"layers.{number}.blocks.{i}", heads[number], window, shifts[i % 2],
                      attention_of_all_tokens)
        if number == len(depths) - 1:
            return x
        b, h, w, c = x.shape
        x = np.einsum("bhiwjc->bhwjic", x.reshape(b, h // 2, 2, w // 2, 2, c)).reshape(b, h // 2, w // 2, 4 * c)
        name = f"layers.{number}.downsample"
        return stages(layer(normalised(x, state, name + ".norm"), state, name + ".reduction"), number + 1)

    x = normalised(stages(embedded(images, state), 0), state, "norm")
    return layer(np.einsum("bhwc->bc", x) / (x.shape[1] * x.shape[2]), state, "head")


def res2net_ladder_by_shifted_copies(x, kernels):
    results = [x[..., :len(kernels[0])]]
    for number, kernel in enumerate(kernels, start=1):
        split = x[..., number * len(kernel):(number + 1) * len(kernel)]
        split = split + results[-1] if number > 1 else split
        padded = np.pad(split, ((0, 0), (1, 1), (1, 1), (0, 0)))
        h, w = x.shape[1:3]
        total = sum(padded[:, i:i + h, j:j + w] @ kernel[:, :, i, j].T for i in range(3) for j in range(3))
        results.append(total.clip(min=0))
    return np.concatenate(results, axis=-1)


def res2net_ladder_by_views(x, kernels):
    splits = np.split(x, len(kernels) + 1, axis=3)
    y = 0
    for i, kernel in enumerate(kernels, start=1):
        padded = np.pad(splits[i] + y, [(0, 0), (1, 1), (1, 1), (0, 0)])
        seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        splits[i] = y = np.maximum(np.einsum("bhwcij,ocij->bhwo", seen, kernel), 0)
    return np.concatenate(splits, axis=3)


def convolved(x, weight, stride, padding):
    """A convolution by windows of the padded map."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bhwcij,ocij->bhwo", windows, weight)


def res2net_block_by_windows(x, weights, scale, stride):
    def layer(name, y, stride=1, padding=0):
        return convolved(y, weights[name + ".weight"], stride, padding) + weights[name + ".bias"]

    y = layer("conv1", x).clip(min=0)
    width, ladder, first = y.shape[-1] // scale, [], any(name.startswith("downsample") for name in weights)
    for i in range(scale - 1):
        split = y[..., i * width:(i + 1) * width]
        split = split if first or not ladder else split + ladder[i - 1]
        ladder.append(layer(f"convs.{i}", split, stride, 1).clip(min=0))
    last = y[..., -width:]
    if first:
        padded = np.pad(last, ((0, 0), (1, 1), (1, 1), (0, 0)))
        last = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).mean((-1, -2))[:, ::stride, ::stride]
    y = layer("conv3", np.concatenate([*ladder, last], -1))
    return (y + (layer("downsample", x, stride) if first else x)).clip(min=0)


def res2net_block_by_pixels(x, weights, scale, stride):
    result = []
    for image in x:
        h, w, _ = image.shape
        places = [(i, j) for i in range(0, h, stride) for j in range(0, w, stride)]
        hidden = np.maximum(image @ weights["conv1.weight"][:, :, 0, 0].T + weights["conv1.bias"], 0)
        *splits, last = np.array_split(hidden, scale, axis=2)
        size, before, done = ((h - 1) // stride + 1, (w - 1) // stride + 1, -1), 0, []
        first = "downsample.bias" in weights

        def around(split, i, j):
            return [(split[k, m], k - i + 1, m - j + 1) for k in range(max(i - 1, 0), min(i + 2, split.shape[0]))
                    for m in range(max(j - 1, 0), min(j + 2, split.shape[1]))]

        for i, split in enumerate(splits):
            kernel, split = weights[f"convs.{i}.weight"], split + before
            y = np.array([sum(kernel[:, :, k, m] @ pixel for pixel, k, m in around(split, *place)) for place in places])
            done.append(np.maximum(y.reshape(size) + weights[f"convs.{i}.bias"], 0))
            before = 0 if first else done[-1]
        if first:
            last = np.array([sum(pixel for pixel, _, _ in around(last, *place)) / 9 for place in places]).reshape(size)
            image = image[::stride, ::stride] @ weights["downsample.weight"][..., 0, 0].T + weights["downsample.bias"]
        y = np.concatenate([*done, last], axis=2) @ weights["conv3.weight"][..., 0, 0].T + weights["conv3.bias"]
        result.append(np.maximum(image + y, 0))
    return np.stack(result)
