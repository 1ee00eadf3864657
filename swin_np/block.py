"""Section 3.2: the Swin Transformer block; two successive ones, with W-MSA and SW-MSA, make Eq. 3 (Fig. 3b)."""

from dataclasses import dataclass

import numpy as np

from swin_np.arguments.door import takes
from swin_np.attention import WindowAttention, shifted_window_attention
from swin_np.functional import Array, gelu
from swin_np.layers import LayerNorm, Linear, Module, two_linear
from swin_np.parallel.parts import by_tokens
from swin_np.shape_policy import ShapePolicy


@dataclass(eq=False, repr=False)
class Mlp(Module):
    """Section 3.1: two linear layers with a GELU between them, C -> mlp_ratio C -> C."""

    fc1: Linear
    fc2: Linear

    @classmethod
    def random(cls, channels: int, hidden: int, rng: np.random.Generator | None) -> "Mlp":
        return cls(Linear.random(channels, hidden, rng), Linear.random(hidden, channels, rng))

    def forward(self, x: Array) -> Array:              # (..., C) -> (..., C)
        return two_linear(x, self.fc1, gelu, self.fc2)


@dataclass(eq=False, repr=False)
class SwinTransformerBlock(Module):
    """One line pair of Eq. 3: attention in windows, displaced by `shift_size`, then the MLP; both on a residual path.

    `window_size` and `shift_size` are the configured ones; the shape policy says what becomes of them on a small map.
    """

    norm1: LayerNorm
    attn: WindowAttention
    norm2: LayerNorm
    mlp: Mlp
    window_size: tuple[int, int]
    shift_size: tuple[int, int]
    shape_policy: ShapePolicy

    def forward(self, z: Array) -> Array:              # (B, H, W, C) -> (B, H, W, C)
        z = z + self.attend(self.norm1(z))             # Eq. 3: z-hat
        return by_tokens(lambda z: z + self.mlp(self.norm2(z)), z)

    @takes(x="B H W C")
    def attend(self, x: Array) -> Array:               # (B, H, W, C) -> (B, H, W, C)
        """W-MSA or SW-MSA with the window and shift that the shape policy gives for this map."""
        window, shift = self.shape_policy.window_and_shift(x.shape[1:3], self.window_size, self.shift_size)
        self.shape_policy.check_map(x.shape[1:3], window)
        return shifted_window_attention(x, self.attn, window, shift, self.shape_policy.pads_before_roll)
