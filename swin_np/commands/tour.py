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
from swin_np.commands.names import said
from swin_np.commands.options import add_json, add_seed, add_threads, check_seed, output_folder
from swin_np.commands.terminal import progress
from swin_np.functional import Array, softmax
from swin_np.language import phrase
from swin_np.parallel.pool import threads
from swin_np.preprocessing.choice import preset_for
from swin_np.systems.registry import SYSTEMS, build, image_size
from swin_np.systems.tour import MeasuredStep, walk
from swin_np.text import row, size

COLUMNS = "{:19}{:>9}{:>6}  {:>12}{:>6}{:>7}{:>13}{:>15}{:>11}"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `tour` to the parser of the command line."""
    command = commands.add_parser(
        "tour", help=phrase("run a photograph through the network, stage by stage, and draw the figures"),
        epilog=phrase("example: {call}", call="swin-np tour --variant swin_s --dtype float64 --figures figures"))
    command.add_argument("--image", type=Path, help=phrase("an image file (default: matplotlib's sample photograph)"))
    command.add_argument("--variant", default="swin_t",
                         help=phrase("one of {names} (default: {default})", names=", ".join(SYSTEMS), default="swin_t"))
    add_seed(command, phrase("random weights"))
    command.add_argument("--dtype", choices=("float32", "float64"), default="float32",
                         help=phrase("default: {default}", default="float32"))
    add_threads(command)
    command.add_argument("--figures", type=Path, metavar="FOLDER",
                         help=phrase("also draw the figures into this folder"))
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
    say(phrase("{variant} on {name} ({size} pixels, resized and cropped to {crop}), {dtype}", variant=options.variant,
               name=path.name, size=size(picture.shape[1::-1]), crop=size(batch.shape[:1:-1]), dtype=options.dtype))
    say(phrase("No checkpoint is given: the weights are random (seed {seed}) and what they say below means nothing; "
               "shapes, counts and times are real.", seed=options.seed) + "\n")
    dtype = np.dtype(options.dtype).type
    model = build(options.variant, options.seed, dtype)
    if isinstance(model, Transformer):
        say(phrase("A Transformer takes embedded tokens and no images: source and target are both the photograph's "
                   "{side}x{side} patches, each projected by a random matrix (seed 0, no part of the model), with "
                   "their positions.", side=PATCH) + "\n")
    say(row(COLUMNS, phrase("step"), phrase("map"), "C", phrase("windows"), phrase("shift"), phrase("heads"),
            phrase("parameters"), phrase("multiply-adds"), phrase("time")))
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
    say(row(COLUMNS, phrase("in all"), "", "", "", "", "", f"{result['parameters']:,}",
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
                phrase("largest of {count} logits: class {top}, probability {probability:.4f} (of random weights)",
                       count=len(last), top=top, probability=probability))
    if last.ndim == 2:
        return ({"tokens": last.shape},
                phrase("{count} tokens of {channels} channels, and no class: the linear layer and softmax after the "
                       "decoder are those of a vocabulary, which a photograph has not",
                       count=len(last), channels=last.shape[1]))
    if len(maps) == 1:
        pixels = np.bincount(last.argmax(axis=-1).ravel())              # of each class
        top, share = int(pixels.argmax()), float(pixels.max() / pixels.sum())
        return ({"top_class": top, "share_of_pixels": share},
                phrase("commonest of {count} classes among the {size} pixels: class {top}, {percent:.1f} percent of "
                       "them (of random weights)",
                       count=last.shape[-1], size=size(last.shape[:2]), top=top, percent=100 * share))
    return ({"levels": [(*step.map_size, step.channels) for step in maps]},
            phrase("{count} maps, {sizes}", count=len(maps),
                   sizes=", ".join(size((*step.map_size, step.channels)) for step in maps)))


def step_line(step: MeasuredStep) -> str:
    """One row of the tour's table."""
    windows = phrase("{count} of {size}", count=step.windows, size=size(step.window)) if step.windows else ""
    shifts = "/".join(dict.fromkeys(str(shift[0]) for shift in step.shifts))
    return row(COLUMNS, said(step.name), size(step.map_size), step.channels, windows, shifts, step.heads or "",
               f"{step.parameters:,}", f"{step.multiply_adds / 1e9:.3f} G", f"{1000 * step.seconds:.0f} ms")
