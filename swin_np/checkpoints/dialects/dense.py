"""Backbones, and UPerNet, U-Net and FPN on them, in this package's own names; on Swin in those of other libraries too.

A backbone is stored as everywhere, with `backbone.` before its names, and its own system reads its configuration.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from swin_np.checkpoints.config_files.configuration import Told
from swin_np.checkpoints.dialects.dialect import Dialect, State, match, recognise_by_names
from swin_np.checkpoints.dialects.resnet import RES2NET_READER, RESNET_READER
from swin_np.checkpoints.dialects.swin import DIALECTS, SWIN_READER
from swin_np.checkpoints.dialects.swin_config import depths_of
from swin_np.checkpoints.dialects.swin_mixer import SWIN_MIXER_READER
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS, SWIN_V2_READER
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.checkpoints.reader import NOTHING, Reader, Translated, with_axes
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.layers import placeholder
from swin_np.shape_policy import MMDETECTION, TORCHVISION, TRANSFORMERS, TRANSFORMERS_BACKBONE, ShapePolicy
from swin_np.systems.registry import BACKBONE, FPN, SWIN, SWIN_V2, UNET, UPERNET, Architecture
from swin_np.variants import SwinConfig

BACKBONES = (RES2NET_READER, RESNET_READER, SWIN_V2_READER, SWIN_MIXER_READER, SWIN_READER)
"""Readers of what a dense model can stand on, in the order in which a file is asked, Swin's at the end."""

PREFIX = "backbone."
PARTS = ("backbone", "norms", "decode_head", "fpn")
OWN = Dialect("swin_np", TORCHVISION, tuple((part, (part,)) for part in PARTS))


NORMS_IN_TRANSFORMERS = tuple(("norms.{i}", (f"hidden_states_norms.{number}",)) for number in ("stage{i+1}", "{i}"))
"""Of its backbones, and of MaskFormer's."""
OWN_NORMS = (("norms.{i}", ("norms.{i}",)),)
NORMS_OF_DETECTORS = (("norms.{i}", ("norm{i}",)),)
UNUSED = "no map of a backbone passes its last norm or its head"


def backbone_dialect(swin: Dialect, policy: ShapePolicy, norms: tuple[tuple[str, tuple[str, ...]], ...],
                     root: str = "") -> Dialect:
    """The backbone of an implementation whose classifier is `swin`, with the names of the norms of its maps."""
    last = [prefix for official, theirs in (*swin.names, *swin.outside) if official in ("norm", "head")
            for prefix in theirs if not any(match(norm, prefix) for _, spelled in norms for norm in spelled)]
    return replace(
        swin, shape_policy=policy, root=root, outside=norms if root else (), note="", set_aside=(
            (*last, *(f"{swin.root}{prefix}" for prefix in last), "mask_token", "embeddings.mask_token"), UNUSED),
        names=(*(() if root else norms),
               *((PREFIX + official, theirs) for official, theirs in swin.names if official not in ("norm", "head"))))


def backbone_dialects(swin: Mapping[str, Dialect]) -> dict[str, Dialect]:
    """The dialects of backbones for those of classifiers; timm's `features_only` is another one.

    transformers' backbone of a V2 has no norms, that of the first version is stored without the root.
    """
    stages = {"layers.{i}.blocks.{j}": "layers_{i}.blocks.{j}", "layers.{i}.downsample": "layers_{i+1}.downsample"}
    timm = swin["timm"]
    features = replace(timm, name="timm-features", names=tuple(
        (official, (stages.get(official, theirs[0]),)) for official, theirs in timm.names))
    own = replace(swin["microsoft"], name=OWN.name)
    dialects = [backbone_dialect(features, timm.shape_policy, ()),
                *(backbone_dialect(swin[name], policy, NORMS_OF_DETECTORS) for name, policy in (
                    ("microsoft", MMDETECTION), ("timm", timm.shape_policy), ("torchvision", TORCHVISION),
                    ("mmdetection", MMDETECTION)) if name in swin)]
    if "transformers-files" in swin:
        dialects += [backbone_dialect(swin[name], TRANSFORMERS_BACKBONE, NORMS_IN_TRANSFORMERS, root)
                     for name, root in (("transformers", "swin."), ("transformers-files", ""))]
    else:
        dialects.append(backbone_dialect(swin["transformers"], swin["transformers"].shape_policy, ()))
    return {dialect.name: dialect for dialect in (*dialects, backbone_dialect(own, TORCHVISION, OWN_NORMS, PREFIX))}


