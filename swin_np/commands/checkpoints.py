"""`swin-np inspect` and `swin-np convert`: what a checkpoint file holds, and the same in another dialect or format."""

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.checkpoints.dialects.dialect import Dialect
from swin_np.checkpoints.files import INDEX_ENDING, StoredCheckpoint, read
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import READERS, Identified, convert, identify
from swin_np.commands.terminal import printable, size, with_progress
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError, InputError, SwinError
from swin_np.functional import Array
from swin_np.model import SwinConfig
from swin_np.systems.registry import Config, architecture_of

WRITERS = {".safetensors": write_safetensors, ".npz": write_npz}
DIALECTS = tuple(dict.fromkeys(name for reader in reversed(READERS) for name in reader.dialects))
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


def add_model_options(command: argparse.ArgumentParser) -> None:
    """The options of all commands that read a checkpoint."""
    command.add_argument("--num-heads", type=int, nargs="+", metavar="N",
                         help="attention heads of every stage, where the checkpoint does not tell")
    command.add_argument("--image-size", type=int, nargs="+", metavar="PIXELS",
                         help="side, or height and width, of the model's images, where the checkpoint does not tell")
    command.add_argument("--window-size", type=int, nargs="+", metavar="M",
                         help="side, or height and width, of a Swin V2's windows, where the checkpoint does not tell")
    command.add_argument("--pretrained-window-sizes", type=int, nargs="+", metavar="M",
                         help="windows of a Swin V2's first training, of every stage or one for all, 0 where they were "
                         "not changed, where the checkpoint does not tell")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command.set_defaults(notes=[])                     # what was assumed, which cli.main collects


def given_sizes(options: argparse.Namespace) -> dict[str, tuple[int, ...] | None]:
    """What `load` and `identify` take of the options that `add_model_options` adds, a single side doubled.

    Raises InputError for sizes that cannot be.
    """
    heads = options.num_heads
    if heads and min(heads) < 1:
        raise InputError(f"--num-heads {' '.join(map(str, heads))} was given: give a positive number for each stage")
    pretrained = options.pretrained_window_sizes
    if pretrained and min(pretrained) < 0:
        raise InputError(f"--pretrained-window-sizes {' '.join(map(str, pretrained))} was given: give a window, "
                         "or 0, for each stage")
    return {"num_heads": tuple(heads) if heads else None, "image_size": both_sides("--image-size", options.image_size),
            "window_size": both_sides("--window-size", options.window_size),
            "pretrained_window_sizes": tuple(pretrained) if pretrained else None}


def both_sides(option: str, sides: list[int] | None) -> tuple[int, int] | None:
    """Height and width of an option that takes one or both; InputError for sides that cannot be."""
    if sides and (len(sides) > 2 or min(sides) < 1):
        raise InputError(f"{option} {' '.join(map(str, sides))} was given: "
                         "give one positive side, or a height and a width")
    return (sides[0], sides[-1]) if sides else None


