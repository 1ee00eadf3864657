"""`swin-np inspect`: what a checkpoint file holds."""

import argparse
import json
from dataclasses import asdict, dataclass, fields

import numpy as np

from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.loading import Identified, identify
from swin_np.checkpoints.notes import listing
from swin_np.commands.options import ADDRESS_HELP, add_model_options, checkpoint, given_sizes, on_this_disk
from swin_np.commands.terminal import with_progress
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import SwinError
from swin_np.functional import Array
from swin_np.language import phrase
from swin_np.systems.registry import Config, architecture_of
from swin_np.text import columns, padded, printable, row, size
from swin_np.variants import SwinConfig

SHOWN = 3                                              # names of classes
LABEL = 15                                             # columns
COLUMNS = "{:12}{:>12}{:>12}{:>8}{:>10}"               # of the table of tensors, after name and shape


@dataclass(frozen=True)
class TensorSummary:
    """One row of the table: the smallest and largest of the finite values (None if there are none), and the others."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    smallest: float | None
    largest: float | None
    nan: int
    infinite: int


def summarise(name: str, tensor: Array) -> TensorSummary:
    """Count and bound the values of a tensor of any shape and dtype."""
    finite = np.isfinite(tensor)
    nan = int(np.isnan(tensor).sum())
    infinite = tensor.size - int(finite.sum()) - nan
    values = tensor[finite] if nan or infinite else tensor
    bounds = (values.min().item(), values.max().item()) if values.size else (None, None)
    return TensorSummary(name, tensor.shape, tensor.dtype.name, *bounds, nan, infinite)


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `inspect` to the parser of the command line."""
    command = commands.add_parser(
        "inspect", help=phrase("what a checkpoint file holds: format, dialect, configuration, every tensor"),
        epilog=phrase("example: {call}", call="swin-np inspect swin_tiny_patch4_window7_224.pth"))
    command.add_argument("file", type=checkpoint, metavar="FILE",
                         help=phrase("a checkpoint, an index of shards, or their folder; {or_address}",
                                     or_address=phrase(ADDRESS_HELP)))
    add_model_options(command)
    command.set_defaults(run=run_inspect)


def run_inspect(options: argparse.Namespace) -> None:
    """`swin-np inspect`."""
    sizes = given_sizes(options)
    stored = read(on_this_disk(options.file, options))
    identified, reason = None, ""
    try:
        identified = identify(stored, **sizes)
    except SwinError as error:                         # it is a readable file of something else
        reason = str(error)
    tensors = [summarise(name, stored.tensors[name]) for name in with_progress(list(stored.tensors),
                                                                               phrase("tensors"))]
    elements = sum(tensor.size for tensor in stored.tensors.values())
    if options.json:
        print(json.dumps({
            "file": str(options.file), "format": stored.format, "part": identified and identified.part,
            "metadata": stored.metadata, "not_read": stored.unread, "system": identified and identified.reader.name,
            "dialect": identified and identified.dialect.name,
            "config": identified and asdict(identified.config),
            "notes": identified.notes if identified else [],
            "assumed": identified.assumed if identified else [],
            "preprocessing": stored.preprocessing and asdict(stored.preprocessing), "labels": stored.labels,
            "no_dialect_because": reason or None, "elements": elements,
            "tensors": [asdict(tensor) for tensor in tensors]}))
        return
    rows = [(phrase("file"), str(options.file)), (phrase("format"), stored.format),
            *((phrase("metadata"), f"{key}: {value}") for key, value in stored.metadata.items()),
            *(description(identified) if identified else no_dialect(reason)), *names_of_classes(stored),
            *([(phrase("not read"), listing(list(stored.unread)))] if stored.unread else []),
            (phrase("tensors"), phrase("{count}, of {elements:,} elements", count=len(tensors), elements=elements))]
    for label, text in rows:
        print(padded(label, LABEL) + printable(text))
    print_table(tensors)


def names_of_classes(stored: StoredCheckpoint) -> list[tuple[str, str]]:
    """The row on the names that config.json gives the classes."""
    if stored.labels is None:
        return []
    more = f"; ... ({len(stored.labels)})" if len(stored.labels) > SHOWN else ""
    return [(phrase("class names"), f"{'; '.join(stored.labels[:SHOWN])}{more}")]


