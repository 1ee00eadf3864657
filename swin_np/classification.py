"""Section 4.1: image classification, from a photograph to its most probable classes; and `swin-np classify`."""

import argparse
import csv
import importlib.resources
import io
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from swin_np import images
from swin_np.checkpoint_commands import add_model_options, check_folder, given_sizes, is_same_file
from swin_np.checkpoints.files import read
from swin_np.checkpoints.loading import identify, load
from swin_np.checkpoints.stored_presets import stored_preset
from swin_np.checkpoints.writing import replacing
from swin_np.dense.backbones import DenseModel
from swin_np.errors import CheckpointError, ConfigurationError, InputError, ShapeError
from swin_np.functional import Array, pair, softmax
from swin_np.images import PRESETS, Preset
from swin_np.layers import Module
from swin_np.names import check_name
from swin_np.parallel import threads
from swin_np.preset_choice import default_preset, named_preset
from swin_np.systems import Config, image_size
from swin_np.terminal import printable, size, with_progress

IMAGENET_1K, IMAGENET_22K = 1000, 21841                # classes
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
DRAWN = 5                                              # classes in the bar chart


@dataclass(frozen=True)
class RankedClass:
    """One class of an image: its number, its name (empty if not known) and its probability."""

    number: int
    name: str
    probability: float

    def label(self) -> str:
        """The name, or else the number."""
        return self.name or f"class {self.number}"


def class_names(count: int) -> tuple[str, ...]:
    """A short name for each of `count` classes: those of ImageNet-1k if there are 1000, else empty texts."""
    if count != IMAGENET_1K:
        return ("",) * count
    file = importlib.resources.files("swin_np") / "data" / "imagenet_1k_names.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines())


def check_head(model: Module, top: int) -> None:
    """Raise ConfigurationError or InputError unless the model can name `top` classes of an image with three colours."""
    if isinstance(model, DenseModel):
        raise ConfigurationError("the model scores pixels or makes a pyramid, and names no class of an image: "
                                 "take a checkpoint for classification")
    count = getattr(model.config, "num_classes", 0)    # a Transformer's has none
    if not count:
        raise ConfigurationError("the model has no head, so it gives features and no classes: "
                                 "take a checkpoint for classification")
    if model.config.in_chans != 3:
        raise ConfigurationError(f"the model takes images of {model.config.in_chans} channels, and images are prepared "
                                 "with red, green and blue: take a checkpoint for these, or call the model yourself")
    if not 1 <= top <= count:
        raise InputError(f"the {top} most probable classes were asked for, the model has {count}: "
                         f"ask for 1 to {count}")


def preset_of(name: str | None, checkpoint: Path, config: Config, sizes: dict[str, object]) -> Preset:
    """The preset asked for, else the one that a file beside the checkpoint tells, else that of its implementation.

    config: of the model that was loaded; sizes: what else `load` was given.
    Raises a SwinError, with the choices, where there is none or it does not fit.
    """
    if name is not None:
        return named_preset(name, config)
    found = identify(read(checkpoint), **sizes)
    preset = found.preprocessing and stored_preset(found.preprocessing)
    if preset is None:
        return default_preset(config, found.dialect.name)
    try:
        config.check_image_size(pair(preset.crop))
    except ShapeError:
        raise CheckpointError(f"{checkpoint}: {preset.name} beside it crops to {size(pair(preset.crop))}, and the "
                              f"model takes {size(image_size(config))}: give --image-size or --preset NAME") from None
    return preset


