"""Fifty mistakes that others made in their ports, each a small change of `oracle.foreign_port`.

Some are in the catalogue as well, planted here by other means. Several come from public threads.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from oracle import foreign_windows
from oracle.foreign_cause import CAUSES, cause, only_at
from oracle.foreign_port import Port

__all__ = ["CAUSES", "foreign_windows"]

# --- residual sums and blocks


@cause("layers.0.blocks.1", r"image.*(drop|0 and 1\.25|scale|times)|drop-?path",
       thread="microsoft/Swin-Transformer#314")
def drop_path_active(port: Port) -> None:
    factors = torch.tensor([0.0, 1.25])[:, None, None, None]
    only_at(port, "add", "layers.0.blocks.1", lambda name, x, branch, which:
            x + branch * (factors if which == "attn" else 1 / 0.8))


@cause("layers.0.blocks.0", r"0\.8\b")
def branches_scaled(port: Port) -> None:
    port.add = lambda name, x, branch, which: x + 0.8 * branch


@cause("layers.1.blocks.0", r"0\.1\b")
def layer_scale(port: Port) -> None:
    only_at(port, "add", "layers.1.blocks.0", lambda name, x, branch, which:
            x + (0.1 if which == "mlp" else 1) * branch)


@cause("layers.0.blocks.0", r"twice|doubled|times 2|\b2(\.0*)? (times|attn)|by 2\b")
def attention_added_twice(port: Port) -> None:
    only_at(port, "add", "layers.0.blocks.0", lambda name, x, branch, which: x + branch * (1 + (which == "attn")))


@cause("layers.0.blocks.1", r"attention.*(left out|lost|not added|missing)|without the attention|\b0 times attn")
def attention_lost(port: Port) -> None:
    only_at(port, "add", "layers.0.blocks.1", lambda name, x, branch, which: x + branch if which == "mlp" else x)


@cause("layers.2.blocks.0", r"MLP.*(left out|lost|not added|missing)|without the MLP|\b0 times mlp")
def mlp_lost(port: Port) -> None:
    only_at(port, "add", "layers.2.blocks.0", lambda name, x, branch, which: x + branch if which == "attn" else x)


@cause("layers.1.blocks.1", r"(after|from|of) the (second )?norm|norm2('s| in place| instead)|normalised")
def skip_from_the_second_norm(port: Port) -> None:
    only_at(port, "add", "layers.1.blocks.1", lambda name, x, branch, which:
            branch + (x if which == "attn" else port.norm(f"{name}.norm2", x)))


@cause("layers.1.blocks.1", r"skipped|block.*(left out|lost|missing)|input (goes|comes) through|unchanged|is its input")
def block_skipped(port: Port) -> None:
    only_at(port, "block", "layers.1.blocks.1", lambda name, x: x)


@cause("layers.1.blocks.0", r"(run|runs|applied|repeated|computed) twice|repeated|two times")
def block_repeated(port: Port) -> None:
    right = port.block
    only_at(port, "block", "layers.1.blocks.0", lambda name, x: right(name, right(name, x)))


@cause("layers.2.blocks.1", r"layers\.2\.blocks\.0|block (before|0)", in_weights=True)
def block_with_the_weights_of_the_one_before(port: Port) -> None:
    for name in [name for name in port.w if name.startswith("layers.2.blocks.1.")]:
        port.w[name] = port.w[name.replace("blocks.1", "blocks.0")]


# --- parameters


@cause("layers.0.blocks.0.attn", r"(\bV\b|value).*bias|bias.*(\bv\b|value)", in_weights=True)
def v_bias_lost(port: Port) -> None:
    port.w["layers.0.blocks.0.attn.qkv.bias"][32:] = 0


@cause("layers.1.blocks.1.attn", r"(\bQ\b|quer).*bias|bias.*(\bq\b|quer)", in_weights=True)
def q_bias_lost(port: Port) -> None:
    port.w["layers.1.blocks.1.attn.qkv.bias"][:32] = 0


@cause("layers.0.blocks.1.mlp", r"bias.*(twice|doubled|again)", in_weights=True)
def fc2_bias_added_twice(port: Port) -> None:
    port.w["layers.0.blocks.1.mlp.fc2.bias"] *= 2


@cause("layers.1.blocks.0.attn", r"proj.*bias|bias.*proj", in_weights=True)
def proj_bias_lost(port: Port) -> None:
    port.w["layers.1.blocks.0.attn.proj.bias"].zero_()


@cause("layers.0.blocks.0.attn", r"table.*(flipped|reversed)", mistakes=("index-transposed",),
       in_weights=True)
def bias_table_flipped(port: Port) -> None:
    for name in [name for name in port.w if name.endswith("bias_table")]:
        port.w[name] = port.w[name].flip(0)


@cause("layers.0.blocks.0.attn", r"table.*(resampl|interpol|resiz|other)|other.*(table|bias)", in_weights=True)
def bias_table_resampled(port: Port) -> None:
    name = "layers.0.blocks.0.attn.relative_position_bias_table"
    table = port.w[name].T.unflatten(1, (7, 7))[None]
    there = F.interpolate(table, (9, 9), mode="bicubic", align_corners=False)
    port.w[name] = F.interpolate(there, (7, 7), mode="bicubic", align_corners=False)[0].flatten(1).T.contiguous()


@cause("layers.0.blocks.0.mlp", r"fc1.*(reshap|transpos)|(reshap|transpos).*fc1", in_weights=True)
def fc1_reshaped_for_transposed(port: Port) -> None:
    weight = port.w["layers.0.blocks.0.mlp.fc1.weight"]
    port.w["layers.0.blocks.0.mlp.fc1.weight"] = weight.T.reshape(weight.shape)


# --- attention


@cause("layers.0.blocks.0.attn", r"cosine|normalised (queries|q\b)|length")
def cosine_attention(port: Port) -> None:
    port.scores = lambda name, q, k: F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * 10.0


@cause("layers.0.blocks.0.attn", "scale multiplies the bias", mistakes=("bias-scaled",))
def bias_inside_the_scale(port: Port) -> None:
    port.add_bias = lambda name, scores, q: scores + port.bias(name) * q.shape[-1] ** -0.5


@cause("layers.0.blocks.0.attn", r"denominator|sum (to|of) less|1 is added|plus 1|\+ 1")
def softmax_with_one_in_the_denominator(port: Port) -> None:
    port.softmax = lambda name, scores: scores.exp() / (1 + scores.exp().sum(-1, keepdim=True))


# --- activations


@cause("layers.0.blocks.0.mlp", "tanh", mistakes=("gelu-by-tanh",), thread="huggingface/pytorch-image-models#2105")
def gelu_by_tanh_everywhere(port: Port) -> None:
    port.activation = lambda name, x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@cause("layers.0.blocks.0.mlp", r"erf|approximat|coarse", thread="PINTO0309/onnx2tf#312")
def erf_of_three_terms(port: Port) -> None:
    def erf(x: Tensor) -> Tensor:                      # Abramowitz & Stegun 7.1.25: off by up to 2.5e-5
        t = 1 / (1 + 0.47047 * x.abs())
        return x.sign() * (1 - t * (0.3480242 + t * (-0.0958798 + t * 0.7478556)) * torch.exp(-x * x))

    port.activation = lambda name, x: 0.5 * x * (1 + erf(x / math.sqrt(2)))


@cause("layers.0.blocks.0.mlp", r"table|steps|piecewise|approximat|coarse")
def gelu_by_a_table(port: Port) -> None:
    grid = torch.linspace(-8, 8, 1025)
    table = F.gelu(grid)
    port.activation = lambda name, x: table[((x.clamp(-8, 8) + 8) * 64).round().long()]


@cause("layers.0.blocks.0.mlp", r"SiLU|Swish|swish")
def silu_for_gelu(port: Port) -> None:
    port.activation = lambda name, x: F.silu(x)


@cause("layers.0.blocks.0.mlp", r"[hH]ard.?[sS]wish")
def hard_swish_for_gelu(port: Port) -> None:
    port.activation = lambda name, x: F.hardswish(x)


# --- numbers


@cause("layers.0.blocks.1.attn", r"infinity|overflow", thread="NVIDIA/FasterTransformer#275")
def overflow_in_one_window(port: Port) -> None:
    def overflow(x: Tensor) -> Tensor:                 # (B nW, M^2, C)
        x = x.clone()
        x[3, 5, 7] = math.inf
        return x

    port.changes.append((r"layers\.0\.blocks\.1\.attn\.proj", overflow))


@cause("layers.1.blocks.0.mlp", r"clip|clamp|saturat|cut (off )?at|range", thread="NVIDIA/FasterTransformer#357")
def clipped_before_a_linear_layer(port: Port) -> None:
    right = port.linear
    only_at(port, "linear", "layers.1.blocks.0.mlp.fc2", lambda name, x: right(name, x.clamp(
        -x.abs().max() / 4, x.abs().max() / 4)))


@cause("layers.0.blocks.0", r"zero|all 0|are 0|never written|not written|unwritten",
       thread="openvinotoolkit/openvino#36852")
def tile_of_zeros(port: Port) -> None:
    def unwritten(x: Tensor) -> Tensor:
        x = x.clone()
        x[:, 4:8, 8:16] = 0
        return x

    port.changes.append((r"layers\.0\.blocks\.0", unwritten))


@cause("layers.0.blocks.1", r"clip|clamp|saturat|cut (off )?at|range|between -2")
def clamped_to_two(port: Port) -> None:
    port.changes.append((r"layers\.0\.blocks\.1", lambda x: x.clamp(-2, 2)))


# --- head


@cause("head", r"\b49\b")
def pooling_divides_by_49(port: Port) -> None:
    port.pool = lambda x: x.sum((1, 2)) / 49
