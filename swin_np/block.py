"""Section 3.2: the Swin Transformer block; two successive ones, with W-MSA and SW-MSA, make Eq. 3 (Fig. 3b)."""

from dataclasses import dataclass

import numpy as np

from swin_np.arguments.door import takes
from swin_np.attention import WindowAttention, shifted_window_attention
from swin_np.functional import Array, by_parts, gelu, sum_by_parts
from swin_np.layers import LayerNorm, Linear, Module
from swin_np.shape_policy import ShapePolicy


@dataclass(eq=False, repr=False)
class Mlp(Module):
    """Section 3.1: two linear layers with a GELU between them, C -> mlp_ratio C -> C."""

    fc1: Linear
    fc2: Linear

    @classmethod
    def random(cls, channels: int, hidden: int, rng: np.random.Generator | None) -> "Mlp":
        return cls(Linear.random(channels, hidden, rng), Linear.random(hidden, channels, rng))

    def forward(self, x: Array) -> Array:
        """(..., C) -> (..., C), the sum of what each hidden unit gives; several cores take some of the units each."""
        def through(units: slice) -> Array:
            hidden = self.fc1.outputs(units)(x)
            return self.fc2.inputs(units)(gelu(hidden, out=hidden))

        return sum_by_parts(through, len(self.fc1.weight))


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

    def forward(self, x: Array) -> Array:              # (B, H, W, C) -> (B, H, W, C)
        x = x + self.attend(self.norm1(x))
        tokens = x.reshape(-1, x.shape[-1])            # (B H W, C)
        return by_parts(lambda part: tokens[part] + self.mlp(self.norm2(tokens[part])), tokens).reshape(x.shape)

    @takes(x="B H W C")
    def attend(self, x: Array) -> Array:               # (B, H, W, C) -> (B, H, W, C)
        """W-MSA or SW-MSA with the window and shift that the shape policy gives for this map."""
        window, shift = self.shape_policy.window_and_shift(x.shape[1:3], self.window_size, self.shift_size)
        self.shape_policy.check_map(x.shape[1:3], window)
        return shifted_window_attention(x, self.attn, window, shift, self.shape_policy.window != "roll then pad")