def no_dialect(reason: str) -> list[tuple[str, str]]:
    """The row on a checkpoint that cannot be loaded, with the error."""
    return [(phrase("dialect"), phrase("none: {reason}", reason=reason))]


def description(identified: Identified) -> list[tuple[str, str]]:
    """The rows on a checkpoint whose dialect is known."""
    eps = [("eps", phrase("{eps} in the norms of the blocks and the last one", eps=identified.eps))]
    part = [(phrase("part"), identified.part)] if identified.part else []
    notes = [(phrase("assumed" if note in identified.assumed else "note"), note) for note in identified.notes]
    return [*part, (phrase("system"), phrase(identified.reader.name)), (phrase("dialect"), identified.dialect.name),
            *settings(identified.config), *(eps if identified.eps else []), *notes]


def settings(config: Config, with_classes: bool = True) -> list[tuple[str, str]]:
    """The rows on a configuration; of a system beside Swin every setting as it is called."""
    if isinstance(config, DenseConfig):
        own = [(field.name, str(getattr(config, field.name))) for field in fields(config) if field.name != "backbone"]
        return [*own, (phrase("backbone"), phrase(architecture_of(config.backbone).name)),
                *settings(config.backbone, with_classes=False)]
    if not isinstance(config, SwinConfig):
        return [(name, str(value)) for name, value in asdict(config).items() if with_classes or name != "num_classes"]
    classes = str(config.num_classes) if config.num_classes else phrase("none, it has no head")
    return [(phrase("images"), phrase("{size} pixels, {channels} channels, patch {patch}", size=size(config.img_size),
                                      channels=config.in_chans, patch=size(config.patch_size))),
            (phrase("stages"), phrase(
                "embedding C = {channels}, depths {depths}, heads {heads}, {windows}, MLP ratio {ratio:g}",
                channels=config.embed_dim, depths=config.depths, heads=config.num_heads, windows=windows(config),
                ratio=config.mlp_ratio)),
            *([(phrase("classes"), classes)] if with_classes else []),
            (phrase("options"), phrase(
                "qkv bias {bias}, absolute position embedding {ape}, norm after the patch embedding {norm}",
                bias=yes_or_no(config.qkv_bias), ape=yes_or_no(config.ape), norm=yes_or_no(config.patch_norm))),
            (phrase("shape policy"), config.shape_policy.name), *trained_on(config)]


def windows(config: SwinConfig) -> str:
    """The window of all stages, or of each."""
    sizes = [size(config.window(stage)) for stage in range(len(config.depths))]
    return phrase("windows {sizes}", sizes=", ".join(sizes)) if len({*sizes}) > 1 else phrase("window {size}",
                                                                                              size=sizes[0])


def trained_on(config: SwinConfig) -> list[tuple[str, str]]:
    """The row on a Swin V2 whose weights were first trained with other windows."""
    sizes = getattr(config, "pretrained_window_sizes", ())
    if not sizes:
        return []
    return [(phrase("pretrained"), phrase("windows of {sizes}", sizes=", ".join(
        str(m) if m else phrase("the same size") for m in sizes)))]


def yes_or_no(value: bool) -> str:
    return phrase("yes" if value else "no")


def print_table(tensors: list[TensorSummary]) -> None:
    """One line for each tensor."""
    names = [phrase("tensor"), *(printable(tensor.name) for tensor in tensors)]
    shapes = [phrase("shape"), *(size(tensor.shape) or phrase("scalar") for tensor in tensors)]
    cells = [("dtype", phrase("smallest"), phrase("largest"), "NaN", phrase("infinite"))]
    cells += [(tensor.dtype, *(f"{bound:.5g}" if bound is not None else "" for bound in (tensor.smallest,
              tensor.largest)), str(tensor.nan or ""), str(tensor.infinite or "")) for tensor in tensors]
    width, shape_width = max(map(columns, names)) + 2, max(map(columns, shapes)) + 2
    print()
    for name, shape, values in zip(names, shapes, cells, strict=True):
        print(f"{padded(name, width)}{padded(shape, shape_width)}{row(COLUMNS, *values)}".rstrip())
