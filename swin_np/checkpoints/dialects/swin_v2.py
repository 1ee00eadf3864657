"""Swin Transformer V2 in the names of microsoft, timm, torchvision and transformers.

No parameter has the window's shape. The coordinates that microsoft and torchvision store tell it, and the window of the
first training; of other files config.json tells both, or they are asked for.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from swin_np.baselines.swin_v2 import BORDER, SwinV2Config
from swin_np.checkpoints.dialects import swin_config
from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.dialects.swin import (
    ANCHORS,
    DIALECTS,
    WITH_THE_SAME_BLOCKS,
    check_is_none_of,
    transformers_dialect,
)
from swin_np.checkpoints.dialects.swin_buffers import COORDINATES, INDEX
from swin_np.checkpoints.dialects.swin_config import depths_of, fitting_config, shared_fields
from swin_np.checkpoints.reader import Reader, Request, Translated, with_axes
from swin_np.errors import CheckpointError
from swin_np.functional import Array, pair
from swin_np.shape_policy import TRANSFORMERS
from swin_np.systems.registry import SWIN_V2

NEAREST, FARTHEST = 1e-3, 10.0                         # bounds of the last coordinate of any table that can be

V2_IN_TRANSFORMERS = replace(TRANSFORMERS, image="fixed", table="clamped")
"""transformers clamps a V2's windows when the model is built, for the configured image size, and not in each pass."""

SWIN_V2_DIALECTS = {dialect.name: dialect for dialect in (
    replace(DIALECTS["microsoft"], buffers=("relative_position_index", "relative_coords_table", "attn_mask")),
    DIALECTS["timm"],
    replace(DIALECTS["torchvision"], buffers=("relative_position_index", "relative_coords_table"), fused_bias=True),
    transformers_dialect("transformers", V2_IN_TRANSFORMERS, "swinv2.", {
        "attn.qkv.weight": ("attention.self.query.weight", "attention.self.key.weight", "attention.self.value.weight"),
        "attn.q_bias": ("attention.self.query.bias",),
        "attn.v_bias": ("attention.self.value.bias",),
        "attn.logit_scale": ("attention.self.logit_scale",),
        "attn.cpb_mlp": ("attention.self.continuous_position_bias_mlp",),
        "attn.proj": ("attention.output.dense",),
        "attn": ("attention",),
        "mlp.fc1": ("intermediate.dense",),
        "mlp.fc2": ("output.dense",),
    }),
)}


def stored_window(buffers: State, block: str) -> tuple[int, int] | None:
    """The window of a block, by its coordinates or else by its index, which is taken to be of a square one."""
    if block + COORDINATES in buffers:
        _, rows, columns, _ = with_axes(buffers, block + COORDINATES, 4).shape            # (1, 2M-1, 2M-1, 2)
        return (rows + 1) // 2, (columns + 1) // 2
    if block + INDEX in buffers:
        return pair(math.isqrt(math.isqrt(buffers[block + INDEX].size)))                  # of M^2 x M^2 elements
    return None


