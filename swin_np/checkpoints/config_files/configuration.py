"""What config.json says of a model, transformers' or timm's, in the names of this package's configurations.

What it says that the models here cannot do is refused by its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from swin_np.checkpoints.config_files import timm_architectures
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.errors import CheckpointError
from swin_np.systems.registry import RESNET, SWIN, SWIN_V2, UPERNET, VIT, Architecture

Table = dict[str, tuple[str, Callable[[Entries, str], object]]]         # theirs: (the field here, how it is read)

SWIN_ENTRIES: Table = {
    "image_size": ("img_size", Entries.pair), "patch_size": ("patch_size", Entries.pair),
    "num_channels": ("in_chans", Entries.count), "embed_dim": ("embed_dim", Entries.count),
    "depths": ("depths", Entries.counts), "num_attention_heads": ("num_heads", Entries.counts),
    "num_heads": ("num_heads", Entries.counts), "window_size": ("window_size", Entries.pair),
    "mlp_ratio": ("mlp_ratio", Entries.number), "qkv_bias": ("qkv_bias", Entries.flag),
    "use_absolute_embeddings": ("ape", Entries.flag), "layer_norm_eps": ("eps", Entries.number),
}
SWIN_V2_ENTRIES = SWIN_ENTRIES | {"pretrained_window_sizes": ("pretrained_window_sizes", Entries.counts)}
VIT_ENTRIES = {
    "image_size": ("img_size", Entries.pair), "patch_size": ("patch_size", Entries.pair),
    "num_channels": ("in_chans", Entries.count), "hidden_size": ("embed_dim", Entries.count),
    "num_hidden_layers": ("depth", Entries.count), "num_attention_heads": ("num_heads", Entries.count),
    "intermediate_size": ("hidden", Entries.count), "qkv_bias": ("qkv_bias", Entries.flag),
    "layer_norm_eps": ("eps", Entries.number),
}
RESNET_ENTRIES = {
    "num_channels": ("in_chans", Entries.count), "embedding_size": ("inplanes", Entries.count),
    "depths": ("layers", Entries.counts), "layer_type": ("block", Entries.text),
}
UPERNET_ENTRIES = {"hidden_size": ("channels", Entries.count), "pool_scales": ("pool_scales", Entries.counts)}

EXACT_GELU = {"hidden_act": ("gelu", "gelu_python"), "use_relative_position_bias": (True,)}
RESNET_V1_5 = {"hidden_act": ("relu",), "downsample_in_first_stage": (False,), "downsample_in_bottleneck": (False,)}

IN_TRANSFORMERS: dict[str, tuple[Architecture, Table, dict[str, tuple]]] = {
    "swin": (SWIN, SWIN_ENTRIES, EXACT_GELU), "maskformer-swin": (SWIN, SWIN_ENTRIES, EXACT_GELU),
    "swinv2": (SWIN_V2, SWIN_V2_ENTRIES, EXACT_GELU), "vit": (VIT, VIT_ENTRIES, EXACT_GELU),
    "deit": (VIT, VIT_ENTRIES, EXACT_GELU), "resnet": (RESNET, RESNET_ENTRIES, RESNET_V1_5),
    "upernet": (UPERNET, UPERNET_ENTRIES, {"pool_scales": ([1, 2, 3, 6],)}),
}
"""By model_type: (the system, its entries, those of which only some values can be computed here)."""


@dataclass(frozen=True)
class Told:
    """The fields of a configuration that config.json tells, and those of its backbone.

    Beside the fields of the configuration's class there are `hidden`, units of an MLP, and a Swin's `eps`.
    """

    file: str = "config.json"
    fields: Mapping[str, object] = field(default_factory=dict)
    backbone: Mapping[str, object] = field(default_factory=dict)


def told_by(entries: Entries, system: Architecture) -> Told | None:
    """What config.json tells of a model whose tensors are those of `system`; None if it is of neither library.

    Raises CheckpointError for an entry of a wrong kind, a model that is none of this system, and settings that the
    models here do not have.
    """
    if (architecture := entries.text("architecture")) is not None:
        return Told(entries.file, timm_architectures.told_by(entries, architecture, system))
    kind, backbone = entries.text("model_type"), entries.part("backbone_config")
    if kind is None:
        return None
    if backbone is not None and system is not UPERNET:     # the tensors are those of the backbone alone
        return told_by(backbone, system)
    known = IN_TRANSFORMERS.get(kind)
    if known is None or known[0] is not system:
        raise CheckpointError(f"its {entries.file} is of a model of the type {kind!r}, and its tensors are those of a "
                              f"{system.name}: give the {entries.file} that belongs to it, or move the tensors away "
                              "from it")
    inner = read_transformers(backbone, IN_TRANSFORMERS[backbone_kind(backbone)]) if backbone is not None else {}
    return Told(entries.file, read_transformers(entries, known), inner)


def backbone_kind(backbone: Entries) -> str:
    """The model_type of a UPerNet's backbone; CheckpointError for one that is not known here."""
    kind = backbone.text("model_type")
    if kind not in IN_TRANSFORMERS:
        raise CheckpointError(f"its {backbone.file} says that its backbone is of the type {kind!r}, which is not known "
                              f"here: give a model on one of {', '.join(IN_TRANSFORMERS)}")
    return kind


def read_transformers(entries: Entries, known: tuple[Architecture, Table, dict[str, tuple]]) -> dict[str, object]:
    """The fields that one of transformers' configurations tells; CheckpointError for what no model here has."""
    system, table, possible = known
    for name, values in possible.items():
        value = entries.values.get(name)
        if value is not None and not any(type(value) is type(each) and value == each for each in values):
            raise CheckpointError(f"its {entries.file} says {name} {str(value)[:100]!r}, and a {system.name} has "
                                  f"{' or '.join(map(repr, values))} here: it cannot be computed, take another "
                                  "checkpoint")
    fields = {ours: value for theirs, (ours, read) in table.items() if (value := read(entries, theirs)) is not None}
    labels = entries.part("id2label")
    classes = entries.count("num_labels") if labels is None else len(labels.values)
    return fields if classes is None else fields | {"num_classes": classes}
