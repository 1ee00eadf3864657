"""UPerNet, U-Net and FPN on a backbone, in this package's own names; UPerNet on Swin in those of transformers too.

A backbone is stored as everywhere, with `backbone.` before its names, and its own system reads its configuration.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from swin_np.checkpoints.dialects.resnet import without_counters
from swin_np.checkpoints.dialects.swin import DIALECTS, Dialect, State, best_dialect, without_set_aside
from swin_np.checkpoints.dialects.swin_inference import depths_of
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.readers import Request, System, with_axes
from swin_np.checkpoints.stored_configuration import Told
from swin_np.checkpoints.unwrapping import listing
from swin_np.dense.backbones import DenseConfig
from swin_np.dense.pyramid import FeaturePyramid, FPNConfig
from swin_np.dense.segmentation import UNet, UNetConfig, UPerNet, UPerNetConfig
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.layers import Module
from swin_np.model import SwinConfig
from swin_np.shape_policy import TORCHVISION, TRANSFORMERS_BACKBONE

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


def upernet_settings(state: State, told: Told | None, notes: list[str]) -> dict[str, object]:
    """The fields of a UPerNetConfig beside its backbone."""
    if told is None or "pool_scales" not in told.fields:                # which has no other value, see Told
        notes.append(Assumption("The boxes of the pyramid pooling are not in the file: 1, 2, 3 and 6 a side were "
                                "assumed, as in the paper."))
    return {"num_classes": len(with_axes(state, "decode_head.classifier.weight", 4)),
            "channels": len(with_axes(state, "decode_head.bottleneck.conv.weight", 4))}


def unet_settings(state: State, told: Told | None, notes: list[str]) -> dict[str, object]:
    """The fields of a UNetConfig beside its backbone."""
    return {"num_classes": len(with_axes(state, "decode_head.classifier.weight", 4))}


def fpn_settings(state: State, told: Told | None, notes: list[str]) -> dict[str, object]:
    """The fields of an FPNConfig beside its backbone."""
    strided = "fpn.extra_blocks.p6.weight" in state
    if not strided:
        notes.append(Assumption("Whether a pooled level follows the coarsest is not in the file: it was assumed, as in "
                                "Lin et al."))
    return {"channels": len(with_axes(state, "fpn.inner_blocks.0.0.weight", 4)), "extra": "p6p7" if strided else "pool"}


def backbone_state(state: State) -> State:
    """What belongs to the backbone, under its own names.

    A Swin Transformer gets a final norm, which only one that classifies has; `whole_state` takes it away.
    """
    inner = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
    if "patch_embed.proj.weight" in inner:
        like = with_axes(state, f"norms.{max(len(depths_of(inner)) - 1, 0)}.weight", 1)
        inner |= {"norm.weight": np.ones_like(like), "norm.bias": np.zeros_like(like)}
    return inner


def whole_state(inner: State, state: State) -> State:
    """`state` with another backbone's parameters: the inverse of `backbone_state`."""
    others = {name: value for name, value in state.items() if not name.startswith(PREFIX)}
    return {**{PREFIX + name: value for name, value in inner.items() if name not in ("norm.weight", "norm.bias")},
            **others}


def dense_system(backbones: tuple[System, ...], name: str, model: type[Module], config: type[DenseConfig],
                 telling: str, dialects: dict[str, Dialect],
                 settings: Callable[[State, Told | None, list[str]], dict[str, object]]) -> System:
    """A dense architecture on backbones of these systems, in the order in which a file is asked, Swin's at the end."""
    def recognise(tensors: State) -> tuple[Dialect, State, list[str]]:
        notes: list[str] = []
        dialect = best_dialect(tensors, dialects, ANCHORS) or dialects[OWN.name]
        return dialect, without_counters(without_set_aside(tensors, dialect, notes), notes), notes

    def system_of(inner: State) -> System:
        found = next(backbone for backbone in backbones if backbone.is_told_by(inner))
        if issubclass(found.config, SwinConfig) and "patch_embed.proj.weight" not in inner:
            raise CheckpointError(f"it is a {name} on a backbone of no known names, {listing(list(inner))}: give one "
                                  f"on a {', '.join(backbone.name for backbone in backbones)}")
        return found

    def infer(state: State, buffers: State, dialect: Dialect, request: Request, notes: list[str]) -> DenseConfig:
        inner = backbone_state(state)
        told = request.told
        inside = replace(request, told=Told(told.file, told.backbone)) if told else request
        backbone = system_of(inner).infer(inner, unprefixed(buffers), dialect, inside, notes)
        if isinstance(backbone, SwinConfig) and dialect.name == OWN.name:
            notes.append(Assumption(f"The shape policy is not in the file: {dialect.shape_policy.name}'s was assumed."))
        return system.configuration(state, backbone=backbone, **settings(state, told, notes))

    def fit(config: DenseConfig, state: State, buffers: State, dialect: Dialect, request: Request,
            notes: list[str]) -> State:
        inner = backbone_state(state)
        found = system_of(inner)
        if type(config.backbone) is not found.config:
            raise ConfigurationError(f"its backbone is a {found.name}, and a {type(config.backbone).__name__} was "
                                     f"given: give a {found.config.__name__}")
        return whole_state(found.fit(config.backbone, inner, unprefixed(buffers), dialect, request, notes), state)

    buffers = "|".join(rf"backbone\.(?:{backbone.buffers})" for backbone in backbones)
    system = System(name, OWN.name, model, config, telling, buffers, dialects, recognise, infer, fit)
    return system


def unprefixed(buffers: State) -> State:
    """The derived buffers of the backbone under its own names."""
    return {name.removeprefix(PREFIX): value for name, value in buffers.items()}


def dense_systems(backbones: tuple[System, ...]) -> tuple[System, ...]:
    """UPerNet, U-Net and FPN on backbones of these systems."""
    return (
        dense_system(backbones, "UPerNet", UPerNet, UPerNetConfig, r"^decode_head\.psp_modules\.", UPERNET_DIALECTS,
                     upernet_settings),
        dense_system(backbones, "U-Net", UNet, UNetConfig, r"^decode_head\.up_blocks\.", OWN_DIALECTS, unet_settings),
        dense_system(backbones, "FPN", FeaturePyramid, FPNConfig, r"^fpn\.inner_blocks\.", OWN_DIALECTS, fpn_settings),
    )