def upernet_dialect(backbone: Dialect, root: str) -> Dialect:
    """transformers' UPerNet on one of its backbones, whose names begin with `root`."""
    names = tuple((official, tuple(root + name for name in theirs)) for official, theirs in backbone.names)
    norms = tuple((official, tuple(PREFIX + name for name in theirs)) for official, theirs in backbone.outside)
    return replace(backbone, names=(*norms, *names, ("decode_head", ("decode_head",))), root="", outside=(), set_aside=(
        ("auxiliary_head", "backbone.swin.layernorm", "backbone.layernorm"),
        "the auxiliary head serves training only, and no map passes the backbone's last norm"))


OWN_DIALECTS = {OWN.name: OWN}
SWIN_BACKBONES = backbone_dialects(DIALECTS)
V2_BACKBONES = backbone_dialects(SWIN_V2_DIALECTS)
UPERNET_DIALECTS = {dialect.name: dialect for dialect in (
    replace(OWN, shape_policy=TRANSFORMERS_BACKBONE),
    upernet_dialect(SWIN_BACKBONES["transformers"], "backbone.swin."),
    upernet_dialect(SWIN_BACKBONES["transformers-files"], PREFIX))}
UPERNET_V2_DIALECTS = {OWN.name: UPERNET_DIALECTS[OWN.name],
                       "transformers": upernet_dialect(V2_BACKBONES["transformers"], PREFIX)}

ANCHORS = ("backbone.layers.0.blocks.0.attn.qkv.weight", "backbone.patch_embed.proj.weight",
           "backbone.layers.0.downsample.reduction.weight", *(f"norms.{i}.weight" for i in range(4)))
"""Official names whose spelling tells the dialects apart; a file on a convolutional backbone has none of the first."""


def upernet_fields(found: Translated) -> dict[str, object]:
    """The fields of a UPerNetConfig beside its backbone."""
    told = found.request.told
    if told is None or "pool_scales" not in told.fields:                # which has no other value, see Told
        found.notes.append(Assumption("The boxes of the pyramid pooling are not in the file: 1, 2, 3 and 6 a side were "
                                      "assumed, as in the paper."))
    return unet_fields(found) | {"channels": len(with_axes(found.state, "decode_head.bottleneck.conv.weight", 4))}


def unet_fields(found: Translated) -> dict[str, object]:
    """The fields of a UNetConfig beside its backbone."""
    return {"num_classes": len(with_axes(found.state, "decode_head.classifier.weight", 4))}


def fpn_fields(found: Translated) -> dict[str, object]:
    """The fields of an FPNConfig beside its backbone."""
    strided = "fpn.extra_blocks.p6.weight" in found.state
    if not strided:
        found.notes.append(Assumption("Whether a pooled level follows the coarsest is not in the file: it was assumed, "
                                      "as in Lin et al."))
    return {"channels": len(with_axes(found.state, "fpn.inner_blocks.0.0.weight", 4)),
            "extra": "p6p7" if strided else "pool"}


def backbone_fields(found: Translated) -> dict[str, object]:
    """The fields of a BackboneConfig beside its backbone: none."""
    return {}


FIELDS = {BACKBONE: backbone_fields, UPERNET: upernet_fields, UNET: unet_fields, FPN: fpn_fields}


def backbone_of(found: Translated) -> Translated:
    """The backbone under its own names, with its own reader and what config.json tells of it; notes are shared.

    A Swin Transformer gets a final norm, which only one that classifies has; `fit` takes it away.
    """
    inner = {name.removeprefix(PREFIX): value for name, value in found.state.items() if name.startswith(PREFIX)}
    if "patch_embed.proj.weight" in inner:
        channels = len(inner["patch_embed.proj.weight"]) * 2 ** max(len(depths_of(inner)) - 1, 0)
        inner |= {"norm.weight": placeholder(channels), "norm.bias": placeholder(channels)}
    reader = next((backbone for backbone in BACKBONES if backbone.is_told_by(inner)), SWIN_READER)
    if issubclass(reader.architecture.config, SwinConfig) and "patch_embed.proj.weight" not in inner:
        names = listing(list(inner)) or "as it has no tensor of one"
        raise CheckpointError(f"it is a {found.reader.name} on a backbone of no known names, {names}: give one on a "
                              f"{', '.join(backbone.name for backbone in BACKBONES)}")
    told = found.request.told
    return replace(found, reader=reader, state=inner,
                   buffers={name.removeprefix(PREFIX): value for name, value in found.buffers.items()},
                   request=replace(found.request, told=Told(told.file, told.backbone) if told else None))


