"""`swin-np tour`: a photograph through a network, step by step, as a table."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from swin_np import images
from swin_np.arguments.names import check_name
from swin_np.baselines.patch_sequences import PATCH
from swin_np.baselines.transformer import Transformer
from swin_np.commands.options import add_json, add_seed, add_threads, check_seed, output_folder
from swin_np.commands.terminal import progress
from swin_np.functional import Array, softmax
from swin_np.parallel.pool import threads
from swin_np.preprocessing.choice import preset_for
from swin_np.systems.registry import SYSTEMS, build, image_size
from swin_np.systems.tour import MeasuredStep, walk
from swin_np.text import size

COLUMNS = "{:19}{:>9}{:>6}  {:>12}{:>6}{:>7}{:>13}{:>15}{:>11}"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `tour` to the parser of the command line."""
    command = commands.add_parser(
        "tour", help="run a photograph through the network, stage by stage, and draw the figures",
        epilog="example: swin-np tour --variant swin_s --dtype float64 --figures figures")
    command.add_argument("--image", type=Path, help="an image file (default: matplotlib's sample photograph)")
    command.add_argument("--variant", default="swin_t", help=f"one of {', '.join(SYSTEMS)} (default: swin_t)")
    add_seed(command, "random weights")
    command.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="default: float32")
    add_threads(command)
    command.add_argument("--figures", type=Path, metavar="FOLDER", help="also draw the figures into this folder")
    add_json(command)
    command.set_defaults(run=run_tour)


def run_tour(options: argparse.Namespace) -> None:
    """`swin-np tour`."""
    check_name("variant", options.variant, SYSTEMS)
    check_seed(options.seed)
    cores = threads(options.threads)
    say = progress if options.json else print
    path = options.image or Path(images.sample_photograph())
    picture = images.load(path)
    if options.figures:
        from swin_np.plots import FIGURES, save_all  # here, since matplotlib takes a second to import

        output_folder(options.figures, FIGURES, [path])
    batch = images.preprocess(picture, preset_for("microsoft", image_size(SYSTEMS[options.variant])))
    say(f"{options.variant} on {path.name} ({picture.shape[1]}x{picture.shape[0]} pixels, resized and cropped to "
        f"{batch.shape[3]}x{batch.shape[2]}), {options.dtype}")
    say(f"No checkpoint is given: the weights are random (seed {options.seed}) and what they say below means nothing; "
        "shapes, counts and times are real.\n")
    dtype = np.dtype(options.dtype).type
    model = build(options.variant, options.seed, dtype)
    if isinstance(model, Transformer):
        say("A Transformer takes embedded tokens and no images: source and target are both the photograph's "
            f"{PATCH}x{PATCH} patches, each projected by a random matrix (seed 0, no part of the model), with their "
            "positions.\n")
    say(COLUMNS.format("step", "map", "C", "windows", "shift", "heads", "parameters", "multiply-adds", "time"))
    steps, last = [], None
    with cores:
        for step, output in walk(model, batch.astype(dtype)):
            steps.append(step)
            say(step_line(step))
            last = output[0]                           # of the one image
    found, sentence = outcome(steps, last)
    result = {"variant": options.variant, "image": str(path), "seed": options.seed, "dtype": options.dtype,
              "random_weights": True, "steps": [asdict(step) for step in steps],
              "parameters": sum(step.parameters for step in steps),
              "multiply_adds": sum(step.multiply_adds for step in steps),
              "seconds": sum(step.seconds for step in steps), **found}
    say(COLUMNS.format("in all", "", "", "", "", "", f"{result['parameters']:,}",
                            f"{result['multiply_adds'] / 1e9:.3f} G", f"{1000 * result['seconds']:.0f} ms"))
    say(f"\n{sentence}")
    if options.figures:
        say("")
        result["figures"] = [str(file) for file in save_all(options.figures, say)]
    if options.json:
        print(json.dumps(result))


def outcome(steps: list[MeasuredStep], last: Array) -> tuple[dict[str, object], str]:
    """What the model gives for one image, as entries of the result and as a sentence.

    last: the output of the last step: logits (num_classes,), tokens (n, d_model), scores of pixels
    (H, W, num_classes), or the last of a pyramid's levels (h, w, channels).
    """
    maps = [step for step in steps if step.stage]
    if last.ndim == 1:
        top, probability = int(last.argmax()), float(softmax(last).max())
        return ({"top_class": top, "top_probability": probability},
                f"largest of {len(last)} logits: class {top}, probability {probability:.4f} (of random weights)")
    if last.ndim == 2:
        return ({"tokens": last.shape},
                f"{len(last)} tokens of {last.shape[1]} channels, and no class: the linear layer and softmax after the "
                "decoder are those of a vocabulary, which a photograph has not")
    if len(maps) == 1:
        pixels = np.bincount(last.argmax(axis=-1).ravel())              # of each class
        top, share = int(pixels.argmax()), float(pixels.max() / pixels.sum())
        return ({"top_class": top, "share_of_pixels": share},
                f"commonest of {last.shape[-1]} classes among the {size(last.shape[:2])} pixels: class {top}, "
                f"{100 * share:.1f} percent of them (of random weights)")
    return ({"levels": [(*step.map_size, step.channels) for step in maps]},
            f"{len(maps)} maps, {', '.join(size((*step.map_size, step.channels)) for step in maps)}")


def step_line(step: MeasuredStep) -> str:
    """One row of the tour's table."""
    windows = f"{step.windows} of {size(step.window)}" if step.windows else ""
    shifts = "/".join(dict.fromkeys(str(shift[0]) for shift in step.shifts))
    return COLUMNS.format(step.name, size(step.map_size), step.channels, windows, shifts, step.heads or "",
                               f"{step.parameters:,}", f"{step.multiply_adds / 1e9:.3f} G",
                               f"{1000 * step.seconds:.0f} ms")
