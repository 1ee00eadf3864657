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
    "donut-swin": (SWIN, SWIN_ENTRIES, EXACT_GELU),
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


def told_by(entries: Entries, system: Architecture, on: Architecture | None = None) -> Told | None:
    """What config.json tells of a model whose tensors are those of `system`; None if it is of neither library.

    on: of a dense model, the system of its backbone, where that is known. Transformers' larger models have the
    configuration of a Swin Transformer inside theirs, as `backbone_config`, `encoder`, ...: it is taken wherever it is.
    Raises CheckpointError for an entry of a wrong kind, a model that is none of this system, and settings that the
    models here do not have.
    """
    if (architecture := entries.text("architecture")) is not None:
        fields = timm_architectures.told_by(entries, architecture, on or system)
        return Told(entries.file, {}, fields) if on else Told(entries.file, fields)
    if entries.text("model_type") is None:
        return None
    if system is UPERNET and entries.values["model_type"] == "upernet":
        inner = entries.part("backbone_config")
        return Told(entries.file, read_transformers(entries, IN_TRANSFORMERS["upernet"]),
                    {} if inner is None else read_transformers(inner, IN_TRANSFORMERS[backbone_kind(inner)]))
    fields = read_transformers(*part_of(entries, on or system))
    return Told(entries.file, {}, fields) if on else Told(entries.file, fields)


def part_of(entries: Entries, system: Architecture) -> tuple[Entries, tuple]:
    """The configuration of a system in one of transformers', itself or a part of it, and how it is read.

    Raises CheckpointError if there is none, or more than one.
    """
    waiting, found, kinds = [entries], [], []
    while waiting:                                     # from outside in: what is inside another part is its own affair
        part = waiting.pop(0)
        kind = part.text("model_type")
        kinds += [repr(kind)] if kind is not None else []
        if kind in IN_TRANSFORMERS and IN_TRANSFORMERS[kind][0] is system:
            found.append((part, IN_TRANSFORMERS[kind]))
            continue
        waiting += [Entries(entries.file, value) for value in part.values.values() if isinstance(value, dict)]
    if not found:
        raise CheckpointError(f"its {entries.file} is of a model of the type {' with '.join(kinds)[:200]}, and its "
                              f"tensors are those of a {system.name}: it cannot be computed here if that is what it "
                              f"is, else give the {entries.file} that belongs to it, or move the tensors away from it")
    if any(part.values != found[0][0].values for part, _ in found):
        raise CheckpointError(f"its {entries.file} has {len(found)} configurations of a {system.name}: save the model "
                              "that you want with a configuration of its own")
    return found[0]


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