def check_folder(path: Path) -> None:
    """Raise InputError, before the long work, unless a file can be written at `path`."""
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of a file to write")
    if not os.path.isdir(path.parent) or not os.access(path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: choose a folder that exists and that you can write to")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same existing file, links followed."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `inspect` and `convert` to the parser of the command line."""
    inspect = commands.add_parser(
        "inspect", help="what a checkpoint file holds: format, dialect, configuration, every tensor",
        epilog="example: swin-np inspect swin_tiny_patch4_window7_224.pth")
    inspect.add_argument("file", type=Path, metavar="FILE", help="a checkpoint, an index of shards, or their folder")
    add_model_options(inspect)
    inspect.set_defaults(run=run_inspect)

    converting = commands.add_parser(
        "convert", help="write a checkpoint in the names of another implementation",
        description="Write a checkpoint in the names of another implementation, the numbers unchanged. The derived "
                    "buffers that it stores (relative_position_index, attn_mask, relative_coords_table) are computed "
                    "and written too.",
        epilog="example: swin-np convert swin_tiny_patch4_window7_224.pth swin_t.safetensors --to timm")
    converting.add_argument("source", type=Path, metavar="IN", help="a checkpoint, an index of shards, or their folder")
    converting.add_argument("target", type=Path, metavar="OUT", help="a file that ends in .safetensors or .npz")
    converting.add_argument("--to", required=True, metavar="DIALECT", help=f"one of {', '.join(DIALECTS)}")
    converting.add_argument("--force", action="store_true", help="overwrite OUT if it exists")
    add_model_options(converting)
    converting.set_defaults(run=run_convert)


def run_inspect(options: argparse.Namespace) -> None:
    """`swin-np inspect`."""
    sizes = given_sizes(options)
    stored = read(options.file)
    identified, reason = None, ""
    try:
        identified = identify(stored, **sizes)
    except SwinError as error:                         # it is a readable file of something else
        reason = str(error)
    tensors = [summarise(*item) for item in with_progress(list(stored.tensors.items()), "tensors")]
    elements = sum(tensor.size for tensor in stored.tensors.values())
    if options.json:
        print(json.dumps({
            "file": str(options.file), "format": stored.format, "unwrapped": stored.unwrapped,
            "metadata": stored.metadata, "system": identified and identified.reader.name,
            "dialect": identified and identified.dialect.name,
            "config": identified and asdict(identified.config),
            "notes": identified.notes if identified else [],
            "assumed": identified.assumed if identified else [],
            "preprocessing": stored.preprocessing and asdict(stored.preprocessing),
            "no_dialect_because": reason or None, "elements": elements,
            "tensors": [asdict(tensor) for tensor in tensors]}))
        return
    rows = [("file", str(options.file)), ("format", stored.format),
            *(("metadata", f"{key}: {value}") for key, value in stored.metadata.items()),
            *(description(identified) if identified else unidentified(stored, reason)),
            ("tensors", f"{len(tensors)}, of {elements:,} elements")]
    for label, text in rows:
        print(f"{label:15}{printable(text)}")
    print_table(tensors)


def unidentified(stored: StoredCheckpoint, reason: str) -> list[tuple[str, str]]:
    """The rows on a file that is readable and of no known system."""
    return [("dialect", f"none: {reason}"), *(("note", sentence) for sentence in stored.unwrapped)]


def description(identified: Identified) -> list[tuple[str, str]]:
    """The rows on a checkpoint whose dialect is known."""
    eps = [("eps", f"{identified.eps} in the norms of the blocks and the last one")] if identified.eps else []
    return [("system", identified.reader.name), ("dialect", identified.dialect.name), *settings(identified.config),
            *eps, *(("assumed" if note in identified.assumed else "note", note) for note in identified.notes)]


def settings(config: Config) -> list[tuple[str, str]]:
    """The rows on a configuration; of a system beside Swin every setting as it is called."""
    if isinstance(config, DenseConfig):
        own = [(field.name, str(getattr(config, field.name))) for field in fields(config) if field.name != "backbone"]
        backbone = [row for row in settings(config.backbone) if row[0] not in ("classes", "num_classes")]
        return [*own, ("backbone", architecture_of(config.backbone).name), *backbone]
    if not isinstance(config, SwinConfig):
        return [(name, str(value)) for name, value in asdict(config).items()]
    return [("images", f"{size(config.img_size)} pixels, {config.in_chans} channels, patch {size(config.patch_size)}"),
            ("stages", f"embedding C = {config.embed_dim}, depths {config.depths}, heads {config.num_heads}, "
                       f"window {size(config.window_size)}, MLP ratio {config.mlp_ratio:g}"),
            ("classes", str(config.num_classes) if config.num_classes else "none, it has no head"),
            ("options", f"qkv bias {yes_or_no(config.qkv_bias)}, absolute position embedding {yes_or_no(config.ape)}, "
                        f"norm after the patch embedding {yes_or_no(config.patch_norm)}"),
            ("shape policy", config.shape_policy.name), *trained_on(config)]


def trained_on(config: SwinConfig) -> list[tuple[str, str]]:
    """The row on a Swin V2 whose weights were first trained with other windows."""
    sizes = getattr(config, "pretrained_window_sizes", ())
    return [("pretrained", f"windows of {', '.join(str(m) if m else 'the same size' for m in sizes)}")] if sizes else []


def yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def print_table(tensors: list[TensorSummary]) -> None:
    """One line for each tensor."""
    names = ["tensor", *(printable(tensor.name) for tensor in tensors)]
    shapes = ["shape", *(size(tensor.shape) or "scalar" for tensor in tensors)]
    cells = [("dtype", "smallest", "largest", "NaN", "infinite")]
    cells += [(tensor.dtype, *(f"{bound:.5g}" if bound is not None else "" for bound in (tensor.smallest,
              tensor.largest)), str(tensor.nan or ""), str(tensor.infinite or "")) for tensor in tensors]
    width, shape_width = max(map(len, names)) + 2, max(map(len, shapes)) + 2
    print()
    for name, shape, row in zip(names, shapes, cells, strict=True):
        print(f"{name:{width}}{shape:{shape_width}}{COLUMNS.format(*row)}".rstrip())


def run_convert(options: argparse.Namespace) -> None:
    """`swin-np convert`."""
    check_name("dialect", options.to, DIALECTS)
    sizes = given_sizes(options)
    check_target(options.source, options.target, options.force)
    stored = read(options.source)
    try:
        identified = identify(stored, **sizes)
        check_name(f"dialect of a {identified.reader.name}", options.to, identified.reader.dialects)
        dialect = identified.reader.dialects[options.to]
        if identified.eps is not None:
            raise CheckpointError(f"the eps of its norms is {identified.eps} by its config.json, which the file to be "
                                  "written could not tell: convert it with the library that wrote it")
        if isinstance(identified.config, SwinConfig):
            check_tables(identified.config, dialect)
        tensors = convert(identified.state, dialect, identified.config)
    except CheckpointError as error:
        raise CheckpointError(f"{options.source}: {error}") from None
    for sentence in identified.assumed:
        print(f"swin-np: {printable(sentence)}", file=sys.stderr)
    print(f"writing {len(tensors)} tensors in the names of {dialect.name}", file=sys.stderr)
    # transformers and others read only files that say whose layout the tensors have, "pt" for PyTorch's
    metadata = {"format": "pt", "dialect": dialect.name, "source": printable(options.source.name)}
    WRITERS[options.target.suffix](options.target, tensors, metadata)
    if options.json:
        print(json.dumps({"source": str(options.source), "source_format": stored.format,
                          "from": identified.dialect.name, "target": str(options.target), "to": dialect.name,
                          "tensors": len(tensors), "bytes": options.target.stat().st_size,
                          "notes": identified.notes, "assumed": identified.assumed}))
        return
    for sentence in identified.notes:
        if sentence not in identified.assumed:
            print(printable(sentence))
    print(f"{printable(str(options.target))}: {len(tensors)} tensors in the names of {dialect.name}, converted from "
          f"{identified.dialect.name}, {options.target.stat().st_size / 1e6:.1f} MB")


def check_target(source: Path, target: Path, force: bool) -> None:
    """Raise InputError for a target of another ending, that holds the source, that exists, or cannot be written."""
    if target.suffix not in WRITERS:
        raise InputError(f"{target} ends in {target.suffix!r}, expected .safetensors or .npz: "
                         "choose one of these endings")
    check_folder(target)
    folder = source if os.path.isdir(source) else source.parent if source.name.endswith(INDEX_ENDING) else None
    if any(is_same_file(file, target) for file in (sorted(folder.glob("*")) if folder else [source])):
        raise InputError(f"{target} is the file that is read, or one beside its shards: choose another name for OUT")
    if os.path.lexists(target) and not force:
        raise InputError(f"{target} exists already: choose another name, or overwrite it with --force")


def check_tables(config: SwinConfig, dialect: Dialect) -> None:
    """Raise CheckpointError where the dialect would have bias tables, or a V2's coordinates, of another size.

    Some implementations make them for the configured window, others for a window clamped to a small map.
    """
    other = replace(config, shape_policy=dialect.shape_policy)
    for stage, (ours, theirs) in enumerate(zip(config.map_sizes(), other.map_sizes(), strict=True), start=1):
        have = config.shape_policy.table_window(ours, config.window_size)
        want = dialect.shape_policy.table_window(theirs, config.window_size)
        if have != want:
            raise CheckpointError(f"the position biases of stage {stage} are for a window of {size(have)}, and "
                                  f"{dialect.name} would have {size(want)} there: choose a dialect that clamps windows "
                                  "alike, such as microsoft or timm")