def infer(found: Translated) -> DenseConfig:
    """The configuration; CheckpointError if nothing fits, or a question is left open."""
    norms = tuple(sorted({int(stage) for name in found.state for stage in re.findall(r"^norms\.(\d{1,3})\.", name)}))
    dialect = found.dialect
    if found.reader.architecture is BACKBONE and not norms and dialect.shape_policy is TRANSFORMERS_BACKBONE:
        dialect = replace(dialect, shape_policy=TRANSFORMERS)           # of DonutSwin, which no norm ends
    inner = backbone_of(replace(found, dialect=dialect))
    backbone = inner.reader.infer(inner)
    unknown = dialect.name == OWN.name or (dialect.name == "microsoft" and not norms)
    if isinstance(backbone, SwinConfig) and unknown:
        found.notes.append(Assumption(f"The shape policy is not in the file: {dialect.shape_policy.name}'s was "
                                      "assumed."))
    if norms and len(norms) < len(getattr(backbone, "depths", norms)):
        found.notes.append(f"It has norms for the maps of the stages {', '.join(str(i + 1) for i in norms)} alone: no "
                           "other map is taken from it, where it was made.")
    usual = tuple(range(len(backbone.depths))) if isinstance(backbone, SwinConfig) else ()
    return found.reader.configuration(found.state, backbone=backbone, map_norms=None if norms == usual else norms,
                                      **FIELDS[found.reader.architecture](found))


def fit(config: DenseConfig, found: Translated) -> State:
    """The parameters for a model on another backbone of the same architecture, fitted as its own reader does it."""
    inner = backbone_of(found)
    architecture = inner.reader.architecture
    if type(config.backbone) is not architecture.config:
        raise ConfigurationError(f"its backbone is a {architecture.name}, and a {type(config.backbone).__name__} was "
                                 f"given: give a {architecture.config.__name__}")
    backbone = {PREFIX + name: value for name, value in inner.reader.fit(config.backbone, inner).items()
                if name not in ("norm.weight", "norm.bias")}
    return backbone | {name: value for name, value in found.state.items() if not name.startswith(PREFIX)}


def dense_reader(architecture: Architecture, telling: tuple[str, ...], anchors: tuple[str, ...],
                 dialects: dict[str, Dialect], on: Architecture | None = None) -> Reader:
    """The reader of a dense architecture."""
    return Reader(architecture, OWN.name, telling, anchors, dialects, infer, fit,
                  partial(recognise_by_names, anchors=ANCHORS, counters=True),
                  "|".join(rf"backbone\.(?:{backbone.buffers})" for backbone in BACKBONES), on=on)


PYRAMID_POOLING = r"^decode_head\.psp_modules\..*\.batch_norm\."           # mmsegmentation's is called `bn`
UPERNET_V2_READER = dense_reader(UPERNET, (PYRAMID_POOLING, r"^backbone\..*\.logit_scale$"), (),
                                 UPERNET_V2_DIALECTS, SWIN_V2)
UPERNET_READER = dense_reader(UPERNET, (PYRAMID_POOLING,), ("decode_head.psp_modules.0.1.batch_norm.weight",),
                              UPERNET_DIALECTS, SWIN)
UNET_READER = dense_reader(UNET, (r"^decode_head\.up_blocks\.",), ("decode_head.up_blocks.0.up.weight",), OWN_DIALECTS)
FPN_READER = dense_reader(FPN, (r"^fpn\.inner_blocks\.",), ("fpn.inner_blocks.0.0.weight",), OWN_DIALECTS)
V2_BACKBONE_READER = dense_reader(BACKBONE, (NOTHING,), (), V2_BACKBONES, SWIN_V2)
SWIN_BACKBONE_READER = dense_reader(BACKBONE, (NOTHING,), (ANCHORS[0],), SWIN_BACKBONES, SWIN)
