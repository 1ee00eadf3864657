"""`swin-np convert`: a checkpoint in the names of another implementation, or in another format."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from swin_np.arguments.names import check_name
from swin_np.checkpoints.config_files.written import READ_BY
from swin_np.checkpoints.conversion import Conversion, converted, library_of
from swin_np.checkpoints.file_names import CONFIGURATION, CONVENTIONAL, ENDINGS, PREPROCESSOR
from swin_np.checkpoints.files import is_alone, read
from swin_np.checkpoints.finding import READERS
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.hub.address import is_address
from swin_np.checkpoints.loading import identify
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
from swin_np.language import phrase
from swin_np.text import printable
from swin_np.writing import make_folder, replacing

WRITERS = {".safetensors": write_safetensors, ".npz": write_npz}
WEIGHTS = CONVENTIONAL[0]                              # in a folder, where transformers and timm look for it
DIALECTS = tuple(dict.fromkeys(name for reader in reversed(READERS) for name in reader.dialects))


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `convert` to the parser of the command line."""
    command = commands.add_parser(
        "convert", help=phrase("write a checkpoint in the names of another implementation"),
        description=phrase(
            "Write a checkpoint in the names of another implementation, the numbers unchanged, and say what that "
            "implementation has otherwise. The derived buffers that it stores (relative_position_index, attn_mask, "
            "relative_coords_table) are computed and written too, and for transformers and timm their config.json, "
            "with which AutoModelForImageClassification.from_pretrained(OUT) and "
            "timm.create_model('local-dir:OUT', pretrained=True) load the folder OUT."),
        epilog=phrase("example: {call}", call="swin-np convert swin_tiny_patch4_window7_224.pth swin_t --to timm"))
    command.add_argument("source", type=checkpoint, metavar="IN", help=phrase(
        "a checkpoint, an index of shards, or their folder; {or_address}", or_address=phrase(ADDRESS_HELP)))
    command.add_argument("target", type=Path, metavar="OUT", help=phrase(
        "a folder, in which {file} is written, or a file that ends in .safetensors or .npz", file=WEIGHTS))
    command.add_argument("--to", required=True, metavar="DIALECT",
                         help=phrase("one of {names}", names=", ".join(DIALECTS)))
    command.add_argument("--force", action="store_true", help=phrase("overwrite what OUT is to hold if it exists"))
    add_model_options(command)
    command.set_defaults(run=run_convert)


def run_convert(options: argparse.Namespace) -> None:
    """`swin-np convert`."""
    check_name("dialect", options.to, DIALECTS)
    sizes = given_sizes(options)
    in_folder = is_folder(options.target)
    weights = options.target / WEIGHTS if in_folder else options.target
    with_files = check_outputs(weights, in_folder, options)
    stored = read(on_this_disk(options.source, options))
    try:
        identified = identify(stored, **sizes)
        check_name(f"dialect of a {identified.reader.name}", options.to, identified.reader.dialects)
        conversion = converted(stored, identified, identified.reader.dialects[options.to], with_files)
    except CheckpointError as error:
        raise CheckpointError(f"{options.source}: {error}") from None
    if with_files:
        refuse_others(weights.parent, conversion.files)
    for sentence in identified.assumed:
        print(f"swin-np: {printable(sentence)}", file=sys.stderr)
    print(phrase("writing {count} tensors in the names of {dialect}", count=len(conversion.tensors),
                 dialect=options.to), file=sys.stderr)
    write(conversion, weights, in_folder, printable(name_of(options.source)))
    if options.json:
        print(json.dumps({"source": str(options.source), "source_format": stored.format,
                          "from": identified.dialect.name, "target": str(weights), "to": options.to,
                          "tensors": len(conversion.tensors), "bytes": weights.stat().st_size,
                          "files": sorted(conversion.files), "changes": conversion.changes,
                          "notes": identified.notes, "assumed": identified.assumed}))
        return
    for sentence in dict.fromkeys([*identified.notes, *conversion.changes]):
        if sentence not in identified.assumed:
            print(printable(sentence))
    print(phrase("{file}: {count} tensors in the names of {dialect}, converted from {source}, {megabytes:.1f} MB",
                 file=printable(str(weights)), count=len(conversion.tensors), dialect=options.to,
                 source=identified.dialect.name, megabytes=weights.stat().st_size / 1e6)
          + "".join(phrase("; {file} beside it", file=name) for name in sorted(conversion.files)))


