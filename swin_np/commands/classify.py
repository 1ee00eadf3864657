"""`swin-np classify`: the most probable classes of images, by a checkpoint."""

import argparse
import csv
import io
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from swin_np import images
from swin_np.arguments.names import check_name
from swin_np.checkpoints.file_names import CONFIGURATION
from swin_np.checkpoints.files import read
from swin_np.checkpoints.loading import load
from swin_np.classification import IMAGENET_22K, RankedClass, check_head, classify, names_of, preset_of
from swin_np.commands.options import (
    ADDRESS_HELP,
    FIGURE,
    TABLE,
    add_model_options,
    add_plot,
    add_threads,
    checkpoint,
    given_sizes,
    on_this_disk,
    output_file,
)
from swin_np.commands.terminal import with_progress
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.images import PRESETS, Preset
from swin_np.language import phrase
from swin_np.parallel.pool import threads
from swin_np.text import printable
from swin_np.writing import write_text

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
DRAWN, LONGEST_DRAWN = 5, 40                           # classes in the bar chart, characters of a name in it


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `classify` to the parser of the command line."""
    command = commands.add_parser(
        "classify", help=phrase("the most probable classes of images, by a checkpoint"),
        description=phrase(
            "The most probable classes of images, by the names that config.json beside the checkpoint gives. Other "
            "checkpoints of 1000 classes are taken for ImageNet-1k's and get its names; of the rest the numbers are "
            "printed."),
        epilog=phrase("example: {call}", call="swin-np classify photo.jpg --checkpoint "
                      "swin_tiny_patch4_window7_224.pth --plot photo.svg"))
    command.add_argument("images", nargs="*", type=Path, metavar="IMAGE", help=phrase(
        "image files, and folders of them (default: matplotlib's sample photograph)"))
    command.add_argument("--checkpoint", type=checkpoint, required=True, metavar="FILE", help=phrase(
        "of any format and dialect; {or_address}", or_address=phrase(ADDRESS_HELP)))
    command.add_argument("--preset", metavar="NAME", help=phrase(
        "how images are resized, cropped and normalised, one of {names} (default: as preprocessor_config.json or "
        "timm's config.json beside the checkpoint says, else as its implementation does, where that is known)",
        names=", ".join(PRESETS)))
    command.add_argument("--top", type=int, default=5, help=phrase("how many classes (default: 5)"))
    add_plot(command, phrase("one image and its classes"))
    command.add_argument("--csv", type=Path, metavar="FILE", help=phrase("also write the result as a table, .csv"))
    add_threads(command)
    add_model_options(command)
    command.set_defaults(run=run_classify)


def run_classify(options: argparse.Namespace) -> None:
    """`swin-np classify`."""
    if options.preset is not None:
        check_name("preset", options.preset, PRESETS)
    if options.top < 1:
        raise InputError(f"--top {options.top} was given: ask for at least one class")
    cores = threads(options.threads)
    paths = image_files(options.images or [Path(images.sample_photograph())])
    check_outputs(options, paths)
    sizes = given_sizes(options)
    path = on_this_disk(options.checkpoint, options)
    model = load(path, **sizes)
    check_head(model, options.top)
    stored, count = read(path), model.config.num_classes
    preset = preset_of(options.preset, stored, model.config, sizes)
    names, named_by = names_of(stored.labels, count)

    ranked: dict[Path, list[RankedClass]] = {}
    failures: dict[Path, str] = {}
    with cores:
        for path in with_progress(paths, phrase("images")):
            try:
                image = images.load(path)
            except InputError as error:
                if len(paths) == 1:
                    raise
                failures[path] = str(error)
            else:
                ranked[path] = classify(model, image, preset, options.top, names)

    if options.json:
        print(json.dumps({
            "checkpoint": str(options.checkpoint), "preset": asdict(preset), "num_classes": count,
            "classes": meaning(count, named_by), "names_from": named_by or None,
            "images": [{"image": str(path), "classes": [asdict(entry) for entry in entries]}
                       for path, entries in ranked.items()],
            "failed": [{"image": str(path), "reason": reason} for path, reason in failures.items()],
            "notes": options.notes}))
    else:
        print(phrase("preset {name}: {steps}", name=preset.name, steps=preset.described()))
        print(said_of_names(stored.labels, count, named_by))
        print_classes(ranked)
    if options.csv:
        write_csv(options.csv, ranked)
    if options.plot:
        draw(options.plot, image, preset, ranked[paths[0]])
    for reason in failures.values():
        print(f"swin-np: {printable(reason)}", file=sys.stderr)
    if failures:
        raise InputError(f"{len(failures)} of {len(paths)} images could not be read, for the reasons above: "
                         "mend or remove them")


def image_files(paths: list[Path]) -> list[Path]:
    """The paths, each folder replaced by the image files directly in it, in the order of their names; none twice.

    Raises InputError for a folder without image files.
    """
    files: list[Path] = []
    for path in paths:
        if not os.path.isdir(path):
            files.append(path)
            continue
        try:
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file()
                           and not file.name.startswith("."))
        except OSError as error:
            raise InputError(f"the folder {path} cannot be read ({error.strerror}): check its permissions") from error
        if not found:
            raise InputError(f"the folder {path} holds no image file: give one with files that end in "
                             f"{', '.join(ENDINGS)}")
        files += found
    return list(dict.fromkeys(files))


def check_outputs(options: argparse.Namespace, paths: list[Path]) -> None:
    """Raise InputError, before the long work, for output files that could not be written after it."""
    output_file(options.csv, TABLE, [*paths, options.checkpoint])
    output_file(options.plot, FIGURE, [*paths, options.checkpoint])
    if options.plot and len(paths) > 1:
        raise InputError(f"--plot draws one image, and there are {len(paths)}: give one, or leave --plot out")


def write_csv(path: Path, ranked: dict[Path, list[RankedClass]]) -> None:
    """One row for each image and rank."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("image", "rank", "class", "name", "probability"))
    for image, entries in ranked.items():
        table.writerows((printable(str(image)), rank, entry.number, printable(entry.name), f"{entry.probability:.9g}")
                        for rank, entry in enumerate(entries, start=1))
    write_text(text.getvalue(), path)


