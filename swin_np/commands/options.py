"""What several commands share: their options, and the check of the files that they write before the work begins."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from swin_np.checkpoints.file_names import INDEX_ENDING
from swin_np.checkpoints.hub.address import is_address
from swin_np.checkpoints.hub.download import fetched
from swin_np.errors import InputError
from swin_np.language import phrase
from swin_np.writing import check_ending, make_folder, unwritable

ADDRESS_HELP = "or hf://owner/name, a repository on a hub (`swin-np pretrained` lists some)"
FIGURE, TABLE, PAGE = (".svg", ".png"), (".csv",), (".html",)       # endings of what --plot, --csv and --html write


def add_json(command: argparse.ArgumentParser) -> None:
    """--json: the result for programs."""
    command.add_argument("--json", action="store_true", help=phrase("print one JSON object and nothing else"))


def add_threads(command: argparse.ArgumentParser) -> None:
    """--threads: how many cores may work."""
    command.add_argument("--threads", type=int,
                         help=phrase("cores to use (default: all, or what SWIN_NP_THREADS says)"))


def add_seed(command: argparse.ArgumentParser, of: str) -> None:
    """--seed: of the random weights, or images, in the reader's language."""
    command.add_argument("--seed", type=int, default=0, help=phrase("seed of the {of} (default: 0)", of=of))


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that NumPy does not take."""
    if seed < 0:
        raise InputError(f"seed {seed} is negative: give 0 or more")


def add_plot(command: argparse.ArgumentParser, what: str) -> None:
    """--plot: a file for a figure of `what`, in the reader's language."""
    command.add_argument("--plot", type=Path, metavar="FILE", help=phrase("draw {what}, .svg or .png", what=what))


def checkpoint(text: str) -> Path | str:
    """The type of an argument for a checkpoint: a path, or an address on a hub, of which pathlib would drop a slash."""
    return text if is_address(text) else Path(text)


def on_this_disk(source: Path | str, options: argparse.Namespace) -> Path:
    """The path of a checkpoint; what an address names is fetched, with a progress bar unless there is --json."""
    return fetched(source, bar=not options.json) if is_address(source) else Path(source)


def name_of(source: Path | str) -> str:
    """What a file that is written says of its source: a file's name without its folder, or the whole address."""
    return source if is_address(source) else source.name


def add_model_options(command: argparse.ArgumentParser) -> None:
    """The options of all commands that read a checkpoint."""
    command.add_argument("--num-heads", type=int, nargs="+", metavar="N",
                         help=phrase("attention heads of every stage, where the checkpoint does not tell"))
    command.add_argument("--image-size", type=int, nargs="+", metavar="PIXELS",
                         help=phrase("side, or height and width, of the model's images, where the checkpoint does not "
                                     "tell"))
    command.add_argument("--window-size", type=int, nargs="+", metavar="M",
                         help=phrase("side, or height and width, of a Swin V2's windows, where the checkpoint does not "
                                     "tell"))
    command.add_argument("--pretrained-window-sizes", type=int, nargs="+", metavar="M",
                         help=phrase("windows of a Swin V2's first training, of every stage or one for all, 0 where "
                                     "they were not changed, where the checkpoint does not tell"))
    command.add_argument("--part", metavar="NAME",
                         help=phrase("which of several models in the checkpoint, such as teacher, or backbone for that "
                                     "of a segmenter alone"))
    add_json(command)
    command.set_defaults(notes=[])                     # what was assumed, which cli.main collects


def given_sizes(options: argparse.Namespace) -> dict[str, tuple[int, ...] | str | None]:
    """What `load` and `identify` take of the options that `add_model_options` adds, a single side doubled.

    Raises InputError for sizes that cannot be.
    """
    heads = options.num_heads
    if heads and min(heads) < 1:
        raise InputError(f"--num-heads {' '.join(map(str, heads))} was given: give a positive number for each stage")
    pretrained = options.pretrained_window_sizes
    if pretrained and min(pretrained) < 0:
        raise InputError(f"--pretrained-window-sizes {' '.join(map(str, pretrained))} was given: give a window, "
                         "or 0, for each stage")
    return {"num_heads": tuple(heads) if heads else None, "image_size": both_sides("--image-size", options.image_size),
            "window_size": both_sides("--window-size", options.window_size),
            "pretrained_window_sizes": tuple(pretrained) if pretrained else None, "part": options.part}


def both_sides(option: str, sides: list[int] | None) -> tuple[int, int] | None:
    """Height and width of an option that takes one or both; InputError for sides that cannot be."""
    if sides and (len(sides) > 2 or min(sides) < 1):
        raise InputError(f"{option} {' '.join(map(str, sides))} was given: "
                         "give one positive side, or a height and a width")
    return (sides[0], sides[-1]) if sides else None


def output_file(path: Path | None, endings: Iterable[str], read: Iterable[Path | str | None] = ()) -> None:
    """Raise InputError, before the long work, unless a file can be written at `path`; None is a file not asked for.

    Its name ends in one of `endings`; it is no folder, and its folder is there and can be written to; it is none of
    the files that are `read`: of a folder and of an index of shards every file in the folder counts, of an address
    none.
    """
    if path is None:
        return
    check_ending(path, endings)
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of a file to write")
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass                                           # it is new, or its folder is not there
    except OSError as error:                           # its name is too long, or its folder a file
        raise unwritable(path, error) from None
    if not os.path.isdir(path.parent) or not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written: choose a folder that exists and that you can write to")
    local = [source for source in read if source is not None and not is_address(source)]
    files = [file for source in local for file in files_of(source) if os.path.exists(file)]
    if os.path.exists(path) and any(os.path.samefile(file, path) for file in files):
        raise InputError(f"{path} is a file that is read: choose another name for what is written")


def files_of(path: Path) -> list[Path]:
    """The files that reading `path` may read: those of a folder, those beside an index of shards, or the file."""
    folder = path if os.path.isdir(path) else path.parent if path.name.endswith(INDEX_ENDING) else None
    return sorted(folder.glob("*")) if folder else [path]


def output_folder(folder: Path, names: Iterable[str], read: Iterable[Path] = ()) -> None:
    """Make the folder where there is none, and raise InputError unless files of these names can be written there."""
    make_folder(folder)
    for name in names:
        output_file(folder / name, [Path(name).suffix], read)
