"""`swin-np crosscheck`: say where and why a port diverges from a reference."""

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path

from swin_np.commands.dump import IMAGE_HELP, reference_of
from swin_np.commands.options import (
    ADDRESS_HELP,
    FIGURE,
    PAGE,
    add_model_options,
    add_plot,
    checkpoint,
    name_of,
    output_file,
)
from swin_np.commands.terminal import erase_bar, progress, time_bar
from swin_np.crosscheck import onnx_models
from swin_np.crosscheck.arithmetic.schemes import FLOAT32
from swin_np.crosscheck.arithmetic.sensitivity import sensitivity
from swin_np.crosscheck.baseline import read_baseline, summary, worse
from swin_np.crosscheck.candidates import Candidate, candidate_of, read_mapping
from swin_np.crosscheck.clock import SECONDS, Clock
from swin_np.crosscheck.live import is_live, live_candidate
from swin_np.crosscheck.page import page
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference, read_reference
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.language import phrase
from swin_np.text import printable
from swin_np.writing import write_text

AGREE, DIFFER = 0, 1                                   # exit statuses; 2 is that of an error, as of every command


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `crosscheck` to the parser of the command line."""
    command = commands.add_parser(
        "crosscheck", help=phrase("where a port diverges from the reference, and why"),
        description=phrase(
            "Compare a port's numbers with a reference, point by point and each module on its own input, and name the "
            "mistake. Status 0: they agree, 1: they differ, 2: they cannot be compared; with --baseline 0: nothing is "
            "worse than it was, 1: something is. swin_np/crosscheck/PORTING.md says what to dump."),
        epilog=phrase(
            "examples: {calls}",
            calls="swin-np crosscheck ref.npz candidate.npz; "
                  "swin-np crosscheck swin_tiny_patch4_window7_224.pth dumps/ --image photo.jpg --html report.html; "
                  "swin-np crosscheck swin_tiny_patch4_window7_224.pth port.onnx --image photo.jpg; "
                  "swin-np crosscheck swin_tiny_patch4_window7_224.pth timm:swin_tiny_patch4_window7_224 "
                  "--image photo.jpg"))
    command.add_argument("reference", type=checkpoint, metavar="REFERENCE", help=phrase(
        "a file of swin-np dump; or, with --image, a checkpoint of any format and dialect, {or_address}",
        or_address=phrase(ADDRESS_HELP)))
    command.add_argument("candidate", type=candidate, metavar="CANDIDATE", help=phrase(
        "the port's numbers: .npz, .safetensors, .pth, or a folder of .npy files; the port itself as .onnx, which is "
        "run on the reference's images; or a library's model, which gets the reference's weights: timm:NAME, "
        "torchvision:NAME, or transformers:REPOSITORY_OR_FOLDER"))
    command.add_argument("--image", type=Path, metavar="IMAGE",
                         help=phrase("with a checkpoint: {image}", image=phrase(IMAGE_HELP)))
    command.add_argument("--mapping", type=Path, metavar="FILE", help=phrase(
        'JSON {"their name": "official name", ...}, for names of no known dialect'))
    command.add_argument("--preset", metavar="NAME", help=phrase("as of swin-np dump"))
    add_plot(command, phrase("the errors by depth and on the image"))
    command.add_argument("--html", type=Path, metavar="FILE", help=phrase(
        "write the report as one page that needs no network: the modules as a coloured tree, the first divergence as "
        "pictures, the findings"))
    command.add_argument("--wanted-error", type=error_of_logits, metavar="ERROR", help=phrase(
        "where the port rounds more than float32: rank the layers by what that costs each, and say which have to stay "
        "in float32 for this relative error of the logits, as 0.01"))
    command.add_argument("--seconds", type=seconds, default=SECONDS, metavar="N", help=phrase(
        "how long to look for causes (default: {seconds:g}); what is left open then is told, and which points to dump "
        "next", seconds=SECONDS))
    command.add_argument("--baseline", type=Path, metavar="FILE", help=phrase(
        "what --json printed for an earlier build: say what is worse than it was"))
    add_model_options(command)
    command.set_defaults(run=run_crosscheck)


def run_crosscheck(options: argparse.Namespace) -> int:
    """`swin-np crosscheck`; the exit status."""
    given = None if is_live(str(options.candidate)) else options.candidate
    read_files = [options.reference, given, options.image, options.mapping, options.baseline]
    output_file(options.plot, FIGURE, read_files)
    output_file(options.html, PAGE, read_files)
    mapping = read_mapping(options.mapping) if options.mapping else None
    earlier = read_baseline(options.baseline) if options.baseline else None
    is_onnx = given is not None and given.suffix == onnx_models.ENDING
    if is_onnx:
        onnx_models.packages(given)                    # before the work begins
    numbers = None if given is None or is_onnx else candidate_of(given)
    reference = the_reference(options)
    report = crosscheck(reference, numbers or run(options.candidate, reference), mapping, progress,
                        Clock(options.seconds, lambda passed: time_bar(passed, options.seconds)))
    erase_bar()
    result, ranking = report.to_json(), None
    if options.wanted_error and report.noise.arithmetic == FLOAT32:
        options.notes.append("The candidate's arithmetic is float32: there are no layers to rank by what they cost.")
    elif options.wanted_error:
        ranking = sensitivity(reference, report.noise.arithmetic, options.wanted_error, progress)
        result["sensitivity"] = asdict(ranking)
    got_worse = None if earlier is None else worse(summary(result), earlier)
    if options.json:
        print(json.dumps({**result, "notes": [*report.notes, *options.notes],
                          **({} if got_worse is None else {"worse": got_worse})}))
    else:
        layers = ["", *ranking.lines()] if ranking else []
        print("\n".join([*report.lines(), *layers, *against(options.baseline, got_worse)]))
    if options.html:
        name = options.candidate if given is None else name_of(given)
        write_text(page(report, name_of(options.reference), name, options.notes, got_worse), options.html)
    if options.plot:
        from swin_np.plots.crosscheck import errors_by_depth  # here, since matplotlib takes a second to import
        from swin_np.plots.saving import save

        save(errors_by_depth(report), options.plot)
    if got_worse is not None:
        return DIFFER if got_worse else AGREE
    return AGREE if report.verdict == "agree" else DIFFER


def error_of_logits(text: str) -> float:
    """The type of --wanted-error: a number above 0."""
    return above_0(text, "a relative error above 0, such as 0.01")


def seconds(text: str) -> float:
    """The type of --seconds: a number above 0."""
    return above_0(text, "a number of seconds above 0, such as 60")


def above_0(text: str, expected: str) -> float:
    """The number in an argument; ArgumentTypeError for none, and for one that is not above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} was given, expected {expected}")
    return value


