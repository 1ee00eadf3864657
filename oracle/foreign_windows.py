"""Mistakes of foreign ports in norms, patch merging, padding, shift and mask; see `oracle.foreign_causes`."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from oracle.foreign_cause import ODD_SIZE, cause, only_at
from oracle.foreign_port import Port

# --- norms


@cause("patch_embed", "eps", mistakes=("norm-eps-1e-3",), thread="keras-team/keras-hub#2298")
def eps_of_the_embedding(port: Port) -> None:
    only_at(port, "eps", "patch_embed.norm", lambda name: 1e-3)


@cause("norm", "eps", mistakes=("norm-eps-1e-3",))
def eps_of_the_last_norm(port: Port) -> None:
    only_at(port, "eps", "norm", lambda name: 1e-3)


@cause("patch_embed", r"1 \+|\+ 1|plus 1|1 is added|added to (the|its) weight", in_weights=True)
def gamma_plus_one(port: Port) -> None:
    for name in [name for name in port.w if "norm" in name and name.endswith("weight")]:
        port.w[name] = port.w[name] + 1


@cause("layers.0.blocks.1.norm1", r"weight and bias.*exchanged|bias.*place of.*weight|exchanged.*weight and bias",
       in_weights=True)
def norm_weight_and_bias_exchanged(port: Port) -> None:
    name = "layers.0.blocks.1.norm1"
    port.w[f"{name}.weight"], port.w[f"{name}.bias"] = port.w[f"{name}.bias"], port.w[f"{name}.weight"]


@cause("layers.1.blocks.0.norm1", r"norm2", in_weights=True)
def norm1_with_the_weights_of_norm2(port: Port) -> None:
    for kind in ("weight", "bias"):
        port.w[f"layers.1.blocks.0.norm1.{kind}"] = port.w[f"layers.1.blocks.0.norm2.{kind}"]


@cause("layers.0.blocks.0.norm2", r"bias.*(left out|lost|missing|zero)", in_weights=True)
def norm_bias_lost(port: Port) -> None:
    port.w["layers.0.blocks.0.norm2.bias"].zero_()


# --- patch merging


@cause("layers.0.downsample", "Unfold", mistakes=("merge-unfold",),
       thread="open-mmlab/mmsegmentation#2350")
def merging_by_unfold(port: Port) -> None:
    port.gather = lambda x: F.unfold(x.permute(0, 3, 1, 2), 2, stride=2).mT.unflatten(1, (x.shape[1] // 2, -1))


@cause("layers.0.downsample", "row by row", mistakes=("merge-row-major",))
def merging_by_space_to_depth(port: Port) -> None:
    port.gather = lambda x: x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).transpose(2, 3).flatten(3)


@cause("layers.1.downsample", r"merg.*(top|left)|(top|left).*merg|pad.*(top|left)", image_size=ODD_SIZE,
       thread="huggingface/pytorch-image-models#2285")
def merging_pads_at_the_top_left(port: Port) -> None:
    right = port.pad
    port.pad = lambda x, m: F.pad(x, (0, 0, x.shape[2] % 2, 0, x.shape[1] % 2, 0)) if m == 2 else right(x, m)


def replicated(x: Tensor, m: int) -> Tensor:
    """The map (B, h, w, C) with its last row and column repeated up to a multiple of m."""
    rows = torch.arange(x.shape[1] + -x.shape[1] % m).clamp(max=x.shape[1] - 1)
    columns = torch.arange(x.shape[2] + -x.shape[2] % m).clamp(max=x.shape[2] - 1)
    return x[:, rows][:, :, columns]


@cause("layers.1.downsample", r"replicat|repeat|edge", image_size=ODD_SIZE)
def merging_repeats_the_edge(port: Port) -> None:
    right = port.pad
    port.pad = lambda x, m: replicated(x, m) if m == 2 else right(x, m)


# --- windows, padding and mask


@cause("layers.0.blocks.0.attn", "regular|do not shift", mistakes=("mask-on-regular-windows",),
       thread="JingyunLiang/SwinIR#153")
def mask_on_unshifted_blocks(port: Port) -> None:
    right = port.mask
    port.mask = lambda name, batch, size, shift: right(name, batch, size, (2, 2))


@cause("layers.2.blocks.1.attn", "single window", mistakes=("shift-of-a-single-window",),
       thread="huggingface/transformers#20792")
def shift_where_one_window_covers_the_map(port: Port) -> None:
    port.shift = lambda name, size: (2, 2) if name.endswith("1") else (0, 0)


@cause("layers.0.blocks.1.attn", r"pad\w* (only )?after|roll then pad|after the roll", image_size=(52, 60),
       thread="huggingface/pytorch-image-models#2438")
def padding_after_the_roll(port: Port) -> None:
    roll_then(port, port.pad)


def roll_then(port: Port, pad: Callable[[Tensor, int], Tensor]) -> None:
    """Roll the map before it is padded, and roll it back after it was cut."""
    right_attend = port.attend

    def attend(name: str, x: Tensor) -> Tensor:
        size = tuple(x.shape[1:3])
        shift = down, right = port.shift(name, size)
        right_mask, right_shift = port.mask, port.shift
        port.shift = lambda name, size: (0, 0)
        port.mask = lambda name, batch, padded, none: right_mask(name, batch, padded, shift)
        try:
            y = right_attend(name, x.roll((-down, -right), (1, 2))).roll((down, right), (1, 2))
            return port.keep(f"{name}.attn.rolled_back", y)
        finally:
            port.shift, port.mask = right_shift, right_mask

    port.attend = attend


@cause("layers.1.blocks.0.attn", r"cent(re|er)|both sides|half.*(top|side)")
def padding_centred(port: Port) -> None:
    right_pad, right_crop = port.pad, port.crop

    def pad(x: Tensor, m: int) -> Tensor:
        down, across = -x.shape[1] % m, -x.shape[2] % m
        return F.pad(x, (0, 0, across // 2, across - across // 2, down // 2, down - down // 2))

    port.pad = lambda x, m: right_pad(x, m) if m == 2 else pad(x, m)
    port.crop = lambda x, size: right_crop(x[:, (-size[0] % 4) // 2:, (-size[1] % 4) // 2:], size)


@cause("layers.1.blocks.0.attn", r"before the (first )?norm|bias of (the|its) norm")
def padding_before_the_norm(port: Port) -> None:
    right_attend, right_pad, at = port.attend, port.pad, []

    def attend(name: str, x: Tensor) -> Tensor:
        at[:] = [port.w[f"{name}.norm1.bias"]]
        return right_attend(name, x)

    def pad(x: Tensor, m: int) -> Tensor:
        if m == 2:
            return right_pad(x, m)
        inside = right_pad(torch.ones_like(x[..., :1]), m) > 0
        return torch.where(inside, right_pad(x, m), at[0])

    port.attend, port.pad = attend, pad


@cause("layers.1.blocks.0.attn", r"replicat|repeat|edge")
def padding_replicated(port: Port) -> None:
    right = port.pad
    port.pad = lambda x, m: right(x, m) if m == 2 else replicated(x, m)


@cause("layers.1.blocks.0.attn", r"pad.*mask|mask.*pad")
def padding_masked(port: Port) -> None:
    right, size_of_stage = port.mask, {"0": (12, 16), "1": (6, 8), "2": (3, 4)}

    def mask(name: str, batch: int, size: tuple[int, int], shift: tuple[int, int]) -> Tensor:
        real = port.pad(torch.ones(1, *size_of_stage[name.split(".")[1]], 1), 4)
        real = real.roll((-shift[0], -shift[1]), (1, 2))[0, ..., 0].unfold(0, 4, 4).unfold(1, 4, 4).reshape(-1, 16)
        keys = ((1 - real) * -100.0)[:, None, None].repeat(batch, 1, 16, 1)
        own = right(name, batch, size, shift)
        return keys if own is None else own + keys

    port.mask = mask


@cause("layers.0.blocks.1.attn", r"mask.*(image|batch)|images? \d.*mask",
       thread="microsoft/Swin-Transformer#89")
def mask_of_the_first_image_only(port: Port) -> None:
    right = port.mask

    def mask(name: str, batch: int, *sizes: tuple[int, int]) -> Tensor | None:
        found = right(name, batch, *sizes)
        return found if found is None else torch.cat([found[:len(found) // batch],
                                                      torch.zeros_like(found[len(found) // batch:])])

    port.mask = mask


@cause("layers.0.blocks.1.attn", r"one axis|rows only|only (the )?rows|columns (are|is) not|0 columns|\(2, 0\)")
def shift_along_the_rows_only(port: Port) -> None:
    right = port.shift
    port.shift = lambda name, size: (right(name, size)[0], 0)


@cause("layers.0.blocks.1.attn", r"\(1, 1\)|shift.*\b1\b|by 1")
def shift_by_one(port: Port) -> None:
    right = port.shift
    port.shift = lambda name, size: tuple(min(by, 1) for by in right(name, size))
