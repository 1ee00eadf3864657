"""The command line, `swin-np` or `python -m swin_np`: it prints results, or one sentence on what was wrong."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from swin_np import __version__, checkpoint_commands, classification, complexity, images
from swin_np.errors import InputError, SwinError
from swin_np.functional import softmax
from swin_np.model import VARIANTS, SwinConfig, build
from swin_np.names import check_name
from swin_np.parallel import threads
from swin_np.terminal import printable
from swin_np.tour import Step, walk

STEP_COLUMNS = "{:19}{:>9}{:>6}  {:>12}{:>6}{:>7}{:>13}{:>15}{:>11}"
LAYER_COLUMNS = "{:32}{:>11}{:>17}{:>13}{:>15}{:>11}"


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    top = argparse.ArgumentParser(
        prog="swin-np", description="Swin Transformer in pure NumPy: a forward-only reference implementation.",
        epilog="example: swin-np tour --variant swin_t --image photo.jpg")
    top.add_argument("--version", action="version", version=f"swin_np {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    tour = commands.add_parser(
        "tour", help="run a photograph through the network, stage by stage, and draw the first figures",
        epilog="example: swin-np tour --variant swin_s --dtype float64 --figures figures")
    tour.add_argument("--image", type=Path, help="an image file (default: matplotlib's sample photograph)")
    tour.add_argument("--variant", default="swin_t", help=f"one of {', '.join(VARIANTS)} (default: swin_t)")
    tour.add_argument("--seed", type=int, default=0, help="seed of the random weights (default: 0)")
    tour.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="default: float32")
    tour.add_argument("--threads", type=int, help="cores to use (default: all, or what SWIN_NP_THREADS says)")
    tour.add_argument("--figures", type=Path, metavar="FOLDER", help="also draw the figures into this folder")
    tour.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    tour.set_defaults(run=run_tour)

    info = commands.add_parser(
        "info", help="parameters, multiply-adds and activation bytes of a variant",
        epilog="example: swin-np info swin_b_384 --layers")
    info.add_argument("variant", metavar="VARIANT", help=f"one of {', '.join(VARIANTS)}")
    info.add_argument("--image-size", type=int, nargs=2, metavar=("H", "W"), help="pixels (default: the variant's own)")
    info.add_argument("--layers", action="store_true", help="every layer, not only the stages")
    info.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    info.set_defaults(run=run_info)

    checkpoint_commands.add_commands(commands)
    classification.add_commands(commands)
    return top


def run_tour(options: argparse.Namespace) -> None:
    """`swin-np tour`."""
    check_name("variant", options.variant, VARIANTS)
    if options.seed < 0:
        raise InputError(f"seed {options.seed} is negative: give 0 or more")
    say = progress if options.json else print
    path = options.image or Path(images.sample_photograph())
    picture = images.load(path)
    config = VARIANTS[options.variant]
    batch = images.preprocess(picture, images.PRESETS[f"microsoft{'_384' * (config.img_size[0] == 384)}"])
    say(f"{options.variant} on {path.name} ({picture.shape[1]}x{picture.shape[0]} pixels, resized and cropped to "
        f"{batch.shape[3]}x{batch.shape[2]}), {options.dtype}")
    say(f"No checkpoint is given: the weights are random (seed {options.seed}) and the class below means nothing; "
        "shapes, counts and times are real.\n")
    dtype = np.dtype(options.dtype).type
    model = build(options.variant, options.seed, dtype)
    say(STEP_COLUMNS.format("step", "map", "C", "windows", "shift", "heads", "parameters", "multiply-adds", "time"))
    steps, logits = [], None
    with threads(options.threads):
        for step, output in walk(model, batch.astype(dtype)):
            steps.append(step)
            say(step_line(step))
            logits = output[0]                         # after the last step (num_classes,)
    result = {"variant": options.variant, "image": str(path), "seed": options.seed, "dtype": options.dtype,
              "random_weights": True, "steps": [asdict(step) for step in steps],
              "parameters": sum(step.parameters for step in steps),
              "multiply_adds": sum(step.multiply_adds for step in steps),
              "seconds": sum(step.seconds for step in steps),
              "top_class": int(logits.argmax()), "top_probability": float(softmax(logits).max())}
    say(STEP_COLUMNS.format("in all", "", "", "", "", "", f"{result['parameters']:,}",
                            f"{result['multiply_adds'] / 1e9:.3f} G", f"{1000 * result['seconds']:.0f} ms"))
    say(f"\nlargest of {len(logits)} logits: class {result['top_class']}, probability {result['top_probability']:.4f} "
        "(of random weights)")
    if options.figures:
        from swin_np.plots import save_all  # here, since matplotlib takes a second to import

        say("")
        result["figures"] = [str(file) for file in save_all(options.figures, say)]
    if options.json:
        print(json.dumps(result))


def step_line(step: Step) -> str:
    """One row of the tour's table."""
    windows = f"{step.windows} of {size(step.window)}" if step.windows else ""
    shifts = "/".join(dict.fromkeys(str(shift[0]) for shift in step.shifts))
    return STEP_COLUMNS.format(step.name, size(step.map_size), step.channels, windows, shifts, step.heads or "",
                               f"{step.parameters:,}", f"{step.multiply_adds / 1e9:.3f} G",
                               f"{1000 * step.seconds:.0f} ms")