def images_of(reference: Reference) -> Array:
    """The images on which a port has to be run; InputError for a trace that holds none."""
    if "input" not in reference.points:
        raise InputError("the reference is a trace without its images, on which the ONNX file would be run: give a "
                         "reference of swin-np dump, or a checkpoint and --image")
    return reference.points["input"]


def candidate(text: str) -> Path | str:
    """The type of the argument: a path, or the name of a library's model."""
    return text if is_live(text) else Path(text)


def the_reference(options: argparse.Namespace) -> Reference:
    """The reference of a checkpoint and an image, or of a file of its own."""
    if options.image:
        return reference_of(options.reference, options.image, options)
    return read_reference(options.reference, progress)


def run(source: Path | str, reference: Reference) -> Candidate:
    """The numbers of a library's model or of an ONNX file, on the reference's images."""
    progress(phrase("running {candidate}", candidate=printable(str(source))))
    return live_candidate(source, reference) if is_live(str(source)) else onnx_models.record(
        source, images_of(reference))


def against(baseline: Path | None, got_worse: list[str] | None) -> list[str]:
    """The lines on an earlier report."""
    if got_worse is None:
        return []
    name = printable(str(baseline))
    return ["", *(f"Worse than {name}: {printable(sentence)}" for sentence in got_worse)] if got_worse else [
        "", f"Nothing is worse than in {name}."]
