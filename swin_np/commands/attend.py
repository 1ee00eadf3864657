"""`swin-np attend`: what the token at a pixel of a photograph attends to, drawn on the photograph."""

import argparse
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np

from swin_np import images
from swin_np.arguments.names import check_name
from swin_np.attribution.attention_maps import Attending, BlockAttention, attentions, check_attends, in_words
from swin_np.attribution.rollout import rollout
from swin_np.checkpoints.files import read
from swin_np.checkpoints.loading import load
from swin_np.classification import preset_of
from swin_np.commands.names import said
from swin_np.commands.options import (
    ADDRESS_HELP,
    FIGURE,
    add_model_options,
    add_threads,
    checkpoint,
    given_sizes,
    on_this_disk,
    output_file,
)
from swin_np.errors import ConfigurationError, InputError
from swin_np.images import PRESETS, Preset
from swin_np.language import phrase
from swin_np.parallel.pool import threads
from swin_np.preprocessing.choice import named_preset
from swin_np.systems.registry import build
from swin_np.text import size

RANDOM = "No checkpoint is given: the weights are random, and the picture means nothing."
VARIANT = "swin_t"                                     # of the random weights


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `attend` to the parser of the command line."""
    command = commands.add_parser(
        "attend", help=phrase("what the token at a pixel attends to, drawn on the photograph"),
        description=phrase(
            "Draw what the token at a pixel of a photograph attends to in one block, head by head, with its window; "
            "roll, windows and padding are undone. For Swin Transformer, Swin V2, ViT and DeiT."),
        epilog=phrase("example: {call}", call="swin-np attend photo.jpg --at 120,80 --checkpoint "
                      "swin_tiny_patch4_window7_224.pth --stage 3 --block 2 -o attention.png"))
    command.add_argument("image", type=Path, metavar="PHOTO", help=phrase("an image file"))
    command.add_argument("--at", required=True, metavar="X,Y", help=phrase(
        "column and row of a pixel of the upright photograph, counted from 0 at the top left"))
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                         help=phrase("the picture, .svg or .png"))
    command.add_argument("--checkpoint", type=checkpoint, metavar="FILE", help=phrase(
        "of any format and dialect; {or_address} (default: Swin-T with random weights)",
        or_address=phrase(ADDRESS_HELP)))
    command.add_argument("--preset", metavar="NAME", help=phrase(
        "how images are resized, cropped and normalised (default: as for swin-np classify)"))
    command.add_argument("--stage", type=int, help=phrase("counted from 1; a ViT has one (default: 1)"))
    command.add_argument("--block", type=int, help=phrase(
        "of the stage, counted from 1; every second is shifted (default: 1)"))
    command.add_argument("--head", type=int, help=phrase("counted from 1 (default: all heads and their mean)"))
    command.add_argument("--rollout", action="store_true", help=phrase(
        "draw what the token holds of the image after each stage, by attention rollout"))
    add_threads(command)
    add_model_options(command)
    command.set_defaults(run=run_attend)


def run_attend(options: argparse.Namespace) -> None:
    """`swin-np attend`."""
    at = place_of(options.at)
    if options.preset is not None:
        check_name("preset", options.preset, PRESETS)
    if options.rollout and (options.stage, options.block, options.head) != (None, None, None):
        raise InputError("--rollout goes through all stages, blocks and heads: leave --stage, --block and --head out")
    cores, sizes = threads(options.threads), given_sizes(options)
    if options.checkpoint is None and any(sizes.values()):
        raise InputError("options of a checkpoint were given without one: give --checkpoint FILE, or leave them out")
    output_file(options.output, FIGURE, [options.image, options.checkpoint])
    photograph = images.load(options.image)
    if options.checkpoint is None:
        model = build(VARIANT)
        preset = PRESETS["microsoft"] if options.preset is None else named_preset(options.preset, model.config)
    else:
        path = on_this_disk(options.checkpoint, options)
        model = load(path, **sizes)
        check_model(model)
        preset = preset_of(options.preset, read(path), model.config, sizes)
    pixel = images.place_in_crop(photograph.shape[:2], preset, at)
    with cores:
        stages = attentions(model, images.preprocess(photograph, preset).astype(model.dtype))
    seen, note = images.resize_and_crop(photograph, preset), "" if options.checkpoint else RANDOM
    from swin_np.plots import attention_on_image, rollout_by_stage, save  # here, since matplotlib takes a second

    if options.rollout:
        found = rollout_values(stages, pixel)
        figure = rollout_by_stage(seen, stages, pixel, note)
    else:
        block, head = chosen(stages, options)
        found = attention_values(block, pixel, head)
        figure = attention_on_image(seen, block, block.place(pixel), head, note)
    save(figure, options.output)
    report(options, preset, at, found, note)


def place_of(text: str) -> tuple[int, int]:
    """'120,80' -> (80, 120), row and column; InputError for anything else."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text, re.ASCII)
    if not found:
        raise InputError(f"--at {text!r} was given: give the column and the row of a pixel, such as 120,80")
    return int(found[2]), int(found[1])


