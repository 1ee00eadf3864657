"""A Swin Transformer in the names of microsoft, timm, torchvision, transformers, mmdetection and mmpretrain."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.dialects.swin_buffers import INDEX
from swin_np.checkpoints.dialects.swin_config import depths_of, fit, fitting_config, shared_fields
from swin_np.checkpoints.dialects.swin_sizes import factors
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.checkpoints.reader import Reader, Translated, with_axes
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.shape_policy import MICROSOFT, MMDETECTION, TIMM, TORCHVISION, TRANSFORMERS, ShapePolicy
from swin_np.systems.registry import SWIN
from swin_np.variants import SwinConfig


def transformers_dialect(name: str, shape_policy: ShapePolicy, root: str,
                         inside: dict[str, tuple[str, ...]]) -> Dialect:
    """Hugging Face's model; its files on disk and its models in memory differ `inside` a block only."""
    block = "encoder.layers.{i}.blocks.{j}."
    return Dialect(name, shape_policy, (
        ("patch_embed.proj", ("embeddings.patch_embeddings.projection",)),
        ("patch_embed.norm", ("embeddings.norm",)),
        ("absolute_pos_embed", ("embeddings.position_embeddings",)),
        *(("layers.{i}.blocks.{j}." + name, tuple(block + part for part in parts)) for name, parts in inside.items()),
        ("layers.{i}.blocks.{j}.norm1", (block + "layernorm_before",)),
        ("layers.{i}.blocks.{j}.norm2", (block + "layernorm_after",)),
        ("layers.{i}.blocks.{j}", (block[:-1],)),
        ("layers.{i}.downsample", ("encoder.layers.{i}.downsample",)),
        ("layers.{i}", ("encoder.layers.{i}",)),
        ("norm", ("layernorm",)),
    ), root, (("head", ("classifier",)),), set_aside=(("embeddings.mask_token",), OF_MASKED_IMAGES))


OF_MASKED_IMAGES = "it stands for hidden patches in training"

OFFICIAL_PREFIXES = ("patch_embed", "absolute_pos_embed", "layers.{i}.blocks.{j}", "layers.{i}.downsample",
                     "layers.{i}", "norm", "head")

MMPRETRAIN = replace(TRANSFORMERS, name="mmpretrain")
"""A classifier of mmpretrain does not shift one window either; smaller maps, which no table is for, both refuse."""

DIALECTS = {dialect.name: dialect for dialect in (
    Dialect("microsoft", MICROSOFT, tuple((prefix, (prefix,)) for prefix in OFFICIAL_PREFIXES),
            buffers=("relative_position_index", "attn_mask"), set_aside=(("mask_token",), OF_MASKED_IMAGES),
            note="The names are those of microsoft's code and of timm before 0.9, which give the same model: "
                 "microsoft's was assumed."),
    Dialect("timm", TIMM, (
        ("patch_embed", ("patch_embed",)),
        ("layers.{i}.downsample", ("layers.{i+1}.downsample",)),
        ("layers.{i}.blocks.{j}", ("layers.{i}.blocks.{j}",)),
        ("norm", ("norm",)),
        ("head", ("head.fc",)),
    ), windows_by_stage=True),
    Dialect("torchvision", TORCHVISION, (
        ("patch_embed.proj", ("features.0.0",)),
        ("patch_embed.norm", ("features.0.2",)),
        ("patch_embed", ("features.0",)),
        ("layers.{i}.blocks.{j}.mlp.fc1", ("features.{2i+1}.{j}.mlp.0",)),
        ("layers.{i}.blocks.{j}.mlp.fc2", ("features.{2i+1}.{j}.mlp.3",)),
        ("layers.{i}.blocks.{j}", ("features.{2i+1}.{j}",)),
        ("layers.{i}.downsample", ("features.{2i+2}",)),
        ("norm", ("norm",)),
        ("head", ("head",)),
    ), buffers=("relative_position_index",), flat_index=True),
    transformers_dialect("transformers", TRANSFORMERS, "swin.", {
        "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        "attn.proj": ("attention.o_proj",),
        "attn.relative_position_bias_table": ("attention.relative_position_bias.relative_position_bias_table",),
        "attn.relative_position_index": ("attention.relative_position_bias.relative_position_index",),
        "attn": ("attention",),
        "mlp": ("mlp",),
    }),
    transformers_dialect("transformers-files", TRANSFORMERS, "swin.", {
        "attn.qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attn.proj": ("attention.output.dense",),
        "attn.relative_position_bias_table": ("attention.self.relative_position_bias_table",),
        "attn.relative_position_index": ("attention.self.relative_position_index",),
        "attn": ("attention",),
        "mlp.fc1": ("intermediate.dense",),
        "mlp.fc2": ("output.dense",),
    }),
    Dialect("mmdetection", MMDETECTION, (
        ("patch_embed.proj", ("patch_embed.projection",)),
        ("patch_embed.norm", ("patch_embed.norm",)),
        ("absolute_pos_embed", ("absolute_pos_embed",)),
        ("layers.{i}.blocks.{j}.attn", ("stages.{i}.blocks.{j}.attn.w_msa",)),
        ("layers.{i}.blocks.{j}.mlp.fc1", ("stages.{i}.blocks.{j}.ffn.layers.0.0",)),
        ("layers.{i}.blocks.{j}.mlp.fc2", ("stages.{i}.blocks.{j}.ffn.layers.1",)),
        ("layers.{i}.blocks.{j}", ("stages.{i}.blocks.{j}",)),
        ("layers.{i}.downsample", ("stages.{i}.downsample",)),
        ("norm", ("norm3",)),
    ), unfold_merging=True, buffers=("relative_position_index",),
        set_aside=(("norm0", "norm1", "norm2"), "norms of the maps that a detector takes from the first stages")),
)}