def classify(model: Module, image: Array, preset: Preset, top: int = 5) -> list[RankedClass]:
    """The `top` most probable classes of an image (H, W, 3) uint8, the most probable first; of equals the lower number.

    Raises ConfigurationError for a model without a head, InputError for anything that is no image, for `top` beyond
    the classes and for weights that give no number, ShapeError for a preset whose crop the model does not take.
    """
    check_head(model, top)
    model.config.check_image_size(pair(preset.crop))
    batch = images.preprocess(image, preset).astype(model.dtype)
    try:
        logits = model(batch)[0]                       # (num_classes,)
        finite = np.isfinite(logits).all()             # the model itself looks, unless a trace records
    except InputError:
        finite = False
    if not finite:
        raise InputError("the logits are not finite: the checkpoint holds NaN, infinite or huge weights, "
                         "swin-np inspect says where")
    probabilities = softmax(logits.astype(np.float64))
    names = class_names(len(logits))
    return [RankedClass(int(i), names[i], float(probabilities[i]))
            for i in np.argsort(-probabilities, kind="stable")[:top]]


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `classify` to the parser of the command line."""
    command = commands.add_parser(
        "classify", help="the most probable classes of images, by a checkpoint",
        description="The most probable classes of images. Checkpoints of 1000 classes are taken for ImageNet-1k's and "
                    "get its names; of others the numbers are printed.",
        epilog="example: swin-np classify photo.jpg --checkpoint swin_tiny_patch4_window7_224.pth --plot photo.svg")
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="image files, and folders of them")
    command.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="of any format and dialect")
    command.add_argument("--preset", metavar="NAME", help="how images are resized, cropped and normalised, one of "
                         f"{', '.join(PRESETS)} (default: as preprocessor_config.json or timm's config.json beside the "
                         "checkpoint says, else as its implementation does, where that is known)")
    command.add_argument("--top", type=int, default=5, help="how many classes (default: 5)")
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw one image and its classes, .svg or .png")
    command.add_argument("--csv", type=Path, metavar="FILE", help="also write the result as a table, .csv")
    command.add_argument("--threads", type=int, help="cores to use (default: all, or what SWIN_NP_THREADS says)")
    add_model_options(command)
    command.set_defaults(run=run_classify)


def run_classify(options: argparse.Namespace) -> None:
    """`swin-np classify`."""
    if options.preset is not None:
        check_name("preset", options.preset, PRESETS)
    if options.top < 1:
        raise InputError(f"--top {options.top} was given: ask for at least one class")
    paths = image_files(options.images)
    check_outputs(options, paths)
    sizes = given_sizes(options)
    model = load(options.checkpoint, **sizes)
    check_head(model, options.top)
    preset = preset_of(options.preset, options.checkpoint, model.config, sizes)

    ranked: dict[Path, list[RankedClass]] = {}
    failures: dict[Path, str] = {}
    with threads(options.threads):
        for path in with_progress(paths, "images"):
            try:
                image = images.load(path)
            except InputError as error:
                if len(paths) == 1:
                    raise
                failures[path] = str(error)
            else:
                ranked[path] = classify(model, image, preset, options.top)

    if options.csv:
        write_csv(options.csv, ranked)
    if options.plot:
        draw(options.plot, image, preset, ranked[paths[0]])
    if options.json:
        print(json.dumps({
            "checkpoint": str(options.checkpoint), "preset": asdict(preset), "num_classes": model.config.num_classes,
            "classes": meaning(model.config.num_classes),
            "images": [{"image": str(path), "classes": [asdict(entry) for entry in entries]}
                       for path, entries in ranked.items()],
            "failed": [{"image": str(path), "reason": reason} for path, reason in failures.items()],
            "notes": options.notes}))
    else:
        print_classes(model.config, preset, ranked)
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
    if options.csv:
        if options.csv.suffix.lower() != ".csv":
            raise InputError(f"--csv {options.csv} does not end in .csv: choose that ending")
        check_folder(options.csv)
    if options.plot:
        if options.plot.suffix not in (".svg", ".png"):
            raise InputError(f"--plot {options.plot} ends in neither .svg nor .png: choose one of these endings")
        if len(paths) > 1:
            raise InputError(f"--plot draws one image, and there are {len(paths)}: give one, or leave --plot out")
        if is_same_file(options.plot, paths[0]):
            raise InputError(f"--plot {options.plot} is the image itself: choose another file")


def write_csv(path: Path, ranked: dict[Path, list[RankedClass]]) -> None:
    """One row for each image and rank."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("image", "rank", "class", "name", "probability"))
    for image, entries in ranked.items():
        table.writerows((printable(str(image)), rank, entry.number, entry.name, f"{entry.probability:.9g}")
                        for rank, entry in enumerate(entries, start=1))
    with replacing(path) as stream:
        stream.write(text.getvalue().encode())


def draw(path: Path, image: Array, preset: Preset, ranked: list[RankedClass]) -> None:
    """The bar chart of the first classes beside the image, as a file."""
    from swin_np.plots.classes import classes_beside_photograph  # here, since matplotlib takes a second to import
    from swin_np.plots.saving import save

    first = ranked[:DRAWN]
    save(classes_beside_photograph(images.resize_and_crop(image, preset), [entry.label() for entry in first],
                                   [entry.probability for entry in first]), path)


def meaning(count: int) -> str:
    """What the classes of a checkpoint are, as far as their count tells."""
    return {IMAGENET_1K: "ImageNet-1k", IMAGENET_22K: "ImageNet-22k"}.get(count, "unknown")


def print_classes(config: Config, preset: Preset, ranked: dict[Path, list[RankedClass]]) -> None:
    """The result as text."""
    print(f"preset {preset.name}: {preset.described()}")
    if config.num_classes == IMAGENET_22K:
        print(f"The {IMAGENET_22K} classes of this checkpoint are those of ImageNet-22k: their numbers are printed, "
              "their names are not part of this package.")
    elif config.num_classes != IMAGENET_1K:
        print(f"What the {config.num_classes} classes of this checkpoint are is not known here: their numbers are "
              "printed.")
    for path, entries in ranked.items():
        print(f"\n{printable(str(path))}")
        for entry in entries:
            print(f"{100 * entry.probability:8.3f} %  {entry.number:5}  {entry.name}".rstrip())