def check_model(model: Attending) -> None:
    """Raise ConfigurationError for a model without attention on a map, or not for images with three colours."""
    check_attends(model)
    if model.config.in_chans != 3:
        raise ConfigurationError(f"the model takes images of {model.config.in_chans} channels, and images are prepared "
                                 "with red, green and blue: take a checkpoint for these, or use swin_np.attribution")


def chosen(stages: list[list[BlockAttention]], options: argparse.Namespace) -> tuple[BlockAttention, list[int] | None]:
    """The block that is asked for, and the heads, counted from 0, None for all; InputError for what is not there."""
    stage = number_of("--stage", 1 if options.stage is None else options.stage, len(stages))
    blocks = stages[stage]
    block = blocks[number_of("--block", 1 if options.block is None else options.block, len(blocks))]
    return block, None if options.head is None else [number_of("--head", options.head, block.heads)]


def number_of(option: str, number: int, count: int) -> int:
    """A stage, block or head counted from 1, counted from 0; InputError if it is not there."""
    if not 1 <= number <= count:
        raise InputError(f"{option} {number} was given, there are {count}: give one from 1 to {count}")
    return number - 1


def attention_values(block: BlockAttention, pixel: tuple[int, int], heads: list[int] | None) -> dict[str, object]:
    """The weights of the keys in the token's window, for each head, and what is off the map."""
    place = block.place(pixel)
    row, window, off = block.row(*place), block.window(*place), block.off_the_map(*place)
    which = range(block.heads) if heads is None else heads
    return {"block": block.name, "map_size": block.map_size, "token": place, "shift": block.shift,
            "keys": np.argwhere(window).tolist(), "heads": [head + 1 for head in which],
            "weights": [row[head][window].tolist() for head in which],
            "off_the_map": [float(off[head]) for head in which]}


def rollout_values(stages: list[list[BlockAttention]], pixel: tuple[int, int]) -> dict[str, object]:
    """What the token at the pixel holds of the first map after each stage, and what is classified."""
    places = [stage[0].place(pixel) for stage in stages]
    held = [rollout(stages, i, place) for i, place in enumerate(places)] + [rollout(stages, len(stages) - 1)]
    return {"map_size": stages[0][0].map_size, "tokens": places,
            "rollout": [of_stage.weights.tolist() for of_stage in held[:-1]],
            "classified": held[-1].weights.tolist(), "off_the_map": [of_stage.off_the_map for of_stage in held]}


def report(options: argparse.Namespace, preset: Preset, at: tuple[int, int], found: dict, note: str) -> None:
    """The result as JSON, or in a few lines."""
    if options.json:
        print(json.dumps({"image": str(options.image), "at": (at[1], at[0]),
                          "checkpoint": options.checkpoint and str(options.checkpoint), "random_weights": bool(note),
                          "preset": asdict(preset), **found, "output": str(options.output), "notes": options.notes}))
        return
    if note:
        print(phrase(note))
    print(phrase("preset {name}: {steps}", name=preset.name, steps=preset.described()))
    if options.rollout:
        print(phrase("rollout to {size} tokens from tokens {places}", size=size(found["map_size"]),
                     places=", ".join(map(str, found["tokens"]))))
    else:
        print(phrase("{block}: token {place} of {size} attends to {count} tokens", block=said(in_words(found["block"])),
                     place=found["token"], size=size(found["map_size"]), count=len(found["keys"])))
        for head, weights in zip(found["heads"], found["weights"], strict=True):
            strongest = int(np.argmax(weights))
            print("  " + phrase("head {head:2}: most, {percent:.1f} %, to {place}", head=head,
                                percent=100 * weights[strongest], place=tuple(found["keys"][strongest])))
    print(phrase("written: {file}", file=options.output))