SWIN_DIALECTS = DIALECTS | {"mmpretrain": replace(
    DIALECTS["mmdetection"], name="mmpretrain", shape_policy=MMPRETRAIN, set_aside=((), ""),
    root="backbone.", outside=(("head", ("head.fc",)),))}
"""DIALECTS and mmpretrain's, which are mmdetection's names with a head; without one nothing tells the two apart."""

ANCHORS = ("layers.0.blocks.0.attn.qkv.weight", "layers.0.downsample.reduction.weight", "head.weight")
"""Official names whose spelling tells the dialects apart; the first is in every Swin Transformer."""

SWIN_V2_CR = (r"(^|\.)attn\.meta_mlp\.", "timm's swinv2_cr, which is another network than Swin V2 and not known here")

WITH_THE_SAME_BLOCKS = (
    SWIN_V2_CR,
    (r"^(deep_)?prompt_embeddings", "a Swin Transformer with learned prompts among its tokens"),
)
OTHERS = (
    *WITH_THE_SAME_BLOCKS,
    (r"(^|[./])residual_group\.|(^|[./])swin2sr\.", "a SwinIR, Swin2SR or HAT, which restores images"),
    (r"(^|[./])layers[1-4]\.0\.blocks\.", "the Swin of MONAI's SwinUNETR"),
    (r"(^|[./])features\.0\.0\.(norm1|attn)\.", "torchvision's swin3d, for videos"),
    (r"(^|\.)(logit_scale$|cpb_mlp\.|continuous_position_bias_mlp\.)",
     "a Swin Transformer V2 in names that are not known here"),
    (r"(^|\.)spatial_mlp\.", "a Swin-Mixer"),
    (r"(^|\.)(cls_token|class_token|dist_token)$", "a ViT or DeiT"),
    (r"^(resnet\.|module\.)?(layer[1-4]\.\d+\.conv1\.|encoder\.stages\.\d+\.layers\.\d+\.layer\.)",
     "a ResNet or one of its relatives"),
    (r"(^|\.)(dwconv|conv_dw|depthwise_conv)\.", "a ConvNeXt or another network with depthwise convolutions"),
)
"""(pattern of a name, the architecture that has such names)."""
READ = ("a Swin Transformer V2", "a Swin-Mixer", "a ViT or DeiT", "a ResNet or one of its relatives")
"""Those of them that are read, if their first block has a known name."""

