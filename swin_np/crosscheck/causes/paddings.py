"""Maps that do not fit: every shape policy, every other way to pad before the windows and before patch merging."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from swin_np.attention import shifted_window_attention
from swin_np.block import SwinTransformerBlock
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.patches import PatchMerging, patch_merging
from swin_np.shape_policy import SHAPE_POLICIES, ShapePolicy
from swin_np.windows import cyclic_shift, reverse_cyclic_shift, shifted_window_mask, window_partition, window_reverse

Widths = tuple[tuple[int, int], tuple[int, int]]       # before and behind, on rows and columns

FIX = ("Pad as the reference does: the normalised map, with zeros at the bottom and right; pad tokens are keys like "
       "all others.")
FIX_MERGING = "Pad an odd map with zeros at the bottom and right before it is merged."
PLACES: dict[str, Callable[[int], tuple[int, int]]] = {
    "at the bottom and right": lambda n: (0, n), "at the top and left": lambda n: (n, 0),
    "on both sides, so that the map is centred": lambda n: (n // 2, n - n // 2),
    "on both sides, the larger half at the top and left": lambda n: (n - n // 2, n // 2)}
CONTENTS = {"constant": "zeros", "edge": "its edge, replicated", "reflect": "its mirror image",
            "wrap": "its other side, repeated"}


def paddings(stretch: Stretch) -> Iterator[Cause]:
    """Of the last block, or the patch merging, of the stretch."""
    for name in stretch.modules:
        module = module_at(stretch.reference.model, name)
        if isinstance(module, SwinTransformerBlock) and name == stretch.block and needs_padding(stretch, module, name):
            yield from of_policies(name, module.shape_policy)
            yield from of_windows(name)
        elif isinstance(module, PatchMerging):
            yield from of_merging(name)


def needs_padding(stretch: Stretch, block: SwinTransformerBlock, name: str) -> bool:
    """Whether the block's map is no multiple of the window, or less than one."""
    size = stretch.input.shape[1:3]
    return any(side % m or side < m for side, m in zip(size, block.window_size, strict=True))


def of_policies(name: str, own: ShapePolicy) -> Iterator[Cause]:
    """The decisions of each other policy."""
    for policy in SHAPE_POLICIES.values():
        if policy != own:
            order = (" (the map is padded after the roll)" if own.pads_before_roll and not policy.pads_before_roll else
                     " (the map is padded before the roll)" if policy.pads_before_roll != own.pads_before_roll else "")
            yield Cause(f"shape policy {policy.name}", f"{name}.attn",
                        f"Sizes that do not fit are treated as {policy.name} does{order}; the reference does as "
                        f"{own.name}.", "Take the shape policy of the code that the checkpoint comes from, or give the "
                        "reference the other one (swin_np.ShapePolicy).",
                        lambda model, policy=policy: replaced(module_at(model, name), shape_policy=policy))


def of_windows(name: str) -> Iterator[Cause]:
    """Other paddings before the windows."""
    for place, widths in PLACES.items():
        for mode, content in CONTENTS.items():
            if (place, mode) != ("at the bottom and right", "constant"):
                yield padding(name, f"The map is padded with {content} {place} before it is cut into windows",
                              widths, mode)
    yield padding(name, "The map is padded before the first norm, so its pad tokens are the bias of norm1",
                  PLACES["at the bottom and right"], "norm")
    yield padding(name, "The padding is masked: no token attends to pad tokens", PLACES["at the bottom and right"],
                  "masked")


def padding(name: str, says: str, widths: Callable[[int], tuple[int, int]], mode: str) -> Cause:
    """A cause that replaces the block's `attend`."""
    def put(model: Module):
        block = module_at(model, name)
        return replaced(block, attend=partial(attend, block, widths=widths, mode=mode))

    return Cause("windows padded otherwise", f"{name}.attn", f"{says}.", FIX, put)


def attend(block: SwinTransformerBlock, x: Array, widths: Callable[[int], tuple[int, int]], mode: str) -> Array:
    """The block's attention with another padding; (B, H, W, C) -> the same."""
    (h, w), policy = x.shape[1:3], block.shape_policy
    window, shift = policy.window_and_shift((h, w), block.window_size, block.shift_size)
    rows, columns = (widths(-side % m) for side, m in zip((h, w), window, strict=True))
    if mode == "norm":
        padded = np.pad(x - block.norm1.bias, ((0, 0), rows, columns, (0, 0))) + block.norm1.bias
    else:
        padded = np.pad(x, ((0, 0), rows, columns, (0, 0)), "constant" if mode == "masked" else mode)
    if mode == "masked":
        real = np.pad(np.ones((1, h, w, 1)), ((0, 0), rows, columns, (0, 0)))
        padded = attend_masked(block, padded, real, window, shift)
    else:
        padded = shifted_window_attention(padded, block.attn, window, shift)
    return padded[:, rows[0]:rows[0] + h, columns[0]:columns[0] + w]


def attend_masked(block: SwinTransformerBlock, x: Array, real: Array, window: tuple[int, int],
                  shift: tuple[int, int]) -> Array:
    """The attention of a padded map (B, H, W, C) in which no token attends to where `real` (1, H, W, 1) is 0."""
    windows = block.attn.note("windows", window_partition(cyclic_shift(x, shift), window))
    keys = window_partition(cyclic_shift(real, shift), window).reshape(-1, 1, window[0] * window[1])
    mask = shifted_window_mask(x.shape[1:3], window, shift) + np.where(keys > 0, 0, -100).astype(x.dtype)
    tokens = windows.reshape(len(windows), -1, x.shape[-1])
    windows = block.attn(tokens, mask.astype(x.dtype)).reshape(windows.shape)
    return reverse_cyclic_shift(block.attn.note("reversed", window_reverse(windows, x.shape[1:3])), shift)


def of_merging(name: str) -> Iterator[Cause]:
    """Other paddings of odd maps before patch merging."""
    for place in ("at the bottom and right", "at the top and left"):
        for mode, content in CONTENTS.items():
            if (place, mode) != ("at the bottom and right", "constant"):
                wrong = partial(gather, widths=PLACES[place], mode=mode)
                yield Cause("merging padded otherwise", name, f"An odd map is padded with {content} {place} before it "
                            "is merged.", FIX_MERGING,
                            lambda model, wrong=wrong: replaced(module_at(model, name), gather=wrong))


def gather(x: Array, widths: Callable[[int], tuple[int, int]], mode: str) -> Array:
    """(B, H, W, C) -> (B, H/2, W/2, 4C), padded otherwise."""
    return patch_merging(np.pad(x, ((0, 0), widths(x.shape[1] % 2), widths(x.shape[2] % 2), (0, 0)), mode))
