"""Golden values of exercises on other systems, by PyTorch and timm: `python -m oracle.exercise_values FILE.npz`.

They are in float64, of layers that are built here with random weights; swin_np/exercises/data/README.md describes them.
"""

# ruff: noqa: I001

import sys
from pathlib import Path

import numpy as np
import torch

import oracle.libraries  # noqa: F401 - before torchvision
from timm.models.res2net import Bottle2neck
from timm.models.swin_transformer_v2 import WindowAttention
from timm.models.vision_transformer import Attention
from torch import Tensor, nn
from torch.nn import functional

SEED = 2021


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Normal numbers in float64 that float32 holds, which keeps the file small."""
    return torch.randn(shape, generator=generator).double()


def redrawn(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """The module in float64 with parameters and running statistics of about 1, so that all of them matter."""
    module = module.double().eval()
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point() and "relative" not in name and name != "k_bias":          # which is 0
                drawn = normal(generator, *value.shape)
                value.copy_(drawn.abs() + 0.5 if name.endswith("var") else drawn if value.ndim < 2 or len(value) < 9
                            else drawn / 4)
    return module


def vit(generator: torch.Generator) -> dict[str, Tensor]:
    """x + Attention(LN(x)) of a class token and 2 x 3 patches, and how much the class token attends to each patch."""
    norm, attention = (redrawn(module, generator) for module in (
        nn.LayerNorm(8, eps=1e-6), Attention(8, num_heads=2, qkv_bias=True)))
    x = normal(generator, 2, 7, 8)
    q, k, _ = attention.qkv(norm(x)).reshape(2, 7, 3, 2, 4).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-1, -2) * attention.scale).softmax(-1)
    state = {f"weights/norm1.{name}": value for name, value in norm.state_dict().items()}
    state |= {f"weights/attn.{name}": value for name, value in attention.state_dict().items()}
    return {"x": x, "output": x + attention(norm(x)), "class_attention": weights[:, :, 0, 1:].reshape(2, 2, 2, 3),
            **state}


def positions(generator: torch.Generator) -> dict[str, Tensor]:
    """A position embedding for 3 x 4 patches, resized to 5 x 3."""
    pos_embed = normal(generator, 1, 13, 2)
    patches = pos_embed[:, 1:].reshape(1, 3, 4, 2).permute(0, 3, 1, 2)
    patches = functional.interpolate(patches, size=(5, 3), mode="bicubic", align_corners=False)
    return {"pos_embed": pos_embed, "resized": torch.cat([pos_embed[:, :1], patches.flatten(2).transpose(1, 2)], 1)}


def swin_v2(generator: torch.Generator) -> dict[str, Tensor]:
    """Cosine attention in three windows of 4 x 4: what goes in, the position bias, and what is handed on to proj."""
    module = redrawn(WindowAttention(8, (4, 4), num_heads=2), generator)
    coordinates = module.relative_coords_table.double()
    step = torch.arange(-3.0, 4, dtype=torch.float64) / 3 * 8
    exact = torch.sign(step) * torch.log2(step.abs() + 1) / 3           # timm has them in float32
    module.relative_coords_table = torch.stack(torch.meshgrid(exact, exact, indexing="ij"), -1)[None]
    assert (module.relative_coords_table - coordinates).abs().max() < 1e-6
    with torch.no_grad():
        module.logit_scale.copy_(torch.tensor([0.7, 3.0]).log().reshape(2, 1, 1))
        module.proj.weight.copy_(torch.eye(8))
        module.proj.bias.zero_()
    x = normal(generator, 3, 16, 8)
    bias = torch.cat([module.q_bias, torch.zeros_like(module.q_bias), module.v_bias])
    q, k, v = functional.linear(x, module.qkv.weight, bias).reshape(3, 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
    table = module.cpb_mlp(module.relative_coords_table).reshape(-1, 2)
    position_bias = 16 * table[module.relative_position_index.reshape(-1)].reshape(16, 16, 2).permute(2, 0, 1).sigmoid()
    return {"q": q, "k": k, "v": v, "bias": position_bias, "logit_scale": module.logit_scale,
            "attended": module(x).reshape(3, 16, 2, 4).transpose(1, 2), "fc1.weight": module.cpb_mlp[0].weight,
            "fc1.bias": module.cpb_mlp[0].bias, "fc2.weight": module.cpb_mlp[-1].weight}


def folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what the two do."""
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    return convolution.weight * factor[:, None, None, None], norm.bias - norm.running_mean * factor


def res2net(generator: torch.Generator) -> dict[str, Tensor]:
    """A first block with stride 2 on a map of 7 x 5 pixels, (B, H, W, C)."""
    downsample = nn.Sequential(nn.Conv2d(6, 16, 1, stride=2, bias=False), nn.BatchNorm2d(16))
    block = redrawn(Bottle2neck(6, 4, stride=2, downsample=downsample, base_width=32, scale=4,
                                act_layer=nn.ReLU, norm_layer=nn.BatchNorm2d), generator)
    x = normal(generator, 2, 7, 5, 6)
    pairs = {"conv1": (block.conv1, block.bn1), "conv3": (block.conv3, block.bn3), "downsample": tuple(downsample),
             **{f"convs.{i}": pair for i, pair in enumerate(zip(block.convs, block.bns, strict=True))}}
    values = {"x": x, "output": block(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)}
    for name, pair in pairs.items():
        values[f"{name}.weight"], values[f"{name}.bias"] = folded(*pair)
    return values


def expanding(generator: torch.Generator) -> dict[str, Tensor]:
    """Patch expanding of a map of 2 x 3 tokens as a transposed convolution with a norm behind it."""
    x, weight, scale, bias = (normal(generator, *shape) for shape in ((2, 2, 3, 8), (16, 8), (4,), (4,)))
    kernel = weight.reshape(2, 2, 4, 8).permute(3, 2, 0, 1)
    y = functional.conv_transpose2d(x.permute(0, 3, 1, 2), kernel, stride=2).permute(0, 2, 3, 1)
    return {"x": x, "expand_weight": weight, "norm_weight": scale, "norm_bias": bias,
            "expanded": functional.layer_norm(y, (4,), scale, bias)}


def values() -> dict[str, np.ndarray]:
    """All of them, by name."""
    found = {}
    for make in (vit, positions, swin_v2, res2net, expanding):
        made = make(torch.Generator().manual_seed(SEED))
        for name, value in made.items():
            array = value.detach().contiguous().numpy()
            narrow = array.astype(np.float32)
            found[f"{make.__name__}/{name}"] = narrow if (narrow == array).all() else array
    return found


if __name__ == "__main__":
    np.savez_compressed(Path(sys.argv[1]), **values())
