"""The dialects: how each public implementation names the parameters of a Swin Transformer.

The official names (microsoft/Swin-Transformer) are the ones this package uses, so each table maps official names to
those of a dialect. Both sides are prefixes; the rest of a name (`.weight`, `.bias`, ...) stays. The numbers of stage
and block are {i} and {j}, and a dialect may count otherwise: {2i+1}, {i+1}.
"""

import re
from dataclasses import dataclass

import numpy as np

from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.shape_policy import MICROSOFT, MMDETECTION, TIMM, TORCHVISION, TRANSFORMERS, ShapePolicy

State = dict[str, Array]

COUNT = re.compile(r"\{(\d*)([ij])(?:\+(\d+))?\}")     # {j}, {i+1}, {2i+1}: factor, letter, offset


@dataclass(frozen=True)
class Dialect:
    """One implementation's names, its shape policy, and the order in which it gathers the 2x2 neighbours.

    names: (official prefix, dialect prefixes); the first that fits counts. Several dialect prefixes share the official
        parameter in equal parts along its first axis (q, k and v apart in place of qkv).
    unfold_merging: patch merging by Unfold: channel by channel, then row by row, in place of `patch_merging`'s order.
    buffers: endings of the derived buffers that the implementation stores.
    """

    name: str
    shape_policy: ShapePolicy
    names: tuple[tuple[str, tuple[str, ...]], ...]
    unfold_merging: bool = False
    buffers: tuple[str, ...] = ()

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
    ), buffers=("relative_position_index",)),
    Dialect("transformers", TRANSFORMERS, transformers_names("swin.", {
        "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        "attn.proj": ("attention.o_proj",),
        "attn.relative_position_bias_table": ("attention.relative_position_bias.relative_position_bias_table",),
        "attn": ("attention",),
    }, {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2", "mlp": "mlp"})),
    Dialect("transformers-files", TRANSFORMERS, transformers_names("swin.", {
        "attn.qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attn.proj": ("attention.output.dense",),
        "attn.relative_position_bias_table": ("attention.self.relative_position_bias_table",),
        "attn": ("attention",),
    }, {"mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense"}), buffers=("relative_position_index",)),
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
    ), unfold_merging=True, buffers=("relative_position_index",)),
)}


def unfold_to_official(value: Array) -> Array:
    """Re-order the last axis, 4C, from (C, row, column), as Unfold gathers, to `patch_merging`'s (column, row, C)."""
    return np.moveaxis(value.reshape(*value.shape[:-1], -1, 2, 2), -3, -1).swapaxes(-2, -3).reshape(value.shape)


def official_to_unfold(value: Array) -> Array:
    """The inverse of `unfold_to_official`."""
    return np.moveaxis(value.reshape(*value.shape[:-1], 2, 2, -1), -1, -3).swapaxes(-1, -2).reshape(value.shape)


def to_official(state: State, dialect: Dialect) -> State:
    """A state dict with this dialect's names, in official names and order of channels.

    A name that the dialect does not know stays as it is, so that loading can say that it was unexpected. Raises
    CheckpointError if only some of the parts of a parameter are there (a query without its key).
    """
    official: State = {}
    parts: dict[str, list[Array | None]] = {}
    for name, value in state.items():
        target, part, count = dialect.to_official(name) or (name, 0, 1)
        parts.setdefault(target, [None] * count)[part] = value
    for name, values in parts.items():
        if any(value is None for value in values):
            raise CheckpointError(f"only some of {', '.join(dialect.from_official(name))} are in the checkpoint: "
                                  "all of them are needed, get the whole file")
        official[name] = values[0] if len(values) == 1 else np.concatenate(values)
        if dialect.unfold_merging and ".downsample." in name:
            official[name] = unfold_to_official(official[name])
    return official


def from_official(state: State, dialect: Dialect) -> State:
    """The inverse of `to_official`; CheckpointError for parameters that the dialect has no place for."""
    homeless = [name for name in state if dialect.from_official(name) is None]
    if homeless:
        raise CheckpointError(f"the dialect {dialect.name} has no place for {', '.join(homeless)}: "
                              "build the model without them, or choose another dialect")
    result: State = {}
    for name, value in state.items():
        if dialect.unfold_merging and ".downsample." in name:
            value = official_to_unfold(value)
        names = dialect.from_official(name)
        result.update(zip(names, np.split(value, len(names)), strict=True))
    return result
