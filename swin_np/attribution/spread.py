"""Section 3.2: how far one token, or one pixel, is seen through all blocks: reach, influence, cost, and errors.

Reach is what the real masks allow; influence is what changes in a model when the pixel is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_np.arguments.checks import instance
from swin_np.attribution.attention_maps import allowed_pairs, in_force, single, window_tokens
from swin_np.attribution.rollout import merging
from swin_np.baselines.swin_v2 import SwinTransformerV2
from swin_np.costs import total
from swin_np.crosscheck.record import trace
from swin_np.errors import ConfigurationError, InputError
from swin_np.functional import Array, pair
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake
from swin_np.model import SwinTransformer
from swin_np.systems.registry import layer_costs


def spread_by_block(seen: Array, window: tuple[int, int], shift: tuple[int, int],
                    pads_before_roll: bool = True) -> Array:
    """Which tokens hold information of a source after one more block, given which held it before: (H, W) bool both.

    A query does if it did, or if a key does to which the mask of the block lets it attend. Padding holds none.
    """
    tokens = window_tokens(seen.shape, window, shift, pads_before_roll)                 # (nW, M^2)
    held = np.append(seen.ravel(), False)              # the last is number -1, padding
    reached = (allowed_pairs(seen.shape, window, shift) & held[tokens][:, None, :]).any(axis=-1)
    held[tokens] |= reached
    return held[:-1].reshape(seen.shape)


def reach(map_size: tuple[int, int], window: tuple[int, int], shifts: list[tuple[int, int]],
          source: tuple[int, int]) -> Array:
    """Where a token at `source` is seen after each block, whose shifts are given: (blocks, H, W) bool."""
    seen: Array = np.zeros(map_size, bool)
    seen[source] = True
    after = []
    for shift in shifts:
        seen = spread_by_block(seen, window, shift)
        after.append(seen)
    return np.array(after)


def extent(seen: Array) -> tuple[int, int]:
    """Height and width of the box around the True of a map (H, W)."""
    rows, columns = (int(np.ptp(places)) + 1 for places in np.nonzero(seen))
    return rows, columns


def influence(model: SwinTransformer, source: tuple[int, int], seed: int) -> Array:
    """By how much the token at `source` changes the output of each block of the first stage: (blocks, H, W).

    The token of a random map changes its sign; counted is the largest change over the channels, relative to the
    largest value of the output. In float64 no influence is lost to rounding.
    """
    h, w = model.config.map_sizes()[0]
    x = np.random.default_rng(seed).standard_normal((1, h, w, model.config.embed_dim)).astype(model.dtype)
    changed = x.copy()
    changed[0, source[0], source[1]] *= -1
    changes = []
    for block in model.layers[0].blocks:
        x, changed = block(x), block(changed)
        changes.append(relative_change(x, changed))
    return np.array(changes)


def relative_change(x: Array, changed: Array) -> Array:
    """The largest difference over the channels of each token, relative to the map's largest value: (h, w)."""
    return np.abs(changed - x)[0].max(axis=-1) / np.abs(x).max()


def check_swin(model: SwinTransformer) -> None:
    """Raise ConfigurationError for a model whose blocks are no Swin Transformer's."""
    if type(model) not in (SwinTransformer, SwinTransformerV2):
        raise ConfigurationError(f"a {type(model).__name__} was given, what is followed are the windows of a Swin "
                                 "Transformer or a Swin V2: give one of these")


