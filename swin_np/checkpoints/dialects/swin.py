"""The dialects: how each public implementation names the parameters of a model, first of all a Swin Transformer.

The official names (microsoft/Swin-Transformer) are the ones this package uses, so each table maps official names to
those of a dialect. Both sides are prefixes; the rest of a name (`.weight`, `.bias`, ...) stays. The numbers of stage
and block are {i} and {j}, and a dialect may count otherwise: {2i+1}, {i+1}.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from swin_np.checkpoints.unwrapping import listing
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT, MMDETECTION, TIMM, TORCHVISION, TRANSFORMERS, ShapePolicy

State = dict[str, Array]

COUNT = re.compile(r"\{(\d*)([ij])(?:\+(\d+))?\}")     # {j}, {i+1}, {2i+1}: factor, letter, offset


@dataclass(frozen=True)
class Dialect:
    """How one implementation names the parameters of a model, and in what else it differs from the others.

    shape_policy: of a Swin Transformer; None for a system that has none.
    names: (official prefix, dialect prefixes); the first that fits counts. Several dialect prefixes share the official
        parameter in equal parts along its first axis (q, k and v apart in place of qkv).
    unfold_merging: patch merging by Unfold: channel by channel, then row by row, in place of `patch_merging`'s order.
    fused_bias: Swin V2's biases of queries and values are stored as one `qkv.bias`, whose third for the keys is unused.
    buffers: endings of the derived buffers that the implementation stores.
    flat_index: `relative_position_index` is stored as one long row.
    set_aside: (names, why), for parameters that a classifier has no use for.
    eps: of the layer norms, which no file holds.
    """

    name: str
    shape_policy: ShapePolicy | None
    names: tuple[tuple[str, tuple[str, ...]], ...]
    unfold_merging: bool = False
    fused_bias: bool = False
    buffers: tuple[str, ...] = ()
    flat_index: bool = False
    set_aside: tuple[tuple[str, ...], str] = ((), "")
    eps: float = 1e-5

    def from_official(self, name: str) -> tuple[str, ...] | None:
        """This dialect's name, or names where the parameter is split; None if it has no place for it."""
        for official, ours in self.names:
            if (numbers := match(official, name)) is not None:
                return tuple(render(prefix, numbers) for prefix in ours)
        return None

    def to_official(self, name: str) -> tuple[str, int, int] | None:
        """(official name, which part of it, out of how many parts), or None for a name that is not of this dialect."""
        for official, ours in self.names:
            for part, prefix in enumerate(ours):
                if (numbers := match(prefix, name)) is not None:
                    return render(official, numbers), part, len(ours)
        return None


def match(prefix: str, name: str) -> dict[str, int | str] | None:
    """The stage i, block j and rest of a name that begins with `prefix`, or None."""
    pattern = "".join(r"(\d+)" if k % 4 else re.escape(text) for k, text in enumerate(COUNT.split(prefix))
                      if k % 4 in (0, 1))
    found = re.fullmatch(pattern + r"(|\..*)", name)
    if not found:
        return None
    values: dict[str, int | str] = {"rest": found.groups()[-1]}
    for (factor, letter, offset), digits in zip(COUNT.findall(prefix), found.groups(), strict=False):
        number, remainder = divmod(int(digits) - int(offset or 0), int(factor or 1))
        if number < 0 or remainder:
            return None
        values[letter] = number
    return values


def render(prefix: str, values: dict[str, int | str]) -> str:
    """The name of `prefix` with the numbers and the rest that `match` found."""
    def number(found: re.Match) -> str:
        factor, letter, offset = found.groups()
        return str(int(factor or 1) * int(values[letter]) + int(offset or 0))
    return COUNT.sub(number, prefix) + str(values["rest"])


