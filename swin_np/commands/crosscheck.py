"""`swin-np dump` and `swin-np crosscheck`: write a reference, and say where and why a port diverges from it."""

import argparse
import json
import os
from pathlib import Path

import numpy as np

from swin_np import images
from swin_np.checkpoints.files import mapped
from swin_np.checkpoints.formats.npz import read_npy
from swin_np.checkpoints.loading import load
from swin_np.classification import preset_of
from swin_np.commands.checkpoints import add_model_options, check_folder, given_sizes, is_same_file
from swin_np.commands.terminal import printable, progress
from swin_np.crosscheck.candidates import candidate_of, read_mapping
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference, read_reference
from swin_np.crosscheck.report import Report
from swin_np.errors import CheckpointError, InputError
from swin_np.functional import Array
from swin_np.model import SwinTransformer

AGREE, DIFFER = 0, 1                                   # exit statuses; 2 is that of an error, as of every command
IMAGE_HELP = "a picture, or a .npy array (B, 3, H, W) already normalised"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `dump` and `crosscheck` to the parser of the command line."""
    dump = commands.add_parser(
        "dump", help="write a reference: weights, images and the truth at every module, to compare a port with",
        description="Write a .npz with the weights, the images and what every larger module gives in float64. "
                    "swin-np crosscheck compares a port's numbers with it.",
        epilog="example: swin-np dump swin_tiny_patch4_window7_224.pth photo.jpg -o ref.npz")
    dump.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="of any format and dialect")
    dump.add_argument("image", type=Path, metavar="IMAGE", help=IMAGE_HELP)
    dump.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the .npz file to write")
    dump.add_argument("--points", default="", metavar="PATTERN", help="which points to store, as in a shell: "
                      "'*' for all (default: the larger modules; the others follow from the weights)")
    dump.add_argument("--preset", metavar="NAME", help="how images are resized, cropped and normalised, as of "
                      "swin-np classify")
    add_model_options(dump)
    dump.set_defaults(run=run_dump)

    check = commands.add_parser(
        "crosscheck", help="where a port diverges from the reference, and why",
        description="Compare a port's numbers with a reference, point by point and each module on its own input, and "
                    "name the mistake. Status 0: they agree, 1: they differ, 2: they cannot be compared. "
                    "swin_np/crosscheck/PORTING.md says what to dump.",
        epilog="examples: swin-np crosscheck ref.npz candidate.npz; "
               "swin-np crosscheck swin_tiny_patch4_window7_224.pth dumps/ --image photo.jpg --plot errors.png")
    check.add_argument("reference", type=Path, metavar="REFERENCE", help="a file of swin-np dump; or, with --image, a "
                       "checkpoint of any format and dialect")
    check.add_argument("candidate", type=Path, metavar="CANDIDATE",
                       help="the port's numbers: .npz, .safetensors, .pth, or a folder of .npy files")
    check.add_argument("--image", type=Path, metavar="IMAGE", help=f"with a checkpoint: {IMAGE_HELP}")
    check.add_argument("--mapping", type=Path, metavar="FILE",
                       help='JSON {"their name": "official name", ...}, for names of no known dialect')
    check.add_argument("--preset", metavar="NAME", help="as of swin-np dump")
    check.add_argument("--plot", type=Path, metavar="FILE", help="draw the errors by depth and on the image, .svg or "
                       ".png")
    add_model_options(check)
    check.set_defaults(run=run_crosscheck)


def run_dump(options: argparse.Namespace) -> None:
    """`swin-np dump`."""
    if options.output.suffix != ".npz":
        raise InputError(f"{options.output} ends in {options.output.suffix!r}, expected .npz: choose that ending")
    check_folder(options.output)
    if any(is_same_file(source, options.output) for source in (options.checkpoint, options.image)):
        raise InputError(f"{options.output} is a file that is read: choose another name")
    reference = reference_of(options.checkpoint, options.image, options)
    stored = reference.save(options.output, printable(options.checkpoint.name), options.points)
    if options.json:
        print(json.dumps({"file": str(options.output), "bytes": options.output.stat().st_size, "points": stored,
                          "images": list(reference.images.shape), "notes": options.notes}))
        return
    print(f"{printable(str(options.output))}: weights, {len(reference.images)} images and {len(stored)} of "
          f"{len(reference.points)} points, {options.output.stat().st_size / 1e6:.1f} MB")


def run_crosscheck(options: argparse.Namespace) -> int:
    """`swin-np crosscheck`; the exit status."""
    if options.plot and options.plot.suffix not in (".svg", ".png"):
        raise InputError(f"--plot {options.plot} ends in neither .svg nor .png: choose one of these endings")
    if options.plot:
        check_folder(options.plot)
    mapping = read_mapping(options.mapping) if options.mapping else None
    candidate = candidate_of(options.candidate)
    if options.image:
        reference = reference_of(options.reference, options.image, options)
    else:
        reference = read_reference(options.reference, progress)
    report = crosscheck(reference, candidate, mapping, progress)
    if options.plot:
        draw(options.plot, report)
    if options.json:
        print(json.dumps({**report.to_json(), "notes": options.notes}))
    else:
        print("\n".join(report.lines()))
    return AGREE if report.verdict == "agree" else DIFFER


def reference_of(checkpoint: Path, image: Path, options: argparse.Namespace) -> Reference:
    """The reference that a checkpoint gives on an image."""
    sizes = given_sizes(options)
    model = load(checkpoint, **sizes)
    if type(model) is not SwinTransformer:             # V2 and Swin-Mixer are among its subclasses
        raise InputError(f"{checkpoint} is a {type(model).__name__}, and the cross-check knows the first Swin "
                         "Transformer: give the checkpoint of one, or compare traces of your own (swin_np.trace)")
    if image.suffix == ".npy":
        if options.preset is not None:
            raise InputError(f"{image} is an array, which is taken as it is: leave --preset {options.preset} out")
        prepared = read_array(image)
    else:
        preset = preset_of(options.preset, checkpoint, model.config, sizes)
        prepared = images.preprocess(images.load(image), preset)
    progress("running the reference in float64 and float32")
    return Reference.of(model, prepared)


def read_array(path: Path) -> Array:
    """The images (B, 3, H, W) of a .npy file."""
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}: give the path of {IMAGE_HELP}")
    try:
        return np.asarray(read_npy(mapped(path), path.stem))
    except CheckpointError as error:
        raise InputError(f"{path}: {error}") from None


def draw(path: Path, report: Report) -> None:
    """The errors by depth and on the image, as a file."""
    from swin_np.plots.crosscheck import errors_by_depth  # here, since matplotlib takes a second to import
    from swin_np.plots.saving import save

    save(errors_by_depth(report), path)
