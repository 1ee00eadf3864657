"""Section 3.2: what goes wrong in a block: where its norms and residual paths are, and when it shifts (Eq. 3)."""

from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.attention import shifted_window_attention
from swin_np.block import SwinTransformerBlock
from swin_np.functional import Array, layer_norm
from swin_np.layers import Module
from swin_np.mistakes.mistake import ATTENTION_INPUT, BLOCK, BLOCK_MIDDLE, mistake, shown_as
from swin_np.parallel.parts import by_tokens

FORWARD = "swin_np.block.SwinTransformerBlock.forward"
ATTEND = "swin_np.block.SwinTransformerBlock.attend"
GELU = "swin_np.functional.gelu"
FIRST_NORM = BLOCK + r"(\.norm1)?"
SECOND_NORM = BLOCK + r"(\.norm2)?"
MLP = BLOCK + r"\.mlp(\.fc2)?"
EQ_3 = "section 3.2, Eq. 3"

RIGHT_ATTEND = partial(SwinTransformerBlock.attend)    # an object of its own, which planting leaves be


@mistake(FORWARD, place=EQ_3, modules=FIRST_NORM,
         says="The norms come after the residual sums, as in the first Transformer, instead of before attention and "
              "MLP.",
         fix="Normalise the input of each branch: x + W-MSA(LN(x)), then x + MLP(LN(x)).")
def post_norm(self: Module, z: Array) -> Array:
    z = self.norm1(z + self.attend(z))
    return by_tokens(lambda z: self.norm2(z + self.mlp(z)), z)


@mistake(FORWARD, place=EQ_3, modules=FIRST_NORM,
         says="Each branch is normalised where it ends instead of where it begins, which is Swin V2's block.",
         fix="Normalise the input of each branch: x + W-MSA(LN(x)), then x + MLP(LN(x)).")
def residual_post_norm(self: Module, z: Array) -> Array:
    z = z + self.norm1(self.attend(z))
    return by_tokens(lambda z: z + self.norm2(self.mlp(z)), z)


@mistake(FORWARD, place=EQ_3, modules=BLOCK_MIDDLE,
         says="The attention's residual path is left out, so the input goes on only as far as the attention lets it.",
         fix="Add the block's input to the attention's result.")
def attention_residual_left_out(self: Module, z: Array) -> Array:
    z = self.attend(self.norm1(z))
    return by_tokens(lambda z: z + self.mlp(self.norm2(z)), z)


@mistake(FORWARD, place=EQ_3, modules=BLOCK,
         says="The MLP's residual path is left out, so the block's result is the MLP's alone.",
         fix="Add the MLP's result to what the MLP's norm was given.")
def mlp_residual_left_out(self: Module, z: Array) -> Array:
    z = z + self.attend(self.norm1(z))
    return by_tokens(lambda z: self.mlp(self.norm2(z)), z)


@mistake(FORWARD, place=EQ_3, modules=BLOCK,
         says="The second residual path starts at the block's input instead of after the attention, so the attention "
              "counts only by way of the MLP.",
         fix="Add the MLP's result to the sum of input and attention.")
def second_residual_from_the_input(self: Module, z: Array) -> Array:
    after_attention = z + self.attend(self.norm1(z))
    return z + by_tokens(lambda z: self.mlp(self.norm2(z)), after_attention)


@mistake(FORWARD, place=EQ_3, modules=BLOCK_MIDDLE,
         says="The first residual path starts after the norm instead of before it, because the norm's result took the "
              "input's name.",
         fix="Keep the block's input and add it to the attention's result.")
def residual_after_the_norm(self: Module, z: Array) -> Array:
    z = self.norm1(z)
    z = z + self.attend(z)
    return by_tokens(lambda z: z + self.mlp(self.norm2(z)), z)


@mistake(FORWARD, place=EQ_3, modules=BLOCK_MIDDLE,
         says="Attention and MLP both read the block's input, side by side, instead of one after the other.",
         fix="Give the MLP the sum of input and attention.")
def parallel_branches(self: Module, z: Array) -> Array:
    return z + self.attend(self.norm1(z)) + by_tokens(lambda z: self.mlp(self.norm2(z)), z)


@mistake(FORWARD, place=EQ_3, modules=FIRST_NORM,
         says="The norm before the attention is left out.",
         fix="Apply norm1 to the attention's input.")
def first_norm_left_out(self: Module, z: Array) -> Array:
    z = z + self.attend(shown_as(self.norm1, z))
    return by_tokens(lambda z: z + self.mlp(self.norm2(z)), z)


@mistake(FORWARD, place=EQ_3, modules=SECOND_NORM,
         says="The norm before the MLP is left out.",
         fix="Apply norm2 to the MLP's input.")
def second_norm_left_out(self: Module, z: Array) -> Array:
    z = z + self.attend(self.norm1(z))
    return by_tokens(lambda z: z + self.mlp(shown_as(self.norm2, z)), z)