def transformers_names(root: str, attention: dict[str, tuple[str, ...]],
                       mlp: dict[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The table of Hugging Face's model; its files on disk and its models in memory differ inside a block only."""
    block = root + "encoder.layers.{i}.blocks.{j}."
    return (
        ("patch_embed.proj", (root + "embeddings.patch_embeddings.projection",)),
        ("patch_embed.norm", (root + "embeddings.norm",)),
        ("absolute_pos_embed", (root + "embeddings.position_embeddings",)),
        *(("layers.{i}.blocks.{j}." + name, tuple(block + part for part in parts))
          for name, parts in attention.items()),
        *(("layers.{i}.blocks.{j}." + name, (block + part,)) for name, part in mlp.items()),
        ("layers.{i}.blocks.{j}.norm1", (block + "layernorm_before",)),
        ("layers.{i}.blocks.{j}.norm2", (block + "layernorm_after",)),
        ("layers.{i}.blocks.{j}", (block[:-1],)),
        ("layers.{i}.downsample", (root + "encoder.layers.{i}.downsample",)),
        ("layers.{i}", (root + "encoder.layers.{i}",)),
        ("norm", (root + "layernorm",)),
        ("head", ("classifier",)),
    )


OFFICIAL_PREFIXES = ("patch_embed", "absolute_pos_embed", "layers.{i}.blocks.{j}", "layers.{i}.downsample",
                     "layers.{i}", "norm", "head")

MMPRETRAIN = replace(TRANSFORMERS, name="mmpretrain")
"""A classifier of mmpretrain does not shift one window either; smaller maps, which no table is for, both refuse."""

DIALECTS = {dialect.name: dialect for dialect in (
    Dialect("microsoft", MICROSOFT, tuple((prefix, (prefix,)) for prefix in OFFICIAL_PREFIXES),
            buffers=("relative_position_index", "attn_mask")),
    Dialect("timm", TIMM, (
        ("patch_embed", ("patch_embed",)),
        ("layers.{i}.downsample", ("layers.{i+1}.downsample",)),
        ("layers.{i}.blocks.{j}", ("layers.{i}.blocks.{j}",)),
        ("norm", ("norm",)),
        ("head", ("head.fc",)),
    )),
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
    Dialect("transformers", TRANSFORMERS, transformers_names("swin.", {
        "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        "attn.proj": ("attention.o_proj",),
        "attn.relative_position_bias_table": ("attention.relative_position_bias.relative_position_bias_table",),
        "attn.relative_position_index": ("attention.relative_position_bias.relative_position_index",),
        "attn": ("attention",),
    }, {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2", "mlp": "mlp"})),
    Dialect("transformers-files", TRANSFORMERS, transformers_names("swin.", {
        "attn.qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attn.proj": ("attention.output.dense",),
        "attn.relative_position_bias_table": ("attention.self.relative_position_bias_table",),
        "attn.relative_position_index": ("attention.self.relative_position_index",),
        "attn": ("attention",),
    }, {"mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense"})),
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
    names=(*DIALECTS["mmdetection"].names, ("head", ("head.fc",))))}
"""DIALECTS and mmpretrain's, which are mmdetection's names with a head; without one nothing tells the two apart."""

ANCHORS = ("layers.0.blocks.0.attn.qkv.weight", "layers.0.downsample.reduction.weight", "head.weight")
"""Official names whose spelling tells the dialects apart; the first is in every Swin Transformer."""

MICROSOFT_OR_TIMM = ("The names are those of microsoft's code and of timm before 0.9, which give the same model: "
                     "microsoft's was assumed.")

BARE = "embeddings.patch_embeddings.projection.weight"             # of transformers' SwinModel, without a classifier

OTHERS = (
    (r"(^|\.)(logit_scale$|cpb_mlp\.|continuous_position_bias_mlp\.)", "a Swin Transformer V2"),
    (r"(^|\.)spatial_mlp\.", "a Swin-Mixer"),
    (r"(^|\.)(cls_token|class_token|dist_token)$", "a ViT or DeiT"),
    (r"^(resnet\.|module\.)?(layer[1-4]\.\d+\.conv1\.|encoder\.stages\.\d+\.layers\.\d+\.layer\.)",
     "a ResNet or one of its relatives"),
    (r"(^|\.)(dwconv|conv_dw|depthwise_conv)\.", "a ConvNeXt or another convolutional network"),
)
"""(pattern of a name, the architecture that has such names)."""

KNOWN_SYSTEMS = ("a Swin Transformer, its V2, a Swin-Mixer, Transformer, ViT, DeiT, ResNet, ResNeXt or Res2Net, or a "
                 "UPerNet, U-Net or FPN on one of them")
"""What `load` reads, see loading.SYSTEMS."""


def recognise(tensors: State) -> tuple[Dialect, State, list[str]]:
    """(the dialect, the tensors that a model may need, sentences about what was assumed or set aside).

    Only the names are looked at. CheckpointError for names of another architecture.
    """
    notes = []
    for pattern, architecture in OTHERS:
        if found := [name for name in tensors if re.search(pattern, name)]:
            raise CheckpointError(f"it seems to be {architecture}, as it has {listing(found[:3])}: "
                                  f"give the file of {KNOWN_SYSTEMS}")
    if BARE in tensors:
        tensors = {f"swin.{name}": value for name, value in tensors.items()}
        notes.append("The names have no prefix 'swin.': the file is of transformers' model without a classifier.")

    dialect = best_dialect(tensors, SWIN_DIALECTS, ANCHORS)
    if dialect is None:
        raise CheckpointError(f"its names are of no known Swin Transformer, it has {listing(list(tensors))}: give "
                              f"the file of {KNOWN_SYSTEMS}, of a Swin Transformer in one of the dialects "
                              f"{', '.join(SWIN_DIALECTS)}")
    if dialect.name == "microsoft":
        notes.append(MICROSOFT_OR_TIMM)
    return dialect, without_set_aside(tensors, dialect, notes), notes


def best_dialect(tensors: State, dialects: dict[str, Dialect], anchors: tuple[str, ...]) -> Dialect | None:
    """The dialect in whose spelling most of the official names `anchors` are there; None if the first is in none."""
    def found(dialect: Dialect) -> int:
        there = [all(name in tensors for name in dialect.from_official(anchor) or ("",)) for anchor in anchors]
        return sum(there) if there[0] else 0

    dialect = max(dialects.values(), key=found)        # the first of those with the most
    return dialect if found(dialect) else None


def without_set_aside(tensors: State, dialect: Dialect, notes: list[str]) -> State:
    """The tensors that a model may need; the others are named in `notes`."""
    prefixes, reason = dialect.set_aside
    if aside := [name for name in tensors if any(match(prefix, name) is not None for prefix in prefixes)]:
        notes.append(f"Set aside {listing(aside)}: {reason}.")
    return {name: value for name, value in tensors.items() if name not in aside}


def derived_buffers(model: SwinTransformer, dialect: Dialect) -> State:
    """The derived buffers that this dialect stores, in official names and in the dialect's shape."""
    return {name: value.ravel() if dialect.flat_index and name.endswith("relative_position_index") else value
            for name, value in model.derived_buffers().items() if name.endswith(dialect.buffers)}


def reorder_merging(state: State, function: Callable[[Array], Array]) -> State:
    """The state with `function` applied to the last axis, 4C, of what patch merging has."""
    for name, value in state.items():
        if ".downsample." in name and (not value.ndim or value.shape[-1] % 4):
            raise CheckpointError(f"{name} has shape {value.shape}, and its last axis must be a multiple of 4: "
                                  "the file is damaged, get it again")
    return {name: function(value) if ".downsample." in name else value for name, value in state.items()}


def unfold_to_official(value: Array) -> Array:
    """Re-order the last axis, 4C, from (C, row, column), as Unfold gathers, to `patch_merging`'s (column, row, C)."""
    *outer, inner = value.shape
    return np.moveaxis(value.reshape(*outer, inner // 4, 2, 2), -3, -1).swapaxes(-2, -3).reshape(value.shape)


def official_to_unfold(value: Array) -> Array:
    """The inverse of `unfold_to_official`."""
    *outer, inner = value.shape
    return np.moveaxis(value.reshape(*outer, 2, 2, inner // 4), -1, -3).swapaxes(-1, -2).reshape(value.shape)


def split_biases(state: State) -> State:
    """The state with q_bias and v_bias, (C,) each, in the place of every qkv.bias (3C,); the keys' third is dropped."""
    result: State = {}
    for name, value in state.items():
        if not name.endswith("attn.qkv.bias"):
            result[name] = value
            continue
        of_queries, of_values = (name.replace("qkv.bias", bias) for bias in ("q_bias", "v_bias"))
        if value.ndim != 1 or value.size % 3 or of_queries in state or of_values in state:
            raise CheckpointError(f"{name} has shape {value.shape}, and three biases of one length were expected that "
                                  "nothing else repeats: the file is damaged, get it again")
        result[of_queries], _, result[of_values] = np.split(value, 3)
    return result


def fuse_biases(state: State) -> State:
    """The inverse of `split_biases`; the keys' third is 0."""
    result = {name: value for name, value in state.items() if not name.endswith(("attn.q_bias", "attn.v_bias"))}
    for name, value in state.items():
        if name.endswith("attn.q_bias"):
            of_values = state[name.replace("q_bias", "v_bias")]
            result[name.replace("q_bias", "qkv.bias")] = np.concatenate([value, np.zeros_like(value), of_values])
    return result


def to_official(state: State, dialect: Dialect) -> State:
    """A state dict with this dialect's names, in official names and order of channels.

    A name that the dialect does not know stays as it is, so that loading can say that it was unexpected. Raises
    CheckpointError if only some of the parts of a parameter are there (a query without its key), or if
    two names mean the same parameter.
    """
    parts: dict[str, list[Array | None]] = {}
    for name, value in state.items():
        target, part, count = dialect.to_official(name) or (name, 0, 1)
        values = parts.setdefault(target, [None] * count)
        if len(values) != count or values[part] is not None:
            raise CheckpointError(f"{name} is there in two spellings: rename or remove one of the two")
        values[part] = value
    official: State = {}
    for name, values in parts.items():
        found = ["missing" if value is None else f"{value.dtype} {value.shape}" for value in values]
        if len(values) > 1 and (len(set(found)) > 1 or values[0].ndim == 0):
            raise CheckpointError(f"{', '.join(dialect.from_official(name))} must all be there and of one dtype and "
                                  f"shape, and they are {', '.join(found)}: get the whole file")
        official[name] = values[0] if len(values) == 1 else np.concatenate(values)
    if dialect.fused_bias:
        official = split_biases(official)
    return reorder_merging(official, unfold_to_official) if dialect.unfold_merging else official


def from_official(state: State, dialect: Dialect) -> State:
    """The inverse of `to_official`; CheckpointError for parameters that the dialect has no place for."""
    homeless = [name for name in state if dialect.from_official(name) is None]
    if homeless:
        raise CheckpointError(f"the dialect {dialect.name} has no place for {', '.join(homeless)}: "
                              "build the model without them, or choose another dialect")
    if dialect.fused_bias:
        state = fuse_biases(state)
    result: State = {}
    for name, value in (reorder_merging(state, official_to_unfold) if dialect.unfold_merging else state).items():
        names = dialect.from_official(name)
        result.update(zip(names, np.split(value, len(names)), strict=True))
    return result