def draw(path: Path, image: Array, preset: Preset, ranked: list[RankedClass]) -> None:
    """The bar chart of the first classes beside the image, as a file."""
    from swin_np.plots.classes import classes_beside_photograph  # here, since matplotlib takes a second to import
    from swin_np.plots.saving import save

    first = ranked[:DRAWN]
    save(classes_beside_photograph(images.resize_and_crop(image, preset), [drawn(entry.label()) for entry in first],
                                   [entry.probability for entry in first]), path)


def drawn(label: str) -> str:
    """A name that fits beside its bar."""
    label = printable(label)
    return label if len(label) <= LONGEST_DRAWN else f"{label[:LONGEST_DRAWN - 1]}\N{HORIZONTAL ELLIPSIS}"


def meaning(count: int, named_by: str) -> str:
    """What the classes of a checkpoint are, as far as the source of their names, or their count, tells."""
    return named_by or ("ImageNet-22k" if count == IMAGENET_22K else "unknown")


def said_of_names(labels: tuple[str, ...] | None, count: int, named_by: str) -> str:
    """Where the names of the classes come from, or why there are none."""
    if named_by == CONFIGURATION:
        return phrase("The {count} classes are named by the {file} beside the checkpoint.", count=count,
                      file=CONFIGURATION)
    if named_by:
        return phrase("The {count} classes are taken for those of {dataset}, since nothing beside the checkpoint names "
                      "them.", count=count, dataset=named_by)
    if labels is not None:
        return phrase("{file} names {named} classes and the checkpoint has {count}: their numbers are printed.",
                      file=CONFIGURATION, named=len(labels), count=count)
    if count == IMAGENET_22K:
        return phrase("The {count} classes of this checkpoint are those of ImageNet-22k: their numbers are printed, "
                      "their names are not part of this package.", count=count)
    return phrase("What the {count} classes of this checkpoint are is not known here: their numbers are printed.",
                  count=count)


def print_classes(ranked: dict[Path, list[RankedClass]]) -> None:
    """The classes of each image as text."""
    for path, entries in ranked.items():
        print(f"\n{printable(str(path))}")
        for entry in entries:
            print(f"{100 * entry.probability:8.3f} %  {entry.number:5}  {printable(entry.name)}".rstrip())
