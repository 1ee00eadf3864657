"""`swin-np dump`: write the reference that `swin-np crosscheck` compares a port with."""

import argparse
import json
import os
from pathlib import Path

import numpy as np

from swin_np import images
from swin_np.checkpoints.files import mapped, read
from swin_np.checkpoints.formats.npz import read_npy
from swin_np.checkpoints.loading import load
from swin_np.classification import preset_of
from swin_np.commands.options import (
    ADDRESS_HELP,
    add_model_options,
    checkpoint,
    given_sizes,
    name_of,
    on_this_disk,
    output_file,
)
from swin_np.commands.terminal import progress
from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.reference import Reference
from swin_np.errors import CheckpointError, InputError
from swin_np.functional import Array
from swin_np.language import phrase
from swin_np.text import printable

IMAGE_HELP = "a picture, or a .npy array (B, 3, H, W) already normalised"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `dump` to the parser of the command line."""
    command = commands.add_parser(
        "dump", help=phrase("write a reference: weights, images and the truth at every module, to compare a port with"),
        description=phrase(
            "Write a .npz with the weights, the images and what every larger module gives in float64. swin-np "
            "crosscheck compares a port's numbers with it."),
        epilog=phrase("example: {call}", call="swin-np dump swin_tiny_patch4_window7_224.pth photo.jpg -o ref.npz"))
    command.add_argument("checkpoint", type=checkpoint, metavar="CHECKPOINT", help=phrase(
        "of any format and dialect; {or_address}", or_address=phrase(ADDRESS_HELP)))
    command.add_argument("image", type=Path, metavar="IMAGE", help=phrase(IMAGE_HELP))
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                         help=phrase("the .npz file to write"))
    command.add_argument("--points", default="", metavar="PATTERN", help=phrase(
        "which points to store, as in a shell: '*' for all (default: the larger modules; the others follow from the "
        "weights)"))
    command.add_argument("--preset", metavar="NAME", help=phrase(
        "how images are resized, cropped and normalised, as of swin-np classify"))
    add_model_options(command)
    command.set_defaults(run=run_dump)


def run_dump(options: argparse.Namespace) -> None:
    """`swin-np dump`."""
    output_file(options.output, [".npz"], [options.checkpoint, options.image])
    reference = reference_of(options.checkpoint, options.image, options)
    stored = reference.save(options.output, printable(name_of(options.checkpoint)), options.points)
    if options.json:
        print(json.dumps({"file": str(options.output), "bytes": options.output.stat().st_size, "points": stored,
                          "images": list(reference.images.shape), "notes": options.notes}))
        return
    print(phrase("{file}: weights, {images} images and {stored} of {all} points, {megabytes:.1f} MB",
                 file=printable(str(options.output)), images=len(reference.images), stored=len(stored),
                 all=len(reference.points), megabytes=options.output.stat().st_size / 1e6))


def reference_of(source: Path | str, image: Path, options: argparse.Namespace) -> Reference:
    """The reference that a checkpoint gives on an image."""
    sizes = given_sizes(options)
    path = on_this_disk(source, options)
    model = load(path, **sizes)
    checked(model.config)
    if image.suffix == ".npy":
        if options.preset is not None:
            raise InputError(f"{image} is an array, which is taken as it is: leave --preset {options.preset} out")
        prepared = read_array(image)
    else:
        preset = preset_of(options.preset, read(path), model.config, sizes)
        prepared = images.preprocess(images.load(image), preset)
    progress(phrase("running the reference in float64 and float32"))
    return Reference.of(model, prepared)


def read_array(path: Path) -> Array:
    """The images (B, 3, H, W) of a .npy file."""
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}: give the path of {IMAGE_HELP}")
    try:
        return np.asarray(read_npy(mapped(path), path.stem))
    except CheckpointError as error:
        raise InputError(f"{path}: {error}") from None