KNOWN_SYSTEMS = ("a Swin Transformer, its V2, a Swin-Mixer, Transformer, ViT, DeiT, ResNet, ResNeXt or Res2Net, or a "
                 "UPerNet, U-Net or FPN on one of them")
"""What `load` reads, see finding.READERS."""

TABLE = "attn.relative_position_bias_table"


def check_is_none_of(others: Iterable[tuple[str, str]], tensors: State) -> None:
    """Raise CheckpointError for names of another architecture."""
    for pattern, architecture in others:
        if found := [name for name in tensors if re.search(pattern, name)]:
            advice = ("its first block has no known name, get the whole file" if architecture in READ
                      else f"give the file of {KNOWN_SYSTEMS}")
            raise CheckpointError(f"it seems to be {architecture}, as it has {listing(found[:3])}: {advice}")


def recognise(tensors: State, dialects: Mapping[str, Dialect] = SWIN_DIALECTS) -> tuple[Dialect, State, list[str]]:
    """(the dialect, the tensors that a model may need, sentences about what was assumed or set aside).

    Only the names are looked at. CheckpointError for names of another architecture.
    """
    check_is_none_of(WITH_THE_SAME_BLOCKS, tensors)
    try:
        found = recognise_by_names(
            tensors, dialects, ANCHORS, "its names are of no known Swin Transformer, it has {names}: "
            f"give the file of {KNOWN_SYSTEMS}, of a Swin Transformer in one of the dialects {{dialects}}")
    except CheckpointError:
        check_is_none_of(OTHERS, tensors)
        raise
    check_is_none_of(OTHERS, found[1])                 # what stands beside the model may be of any kind
    return found


def infer(found: Translated) -> SwinConfig:
    """The configuration, whose windows follow from the bias tables.

    Raises CheckpointError if nothing fits, or more than one answer does.
    """
    with_axes(found.state, "patch_embed.proj.weight", 4)
    tables = bias_tables(found, len(depths_of(found.state)))
    heads = {f"layers.{stage}.blocks.0.{TABLE}": table.shape[1] for stage, table in enumerate(tables)}
    fields = shared_fields(found, heads)
    fields["qkv_bias"] = "layers.0.blocks.0.attn.qkv.bias" in found.state
    return fitting_config(found, fields, [windows_of(len(table)) for table in tables])


def windows_of(rows: int) -> list[tuple[int, int]]:
    """The windows M x N whose bias table has so many rows, (2M-1)(2N-1)."""
    return [((m + 1) // 2, (n + 1) // 2) for m, n in factors(rows) if m % 2 and n % 2]


def bias_tables(found: Translated, stages: int) -> list[Array]:
    """The bias table of every stage's first block. Where there are none at all, zeros are put into the state."""
    state, num_heads = found.state, found.request.num_heads
    if not any(name.endswith(TABLE) for name in state):
        if num_heads is None:
            raise CheckpointError("it has no bias tables, and nothing else tells the number of heads: "
                                  "give num_heads=(...), one for each stage")
        for name in [name for name in state if name.endswith("attn.qkv.weight")]:
            block, stage = name.removesuffix("attn.qkv.weight"), int(name.split(".")[1])
            if block + INDEX not in found.buffers:
                raise CheckpointError(f"it has neither {block}{TABLE} nor {block}{INDEX}, and nothing else tells the "
                                      "window: add bias tables of zeros, ((2M-1)^2, heads) for window M")
            if stage >= len(num_heads):
                raise CheckpointError(f"it has {stages} stages, num_heads={tuple(num_heads)} is for {len(num_heads)}: "
                                      "give one number for each")
            tokens = math.isqrt(found.buffers[block + INDEX].size)       # M^2
            state[block + TABLE] = np.zeros(((2 * math.isqrt(tokens) - 1) ** 2, num_heads[stage]), np.float32)
        found.notes.append(Assumption("It has no bias tables: zeros were put in their place."))
    return [with_axes(state, f"layers.{stage}.blocks.0.{TABLE}", 2) for stage in range(stages)]


SWIN_READER = Reader(SWIN, "microsoft", (), ANCHORS[:1], SWIN_DIALECTS, infer, fit, recognise,
                     r"layers\.\d+\.blocks\.\d+\.(attn\.relative_position_index|attn_mask)")
