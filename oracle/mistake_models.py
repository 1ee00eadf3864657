"""Two small models on which every mistake of the catalogue shows, on oblong maps."""

from swin_np import TRANSFORMERS, SwinConfig
from swin_np.mistakes.mistake import Mistake


def small(img_size: tuple[int, int], window: int) -> SwinConfig:
    """Three stages of two blocks."""
    return SwinConfig(img_size, patch_size=2, num_classes=7, embed_dim=12, depths=(2, 2, 2), num_heads=(2, 3, 4),
                      window_size=window, mlp_ratio=2, shape_policy=TRANSFORMERS)


EVEN = small((32, 48), 4)                              # maps of 16x24, 8x12 and 4x6, the last less than two windows
ODD = small((36, 48), 3)                               # maps of 18x24, 9x12 and 5x6


def needs_odd_window(*mistakes: Mistake) -> bool:
    """Whether one of the mistakes does not show in even windows."""
    return any(mistake.needs == "an odd window" for mistake in mistakes)
