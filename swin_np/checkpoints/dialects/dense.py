"""UPerNet, U-Net and FPN on a backbone, in this package's own names; UPerNet on Swin in those of transformers too.

A backbone is stored as everywhere, with `backbone.` before its names, and its own system reads its configuration.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.checkpoints.config_files.configuration import Told
from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.dialects.resnet import RES2NET_READER, RESNET_READER
from swin_np.checkpoints.dialects.swin import DIALECTS, SWIN_READER
from swin_np.checkpoints.dialects.swin_config import depths_of
from swin_np.checkpoints.dialects.swin_mixer import SWIN_MIXER_READER
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_READER
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.checkpoints.reader import Reader, Translated, with_axes
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.shape_policy import TORCHVISION, TRANSFORMERS_BACKBONE
from swin_np.systems.registry import FPN, UNET, UPERNET, Architecture
from swin_np.variants import SwinConfig

BACKBONES = (RES2NET_READER, RESNET_READER, SWIN_V2_READER, SWIN_MIXER_READER, SWIN_READER)
"""Readers of what a dense model can stand on, in the order in which a file is asked, Swin's at the end."""

PREFIX = "backbone."
PARTS = ("backbone", "norms", "decode_head", "fpn")
OWN = Dialect("swin_np", TORCHVISION, tuple((part, (part,)) for part in PARTS))


def upernet_dialect(swin: Dialect, root: str) -> Dialect:
    """transformers' UPerNet on its Swin Transformer, whose names begin with `root` in place of `swin.`."""
    names = tuple((PREFIX + official, tuple(root + name.removeprefix("swin.") for name in theirs))
                  for official, theirs in swin.names)
    return Dialect(
        swin.name, TRANSFORMERS_BACKBONE,
        (*names, ("norms.{i}", ("backbone.hidden_states_norms.stage{i+1}",)), ("decode_head", ("decode_head",))),
        set_aside=(("auxiliary_head", "backbone.swin.layernorm", "backbone.layernorm"),
                   "the auxiliary head serves training only, and no map passes the backbone's last norm"))


OWN_DIALECTS = {OWN.name: OWN}
UPERNET_DIALECTS = {dialect.name: dialect for dialect in (
    replace(OWN, shape_policy=TRANSFORMERS_BACKBONE),
    upernet_dialect(DIALECTS["transformers"], "backbone.swin."),
    upernet_dialect(DIALECTS["transformers-files"], PREFIX))}

ANCHORS = ("backbone.patch_embed.proj.weight", "backbone.layers.0.blocks.0.attn.qkv.weight")
"""Official names whose spelling tells the dialects apart; a file on a convolutional backbone has neither."""


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


FIELDS = {UPERNET: upernet_fields, UNET: unet_fields, FPN: fpn_fields}


def backbone_of(found: Translated) -> Translated:
    """The backbone under its own names, with its own reader and what config.json tells of it; notes are shared.

    A Swin Transformer gets a final norm, which only one that classifies has; `fit` takes it away.
    """
    inner = {name.removeprefix(PREFIX): value for name, value in found.state.items() if name.startswith(PREFIX)}
    if "patch_embed.proj.weight" in inner:
        like = with_axes(found.state, f"norms.{max(len(depths_of(inner)) - 1, 0)}.weight", 1)
        inner |= {"norm.weight": np.ones_like(like), "norm.bias": np.zeros_like(like)}
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
    inner = backbone_of(found)
    backbone = inner.reader.infer(inner)
    if isinstance(backbone, SwinConfig) and found.dialect.name == OWN.name:
        found.notes.append(Assumption("The shape policy is not in the file: "
                                      f"{found.dialect.shape_policy.name}'s was assumed."))
    return found.reader.configuration(found.state, backbone=backbone, **FIELDS[found.reader.architecture](found))


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


def dense_reader(architecture: Architecture, telling: str, dialects: dict[str, Dialect]) -> Reader:
    """The reader of a dense architecture."""
    return Reader(architecture, OWN.name, telling, dialects, infer, fit,
                  partial(recognise_by_names, anchors=ANCHORS, counters=True),
                  "|".join(rf"backbone\.(?:{backbone.buffers})" for backbone in BACKBONES))


UPERNET_READER = dense_reader(UPERNET, r"^decode_head\.psp_modules\.", UPERNET_DIALECTS)
UNET_READER = dense_reader(UNET, r"^decode_head\.up_blocks\.", OWN_DIALECTS)
FPN_READER = dense_reader(FPN, r"^fpn\.inner_blocks\.", OWN_DIALECTS)
