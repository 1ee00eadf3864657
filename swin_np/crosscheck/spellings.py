"""The points of each architecture in the names of the libraries: those of the checkpoints' dialects, and some more."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.dense import OWN_DIALECTS, SWIN_BACKBONES, UPERNET_DIALECTS, UPERNET_V2_DIALECTS
from swin_np.checkpoints.dialects.dense import V2_BACKBONES as SWIN_V2_BACKBONES
from swin_np.checkpoints.dialects.dialect import Dialect
from swin_np.checkpoints.dialects.resnet import BLOCK, RES2NET_DIALECTS, RESNET_DIALECTS
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.dense.backbones import BackboneConfig, DenseConfig
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.variants import SwinConfig

Names = tuple[tuple[str, tuple[str, ...]], ...]        # as in Dialect
Whole = Iterable[tuple[str, str]]                      # (their name, official name)


@dataclass(frozen=True)
class Spelling:
    """The points' names of one implementation: those of a dialect, and beside them such as no parameter begins with.

    whole: (their name without the root, official name), each of exactly one point.
    """

    dialect: Dialect
    whole: tuple[tuple[str, str], ...] = ()

    def official(self, theirs: str) -> tuple[str, int, int] | None:
        """(official name, which part of it, of how many) of a point; None for a name that is not of this spelling."""
        name = theirs.removeprefix(self.dialect.root)
        found = next((official for own, official in self.whole if own == name), None)
        return self.dialect.to_official(theirs) if found is None else (found, 0, 1)


def spelled(dialect: Dialect, whole: Whole = (), first: Names = ()) -> Spelling:
    """The spelling of a dialect with these names beside its own; first: as `Dialect.names`, tried before those."""
    return Spelling(replace(dialect, names=(*first, *dialect.names)), tuple(whole))


def in_order(spell: Callable[[Dialect, Any], Spelling], dialects: Iterable[Dialect], config: object) -> list[Spelling]:
    """The spelling of every dialect; of equally good ones the first counts."""
    return [spell(dialect, config) for dialect in dialects]


def spell_swin(dialect: Dialect, config: SwinConfig) -> Spelling:
    """timm and torchvision count a stage without its patch merging: its output is that of its last block.

    transformers' queries of a V2 have their bias; ours have none yet as `attn.qkv`, and are `attn.q` then.
    """
    last = [f"layers.{stage}.blocks.{depth - 1}" for stage, depth in enumerate(config.depths)]
    if dialect.name == "timm":
        return spelled(dialect, ((f"layers.{stage}", block) for stage, block in enumerate(last)))
    if dialect.name == "torchvision":                  # features.0.1 changes the layout
        return spelled(dialect, (("features.0.1", "patch_embed.proj"),
                                 *((f"features.{2 * stage + 1}", block) for stage, block in enumerate(last))))
    if dialect.name == "transformers" and isinstance(config, SwinV2Config):
        block = "encoder.layers.{i}.blocks.{j}.attention.self."
        return spelled(dialect, first=tuple(
            (f"layers.{{i}}.blocks.{{j}}.attn.{letter}", (block + word,))
            for letter, word in (("q", "query"), ("k", "key"), ("v", "value"))))
    return Spelling(dialect)


def spell_vit(dialect: Dialect, config: ViTConfig) -> Spelling:
    """Blocks, and the patch embedding before it is a sequence."""
    if dialect.name == "timm":
        return spelled(dialect, [("patch_embed", "patch_embed")])
    if dialect.name == "torchvision":
        block, attention = "encoder.layers.encoder_layer_{i}", "self_attention"
    else:
        block, attention = "encoder.layer.{i}" if dialect.name.endswith("-files") else "layers.{i}", "attention"
    parts = {"": "", f".{attention}": ".attn", ".mlp": ".mlp"}
    return spelled(dialect, [("embeddings.patch_embeddings", "patch_embed"), *(
        (block.replace("{i}", str(i)) + theirs, f"blocks.{i}{ours}")
        for i in range(config.depth) for theirs, ours in parts.items())])


def spell_resnet(dialect: Dialect, config: ResNetConfig) -> Spelling:
    """Blocks, stages and shortcuts, which are containers elsewhere."""
    last = f"downsample.{2 if getattr(config, 'avg_down', False) else 1}"
    whole = []
    for stage, depth in enumerate(config.layers):
        theirs, official = BLOCK.replace("{i}", str(stage)), f"layer{stage + 1}"
        stages, shortcut = (theirs.partition(".layers")[0], "shortcut") if dialect.name == "transformers" else (
            official, "downsample")
        whole.append((stages, f"{official}.{depth - 1}"))
        for j in range(depth):
            block = theirs.replace("{j}", str(j)) if dialect.name == "transformers" else f"{official}.{j}."
            whole += [(block[:-1], f"{official}.{j}"), (block + shortcut, f"{official}.{j}.{last}")]
    return spelled(dialect, whole)


def spell_dense(dialect: Dialect, config: DenseConfig) -> Spelling:
    """A pyramid pooling's branches, which are containers elsewhere."""
    return spelled(dialect, ((f"decode_head.psp_modules.{i}", f"decode_head.psp_modules.{i}.1") for i in range(4)))


def of_swin(config: SwinConfig) -> list[Spelling]:
    return in_order(spell_swin, DIALECTS.values(), config)


def of_swin_v2(config: SwinV2Config) -> list[Spelling]:
    return in_order(spell_swin, SWIN_V2_DIALECTS.values(), config)


def of_vit(config: ViTConfig) -> list[Spelling]:
    return in_order(spell_vit, VIT_DIALECTS.values(), config)


def of_resnet(config: ResNetConfig) -> list[Spelling]:
    return in_order(spell_resnet, RESNET_DIALECTS.values(), config)


def of_res2net(config: ResNetConfig) -> list[Spelling]:
    return in_order(spell_resnet, RES2NET_DIALECTS.values(), config)


def of_dense(config: DenseConfig) -> list[Spelling]:
    return in_order(spell_dense, dense_dialects(config).values(), config)


def dense_dialects(config: DenseConfig) -> dict[str, Dialect]:
    """Other libraries' dialects of a UPerNet or a backbone alone, on a Swin Transformer of either version; ours."""
    kind = type(config.backbone)
    if isinstance(config, UPerNetConfig):
        return {SwinConfig: UPERNET_DIALECTS, SwinV2Config: UPERNET_V2_DIALECTS}.get(kind, OWN_DIALECTS)
    if isinstance(config, BackboneConfig):
        return {SwinConfig: SWIN_BACKBONES, SwinV2Config: SWIN_V2_BACKBONES}.get(kind, OWN_DIALECTS)
    return OWN_DIALECTS
