"""`swin-np systems`: the table of all systems side by side, counted and, if asked for, measured."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from swin_np.arguments.names import check_name
from swin_np.baselines.vit import ViTConfig
from swin_np.commands.options import add_json, add_threads
from swin_np.commands.terminal import progress
from swin_np.costs import total
from swin_np.errors import InputError, SwinError
from swin_np.systems.measurement import Measurement, measure
from swin_np.systems.registry import COMPARED, SYSTEMS, Config, architecture_of, for_image_size, layer_costs
from swin_np.systems.tour import chain_of
from swin_np.text import size

COUNTED = "{:21}{:>9}{:>14}{:>15}{:>13}"
MEASURED = "{:>11}{:>12}"
MAPS = "  {}"


@dataclass(frozen=True)
class Row:
    """One system at one image size, for one float32 image.

    maps: (h, w, C) of each of its feature maps, of a dense model's levels, or of its scores; (n, d_model) of a
    Transformer's encoder and of its decoder.
    measured: None where that was not asked for, or failed.
    """

    system: str
    image_size: tuple[int, int]
    parameters: int
    multiply_adds: int
    activation_bytes: int
    maps: list[tuple[int, ...]]
    measured: Measurement | None


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `systems` to the parser of the command line."""
    command = commands.add_parser(
        "systems", help="all systems side by side: parameters, multiply-adds, activations, maps; time and memory",
        description="Every system at every image size, for one float32 image. A ViT is built for each size; a Swin has "
                    "the shape policy torchvision, which pads maps that its window does not divide; a Transformer has "
                    "sequences as long as the image has 16x16 patches. \"written\" are the activations of all layers "
                    "together. Weights are random.",
        epilog="example: swin-np systems swin_t vit_b_16 resnet_50 --sizes 224 448 896 --measure")
    command.add_argument("names", nargs="*", metavar="NAME", default=COMPARED,
                         help=f"one of {', '.join(SYSTEMS)} (default: {', '.join(COMPARED)})")
    command.add_argument("--sizes", type=int, nargs="+", default=[224, 448, 896], metavar="PIXELS",
                         help="sides of square images (default: 224 448 896)")
    command.add_argument("--measure", action="store_true",
                         help="run each system on one image in a fresh process: median time and peak resident memory")
    add_threads(command)
    add_json(command)
    command.set_defaults(run=run_systems)


def run_systems(options: argparse.Namespace) -> None:
    """`swin-np systems`."""
    for name in options.names:
        check_name("system", name, SYSTEMS)
    if min(options.sizes) < 1:
        raise InputError(f"--sizes {' '.join(map(str, options.sizes))} was given: give positive numbers of pixels")
    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads {options.threads} was given: use at least one core")
    cases = [(name, (side, side)) for name in options.names for side in options.sizes]
    rows = [counted(*case) for case in cases]          # all of them first: a size that does not fit shows at once
    if not options.json:
        print(COUNTED.format("system", "image", "parameters", "multiply-adds", "written")
              + (MEASURED.format("time", "peak") if options.measure else "") + MAPS.format("maps"))
    if options.measure:
        rows = with_measurements(rows, options.threads)
    finished = []
    for row in rows:
        finished.append(row)
        if not options.json:
            print(line(row, options.measure), flush=True)
    if options.json:
        print(json.dumps({"threads": options.threads, "systems": [asdict(row) for row in finished]}))


def counted(name: str, pixels: tuple[int, int]) -> Row:
    """The counts of a system for images of this size; a SwinError says which system does not take them."""
    try:
        config = for_image_size(SYSTEMS[name], pixels)
        costs = layer_costs(config, pixels)
    except SwinError as error:
        raise type(error)(f"{name} at {size(pixels)}: {error}") from None
    sums = total(costs)
    maps = [next(cost.output_shape for cost in reversed(costs) if cost.name.startswith(part.layers))
            for part in chain_of(architecture_of(config).model.random(config, None)) if part.stage]
    return Row(name, pixels, sums.parameters, sums.multiply_adds, sums.activation_bytes,
               [map_shape(config, shape) for shape in maps], None)


def map_shape(config: Config, shape: tuple[int, ...]) -> tuple[int, ...]:
    """(h, w, C) of what a stage gives; a ViT's (n, D) tokens without those that are no patch; or (n, d_model)."""
    return (*config.grid, shape[-1]) if isinstance(config, ViTConfig) else shape


def with_measurements(rows: list[Row], cores: int | None) -> Iterator[Row]:
    """The rows with time and memory, each in turn, with a line of progress."""
    for number, row in enumerate(rows, start=1):
        progress(f"{number} of {len(rows)}: {row.system} at {size(row.image_size)}")
        measured = measure(row.system, row.image_size, cores)
        if measured is None:
            progress(f"{row.system} at {size(row.image_size)} did not come to its end, perhaps for want of memory: "
                     "its cells stay empty")
        elif measured.peak is None and number == 1:
            progress("the peak memory is not measured, since this system does not let a process reset its account of "
                     "it: these cells stay empty")
        yield Row(**{**vars(row), "measured": measured})


def line(row: Row, with_measured: bool) -> str:
    """One row of the table."""
    text = COUNTED.format(row.system, size(row.image_size), f"{row.parameters:,}", f"{row.multiply_adds / 1e9:.3f} G",
                          f"{row.activation_bytes / 2 ** 20:.1f} MiB")
    if with_measured:
        seconds = "" if row.measured is None else f"{1000 * row.measured.seconds:.0f} ms"
        peak = "" if row.measured is None or row.measured.peak is None else f"{row.measured.peak:.0f} MiB"
        text += MEASURED.format(seconds, peak)
    return text + MAPS.format(" ".join(map(size, row.maps)))