@mistake(FORWARD, place=EQ_3, modules=SECOND_NORM,
         says="The first norm is used for the MLP as well, so the second one's weights are never read.",
         fix="Apply norm2 to the MLP's input.")
def first_norm_twice(self: Module, z: Array) -> Array:
    def normalise(z: Array) -> Array:
        return shown_as(self.norm2, layer_norm(z, self.norm1.weight, self.norm1.bias, self.norm1.eps))

    z = z + self.attend(self.norm1(z))
    return by_tokens(lambda z: z + self.mlp(normalise(z)), z)


def half(window: tuple[int, int]) -> tuple[int, int]:
    """The usual shift, floor(M/2) on either axis."""
    return window[0] // 2, window[1] // 2


@mistake(ATTEND, place="section 3.2, Fig. 2", modules=ATTENTION_INPUT,
         says="No block shifts its windows, so nothing ever crosses a window's border.",
         fix="Shift by floor(M/2) in every second block of a stage.")
def no_shift(self: Module, x: Array) -> Array:
    return RIGHT_ATTEND(replace(self, shift_size=(0, 0)), x)


@mistake(ATTEND, place="section 3.2, Fig. 2", modules=ATTENTION_INPUT,
         says="Every block shifts its windows, so the same windows follow each other and their borders stay closed.",
         fix="Shift only in every second block, and start each stage with regular windows.")
def shift_in_every_block(self: Module, x: Array) -> Array:
    return RIGHT_ATTEND(replace(self, shift_size=half(self.window_size)), x)


@mistake(ATTEND, place="section 3.2, Fig. 2", modules=ATTENTION_INPUT,
         says="Each stage starts with a block that shifts, and the second one does not, as happens when blocks are "
              "counted from 1.",
         fix="Start each stage with regular windows and shift in the second block.")
def shift_in_the_other_blocks(self: Module, x: Array) -> Array:
    other = (0, 0) if any(self.shift_size) else half(self.window_size)
    return RIGHT_ATTEND(replace(self, shift_size=other), x)


@mistake(ATTEND, place="section 3.2", modules=ATTENTION_INPUT, needs="an odd window",
         says="The shift is rounded up, ceil(M/2), instead of down, which is 4 instead of 3 for windows of 7.",
         fix="Shift by floor(M/2), M // 2.")
def shift_rounded_up(self: Module, x: Array) -> Array:
    up = tuple(-(-m // 2) if s else 0 for m, s in zip(self.window_size, self.shift_size, strict=True))
    return RIGHT_ATTEND(replace(self, shift_size=up), x)


@mistake(ATTEND, place="section 3.2", modules=ATTENTION_INPUT, needs="a stage of one window",
         says="The shift is kept in a stage whose map is a single window, where the mask then forbids most pairs; at "
              "224 pixels this is the last stage.",
         fix="Set the shift to 0 where the map is no larger than the window.")
def shift_of_a_single_window(self: Module, x: Array) -> Array:
    window, _ = self.shape_policy.window_and_shift(x.shape[1:3], self.window_size, self.shift_size)
    self.shape_policy.check_map(x.shape[1:3], window)
    return shifted_window_attention(x, self.attn, window, self.shift_size, self.shape_policy.pads_before_roll)


@mistake(GELU, place="section 3.1", modules=MLP,
         says="GELU is computed by its tanh approximation, which differs by up to 5e-4.",
         fix="Use the exact form, x Phi(x) with the error function.")
def gelu_by_tanh(x: Array, out: Array | None = None) -> Array:
    inner = np.sqrt(x.dtype.type(2 / np.pi)) * (x + x.dtype.type(0.044715) * x * x * x)
    return np.multiply(0.5 * x, 1 + np.tanh(inner), out=out)


@mistake(GELU, place="section 3.1", modules=MLP,
         says="GELU is replaced by QuickGELU, x sigmoid(1.702 x), which differs by up to 0.02.",
         fix="Use the exact form, x Phi(x) with the error function.")
def quick_gelu(x: Array, out: Array | None = None) -> Array:
    return np.divide(x, 1 + np.exp(-x.dtype.type(1.702) * x), out=out)


@mistake(GELU, place="section 3.1", modules=MLP,
         says="The MLP's activation is ReLU instead of GELU.",
         fix="Use GELU in its exact form, x Phi(x).")
def relu_for_gelu(x: Array, out: Array | None = None) -> Array:
    return np.maximum(x, 0, out=out)


@mistake(GELU, place="section 3.1", modules=MLP,
         says="The MLP has no activation, so its two linear layers are one.",
         fix="Apply GELU between fc1 and fc2.")
def activation_left_out(x: Array, out: Array | None = None) -> Array:
    return np.multiply(x, 1, out=out)
