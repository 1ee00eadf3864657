"""What files of a Swin Transformer hold beside the parameters: it follows from the configuration, and is checked."""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.baselines.swin_v2 import SwinV2Config, log_spaced_coordinates
from swin_np.checkpoints.dialects.dialect import State
from swin_np.checkpoints.reader import Translated
from swin_np.functional import Array
from swin_np.variants import SwinConfig
from swin_np.windows import shifted_window_mask

INDEX, COORDINATES, MASK = "attn.relative_position_index", "attn.relative_coords_table", "attn_mask"
BUFFER_TOLERANCE = 2.0**-8                             # of coordinates, relative: files in bfloat16 round them too


def wrong_buffers(config: SwinConfig, buffers: State) -> list[str]:
    """What is wrong with the derived buffers: all must follow from the configuration, and no mask be left out."""
    expected = {}                                      # name: (number of elements, what computes it)
    for i, size in enumerate(config.map_sizes()):
        m, n = config.window(i)
        table_window = config.shape_policy.table_window(size, (m, n))
        window, shift = config.shape_policy.window_and_shift(size, (m, n), (m // 2, n // 2))
        padded = tuple(side + -side % of for side, of in zip(size, window, strict=True))
        index = math.prod(table_window) ** 2, partial(relative_position_index, table_window)
        mask = math.prod(padded) * math.prod(window), partial(shifted_window_mask, padded, window, shift)
        for j in range(config.depths[i]):
            block = f"layers.{i}.blocks.{j}"
            expected[f"{block}.{INDEX}"] = index
            if isinstance(config, SwinV2Config):
                expected[f"{block}.{COORDINATES}"] = 2 * math.prod(2 * side - 1 for side in table_window), partial(
                    log_spaced_coordinates, table_window, config.pretrained_window(i, table_window))
            if j % 2 and any(shift):
                expected[f"{block}.{MASK}"] = mask
    problems = []
    for name, value in buffers.items():
        count, compute = expected.get(name, (-1, None))
        tolerance = BUFFER_TOLERANCE if name.endswith(COORDINATES) else 0
        if value.size != count or not follows(value.ravel(), compute, tolerance):
            problems.append(f"{name} {value.shape} is not what follows from window {config.window_size} and image "
                            f"{config.img_size}")
    if any(name.endswith(MASK) for name in buffers):
        problems += [f"{name} is missing" for name in expected if name.endswith(MASK) and name not in buffers]
    return problems


def follows(value: Array, compute: partial, tolerance: float) -> bool:
    """Whether a stored buffer (n,) is what `compute` gives, in no more memory than the largest stored one would take.

    No implementation stores a buffer in single bytes. A mask or an index that does not fit is forgotten again, since
    the next configuration that could be meant asks for another.
    """
    if value.itemsize == 1:
        return False
    if tolerance:
        return np.allclose(value, compute().ravel(), rtol=tolerance, atol=0)
    same = np.array_equal(value, compute().ravel())
    if not same:
        compute.func.cache_clear()
    return same


def without_masks(found: Translated) -> Translated:
    """The same without the masks, which are perhaps for another image size."""
    return replace(found, buffers={name: value for name, value in found.buffers.items() if not name.endswith(MASK)})
