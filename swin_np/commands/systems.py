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
from swin_np.language import phrase
from swin_np.systems.measurement import Measurement, measure
from swin_np.systems.registry import COMPARED, SYSTEMS, Config, architecture_of, for_image_size, layer_costs
from swin_np.systems.tour import chain_of
from swin_np.text import row, size

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
        "systems",
        help=phrase("all systems side by side: parameters, multiply-adds, activations, maps; time and memory"),
        description=phrase(
            "Every system at every image size, for one float32 image. A ViT is built for each size; a Swin has the "
            "shape policy torchvision, which pads maps that its window does not divide; a Transformer has sequences as "
            "long as the image has 16x16 patches. \"written\" are the activations of all layers together. Weights are "
            "random."),
        epilog=phrase("example: {call}",
                      call="swin-np systems swin_t vit_b_16 resnet_50 --sizes 224 448 896 --measure"))
    command.add_argument("names", nargs="*", metavar="NAME", default=COMPARED, help=phrase(
        "one of {names} (default: {default})", names=", ".join(SYSTEMS), default=", ".join(COMPARED)))
    command.add_argument("--sizes", type=int, nargs="+", default=[224, 448, 896], metavar="PIXELS",
                         help=phrase("sides of square images (default: 224 448 896)"))
    command.add_argument("--measure", action="store_true", help=phrase(
        "run each system on one image in a fresh process: median time and peak resident memory"))
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
        print(row(COUNTED, phrase("system"), phrase("pixels"), phrase("parameters"), phrase("multiply-adds"),
                  phrase("written"))
              + (row(MEASURED, phrase("time"), phrase("peak")) if options.measure else "") + row(MAPS, phrase("maps")))
    if options.measure:
        rows = with_measurements(rows, options.threads)
    finished = []
    for system in rows:
        finished.append(system)
        if not options.json:
            print(line(system, options.measure), flush=True)
    if options.json:
        print(json.dumps({"threads": options.threads, "systems": [asdict(system) for system in finished]}))


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
    for number, case in enumerate(rows, start=1):
        which = {"system": case.system, "size": size(case.image_size)}
        progress(phrase("{number} of {all}: {system} at {size}", number=number, all=len(rows), **which))
        measured = measure(case.system, case.image_size, cores)
        if measured is None:
            progress(phrase("{system} at {size} did not come to its end, perhaps for want of memory: its cells stay "
                            "empty", **which))
        elif measured.peak is None and number == 1:
            progress(phrase("the peak memory is not measured, since this system does not let a process reset its "
                            "account of it: these cells stay empty"))
        yield Row(**{**vars(case), "measured": measured})


def line(case: Row, with_measured: bool) -> str:
    """One row of the table."""
    text = row(COUNTED, case.system, size(case.image_size), f"{case.parameters:,}",
               f"{case.multiply_adds / 1e9:.3f} G", f"{case.activation_bytes / 2 ** 20:.1f} MiB")
    if with_measured:
        seconds = "" if case.measured is None else f"{1000 * case.measured.seconds:.0f} ms"
        peak = "" if case.measured is None or case.measured.peak is None else f"{case.measured.peak:.0f} MiB"
        text += row(MEASURED, seconds, peak)
    return text + row(MAPS, " ".join(map(size, case.maps)))