def is_folder(target: Path) -> bool:
    """Whether OUT is a folder, to be made or filled: what has no ending, or is one already, but for .npz and so on."""
    return target.suffix not in WRITERS and (not target.suffix or os.path.isdir(target))


def check_outputs(weights: Path, in_folder: bool, options: argparse.Namespace) -> bool:
    """Whether config.json may be written; InputError, before the work begins, unless what is asked for can be.

    In a folder with other checkpoints a config.json is nobody's (`files.is_alone`), unless the file has the name that
    transformers and timm look for.
    """
    folder, source = weights.parent, None if is_address(options.source) else options.source
    if in_folder and not os.path.isdir(folder):
        check_new_folder(folder)
        return True
    beside = [] if source is None else [(source if os.path.isdir(source) else source.parent) / name
                                        for name in (CONFIGURATION, PREPROCESSOR)]
    read_files = [source, *beside]
    check_output(weights, read_files, options.force)
    others = sorted(name for name in os.listdir(folder) if name.endswith(ENDINGS) and name != weights.name)
    if others and weights.name not in CONVENTIONAL:
        if [folder / name for name in others] == [source] and is_alone(source) and any(
                os.path.lexists(file) for file in beside):
            raise InputError(f"{source} would no longer be the only checkpoint beside its {CONFIGURATION}, which is "
                             "read with it: choose another folder")
        return False
    needed = READ_BY.get(library_of(options.to), ())
    if others and (in_folder or needed):
        raise InputError(f"{folder} holds {', '.join(others[:5])}, which may be read in the place of {weights.name}: "
                         "choose a folder without checkpoints")
    for name in needed:
        check_output(folder / name, read_files, options.force)
    refuse_others(folder, needed)
    return True


def check_new_folder(folder: Path) -> None:
    """Raise InputError unless the folder, which is not there, can be made in one that is."""
    try:
        os.lstat(folder)
    except FileNotFoundError:
        if os.path.isdir(folder.parent) and os.access(folder.parent, os.W_OK | os.X_OK):
            return
        raise InputError(f"the folder {folder} cannot be made: choose one in a folder that exists and that you can "
                         "write to") from None
    except OSError as error:                           # its name is too long, or what it should lie in a file
        raise InputError(f"the folder {folder} cannot be made ({error.strerror}): choose another one") from None
    raise InputError(f"{folder} is a file without an ending: give a folder, or a file that ends in "
                     f"{' or '.join(WRITERS)}")


def check_output(path: Path, read_files: Iterable[Path], force: bool) -> None:
    """Raise InputError unless a file can be written there and, without --force, there is none."""
    output_file(path, [path.suffix] if path.suffix == ".json" else WRITERS, read_files)
    if os.path.lexists(path) and not force:
        raise InputError(f"{path} exists already: choose another name, or overwrite it with --force")


def refuse_others(folder: Path, written: Iterable[str]) -> None:
    """Raise InputError if the folder has a configuration that is not written, and would be taken for the model's."""
    for name in {CONFIGURATION, PREPROCESSOR} - {*written}:
        if os.path.lexists(folder / name):
            raise InputError(f"{folder / name} would be taken to be about what is written: choose another folder, or "
                             "remove it")


def write(conversion: Conversion, weights: Path, in_folder: bool, source: str) -> None:
    """Write the weights and the files beside them: all, or none."""
    made = in_folder and not os.path.isdir(weights.parent)
    # transformers and others read only files that say whose layout the tensors have, "pt" for PyTorch's
    metadata = {"format": "pt", "dialect": conversion.dialect.name, "source": source}
    if made:
        make_folder(weights.parent)
    try:
        with ExitStack() as stack:
            for name, content in conversion.files.items():
                stream = stack.enter_context(replacing(weights.parent / name))
                stream.write((json.dumps(content, indent=2) + "\n").encode())
                stream.flush()
                os.fsync(stream.fileno())              # so that a full disk shows before the weights are in place
            WRITERS[weights.suffix](weights, conversion.tensors, metadata)
    except BaseException:
        if made:
            shutil.rmtree(weights.parent, ignore_errors=True)
        raise