def pretrained_window(coordinates: Array) -> int:
    """P of a table (1, 2M-1, 2M-1, 2), or 0 where it is the window itself.

    The last coordinate is log8(1 + 8 (M - 1) / (P - 1)); of an oblong window the longer side tells most.
    """
    window = [(side + 1) // 2 for side in coordinates.shape[1:3]]
    sizes = []                                         # P by each side of the window
    for side, farthest in zip(window, coordinates[0, -1, -1].tolist(), strict=False):
        if side > 1 and NEAREST < farthest < FARTHEST:      # a single token tells nothing, nor does a damaged table
            sizes.append(1 + round(BORDER * (side - 1) / (BORDER ** farthest - 1)))
        else:
            sizes.append(side)
    size = sizes[window.index(max(window))] if sizes != window else 0
    return size if size > 1 else 0


def check_answered(wanted: Request, stored: bool, coordinates: bool, sized: bool) -> None:
    """Raise CheckpointError, with what to give, unless file and request tell all on which the numbers depend.

    stored: whether the file tells the window. coordinates: also that of the first training. sized: the image size.
    """
    questions = (("the window", "window_size", stored), ("the image size", "image_size", sized),
                 ("the windows of the first training", "pretrained_window_sizes", coordinates))
    if asked := [(what, name) for what, name, told in questions if not told and getattr(wanted, name) is None]:
        options = ", ".join(f"--{name.replace('_', '-')}" for _, name in asked)
        raise CheckpointError(
            f"nothing in it tells {listed([what for what, _ in asked])}, on which the numbers of a Swin Transformer V2 "
            f"depend: give {listed([name for _, name in asked])} ({options}), which the names of the published files "
            "tell, window12to16_192to256 being window 16, images of 256 and pretrained windows 12 12 12 6, or 0 where "
            "the window was never changed")


def listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def infer(found: Translated) -> SwinV2Config:
    """The configuration; CheckpointError if nothing fits, or a question is left open."""
    state, buffers, wanted = found.state, found.buffers, found.request
    blocks = [f"layers.{stage}.blocks.0." for stage in range(len(depths_of(state)))]
    scales = [f"{block}attn.logit_scale" for block in blocks]           # (heads, 1, 1)
    fields = shared_fields(found, {name: len(with_axes(state, name, 3)) for name in scales})
    stored = [stored_window(buffers, block) for block in blocks]
    known = any(stored)
    coordinates = [buffers.get(block + COORDINATES) for block in blocks]
    complete = all(table is not None for table in coordinates)
    check_answered(wanted, known, complete, known or "absolute_pos_embed" in state)
    pretrained = wanted.pretrained_window_sizes
    if pretrained is None:
        pretrained = tuple(map(pretrained_window, coordinates))
    elif len(pretrained) == 1:                         # of all stages
        pretrained = pretrained * len(blocks)
    fields["qkv_bias"] = "layers.0.blocks.0.attn.q_bias" in state
    fields["pretrained_window_sizes"] = pretrained if any(pretrained) else ()
    config = fitting_config(found, fields, [[window] if window else [] for window in stored])
    if found.dialect.shape_policy is V2_IN_TRANSFORMERS:
        check_windows_in_transformers(config)
    return config


def check_windows_in_transformers(config: SwinV2Config) -> None:
    """Raise CheckpointError where transformers, which floors maps and looks at their height alone, has other windows.

    There, on odd maps and on maps whose height and width are not both above the window, no shape policy gives its
    numbers.
    """
    for stage, size in enumerate(config.map_sizes()):
        m, n = config.window(stage)
        height = config.img_size[0] // config.patch_size[0] // 2**stage
        theirs = min(height, m), height > m            # and whether it shifts
        window, shift = config.shape_policy.window_and_shift(size, (m, n), (m // 2, n // 2))
        if (*window, any(shift)) != (theirs[0], theirs[0], theirs[1] and max(m, n) > 1):
            raise CheckpointError(
                f"transformers would have windows of {theirs[0]}x{theirs[0]} in stage {stage + 1}, on a map of "
                f"{size[0]}x{size[1]}, where its paper has another window or shift: give an image_size for which the "
                "height and width of every map are multiples of the window")


def fit(config: SwinV2Config, found: Translated) -> State:
    """The parameters for a model of this configuration: only a position embedding has a size that depends on it."""
    wanted = found.request
    if not any(name.endswith((COORDINATES, INDEX)) for name in found.buffers):
        wanted = replace(wanted, window_size=wanted.window_size or config.window_size)
    if not any(name.endswith(COORDINATES) for name in found.buffers):
        wanted = replace(wanted, pretrained_window_sizes=wanted.pretrained_window_sizes
                         or config.pretrained_window_sizes or (0,))
    return swin_config.fit(config, replace(found, request=wanted))


def recognise(tensors: State, dialects: Mapping[str, Dialect] = SWIN_V2_DIALECTS) -> tuple[Dialect, State, list[str]]:
    """As the first version's; CheckpointError for a network that has the scale of cosine attention as well."""
    check_is_none_of(WITH_THE_SAME_BLOCKS, tensors)
    return recognise_by_names(
        tensors, dialects, ANCHORS, "it has a scale for cosine attention and no first block of a "
        "Swin Transformer V2 that is known: give a file in one of the dialects {dialects}")


SWIN_V2_READER = Reader(
    SWIN_V2, "microsoft",
    (r"^(layers|features|encoder\.layers)[._]\d+\.(blocks\.)?\d+\.(attn|attention\.self)\.logit_scale$",),
    ("layers.0.blocks.0.attn.logit_scale",), SWIN_V2_DIALECTS, infer, fit, recognise,
    r"layers\.\d+\.blocks\.\d+\.(attn\.relative_(position_index|coords_table)|attn_mask)")
