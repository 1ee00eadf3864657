"""`swin-np convert`: a checkpoint in the names of another implementation, or in another format."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from swin_np.arguments.names import check_name
from swin_np.checkpoints.dialects.dialect import Dialect
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import READERS, convert, identify
from swin_np.commands.options import (
    ADDRESS_HELP,
    add_model_options,
    checkpoint,
    given_sizes,
    name_of,
    on_this_disk,
    output_file,
)
from swin_np.errors import CheckpointError, InputError
from swin_np.text import printable, size
from swin_np.variants import SwinConfig

WRITERS = {".safetensors": write_safetensors, ".npz": write_npz}
DIALECTS = tuple(dict.fromkeys(name for reader in reversed(READERS) for name in reader.dialects))


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `convert` to the parser of the command line."""
    command = commands.add_parser(
        "convert", help="write a checkpoint in the names of another implementation",
        description="Write a checkpoint in the names of another implementation, the numbers unchanged. The derived "
                    "buffers that it stores (relative_position_index, attn_mask, relative_coords_table) are computed "
                    "and written too.",
        epilog="example: swin-np convert swin_tiny_patch4_window7_224.pth swin_t.safetensors --to timm")
    command.add_argument("source", type=checkpoint, metavar="IN",
                         help=f"a checkpoint, an index of shards, or their folder; {ADDRESS_HELP}")
    command.add_argument("target", type=Path, metavar="OUT", help="a file that ends in .safetensors or .npz")
    command.add_argument("--to", required=True, metavar="DIALECT", help=f"one of {', '.join(DIALECTS)}")
    command.add_argument("--force", action="store_true", help="overwrite OUT if it exists")
    add_model_options(command)
    command.set_defaults(run=run_convert)


def run_convert(options: argparse.Namespace) -> None:
    """`swin-np convert`."""
    check_name("dialect", options.to, DIALECTS)
    sizes = given_sizes(options)
    output_file(options.target, WRITERS, [options.source])
    if os.path.lexists(options.target) and not options.force:
        raise InputError(f"{options.target} exists already: choose another name, or overwrite it with --force")
    stored = read(on_this_disk(options.source, options))
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
    metadata = {"format": "pt", "dialect": dialect.name, "source": printable(name_of(options.source))}
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
