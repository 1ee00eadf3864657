"""Section 4.1: weights for another image or window size: bias tables and position embeddings, interpolated as maps."""

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.checkpoints.dialects.dialect import State
from swin_np.errors import CheckpointError
from swin_np.functional import Array, Size, pair
from swin_np.variants import SwinConfig

CUBIC = -0.75                                          # the free parameter of cubic convolution, as in PyTorch
SMALLEST_RATIO, LARGEST_RATIO = 1.01, 1.5              # timm's bounds for the geometric progression
RATIO_PRECISION = 1e-6


def bicubic_weights(old: int, new: int) -> Array:
    """Cubic convolution (Keys 1981) along one axis, (new, old): pixel areas aligned, edges repeated, no antialias."""
    weights = np.zeros((new, old))
    position = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.floor(position).astype(int)
    for step in (-1, 0, 1, 2):                         # the four neighbours of each position
        d = np.abs(position - (first + step))
        near = (CUBIC + 2) * d**3 - (CUBIC + 3) * d**2 + 1              # up to distance 1
        far = CUBIC * (d**3 - 5 * d**2 + 8 * d - 4)                     # from 1 to 2
        neighbour = np.clip(first + step, 0, old - 1)
        np.add.at(weights, (np.arange(new), neighbour), np.where(d <= 1, near, far))
    return weights


def geometric_weights(old: int, new: int) -> Array:
    """timm's interpolation of a bias table along one axis, (new, old), both odd: linear, on a geometric grid.

    The old displacements 0, 1, 2, ..., n are moved to 0, 1, 1 + q, 1 + q + q^2, ..., so that the largest meets the
    largest new one: near displacements keep their bias, far ones are stretched. q is found by bisection between 1.01
    and 1.5, as in timm; beyond the grid the last value holds.
    """
    steps, reach = np.arange(old // 2), new // 2
    low, high = SMALLEST_RATIO, LARGEST_RATIO
    while high - low > RATIO_PRECISION:
        ratio = (low + high) / 2
        low, high = (low, ratio) if (ratio**steps).sum() > reach else (ratio, high)
    grid = np.cumsum(ratio**steps)
    grid = np.concatenate([-grid[::-1], [0.0], grid])  # (old,)
    wanted = np.arange(-reach, reach + 1)
    return np.stack([np.interp(wanted, grid, unit) for unit in np.eye(old)], axis=1)


METHODS = {"bicubic": bicubic_weights, "geometric": geometric_weights}


def resample(maps: Array, old: Size, new: Size, method: str) -> Array:
    """Resize rows that are the positions of a map, (h w, C) -> (h' w', C), in float64; the dtype stays."""
    (h, w), (m, n) = pair(old), pair(new)
    rows, columns = METHODS[method](h, m), METHODS[method](w, n)
    result = np.einsum("ih,jw,hwc->ijc", rows, columns, maps.reshape(h, w, -1).astype(np.float64), optimize=True)
    return result.reshape(m * n, -1).astype(maps.dtype)


def resize_bias_table(table: Array, old_window: Size, new_window: Size, method: str = "bicubic") -> Array:
    """A bias table ((2M-1)^2, heads) for another window.

    method: "bicubic", as microsoft's code resizes it when fine-tuning, or "geometric", as timm's does when loading.
    Raises CheckpointError for a table that is not for `old_window`, ConfigurationError for another method.
    """
    check_name("method", method, METHODS)
    old, new = (tuple(2 * side - 1 for side in pair(window)) for window in (old_window, new_window))
    if table.ndim != 2 or len(table) != old[0] * old[1]:
        raise CheckpointError(f"a bias table of shape {table.shape} is not for window {pair(old_window)}, which has "
                              f"{old[0] * old[1]} rows: give the window that it was made for")
    return table if old == new else resample(table, old, new, method)


def resize_position_embedding(embedding: Array, old_map: Size, new_map: Size) -> Array:
    """An absolute position embedding (1, h w, C) for another map of stage 1, bicubic as in microsoft's code.

    Raises CheckpointError for an embedding that is not for `old_map`.
    """
    old, new = pair(old_map), pair(new_map)
    if embedding.ndim != 3 or embedding.shape[:2] != (1, old[0] * old[1]):
        raise CheckpointError(f"a position embedding of shape {embedding.shape} is not for a {old[0]}x{old[1]} map: "
                              "give the map that it was made for")
    return embedding if old == new else resample(embedding[0], old, new, "bicubic")[None]


def resize_positions(pos_embed: Array, old_grid: Size, new_grid: Size) -> Array:
    """A ViT's position embedding (1, prefix + h w, D) for another map of patches (Dosovitskiy et al. 2021, 3.2).

    Bicubic, as in transformers' `interpolate_pos_encoding`. What stands before the h w positions of `old_grid`, those
    of the class token and of DeiT's distillation token, is kept. Raises CheckpointError for an embedding that is not
    for `old_grid`.
    """
    (h, w), new = pair(old_grid), pair(new_grid)
    prefix = pos_embed.shape[1] - h * w if pos_embed.ndim == 3 else 0
    if prefix not in (1, 2) or len(pos_embed) != 1:
        raise CheckpointError(f"a position embedding of shape {pos_embed.shape} is not for a {h}x{w} map with a class "
                              "token, or that and a distillation token: give the map that it was made for")
    if (h, w) == new:
        return pos_embed
    patches = resample(pos_embed[0, prefix:], (h, w), new, "bicubic")
    return np.concatenate([pos_embed[:, :prefix], patches[None]], axis=1)


def resize_window(state: State, old: SwinConfig, new: SwinConfig, method: str = "bicubic") -> State:
    """The parameters (official names) of a model `old` for a model `new` with another window or image size.

    Bias tables and the position embedding are resized where they differ; everything else is passed on as it is.
    """
    resized = dict(state)
    if old.ape and new.ape:
        resized["absolute_pos_embed"] = resize_position_embedding(
            state["absolute_pos_embed"], old.map_sizes()[0], new.map_sizes()[0])
    for i, (old_map, new_map) in enumerate(zip(old.map_sizes(), new.map_sizes(), strict=False)):
        windows = [config.shape_policy.table_window(size, config.window(i))
                   for config, size in ((old, old_map), (new, new_map))]
        for j in range(old.depths[i]):
            name = f"layers.{i}.blocks.{j}.attn.relative_position_bias_table"
            if name in state:                          # V2 and Swin-Mixer have none
                resized[name] = resize_bias_table(state[name], *windows, method)
    return resized
