"""What happens where sizes do not fit: the one point on which the public implementations of Swin differ.

The paper's own sizes always fit (224 = 4 * 56, and 7 divides 56, 28, 14 and 7). For other sizes there are five
answers in use, one of them under two names, and the logits differ by up to 1.5 for the same weights. A `ShapePolicy`
names each answer.
"""

from dataclasses import dataclass, replace
from typing import Literal

from swin_np.arguments.config_fields import check_fields
from swin_np.errors import ShapeError
from swin_np.functional import pair


@dataclass(frozen=True)
class ShapePolicy:
    """Five decisions about sizes that do not fit.

    image: "fixed" takes only the configured image size; "any" takes all.
    patch: an image that is no multiple of the patch is refused ("refuse"), loses its last rows and columns ("crop"),
        or gets zero pixels at the bottom and right ("pad").
    window: a map that is no multiple of the window is refused ("refuse"), or padded with zero tokens, "pad then roll"
        or "roll then pad".
    one_window: a map no larger than the window on some axis (one window covers it).
        "clamp both": both sides of the window become the map's shorter side, nothing is shifted.
        "clamp each": on that axis the window becomes the map's side and the shift 0.
        "stop shift": the window stays (the map is padded), on that axis the shift becomes 0.
        "shift": window and shift stay.
    table: the bias table is made for the clamped window of the configured image size ("clamped") or for the
        configured window ("full").
    merging: an odd map before patch merging is refused ("refuse") or gets a zero row or column ("pad").

    Raises ConfigurationError for a decision that is none of these.
    """

    name: str
    image: Literal["fixed", "any"]
    patch: Literal["refuse", "crop", "pad"]
    window: Literal["refuse", "pad then roll", "roll then pad"]
    one_window: Literal["clamp both", "clamp each", "stop shift", "shift"]
    table: Literal["clamped", "full"]
    merging: Literal["refuse", "pad"]

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def pads_before_roll(self) -> bool:
        """Whether a map that is no multiple of the window is padded before the cyclic shift, not after it."""
        return self.window != "roll then pad"

    def window_and_shift(self, map_size: tuple[int, int], window: tuple[int, int],
                         shift: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """The window and shift in force on a map (H, W), for the configured window and shift."""
        covered = tuple(side <= m for side, m in zip(map_size, window, strict=True))
        if self.one_window == "shift" or not any(covered):
            return window, shift
        if self.one_window == "clamp both":
            return pair(min(map_size)), (0, 0)
        shift = (0 if covered[0] else shift[0], 0 if covered[1] else shift[1])
        if self.one_window == "clamp each":
            window = (min(map_size[0], window[0]), min(map_size[1], window[1]))
        return window, shift

    def table_window(self, map_size: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
        """The window that the bias table is made for, where the configured image gives a map (H, W)."""
        return self.window_and_shift(map_size, window, (0, 0))[0] if self.table == "clamped" else window

    def check_map(self, map_size: tuple[int, int], window: tuple[int, int]) -> None:
        """Raise ShapeError where this policy refuses a map that is no multiple of the window in force."""
        if self.window == "refuse" and any(side % m for side, m in zip(map_size, window, strict=True)):
            raise ShapeError(
                f"the {map_size[0]}x{map_size[1]} map is no multiple of the {window[0]}x{window[1]} window, which the "
                f"shape policy {self.name!r} refuses: use an image size that fits, or a policy that pads, such as "
                "swin_np.TORCHVISION")


MICROSOFT = ShapePolicy("microsoft", "fixed", "refuse", "refuse", "clamp both", "clamped", "refuse")
TIMM = ShapePolicy("timm", "fixed", "refuse", "roll then pad", "clamp each", "clamped", "pad")
TORCHVISION = ShapePolicy("torchvision", "any", "crop", "pad then roll", "stop shift", "full", "pad")
TRANSFORMERS = ShapePolicy("transformers", "any", "pad", "pad then roll", "clamp both", "full", "pad")
MMDETECTION = ShapePolicy("mmdetection", "any", "pad", "pad then roll", "shift", "full", "pad")

TRANSFORMERS_BACKBONE = replace(MMDETECTION, name="transformers-backbone")
"""transformers' classes that give maps to a dense head (SwinBackbone, in UPerNet, Mask2Former, ...; MaskFormer's own):
they always partition with the configured window and shift, where its classification classes clamp both."""

SHAPE_POLICIES = {policy.name: policy for policy in (MICROSOFT, TIMM, TORCHVISION, TRANSFORMERS, TRANSFORMERS_BACKBONE,
                                                     MMDETECTION)}
