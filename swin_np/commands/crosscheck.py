"""`swin-np crosscheck`: say where and why a port diverges from a reference."""

import argparse
import json
from pathlib import Path

from swin_np.commands.dump import IMAGE_HELP, reference_of
from swin_np.commands.options import ADDRESS_HELP, FIGURE, add_model_options, add_plot, checkpoint, output_file
from swin_np.commands.terminal import progress
from swin_np.crosscheck import onnx_models
from swin_np.crosscheck.candidates import candidate_of, read_mapping
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference, read_reference
from swin_np.errors import InputError
from swin_np.functional import Array

AGREE, DIFFER = 0, 1                                   # exit statuses; 2 is that of an error, as of every command


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `crosscheck` to the parser of the command line."""
    command = commands.add_parser(
        "crosscheck", help="where a port diverges from the reference, and why",
        description="Compare a port's numbers with a reference, point by point and each module on its own input, and "
                    "name the mistake. Status 0: they agree, 1: they differ, 2: they cannot be compared. "
                    "swin_np/crosscheck/PORTING.md says what to dump.",
        epilog="examples: swin-np crosscheck ref.npz candidate.npz; "
               "swin-np crosscheck swin_tiny_patch4_window7_224.pth dumps/ --image photo.jpg --plot errors.png; "
               "swin-np crosscheck swin_tiny_patch4_window7_224.pth port.onnx --image photo.jpg")
    command.add_argument("reference", type=checkpoint, metavar="REFERENCE",
                         help="a file of swin-np dump; or, with --image, a checkpoint of any format and dialect, "
                              f"{ADDRESS_HELP}")
    command.add_argument("candidate", type=Path, metavar="CANDIDATE",
                         help="the port's numbers: .npz, .safetensors, .pth, or a folder of .npy files; or the port "
                              "itself as .onnx, which is run on the reference's images")
    command.add_argument("--image", type=Path, metavar="IMAGE", help=f"with a checkpoint: {IMAGE_HELP}")
    command.add_argument("--mapping", type=Path, metavar="FILE",
                         help='JSON {"their name": "official name", ...}, for names of no known dialect')
    command.add_argument("--preset", metavar="NAME", help="as of swin-np dump")
    add_plot(command, "the errors by depth and on the image")
    add_model_options(command)
    command.set_defaults(run=run_crosscheck)


def run_crosscheck(options: argparse.Namespace) -> int:
    """`swin-np crosscheck`; the exit status."""
    output_file(options.plot, FIGURE, [options.reference, options.candidate, options.image, options.mapping])
    mapping = read_mapping(options.mapping) if options.mapping else None
    is_onnx = options.candidate.suffix == onnx_models.ENDING
    if is_onnx:
        onnx_models.packages(options.candidate)        # before the work begins
    else:
        candidate = candidate_of(options.candidate)
    if options.image:
        reference = reference_of(options.reference, options.image, options)
    else:
        reference = read_reference(options.reference, progress)
    if is_onnx:
        progress("running the ONNX file on the same images")
        candidate = onnx_models.record(options.candidate, images_of(reference))
    report = crosscheck(reference, candidate, mapping, progress)
    if options.json:
        print(json.dumps({**report.to_json(), "notes": options.notes}))
    else:
        print("\n".join(report.lines()))
    if options.plot:
        from swin_np.plots.crosscheck import errors_by_depth  # here, since matplotlib takes a second to import
        from swin_np.plots.saving import save

        save(errors_by_depth(report), options.plot)
    return AGREE if report.verdict == "agree" else DIFFER


def images_of(reference: Reference) -> Array:
    """The images on which a port has to be run; InputError for a trace that holds none."""
    if "input" not in reference.points:
        raise InputError("the reference is a trace without its images, on which the ONNX file would be run: give a "
                         "reference of swin-np dump, or a checkpoint and --image")
    return reference.points["input"]