def reach_by_map(model: SwinTransformer, img_size: tuple[int, int], pixel: tuple[int, int]) -> dict[str, Array]:
    """Where a pixel (row, column) is seen after each block and patch merging, by official name: (h, w) bool each.

    Raises InputError for a pixel that no patch holds, ConfigurationError for a model that is no Swin.
    """
    check_swin(model)
    p, q = pair(model.config.patch_size)
    (h, w), token = model.config.map_sizes(img_size)[0], (pixel[0] // p, pixel[1] // q)
    if not (0 <= token[0] < h and 0 <= token[1] < w):
        raise InputError(f"the pixel in row {pixel[0]}, column {pixel[1]} is in no patch of the {img_size[0]}x"
                         f"{img_size[1]} image: give a row from 0 to {min(h * p, img_size[0]) - 1} and a column from 0 "
                         f"to {min(w * q, img_size[1]) - 1}")
    seen: Array = np.zeros((h, w), bool)
    seen[token] = True
    after = {}
    for i, stage in enumerate(model.layers):
        for j, block in enumerate(stage.blocks):
            window, shift = in_force(block, seen.shape)
            seen = spread_by_block(seen, window, shift, block.shape_policy.pads_before_roll)
            after[f"layers.{i}.blocks.{j}"] = seen
        if stage.downsample is not None:
            merged = merging(seen.shape).columns       # (tokens, 4), -1 for padding
            h, w = -(-seen.shape[0] // 2), -(-seen.shape[1] // 2)
            seen = np.append(seen.ravel(), False)[merged].any(axis=1).reshape(h, w)
            after[f"layers.{i}.downsample"] = seen
    return after


def maps(model: SwinTransformer, image: Array) -> dict[str, Array]:
    """The map after each block and patch merging, (1, h, w, C), by official name, as a forward pass shows them."""
    with trace(model, "layers.*[0-9]") as found:       # blocks, and stages, whose output is that of their merging
        model.feature_maps(image)
    names: dict[str, str] = {}                         # what is wanted, by the name under which it was shown
    for i, stage in enumerate(model.layers):
        names |= {f"layers.{i}.blocks.{j}": f"layers.{i}.blocks.{j}" for j in range(len(stage.blocks))}
        if stage.downsample is not None:
            names[f"layers.{i}"] = f"layers.{i}.downsample"
    return {name: found[shown] for shown, name in names.items()}


@dataclass(frozen=True)
class Followed:
    """One input pixel after one block or patch merging.

    name: of the module. reach: where the masks let it be seen, (h, w) bool. influence: by how much its change changes
    each token, the largest over the channels, relative to the largest value of the map, (h, w).
    multiply_adds, activation_bytes: of this block or merging for one image, as swin_np.complexity counts them.
    """

    name: str
    reach: Array
    influence: Array
    multiply_adds: int
    activation_bytes: int


def follow(model: SwinTransformer, image: Array, pixel: tuple[int, int]) -> list[Followed]:
    """One pixel (row, column) of an image through all blocks and patch mergings, in their order.

    image: (3, H, W) or (1, 3, H, W), as the model takes it. The pixel's three numbers change their sign, or become 1
    where they are 0. In float64 no influence is lost to rounding.
    Raises InputError for a pixel that no patch holds, ConfigurationError for a model that is no Swin.
    """
    image = single(image)
    seen = reach_by_map(model, image.shape[2:], pixel)
    changed = image.copy()
    colour = image[0, :, pixel[0], pixel[1]]
    changed[0, :, pixel[0], pixel[1]] = np.where(colour == 0, 1, -colour)
    before, after = maps(model, image), maps(model, changed)
    costs = {name: total(cost for cost in layer_costs(model.config, image.shape[2:], model.dtype.type)
                         if f"{cost.name}.".startswith(f"{name}.")) for name in seen}
    return [Followed(name, seen[name], relative_change(before[name], after[name]), costs[name].multiply_adds,
                     costs[name].activation_bytes) for name in seen]


def error_by_map(model: SwinTransformer, image: Array, mistakes: Sequence[Mistake]) -> dict[str, Array]:
    """How wrong each token is after each block and patch merging with these mistakes planted: (h, w) each, by name.

    The largest difference over the channels, relative to the largest value of the right map. A mistake in preparing
    images shows nowhere, since the image is given; one after the last block neither.
    Raises ConfigurationError for a model that is no Swin, and for two mistakes in the same function.
    """
    check_swin(model)
    image = single(image)
    right = maps(model, image)
    with planted(*[instance("mistake", mistake, Mistake) for mistake in mistakes]):
        wrong = maps(model, image)
    return {name: relative_change(right[name], wrong[name]) for name in right}