def size(sides: tuple[int, ...]) -> str:
    """(56, 56) -> '56x56'."""
    return "x".join(map(str, sides))


def run_info(options: argparse.Namespace) -> None:
    """`swin-np info`."""
    check_name("variant", options.variant, VARIANTS)
    config = VARIANTS[options.variant]
    image_size = tuple(options.image_size or config.img_size)
    costs = complexity.layer_costs(config, image_size)
    total = complexity.total(costs)
    if options.json:
        print(json.dumps({"variant": options.variant, "image_size": image_size, "config": asdict(config),
                          **asdict(total), "layers": [asdict(cost) for cost in costs]}))
        return
    print(f"{options.variant} at {size(image_size)}, for one float32 image: embedding C = {config.embed_dim}, depths "
          f"{config.depths}, heads {config.num_heads}, window {size(config.window_size)}")
    print(LAYER_COLUMNS.format("layer" if options.layers else "part", "kind" if options.layers else "", "output",
                               "parameters", "multiply-adds", "written"))
    every = [(cost.name, cost.kind, cost.output_shape, cost) for cost in costs]
    for row in every if options.layers else parts(config, costs):
        print(cost_line(*row))
    print(cost_line("in all", "", (), total))


def parts(config: SwinConfig, costs: list[complexity.LayerCost]):
    """The layers summed up by stage: rows of (name, kind, output shape, cost)."""
    prefixes = ["patch_embed"]
    for i in range(len(config.depths)):
        prefixes += [f"layers.{i}.blocks", f"layers.{i}.downsample"]
    for prefix in [*prefixes, "norm", "head"]:
        mine = [cost for cost in costs if cost.name.startswith(prefix)]
        if mine:
            yield prefix, "", mine[-1].output_shape, complexity.total(mine)


def cost_line(name: str, kind: str, shape: tuple[int, ...], cost: complexity.LayerCost | complexity.TotalCost) -> str:
    """One row of the table of costs."""
    return LAYER_COLUMNS.format(name, kind, size(shape), f"{cost.parameters:,}", f"{cost.multiply_adds / 1e9:.4f} G",
                                f"{cost.activation_bytes / 2 ** 20:.2f} MiB")


def progress(line: str) -> None:
    """Say what is going on beside the result, which goes to standard output."""
    print(line, file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it worked, 2 (and one sentence on standard error) if the user's input did not allow it."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except SwinError as error:
        print(f"swin-np: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:                            # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("swin-np: interrupted", file=sys.stderr)
        return 130
    return 0
