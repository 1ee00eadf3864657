"""Which windows and image sizes the weights of a Swin Transformer could be for."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice, product

from swin_np.checkpoints.dialects.dialect import State
from swin_np.checkpoints.dialects.swin_buffers import MASK
from swin_np.checkpoints.reader import NAMED_AT_MOST
from swin_np.functional import Size, pair
from swin_np.shape_policy import ShapePolicy
from swin_np.variants import SwinConfig

Windows = tuple[tuple[int, int], ...]                  # of every stage
Choices = Sequence[Sequence[tuple[int, int]]]          # for every stage the windows it could have, the squarest first


def shared_windows(choices: Choices) -> Iterator[Windows]:
    """One window for all stages: that of the stage with the largest, as it was clamped to the map in the others."""
    largest = max(choices, key=lambda windows: math.prod(windows[0]) if windows else 0)
    return ((window,) * len(choices) for window in largest)


def own_windows(choices: Choices, maps: Sequence[tuple[int, int]] | None, policy: ShapePolicy) -> Iterator[Windows]:
    """For each stage a window of its own, of those that its map takes whole.

    A square one is taken before all others. Where the maps are not known, an oblong one that is not the only choice
    would be a guess; then there is none.
    """
    possible = [windows if maps is None else [m for m in windows if policy.table_window(maps[stage], m) == m]
                for stage, windows in enumerate(choices)]
    certain = [windows[:1] if len(windows) == 1 or (windows and is_square(windows[0])) else [] for windows in possible]
    return islice(product(*(one or (windows if maps is not None else [])
                            for one, windows in zip(certain, possible, strict=True))), NAMED_AT_MOST)


def image_sizes(windows: Windows, choices: Choices, buffers: State, positions: int | None,
                patch: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Image sizes in pixels that could be the configured one for these windows, the squarest first.

    They follow from the number of embedded positions or of a mask's windows; or it is the smallest one for which all
    maps are multiples of the windows; or it follows from a window that is smaller than the stage's configured one,
    since it was clamped to the map.
    """
    masks = [(int(name.split(".")[1]), len(mask)) for name, mask in buffers.items()
             if name.endswith(MASK) and mask.ndim]
    if positions is not None:
        maps = [(0, size) for size in factors(positions)]
    elif masks and masks[0][0] < len(windows):
        stage, count = masks[0]
        maps = [(stage, (a * windows[stage][0], b * windows[stage][1])) for a, b in factors(count)]
    else:
        tiled = tuple(math.lcm(*(window[axis] * 2**stage for stage, window in enumerate(windows))) for axis in (0, 1))
        sides = [min(own[0]) if own else min(window) for own, window in zip(choices, windows, strict=True)]
        clamped = [(stage, pair(side)) for stage, side in enumerate(sides) if side < min(windows[stage])]
        maps = [(0, tiled), *clamped]
    return (tuple(side * p * 2**stage for side, p in zip(size, patch, strict=True)) for stage, size in maps)


def factors(number: int) -> Iterator[tuple[int, int]]:
    """All (a, b) with a b = number, those with the nearest a and b first."""
    for a in range(math.isqrt(number), 0, -1):
        if number % a == 0:
            yield from dict.fromkeys([(a, number // a), (number // a, a)])


def is_square(size: tuple[int, int]) -> bool:
    return size[0] == size[1]


def is_plain(config: SwinConfig, image_size: Size | None) -> bool:
    """Whether nobody would look for another answer: square windows, and a square image if none was asked for."""
    squares = all(is_square(config.window(stage)) for stage in range(len(config.depths)))
    return squares and (image_size is not None or is_square(pair(config.img_size)))
